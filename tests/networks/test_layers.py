"""Bodies: published sizes, the formulas in plain NumPy, and initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.embeddings import PeriodicFeatures, Raw
from spindle.networks.fields import PointwiseField, SeparableField
from spindle.networks.layers import MLP, Dense, ModifiedMLP
from spindle.networks.registry import BODIES
from spindle.networks.taylor import Jet


def separable(body, axes, key, *, width=64, rank=32, hidden=3, outputs=1):
    bodies = tuple(BODIES[body](1, rank * outputs, width=width, hidden=hidden, key=key) for _ in range(axes))
    return SeparableField((Raw(1),) * axes, bodies, ((),) * outputs, outputs)


def pointwise(dimensions, key):
    return PointwiseField(Raw(dimensions), MLP(dimensions, 1, width=128, hidden=4, key=key), ((),), 1)


# Trainable numbers of the networks of Cho et al. (2023); their "L layers" is L - 1 hidden (or gated) layers.
PUBLISHED = [
    (lambda key: separable("mlp", 3, key), 31_584),
    (lambda key: separable("modified", 3, key), 44_832),
    (lambda key: separable("mlp", 4, key), 42_112),
    (lambda key: separable("modified", 3, key, rank=128), 63_552),
    (lambda key: separable("modified", 2, key, rank=128), 42_368),
    (lambda key: separable("mlp", 4, key, rank=128, hidden=4, outputs=3), 150_272),
    (lambda key: separable("modified", 4, key, rank=128, hidden=4, outputs=3), 167_936),
    (lambda key: pointwise(3, key), 50_177),
    (lambda key: pointwise(4, key), 50_305),
]


@pytest.mark.parametrize(("build", "count"), PUBLISHED, ids=[str(count) for _, count in PUBLISHED])
def test_published_networks_have_the_published_size(build, count, getkey):
    found = []
    jax.eval_shape(lambda key: found.append(build(key).parameters), getkey())  # shapes alone, no numbers
    assert found == [count]


def dense(layer, h):
    return np.asarray(h) @ np.asarray(layer.weight) + np.asarray(layer.bias)


def test_mlp_is_its_formula(getkey, float64, tolerance):
    body = MLP(2, 3, width=5, hidden=2, key=getkey())
    x = np.random.default_rng(0).normal(size=(4, 2))
    first, second, last = body.layers
    expected = dense(last, np.tanh(dense(second, np.tanh(dense(first, x)))))
    np.testing.assert_allclose(body(jnp.asarray(x)), expected, rtol=100 * tolerance)


def test_modified_mlp_is_its_formula(getkey, float64, tolerance):
    """H_1 = act(A_1 x), Z_k = act(W_k H_k), H_{k+1} = (1 - Z_k) U + Z_k V."""
    body = ModifiedMLP(2, 3, width=5, hidden=3, key=getkey())
    x = np.random.default_rng(0).normal(size=(4, 2))
    u, v = (np.tanh(dense(encoder, x)) for encoder in body.encoders)
    h = np.tanh(dense(body.first, x))
    assert len(body.gates) == 3
    for gate in body.gates:
        z = np.tanh(dense(gate, h))
        h = (1 - z) * u + z * v
    np.testing.assert_allclose(body(jnp.asarray(x)), dense(body.last, h), rtol=100 * tolerance)


def test_weights_start_glorot_normal_with_zero_bias(getkey):
    layer = Dense(200, 300, key=getkey())
    assert layer.weight.shape == (200, 300)
    assert layer.weight.std() == pytest.approx(np.sqrt(2 / 500), rel=5 / np.sqrt(2 * 60_000))  # five standard errors
    assert (layer.bias == 0).all()


@pytest.mark.parametrize("body", ["mlp", "modified"])
def test_sine_networks_start_with_frequencies_up_to_the_bound(body, getkey):
    made = BODIES[body](1, 1, width=2000, hidden=1, act="sin", frequency=12.0, key=getkey())
    first = made.layers[0] if body == "mlp" else made.first
    assert 11.9 < np.abs(first.weight).max() <= 12
    assert np.abs(first.bias).max() <= np.pi + 1e-6
    plain = BODIES[body](1, 1, width=2000, hidden=1, act="tanh", frequency=12.0, key=getkey())
    assert np.abs((plain.layers[0] if body == "mlp" else plain.first).weight).max() < 1


@pytest.mark.parametrize("name", ["tanh", "gaussian"])
def test_neurons_are_spread_over_the_box_of_their_inputs(name, getkey):
    """Where slopes and centres are spread, every neuron changes inside the interval, none faster than is resolved."""
    first = MLP(1, 1, width=400, hidden=1, act=name, frequency=9.0, initial="spread", key=getkey()).layers[0]
    slopes, centres = first.weight[0], -first.bias / first.weight[0]
    assert 8.5 < jnp.abs(slopes).max() <= 9 and jnp.abs(jnp.mean(slopes)) < 1
    assert 0.95 < jnp.abs(centres).max() <= 1 and np.std(centres) == pytest.approx(1 / np.sqrt(3), rel=0.1)


def test_another_key_gives_other_weights(getkey):
    one, other = (MLP(1, 1, width=3, hidden=1, key=getkey()) for _ in range(2))
    assert (one.layers[0].weight != other.layers[0].weight).any()
    assert one.layers[0].weight.shape == other.layers[0].weight.shape


def test_spectral_features_are_legendre_polynomials_with_exact_derivatives(getkey, float64):
    body = BODIES["spectral"](1, 2, width=9, key=getkey())
    x = np.linspace(-1, 1, 7)
    jet = body(Jet.variables(x[:, None], ((0,), (1,), (2,), (3,))))
    for output in range(2):
        coefficients = np.asarray(body.weight)[:, output] * np.sqrt(2 * np.arange(9) + 1)
        for order in range(4):
            exact = np.polynomial.legendre.legval(x, np.polynomial.legendre.legder(coefficients, order))
            np.testing.assert_allclose(jet.derivative((order,))[:, output], exact, rtol=1e-12, atol=1e-11)


def test_spectral_features_of_a_periodic_axis_are_its_waves(getkey, float64):
    waves = PeriodicFeatures(((0.0, 2.0),), (True,), 3)
    body = BODIES["spectral"](waves.width, 1, width=7, key=getkey())
    assert body.weight.shape == (7, 1)
    x = np.array([[0.3], [2.3]])
    np.testing.assert_allclose(*body(waves(x)), rtol=1e-12)
