"""Regions of space with a boundary of any form: what all shapes offer, boxes as shapes, and how shapes combine."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spindle.errors import ProblemError
from spindle.geometry import arcs, meshes, outlines
from spindle.geometry.domain import Box, BoxUnion, Domain, no_domain
from spindle.geometry.extent import check_extent
from spindle.geometry.shape_domain import ShapeDomain
from spindle.geometry.supports import Bounds, BoxFace
from spindle.symbolic.symbols import alike, is_time

Spacing = float | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Boundary:
    """Nodes on a boundary: points (m, d), unit outward normals (m, d), labels (m,) that count the `sides`."""

    points: np.ndarray
    normals: np.ndarray
    labels: np.ndarray


class Shape(ShapeDomain):
    """Interface of all shapes (never built itself): regions of space that know the distance to their boundary."""

    sides: tuple[str, ...]

    @property
    def shape(self) -> "Shape":
        """The shape itself."""
        return self

    @property
    def time(self) -> None:
        """None: a shape has no time."""

    @property
    def faces(self) -> tuple[BoxFace, ...]:
        """Empty: a shape has no time, and its boundary consists of sides."""
        return ()

    def during(self, axis: int, low: float, high: float) -> "Shape":
        """Raises ProblemError: a shape has no time."""
        raise ProblemError(
            f"`{self}` has no time that could be cut into windows; multiply it by an interval of time, "
            f"`sp.Interval(t, 0, 1) * shape`."
        )

    @abstractmethod
    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, d) to the boundary, negative outside; NaN where a point is NaN."""

    @abstractmethod
    def boundary(self, spacing: Spacing, *, count: int | None = None, sides: Sequence[str] | None = None) -> Boundary:
        """Nodes on the boundary, about `spacing` apart and away from corners and edges.

        spacing  a number, or points (n, d) -> local spacings (n,)
        count    exactly that many nodes, in the plane and on balls; the spacing is then relative
        sides    which sides are wanted, None: all; others are left out where that saves work
        """

    @property
    @abstractmethod
    def surface(self) -> float:
        """Measure of the boundary: its length in the plane, its area in space."""

    @property
    @abstractmethod
    def reentrant(self) -> np.ndarray:
        """The corners (k, d) at which the shape is wider than a half plane; of shapes in space none are told."""

    @abstractmethod
    def _arguments(self) -> tuple:
        """What the shape is built from, nested tuples of numbers, names, expressions and shapes."""

    @cached_property
    def sampled(self) -> Boundary:
        """Some 400 nodes on the boundary in the plane, or 4,000 in space, that tell how large parts of it are."""
        plane = len(self.coordinates) == 2
        return self.boundary(self.surface / 400 if plane else float(np.sqrt(self.surface / 4000)))

    @cached_property
    def _size(self) -> float:
        return max(high - low for low, high in self.bounds)

    @cached_property
    def _tolerance(self) -> float:
        """How far outside a point still counts as on the boundary."""
        return 1e-9 * self._size

    @abstractmethod
    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each point (n, d) lies in the closed shape, up to 1e-9 of its size, (n,); NaN lies nowhere."""

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
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # A combination of many shapes stands in every part of its boundary, and each of them is looked up often.
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
    values = np.full(len(points), np.nan)
    values[finite] = of(points[finite])
    return values


# --------------------------------------------------------------------------------------------------- in the plane


class Planar(Shape):
    """Interface of shapes in the plane, whose boundary is a set of loops of smooth arcs (never built itself)."""

    loops: tuple[arcs.Loop, ...]

    @abstractmethod
    def _signed(self, points: np.ndarray) -> np.ndarray:
        """The distance to finite points, negative outside."""

    @cached_property
    def _nearest(self) -> arcs.Nearest:
        return arcs.Nearest([arc for loop in self.loops for arc in loop])

    @abstractmethod
    def _inside(self, points: np.ndarray) -> np.ndarray:
        """Whether each finite point lies inside, without any distance; combinations may leave out their boundary."""

    def _by_arcs(self, points: np.ndarray) -> np.ndarray:
        """The distance to the arcs, negative outside."""
        return self._nearest.distance(points) * np.where(self._inside(points), 1.0, -1.0)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each point (n, 2) lies in the closed shape, up to 1e-9 of its size, (n,); NaN lies nowhere."""
        return _at_finite(points, 2, lambda finite: self._within(finite, self._tolerance)) > 0

    def _within(self, points: np.ndarray, tolerance: float) -> np.ndarray:
        """Whether each of the finite points lies inside, or no farther than the tolerance from the boundary."""
        within = self._inside(points)
        left = np.flatnonzero(~within)
        around = np.array(self.bounds) + np.array([-tolerance, tolerance])
        left = left[_in_boxes(points[left], around[None])[0]]
        within[left] = self._nearest.touches(points[left], tolerance)
        return within

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 2) to the boundary, negative outside; NaN where a point is NaN."""
        return _at_finite(points, 2, self._signed)

    def boundary(self, spacing: Spacing, *, count: int | None = None, sides: Sequence[str] | None = None) -> Boundary:
        """Nodes at equal steps of arc length, in units of the spacing, the first half a step from a corner."""
        points, normals, names = outlines.nodes(self.loops, spacing, count, sides)
        number = {name: k for k, name in enumerate(self.sides)}
        return Boundary(points, normals, np.array([number[name] for name in names]))

    @cached_property
    def reentrant(self) -> np.ndarray:
        """The corners (k, 2) at which the shape is wider than a half plane."""
        return outlines.reentrant(self.loops)

    @cached_property
    def bounds(self) -> Bounds:
        """The smallest box around the shape, a (low, high) pair an axis."""
        return arcs.extent(self.loops)

    @cached_property
    def volume(self) -> float:
        """The area of the shape."""
        return sum(arc.area for loop in self.loops for arc in loop)

    @cached_property
    def surface(self) -> float:
        """The length of the boundary."""
        return sum(arc.length for loop in self.loops for arc in loop)


# ------------------------------------------------------------------------------------------------------- in space


class Solid(Shape):
    """Interface of shapes in space that are known by a distance and by samples of their boundary (never built)."""

    @property
    @abstractmethod
    def _samples(self) -> meshes.Samples:
        """Points that represent the boundary with their shares of its area."""

    @abstractmethod
    def _nodes(self, spacing: Spacing, count: int | None) -> meshes.Samples:
        """Nodes on the boundary; their weights mean nothing."""

    @abstractmethod
    def _signed(self, points: np.ndarray) -> np.ndarray:
        """The distance to finite points, negative outside."""

    @property
    def reentrant(self) -> np.ndarray:
        """None (0, 3): in space it is edges at which solutions are singular, and nodes are not graded to them."""
        return np.zeros((0, 3))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 3) to the boundary, negative outside; NaN where a point is NaN."""
        return _at_finite(points, 3, self._signed)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each point (n, 3) lies in the closed shape, up to 1e-9 of its size, (n,); NaN lies nowhere."""
        return self.distance(points) >= -self._tolerance

    def boundary(self, spacing: Spacing, *, count: int | None = None, sides: Sequence[str] | None = None) -> Boundary:
        """Nodes on the boundary, about `spacing` apart and away from edges."""
        nodes = self._nodes(spacing, count) if sides is None else _nodes_on(self, spacing, sides)
        return Boundary(nodes.points, nodes.normals, nodes.labels)


# ------------------------------------------------------------------------------------------- boxes and combinations


class Rectangles(Planar):
    """A box or a union of boxes in the plane as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))
        self.loops = outlines.joined([_edge(face) for face in domain.faces], max(b - a for a, b in domain.bounds))

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        return self.domain.contains(points)

    def _arguments(self):
        return (box_data(self.domain),)

    def __repr__(self):
        return repr(self.domain)


