"""Spaces of slabs that are held by values on a tensor grid of all axes of space."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from spindle.slabs.space import SlabSpace, Solved

LAST = 0.15  # share of the functions on each axis that count as the last ones


class TensorSpace(SlabSpace):
    """Interface of such spaces; a mesh is the number of points on each axis."""

    patience: ClassVar[int] = 48
    dear: ClassVar[bool] = True

    @property
    def time(self) -> int:
        """The axis of time, which there is."""
        assert self.rows.time is not None
        return self.rows.time

    @abstractmethod
    def good_number(self, axis: int, count: float) -> int:
        """A number of points, of at least so many, that suits an axis of space."""

    def nothing(self, mesh) -> np.ndarray:
        """Zeros (n_1, .., n_d, m, T)."""
        return np.zeros((*mesh, self.unknowns, self.duration + 1))

    def series(self, local: np.ndarray) -> np.ndarray:
        """Legendre coefficients in time, at the points of the grid."""
        return local @ self.during.T

    def local(self, series: np.ndarray, mesh) -> np.ndarray:
        """The coefficients of the functions of time."""
        return series @ np.linalg.inv(self.during).T

    def largest(self, series: np.ndarray) -> np.ndarray:
        """(m,) the largest values of the unknowns."""
        return np.abs(series).sum(axis=-1).reshape(-1, self.unknowns).max(axis=0)

    def changes(self, series: np.ndarray, mesh) -> np.ndarray:
        """(m,) the largest coefficients."""
        return self.largest_coefficients(series)

    def finer(self, mesh, tails: np.ndarray, tolerance: float, most: int):
        """The mesh with half as many points again on the axes that are not resolved; None where all are."""
        wanted = tuple(
            self.good_number(k, 3 * n // 2) if tail > tolerance else n
            for k, (n, tail) in enumerate(zip(mesh, tails, strict=True))
        )
        return None if wanted == tuple(mesh) or math.prod(wanted) > most else wanted

    def sizes(self, slabs: Sequence[Solved]) -> dict[str, Any]:
        """The number of slabs, and the most points on each axis."""
        least = [self.good_number(k, 0) for k in range(len(self.rows.others))]
        points = [max((s.series.shape[k] for s in slabs), default=n) for k, n in enumerate(least)]
        return {"slabs": max(len(slabs), 1), "points": points}
