"""One axis of a tensor grid as one unknown sees it: what its walls make of values inside, and modes of u''.

A wall has the condition a u + b u' = g, so that the values at both ends are known by those inside and by g. What is
left of the second derivative is a square matrix, V diag(lambda) V^-1, by which sums over the axes are solved.

Sources of the diagonalisation: Lynch, Rice & Thomas (1964), Numer. Math. 6; Haidvogel & Zang (1979), J. Comput. Phys.
30.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from spindle.lowering.partials import DifferentialOperator
from spindle.networks.series import AxisSeries
from spindle.slabs.equations import constant_slopes
from spindle.slabs.rows import Rows

_REAL = 1e-9  # imaginary parts of eigenvalues, relative to the largest, that are rounding errors


class Wall(NamedTuple):
    """The condition a u + b u' = g of one unknown at one end of an axis.

    row     its residual
    value   a
    slope   b, of the derivative along the axis
    """

    row: Rows
    value: float
    slope: float

    @classmethod
    def of(cls, row: Rows, axis: int, axes: int) -> "Wall":
        """The wall of a row at an end of an axis of the problem; `axes` of space in all."""
        totals = [0.0, 0.0]
        for need, slope in constant_slopes(row, axes).items():
            for partial, factor in need.terms:
                totals[partial.orders[axis]] += slope * factor
        return cls(row, *totals)


def unknown_at(row: Rows) -> int:
    """The number of the one unknown that a condition is on."""
    need: DifferentialOperator = row.function.needs[0]
    return need.unknown


@dataclass(frozen=True)
class GridLine:
    """One axis with n points, N of them inside.

    slopes     {order: (n, n)} derivatives at the points
    walls      (2, n) what conditions take of the values; (0, n) of a periodic axis
    extend     (n, N) the values at all points by those inside, where g = 0
    lift       (n, 2) what g adds
    modes      (N, N) the vectors of u''
    inverse    (N, N) of the modes
    numbers    (N,) its eigenvalues
    """

    slopes: dict[int, np.ndarray]
    walls: np.ndarray
    extend: np.ndarray
    lift: np.ndarray
    modes: np.ndarray
    inverse: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, series: AxisSeries, count: int, walls: tuple[Wall, Wall] | None) -> "GridLine":
        """The line of so many points; `walls` None where the axis is periodic."""
        values = series.inverse(count)
        slopes = {order: series.at_points(count, order) @ values for order in (1, 2)}
        if walls is None:
            none, whole = np.zeros((0, count)), np.eye(count)
            numbers, modes = np.linalg.eigh((slopes[2] + slopes[2].T) / 2)
            return cls(slopes, none, whole, none.T, modes, modes.T, numbers)
        ends = [0, count - 1]
        rows = np.stack([w.value * np.eye(count)[k] + w.slope * slopes[1][k] for w, k in zip(walls, ends, strict=True)])
        at_ends = np.linalg.inv(rows[:, ends])
        extend, lift = np.zeros((count, count - 2)), np.zeros((count, 2))
        extend[1:-1], extend[ends], lift[ends] = np.eye(count - 2), -at_ends @ rows[:, 1:-1], at_ends
        numbers, modes = np.linalg.eig((slopes[2] @ extend)[1:-1])
        if np.abs(numbers.imag).max() < _REAL * np.abs(numbers).max():
            numbers, modes = numbers.real, modes.real
        return cls(slopes, rows, extend, lift, modes, np.linalg.inv(modes), numbers)

    @property
    def inside(self) -> slice:
        """The points that no condition takes."""
        return slice(1, -1) if len(self.walls) else slice(None)


def along(matrix, array, axis: int):
    """A matrix applied to one axis of an array."""
    return jnp.moveaxis(jnp.tensordot(matrix, array, ((1,), (axis,))), 0, axis)