class Bricks(Solid):
    """A box or a union of boxes in space as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the boxes, a (low, high) pair an axis."""
        return self.domain.bounds

    @property
    def volume(self) -> float:
        """The volume of the boxes."""
        return self.domain.volume

    @property
    def surface(self) -> float:
        """The area of the faces."""
        return sum(face.support.measure for face in self.domain.faces)

    @cached_property
    def _corners(self) -> np.ndarray:
        return np.array([face.bounds for face in self.domain.faces]).transpose(2, 0, 1)

    @cached_property
    def _samples(self):
        return self._grid((self.surface / 20_000) ** 0.5)

    def _grid(self, spacing):
        samples = []
        for face, low, high in zip(self.domain.faces, *self._corners, strict=True):
            points = meshes.rectangle_grid(low, high, spacing)
            normals = np.tile(face.outward * np.eye(3)[face.axis], (len(points), 1))
            weights = np.full(len(points), face.support.measure / len(points))
            labels = np.full(len(points), self.sides.index(face.name))
            samples.append(meshes.Samples(points, normals, weights, labels))
        return meshes.together(samples)

    def _signed(self, points):
        gap = meshes.rectangle_distance(points, *self._corners)
        return np.where(self.domain.contains(points), gap, -gap)

    def _nodes(self, spacing, count):
        return counted(self, self._placed, spacing, count)

    def _placed(self, spacing):
        if not callable(spacing):
            return self._grid(spacing)
        smallest = meshes.local(spacing, self._samples.points).min()
        fine = self._grid((self.surface / meshes.pool(self.surface, smallest)) ** 0.5)
        return meshes.chosen(fine, meshes.local(spacing, fine.points))

    def _arguments(self):
        return (box_data(self.domain),)

    def __repr__(self):
        return repr(self.domain)


