"""The same points for each of some members of a family."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.points.cloud import Cloud
from spindle.points.places import Place


class TaskCloud(Cloud):
    """A cloud of the coordinates, once for each member, member by member.

    tasks     parameters of the members, (k, p)
    columns   the axes of the parameters
    interior, boundary   numbers of points for one member
    """

    def __init__(self, places: Sequence[Place], groups: Sequence[int], *, tasks, columns: Sequence[int], **sizes):
        super().__init__(places, groups, **sizes)
        self.tasks, self.columns = np.asarray(tasks, float), list(columns)

    def size(self, place: int) -> int:
        """Number of points in a place, of all members."""
        return super().size(place) * len(self.tasks)

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (k n, d) a place."""
        return tuple(self._repeated(points) for points in super().draw(key))

    def _repeated(self, points):
        copies = jnp.tile(points, (len(self.tasks), 1))
        return copies.at[:, jnp.asarray(self.columns)].set(jnp.repeat(self.tasks, len(points), axis=0))
