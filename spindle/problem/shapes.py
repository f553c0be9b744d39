"""Where the problem lives when it is not made of boxes alone: disks, polygons, smooth curves, balls, closed meshes.

A shape knows how far a point is from its boundary and where nodes with normals go on it. `|`, `-` and `&` combine
shapes with each other and with boxes of the same coordinates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
import shapely.validation
import sympy

from spindle.errors import ProblemError
from spindle.problem import arcs, meshes
from spindle.problem.curved import Curved
from spindle.problem.domain import Bounds, Box, BoxUnion, Domain
from spindle.problem.symbols import is_time

Spacing = float | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Boundary:
    """Nodes on a boundary: points (m, d), unit outward normals (m, d), labels (m,) that count the `sides`."""

    points: np.ndarray
    normals: np.ndarray
    labels: np.ndarray


class Shape(Curved):
    """Interface of all shapes (never built itself): regions of space that know the distance to their boundary."""

    @property
    def shape(self) -> "Shape":  # type: ignore[override]
        """Itself: a shape has no time."""
        return self

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, d) to the boundary, negative outside; NaN where a point is NaN."""
        raise NotImplementedError

    def boundary(self, spacing: Spacing, *, count: int | None = None) -> Boundary:
        """Nodes on the boundary, about `spacing` apart and away from corners and edges.

        spacing  a number, or points (n, d) -> local spacings (n,)
        count    exactly that many nodes, in the plane and on balls; the spacing is then relative
        """
        raise NotImplementedError

    @property
    def surface(self) -> float:
        """Measure of the boundary: its length in the plane, its area in space."""
        raise NotImplementedError

    def _arguments(self) -> tuple:
        """What the shape is built from, nested tuples of numbers, names, expressions and shapes."""
        raise NotImplementedError

    @cached_property
    def _size(self) -> float:
        return max(high - low for low, high in self.bounds)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Which of the points (n, d) lie in the closed shape, up to 1e-9 of its size; NaN lies nowhere."""
        return self.distance(np.asarray(points)) >= -1e-9 * self._size

    def __or__(self, other):
        return _joined(self, other, "|")

    def __ror__(self, other):
        return _joined(other, self, "|")

    def __sub__(self, other):
        return _joined(self, other, "-")

    def __rsub__(self, other):
        return _joined(other, self, "-")

    def __and__(self, other):
        return _joined(self, other, "&")

    def __rand__(self, other):
        return _joined(other, self, "&")

    def __eq__(self, other):
        return type(self) is type(other) and self._arguments() == other._arguments()

    def __hash__(self):
        return hash((type(self), self._arguments()))


def _at_finite(points: np.ndarray, dimension: int, of: Callable) -> np.ndarray:
    """`of` at the finite points, NaN elsewhere."""
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != dimension:
        raise ProblemError(
            f"`distance` was given points of shape {points.shape}, and a shape of {dimension} coordinates needs "
            f"(n, {dimension}); stack one column a coordinate."
        )
    finite = np.isfinite(points).all(1)
    if finite.all():
        return of(points)
    found = np.full(len(points), np.nan)
    found[finite] = of(points[finite])
    return found


# --------------------------------------------------------------------------------------------------- in the plane


class Planar(Shape):
    """Interface of shapes in the plane, whose boundary is a set of loops of smooth arcs (never built itself)."""

    loops: tuple[arcs.Loop, ...]

    def _signed(self, points: np.ndarray) -> np.ndarray:
        """The distance to finite points, negative outside."""
        raise NotImplementedError

    @cached_property
    def _nearest(self) -> arcs.Nearest:
        return arcs.Nearest([arc for loop in self.loops for arc in loop])

    def _by_arcs(self, points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """The distance to the arcs, signed by what is known to lie inside."""
        return self._nearest.distance(points) * np.where(inside, 1.0, -1.0)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 2) to the boundary, negative outside; NaN where a point is NaN."""
        return _at_finite(points, 2, self._signed)

    def boundary(self, spacing: Spacing, *, count: int | None = None) -> Boundary:
        """Nodes at equal steps of arc length, in units of the spacing, the first half a step from a corner."""
        points, normals, names = arcs.nodes(self.loops, spacing, count)
        number = {name: k for k, name in enumerate(self.sides)}
        return Boundary(points, normals, np.array([number[name] for name in names]))

    @cached_property
    def bounds(self) -> Bounds:
        """The smallest box around the shape, a (low, high) pair an axis."""
        return arcs.extent(self.loops)

    @cached_property
    def volume(self) -> float:
        """The area."""
        return sum(arc.area for loop in self.loops for arc in loop)

    @cached_property
    def surface(self) -> float:
        """The length of the boundary."""
        return sum(arc.length for loop in self.loops for arc in loop)