def _edge(face) -> arcs.Arc:
    low, high = np.array(face.bounds).T
    # The domain is on the left of the edge.
    forward = (face.outward > 0) == (face.axis == 0)
    return arcs.line(*((low, high) if forward else (high, low)), face.name)


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


def _planar(domain: Domain) -> Planar:
    shape = shape_of(domain)
    assert isinstance(shape, Planar), "shapes of two coordinates are planar"
    return shape


def _joined(one, other, operation: str):
    for domain, beside in ((one, other), (other, one)):
        if not isinstance(domain, Domain):
            raise no_domain(beside, operation, domain)
    if one.coordinates != other.coordinates:
        raise ProblemError(
            f"`{one} {operation} {other}` joins domains of the coordinates {one.coordinates} and {other.coordinates}"
            f"{alike(one.coordinates, other.coordinates)}; both need the same coordinates in the same order."
        )
    for domain in (one, other):
        if isinstance(domain, Shape) and not isinstance(domain, (Planar, Solid)):
            raise ProblemError(
                f"`{one} {operation} {other}` joins {domain}, of which only nodes are known and no outline that could "
                f"be cut; give the nodes of the whole domain, or describe it by shapes."
            )
    return (PlanarCombination if len(one.coordinates) == 2 else SolidCombination)(one, operation, other)


_RULES: dict[str, Callable] = {"|": np.logical_or, "-": lambda a, b: a & ~b, "&": np.logical_and}


class PlanarCombination(Planar):
    """Two shapes in the plane joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    Its boundary consists of exact pieces of theirs. Sides keep their names; a repeated one is numbered.
    """

    def __init__(self, one: Domain, operation: str, other: Domain):
        self.one, self.operation, self.other = _planar(one), operation, _planar(other)
        self.coordinates = self.one.coordinates
        size = max(self.one._size, self.other._size)
        rule = _RULES[operation]
        first = outlines.kept(_all(self.one), self.other.distance, rule, size, drop_shared=False)
        second = outlines.kept(_all(self.other), self.one.distance, lambda a, b: rule(b, a), size, drop_shared=True)
        if not first + second:
            raise _is_empty(self)
        names = dict.fromkeys(a.label for a in first)
        renamed = _numbered(names, dict.fromkeys(a.label for a in second))
        self.sides = (*names, *renamed.values())
        self.loops = outlines.joined([*first, *(outlines.relabelled(a, renamed[a.label]) for a in second)], size)
        if self.volume <= 1e-12 * size**2:
            raise _is_empty(self)
        check_extent(self)

    def _signed(self, points):
        return self._by_arcs(points)

    @cached_property
    def _operands(self) -> list[tuple[str, Planar]]:
        """The shapes joined one after the other, each with what is done with it; the first is joined to nothing."""
        operands: list[tuple[str, Planar]] = []
        shape: Planar = self
        while isinstance(shape, PlanarCombination):
            operands.append((shape.operation, shape.other))
            shape = shape.one
        return [("|", shape), *reversed(operands)]

    def _inside(self, points):
        inside = np.zeros(len(points), bool)
        for (operation, shape), near in zip(self._operands, _in_boxes(points, self._boxes), strict=True):
            # What lies inside already cannot be joined, and what lies outside cannot be taken away.
            open_ = np.flatnonzero(near & (~inside if operation == "|" else inside))
            if operation == "&":
                inside &= near
            if len(open_):
                # A boundary that two joined shapes share is inside both, or it would be left out of what they make.
                closed = operation == "|" and isinstance(shape, PlanarCombination)
                within = shape._within(points[open_], 0.0) if closed else shape._inside(points[open_])
                inside[open_] = ~within if operation == "-" else within
        return inside

    @cached_property
    def _boxes(self) -> np.ndarray:
        """Corners (shapes, 2, 2) of boxes around the operands, slightly too large."""
        boxes = np.array([shape.bounds for _, shape in self._operands])
        return boxes + np.array([-1, 1]) * np.array([shape._tolerance for _, shape in self._operands])[:, None, None]

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
        self._names = {s: s for s in self.one.sides}, _numbered(self.one.sides, self.other.sides)
        if not len(self._samples.points):
            raise _is_empty(self)
        every = (*self._names[0], *self._names[1].values())
        self._alive = np.unique(self._samples.labels)
        self.sides = tuple(every[k] for k in self._alive)
        check_extent(self)

    @cached_property
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
        """The samples of both boundaries, either of which may be None, that bound the combination."""
        rule, size = _RULES[self.operation], max(self.one._size, self.other._size)
        parts = []
        if first is not None:
            parts.append(meshes.surviving(first, self.other.distance, rule, size, spacing, drop_shared=False))
        if second is not None:
            kept = meshes.surviving(second, self.one.distance, lambda a, b: rule(b, a), size, spacing, drop_shared=True)
            parts.append(meshes.relabelled(kept, kept.labels + len(self.one.sides)))
        return meshes.together(parts)

    def _nodes(self, spacing, count):
        return counted(self, self._placed, spacing, count)

    def _within(self, spacing):
        """The spacing, asked for in the shape only: elsewhere, where both boundaries are sampled, it may not exist."""
        if not callable(spacing):
            return spacing
        usual = float(np.mean(spacing(self._samples.points)))

        def guarded(points):
            spacings, here = np.full(len(points), usual), self.contains(points)
            spacings[here] = spacing(points[here])
            return spacings

        return guarded

    def _placed(self, spacing, sides=None):
        spacing, wanted = self._within(spacing), self.sides if sides is None else sides
        both = []
        for shape, names in zip((self.one, self.other), self._names, strict=True):
            inner = [name for name in shape.sides if names[name] in wanted]
            both.append(_nodes_on(shape, spacing, inner) if inner else None)
        nodes = self._surviving(*both, spacing)
        nodes = nodes[np.isin(nodes.labels, self._alive)]
        if all(part is not None for part in both):
            # Two surfaces that meet at a sharp angle bring their nodes together.
            nodes = nodes[meshes.thinned(nodes.points, 0.6 * meshes.local(spacing, nodes.points))]
        return meshes.relabelled(nodes, np.searchsorted(self._alive, nodes.labels))

    def _arguments(self):
        return self.one, self.operation, self.other

    def __repr__(self):
        return _formula(self)


