"""Low-rank networks against the dense networks that they factor, and hypernetworks against differentiation by JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.activations import relu, softplus
from spindle.networks.lowrank import HyperNetwork, low_rank_network
from spindle.networks.taylor import Jet, closure
from tests.families import convection, planned

pytestmark = pytest.mark.usefixtures("float64")


def network(initial="glorot", biases="plain", rank=3):
    return low_rank_network(
        2, 2, width=9, hidden=2, rank=rank, act="tanh", frequency=1.0, initial=initial, biases=biases,
        key=jax.random.PRNGKey(1),
    )  # fmt: skip


@pytest.mark.parametrize("biases", ["plain", "factored", "off"])
def test_factored_layers_are_the_dense_ones(biases):
    """W = U diag(s) V^T multiplied out in NumPy (Cho et al. 2024, equations 2.1 and 2.2)."""
    own, rng = network(biases=biases), np.random.default_rng(0)
    points, s = rng.normal(size=(5, 2)), [rng.uniform(size=3), rng.uniform(size=3)]
    h = np.tanh(points @ own.first.weight + own.first.bias)
    for layer, c in zip(own.hidden, s, strict=True):
        dense = np.asarray(layer.left) @ np.diag(c) @ np.asarray(layer.right).T
        bias = np.zeros(9) if layer.bias is None else np.asarray(layer.bias)
        bias = bias if layer.shift is None else bias + np.asarray(layer.left) @ np.diag(c) @ np.asarray(layer.shift)
        assert (np.abs(bias).max() > 0) == (biases != "off")
        h = np.tanh(h @ dense.T + bias)
    wanted = h @ own.last.weight + own.last.bias
    np.testing.assert_allclose(own(jnp.asarray(points), [jnp.asarray(c) for c in s]), wanted, atol=1e-13)


def test_bases_are_orthonormal_or_as_published():
    for basis in (network().hidden[0].left, network().hidden[1].right):
        np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-12)
    published = np.asarray(network("uniform").hidden[0].left)
    assert published.min() >= 0 and published.max() <= 1 / 9 and published.max() > 0.5 / 9


def test_each_member_has_coefficients_of_its_own():
    """Points of several members in one call give what each member alone gives."""
    own, rng = network(), np.random.default_rng(2)
    points, s = jnp.asarray(rng.normal(size=(4, 2))), [jnp.asarray(rng.uniform(size=(4, 3))) for _ in range(2)]
    together = own(points, s)
    for k in range(4):
        np.testing.assert_allclose(together[k], own(points[k : k + 1], [c[k] for c in s])[0], atol=1e-14)


@pytest.mark.parametrize("positive", ["softplus", "relu"])
def test_coefficients_are_not_negative(positive):
    hyper = HyperNetwork(2, (3, 5), width=8, hidden=2, positive=positive, scale=2.0, key=jax.random.PRNGKey(0))
    found = hyper(jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (50, 2))))
    assert [s.shape for s in found] == [(50, 3), (50, 5)]
    assert all(float(s.min()) >= 0 for s in found)
    assert (float(found[0].min()) == 0) == (positive == "relu")


@pytest.mark.parametrize("act", [softplus, relu])
def test_jets_of_positive_functions(act):
    """Derivatives up to order three, away from the corner of relu, against nested differentiation."""
    z = jnp.asarray([-1.3, -0.2, 0.4, 2.0])
    orders = closure([(3,)], 1)
    jet = jax.jit(lambda z: [act(Jet.variables(z[:, None], orders)).derivative((n,))[:, 0] for n in range(4)])(z)
    function = lambda v: act(v[None, None])[0, 0]  # noqa: E731
    for order in range(4):
        np.testing.assert_allclose(jet[order], jax.jit(jax.vmap(function))(z), atol=1e-12)
        function = jax.grad(function)


@pytest.mark.parametrize("index", [pytest.param((1, 0, 0), marks=pytest.mark.slow), (0, 2, 0), (0, 0, 1), (0, 1, 1)])
def test_partials_of_a_family_field_along_coordinates_and_parameters(index):
    """(t, x, beta): a partial along beta passes through the hypernetwork."""
    _, field = planned(convection())
    points = jnp.asarray(np.random.default_rng(3).uniform(1, 2, (4, 3)))
    found = jax.jit(lambda p: field(Jet.variables(p, closure([index], 3))).derivative(index)[:, 0])(points)
    function = lambda p: field(p[None])[0, 0]  # noqa: E731
    for axis, order in enumerate(index):
        for _ in range(order):
            function = lambda p, f=function, k=axis: jax.grad(f)(p)[k]  # noqa: E731
    np.testing.assert_allclose(found, jax.jit(jax.vmap(function))(points), rtol=1e-9, atol=1e-11)
