"""What an objective asks of points: on each support of its residuals some, drawn anew where the rule says so."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from spindle.problem.supports import Support


class Points(ABC):
    """Points on each of some supports, which are known by their number.

    supports   where residuals are taken
    """

    supports: tuple[Support, ...]

    @abstractmethod
    def size(self, support: int) -> int:
        """The number of residuals on a support."""

    @abstractmethod
    def draw(self, key) -> Any:
        """The arrays that all else is computed from; a fixed rule draws the same ones with every key."""

    @abstractmethod
    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support its coordinates, which broadcast together; on walls the components of the normals follow."""

    @abstractmethod
    def weights(self, support: int) -> Sequence[np.ndarray | None] | None:
        """The weights, of sum one, along each axis of the arrays on a support; None: all weigh the same."""


class PointwisePoints(Points):
    """Points at which a field is evaluated one by one."""

    @abstractmethod
    def bare(self, drawn) -> list[jax.Array]:
        """For each support points (n, d), as a field takes them."""
