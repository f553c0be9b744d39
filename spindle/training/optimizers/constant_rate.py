"""L-BFGS of constant step length, as the optimizer that DT-PINNs were published with takes its steps.

The step is -t H g, H by the two-loop recursion (Nocedal 1980, Math. Comp. 35) from those pairs whose s . y is above
1e-10, t the rate, in the first step min(1, 1 / |g|_1) times the rate. Iterations come in blocks of 20, which end early
where the loss or the parameters changed by less than 1e-9. Where the gradient is below 1e-7, or H g nearly across it,
all later blocks would stay where they are, and the run ends. A run that is lost, with a loss that is not finite or
above 500 after 30 blocks, begins anew with another network and half the rate.

Source: the defaults of `torch.optim.LBFGS`, with the restarts of the code beside Sharma & Shankar (2022),
arXiv 2205.09332.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

BLOCK = 20  # iterations
PATIENCE = 30  # blocks before a large loss counts
_CEILING = 500.0  # the loss above which a run is begun anew
_HOPELESS = 1e9  # a loss that needs no patience: no published run comes back from there
_CURVED = 1e-10  # least s . y of a pair that is kept
_FLAT = 1e-7  # largest component of a gradient that is as good as zero
_UNCHANGED = 1e-9


class ConstantRateState(NamedTuple):
    """The state of steps of a constant rate.

    origin     the parameters that the first run began with
    share      of the rate that is used: halved whenever the run is begun anew
    block      blocks that have ended since then
    inside     iterations of the present block
    age        iterations since the run was begun
    value      the loss before the last step
    gradient   there
    moved      the last step
    steps      (memory, n) s, the steps of the pairs that are kept
    turns      (memory, n) y, the changes of the gradient
    kept       how many pairs were kept in all
    stays      whether later steps would stay where they are
    """

    origin: Any
    share: jax.Array
    block: jax.Array
    inside: jax.Array
    age: jax.Array
    value: jax.Array
    gradient: jax.Array
    moved: jax.Array
    steps: jax.Array
    turns: jax.Array
    kept: jax.Array
    stays: jax.Array


def begun(parameters, memory: int) -> ConstantRateState:
    """The state before the first step of a run, which remembers so many pairs."""
    vector = ravel_pytree(parameters)[0]
    pairs, none, zero = jnp.zeros((memory, vector.size), vector.dtype), jnp.zeros_like(vector), jnp.zeros((), jnp.int32)
    value = jnp.full((), jnp.inf, vector.dtype)
    return ConstantRateState(
        parameters, jnp.ones(()), zero, zero, zero, value, none, none, pairs, pairs, zero, jnp.asarray(False)
    )


def advanced(problem, parameters, state: ConstantRateState, rate: float, fresh: Callable | None):
    """One step, or the beginning of another run: new parameters, new state, and the loss before the step.

    fresh   random key -> the parameters of another network; None: a run begins anew where the first one began
    """
    value, tree = jax.value_and_grad(problem.loss)(parameters)
    vector, unravel = ravel_pytree(parameters)
    gradient = ravel_pytree(tree)[0]
    state = _counted(state, value)

    def go_on():
        remembered = _remembered(state, gradient)
        direction = -_preconditioned(remembered, gradient)
        shorter = jnp.where(state.age == 0, jnp.minimum(1.0, 1.0 / jnp.sum(jnp.abs(gradient))), 1.0)
        length = jnp.asarray(rate * state.share * shorter, gradient.dtype)
        stays = (jnp.max(jnp.abs(gradient)) <= _FLAT) | (gradient @ direction > -_UNCHANGED)
        moved = jnp.where(stays, jnp.zeros_like(direction), length * direction)
        after = remembered._replace(
            age=state.age + 1, inside=state.inside + 1, value=value, gradient=gradient, moved=moved, stays=stays
        )
        return unravel(vector + moved), after

    def begin_anew():
        other = state.origin if fresh is None else fresh(_key(state))
        again = begun(state.origin, len(state.steps))
        return other, again._replace(share=state.share / 2)

    patient = (state.inside > 0) | (state.block <= PATIENCE)
    lost = ~jnp.isfinite(value) | ((value > _CEILING) & ~patient) | (value > _HOPELESS)
    parameters, state = jax.lax.cond(lost, begin_anew, go_on)
    return parameters, state, jnp.where(jnp.isfinite(value), value, _CEILING)


def _counted(state: ConstantRateState, value) -> ConstantRateState:
    """The state with its block ended where it has all its iterations, or where the last one changed little."""
    still = (jnp.max(jnp.abs(state.moved)) <= _UNCHANGED) | (jnp.abs(value - state.value) < _UNCHANGED)
    ended = (state.inside > 0) & ((state.inside >= BLOCK) | still)
    return state._replace(block=state.block + ended, inside=jnp.where(ended, 0, state.inside))


def _remembered(state: ConstantRateState, gradient) -> ConstantRateState:
    """The state with the pair of the last step, where it curves upwards."""
    turn = gradient - state.gradient
    curved = (state.age > 0) & (state.moved @ turn > _CURVED)
    place = state.kept % len(state.steps)

    def kept(pairs, new):
        return pairs.at[place].set(jnp.where(curved, new, pairs[place]))

    return state._replace(steps=kept(state.steps, state.moved), turns=kept(state.turns, turn), kept=state.kept + curved)


def _preconditioned(state: ConstantRateState, gradient):
    """H g by the two-loop recursion, newest pair first; g where there is no pair."""
    memory = len(state.steps)
    products = jnp.sum(state.steps * state.turns, axis=1)
    newest = (state.kept - 1) % memory
    count = jnp.minimum(state.kept, memory)

    def backward(k, carried):
        vector, shares = carried
        i = (newest - k) % memory
        share = state.steps[i] @ vector / products[i]
        return vector - share * state.turns[i], shares.at[i].set(share)

    def forward(k, vector):
        i = (newest - count + 1 + k) % memory
        return vector + (shares[i] - state.turns[i] @ vector / products[i]) * state.steps[i]

    vector, shares = jax.lax.fori_loop(0, count, backward, (gradient, jnp.zeros_like(products)))
    scale = products[newest] / jnp.sum(state.turns[newest] ** 2)
    return jax.lax.fori_loop(0, count, forward, jnp.where(count > 0, scale, 1.0) * vector)


def _key(state: ConstantRateState):
    """A key that differs from run to run, and with the parameters that the first one began with."""
    total = jnp.sum(ravel_pytree(state.origin)[0]).astype(jnp.float32)
    runs = jnp.round(-jnp.log2(state.share)).astype(jnp.int32)
    return jax.random.fold_in(jax.random.PRNGKey(jax.lax.bitcast_convert_type(total, jnp.int32)), runs)
