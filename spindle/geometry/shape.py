"""Regions of space with a boundary of any form: what all shapes offer, and that they can be joined."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spindle.errors import ProblemError
from spindle.geometry.domain import Box, Domain, no_domain
from spindle.geometry.shape_domain import ShapeDomain
from spindle.geometry.supports import BoxFace
from spindle.symbolic.symbols import alike

Spacing = float | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Boundary:
    """Nodes on a boundary: points (m, d), unit outward normals (m, d), labels (m,) that count the `sides`."""

    points: np.ndarray
    normals: np.ndarray
    labels: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points, normals and labels."""
        return self.points, self.normals, self.labels


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
            f"`spd.Interval(t, 0, 1) * shape`."
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
    def combination(self) -> Callable | None:
        """(shape, operation, shape) -> what joins them; None where no outline is known that could be cut."""

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
        d = len(self.coordinates)
        spacing = float(np.sqrt(self.surface / 4000)) if d == 3 else (self.surface / 4000) ** (1 / (d - 1))
        return self.boundary(self.surface / 400 if d == 2 else spacing)

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


def at_finite(points: np.ndarray, dimension: int, of: Callable) -> np.ndarray:
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


def _joined(one, other, operation: str):
    for domain, beside in ((one, other), (other, one)):
        if not isinstance(domain, Domain):
            raise no_domain(beside, operation, domain)
    if one.coordinates != other.coordinates:
        raise ProblemError(
            f"`{one} {operation} {other}` joins domains of the coordinates {one.coordinates} and {other.coordinates}"
            f"{alike(one.coordinates, other.coordinates)}; both need the same coordinates in the same order."
        )
    combination: Callable | None = None
    for shape in (domain for domain in (one, other) if isinstance(domain, Shape)):
        combination = shape.combination
        if combination is None:
            raise ProblemError(
                f"`{one} {operation} {other}` joins {shape}, of which no outline is known that could be cut; give the "
                f"nodes of the whole domain, or describe it by shapes in two or three dimensions."
            )
    assert combination is not None, "two boxes join as boxes"
    return combination(one, operation, other)


def box_data(domain) -> tuple:
    """A box, or a union of boxes, as nested tuples of what it is built from."""
    if isinstance(domain, Box):
        return "box", domain.coordinates, domain.symbolic_bounds
    return "boxes", domain.coordinates, domain.boxes