class Ellipse(Planar):
    """The ellipse `Ellipse({x: 0, y: 0}, (2, 1), angle=0.3)`: its centre, its half axes and the angle of the first.

    `name` is what its boundary is called.
    """

    def __init__(self, centre: Mapping, axes: tuple, angle=0.0, name: str = "ellipse"):
        self.coordinates, self.centre = _centre("Ellipse", centre, 2)
        self.axes = _numbers("Ellipse", "axes", axes, 2)
        if min(self.axes) <= 0:
            raise ProblemError(
                f"`sp.Ellipse` was given the half axes {axes}, and an ellipse needs two positive ones; write "
                f"`sp.Ellipse({_shown(self)}, (2, 1))`."
            )
        self.angle, self.sides = _number("Ellipse", "angle", angle), (_name("Ellipse", name),)
        self.loops = ((arcs.oval(self.centre, self.axes, self.angle, name),),)

    def _signed(self, points):
        gap = points - np.array(self.centre)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        along, across = gap @ [cos, sin], gap @ [-sin, cos]
        return self._by_arcs(points, (along / self.axes[0]) ** 2 + (across / self.axes[1]) ** 2 <= 1)

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.axes, self.angle, self.sides[0]

    def __repr__(self):
        turned = f", angle={_plain(self.angle)}" if self.angle else ""
        return f"Ellipse({_shown(self)}, ({', '.join(map(_plain, self.axes))}){turned})"


class Disk(Planar):
    """The disk `Disk({x: 0, y: 0}, radius=1)`; `name` is what its boundary is called."""

    def __init__(self, centre: Mapping, radius=1.0, name: str = "circle"):
        self.coordinates, self.centre = _centre("Disk", centre, 2)
        self.radius, self.sides = _radius("Disk", self, radius), (_name("Disk", name),)
        self.loops = ((arcs.oval(self.centre, (self.radius,) * 2, 0.0, name),),)

    def _signed(self, points):
        return self.radius - np.linalg.norm(points - np.array(self.centre), axis=1)

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.radius, self.sides[0]

    def __repr__(self):
        return f"Disk({_shown(self)}, radius={_plain(self.radius)})"


class Curve(Planar):
    """The interior of a smooth closed curve, `Curve({x: 2*cos(s), y: sin(s)}, s, (0, 2*pi))`.

    at     an expression of the parameter for each coordinate; either direction of travel will do
    name   what the boundary is called
    """

    def __init__(self, at: Mapping, parameter: sympy.Symbol, ends: tuple, name: str = "curve"):
        self.at = _curve_parts(at, parameter, ends)
        self.coordinates = tuple(c for c, _ in self.at)
        self.parameter, self.ends = parameter, tuple(sympy.sympify(e) for e in ends)
        self.sides = (_name("Curve", name),)
        arc = arcs.parametric([e for _, e in self.at], parameter, tuple(float(e) for e in self.ends), name)
        trouble = arcs.why_not_simple(arc)
        if trouble:
            raise ProblemError(
                f"`{self}` {trouble}, and only a smooth closed curve without crossings has an inside; check the "
                f"expressions and the range of {parameter}, or join several shapes by `|`."
            )
        self.loops = ((arc if arc.area > 0 else arc.reversed(),),)

    @cached_property
    def _outline(self) -> shapely.Polygon:
        return shapely.Polygon(self._nearest.tree.data)

    def _signed(self, points):
        shapely.prepare(self._outline)
        inside = self._nearest.inner_side(points, shapely.contains_xy(self._outline, points))
        return self._by_arcs(points, inside)

    def _arguments(self):
        return self.at, self.parameter, self.ends, self.sides[0]

    def __repr__(self):
        at = ", ".join(f"{c}: {e}" for c, e in self.at)
        return f"Curve({{{at}}}, {self.parameter}, {self.ends})"