def _nodes_on(shape: Solid, spacing: Spacing, sides: Sequence[str]) -> meshes.Samples:
    """Nodes on these sides of a solid; on others, too, where it is no combination."""
    return shape._placed(spacing, sides) if isinstance(shape, SolidCombination) else shape._nodes(spacing, None)


def _in_boxes(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether box k contains point i: (boxes, n) for points (n, d) and closed boxes (boxes, d, 2)."""
    inside = np.ones((len(boxes), len(points)), bool)
    for column, ends in zip(points.T, boxes.transpose(1, 2, 0), strict=True):
        inside &= (ends[0][:, None] <= column) & (column <= ends[1][:, None])
    return inside


def _all(shape) -> list[arcs.Arc]:
    return [arc for loop in shape.loops for arc in loop]


_SHOWN = 6  # shapes of a row of equal operations that are written out


def _formula(shape) -> str:
    """`a - b - c`; of a long row the first few and the last."""
    row, operation = [shape.other], shape.operation
    while getattr(shape.one, "operation", None) == operation:
        shape = shape.one
        row.append(shape.other)
    row = [shape.one, *reversed(row)]
    texts = [_bracketed(s) for s in (row if len(row) <= _SHOWN else [*row[: _SHOWN - 1], row[-1]])]
    if len(row) > _SHOWN:
        texts.insert(-1, f"... {len(row) - _SHOWN} more ...")
    return f" {operation} ".join(texts)


def _bracketed(shape) -> str:
    text = repr(shape)
    return f"({text})" if hasattr(shape, "operation") or " | " in text else text


def _is_empty(shape) -> ProblemError:
    return ProblemError(
        f"`{shape}` is empty, or thinner than can be told apart, and nothing can be solved there; check the sizes."
    )


def _numbered(taken, names) -> dict[str, str]:
    """{name: new name} for names that are taken already: "circle 2", "circle 3"."""
    taken, renamed = set(taken), {}
    for name in names:
        number, new = 2, name
        while new in taken:
            number, new = number + 1, f"{name} {number}"
        taken.add(new)
        renamed[name] = new
    return renamed


def counted(shape, nodes: Callable, spacing: Spacing, count: int | None) -> meshes.Samples:
    """`count` nodes: the spacing by bisection, then the most crowded nodes dropped; None: nodes at the spacing.

    Raises ProblemError where so few do not fit away from the edges.
    """
    if count is None:
        return nodes(spacing)
    around = meshes.local(spacing, shape._samples.points)
    scale = (np.sum(shape._samples.weights * around**-2.0) / count) ** 0.5
    for _ in range(40):
        factor = scale
        placed = nodes((lambda p: factor * meshes.local(spacing, p)) if callable(spacing) else factor * spacing)  # noqa: B023
        if len(placed.points) >= count:
            break
        scale *= min(0.98, (max(len(placed.points), 1) / count) ** 0.5)
    else:
        raise ProblemError(
            f"`boundary(count={count})` of {shape} cannot be met with nodes away from its edges; ask for more nodes."
        )
    return placed[np.sort(meshes.most_spread(placed.points, meshes.local(spacing, placed.points), count))]


def box_data(domain) -> tuple:
    if isinstance(domain, Box):
        return "box", domain.coordinates, domain.symbolic_bounds
    return "boxes", domain.coordinates, domain.boxes
