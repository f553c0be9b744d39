"""Queries as published, by Adam: of the reduced network on absolute residuals, of the whole one on mean squares.

Both return all coefficients on the way, (steps + 1, n_s), the start first, so that errors can be followed; `last_of`
makes of them what a query needs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from spindle.networks.lowrank import FamilyField
from spindle.networks.model import Model
from spindle.objective.objective import Objective
from spindle.reduction.tuning import with_coefficients

PUBLISHED_STEPS = 399  # 400 epochs, before the first of which nothing has moved
_WAVE = 100  # steps from the highest rate to zero of the cosine schedule, which goes on past it

Path = Callable[[jax.Array, jax.Array, Any], jax.Array]


def fast_path(
    field: FamilyField, objective: Objective, weights, *, steps: int = PUBLISHED_STEPS, rate: float = 2.5e-5
) -> Path:
    """The fast phase: Adam on the sum of |r| plus locality * |s - s(mu)|_1, over all coefficients.

    The rate falls by 0.95 when 3 steps brought no gain. Source: Cho et al. (2024), equations 3.6 and 3.7.
    """
    transform = optax.chain(optax.adam(rate), optax.contrib.reduce_on_plateau(0.95, patience=3))

    def loss(s, start, points, locality):
        rows = objective.evaluate(Model(with_coefficients(field, s), {}), points)
        total = sum(weights[name] * jnp.sum(jnp.abs(row)) for name, arrays in rows.items() for row in arrays)
        return total + locality * jnp.sum(jnp.abs(s - start))

    return _path(objective, loss, transform, steps)


def fine_tuning_path(
    field: FamilyField, objective: Objective, weights, *, steps: int = PUBLISHED_STEPS, rate: float = 5e-5
) -> Path:
    """The fine-tuning of the whole network: Adam on the mean squares of the residuals, over all coefficients.

    The rate goes down to zero along a cosine in 100 steps, up again in 100, and so on. `locality` is not used.
    Source: Cho et al. (2024), equation 3.5, and the code beside it.
    """
    transform = optax.adam(lambda count: rate * (1 + jnp.cos(jnp.pi * count / _WAVE)) / 2, b1=0.9, b2=0.99)

    def loss(s, start, points, locality):
        return objective.loss(Model(with_coefficients(field, s), {}), points, weights)

    return _path(objective, loss, transform, steps)


def last_of(path: Path) -> Path:
    """The function of the same arguments that returns the coefficients at the end, (n_s,)."""
    return lambda start, mu, locality: path(start, mu, locality)[-1]


def _path(objective: Objective, loss: Callable, transform, steps: int) -> Path:
    extended = optax.with_extra_args_support(transform)

    def path(start, mu, locality):
        points = objective.draw(mu)

        def step(state, _):
            s, inner = state
            value, gradient = jax.value_and_grad(loss)(s, start, points, locality)
            updates, inner = extended.update(gradient, inner, s, value=value)
            s = optax.apply_updates(s, updates)
            return (s, inner), s

        _, after = jax.lax.scan(step, (start, transform.init(start)), None, length=steps)
        return jnp.concatenate([start[None], after])

    return path