class Polygon(Planar):
    """A polygon, `Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`, its holes given as further lists of vertices.

    vertices  in either direction, the first not repeated; or a polygon of Shapely, holes included
    name      what its outer boundary is called; the holes are "hole 1", "hole 2", ...
    """

    def __init__(self, coordinates, vertices, holes: Sequence = (), name: str = "outline"):
        self.coordinates = _coordinates("Polygon", coordinates, (2,))
        if isinstance(vertices, shapely.Polygon):
            holes = [ring.coords for ring in vertices.interiors]
            vertices = vertices.exterior.coords
        self.rings = tuple(_ring(ring) for ring in (vertices, *holes))
        self.sides = (_name("Polygon", name), *(f"hole {k + 1}" for k in range(len(holes))))
        self._outline = _outline(self.rings)
        self.loops = tuple(
            _edges(r, side, k == 0) for k, (r, side) in enumerate(zip(self.rings, self.sides, strict=True))
        )

    def _signed(self, points):
        return self._by_arcs(points, shapely.contains_xy(self._outline, points))

    def _arguments(self):
        return self.coordinates, self.rings[0], self.rings[1:], self.sides[0]

    def __repr__(self):
        names = ", ".join(map(str, self.coordinates))
        shown = ", ".join(f"({_plain(a)}, {_plain(b)})" for a, b in self.rings[0][:4])
        more = f", ... {len(self.rings[0])} vertices" if len(self.rings[0]) > 4 else ""
        holes = f", holes={len(self.rings) - 1}" if len(self.rings) > 1 else ""
        return f"Polygon(({names}), [{shown}{more}]{holes})"


def _ring(vertices) -> tuple:
    try:
        points = np.array(vertices, float)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ProblemError(
            "`sp.Polygon` was given vertices that are no list of finite pairs of numbers; write "
            "`sp.Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`."
        )
    # Shapely repeats the first vertex at the end, and files often repeat others.
    points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    if len(points) < 3:
        raise ProblemError(
            f"`sp.Polygon` was given {len(points)} different vertices, and fewer than three enclose nothing; write "
            f"`sp.Polygon((x, y), [(0, 0), (1, 0), (0, 1)])`."
        )
    return tuple((float(a), float(b)) for a, b in points)


def _outline(rings) -> shapely.Polygon:
    for number, ring in enumerate(rings):
        whole = shapely.Polygon(ring)
        if not whole.is_valid or whole.area == 0:
            which = "an outline" if number == 0 else f"hole {number}"
            raise ProblemError(
                f"`sp.Polygon` was given {which} that crosses or touches itself "
                f"({shapely.validation.explain_validity(whole)}), so it has no clear inside; put its vertices in order."
            )
    outline = shapely.Polygon(rings[0])
    for number, ring in enumerate(rings[1:], start=1):
        if not outline.contains_properly(shapely.Polygon(ring)):
            raise ProblemError(
                f"`sp.Polygon` was given hole {number} that is not strictly inside the outline or touches another "
                f"hole; subtract it, `sp.Polygon(...) - sp.Polygon(...)`."
            )
        outline = outline - shapely.Polygon(ring)
    outline = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(outline)
    return outline


def _edges(ring, side: str, outer: bool) -> arcs.Loop:
    if shapely.LinearRing(ring).is_ccw != outer:
        ring = ring[::-1]
    return tuple(arcs.line(p, q, side) for p, q in zip(ring, (*ring[1:], ring[0]), strict=True))


# ------------------------------------------------------------------------------------------------------- in space


