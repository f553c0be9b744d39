"""Polynomials on the reference interval [-1, 1]: Legendre polynomials, and bases that know their ends.

All bases are given by matrices of Legendre coefficients (degree + 1, functions), so that whatever is a polynomial has
one form, whose last coefficients tell how well it is resolved.
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre


@lru_cache(maxsize=256)
def gauss(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss quadrature, weights of sum 2."""
    return legendre.leggauss(count)


def values(points, degree: int, order: int = 0) -> np.ndarray:
    """The derivatives of that order of P_0 .. P_degree at points (n,): (n, degree + 1)."""
    return legendre.legvander(np.asarray(points, float), degree) @ slopes(degree, order)


@lru_cache(maxsize=256)
def slopes(degree: int, order: int) -> np.ndarray:
    """Legendre coefficients (rows) of the derivatives of that order of P_0 .. P_degree (columns)."""
    matrix = np.zeros((degree + 1, degree + 1))
    for k in range(degree + 1):
        derivative = legendre.legder(np.eye(degree + 1)[k], order) if order else np.eye(degree + 1)[k]
        matrix[: len(derivative), k] = derivative
    return matrix


@lru_cache(maxsize=64)
def joining(degree: int, smoothness: int) -> np.ndarray:
    """Functions of an element by which neighbours join with `smoothness` continuous derivatives.

    The first smoothness + 1 functions have the derivative 0, 1, .. at -1 equal to one and all others at the ends zero,
    the next ones likewise at +1 (Hermite interpolation); the rest, (1 - x^2)^(smoothness + 1) P_i, vanish there with
    all these derivatives. A smoothness of -1 joins nothing.
    """
    ends = smoothness + 1
    if degree + 1 < 2 * ends:
        raise ValueError(f"degree {degree} has {degree + 1} functions, fewer than the {2 * ends} values at both ends")
    matrix = np.zeros((degree + 1, degree + 1))
    if ends:
        rows = [values([end], degree, j)[:, : 2 * ends] for end in (-1.0, 1.0) for j in range(ends)]
        matrix[: 2 * ends, : 2 * ends] = np.linalg.inv(np.concatenate(rows))
    for i in range(degree + 1 - 2 * ends):
        bubble = _times_power(np.array([2 / 3, 0.0, -2 / 3]), ends, i)
        matrix[: len(bubble), 2 * ends + i] = bubble / np.abs(bubble).max()
    return matrix


@lru_cache(maxsize=64)
def starting(degree: int, given: int) -> np.ndarray:
    """Functions of a slab of time by which it starts: 1, (1 + x), .. and (1 + x)^given P_i.

    The coefficients of the first `given` functions are the value, the rate, .. at -1, by which they are known. Where
    nothing is known (`given` 0) these are the Legendre polynomials.
    """
    powers = [_times_power(np.array([1.0, 1.0]), j, 0) for j in range(given)]
    rest = [_times_power(np.array([1.0, 1.0]), given, i) for i in range(degree + 1 - given)]
    matrix = np.zeros((degree + 1, degree + 1))
    for k, series in enumerate([*powers, *(r / np.abs(r).max() for r in rest)]):
        matrix[: len(series), k] = series
    return matrix


def _times_power(factor: np.ndarray, power: int, i: int) -> np.ndarray:
    """The Legendre series of P_i times a power of a series."""
    series = np.eye(i + 1)[i]
    for _ in range(power):
        series = legendre.legmul(series, factor)
    return series
