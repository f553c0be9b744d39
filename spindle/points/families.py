"""The same points for each of some members of a family."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.points.base import PointwisePoints


class TaskCloud(PointwisePoints):
    """The same cloud of points for each member of a family, one member after the other.

    cloud     the points of one member
    tasks     parameters of the members, (k, p)
    columns   the axes of the parameters
    """

    def __init__(self, cloud: PointwisePoints, tasks, columns: Sequence[int]):
        self.cloud, self.tasks, self.columns = cloud, np.asarray(tasks, float), list(columns)
        self.supports = cloud.supports

    def size(self, support: int) -> int:
        """The number of points on a support, all members together."""
        return self.cloud.size(support) * len(self.tasks)

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (k n, d) a support, for k members and n points."""
        return tuple(self._repeated(points) for points in self.cloud.draw(key))

    def without_normals(self, clouds) -> list[jax.Array]:
        """For each support its points (k n, d), without normals."""
        return self.cloud.without_normals(clouds)

    def coordinates(self, clouds) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, parameters among them, (k n,) each."""
        return self.cloud.coordinates(clouds)

    def weights(self, support: int) -> None:
        """None: every point weighs the same."""

    def _repeated(self, points):
        copies = jnp.tile(points, (len(self.tasks), 1))
        return copies.at[:, jnp.asarray(self.columns)].set(jnp.repeat(self.tasks, len(points), axis=0))
