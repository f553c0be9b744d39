"""Conjugate gradients for (A + shift I) x = b, A symmetric positive semidefinite and known by products."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

ITERATIONS = 400
PROBES = 32


def conjugate_gradients(product, b, shift, tolerance, stopped: Callable = lambda: False):
    """x, to that relative residual or by 400 products; anything, once `stopped()` is true."""

    def go_on(state):
        _, _, _, rr, count = state
        return (count < ITERATIONS) & (rr > tolerance**2 * jnp.sum(b * b)) & jnp.logical_not(stopped())

    def improve(state):
        x, r, p, rr, count = state
        image = product(p) + shift * p
        alpha = rr / jnp.sum(p * image)
        x, r = x + alpha * p, r - alpha * image
        new = jnp.sum(r * r)
        return x, r, r + new / rr * p, new, count + 1

    start = (jnp.zeros_like(b), b, b, jnp.sum(b * b), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(go_on, improve, start)[0]


def diagonal(backward, rows: int, dtype):
    """The diagonal of J^T J from products with J^T: with z of random signs, (J^T z)_p^2 has the mean |J_p|^2.

    The relative deviation is sqrt(2 / PROBES), a quarter: enough to scale by.
    Source: the estimator of Bekas, Kokiopoulou & Saad (2007), Appl. Numer. Math. 57, for J^T J.
    """

    def add(total, key):
        return total + backward(jax.random.rademacher(key, (rows,), dtype)) ** 2, None

    first = backward(jnp.zeros(rows, dtype))
    return jax.lax.scan(add, first, jax.random.split(jax.random.PRNGKey(0), PROBES))[0] / PROBES
