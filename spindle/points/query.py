"""A few fixed points with weights, at parameters that are given when they are drawn."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.points.places import Place


class QueryPoints:
    """Points of each place, the parameters among their columns left open.

    chosen    for each place points (n, columns), and their weights (n,) of sum one, or None for equal ones
    columns   the axes of the parameters
    """

    def __init__(
        self,
        places: Sequence[Place],
        chosen: Sequence[tuple[np.ndarray, np.ndarray | None]],
        columns: Sequence[int],
    ):
        self.places, self.chosen, self.columns = tuple(places), list(chosen), list(columns)

    def size(self, place: int) -> int:
        """Number of points in a place."""
        return len(self.chosen[place][0])

    def draw(self, mu: jax.Array) -> tuple[jax.Array, ...]:
        """One array a place, with the parameters mu (p,)."""
        at = jnp.asarray(self.columns)
        return tuple(jnp.asarray(points).at[:, at].set(mu) for points, _ in self.chosen)

    def coordinates(self, clouds) -> list[tuple[jax.Array, ...]]:
        """For each place its columns, (n,) each."""
        return [tuple(cloud[:, k] for k in range(cloud.shape[1])) for cloud in clouds]

    def weights(self, place: int) -> list[np.ndarray | None] | None:
        """The weights, for the one axis that a cloud has."""
        weights = self.chosen[place][1]
        return None if weights is None else [weights]
