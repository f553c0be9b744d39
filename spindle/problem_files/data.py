"""Data files that a problem names: columns of CSV, arrays of npz, variables of NetCDF, and lists in the problem itself.

Files are read from the problem's folder or below it alone, so that a problem from elsewhere sees nothing of the disk.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spindle.errors import ProblemError, nearest
from spindle.problem_files.arrays import Columns, read_netcdf, read_npz
from spindle.problem_files.columns import CsvColumns, Renamed
from spindle.problem_files.source import Entry
from spindle.storage.bounded import LARGEST_DATA
from spindle.symbolic.labelled import unit_of, without_unit

_LARGEST_CSV = 30_000_000  # bytes: text of this size takes some seconds
_MOST_POINTS = 1_000_000  # of measurements, each of which is one residual


def scattered(
    entry: Entry, coordinates: Sequence[str], variable: str
) -> tuple[dict[str, np.ndarray], np.ndarray, Mapping[str, str]]:
    """Points {coordinate: (n,)} and values (n,) of measurements, and units by name; a grid is the list of its points.

    entry   a table with `data`, a file, or with `at` and `values`, lists
    Raises ProblemError where there are too many measurements, or the arrays do not have one value for each point.
    """
    columns = _columns(entry, coordinates, variable)
    values = _named(entry, columns, variable)
    if values.size > _MOST_POINTS:
        raise entry.error(
            f"it has {values.size:,} measurements, of which {_MOST_POINTS:,} are the most; thin them out."
        )
    axes = [_named(entry, columns, c) for c in coordinates]
    gridded = values.ndim > 1 or len(coordinates) == 1 or set(columns.dims.get(variable, ())) == set(coordinates)
    if values.ndim == len(coordinates) and gridded and all(a.ndim == 1 for a in axes):
        values = _in_order(entry, columns, variable, coordinates, axes)
        axes = [mesh.ravel() for mesh in np.meshgrid(*axes, indexing="ij")]
    if any(a.shape != values.ravel().shape for a in axes):
        shapes = ", ".join(f"{c} {a.shape}" for c, a in zip([*coordinates, variable], [*axes, values], strict=True))
        raise entry.error(f"its arrays have the shapes {shapes}, and measurements need one of each for every point.")
    return dict(zip(coordinates, axes, strict=True)), values.ravel(), columns.units


def gridded(
    entry: Entry, coordinates: Sequence[str], variable: str, *, all_of_them: bool = False
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Nodes {coordinate: (n,)} and values on their tensor grid, one axis a coordinate.

    coordinates   of the problem; the table depends on those that the file holds, or that `axes` names
    Raises ProblemError where the table depends on no coordinate, or with `all_of_them` not on all in their order.
    """
    columns = _columns(entry, coordinates, variable)
    listed = entry.get("axes")
    if listed is not None:
        names = [_known(item, coordinates) for item in listed.items('axes = ["x", "y"]')]
    else:
        names = [c for c in coordinates if c in columns.dims.get(variable, columns.arrays)]
    if not names or (all_of_them and names != list(coordinates)):
        wanted = f"needs {', '.join(coordinates)} in this order" if all_of_them else "needs a coordinate of the problem"
        raise entry.error(f"`{variable}` has the axes {', '.join(names) or 'none'}, and {wanted}.")
    axes = [_named(entry, columns, c) for c in names]
    values = _named(entry, columns, variable)
    if values.ndim == 1 and len(names) > 1:
        return _pivoted(entry, names, axes, values)
    return dict(zip(names, axes, strict=True)), _in_order(entry, columns, variable, names, axes)


def _known(item: Entry, coordinates: Sequence[str]) -> str:
    name = item.text('axes = ["x", "y"]')
    if name not in coordinates:
        raise item.error(f"`{name}` is no coordinate.{nearest(name, coordinates)}")
    return name


def _named(entry: Entry, columns: Columns, name: str) -> np.ndarray:
    if name not in columns.arrays:
        key, names = entry.get("data"), list(columns.names or columns.arrays)
        if key is None:
            raise (entry.get("at") or entry).error(f"there is no `{name}` in it.{nearest(name, names)}")
        which = next((other for other in names if other.casefold().startswith(name.casefold())), (names or ["time"])[0])
        raise key.error(
            f"there is no `{name}` in it.{nearest(name, names)} Say which is which by "
            f'`columns = {{ {name} = "{which}" }}`.'
        )
    try:
        return columns.arrays[name]
    except ProblemError as error:
        raise (entry.get("data") or entry).error(str(error)) from error


def _in_order(entry, columns, variable, names, axes) -> np.ndarray:
    """The values on a grid with their axes in the order of the names."""
    values, dims = columns.arrays[variable], columns.dims.get(variable)
    if dims is not None and set(dims) == set(names):
        values = values.transpose([dims.index(c) for c in names])
    wanted = tuple(a.size for a in axes)
    if values.shape != wanted:
        raise entry.error(
            f"`{variable}` has the shape {values.shape}, but the nodes of {', '.join(names)} ask for {wanted}; it "
            f"needs one axis a coordinate, in this order."
        )
    return values


