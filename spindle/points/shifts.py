"""Uniform grids that are shifted by parts of a cell: a rule for lattices, which go round a few prepared copies."""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class ShiftedGrids:
    """A uniform grid without the ends of the interval, and copies of it, each moved up by a random part of a cell.

    copies   how many grids there are, the first one where it is
    time     the axis of time, which is shifted by parts of its own; all other axes share theirs. None: without time

    The parts are the same in every run. Source: Cho et al. (2023), Separable Physics-Informed Neural Networks,
    arXiv 2306.15969, on decaying turbulence.
    """

    copies: int
    time: int | None

    @cached_property
    def parts(self) -> np.ndarray:
        """Of a cell, (copies, 2): on the axes of space, and on that of time."""
        drawn = np.random.default_rng(0).uniform(size=(self.copies, 2))
        drawn[0] = 0.0
        return drawn

    def nodes(self, axis: int, low: float, high: float, n: int, turn) -> jax.Array:
        """n nodes on an interval, those of copy number `turn`, counted round."""
        cell = (high - low) / (n + 1)
        part = jnp.asarray(self.parts)[turn % self.copies, int(axis == self.time)]
        return low + cell * (1 + jnp.arange(n) + part)
