"""Spectral features of one axis: Legendre polynomials, or waves on a periodic axis."""

import math
from functools import cache, partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

from spindle.networks.taylor import composed, value_of


class Spectral(eqx.Module):
    """A trainable combination of frozen features of one axis: what a spectral method uses.

    From one coordinate on [-1, 1] these are the first `width` Legendre polynomials, normalised to mean square one; from
    the waves of a periodic axis, these waves and the constant.

    weight   (features, outputs), starting with smooth functions: each degree half the size of the one below
    """

    is_basis: ClassVar[bool] = True
    meaning: ClassVar[str] = "a basis of fixed functions of one coordinate, whose coefficients are trained"
    weight: jax.Array

    def __init__(self, inputs, outputs, *, width, key, **_):
        waves = np.tile(np.arange(1, inputs // 2 + 1), 2)
        degrees = np.arange(width) if inputs == 1 else np.concatenate([[0], waves])
        self.weight = jax.random.normal(key, (len(degrees), outputs)) * 0.5 ** degrees[:, None]

    def __call__(self, x):
        return _combined(x, self.weight)


class Modes(eqx.Module):
    """The features of `Spectral`, frozen, in a basis that is orthogonal both in values and in highest derivatives.

    In that basis the normal matrix of a differential operator is close to diagonal, so that conjugate gradients need
    tens of steps where the polynomials themselves need hundreds.

    count    number of features
    order    highest order of differentiation on this axis
    factor   polynomial of the coordinate on [-1, 1] that the features will be multiplied by: its (root, multiplicity)
    copies   how often the features are repeated, once for each component of the field
    """

    count: int = eqx.field(static=True)
    order: int = eqx.field(static=True)
    factor: tuple[tuple[float, int], ...] = eqx.field(static=True)
    copies: int = eqx.field(static=True)

    def __call__(self, x):
        value = value_of(x)
        return _combined(x, jnp.asarray(np.tile(self.basis(value.shape[1]), self.copies), value.dtype))

    def basis(self, inputs: int) -> np.ndarray:
        """The features (count, count) as combinations of those of `Spectral`: column by column."""
        return np.eye(self.count) if inputs > 1 else _modes(self.count, self.order, self.factor)


def _combined(x, matrix):
    """Combinations (n, columns), array or jet, of the features that stand in the rows of the matrix."""
    if value_of(x).shape[1] > 1:
        return x @ matrix[1:] + matrix[0]
    taylor = partial(_legendre_series, count=len(matrix))
    return composed(x, taylor) @ matrix


@cache
def _modes(count: int, order: int, factor: tuple[tuple[float, int], ...]) -> np.ndarray:
    """Columns V with V^T (M + S) V = I and V^T M V diagonal, M the Gram matrix of values, S of highest derivatives.

    M is taken against M + S, scaled to a unit diagonal, for S alone has eigenvalues up to count^(4 order).
    """
    degree = count + sum(multiplicity for _, multiplicity in factor)
    nodes, weights = np.polynomial.legendre.leggauss(degree)
    roots = [root for root, n in factor for _ in range(n)]
    polynomial = np.polynomial.Legendre(np.polynomial.legendre.legfromroots(roots))
    norms = np.sqrt(2 * np.arange(count) + 1)
    series = np.zeros((degree, count))
    for k in range(count):
        product = (np.polynomial.Legendre.basis(k) * polynomial).coef * norms[k]
        series[: len(product), k] = product
    slopes = np.polynomial.legendre.legder(series, order) if order else series
    values, slopes = (np.polynomial.legendre.legval(nodes, c).T * np.sqrt(weights)[:, None] for c in (series, slopes))
    mass = values.T @ values
    total = mass + slopes.T @ slopes
    scale = 1 / np.sqrt(np.diag(total))
    vectors = scipy.linalg.eigh(mass * scale * scale[:, None], total * scale * scale[:, None])[1]
    return scale[:, None] * vectors[:, ::-1]


def _legendre_series(x, highest, count):
    """Values and Taylor coefficients (n, count): differentiation is a matrix on Legendre coefficients."""

    def following(pair, k):
        before, last = pair
        return (last, ((2 * k + 1) * x[:, 0] * last - k * before) / (k + 1)), last

    _, values = jax.lax.scan(following, (jnp.zeros_like(x[:, 0]), jnp.ones_like(x[:, 0])), jnp.arange(count))
    values, matrix, norm = values.T, np.eye(count), np.sqrt(2 * np.arange(count) + 1)
    series = []
    for order in range(highest + 1):
        series.append(values @ jnp.asarray(matrix * norm / math.factorial(order), values.dtype))
        matrix = np.polynomial.legendre.legder(matrix, axis=0)
        matrix = np.concatenate([matrix, np.zeros((count - len(matrix), count))])
    return series
