"""Keep the parameters of the lowest loss, as a wrapper around a step.

Around the step of the loop and not around an optimizer: the best parameters outlive the stage that came upon them, and
the steps at which they are looked for are those of all stages.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

_EVERY = 10  # steps: to compare and to copy costs time


class Best(NamedTuple):
    """The parameters of the lowest loss, and that loss: infinite as long as none was looked at."""

    arrays: Any
    loss: jax.Array


def nothing_yet(arrays) -> Best:
    """Before the first step, and after a model was refined."""
    return Best(arrays, jnp.asarray(jnp.inf))


def keeping_the_best(step: Callable) -> Callable:
    """A step, (state, stop) -> state, that keeps the parameters before it where their loss is the lowest so far."""

    def with_best(state, stop):
        after = step(state, stop)
        better = (state.step % _EVERY == 0) & (after.loss < state.best.loss)
        arrays = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.arrays, state.best.arrays)
        return after._replace(best=Best(arrays, jnp.where(better, after.loss, state.best.loss)))

    return with_best
