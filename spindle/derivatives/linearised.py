"""Linearised residuals, in terms of what they need of the field: what every way to differentiate turns into J^T J."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from spindle.geometry.supports import Support
from spindle.lowering.partials import DifferentialOperator


class LinearisedResidual(NamedTuple):
    """One array of residuals, linearised; everything is scaled like the rows of the least-squares problem.

    slopes       for each of its terms the support and {need: d residual / d need}, arrays shaped like its points
    parameters   d residual / d parameter, one array for each parameter that is estimated
    """

    slopes: tuple[tuple[int, Mapping[DifferentialOperator, jax.Array]], ...]
    parameters: tuple[jax.Array, ...]


class GridFreeResidual(NamedTuple):
    """One array of residuals whose sums are taken without its points.

    form       the way to take sums, which `Derivatives.grid_free` gave
    factors    the values of its coefficient functions at the present points
    weight     of its sum of squares in the loss
    """

    form: Any
    factors: Any
    weight: jax.Array


def summed(support: Support, rows: jax.Array) -> jax.Array:
    """Rows (n, P) of J at the points of a support as those (m, P) of the residuals that are weighted sums of them."""
    return rows if support.sums is None else jnp.asarray(support.sums, rows.dtype) @ rows


def gram(j: jax.Array) -> jax.Array:
    """J^T J of a tall matrix.

    On processors XLA multiplies by a matrix that is read transposed at half its speed, and would read the copy so too
    if it could see where it comes from.
    """
    transposed = jax.lax.optimization_barrier(j.T)
    return transposed @ transposed.T


def gram_by_points(values: Callable, model, points: np.ndarray, block: int) -> jax.Array:
    """J^T J of values (m,) at each point, by the numbers of a model, added up in blocks of points.

    values   (model, point (d,)) -> values (m,)
    points   (n, d)
    block    points whose rows of J are held at once
    """
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(arrays)

    def of_vector(vector, point):
        return values(eqx.combine(unravel(vector), static), point)

    def add(total, taken):
        places, counts = taken
        j = jax.vmap(jax.jacrev(of_vector), in_axes=(None, 0))(vector, places) * counts[:, None, None]
        return total + gram(j.reshape(-1, vector.size)), None

    blocks = -(-len(points) // block)
    filled = np.resize(points, (blocks, block, points.shape[1]))
    counts = (np.arange(blocks * block) < len(points)).astype(float).reshape(blocks, block)
    start = jnp.zeros((vector.size, vector.size), vector.dtype)
    return jax.lax.scan(add, start, (jnp.asarray(filled), jnp.asarray(counts)))[0]
