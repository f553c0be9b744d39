"""Networks and activations of the user's own: their derivatives are those of closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spindle as spd
from spindle.networks.activations import activation
from spindle.networks.embeddings import PeriodicFeatures, Scaled
from spindle.networks.fields import PointwiseField
from spindle.networks.given import given_network
from spindle.networks.layers import MLP

ORDERS = ((0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (0, 3))
BOUNDS = ((0.0, 2.0), (-1.0, 3.0))
RNG = np.random.default_rng(0)
POINTS = np.stack([RNG.uniform(*b, 7) for b in BOUNDS], axis=1)


class Wave(eqx.Module):
    """(sin(a t + b x), exp(a t) x) of inputs t, x."""

    a: jax.Array
    b: jax.Array

    def __call__(self, point):
        t, x = point
        return jnp.stack([jnp.sin(self.a * t + self.b * x), jnp.exp(self.a * t) * x])


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def field(module, embedding, inputs=2, outputs=2):
    body = given_network(module, inputs, outputs, jax.random.PRNGKey(0))
    return PointwiseField(embedding, body, ((), ()), outputs)


def test_partials_of_a_module_are_those_of_the_closed_form():
    a, b = 0.7, -1.3
    partials = field(Wave(jnp.float32(a), jnp.float32(b)), Scaled(BOUNDS)).partials(jnp.asarray(POINTS), ORDERS)
    a, b = float(np.float32(a)), float(np.float32(b))
    low, high = np.array(BOUNDS).T
    t, x = (2 * (POINTS - low) / (high - low) - 1).T
    for m, n in ORDERS:
        slope = (2 / (high[0] - low[0])) ** m * (2 / (high[1] - low[1])) ** n
        wave = a**m * b**n * np.sin(a * t + b * x + (m + n) * np.pi / 2)
        growth = a**m * np.exp(a * t) * (x if n == 0 else float(n == 1))
        np.testing.assert_allclose(partials[m, n], slope * np.stack([wave, growth], axis=1), atol=1e-12)


def test_a_module_sees_periodic_features():
    """cos 2t + sin t + x of the features cos t, cos 2t, sin t, sin 2t and x."""
    features = PeriodicFeatures(((0.0, 2 * np.pi), (-1.0, 1.0)), (True, False), 2)

    class Sum(eqx.Module):
        def __call__(self, h):
            return h[1] + h[2] + h[4]  # no axis: one unknown

    taken = field(Sum(), features, inputs=5, outputs=1).partials(jnp.asarray(POINTS), ((2, 0), (0, 1)))
    t = POINTS[:, 0]
    np.testing.assert_allclose(taken[2, 0][:, 0], -4 * np.cos(2 * t) - np.sin(t), atol=1e-12)
    np.testing.assert_allclose(taken[0, 1], 1.0)


@pytest.mark.parametrize("name", ["tanh", "sin"])
def test_an_activation_given_as_a_function_is_the_one_of_that_name(name):
    options = {"width": 4, "hidden": 2, "initial": "spread", "key": jax.random.PRNGKey(3)}
    named = MLP(2, 1, act="tanh", **options)
    by_function = eqx.tree_at(lambda n: n.layers, MLP(2, 1, act=getattr(jnp, name), **options), named.layers)
    by_name = eqx.tree_at(lambda n: n.layers, MLP(2, 1, act=name, **options), named.layers)
    one, two = (PointwiseField(Scaled(BOUNDS), n, ((),), 1).partials(POINTS, ORDERS) for n in (by_function, by_name))
    for order in ORDERS:
        np.testing.assert_allclose(one[order], two[order], atol=1e-11)
    assert activation(jnp.sin) is activation(jnp.sin)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (lambda key: eqx.nn.MLP(3, 1, 4, 1, key=key), "does not take what it is given, 2 inputs.*make it for 2 inputs"),
        (lambda key: eqx.nn.MLP(2, 2, 4, 1, key=key), "has 2 outputs, and the problem has 1 unknowns"),
        (lambda key: 3, "returned 3 for a random key, and a network is an `equinox.Module`"),
    ],
)
def test_networks_that_do_not_fit_are_refused(network, text):
    with pytest.raises(spd.MethodError, match=text):
        given_network(network, 2, 1, jax.random.PRNGKey(0))