def _pivoted(entry, names, axes, values) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows of coordinates and a value as a grid, in whatever order they come."""
    nodes = [np.unique(a) for a in axes]
    if any(a.shape != values.shape for a in axes) or math.prod(map(len, nodes)) != values.size:
        raise entry.error(
            f"its {values.size} rows are no grid: {', '.join(names)} take {' x '.join(str(len(n)) for n in nodes)} "
            f"different values; a table needs one row for each combination."
        )
    grid = np.full([len(n) for n in nodes], np.nan)
    grid[tuple(np.searchsorted(n, a) for n, a in zip(nodes, axes, strict=True))] = values
    return dict(zip(names, nodes, strict=True)), grid


# ------------------------------------------------------------------------------------------------------- reading


def beside(entry: Entry) -> Path:
    """The file that a text names, in the folder of the problem file or below it.

    Raises ProblemError where the path leads elsewhere, where there is no file, and where it is too large.
    """
    name = entry.text('data = "measured.csv"')
    path = Path(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name:
        raise entry.error(
            f"`{name}` is no file beside the problem; data lie in its folder or below it, and are named from there, "
            f'"measured.csv" or "data/measured.csv".'
        )
    whole = entry.source.folder / path
    if not whole.is_file():
        raise entry.error(f"there is no file {whole}; data are looked for beside the problem file.")
    if whole.stat().st_size > LARGEST_DATA:
        raise entry.error(f"the file {whole} has more than {LARGEST_DATA:,} bytes, which is too much; thin it out.")
    return whole


def file_of(entry: Entry, wanted: Sequence[str], decimal: str = ".") -> Columns:
    """The wanted arrays of a data file; those that it does not hold are left out.

    decimal   the sign before decimals in text

    Raises ProblemError where the ending is not known, or the file cannot be read.
    """
    path = beside(entry)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise entry.error(f"files are read that end in {', '.join(_READERS)}, and `{path.name}` does not.")
    try:
        return _csv(path, decimal) if reader is _csv else reader(path, wanted)
    except ProblemError as error:
        raise entry.error(str(error)) from error
    except Exception as error:  # libraries refuse damaged files in many ways
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise entry.error(f"the file {path} cannot be read ({reason}); write it again.") from error


def _columns(entry: Entry, coordinates: Sequence[str], variable: str) -> Columns:
    data = entry.get("data")
    if data is not None:
        if "at" in entry.value or "values" in entry.value:
            raise data.key_error("`data` names a file, and the numbers are here as well; leave one of them out.")
        return _renamed(entry.get("columns"), data, [*coordinates, variable], _decimal(entry))
    example = "at = { x = [0, 0.5, 1] }, values = [1, 2, 4]"
    at, values = entry.need("at", f'data = "measured.csv"` or `{example}'), entry.need("values", example)
    arrays = {name: _list(item) for name, item in at.table(None, example).entries().items()}
    return Columns(arrays | {variable: _list(values)}, {})


def _decimal(entry: Entry) -> str:
    given = entry.get("decimal")
    sign = "." if given is None else given.text('decimal = ","')
    if given is not None and sign not in (".", ","):
        raise given.error('decimals begin with a point or a comma; write `decimal = ","`.')
    return sign


def _renamed(listed: Entry | None, data: Entry, wanted: Sequence[str], decimal: str) -> Columns:
    """What a file holds under the names that `columns` gives, `{ t = "time [s]" }`; other names stay.

    A column "t [s]" is also `t`, if no other is.
    """
    items = listed.table(None, 'columns = { t = "time [s]" }').entries() if listed else {}
    names = {name: item.text('t = "time [s]"') for name, item in items.items()}
    columns = file_of(data, [names.get(name, name) for name in (*wanted, *names)], decimal)
    if not columns.dims:
        names = _before_units(columns, wanted, names) | names
    units = {name: unit for name in wanted if (unit := unit_of(names.get(name, "")))}
    if not names:
        return columns
    for name, item in items.items():
        if names[name] not in columns.arrays:
            known = columns.names or columns.arrays
            raise item.error(f"there is no `{names[name]}` in the file.{nearest(names[name], known)}")
    called = {old: new for new, old in names.items()}
    dims = {called.get(n, n): tuple(called.get(d, d) for d in axes) for n, axes in columns.dims.items()}
    return Columns(Renamed(columns.arrays, names), dims, units=units)


def _before_units(columns: Columns, wanted: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """{name: column} of what is wanted and stands before a unit in exactly one header."""
    headers = [str(h) for h in columns.arrays]
    missing = [name for name in wanted if name not in names and name not in headers]
    known = {
        name: [h for h in headers if unit_of(h) and h.startswith(name) and without_unit(h) == name] for name in missing
    }
    return {name: found[0] for name, found in known.items() if len(found) == 1}


def _list(entry: Entry) -> np.ndarray:
    listed = entry.value if isinstance(entry.value, list) else None
    try:
        numbers = np.array(listed)
    except ValueError:
        numbers = np.array(None)
    if numbers.dtype.kind not in "if" or numbers.ndim == 0:
        raise entry.error(f"`{entry.key}` needs a list of numbers, or rows of equal length; write `[1, 2.5, 4]`.")
    return numbers.astype(float)


def _csv(path: Path, decimal: str) -> Columns:
    if path.stat().st_size > _LARGEST_CSV:
        raise ProblemError(f"{path} has more than {_LARGEST_CSV:,} bytes of text; write it as npz or NetCDF.")
    columns = CsvColumns(path, decimal)
    len(columns)  # an empty file, or one without names, is refused here
    return Columns(columns, {})


_READERS: dict[str, Callable[[Path, Any], Columns]] = {".csv": _csv, ".npz": read_npz, ".nc": read_netcdf}
