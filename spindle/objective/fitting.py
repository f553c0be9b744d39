"""Fitting a model to values: the start of a training from another solution."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from spindle.derivatives.linearised import gram
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
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)

        def values(vector, point):
            return self.evaluate(eqx.combine(unravel(vector), static), point[None])[0] / self.size

        def add(total, block):
            points, counts = block
            j = jax.vmap(jax.jacrev(values), in_axes=(None, 0))(vector, points) * counts[:, None, None]
            return total + gram(j.reshape(-1, vector.size)), None

        blocks = -(-len(self.points) // _BLOCK)
        filled = np.resize(self.points, (blocks, _BLOCK, self.points.shape[1]))
        counts = (np.arange(blocks * _BLOCK) < len(self.points)).astype(float).reshape(blocks, _BLOCK)
        nothing = jnp.zeros((vector.size, vector.size), vector.dtype)
        return jax.lax.scan(add, nothing, (jnp.asarray(filled), jnp.asarray(counts)))[0]
