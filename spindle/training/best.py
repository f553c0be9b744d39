"""Keep the parameters of the lowest loss, as a wrapper around a step.

Around the step of the loop and not around an optimizer: the best parameters outlive the stage that came upon them, and
the steps at which they are looked for are those of all stages.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

# To compare and to copy costs time: every so many steps, of the steps after this share of all.
LOOKS = {"lowest loss": (10, 0.0), "lowest late loss": (100, 0.7)}


class Best(NamedTuple):
    """The parameters of the lowest loss, and that loss: infinite as long as none was looked at."""

    arrays: Any
    loss: jax.Array


def nothing_yet(arrays) -> Best:
    """Before the first step, and after a model was refined."""
    return Best(arrays, jnp.asarray(jnp.inf))


def keeping_the_best(step: Callable, keep: str, steps: int) -> Callable:
    """A step, (state, stop) -> state, that keeps the parameters before it where their loss is the lowest so far.

    keep    one of `LOOKS`
    steps   of all stages
    """
    every, share = LOOKS[keep]
    first = math.floor(share * steps)

    def with_best(state, stop):
        after = step(state, stop)
        looked_at = (state.step % every == 0) & (state.step >= first)
        better = looked_at & (after.loss < state.best.loss)
        arrays = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.arrays, state.best.arrays)
        return after._replace(best=Best(arrays, jnp.where(better, after.loss, state.best.loss)))

    return with_best
