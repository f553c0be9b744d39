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

    def draw(self, mu: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
        """One array a place, and the parameters mu (p,) for which they are meant.

        They stay apart, so that what depends on the points alone is computed once for many mu.
        """
        return tuple(jnp.asarray(points) for points, _ in self.chosen), mu

    def bare(self, drawn) -> list[jax.Array]:
        """The points as a field takes them; it must not look at their parameters, which are not those asked for."""
        return list(drawn[0])

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each place its columns, (n,) each, and the parameters."""
        clouds, mu = drawn
        given = dict(zip(self.columns, mu, strict=True))
        return [tuple(given.get(k, cloud[:, k]) for k in range(cloud.shape[1])) for cloud in clouds]

    def weights(self, place: int) -> list[np.ndarray | None] | None:
        """The weights, for the one axis that a cloud has."""
        weights = self.chosen[place][1]
        return None if weights is None else [weights]