class Solid(Shape):
    """Interface of shapes in space that are known by a distance and by samples of their boundary (never built)."""

    @property
    def _samples(self) -> meshes.Samples:
        """Points that represent the boundary with their shares of its area."""
        raise NotImplementedError

    def _nodes(self, spacing: Spacing, count: int | None) -> meshes.Samples:
        """Nodes on the boundary; their weights mean nothing."""
        raise NotImplementedError

    def _signed(self, points: np.ndarray) -> np.ndarray:
        """The distance to finite points, negative outside."""
        raise NotImplementedError

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 3) to the boundary, negative outside; NaN where a point is NaN."""
        return _at_finite(points, 3, self._signed)

    def boundary(self, spacing: Spacing, *, count: int | None = None) -> Boundary:
        """Nodes on the boundary, about `spacing` apart and away from edges."""
        found = self._nodes(spacing, count)
        return Boundary(found.points, found.normals, found.labels)


class Ball(Solid):
    """The ball `Ball({x: 0, y: 0, z: 0}, radius=1)`; `name` is what its boundary is called."""

    def __init__(self, centre: Mapping, radius=1.0, name: str = "sphere"):
        self.coordinates, self.centre = _centre("Ball", centre, 3)
        self.radius, self.sides = _radius("Ball", self, radius), (_name("Ball", name),)

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the ball, a (low, high) pair an axis."""
        return tuple((c - self.radius, c + self.radius) for c in self.centre)

    @property
    def volume(self) -> float:
        """Its volume."""
        return 4 / 3 * np.pi * self.radius**3

    @property
    def surface(self) -> float:
        """Its area."""
        return 4 * np.pi * self.radius**2

    @property
    def _samples(self):
        return self._at(meshes.spiral(20_000))

    def _at(self, normals):
        weights = np.full(len(normals), self.surface / len(normals))
        points = np.array(self.centre) + self.radius * normals
        return meshes.Samples(points, normals, weights, np.zeros(len(normals), int))

    def _signed(self, points):
        return self.radius - np.linalg.norm(points - np.array(self.centre), axis=1)

    def _nodes(self, spacing, count):
        if not callable(spacing):
            return self._at(meshes.spiral(count) if count else meshes.even(spacing / self.radius))
        return _counted(self, self._placed, spacing, count)

    def _placed(self, spacing):
        smallest = meshes.local(spacing, self._samples.points).min()
        fine = self._at(meshes.spiral(meshes.pool(self.surface, smallest)))
        return meshes.chosen(fine, meshes.local(spacing, fine.points))

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.radius, self.sides[0]

    def __repr__(self):
        return f"Ball({_shown(self)}, radius={_plain(self.radius)})"


class Mesh(Solid):
    """The inside of a closed triangle mesh, `Mesh((x, y, z), "part.stl")`.

    surface  a file that trimesh (STL, OBJ, PLY) or meshio (VTK, VTU, MSH) reads, both of the extra `mesh`; or a pair
             of vertices (n, 3) and triangles (m, 3)
    name     what its boundary is called
    """

    def __init__(self, coordinates, surface, name: str = "surface"):
        self.coordinates = _coordinates("Mesh", coordinates, (3,))
        call = f"sp.Mesh(({', '.join(map(str, self.coordinates))}), ...)"
        pair = surface if isinstance(surface, (tuple, list)) and len(surface) == 2 else meshes.load(surface, call)
        self._triangles, self.sides = meshes.closed(pair[0], pair[1], call), (_name("Mesh", name),)

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the mesh, a (low, high) pair an axis."""
        vertices = self._triangles.vertices
        return tuple((float(a), float(b)) for a, b in zip(vertices.min(0), vertices.max(0), strict=True))

    @property
    def volume(self) -> float:
        """Its volume."""
        return self._triangles.volume

    @property
    def surface(self) -> float:
        """The area of the triangles."""
        return float(self._triangles.areas.sum())

    @cached_property
    def _samples(self):
        return self._triangles.samples()

    def _signed(self, points):
        return self._triangles.distance(points)

    def _nodes(self, spacing, count):
        return _counted(self, self._triangles.nodes, spacing, count)

    @cached_property
    def _lists(self) -> tuple:
        return tuple(
            tuple(map(tuple, array.tolist())) for array in (self._triangles.vertices, self._triangles.triangles)
        )

    def _arguments(self):
        return self.coordinates, self._lists, self.sides[0]

    def __repr__(self):
        names = ", ".join(map(str, self.coordinates))
        return f"Mesh(({names}), {len(self._triangles.triangles)} triangles)"


# ------------------------------------------------------------------------------------------- boxes and combinations


class Rectangles(Planar):
    """A box or a union of boxes in the plane as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))
        self.loops = arcs.loops([_edge(face) for face in domain.faces], max(b - a for a, b in domain.bounds))

    def _signed(self, points):
        return self._by_arcs(points, self.domain.contains(points))

    def _arguments(self):
        return (_box_data(self.domain),)

    def __repr__(self):
        return repr(self.domain)


