"""The fast phase: the coefficients of one member, from the residual of a network whose bases are frozen.

With s = s(mu) + Phi a, s(mu) from the hypernetwork, or that and the member's last layer, it minimises

    |r(s)|^2 + locality * sum over k of (a_k / sigma_k)^2

by Gauss-Newton, all of it one compiled call, batched over members. Phi and sigma are the principal directions and sizes
of the corrections that training members needed: the Bayesian prior of a, in which `locality` is the one free number.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve

from spindle.networks.lowrank import FamilyField
from spindle.networks.model import Model
from spindle.objective.least_squares import weighted_rows
from spindle.objective.objective import Objective
from spindle.reduction.batches import over_members

_COLUMNS = 16  # of J that are computed at a time


class Prior(NamedTuple):
    """Directions Phi (n_s, n_a) of corrections of what `coefficients_of` returns, and their sizes sigma (n_a,)."""

    directions: jax.Array
    sizes: jax.Array


class Tuned(NamedTuple):
    """Coefficients (n_s,) of a member, its residual with them and with those of the hypernetwork.

    residual   root of the loss on points that tuning did not look at, by the full network
    start      the residual before tuning
    """

    coefficients: jax.Array
    residual: jax.Array
    start: jax.Array


def coefficients_of(field: FamilyField, mu: jax.Array) -> jax.Array:
    """The numbers (n_s,) that tuning changes, as they are before: the hypernetwork's coefficients at parameters (p,).

    With `field.free_last` the weights and biases of the last layer follow, which all members share before tuning.
    """
    last = [field.network.last.weight.ravel(), field.network.last.bias] if field.free_last else []
    return jnp.concatenate([*(s[0] for s in field.coefficients_at(mu[None])), *last])


def with_coefficients(field: FamilyField, s: jax.Array) -> FamilyField:
    """The field with the numbers s (n_s,) in place of those of `coefficients_of`; it then ignores its parameters."""
    network = field.network
    *inner, last = jnp.split(s, list(itertools.accumulate(network.ranks)))
    field = eqx.tree_at(lambda f: f.coefficients, field, inner, is_leaf=lambda leaf: leaf is None)
    if not field.free_last:
        return field
    outputs = len(network.last.bias)
    weight = last[:-outputs].reshape(-1, outputs)
    weight = weight if network.lift is None else network.lift.T @ weight
    layer = eqx.tree_at(lambda d: (d.weight, d.bias), network.last, (weight, last[-outputs:]))
    return eqx.tree_at(lambda f: f.network.last, field, layer)


def residual_rows(objective: Objective, field: FamilyField, mu: jax.Array, weights, points=None) -> jax.Array:
    """The weighted residual vector of the member at parameters mu."""
    drawn = objective.draw(mu) if points is None else points
    return weighted_rows(objective.rows(Model(field, {}), drawn), weights)


def linearised(objective: Objective, small: FamilyField, full: FamilyField, prior: Prior, members) -> tuple[list, list]:
    """For each piece the residuals (q, n) of members (q, p), and their slopes (q, n, n_a) along the directions."""

    @partial(over_members, wide=full)
    def both(mu):
        start, points = coefficients_of(full, mu), objective.draw(mu)

        def values(a):
            model = Model(with_coefficients(small, start + prior.directions @ (prior.sizes * a)), {})
            return [row for rows in objective.evaluate(model, points).values() for row in rows]

        zero = jnp.zeros(len(prior.sizes))
        return values(zero), jax.jacfwd(values)(zero)

    residuals, slopes = both(jnp.asarray(members))
    return [np.asarray(r) for r in residuals], [np.asarray(s) for s in slopes]


def columns(forward: Callable, count: int, dtype) -> jax.Array:
    """The matrix (m, count) of a linear map, in blocks: the tangents of a wide network do not all fit into memory."""
    unit = jnp.eye(count, dtype=dtype)
    if count <= _COLUMNS:
        return jax.vmap(forward, out_axes=1)(unit)
    return jax.lax.map(forward, unit, batch_size=_COLUMNS).T


def gauss_newton(
    field: FamilyField, objective: Objective, weights, prior: Prior, steps: int
) -> Callable[[jax.Array, jax.Array, Any], jax.Array]:
    """The function (start (n_s,), mu (p,), locality) -> corrected coefficients, after a fixed number of steps."""
    precision = 1 / prior.sizes**2

    def tune(start, mu, locality):
        points = objective.draw(mu)

        def rows(a):
            return residual_rows(objective, with_coefficients(field, start + prior.directions @ a), mu, weights, points)

        def step(a, _):
            r, forward = jax.linearize(rows, a)
            j = columns(forward, len(a), a.dtype)
            matrix = j.T @ j + jnp.diag(locality * precision)
            # Rounding alone must not make the matrix indefinite.
            matrix += 1e-14 * jnp.trace(matrix) * jnp.eye(len(a), dtype=a.dtype)
            factor = jnp.linalg.cholesky(matrix)
            return a - cho_solve((factor, True), j.T @ r + locality * precision * a), None

        a, _ = jax.lax.scan(step, jnp.zeros(len(prior.sizes), start.dtype), None, length=steps)
        tuned = start + prior.directions @ a
        return jnp.where(jnp.isfinite(tuned).all(), tuned, start)

    return tune


def judged_tuning(
    tune: Callable, full: FamilyField, check: Objective, weights, *, guard: bool = True
) -> Callable[[jax.Array, Any], Tuned]:
    """The function (mu, locality) -> tuned member, with its full residual on other points.

    guard   whether the start is returned where that residual does not fall
    """

    def query(mu, locality):
        start = coefficients_of(full, mu)
        tuned = tune(start, mu, locality)
        points = check.draw(mu)

        def size(s):
            return jnp.linalg.norm(residual_rows(check, with_coefficients(full, s), mu, weights, points))

        before, after = size(start), size(tuned)
        better = (after < before) if guard else jnp.asarray(True)
        return Tuned(jnp.where(better, tuned, start), jnp.where(better, after, before), before)

    return query
