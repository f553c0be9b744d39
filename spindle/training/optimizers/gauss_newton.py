"""Gauss-Newton with Levenberg-Marquardt damping, for any weighted least-squares problem.

With loss(theta) = |r|^2, gradient g = 2 J^T r and H = J^T J, a step solves

    (H + damping D) s = -g / 2,      D = diag(H), floored (Marquardt 1963, SIAM J. Appl. Math. 11),

and the model predicts that the loss falls by  damping s^T D s - g^T s / 2. The damping follows the ratio of what was
gained to what was predicted. For a PINN the undamped step is the energy natural gradient (Mueller & Zeinhofer 2023,
arXiv 2302.13163).
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.scipy.linalg import cho_solve

from spindle.training.optimizers.base import Optimizer
from spindle.training.optimizers.krylov import conjugate_gradients, diagonal

_MOST_ENTRIES = 6e7  # of a Jacobian that is formed column by column: half a gigabyte
_MOST_BENT = 0.75  # length of an acceleration, relative to the step
_BLOCK = 32  # of its columns that are made at once
ALGEBRA = ("auto", "normal", "dual", "cg")


class GaussNewtonState(NamedTuple):
    """The optimizer's state.

    damping    for the next step
    length     of the last step, in the norm of D
    size       the loss of the zero field: the size of the data
    idle       steps in a row that gained too little
    finished   whether there is nothing left to gain
    """

    damping: jax.Array
    length: jax.Array
    size: jax.Array
    idle: jax.Array
    finished: jax.Array


class Trial(NamedTuple):
    """One damping that was tried: the point it leads to, its loss, and whether it is taken."""

    vector: jax.Array
    loss: jax.Array
    damping: jax.Array
    length: jax.Array
    accepted: jax.Array
    tries: jax.Array


@dataclass(frozen=True)
class GaussNewton(Optimizer):
    """Gauss-Newton steps, each accepted only if the loss falls (or, at the rounding floor, if steps shrink).

    steps     at most so many; it ends earlier when no damping gains anything
    algebra   "normal": Cholesky of J^T J, for up to some thousand parameters; "dual": of J J^T, when rows are fewer;
              "cg": conjugate gradients on products with J, for more; "auto": by the numbers of parameters and rows
    damping   at the first step, relative to the diagonal of J^T J
    tries     dampings tried in one step
    forcing   relative residual to which conjugate gradients solve for a step
    worth     a step that gains less than this share of the loss is idle
    patience  idle steps in a row before it ends
    enough    residual, relative to that of the zero field, at which it ends
    resamples whether new points may be drawn between steps; a step that fails then says nothing of the next
    accelerated  whether steps follow the curvature of the residuals, too, where the normal matrix is at hand (geodesic
              acceleration, Transtrum & Sethna 2012, arXiv 1201.5885): worth it where damping stays high along valleys
    uniform   whether D is the largest entry of diag(H) for all parameters (Levenberg 1944, Quart. Appl. Math. 2) where
              the normal matrix is at hand: neurons that hardly matter yet are then kept from running off to where they
              never will, as those of tanh do
    """

    steps: int = 200
    algebra: str = "auto"
    damping: float = 1e-2
    tries: int = 12
    forcing: float = 1e-3
    worth: float = 1e-3
    patience: int = 20
    enough: float = 0.0
    resamples: bool = False
    accelerated: bool = False
    uniform: bool = False
    label: ClassVar[str] = "Gauss-Newton"

    def start(self, parameters) -> GaussNewtonState:
        """The first damping."""
        dtype = ravel_pytree(parameters)[0].dtype
        unset = jnp.asarray(jnp.inf, dtype)
        return GaussNewtonState(
            jnp.asarray(self.damping, dtype), unset, unset, jnp.zeros((), jnp.int32), jnp.asarray(False)
        )

    def finished(self, state: GaussNewtonState) -> jax.Array:
        """Whether the last step found nothing to gain."""
        return state.finished

    def step(self, problem, parameters, state: GaussNewtonState):
        """Linearise once, then try dampings until one is accepted."""
        vector, unravel = ravel_pytree(parameters)
        value, gradient = jax.value_and_grad(lambda v: problem.loss(unravel(v)))(vector)
        solve = self._solver(problem, parameters, gradient)
        size = jax.lax.cond(
            jnp.isfinite(state.size), lambda: state.size, lambda: problem.loss(unravel(jnp.zeros_like(vector)))
        )
        eps = jnp.finfo(vector.dtype).eps
        # Residuals are differences of terms as large as the data: below their rounding all is noise. A loss that is
        # itself such a difference, of squares, has its noise much higher.
        noise = size * (10 * eps if problem.rounded else (10 * eps) ** 2)
        floor = jnp.maximum(1e3 * eps * value, noise)

        def attempt(trial: Trial) -> Trial:
            step, scale, inverse = solve(trial.damping)
            predicted = trial.damping * jnp.sum(scale * step * step) - jnp.sum(gradient * step) / 2
            length = jnp.sqrt(jnp.sum(scale * step * step))
            if self.accelerated and inverse is not None:
                step = _bent(step, scale, inverse(-problem.curvature(parameters, unravel(step))))
            loss = problem.loss(unravel(vector + step))
            ratio = (value - loss) / predicted
            # Where differences of losses are rounding errors, a step is good if it is much shorter than the last.
            settled = (predicted < floor) & (length < 0.5 * state.length) & (loss < value + floor)
            good = jnp.isfinite(loss) & (predicted > 0) & ((ratio > 1e-4) | settled)
            factor = jnp.where(good, _relaxation(ratio), 5.0)
            damping = jnp.clip(trial.damping * factor, 1e-15, 1e12)
            moved = jnp.where(good, vector + step, trial.vector)
            return Trial(moved, jnp.where(good, loss, trial.loss), damping, length, good, trial.tries + 1)

        zero = jnp.zeros((), jnp.int32)
        first = Trial(vector, value, state.damping, state.length, jnp.asarray(False), zero)

        def going(trial: Trial):
            return ~trial.accepted & (trial.tries < self.tries) & jnp.logical_not(problem.stopped())

        last = jax.lax.while_loop(going, attempt, first)
        idle = jnp.where(value - last.loss < self.worth * jnp.abs(value), state.idle + 1, 0)
        silent = (last.loss < noise) & (last.length > 0.1 * state.length)
        silent |= last.loss < self.enough**2 * size
        finished = silent | (idle >= self.patience) | (~last.accepted & (not self.resamples))
        return unravel(last.vector), GaussNewtonState(last.damping, last.length, size, idle, finished), value

    def _solver(self, problem, parameters, gradient):
        """damping -> (step, D, inverse), by the algebra that suits the numbers of parameters P and rows m.

        `inverse` solves the same damped system for another right side; None where it would cost as much again.
        """
        size, rows = gradient.size, problem.count
        algebra = self.algebra
        if algebra == "auto":
            assembled = problem.assembles(parameters) or (size <= 4000 and size * rows <= _MOST_ENTRIES)
            algebra = "normal" if size <= 6000 and assembled else "cg"
            if problem.has_jacobian and rows < size and rows <= 6000:
                algebra = "dual"
        if algebra == "cg":
            return _cg(problem, parameters, gradient, self.forcing)
        if algebra == "normal":
            return _normal(problem, parameters, gradient, self.uniform)
        return _dual(problem, parameters, gradient)


def _bent(step, scale, acceleration):
    """The step along the curve on which residuals follow their linear model to second order, where it bends little."""
    little = jnp.sum(scale * acceleration**2) <= _MOST_BENT**2 * jnp.sum(scale * step * step)
    return jnp.where(little, step + acceleration / 2, step)


def _relaxation(ratio):
    """How the damping changes after a step that was accepted."""
    return jnp.where(ratio > 0.75, 0.2, jnp.where(ratio > 0.4, 0.5, jnp.where(ratio > 0.1, 1.0, 2.0)))


def _scale(diagonal, uniform=False):
    """Marquardt's D, floored so that parameters without effect stay where they are; Levenberg's, one for all."""
    floor = 1.0 if uniform else 1e-8
    return jnp.maximum(diagonal, floor * jnp.max(diagonal)) + jnp.finfo(diagonal.dtype).tiny


def _normal(problem, parameters, gradient, uniform):
    matrix = problem.normal(parameters) if problem.assembles(parameters) else _by_columns(problem, parameters)
    scale = _scale(jnp.diagonal(matrix), uniform)
    root = jnp.sqrt(scale)
    scaled = matrix / root / root[:, None]

    def solve(damping):
        factor = jnp.linalg.cholesky(scaled + damping * jnp.eye(len(scaled), dtype=scaled.dtype))

        def inverse(vector):
            return cho_solve((factor, True), vector / root) / root

        return inverse(-gradient / 2), scale, inverse

    return solve


def _by_columns(problem, parameters):
    """J^T J from products of J with every unit vector."""
    vector, unravel = ravel_pytree(parameters)
    forward, _ = problem.products(parameters)
    size = len(vector)
    blocks = jnp.eye(size + -size % _BLOCK, size, dtype=vector.dtype).reshape(-1, _BLOCK, size)
    nothing = jnp.zeros((_BLOCK, problem.count), vector.dtype)

    def images(block):
        columns = jax.vmap(lambda v: forward(unravel(v)))
        return jax.lax.cond(problem.stopped(), lambda _: nothing, columns, block)

    columns = jax.lax.map(images, blocks).reshape(-1, problem.count)[:size]
    return columns @ columns.T


def _dual(problem, parameters, gradient):
    """s = -D^-1 J^T (J D^-1 J^T + damping I)^-1 r, the same step from a matrix of the size of the rows."""
    j, r = problem.jacobian(parameters), problem.rows(parameters)
    scale = _scale(jnp.sum(j * j, axis=0))
    matrix = (j / scale) @ j.T

    def solve(damping):
        factor = jnp.linalg.cholesky(matrix + damping * jnp.eye(len(matrix), dtype=matrix.dtype))
        return -(j.T @ cho_solve((factor, True), r)) / scale, scale, None

    return solve


def _cg(problem, parameters, gradient, forcing):
    """Conjugate gradients on the normal equations, scaled to a unit diagonal.

    The model's prediction holds for their iterates too: the residual of each is orthogonal to itself.
    """
    vector, unravel = ravel_pytree(parameters)
    forward, backward = problem.products(parameters)

    def transposed(w):
        return ravel_pytree(backward(w))[0]

    scale = _scale(diagonal(transposed, problem.count, vector.dtype))
    root = jnp.sqrt(scale)

    def product(v):
        return transposed(forward(unravel(v / root))) / root

    def solve(damping):
        return conjugate_gradients(product, -gradient / 2 / root, damping, forcing, problem.stopped) / root, scale, None

    return solve
