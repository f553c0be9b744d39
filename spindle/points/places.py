"""Places: the regions and measurement points at which residuals are taken."""

from dataclasses import dataclass

import numpy as np

from spindle.problem.conditions import Scatter
from spindle.problem.domain import Bounds, Face


@dataclass(frozen=True)
class Region:
    """A box of any dimension; axes whose bounds coincide are fixed, as on a face."""

    bounds: Bounds

    @property
    def free(self) -> int:
        """Number of axes that are not fixed."""
        return sum(low < high for low, high in self.bounds)

    @property
    def measure(self) -> float:
        """Length, area or volume along the free axes."""
        return float(np.prod([high - low for low, high in self.bounds if low < high]))


Place = Region | Scatter


def place_of(where) -> Place:
    """The place of a face, a box's bounds, or scattered points."""
    if isinstance(where, Face):
        return Region(where.bounds)
    return where if isinstance(where, Scatter) else Region(tuple(where))
