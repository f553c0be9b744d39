"""Supports: on what residuals are taken."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from spindle.symbolic.functions import evaluate
from spindle.symbolic.sides import truth
from spindle.symbolic.symbols import Normal

Bounds = tuple[tuple[float, float], ...]

_FEWEST = 20  # sampled points, from which the size of a part is told
_HAIR = 1e-10  # of the shape: how far along the boundary relations are taken


class Support(ABC):
    """Where residuals are taken: a region, a part of the boundary, or measured points.

    bounds   a (low, high) pair an axis of the domain; of regions and walls
    shape    limits the coordinates of space of a region, or has the wall on its boundary; else None
    time     the axis that is not the shape's; None without time
    values   what was measured at its points (n,), which is taken away from what is evaluated there; None elsewhere
    sums     (m, n): what is evaluated at its n points makes m residuals, weighted sums; None: each point makes one
    """

    bounds: Bounds
    shape: Any
    time: int | None
    values: np.ndarray | None
    sums: np.ndarray | None = None

    @property
    @abstractmethod
    def measure(self) -> float:
        """The length, area or volume, by which mean squares are weighed; 1 for measured points."""

    @property
    @abstractmethod
    def is_region(self) -> bool:
        """Whether intervals of the coordinates cut the support out, so that a tensor grid may be laid on it."""

    @property
    @abstractmethod
    def normals(self) -> tuple[Normal, ...]:
        """The components of the outward normal, which points on the support carry after their coordinates."""

    @property
    @abstractmethod
    def measured(self) -> np.ndarray | None:
        """The points (n, d) that measurements fix; None where points are free to be chosen."""

    @property
    def support(self) -> "Support":
        """The support itself; faces of a box have the same property."""
        return self


@dataclass(frozen=True, eq=False)
class PointSet(Support):
    """Single points instead of a face: coordinates (n, d), and the measured values (n,), or how they are summed."""

    points: np.ndarray
    values: np.ndarray | None = None
    sums: np.ndarray | None = None

    @property
    def measure(self) -> float:
        """All points count as one piece."""
        return 1.0

    @property
    def is_region(self) -> bool:
        """Points lie where they lie."""
        return False

    @property
    def normals(self) -> tuple[Normal, ...]:
        """None."""
        return ()

    @property
    def measured(self) -> np.ndarray:
        """The points."""
        return self.points


@dataclass(frozen=True)
class Region(Support):
    """A box of any dimension, or the part of a box inside a shape; axes whose bounds coincide are fixed, as on a face.

    bounds   a (low, high) pair an axis of the domain
    shape    limits the space coordinates further; None: the bounds alone limit them
    time     the axis that is not the shape's; None without time
    """

    bounds: Bounds
    shape: Any = None
    time: int | None = None
    values = None

    @property
    def free(self) -> int:
        """Number of axes that are not fixed."""
        return sum(low < high for low, high in self.bounds)

    @property
    def measure(self) -> float:
        """Length, area or volume along the free axes, in the units of the coordinates."""
        if self.shape is None:
            return float(np.prod([high - low for low, high in self.bounds if low < high]))
        return self.shape.volume * _duration(self)

    @property
    def is_region(self) -> bool:
        """True: a tensor grid fits a region."""
        return True

    @property
    def normals(self) -> tuple[Normal, ...]:
        """Empty: points of a region carry no normal."""
        return ()

    @property
    def measured(self) -> None:
        """None: points of a region are free to be chosen."""


@dataclass(frozen=True)
class BoundaryPart(Support):
    """A part of the boundary of a shape, at all times.

    bounds   those of the domain, a (low, high) pair an axis
    sides    names of the shape's sides it consists of
    where    logic of relations between space coordinates and of sides, which cuts the part out; None: all of them
    time     the axis that is not the shape's; None without time
    """

    name: str
    bounds: Bounds
    shape: Any
    sides: tuple[str, ...]
    where: Any = None
    time: int | None = None
    values = None

    def holds(self, points: np.ndarray, normals: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Whether each boundary point (n, d) of the shape is on the wall; (n,).

        normals   (n, d), outward
        labels    (n,) numbers of the sides
        A point where parts meet belongs to the part that lies beyond it: relations are taken a hair along the boundary.
        """
        chosen = np.isin(labels, [self.shape.sides.index(side) for side in self.sides])
        if self.where is None:
            return chosen
        size = max(high - low for low, high in self.shape.bounds)
        columns = dict(zip(self.shape.coordinates, (points + _HAIR * size * _along(normals)).T, strict=True))

        def of_relation(relation) -> np.ndarray:
            if isinstance(relation, (sympy.Eq, sympy.Ne)):
                gap = np.abs(evaluate(relation.lhs - relation.rhs, columns)) <= 1e-8 * size
                return np.broadcast_to(gap == isinstance(relation, sympy.Eq), chosen.shape)
            return np.broadcast_to(evaluate(relation, columns), chosen.shape)

        return chosen & truth(self.where, of_relation, lambda side: labels == self.shape.sides.index(side))

    @property
    def measure(self) -> float:
        """Length or area of the wall times the duration; the share of sampled boundary points tells that of a part."""
        return self.shape.surface * self._share * _duration(self)

    @cached_property
    def _share(self) -> float:
        """Of the boundary; of a small part from more points than of others."""
        held = self.holds(*self.shape.sampled.arrays)
        if self.where is not None and np.sum(held) < _FEWEST:
            plane = len(self.shape.coordinates) == 2
            spacing = self.shape.surface / 40_000 if plane else float(np.sqrt(self.shape.surface / 40_000))
            held = self.holds(*self.shape.boundary(spacing).arrays)
        return float(np.mean(held))

    @property
    def is_region(self) -> bool:
        """False: a wall bends, so that no tensor grid fits it."""
        return False

    @property
    def normals(self) -> tuple[Normal, ...]:
        """The components of the outward normal, one for each coordinate of space."""
        return tuple(Normal(c.name) for c in self.shape.coordinates)

    @property
    def measured(self) -> None:
        """None: points of a wall are free to be chosen."""


def _along(normals: np.ndarray) -> np.ndarray:
    """A direction (n, d) along the boundary at points with these normals: at right angles in the plane."""
    if normals.shape[1] == 2:
        return np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    generic = np.array([0.3, 0.5, 0.8])
    return generic - (normals @ generic)[:, None] * normals


def _duration(part: Region | BoundaryPart) -> float:
    """The length of time that a part of a shape extends over; 1 for an instant, and without time."""
    low, high = (0.0, 1.0) if part.time is None else part.bounds[part.time]
    return high - low or 1.0


@dataclass(frozen=True)
class BoxFace:
    """A flat piece of the boundary: axis `axis` is fixed at `value`, the other axes range over their `bounds`.

    shape   limits the other coordinates further: the first and last instants of a shape
    """

    name: str
    axis: int
    value: float
    outward: int  # +1 where the outward normal points along the axis, -1 against it
    bounds: Bounds
    shape: Any = None

    @property
    def support(self) -> Region:
        """The points of the face, as a region with one fixed axis."""
        return Region(self.bounds, self.shape, None if self.shape is None else self.axis)
