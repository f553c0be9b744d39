"""What an objective asks of points: some on each support of its residuals, drawn anew where the rule says so."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from spindle.geometry.supports import Support


class Points(ABC):
    """Points on each of some supports; methods take the number of a support.

    supports   where residuals are taken
    """

    supports: tuple[Support, ...]

    @abstractmethod
    def size(self, support: int) -> int:
        """The number of residuals on a support."""

    @abstractmethod
    def draw(self, key) -> Any:
        """What `coordinates` and `without_normals` start from; a fixed rule draws the same arrays with every key."""

    @abstractmethod
    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, which broadcast together, then components of normals."""

    @abstractmethod
    def weights(self, support: int) -> Sequence[np.ndarray | None] | None:
        """Quadrature weights, of sum one, along each axis of the arrays on a support; None: all weigh the same."""


class Rotating(Points):
    """Points that may go round a few prepared copies."""

    @abstractmethod
    def turned(self, key, turn) -> Any:
        """As `draw`, after points were drawn `turn` times before."""


class PointwisePoints(Points):
    """Points at which a field is evaluated one by one."""

    @abstractmethod
    def without_normals(self, drawn) -> list[jax.Array]:
        """For each support its points (n, d), without normals, as a field takes them."""


class OrderedInTime(PointwisePoints):
    """Points that are drawn in the order of their instants."""

    @abstractmethod
    def ranks(self, support: int) -> np.ndarray | None:
        """For each point of a support the middle of the share of instants that its own is; None where not in order."""
