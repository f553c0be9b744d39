"""Where the problem lives when it is not made of boxes alone: disks, polygons, smooth curves; solids stand beside them.

A shape knows how far a point is from its boundary and where nodes with normals go on it. `|`, `-` and `&` combine
shapes with each other and with boxes of the same coordinates.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
import shapely
import shapely.validation
import sympy

from spindle.errors import ProblemError, usage
from spindle.geometry import arcs
from spindle.geometry.arguments import (
    centre_of,
    coordinates_of,
    either_spelling,
    numbers_of,
    one_number,
    placed,
    plain,
    radius_of,
    side_name,
    vertices_spelled,
)
from spindle.geometry.domain import Box, BoxUnion, Domain
from spindle.geometry.extent import FARTHEST, check_extent
from spindle.geometry.planar import Planar, PlanarCombination, Rectangles
from spindle.geometry.plane_mesh import PlaneMesh
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shape import Shape
from spindle.geometry.solid import Bricks, SolidCombination
from spindle.geometry.solids import Ball, Mesh
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import shown

_SLIMMEST = 10_000  # times longer than the other may be a half axis of an ellipse


@usage("spd.Ellipse({x: 0, y: 0}, (2, 1), angle=0.3)")
class Ellipse(Planar):
    """The ellipse `Ellipse({x: 0, y: 0}, (2, 1), angle=0.3)`: its centre, its half axes and the angle of the first.

    `Ellipse((x, y), (0, 0), (2, 1))` is another way to say it.

    `name` is what its boundary is called.
    """

    @either_spelling
    def __init__(self, centre: Mapping, axes: tuple, angle=0.0, name: str = "ellipse"):
        self.coordinates, self.centre = centre_of("Ellipse", centre, 2)
        self.axes = numbers_of("Ellipse", "axes", axes, 2)
        if min(self.axes) <= 0:
            raise ProblemError(
                f"`spd.Ellipse` was given the half axes {shown(axes)}, and an ellipse needs two positive ones; write "
                f"`spd.Ellipse({placed(self)}, (2, 1))`."
            )
        if max(self.axes) > _SLIMMEST * min(self.axes):
            raise ProblemError(
                f"`spd.Ellipse` was given the half axes {axes}, of which one is more than {_SLIMMEST:,} times the "
                f"other, and no nodes fit into so slim an ellipse; choose another unit for one coordinate."
            )
        self.angle, self.sides = one_number("Ellipse", "angle", angle), (side_name("Ellipse", name),)
        self.loops = ((arcs.oval(self.centre, self.axes, self.angle, name),),)
        check_extent(self)

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        gap = points - np.array(self.centre)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        along, across = gap @ [cos, sin], gap @ [-sin, cos]
        return (along / self.axes[0]) ** 2 + (across / self.axes[1]) ** 2 <= 1

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.axes, self.angle, self.sides[0]

    def __repr__(self):
        turned = f", angle={plain(self.angle)}" if self.angle else ""
        return f"Ellipse({placed(self)}, ({', '.join(map(plain, self.axes))}){turned})"


@usage("spd.Disk({x: 0, y: 0}, radius=1)")
class Disk(Planar):
    """The disk `Disk({x: 0, y: 0}, radius=1)`; `name` is what its boundary is called.

    `Disk((x, y), (0, 0), radius=1)` is another way to say it.
    """

    @either_spelling
    def __init__(self, centre: Mapping, radius=1.0, name: str = "circle"):
        self.coordinates, self.centre = centre_of("Disk", centre, 2)
        self.radius, self.sides = radius_of("Disk", self, radius), (side_name("Disk", name),)
        self.loops = ((arcs.oval(self.centre, (self.radius,) * 2, 0.0, name),),)
        check_extent(self)

    def _signed(self, points):
        return self.radius - np.linalg.norm(points - np.array(self.centre), axis=1)

    def _inside(self, points):
        return self._signed(points) >= 0

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.radius, self.sides[0]

    def __repr__(self):
        return f"Disk({placed(self)}, radius={plain(self.radius)})"


@usage("spd.Curve({x: 2*cos(s), y: sin(s)}, s, (0, 2*pi))")
class Curve(Planar):
    """The interior of a smooth closed curve, `Curve({x: 2*cos(s), y: sin(s)}, s, (0, 2*pi))`.

    `Curve((x, y), (2*cos(s), sin(s)), s, (0, 2*pi))` is another way to say it.

    at     an expression of the parameter for each coordinate; either direction of travel will do
    name   what the boundary is called
    """

    @either_spelling
    def __init__(self, at: Mapping, parameter: sympy.Symbol, ends: tuple, name: str = "curve"):
        self.at = _curve_parts(at, parameter, ends)
        self.coordinates = tuple(c for c, _ in self.at)
        self.parameter, self.ends = parameter, tuple(sympy.sympify(e) for e in ends)
        self.sides = (side_name("Curve", name),)
        arc = arcs.parametric([e for _, e in self.at], parameter, tuple(float(e) for e in self.ends), name)
        trouble = arcs.why_not_simple(arc)
        if trouble:
            raise ProblemError(
                f"`{self}` {trouble}, and only a smooth closed curve without crossings has an inside; check the "
                f"expressions and the range of {parameter}, or join several shapes by `|`."
            )
        self.loops = ((arc if arc.area > 0 else arc.reversed(),),)
        check_extent(self)

    @cached_property
    def _outline(self) -> shapely.Polygon:
        return shapely.Polygon(self._nearest.tree.data)

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        shapely.prepare(self._outline)
        return self._nearest.inner_side(points, shapely.contains_xy(self._outline, points))

    def _arguments(self):
        return self.at, self.parameter, self.ends, self.sides[0]

    def __repr__(self):
        at = ", ".join(f"{c}: {e}" for c, e in self.at)
        return f"Curve({{{at}}}, {self.parameter}, {self.ends})"


@usage("spd.Polygon((x, y), [(0, 0), (1, 0), (0, 1)])")
class Polygon(Planar):
    """A polygon, `Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`, its holes given as further lists of vertices.

    `Polygon({x: [0, 1, 0], y: [0, 0, 1]})` is another way to say it.

    vertices  in either direction, the first not repeated; or a polygon of Shapely, holes included
    name      what its outer boundary is called; the holes are "hole 1", "hole 2", ...
    """

    @vertices_spelled
    def __init__(self, coordinates, vertices, holes: Sequence = (), name: str = "outline"):
        self.coordinates = coordinates_of("Polygon", coordinates, (2,))
        if isinstance(vertices, shapely.Polygon):
            holes = [ring.coords for ring in vertices.interiors]
            vertices = vertices.exterior.coords
        self.rings = tuple(_ring(ring) for ring in (vertices, *holes))
        self.sides = (side_name("Polygon", name), *(f"hole {k + 1}" for k in range(len(holes))))
        self._outline = _outline(self.rings)
        self.loops = tuple(
            _edges(r, side, k == 0) for k, (r, side) in enumerate(zip(self.rings, self.sides, strict=True))
        )
        check_extent(self)

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        return shapely.intersects_xy(self._outline, points)

    def _arguments(self):
        return self.coordinates, self.rings[0], self.rings[1:], self.sides[0]

    def __repr__(self):
        names = ", ".join(map(str, self.coordinates))
        shown = ", ".join(f"({plain(a)}, {plain(b)})" for a, b in self.rings[0][:4])
        more = f", ... {len(self.rings[0])} vertices" if len(self.rings[0]) > 4 else ""
        holes = f", holes={len(self.rings) - 1}" if len(self.rings) > 1 else ""
        return f"Polygon(({names}), [{shown}{more}]{holes})"


def _ring(vertices) -> tuple:
    try:
        points = np.array(vertices, float)
    except (TypeError, ValueError, OverflowError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) <= FARTHEST).all():
        raise ProblemError(
            "`spd.Polygon` was given vertices that are no list of finite pairs of numbers; write "
            "`spd.Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`."
        )
    # Shapely repeats the first vertex at the end, and files often repeat others.
    points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    if len(points) < 3:
        raise ProblemError(
            f"`spd.Polygon` was given {len(points)} different vertices, and fewer than three enclose nothing; write "
            f"`spd.Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`."
        )
    return tuple((float(a), float(b)) for a, b in points)


def _outline(rings) -> shapely.Polygon:
    for number, ring in enumerate(rings):
        whole = shapely.Polygon(ring)
        if not whole.is_valid or whole.area == 0:
            which = "an outline" if number == 0 else f"hole {number}"
            raise ProblemError(
                f"`spd.Polygon` was given {which} that crosses or touches itself "
                f"({shapely.validation.explain_validity(whole)}), so it has no clear inside; put its vertices in order."
            )
    outline = shapely.Polygon(rings[0])
    for number, ring in enumerate(rings[1:], start=1):
        if not outline.contains_properly(shapely.Polygon(ring)):
            raise ProblemError(
                f"`spd.Polygon` was given hole {number} that is not strictly inside the outline or touches another "
                f"hole; subtract it, `spd.Polygon(...) - spd.Polygon(...)`."
            )
        outline = outline - shapely.Polygon(ring)
    outline = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(outline)
    return outline


def _edges(ring, side: str, outer: bool) -> arcs.Loop:
    if shapely.LinearRing(ring).is_ccw != outer:
        ring = ring[::-1]
    return tuple(arcs.line(p, q, side) for p, q in zip(ring, (*ring[1:], ring[0]), strict=True))


# ---------------------------------------------------------------------------------------------------------- checks


def _curve_parts(at, parameter, ends) -> tuple:
    try:
        parts = tuple((c, sympy.sympify(e)) for c, e in dict(at).items())
        low, high = (float(sympy.sympify(end)) for end in ends)
        right = isinstance(parameter, sympy.Symbol) and low < high and bool(np.isfinite([low, high]).all())
        right = right and all(e.free_symbols <= {parameter} for _, e in parts)
    except (TypeError, ValueError, OverflowError, AttributeError, sympy.SympifyError):
        right = False
    if not right:
        raise ProblemError(
            f"`spd.Curve` was given {shown(at)} for {shown(parameter)} in {shown(ends)}, and it needs an expression of "
            f"one parameter for each coordinate and two ends with low < high; write "
            f"`spd.Curve({{x: 2*cos(s), y: sin(s)}}, s, (0, 2*pi))`."
        )
    coordinates_of("Curve", tuple(c for c, _ in parts), (2,))
    return parts


# ----------------------------------------------------------------------------------------------------------- boxes


def shape_of(domain: Domain) -> Shape:
    """A box, or a union of boxes, of two or three space coordinates as a shape; its sides are named like its faces.

    Raises ProblemError for any other domain.
    """
    if isinstance(domain, Shape):
        return domain
    if (
        not isinstance(domain, (Box, BoxUnion))
        or len(domain.coordinates) not in (2, 3)
        or any(map(is_time, domain.coordinates))
    ):
        raise ProblemError(
            f"`{domain}` is no shape, which has two or three space coordinates and no time; combine shapes and boxes "
            f"in space first and multiply by the interval of time last."
        )
    return Rectangles(domain) if len(domain.coordinates) == 2 else Bricks(domain)


# ------------------------------------------------------------------------------------------------------------ data

_KINDS = {
    kind.__name__: kind
    for kind in (
        Disk,
        Ellipse,
        Curve,
        Polygon,
        Ball,
        Mesh,
        PlaneMesh,
        PointCloud,
        Rectangles,
        Bricks,
        PlanarCombination,
        SolidCombination,
    )
}


def shape_to_data(shape: Shape, encode: Callable) -> dict:
    """A shape as JSON-ready data; `encode` writes SymPy expressions."""

    def plain(value):
        if isinstance(value, Shape):
            return shape_to_data(value, encode)
        if isinstance(value, sympy.Basic):
            return {"expression": encode(value)}
        return [plain(v) for v in value] if isinstance(value, tuple) else value

    return {"shape": type(shape).__name__, "arguments": [plain(v) for v in shape._arguments()]}


def shape_from_data(data: Mapping, decode: Callable) -> Shape:
    """The shape that `shape_to_data` wrote; `decode` reads SymPy expressions.

    Raises ProblemError where a mesh is stored as the name of a file.
    """

    def rich(value):
        if isinstance(value, Mapping):
            return decode(value["expression"]) if "expression" in value else shape_from_data(value, decode)
        return tuple(rich(v) for v in value) if isinstance(value, list) else value

    kind, arguments = _KINDS[data["shape"]], [rich(v) for v in data["arguments"]]
    if kind in (Mesh, PlaneMesh) and not isinstance(arguments[1], tuple):
        raise ProblemError("a stored mesh is its vertices and triangles, and this names a file, which is not read.")
    if kind in (Rectangles, Bricks):
        ((form, coordinates, ends),) = arguments
        return shape_of(
            Box(dict(zip(coordinates, ends, strict=True))) if form == "box" else BoxUnion(coordinates, ends)
        )
    return kind(*arguments)
