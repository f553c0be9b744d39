"""What coordinates pass through before the first layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.embeddings import FourierFeatures, HarmonicProducts, PeriodicFeatures, Raw, Scaled
from spindle.networks.fields import PointwiseField
from spindle.networks.layers import MLP
from spindle.networks.taylor import Jet

BOUNDS = ((-1.0, 3.0), (0.0, 0.5))


def test_scaling_maps_bounds_to_plus_minus_one():
    corners = jnp.array([[-1.0, 0.0], [3.0, 0.5], [1.0, 0.25]])
    np.testing.assert_allclose(Scaled(BOUNDS)(corners), [[-1, -1], [1, 1], [0, 0]], atol=1e-6)
    np.testing.assert_array_equal(Raw(2)(corners), corners)
    assert Scaled(BOUNDS).width == Raw(2).width == 2


@pytest.mark.parametrize(("periodic", "width"), [((True, False), 7), ((False, True), 7), ((True, True), 12)])
def test_periodic_features_repeat_with_all_derivatives(periodic, width, float64):
    features = PeriodicFeatures(BOUNDS, periodic, 3)
    assert features.width == width
    points = jnp.asarray(np.random.default_rng(0).uniform(size=(4, 2)))
    for k, (low, high) in enumerate(BOUNDS):
        indices = tuple(tuple(n if j == k else 0 for j in range(2)) for n in range(4))

        @jax.jit
        def derivatives(points, indices=indices):
            jet = features(Jet.variables(points, indices))
            return [jet.derivative(i) for i in indices]

        lower, upper = (derivatives(points.at[:, k].set(end)) for end in (low, high))
        assert lower[0].shape == (4, width)
        gaps = [np.abs(a - b).max() for a, b in zip(lower, upper, strict=True)]
        sizes = [1 + np.abs(a).max() for a in lower]
        assert all(gap < 1e-12 * size for gap, size in zip(gaps, sizes, strict=True)) == periodic[k]


def test_periodic_features_are_harmonics_of_the_period(float64):
    x = jnp.linspace(-1, 3, 7)[:, None]
    phase = np.outer(np.linspace(0, 1, 7), 2 * np.pi * np.arange(1, 4))
    found = PeriodicFeatures(BOUNDS[:1], (True,), 3)(x)
    np.testing.assert_allclose(found, np.concatenate([np.cos(phase), np.sin(phase)], axis=1), atol=1e-12)


def test_products_of_harmonics_are_those_of_two_axes(float64):
    features = HarmonicProducts(((0.0, 0.5), *BOUNDS), (False, True, True), 5)
    points = np.random.default_rng(0).uniform(size=(4, 3))
    t, x, y = points.T
    orders = np.arange(1, 6)
    waves = [np.exp(2j * np.pi * z[:, None] * orders) for z in ((x + 1) / 4, y / 0.5)]
    one, other = (np.concatenate([w.real, w.imag], axis=1) for w in waves)
    products = np.einsum("ni,nj->nij", one, other).reshape(4, 100)
    wanted = np.concatenate([np.ones((4, 1)), np.stack([t, 10 * t, 100 * t], 1), one, other, products], axis=1)
    assert features.width == 124
    np.testing.assert_allclose(features(jnp.asarray(points)), wanted, atol=1e-12)
    indices = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    derivatives = jax.jit(lambda p: [features(Jet.variables(p, indices)).derivative(i) for i in indices[1:]])
    slopes = jax.jit(jax.vmap(jax.jacfwd(lambda p: features(p[None])[0])))(jnp.asarray(points))
    np.testing.assert_allclose(np.stack(derivatives(jnp.asarray(points)), -1), slopes, atol=1e-9)


def test_of_one_periodic_axis_alone_there_are_a_one_and_its_harmonics(float64):
    features, x = HarmonicProducts(BOUNDS[:1], (True,), 5), jnp.linspace(-1, 3, 7)[:, None]
    assert features.width == 11
    np.testing.assert_array_equal(features(x)[:, 0], 1)
    np.testing.assert_array_equal(features(x)[:, 1:], PeriodicFeatures(BOUNDS[:1], (True,), 5)(x))


def test_other_axes_are_scaled(float64):
    points = jnp.array([[0.3, 0.0], [0.3, 0.5]])
    np.testing.assert_allclose(PeriodicFeatures(BOUNDS, (True, False), 2)(points)[:, -1], [-1, 1], atol=1e-12)


def test_fourier_frequencies_are_drawn_and_never_trained(getkey):
    features = FourierFeatures(BOUNDS, 500, 3.0, key=getkey())
    assert features.width == 1000
    assert features.frequencies.std() == pytest.approx(3.0, rel=5 / np.sqrt(2 * 1000))  # five standard errors
    points = jnp.asarray(np.random.default_rng(0).uniform(size=(4, 2)), jnp.float32)
    values = features(points)
    np.testing.assert_allclose(values[:, :500] ** 2 + values[:, 500:] ** 2, 1, rtol=1e-5)
    body = MLP(1000, 1, width=4, hidden=1, key=getkey())
    field = PointwiseField(features, body, ((),), 1)
    gradient = eqx.filter_jit(eqx.filter_grad(lambda f: jnp.sum(f(points) ** 2)))(field)
    assert (gradient.embedding.frequencies == 0).all()
    assert (gradient.body.layers[0].weight != 0).any()
    assert field.parameters == 1000 * 4 + 4 + 4 + 1
    assert field.parameters == sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(body, eqx.is_array)))


def test_fourier_features_differentiate_on_jets(getkey, float64, tolerance):
    features = FourierFeatures(BOUNDS, 3, 2.0, key=getkey())
    point = jnp.array([[0.5, 0.2]])
    jet = features(Jet.variables(point, ((0, 0), (1, 0))))
    slope = jax.jacfwd(lambda p: features(p[None])[0])(point[0])[:, 0]
    np.testing.assert_allclose(jet.derivative((1, 0))[0], slope, rtol=100 * tolerance, atol=tolerance)
