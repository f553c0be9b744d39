"""Fields that are series of functions of each axis of space, and polynomials in each slab of time."""

from functools import lru_cache
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.networks.piecewise import reference_legendre
from spindle.networks.slab_sums import SlabSums


class AxisSeries(NamedTuple):
    """Functions of one axis: Legendre polynomials between two walls, or sines and cosines where it is periodic.

    Where layers are to be held at both walls, polynomials are taken of y, x = tanh(a y) / tanh(a) on [-1, 1], by which
    what happens at a distance of exp(-2 a) is as smooth as what happens in the middle.

    low, length   where the axis begins, and how long it is
    periodic      whether it is
    stretch       a; 0.0: polynomials of x itself
    """

    low: float
    length: float
    periodic: bool
    stretch: float = 0.0

    def points(self, count: int) -> np.ndarray:
        """As many points as functions, by which they are known: Chebyshev's with both walls, or equidistant ones."""
        if self.periodic:
            return self.low + self.length * np.arange(count) / count
        inside = -np.cos(np.pi * np.arange(count) / (count - 1))
        if self.stretch:
            inside = np.tanh(self.stretch * inside) / np.tanh(self.stretch)
        return self.low + self.length * (1 + inside) / 2

    def table(self, places, count: int, order: int = 0):
        """The derivatives of that order of the first functions at places (n,): (n, count)."""
        if self.periodic:
            numbers = (np.arange(count) + 1) // 2
            turns = 2 * np.pi / self.length * numbers
            # A sine is a cosine a quarter of a turn later, and a derivative one a quarter of a turn earlier.
            quarters = np.where(np.arange(count) % 2 == 1, -1.0, 0.0) + order
            return jnp.cos((places - self.low)[:, None] * turns + np.pi / 2 * quarters) * turns**order
        if not self.stretch:
            inside = 2 * (places - self.low) / self.length - 1
            return reference_legendre(inside, count) @ polynomials.slopes(count - 1, order) * (2 / self.length) ** order
        return _stretched(places, self, count, order)

    def at_points(self, count: int, order: int = 0) -> np.ndarray:
        """That table at the points themselves, made once."""
        return self.between(count, count, order)

    def between(self, count: int, other: int, order: int = 0) -> np.ndarray:
        """The table at the points of another number of functions, (other, count), made once."""
        return _between(self, count, other, order)

    def inverse(self, count: int) -> np.ndarray:
        """What makes coefficients of values at the points, (count, count), made once."""
        return _inverse(self, count)


@lru_cache(maxsize=128)
def _between(axis: AxisSeries, count: int, other: int, order: int) -> np.ndarray:
    """Likewise, in double precision whatever the caller computes in: slabs are."""
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        return np.asarray(axis.table(jnp.asarray(axis.points(other)), count, order))


@lru_cache(maxsize=64)
def _inverse(axis: AxisSeries, count: int) -> np.ndarray:
    return np.linalg.inv(axis.at_points(count))


def _stretched(places, axis: AxisSeries, count: int, order: int):
    """Derivatives of polynomials of y, one differentiation after the other."""
    end = np.tanh(axis.stretch)

    def derivative(function, times: int):
        if not times:
            return function
        return derivative(lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1], times - 1)

    def functions(x):
        inside = (2 * (x - axis.low) / axis.length - 1) * end
        return reference_legendre(jnp.log((1 + inside) / (1 - inside)) / (2 * axis.stretch), count)

    return derivative(functions, order)(places)


class SeriesField(SlabSums):
    """u_m(t, x) = sum over k, j of  c[s, k_1, .., k_d, m, j]  f_k1(x_1) .. f_kd(x_d)  P_j(t on slab s).

    Beyond the last slab, values are NaN. Grids cost far less than as many points.

    instants       (S + 1,) ends of the slabs
    coefficients   (S, K_1, .., K_d, outputs, degree in time + 1)
    time, space    which coordinates these axes are
    series         the functions f of each axis of space
    """

    instants: jax.Array
    coefficients: jax.Array
    time: int = eqx.field(static=True)
    space: tuple[int, ...] = eqx.field(static=True)
    series: tuple[AxisSeries, ...] = eqx.field(static=True)

    @property
    def sums(self) -> jax.Array:
        """The coefficients."""
        return self.coefficients

    def along(self, axes, order) -> list:
        """For each axis of space its functions at its points, (points, K_k), differentiated as asked."""
        counts = self.coefficients.shape[1:-2]
        return [s.table(axes[k], n, order[k]) for s, k, n in zip(self.series, self.space, counts, strict=True)]

    def last_shares(self) -> dict[int, float]:
        """{axis: share of the root mean square that the last tenth of its functions hold}, of the worst unknown."""
        squares = np.asarray(self.coefficients) ** 2
        d = len(self.space)
        for k, n in enumerate(squares.shape[1:-2]):
            norms = 1 / (2 * np.arange(n) + 1) if not self.series[k].periodic else np.where(np.arange(n), 0.5, 1.0)
            squares = squares * norms.reshape([-1 if j == 1 + k else 1 for j in range(d + 3)])
        squares = squares * np.diff(np.asarray(self.instants)).reshape(-1, *(1,) * (d + 2))
        squares = squares / (2 * np.arange(squares.shape[-1]) + 1)
        whole = np.maximum(squares.sum(axis=(*range(d + 1), d + 2)), np.finfo(float).tiny)
        shares = {self.time: squares[..., -2:].sum(axis=(*range(d + 1), d + 2))}
        for k, axis in enumerate(self.space):
            last = np.take(squares, range(squares.shape[1 + k] * 9 // 10, squares.shape[1 + k]), axis=1 + k)
            shares[axis] = last.sum(axis=(*range(d + 1), d + 2))
        return {axis: float(np.sqrt((tail / whole).max())) for axis, tail in shares.items()}
