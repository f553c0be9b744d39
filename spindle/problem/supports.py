"""Supports: on what residuals are taken."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from spindle.problem.symbols import Normal


class Support(ABC):
    """A region, a wall, or measured points: each answers for itself what points on it need to know.

    bounds   a (low, high) pair an axis of the domain; of regions and walls
    shape    what limits the coordinates of space, or whose boundary it is a part of; None: nothing, and of points
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
        """Its length, area or volume, by which mean squares are weighed; 1 for measured points."""

    @property
    @abstractmethod
    def is_region(self) -> bool:
        """Whether it is cut out by intervals of the coordinates, so that a tensor grid may be laid on it."""

    @property
    @abstractmethod
    def normals(self) -> tuple[Normal, ...]:
        """The components of the outward normal that points on it carry after their coordinates."""

    @property
    @abstractmethod
    def measured(self) -> np.ndarray | None:
        """The points (n, d) that measurements fix; None where points are free to be chosen."""

    @property
    def support(self) -> "Support":
        """It is one; a face of a box has one."""
        return self


@dataclass(frozen=True, eq=False)
class Scatter(Support):
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
