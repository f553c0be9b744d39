"""Fitting a model to values: the start of a training from another solution."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from spindle.derivatives.linearised import gram_by_points
from spindle.objective.base import TrainingObjective

_BLOCK = 256  # points whose rows of J are held at once


class DistanceToValues(TrainingObjective):
    """The mean square distance of a model from values at points, relative to their size.

    evaluate   (model, points (n, d)) -> values (n, m), each row by its point alone
    points     (n, d)
    values     (n, m), what they are to be
    """

    name = "distance"

    def __init__(self, evaluate: Callable, points: np.ndarray, values: np.ndarray):
        self.evaluate, self.points, self.values = evaluate, points, values
        norms = np.linalg.norm(values, axis=0)
        self.size = np.where(norms > 0, norms, np.sqrt(len(values)))

    @property
    def count(self) -> int:
        """One row for each value."""
        return self.values.size

    @property
    def rounded(self) -> bool:
        """Every square is taken by itself."""
        return False

    @property
    def carried_values(self) -> dict:
        """None."""
        return {}

    def draw(self, key, carried=None, turn=0):
        """The points, always the same."""
        return jnp.asarray(self.points)

    def rows(self, model, drawn) -> dict[str, list[jax.Array]]:
        """The relative distances, one row for each value."""
        return {self.name: [(self.evaluate(model, drawn) - self.values) / self.size]}

    def mean_squares(self, model, drawn) -> dict[str, jax.Array]:
        """The sum over unknowns of the squares of relative distances."""
        return {self.name: jnp.sum(self.rows(model, drawn)[self.name][0] ** 2)}

    def loss(self, model, drawn, weights) -> jax.Array:
        """The same."""
        return self.mean_squares(model, drawn)[self.name]

    def assembles(self, model) -> bool:
        """`normal` is offered for every model."""
        return True

    def normal(self, model, drawn, weights) -> jax.Array:
        """J^T J, added up in blocks of points."""

        def values(model, point):
            return self.evaluate(model, point[None])[0] / self.size

        return gram_by_points(values, model, self.points, _BLOCK)