class Bricks(Solid):
    """A box or a union of boxes in space as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))

    @property
    def bounds(self) -> Bounds:
        """The smallest box around it, a (low, high) pair an axis."""
        return self.domain.bounds

    @property
    def volume(self) -> float:
        """The volume of the boxes."""
        return self.domain.volume

    @property
    def surface(self) -> float:
        """The area of the faces."""
        return sum(face.region.measure for face in self.domain.faces)

    @cached_property
    def _corners(self) -> np.ndarray:
        return np.array([face.bounds for face in self.domain.faces]).transpose(2, 0, 1)

    @cached_property
    def _samples(self):
        return self._grid((self.surface / 20_000) ** 0.5)

    def _grid(self, spacing):
        found = []
        for face, low, high in zip(self.domain.faces, *self._corners, strict=True):
            points = meshes.rectangle_grid(low, high, spacing)
            normals = np.tile(face.outward * np.eye(3)[face.axis], (len(points), 1))
            weights = np.full(len(points), face.region.measure / len(points))
            labels = np.full(len(points), self.sides.index(face.name))
            found.append(meshes.Samples(points, normals, weights, labels))
        return meshes.together(found)

    def _signed(self, points):
        gap = meshes.rectangle_distance(points, *self._corners)
        return np.where(self.domain.contains(points), gap, -gap)

    def _nodes(self, spacing, count):
        return _counted(self, self._placed, spacing, count)

    def _placed(self, spacing):
        if not callable(spacing):
            return self._grid(spacing)
        smallest = meshes.local(spacing, self._samples.points).min()
        fine = self._grid((self.surface / meshes.pool(self.surface, smallest)) ** 0.5)
        return meshes.chosen(fine, meshes.local(spacing, fine.points))

    def _arguments(self):
        return (_box_data(self.domain),)

    def __repr__(self):
        return repr(self.domain)


def _edge(face) -> arcs.Arc:
    low, high = np.array(face.bounds).T
    # The domain is on the left of the edge.
    forward = (face.outward > 0) == (face.axis == 0)
    return arcs.line(*((low, high) if forward else (high, low)), face.name)


def shape_of(domain: Domain) -> Shape:
    """A box, or a union of boxes, of two or three space coordinates as a shape; its sides are named like its faces."""
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


def _joined(one, other, operation: str):
    if not isinstance(one, Domain) or not isinstance(other, Domain):
        return NotImplemented
    if one.coordinates != other.coordinates:
        raise ProblemError(
            f"`{one} {operation} {other}` joins domains of the coordinates {one.coordinates} and {other.coordinates}; "
            f"both need the same coordinates in the same order."
        )
    return (PlanarCombination if len(one.coordinates) == 2 else SolidCombination)(one, operation, other)


_RULES: dict[str, Callable] = {"|": np.logical_or, "-": lambda a, b: a & ~b, "&": np.logical_and}


class PlanarCombination(Planar):
    """Two shapes in the plane joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    Its boundary consists of exact pieces of theirs. Sides keep their names; a repeated one is numbered.
    """

    def __init__(self, one: Domain, operation: str, other: Domain):
        self.one, self.operation, self.other = shape_of(one), operation, shape_of(other)
        self.coordinates = self.one.coordinates
        size = max(self.one._size, self.other._size)
        rule = _RULES[operation]
        first = arcs.kept(_all(self.one), self.other.distance, rule, size, drop_shared=False)
        second = arcs.kept(_all(self.other), self.one.distance, lambda a, b: rule(b, a), size, drop_shared=True)
        if not first + second:
            raise _is_empty(self)
        names = dict.fromkeys(a.label for a in first)
        renamed = _numbered(names, dict.fromkeys(a.label for a in second))
        self.sides = (*names, *renamed.values())
        self.loops = arcs.loops([*first, *(arcs.relabelled(a, renamed[a.label]) for a in second)], size)
        if self.volume <= 1e-12 * size**2:
            raise _is_empty(self)

    def _signed(self, points):
        return self._by_arcs(points, _RULES[self.operation](*(s.distance(points) >= 0 for s in (self.one, self.other))))

    def _arguments(self):
        return self.one, self.operation, self.other

    def __repr__(self):
        return _formula(self)


class SolidCombination(Solid):
    """Two shapes in space joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    The distance is the smaller or larger one of theirs, never more than the true one. `bounds` may be larger than the
    smallest box.
    """

    def __init__(self, one: Domain, operation: str, other: Domain):
        self.one, self.operation, self.other = shape_of(one), operation, shape_of(other)
        self.coordinates = self.one.coordinates
        self._names = dict.fromkeys(self.one.sides), _numbered(self.one.sides, self.other.sides)
        if not len(self._samples.points):
            raise _is_empty(self)
        every = (*self._names[0], *self._names[1].values())
        self._alive = np.unique(self._samples.labels)
        self.sides = tuple(every[k] for k in self._alive)

    @property
    def bounds(self) -> Bounds:
        """A box around the combination, a (low, high) pair an axis."""
        pairs = zip(self.one.bounds, self.other.bounds, strict=True)
        if self.operation == "|":
            return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in pairs)
        return self.one.bounds if self.operation == "-" else tuple((max(a, c), min(b, d)) for (a, b), (c, d) in pairs)

    @cached_property
    def volume(self) -> float:
        """The volume, within about 1e-3 of it, and exact where no boundary is cut."""
        return self._samples.volume

    @cached_property
    def surface(self) -> float:
        """The area of the boundary, within about 1e-3 of it, and exact where no boundary is cut."""
        return float(self._samples.weights.sum())

    def _signed(self, points):
        a, b = self.one.distance(points), self.other.distance(points)
        if self.operation == "|":
            return np.maximum(a, b)
        return np.minimum(a, -b if self.operation == "-" else b)

    @cached_property
    def _samples(self):
        return self._surviving(self.one._samples, self.other._samples, None)

    def _surviving(self, first, second, spacing):
        rule, size = _RULES[self.operation], max(self.one._size, self.other._size)
        first = meshes.surviving(first, self.other.distance, rule, size, spacing, drop_shared=False)
        second = meshes.surviving(second, self.one.distance, lambda a, b: rule(b, a), size, spacing, drop_shared=True)
        return meshes.together([first, meshes.relabelled(second, second.labels + len(self.one.sides))])

    def _nodes(self, spacing, count):
        return _counted(self, self._placed, spacing, count)

    def _within(self, spacing):
        """The spacing, asked for in the shape only: elsewhere, where both boundaries are sampled, it may not exist."""
        if not callable(spacing):
            return spacing
        usual = float(np.mean(spacing(self._samples.points)))

        def guarded(points):
            found, here = np.full(len(points), usual), self.contains(points)
            found[here] = spacing(points[here])
            return found

        return guarded

    def _placed(self, spacing):
        spacing = self._within(spacing)
        found = self._surviving(self.one._nodes(spacing, None), self.other._nodes(spacing, None), spacing)
        found = found[np.isin(found.labels, self._alive)]
        # Two surfaces that meet at a sharp angle bring their nodes together.
        found = found[meshes.thinned(found.points, 0.6 * meshes.local(spacing, found.points))]
        return meshes.relabelled(found, np.searchsorted(self._alive, found.labels))

    def _arguments(self):
        return self.one, self.operation, self.other

    def __repr__(self):
        return _formula(self)


def _all(shape) -> list[arcs.Arc]:
    return [arc for loop in shape.loops for arc in loop]


def _formula(shape) -> str:
    inner = (
        f"({s})" if hasattr(s, "operation") or " " + "| " in repr(s) else repr(s) for s in (shape.one, shape.other)
    )
    return f" {shape.operation} ".join(inner)


def _is_empty(shape) -> ProblemError:
    return ProblemError(f"`{shape}` is empty, and nothing can be solved on an empty domain; check the sizes.")


def _numbered(taken, names) -> dict[str, str]:
    """New names for those that are taken already: "circle 2", "circle 3"."""
    taken, found = set(taken), {}
    for name in names:
        number, new = 2, name
        while new in taken:
            number, new = number + 1, f"{name} {number}"
        taken.add(new)
        found[name] = new
    return found


def _counted(shape, nodes: Callable, spacing: Spacing, count: int | None) -> meshes.Samples:
    """As many nodes as asked for: the spacing by bisection, then the most crowded ones dropped."""
    if count is None:
        return nodes(spacing)
    around = meshes.local(spacing, shape._samples.points)
    scale = (np.sum(shape._samples.weights * around**-2.0) / count) ** 0.5
    for _ in range(40):
        factor = scale
        found = nodes((lambda p: factor * meshes.local(spacing, p)) if callable(spacing) else factor * spacing)  # noqa: B023
        if len(found.points) >= count:
            break
        scale *= min(0.98, (max(len(found.points), 1) / count) ** 0.5)
    else:
        raise ProblemError(
            f"`boundary(count={count})` of {shape} cannot be met with nodes away from its edges; ask for more nodes."
        )
    return found[np.sort(meshes.most_spread(found.points, meshes.local(spacing, found.points), count))]


# ---------------------------------------------------------------------------------------------------------- checks


def _plain(value: float) -> str:
    """`1`, `0.1`: a number in its shortest form."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _shown(shape) -> str:
    return "{" + ", ".join(f"{c}: {_plain(v)}" for c, v in zip(shape.coordinates, shape.centre, strict=True)) + "}"


