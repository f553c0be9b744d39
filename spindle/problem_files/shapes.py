"""The shapes of a problem file, one function a kind."""

from collections.abc import Callable
from dataclasses import dataclass

import sympy

from spindle.geometry.domain import Box, Domain
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shapes import Ball, Curve, Disk, Ellipse, Mesh, PlaneMesh, Polygon
from spindle.problem_files.data import beside, file_of
from spindle.problem_files.formulas import float_of, formula, number
from spindle.problem_files.names import Names
from spindle.problem_files.source import Entry
from spindle.symbolic.symbols import coordinates

EXAMPLES = {
    "box": "box = { x = [0, 1], y = [0, 1] }",
    "disk": "disk = { centre = [0, 0], radius = 0.4 }",
    "ellipse": "ellipse = { centre = [0, 0], axes = [2, 1], angle = 0.3 }",
    "polygon": "polygon = { vertices = [[0, 0], [1, 0], [0, 1]] }",
    "curve": 'curve = { x = "2*cos(s)", y = "sin(s)", s = [0, "2*pi"] }',
    "ball": "ball = { centre = [0, 0, 0], radius = 1 }",
    "mesh": 'mesh = "part.stl"',
    "points": 'points = "nodes.npz"',
}
_MESHES = (".stl", ".ply", ".off", ".vtk", ".vtu", ".msh")
_KEYS = {
    "disk": ("centre", "radius"),
    "ball": ("centre", "radius"),
    "ellipse": ("centre", "axes", "angle"),
    "polygon": ("vertices", "holes"),
}


def shape(name: str, entry: Entry, space: tuple[sympy.Symbol, ...], names: Names) -> Domain:
    """The shape that a table describes, whose single key is its kind; `name` is that of its boundary.

    Raises ProblemError where the table names no kind of shape, or several, or has unknown keys.
    """
    entry.table(EXAMPLES, f"{name} = {{ {EXAMPLES['disk']} }}")
    if len(entry.value) != 1:
        raise entry.error(f"a shape has one kind, of {', '.join(EXAMPLES)}, and this names {len(entry.value)}.")
    ((kind, described),) = entry.entries().items()
    if kind not in ("mesh", "points"):
        described.table(_KEYS.get(kind), EXAMPLES[kind])
    with described.here():
        return _MAKERS[kind](_Description(kind, name, described, space, names))


def interval(entry: Entry, names: Names) -> tuple[sympy.Expr, sympy.Expr]:
    """The two ends of an interval, such as `[0, "2*pi"]`.

    Raises ProblemError where there are not two, or the first is not below the second.
    """
    ends = entry.items("x = [0, 1]")
    if len(ends) != 2:
        raise entry.error(f"an interval has two ends, and this has {len(ends)}; write `x = [0, 1]`.")
    low, high = (float_of(end, names, 'x = [0, "2*pi"]') for end in ends)
    if not low < high:
        raise entry.error(f"the interval from {low:g} to {high:g} is empty; write the lower end first.")
    return number(ends[0], names, "x = [0, 1]"), number(ends[1], names, "x = [0, 1]")


@dataclass(frozen=True)
class _Description:
    """What a table says of a shape, number by number."""

    kind: str
    name: str
    entry: Entry
    space: tuple[sympy.Symbol, ...]
    names: Names

    def need(self, key: str) -> Entry:
        return self.entry.need(key, EXAMPLES[self.kind])

    def items(self, entry: Entry) -> list[Entry]:
        return entry.items(EXAMPLES[self.kind])

    def number(self, entry: Entry) -> float:
        return float_of(entry, self.names, EXAMPLES[self.kind])

    def numbers(self, entry: Entry) -> tuple[float, ...]:
        return tuple(self.number(item) for item in self.items(entry))

    def point(self, entry: Entry) -> tuple[float, ...]:
        values = self.numbers(entry)
        if len(values) != len(self.space):
            raise entry.error(f"a point has {len(self.space)} coordinates here, and this has {len(values)}.")
        return values

    def centre(self) -> dict[sympy.Symbol, float]:
        return dict(zip(self.space, self.point(self.need("centre")), strict=True))


def _box(of: _Description) -> Box:
    of.entry.table([c.name for c in of.space], EXAMPLES["box"])
    return Box({c: interval(of.need(c.name), of.names) for c in of.space})


def _disk(of: _Description) -> Disk:
    return Disk(of.centre(), of.number(of.need("radius")), name=of.name)


def _ball(of: _Description) -> Ball:
    return Ball(of.centre(), of.number(of.need("radius")), name=of.name)


def _ellipse(of: _Description) -> Ellipse:
    angle = of.entry.get("angle")
    return Ellipse(of.centre(), of.numbers(of.need("axes")), of.number(angle) if angle else 0.0, name=of.name)


def _polygon(of: _Description) -> Polygon:
    holes = of.entry.get("holes")
    rings = [[of.point(vertex) for vertex in of.items(hole)] for hole in of.items(holes)] if holes else []
    return Polygon(of.space, [of.point(vertex) for vertex in of.items(of.need("vertices"))], rings, name=of.name)


def _curve(of: _Description) -> Curve:
    axes = [c.name for c in of.space]
    others = [key for key in of.entry.value if key not in axes]
    if len(others) != 1:
        raise of.entry.error(
            f"a curve has formulas of one parameter for {', '.join(axes)}; write `{EXAMPLES['curve']}`."
        )
    ends, local = of.entry.entry(others[0]), of.names.constants()
    local.claim(others[0], ends)
    local.known[others[0]] = coordinates(others[0])
    at = {c: formula(of.need(c.name), local, EXAMPLES["curve"]) for c in of.space}
    return Curve(at, local.known[others[0]], interval(ends, of.names), name=of.name)


def _mesh(of: _Description) -> Mesh | PlaneMesh:
    path = beside(of.entry)
    if path.suffix.lower() not in _MESHES:
        raise of.entry.error(
            f"meshes are read that end in {', '.join(_MESHES)}, and `{path.name}` does not; other formats may lead to "
            f"further files, so export it as STL."
        )
    kind = PlaneMesh if len(of.space) == 2 else Mesh
    return kind(of.space, str(path), name=of.name)


def _points(of: _Description) -> PointCloud:
    parts = ("interior", "boundary", "normals")
    arrays = file_of(of.entry, parts).arrays
    missing = [key for key in parts if key not in arrays]
    if missing:
        raise of.entry.error(f"there is no `{missing[0]}` in it; nodes need the arrays interior, boundary and normals.")
    return PointCloud(of.space, arrays["interior"], arrays["boundary"], arrays["normals"], sides=(of.name,))


_MAKERS: dict[str, Callable[[_Description], Domain]] = {
    "box": _box,
    "disk": _disk,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "curve": _curve,
    "ball": _ball,
    "mesh": _mesh,
    "points": _points,
}
