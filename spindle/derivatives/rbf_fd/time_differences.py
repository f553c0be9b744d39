"""Time derivatives as finite differences between instants, so that a problem is discrete in time too."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Differences:
    """Weights that give derivatives at each of T instants from the values at the nearest instants.

    nearest   (T, q) numbers of the instants nearest to each
    weights   (lanes, T, q), lane k for derivative k; lane 0 picks the value itself
    """

    nearest: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, times: np.ndarray, lanes: int, order: int) -> "Differences":
        """Differences of up to derivative `lanes - 1`, exact for polynomials of degree order + lanes - 2.

        times   (T,) ascending, T at least order + lanes - 1
        Source: weights by the Vandermonde system of each stencil, shifted and scaled to [-1, 1] or less.
        """
        size = order + lanes - 1
        first = np.clip(np.arange(len(times)) - size // 2, 0, len(times) - size)
        nearest = first[:, None] + np.arange(size)
        away = times[nearest] - times[:, None]
        scale = np.abs(away).max(1)
        powers = (away / scale[:, None])[:, None, :] ** np.arange(size)[:, None]  # (T, power, q)
        wanted = np.zeros((len(times), size, lanes))
        for k in range(lanes):
            wanted[:, k, k] = math.factorial(k) / scale**k
        return cls(nearest, np.linalg.solve(powers, wanted).transpose(2, 0, 1))

    def matrices(self) -> np.ndarray:
        """The weights as matrices (lanes, T, T), each row with q entries that are not zero."""
        lanes, instants, _ = self.weights.shape
        dense = np.zeros((lanes, instants, instants))
        dense[:, np.arange(instants)[:, None], self.nearest] = self.weights
        return dense
