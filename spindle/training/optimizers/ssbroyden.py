"""Self-scaled Broyden steps with a full inverse Hessian, for networks too large for a normal matrix each step.

With s the step, y the change of the gradient, H the inverse Hessian so far and v = s / y.s - H y / y.H y, an update is

    H  <-  (H - H y (H y)^T / y.H y + phi (y.H y) v v^T) / tau  +  s s^T / y.s,

phi = 1 that of BFGS. The scalars tau and phi of Al-Baali (1998, Comput. Optim. Appl. 9) keep H from growing stiff.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from spindle.training.optimizers.base import Optimizer

_MOST = 25  # evaluations in one line search
_FALLS, _FLATTENS = 1e-4, 0.9  # shares of the slope: the loss falls by the first, what is left is less than the second


class BroydenState(NamedTuple):
    """The optimizer's state.

    inverse    H, (P, P)
    lost       line searches in a row that found nothing; two end the run, one begins with the identity again
    """

    inverse: jax.Array
    lost: jax.Array


class Search(NamedTuple):
    """A line search: the length that is tried next, ends of the bracket, and what was met at the last one."""

    length: jax.Array
    low: jax.Array
    high: jax.Array
    value: jax.Array
    gradient: jax.Array
    tries: jax.Array
    done: jax.Array


@dataclass(frozen=True)
class SSBroyden(Optimizer):
    """Self-scaled Broyden's method (Al-Baali 1998; Urban, Stefanou & Pons 2025, arXiv 2501.16371, for PINNs).

    steps   number of iterations, each of one or two gradients and some P^2 operations; H takes 8 P^2 bytes
    """

    steps: int = 1000
    label: ClassVar[str] = "SSBroyden"
    resamples: ClassVar[bool] = True

    def start(self, parameters) -> BroydenState:
        """No curvature yet."""
        vector, _ = ravel_pytree(parameters)
        return BroydenState(jnp.eye(vector.size, dtype=vector.dtype), jnp.zeros((), jnp.int32))

    def step(self, problem, parameters, state: BroydenState):
        """One line search that meets the weak Wolfe conditions, and the update of H."""
        vector, unravel = ravel_pytree(parameters)
        evaluate = jax.value_and_grad(lambda v: problem.loss(unravel(v)))
        value, gradient = evaluate(vector)
        direction = -(state.inverse @ gradient)
        end = _searched(evaluate, vector, value, gradient, direction)
        step, change = end.length * direction, end.gradient - gradient
        curved = end.done & (change @ step > 0)
        inverse = jnp.where(curved, _updated(state.inverse, end.length, step, change, gradient), state.inverse)
        inverse = jnp.where(end.done, inverse, jnp.eye(vector.size, dtype=vector.dtype))
        lost = jnp.where(end.done, 0, state.lost + 1)
        return unravel(jnp.where(end.done, vector + step, vector)), BroydenState(inverse, lost), value

    def finished(self, state: BroydenState) -> jax.Array:
        """Whether not even a step along the gradient gained anything."""
        return state.lost >= 2


def _searched(evaluate, vector, value, gradient, direction) -> Search:
    """Bisection after quadratic interpolation, for the weak Wolfe conditions; one evaluation each round."""
    slope = gradient @ direction

    def tried(search: Search) -> Search:
        length = search.length
        there, gradient_there = evaluate(vector + length * direction)
        falls = there <= value + _FALLS * length * slope
        flattens = gradient_there @ direction >= _FLATTENS * slope
        low, high = jnp.where(falls & ~flattens, length, search.low), jnp.where(falls, search.high, length)
        lowest = -slope * length**2 / (2 * (there - value - slope * length))
        shorter = jnp.where(jnp.isfinite(lowest), jnp.clip(lowest, 0.1 * length, 0.5 * length), 0.1 * length)
        within = jnp.where(low > 0, (low + high) / 2, shorter)
        following = jnp.where(jnp.isinf(high), 2 * length, within)
        done = falls & flattens
        following = jnp.where(done, length, following)
        return Search(following, low, high, there, gradient_there, search.tries + 1, done)

    one, zero = jnp.ones_like(value), jnp.zeros_like(value)
    first = Search(one, zero, one * jnp.inf, value, gradient, jnp.zeros((), jnp.int32), jnp.asarray(False))
    return jax.lax.while_loop(lambda s: ~s.done & (s.tries < _MOST), tried, first)


def _updated(inverse, length, step, change, gradient):
    """H after a step, by the scalars of Al-Baali; b and h are the curvature of the step in units of that expected."""
    image = inverse @ change
    along, across = change @ step, change @ image
    b, h = -length * (step @ gradient) / along, across / along
    a = jnp.maximum(h * b - 1, 1e-14)
    least = jnp.minimum(1.0, h * (1 - jnp.sqrt(a / (1 + a))))
    theta = jnp.maximum((least - 1) / a, jnp.minimum(1 / least, (1 - b) / b))
    sigma = 1 + a * theta
    shrunk, first = sigma ** (-1 / max(1, len(step) - 1)), jnp.minimum(1.0, 1 / b)
    tau = jnp.where(theta > 0, first * jnp.minimum(shrunk, 1 / theta), jnp.minimum(first * shrunk, sigma))
    phi = (1 - theta) / sigma
    v = step / along - image / across
    scaled = inverse - jnp.outer(image, image) / across + phi * across * jnp.outer(v, v)
    return scaled / tau + jnp.outer(step, step) / along
