"""VTK files: fields on the cells of a box, or on the nodes and triangles of a curved domain, instant by instant.

XML with numbers in base64, as ParaView, PyVista and VisIt read it. Source: Kitware (2024), VTK file formats, "XML file
formats": unstructured grids (.vtu), and collections of them (.pvd).
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from spindle.errors import ProblemError
from spindle.geometry.shape_domain import ShapeDomain
from spindle.problem.families import family_parameters
from spindle.results.axes import checked_names, completed, nodes_of
from spindle.results.references import exact
from spindle.results.triangulation import Cells, curved_cells, grid_cells
from spindle.storage.arrays import write_atomically
from spindle.symbolic.symbols import is_time

_INSTANTS = 11
_TYPES = {"f": ("Float64", "<f8"), "i": ("Int64", "<i8"), "u": ("UInt8", "u1")}


def write_vtk(fields, path: Path, points: int | None, axes: Mapping) -> Path:
    """Write the fields of a solution or of a member of a family; see `Presented.to_vtk`."""
    problem = fields.posed
    if path.suffix not in (".vtu", ".pvd"):
        raise ProblemError(
            f'`solution.to_vtk("{path.name}")` writes VTK\'s XML, whose names end in .vtu; write '
            f'`solution.to_vtk("{path.stem}.vtu")`.'
        )
    checked_names(problem, axes)
    if parameters := family_parameters(problem):
        call = ", ".join(f"{p.name}={sum(p.bounds) / 2:g}" for p in parameters)
        raise ProblemError(
            f"`solution.to_vtk(...)` writes one field, and `{problem.name}` is a family over "
            f"{', '.join(p.name for p in parameters)}; take a member, `family({call}).to_vtk(path)`."
        )
    time = next((c.name for c in problem.coordinates if is_time(c)), None)
    axes = {time: _INSTANTS, **axes} if time else dict(axes)
    sampled = (_on_nodes if isinstance(problem.domain, ShapeDomain) else _on_grid)(fields, points, axes, time)
    if time is None:
        write_atomically(path, _unstructured(sampled.cells, sampled.at[0]))
        return path
    names = [path.with_name(f"{path.stem}_{k:04d}.vtu") for k in range(len(sampled.times))]
    for name, values in zip(names, sampled.at, strict=True):
        write_atomically(name, _unstructured(sampled.cells, values))
    collection = path.with_suffix(".pvd")
    write_atomically(collection, _collection(sampled.times, [name.name for name in names]))
    return collection


@dataclass(frozen=True)
class Sampled:
    """Fields at the points of cells: for each of the times (one of 0 where there is none) `{name: values (n,)}`."""

    cells: Cells
    times: np.ndarray
    at: list[dict[str, np.ndarray]]


def _on_grid(fields, points, axes: Mapping, time: str | None) -> Sampled:
    """The fields on the nodes of a grid."""
    problem = fields.posed
    if points is not None:
        call = ", ".join(f"{c}=101" for c in problem.coordinates if not is_time(c))
        raise ProblemError(
            f"`solution.to_vtk(points={points})` asks for scattered nodes, and {problem.domain} is made of boxes, "
            f"which get grids; write `solution.to_vtk(path, {call})`."
        )
    names, rows = [c.name for c in problem.coordinates], nodes_of(problem, completed(problem, axes))
    nodes = dict(zip(names, rows, strict=True))
    cells = grid_cells(problem, nodes, time)
    times = nodes[time] if time else np.zeros(1)
    at = []
    for instant in times:
        now = nodes | ({time: np.array([instant])} if time else {})
        values = {name: fields.grid(u, **now) for name, u in problem.fields.items()}
        values |= _known(fields, list(now.values()))
        at.append({name: np.asarray(v, float).ravel() for name, v in values.items()})
    return Sampled(cells, times, at)


def _on_nodes(fields, points, axes: Mapping, time: str | None) -> Sampled:
    """The fields on scattered nodes of a curved domain."""
    problem = fields.posed
    shape = problem.domain.shape
    for name in axes:
        if name != time:
            raise ProblemError(
                f"`solution.to_vtk({name}=...)` names an axis of a grid, and {shape} gets scattered nodes; say how "
                f"many, `solution.to_vtk(path, points=5000)`."
            )
    cells = curved_cells(fields.whole, shape, points)
    bounds = dict(zip([c.name for c in problem.coordinates], problem.domain.bounds, strict=True))
    times = _instants(axes[time], bounds[time]) if time else np.zeros(1)
    at = []
    for instant in times:
        places = dict(zip([c.name for c in shape.coordinates], cells.points.T, strict=True))
        places |= {time: np.full(len(cells.points), instant)} if time else {}
        at.append({name: fields(u, **places) for name, u in problem.fields.items()})
        columns = np.stack([places[c.name] for c in problem.coordinates], axis=1)
        at[-1] |= _known(fields, columns)
    return Sampled(cells, times, at)


def _instants(chosen, ends: tuple[float, float]) -> np.ndarray:
    return np.linspace(*ends, chosen) if isinstance(chosen, int) else np.atleast_1d(np.asarray(chosen, float))


def _known(fields, where) -> dict[str, np.ndarray]:
    """The exact solutions where the fields are taken, `u_exact`."""
    problem = fields.posed
    closed = {name: u for name, u in problem.fields.items() if u in problem.compared and problem.compared[u].closed}
    return {f"{name}_exact": exact(problem, u, where) for name, u in closed.items()}


def _unstructured(cells: Cells, values: Mapping[str, np.ndarray]) -> bytes:
    """One unstructured grid with its values as a file."""
    count, corners = cells.corners.shape
    space = np.zeros((len(cells.points), 3))
    space[:, : cells.points.shape[1]] = cells.points
    body = [
        f'<Piece NumberOfPoints="{len(space)}" NumberOfCells="{count}">',
        "<Points>",
        _array("Points", space),
        "</Points><Cells>",
        _array("connectivity", cells.corners.ravel()),
        _array("offsets", corners * np.arange(1, count + 1)),
        _array("types", np.full(count, cells.kind, np.uint8)),
        "</Cells><PointData>",
        *(_array(name, v) for name, v in values.items()),
        "</PointData></Piece>",
    ]
    return _file("UnstructuredGrid", body)


def _collection(times: np.ndarray, names: Iterable[str]) -> bytes:
    """The list of the files of all instants."""
    entries = zip(times, names, strict=True)
    return _file("Collection", [f'<DataSet timestep="{float(t)!r}" part="0" file={quoteattr(n)}/>' for t, n in entries])


def _file(kind: str, body: Iterable[str]) -> bytes:
    head = f'<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    lines = ['<?xml version="1.0"?>', head, f"<{kind}>", *body, f"</{kind}>", "</VTKFile>", ""]
    return "\n".join(lines).encode()


def _array(name: str, values: np.ndarray) -> str:
    """Numbers (n,) or (n, components) as an element of XML."""
    kind, stored = _TYPES[values.dtype.kind]
    content: Any = np.ascontiguousarray(values, stored).tobytes()
    text = base64.b64encode(np.array(len(content), "<u8").tobytes() + content).decode()
    wide = f' NumberOfComponents="{values.shape[1]}"' if values.ndim > 1 else ""
    return f'<DataArray type="{kind}" Name={quoteattr(name)}{wide} format="binary">{text}</DataArray>'
