"""Supports: on what residuals are taken."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from spindle.symbolic.symbols import Normal


class Support(ABC):
    """Where residuals are taken: a region, a part of the boundary, or measured points.

    bounds   a (low, high) pair an axis of the domain; of regions and walls
    shape    limits the coordinates of space of a region, or has the wall on its boundary; else None
    time     the axis that is not the shape's; None without time
    values   what was measured at its points (n,), which is taken away from what is evaluated there; None elsewhere
    """

    bounds: tuple[tuple[float, float], ...]
    shape: Any
    time: int | None
    values: np.ndarray | None

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
    """Measurement points instead of a face: coordinates (n, d), and the measured values (n,)."""

    points: np.ndarray
    values: np.ndarray

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
