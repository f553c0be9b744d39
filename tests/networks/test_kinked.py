"""Fields whose slopes jump where levels vanish."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.embeddings import Raw
from spindle.networks.kinked import KinkedField


def polynomial(features):
    """x^2 y + (2 + x y) z of the coordinates and of the modulus z of the level."""
    x, y, z = features[:, :1], features[:, 1:2], features[:, 2:3]
    return x * x * y + (x * y + 2.0) * z


def circle(points, orders):
    """g = x^2 + y^2 - 1/4."""
    x, y = points[:, :1], points[:, 1:2]
    table = {(0, 0): x**2 + y**2 - 0.25, (1, 0): 2 * x, (0, 1): 2 * y, (2, 0): 2 + 0 * x, (0, 2): 2 + 0 * x}
    return table.get(tuple(orders), 0 * x)


FIELD = KinkedField(Raw(2), polynomial, (circle,), 1)
ORDERS = [(0, 0), (1, 0), (2, 0), (1, 1)]


def side(sign):
    return lambda p: p[0] ** 2 * p[1] + sign * (p[0] ** 2 + p[1] ** 2 - 0.25) * (2 + p[0] * p[1])


def derivative(function, orders, points):
    for axis, times in enumerate(orders):
        for _ in range(times):
            function = (lambda f, k: lambda p: jax.grad(f)(p)[k])(function, axis)
    return jax.vmap(function)(points)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_derivatives_on_both_sides_are_those_of_the_formula_there():
    points = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, size=(50, 2)))
    taken, outside = FIELD.partials(points, ORDERS), np.sum(np.asarray(points) ** 2, axis=1) > 0.25
    beside = FIELD.beside(0, points, ORDERS)
    for orders in ORDERS:
        inner, outer = (np.asarray(derivative(side(s), orders, points)) for s in (-1, 1))
        np.testing.assert_allclose(np.asarray(taken[orders])[:, 0], np.where(outside, outer, inner), atol=1e-12)
        np.testing.assert_allclose(np.asarray(beside[orders]), np.stack([inner, outer], axis=1), atol=1e-12)


def test_values_are_continuous_and_slopes_jump():
    angle = np.linspace(0, 2 * np.pi, 20)
    points = jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1) / 2)
    beside = FIELD.beside(0, points, [(0, 0), (1, 0)])
    np.testing.assert_allclose(*np.asarray(beside[0, 0]).T, atol=1e-15)
    x, y = np.asarray(points).T
    np.testing.assert_allclose(np.diff(np.asarray(beside[1, 0]), axis=1)[:, 0], 4 * x * (2 + x * y), atol=1e-14)
