"""A few fixed points with weights, at parameters that are given when they are drawn."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.geometry.supports import Support
from spindle.points.base import PointwisePoints


class QueryPoints(PointwisePoints):
    """Points (n, d) of each support; the columns of the parameters are filled in when they are drawn.

    chosen    for each support points (n, columns), and their weights (n,) of sum one, or None for equal ones
    columns   the axes of the parameters
    """

    def __init__(
        self,
        supports: Sequence[Support],
        chosen: Sequence[tuple[np.ndarray, np.ndarray | None]],
        columns: Sequence[int],
    ):
        self.supports, self.chosen, self.columns = tuple(supports), list(chosen), list(columns)

    def size(self, support: int) -> int:
        """Number of points in a support."""
        return len(self.chosen[support][0])

    def draw(self, mu: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
        """One array (n, d) a support, and the parameters mu (p,) that belong in the open columns.

        Points and parameters stay apart, so that what depends on the points alone is computed once for many mu.
        """
        return tuple(jnp.asarray(points) for points, _ in self.chosen), mu

    def without_normals(self, drawn) -> list[jax.Array]:
        """For each support its points (n, d); the field must ignore their parameters, which are not those asked for."""
        return list(drawn[0])

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, (n,) each, and the parameters."""
        clouds, mu = drawn
        given = dict(zip(self.columns, mu, strict=True))
        return [tuple(given.get(k, cloud[:, k]) for k in range(cloud.shape[1])) for cloud in clouds]

    def weights(self, support: int) -> list[np.ndarray | None] | None:
        """Quadrature weights (n,) of sum one; None where every point weighs the same."""
        weights = self.chosen[support][1]
        return None if weights is None else [weights]
