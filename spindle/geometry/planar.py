"""Shapes in the plane, whose boundary is a set of loops of smooth arcs: boxes as such shapes, and combinations."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from spindle.geometry import arcs, cuts, outlines
from spindle.geometry.combined import RULES, formula, is_empty, numbered
from spindle.geometry.domain import Domain
from spindle.geometry.extent import check_extent
from spindle.geometry.shape import Boundary, Shape, Spacing, at_finite, box_data
from spindle.geometry.supports import Bounds

_REACH = 0.25  # of a box: how far from it a boundary is looked at


class Planar(Shape):
    """Interface of shapes in the plane, whose boundary is a set of loops of smooth arcs (never built itself)."""

    loops: tuple[arcs.Loop, ...]

    @property
    def combination(self):
        """A combination of shapes in the plane."""
        return PlanarCombination

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
        return at_finite(points, 2, lambda finite: self._within(finite, self._tolerance)) > 0

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
        return at_finite(points, 2, self._signed)

    def beside(self, bounds: Bounds) -> Callable[[np.ndarray], np.ndarray]:
        """The distance to the boundary for finite points in a box, but nowhere more than a quarter of the box.

        Arcs farther off are left out: what is known near a part of a large boundary costs what that part costs.
        """
        reach = _REACH * max(high - low for low, high in bounds) + 1e3 * self._tolerance
        low, high = np.array(bounds).T
        every = _all(self)
        boxes = np.stack([arc.box for arc in every])
        near = (boxes[:, 0] <= high + reach).all(1) & (boxes[:, 1] >= low - reach).all(1)
        if near.all():
            return self._signed
        nearest = arcs.Nearest([arc for arc, close in zip(every, near, strict=True) if close]) if near.any() else None

        def distance(points: np.ndarray) -> np.ndarray:
            gap = np.full(len(points), reach) if nearest is None else np.minimum(nearest.distance(points), reach)
            return np.where(self._inside(points), gap, -gap)

        return distance

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


class Rectangles(Planar):
    """A box or a union of boxes in the plane as a shape; made by `shape_of`, never by hand."""

    def __init__(self, domain: Domain):
        self.domain, self.coordinates = domain, domain.coordinates
        self.sides = tuple(dict.fromkeys(face.name for face in domain.faces))
        self.loops = cuts.joined([_edge(face) for face in domain.faces], max(b - a for a, b in domain.bounds))

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        return self.domain.contains(points)

    def _arguments(self):
        return (box_data(self.domain),)

    def __repr__(self):
        return repr(self.domain)


def _edge(face) -> arcs.Arc:
    low, high = np.array(face.bounds).T
    # The domain is on the left of the edge.
    forward = (face.outward > 0) == (face.axis == 0)
    return arcs.line(*((low, high) if forward else (high, low)), face.name)


class PlanarCombination(Planar):
    """Two shapes in the plane joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    Its boundary consists of exact pieces of theirs. Sides keep their names; a repeated one is numbered.
    """

    def __init__(self, one: Domain, operation: str, other: Domain):
        self.one, self.operation, self.other = _as_planar(one), operation, _as_planar(other)
        self.coordinates = self.one.coordinates
        size = max(self.one._size, self.other._size)
        rule = RULES[operation]
        beside_one, beside_other = self.one.beside(self.other.bounds), self.other.beside(self.one.bounds)
        first = cuts.kept(_all(self.one), beside_other, rule, size, drop_shared=False)
        second = cuts.kept(_all(self.other), beside_one, lambda a, b: rule(b, a), size, drop_shared=True)
        if not first + second:
            raise is_empty(self)
        names = dict.fromkeys(a.label for a in first)
        renamed = numbered(names, dict.fromkeys(a.label for a in second))
        self.sides = (*names, *renamed.values())
        self.loops = cuts.joined([*first, *(cuts.relabelled(a, renamed[a.label]) for a in second)], size)
        if self.volume <= 1e-12 * size**2:
            raise is_empty(self)
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
        return formula(self)


def _as_planar(domain: Domain) -> Planar:
    return domain if isinstance(domain, Planar) else Rectangles(domain)


def _in_boxes(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether box k contains point i: (boxes, n) for points (n, d) and closed boxes (boxes, d, 2)."""
    inside = np.ones((len(boxes), len(points)), bool)
    for column, ends in zip(points.T, boxes.transpose(1, 2, 0), strict=True):
        inside &= (ends[0][:, None] <= column) & (column <= ends[1][:, None])
    return inside


def _all(shape) -> list[arcs.Arc]:
    return [arc for loop in shape.loops for arc in loop]
