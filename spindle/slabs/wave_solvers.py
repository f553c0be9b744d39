"""Two ways to the solution of a slab of waves: a fixed point, or Gauss-Newton steps by conjugate gradients.

Slopes of the residuals, averaged over the grid, have constant coefficients, so that each wave k has a small matrix of
its own, A = D_t - L(k) T for an equation u_t = L u + .. What A leaves, c -> c - A^+ r(c), is a contraction where the
linear part rules or the slab is short. Each round costs one residual, and rounds are accelerated by those before
(Anderson). Its fixed point solves the equations wave by wave: A^H W r = 0.

Where slopes of the highest order vary, as in u_t = (a(u) u_x)_x, J is not formed: a product with it is a few Fourier
transforms, and conjugate gradients solve the normal equations, preconditioned by (A^H W A)^-1.

Sources: Anderson (1965), J. ACM 12; Walker & Ni (2011), SIAM J. Numer. Anal. 49, eq. 2.2; for the linear part Canuto,
Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapter 4.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spindle.slabs.wave_grid import WaveGrid
from spindle.slabs.wave_rows import WaveRows

_FORCING = 1e-4  # conjugate gradients end when the residual of the normal equations has fallen so far
_MOST = 400  # iterations of theirs
_MEMORY = 10  # rounds by which a fixed point is accelerated
_WORSE = 30.0  # times the best change so far: the rounds lead nowhere
_DEPENDENT = 1e-10  # singular values of changes of the rounds, relative to the largest, that tell nothing
_PATIENCE = 8  # rounds after which it is asked whether they will come to an end


# --------------------------------------------------------------------------------------------------------- fixed point


def inverse_of_linear_part(rows: WaveRows, spectrum, grid: WaveGrid, begins, length, damping):
    """(given, A^+): what the equations take from coordinates, and the inverse (m T, equations instants, waves ..)."""
    given = rows.equations.given(rows.places(grid, begins, length))
    part = rows.linear_part(spectrum, given, grid, begins, length)
    weights = np.concatenate([np.sqrt(row.weight * rows.equations.nodes[1]) for row in rows.equations.inside])
    return given, jnp.moveaxis(
        inverse_of_square(part, damping) @ part.conj().swapaxes(-1, -2) * weights, (-2, -1), (0, 1)
    )


def change(rows: WaveRows, spectrum, given, inverse, grid: WaveGrid, begins, length):
    """What the linear part makes of the residuals, -A^+ r, and the loss."""
    held, loss = rows.in_waves(spectrum, given, grid, begins, length)
    held = held.reshape(-1, *grid.waves)
    wanted = sum(inverse[:, k] * held[k] for k in range(len(held)))
    return -jnp.reshape(wanted, spectrum.shape), loss


class Rounds(NamedTuple):
    """How a fixed point was found: the point, the rounds that it took, and the loss."""

    point: np.ndarray
    rounds: int
    loss: float


def fixed_point(
    change: Callable[[np.ndarray], tuple[np.ndarray, float]],
    start: np.ndarray,
    size: Callable[[np.ndarray], float],
    wanted: float,
    most: int,
) -> Rounds | None:
    """The point that a map does not change, from a start; None where no change is smaller than one.

    change   of a point, and the loss there
    size     of a change
    wanted   the size of a change after which there need not be another
    most     rounds
    """
    best: tuple[np.ndarray, float] | None = None
    point, memory, sizes = start, _Memory(), list[float]()
    for count in range(1, most + 1):
        step, loss = change(point)
        sizes.append(size(step))
        if sizes[-1] == min(sizes) <= 1:
            best = point + step, loss
        lost = not sizes[-1] <= _WORSE * min(sizes) or (count >= _PATIENCE and _too_slow(sizes, wanted, most - count))
        if sizes[-1] <= wanted or lost:
            break
        point = memory.next(point, step)
    return None if best is None else Rounds(best[0], len(sizes), best[1])


def _too_slow(sizes: list[float], enough: float, left: int) -> bool:
    """Whether changes that go on to shrink as fast as lately are still too large at the end."""
    rate = (min(sizes) / min(sizes[: -_PATIENCE // 2])) ** (2 / _PATIENCE)
    return rate >= 1 or math.log(sizes[-1] / enough) > -2 * left * math.log(rate)


class _Memory:
    """The last points and their changes."""

    def __init__(self) -> None:
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._steps: list[np.ndarray] = []  # differences of points
        self._gains: list[np.ndarray] = []  # of their changes
        self._products = np.zeros((0, 0))

    def next(self, point: np.ndarray, change: np.ndarray) -> np.ndarray:
        """The next point: where changes, if they were linear in the points, would be smallest."""
        if self._before is not None:
            self._remember(point - self._before[0], change - self._before[1])
        self._before = point, change
        if not self._gains:
            return point + change
        right = np.array([_dot(g, change) for g in self._gains])
        scale = np.sqrt(np.diag(self._products))
        gram = self._products / np.outer(scale, scale)
        shares = np.linalg.lstsq(gram, right / scale, rcond=_DEPENDENT)[0] / scale
        result = point + change
        for share, step, gain in zip(shares, self._steps, self._gains, strict=True):
            result -= share * (step + gain)
        return result

    def _remember(self, step: np.ndarray, gain: np.ndarray) -> None:
        if len(self._gains) == _MEMORY:
            del self._steps[0], self._gains[0]
            self._products = self._products[1:, 1:]
        self._steps.append(step)
        self._gains.append(gain)
        row = np.array([_dot(g, gain) for g in self._gains])
        self._products = np.block([[self._products, row[:-1, None]], [row[None]]])


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.vdot(a, b).real)


# -------------------------------------------------------------------------------------------------- Gauss-Newton steps


def gauss_newton(rows: WaveRows, spectrum, grid: WaveGrid, begins, length, damping):
    """One step by conjugate gradients: the change of a spectrum, and the loss before it."""
    free = rows.equations.free.reshape(*rows.equations.free.shape, *(1,) * len(grid.points))

    def residual(values):
        return rows.at_points(grid.spectrum(values), grid, begins, length)

    values = grid.values(spectrum)
    residuals, forward = jax.linearize(residual, values)
    backward = jax.linear_transpose(forward, values)
    given = rows.equations.given(rows.places(grid, begins, length))
    part = rows.linear_part(spectrum, given, grid, begins, length)
    inverse = inverse_of_square(part, damping) * math.prod(grid.points)

    def product(v):
        return backward(forward(v * free))[0] * free

    def precondition(r):
        wanted = jnp.moveaxis(grid.spectrum(r * free), (0, 1), (-2, -1))
        solved = (inverse @ wanted.reshape(*grid.waves, -1, 1)).reshape(wanted.shape)
        return grid.values(jnp.moveaxis(solved, (-2, -1), (0, 1))) * free

    found = _conjugate_gradients(product, precondition, -backward(residuals)[0] * free)
    return grid.spectrum(found), jnp.sum(residuals**2)


def inverse_of_square(part, damping):
    """(A^H A)^-1 of each wave, 0 for what no residual sees."""
    total = part.conj().swapaxes(-1, -2) @ part
    diagonal = jnp.real(jnp.diagonal(total, axis1=-2, axis2=-1))
    empty = jnp.where(diagonal > 0, 0.0, 1.0) + (damping + 1e-13) * jnp.maximum(diagonal, 1e-300)
    return jnp.linalg.inv(total + jnp.eye(diagonal.shape[-1]) * empty[..., None, :])


def _conjugate_gradients(product, precondition, right):
    """x with product(x) = right."""

    def unfinished(state):
        _, _, _, _, now, first, count = state
        return (now > _FORCING**2 * first) & (count < _MOST) & (now > 1e-300)

    def advance(state):
        x, r, p, _, now, first, count = state
        image = product(p)
        step = now / jnp.sum(p * image)
        x, r = x + step * p, r - step * image
        z = precondition(r)
        following = jnp.sum(r * z)
        return x, r, z + following / now * p, z, following, first, count + 1

    z = precondition(right)
    first = jnp.sum(right * z)
    return jax.lax.while_loop(unfinished, advance, (jnp.zeros_like(right), right, z, z, first, first, 0))[0]
