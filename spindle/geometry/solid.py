"""Shapes in space, known by a distance and by samples of their boundary: boxes as such shapes, and combinations."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from spindle.errors import ProblemError
from spindle.geometry import meshes
from spindle.geometry.combined import RULES, formula, is_empty, numbered
from spindle.geometry.domain import Domain
from spindle.geometry.extent import check_extent
from spindle.geometry.shape import Boundary, Shape, Spacing, at_finite, box_data
from spindle.geometry.supports import Bounds


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
        """None (0, d): in space it is edges at which solutions are singular, and nodes are not graded to them."""
        return np.zeros((0, len(self.coordinates)))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 3) to the boundary, negative outside; NaN where a point is NaN."""
        return at_finite(points, len(self.coordinates), self._signed)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each point (n, 3) lies in the closed shape, up to 1e-9 of its size, (n,); NaN lies nowhere."""
        return self.distance(points) >= -self._tolerance

    def boundary(self, spacing: Spacing, *, count: int | None = None, sides: Sequence[str] | None = None) -> Boundary:
        """Nodes on the boundary, about `spacing` apart and away from edges."""
        nodes = self._nodes(spacing, count) if sides is None else _nodes_on(self, spacing, sides)
        return Boundary(nodes.points, nodes.normals, nodes.labels)


class Bricks(Solid):
    """A box or a union of boxes in space as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))

    @property
    def combination(self):
        """A combination of shapes in space."""
        return SolidCombination

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


class SolidCombination(Solid):
    """Two shapes in space joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    The distance is the smaller or larger one of theirs, never more than the true one. `bounds` may be larger than the
    smallest box.
    """

    def __init__(self, one: Domain, operation: str, other: Domain):
        self.one, self.operation, self.other = _as_solid(one), operation, _as_solid(other)
        self.coordinates = self.one.coordinates
        self._names = {s: s for s in self.one.sides}, numbered(self.one.sides, self.other.sides)
        if not len(self._samples.points):
            raise is_empty(self)
        every = (*self._names[0], *self._names[1].values())
        self._alive = np.unique(self._samples.labels)
        self.sides = tuple(every[k] for k in self._alive)
        check_extent(self)

    @property
    def combination(self):
        """A combination of shapes in space."""
        return SolidCombination

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
        rule, size = RULES[self.operation], max(self.one._size, self.other._size)
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
        return formula(self)


def _as_solid(domain: Domain) -> Solid:
    return domain if isinstance(domain, Solid) else Bricks(domain)


def _nodes_on(shape: Solid, spacing: Spacing, sides: Sequence[str]) -> meshes.Samples:
    """Nodes on these sides of a solid; on others, too, where it is no combination."""
    return shape._placed(spacing, sides) if isinstance(shape, SolidCombination) else shape._nodes(spacing, None)


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