def _number(call: str, what: str, value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ProblemError(f"`sp.{call}` was given {what} {value!r}, which is no finite number; write one, such as 1.")
    return number


def _numbers(call: str, what: str, values, count: int) -> tuple[float, ...]:
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise ProblemError(f"`sp.{call}` was given {what} {values!r}, and it needs {count} numbers; write (2, 1).")
    return tuple(_number(call, what, v) for v in values)


def _radius(call: str, shape, radius) -> float:
    value = _number(call, "the radius", radius)
    if value <= 0:
        raise ProblemError(
            f"`sp.{call}` was given the radius {_plain(value)}, and nothing lies within a radius that is not positive; "
            f"write `sp.{call}({_shown(shape)}, radius=1)`."
        )
    return value


def _name(call: str, name) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ProblemError(
            f"`sp.{call}` was given the name {name!r}, by which no condition could call its boundary; write "
            f'`name="wall"`.'
        )
    return name


def _coordinates(call: str, coordinates, counts: tuple[int, ...]) -> tuple[sympy.Symbol, ...]:
    found = tuple(coordinates) if isinstance(coordinates, (tuple, list)) else (coordinates,)
    right = len(found) in counts and len(set(found)) == len(found) and all(isinstance(c, sympy.Symbol) for c in found)
    if not right or any(is_time(c) for c in found):
        raise ProblemError(
            f"`sp.{call}` was given the coordinates {found}, and it needs {counts[0]} different symbols of space, "
            f'without the time t; write `x, y, z = sp.coordinates("x y z")` and name {counts[0]} of them.'
        )
    return found


def _centre(call: str, centre, count: int) -> tuple[tuple[sympy.Symbol, ...], tuple[float, ...]]:
    try:
        centre = dict(centre)
    except (TypeError, ValueError):
        raise ProblemError(
            f"`sp.{call}` was given the centre {centre!r}, which names no coordinates; write "
            f"`sp.{call}({{{'x: 0, y: 0, z: 0' if count == 3 else 'x: 0, y: 0'}}}, ...)`."
        ) from None
    coordinates = _coordinates(call, tuple(centre), (count,))
    return coordinates, tuple(_number(call, f"the centre {c} =", v) for c, v in centre.items())


def _curve_parts(at, parameter, ends) -> tuple:
    try:
        parts = tuple((c, sympy.sympify(e)) for c, e in dict(at).items())
        low, high = (float(sympy.sympify(end)) for end in ends)
        right = isinstance(parameter, sympy.Symbol) and low < high and bool(np.isfinite([low, high]).all())
        right = right and all(e.free_symbols <= {parameter} for _, e in parts)
    except (TypeError, ValueError, AttributeError, sympy.SympifyError):
        right = False
    if not right:
        raise ProblemError(
            f"`sp.Curve` was given {at!r} for {parameter!r} in {ends!r}, and it needs an expression of one parameter "
            f"for each coordinate and two ends with low < high; write "
            f"`sp.Curve({{x: 2*cos(s), y: sin(s)}}, s, (0, 2*pi))`."
        )
    _coordinates("Curve", tuple(c for c, _ in parts), (2,))
    return parts


# ------------------------------------------------------------------------------------------------------------ data

_KINDS = {
    kind.__name__: kind
    for kind in (Disk, Ellipse, Curve, Polygon, Ball, Mesh, Rectangles, Bricks, PlanarCombination, SolidCombination)
}


def _box_data(domain) -> tuple:
    if isinstance(domain, Box):
        return "box", domain.coordinates, domain.symbolic_bounds
    return "boxes", domain.coordinates, domain.boxes


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
    """The shape that `shape_to_data` wrote; `decode` reads SymPy expressions."""

    def rich(value):
        if isinstance(value, Mapping):
            return decode(value["expression"]) if "expression" in value else shape_from_data(value, decode)
        return tuple(rich(v) for v in value) if isinstance(value, list) else value

    kind, arguments = _KINDS[data["shape"]], [rich(v) for v in data["arguments"]]
    if kind in (Rectangles, Bricks):
        ((form, coordinates, ends),) = arguments
        return kind(Box(dict(zip(coordinates, ends, strict=True))) if form == "box" else BoxUnion(coordinates, ends))
    return kind(*arguments)
