"""Smooth functions on a box as sums of products of Legendre polynomials, or waves on periodic axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class AxisBasis:
    """The basis functions of one axis from `low` to `high`.

    count      Legendre polynomials of degree below it, or, odd, the constant and (count - 1) / 2 cosines and sines
    """

    low: float
    high: float
    count: int
    periodic: bool

    def nodes(self) -> np.ndarray:
        """The points (count,) where a function is sampled: Gauss nodes, or equidistant ones on a periodic axis."""
        if self.periodic:
            return self.low + (self.high - self.low) * np.arange(self.count) / self.count
        gauss, _ = np.polynomial.legendre.leggauss(self.count)
        return (self.low + self.high) / 2 + (self.high - self.low) / 2 * gauss

    def transform(self) -> np.ndarray:
        """The matrix (count, count) that takes samples at the nodes to coefficients."""
        if self.periodic:
            angles = 2 * np.pi * np.outer(self._waves(), np.arange(self.count)) / self.count
            rows = np.concatenate([np.ones((1, self.count)), 2 * np.cos(angles), 2 * np.sin(angles)])
            return rows / self.count
        gauss, weights = np.polynomial.legendre.leggauss(self.count)
        degrees = np.arange(self.count)
        return (np.polynomial.legendre.legvander(gauss, self.count - 1) * weights[:, None]).T * (degrees + 0.5)[:, None]

    def values(self, x: jax.Array) -> jax.Array:
        """The values (n, count) of all basis functions at points (n,)."""
        if self.periodic:
            angles = 2 * jnp.pi * (x - self.low)[:, None] * self._waves() / (self.high - self.low)
            return jnp.concatenate([jnp.ones((len(x), 1), x.dtype), jnp.cos(angles), jnp.sin(angles)], axis=1)
        y = (2 * x - self.low - self.high) / (self.high - self.low)

        def following(pair, k):
            before, last = pair
            return (last, ((2 * k + 1) * y * last - k * before) / (k + 1)), last

        return jax.lax.scan(following, (jnp.zeros_like(y), jnp.ones_like(y)), jnp.arange(self.count))[1].T

    def degrees(self) -> np.ndarray:
        """The degree, or the wave number, of each basis function; (count,)."""
        return np.concatenate([[0], self._waves(), self._waves()]) if self.periodic else np.arange(self.count)

    def _waves(self) -> np.ndarray:
        return np.arange(1, self.count // 2 + 1)


@dataclass(frozen=True)
class Expansion:
    """Sums of products of basis functions, one factor an axis; without axes, a number."""

    axes: tuple[AxisBasis, ...]

    def coefficients(self, samples: np.ndarray) -> np.ndarray:
        """The coefficients of the function with these values on the tensor grid of all nodes, of the same shape."""
        for k, axis in enumerate(self.axes):
            samples = np.moveaxis(np.tensordot(axis.transform(), samples, axes=((1,), (k,))), 0, k)
        return samples

    def tail(self, coefficients: np.ndarray) -> float:
        """The norm of the coefficients in the last eighth of the degrees of any axis, relative to that of all."""
        last = np.zeros(coefficients.shape, bool)
        for k, axis in enumerate(self.axes):
            high = axis.degrees() >= axis.degrees().max() * 7 / 8
            last |= high.reshape([-1 if j == k else 1 for j in range(len(self.axes))])
        size = np.linalg.norm(coefficients)
        return float(np.linalg.norm(coefficients[last]) / size) if size > 0 else 0.0

    def values(self, coefficients: jax.Array, *where: jax.Array) -> jax.Array:
        """Values of the sum at points, one array a coordinate, which broadcast together; JAX can differentiate them."""
        coefficients = jnp.asarray(coefficients)
        if not self.axes:
            return coefficients
        shape = jnp.broadcast_shapes(*map(jnp.shape, where))
        if is_grid(where):
            for k, (axis, x) in enumerate(zip(self.axes, where, strict=True)):
                along = axis.values(jnp.ravel(x).astype(coefficients.dtype))
                coefficients = jnp.moveaxis(jnp.tensordot(along, coefficients, axes=((1,), (k,))), 0, k)
            return coefficients.reshape(shape)
        first, *rest = (
            axis.values(jnp.broadcast_to(x, shape).ravel().astype(coefficients.dtype))
            for axis, x in zip(self.axes, where, strict=True)
        )
        total = jnp.tensordot(first, coefficients, axes=1)
        for along in rest:
            total = jnp.einsum("nk,nk...->n...", along, total)
        return total.reshape(shape)


def is_grid(coordinates: Sequence) -> bool:
    """Whether each coordinate varies along one axis of the arrays, the next coordinate along a later axis."""
    varying = [[k for k, n in enumerate(jnp.shape(x)) if n > 1] for x in coordinates]
    order = [axes[0] for axes in varying if axes]
    return all(len(axes) <= 1 for axes in varying) and order == sorted(set(order))
