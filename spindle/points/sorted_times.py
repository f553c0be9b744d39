"""Random instants in their order, at each of them the same random places: what causal weights were published with."""

import jax
import jax.numpy as jnp
import numpy as np

from spindle.geometry.supports import Support
from spindle.points.base import OrderedInTime
from spindle.points.cloud import Cloud
from spindle.points.drawing import without_constant_folding


class SortedTimes(OrderedInTime):
    """Every region at all times gets so many instants, drawn evenly and sorted, times the places of a cloud.

    cloud      the places, and all points of other supports
    axis       that of time
    instants   how many

    Equations on one region share their points. Source: Wang, Sankaran & Perdikaris (2024), arXiv 2203.07404.
    """

    def __init__(self, cloud: Cloud, axis: int, instants: int):
        self.cloud, self.axis, self.instants = cloud, axis, instants
        self.supports = cloud.supports

    def size(self, support: int) -> int:
        """Number of points in a support: places times instants."""
        return self.cloud.size(support) * (self.instants if self._lasts(self.supports[support]) else 1)

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (n, d) a support, at the earliest instant first, on walls with the components of the normals."""
        drawn = list(self.cloud.draw(key))
        unit = jnp.sort(jax.random.uniform(jax.random.fold_in(key, len(drawn)), (self.instants,)))
        for number, support in enumerate(self.supports):
            first = self.supports.index(support)
            if self._lasts(support):
                low, high = support.bounds[self.axis]
                times = low + (high - low) * unit
                drawn[number] = _at_all(drawn[number], self.axis, times) if number == first else drawn[first]
        return without_constant_folding(tuple(drawn))

    def without_normals(self, drawn) -> list[jax.Array]:
        """For each support its points (n, d), without normals."""
        return self.cloud.without_normals(drawn)

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, and on walls the components of the normals, (n,) each."""
        return self.cloud.coordinates(drawn)

    def weights(self, support: int):
        """As in the cloud where it is left alone; None, all weigh the same, of instants times places."""
        return None if self._lasts(self.supports[support]) else self.cloud.weights(support)

    def ranks(self, support: int) -> np.ndarray | None:
        """For each point the middle of the share of instants that its own is; None of points that are not sorted."""
        if not self._lasts(self.supports[support]):
            return None
        return np.repeat((np.arange(self.instants) + 0.5) / self.instants, self.cloud.size(support))

    def _lasts(self, support: Support) -> bool:
        """Whether a support is a region at all times."""
        if support.measured is not None or not support.is_region:
            return False
        return all(low < high for low, high in support.bounds)


def _at_all(places, axis: int, times) -> jax.Array:
    """The places (n, d) at each of the times (T,), one time after the other: (T n, d)."""
    copies = jnp.tile(places, (len(times), 1))
    return copies.at[:, axis].set(jnp.repeat(times, len(places)))
