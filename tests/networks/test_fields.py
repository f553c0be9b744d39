"""Fields: factors that make conditions exact, and separable products."""

import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.embeddings import Raw, Scaled
from spindle.networks.fields import BoundaryFactor, PointwiseField, SeparableField
from spindle.networks.layers import MLP
from spindle.networks.taylor import Jet, closure

X0, X1, START = -1.0, 2.0, 0.5
WALLS = BoundaryFactor(((X0, 1), (X1, 1)), 1.5)
RATE = BoundaryFactor(((START, 2),), 1.5)
FREE = BoundaryFactor((), 1.0)
# Two outputs of (t, x): the first vanishes doubly at the start and on both walls, the second on the upper wall only.
FACTORS = ((RATE, WALLS), (FREE, BoundaryFactor(((X1, 1),), 3.0)))
BOUNDS = ((START, 2.0), (X0, X1))


def pointwise(key):
    return PointwiseField(Scaled(BOUNDS), MLP(2, 2, width=6, hidden=1, key=key), FACTORS, 2)


def separable(key, rank=3):
    bodies = tuple(MLP(1, 2 * rank, width=6, hidden=1, key=key) for _ in range(2))
    return SeparableField((Raw(1), Scaled(BOUNDS[1:])), bodies, FACTORS, 2)


@pytest.mark.parametrize(("factor", "root", "multiplicity"), [(WALLS, X0, 1), (WALLS, X1, 1), (RATE, START, 2)])
def test_factor_vanishes_with_multiplicity(factor, root, multiplicity, float64):
    jet = factor(Jet.variables(jnp.array([[root]]), ((0,), (1,), (2,))))
    values = [jet.derivative((n,)).item() for n in range(3)]
    assert values[:multiplicity] == [0.0] * multiplicity
    assert values[multiplicity] != 0


@pytest.mark.parametrize("factor", [WALLS, RATE])
def test_factor_is_of_size_one_inside(factor):
    inside = factor(jnp.linspace(0.5, 2.0, 100)[:, None] if factor is RATE else jnp.linspace(X0, X1, 100)[:, None])
    assert 0.9 < np.abs(inside).max() <= 1.0 + 1e-6


@pytest.mark.parametrize("build", [pointwise, separable])
def test_fields_fulfil_homogeneous_conditions(build, getkey, float64):
    field = build(getkey())
    random = np.random.default_rng(0)
    inner = np.stack([random.uniform(*bounds, size=8) for bounds in BOUNDS], axis=1)

    def at(axis, value, index=(0, 0)):
        points = inner.copy()
        points[:, axis] = value
        return np.abs(field(Jet.variables(jnp.asarray(points), closure([(1, 1)], 2))).derivative(index)).max(axis=0)

    scale = np.abs(field(jnp.asarray(inner))).max()
    assert at(0, START)[0] < 1e-12 * scale
    assert at(0, START, (1, 0))[0] < 1e-12 * scale
    assert (at(1, X1) < 1e-12 * scale).all()
    assert at(1, X0)[0] < 1e-12 * scale
    # What is not imposed stays free.
    assert at(0, START)[1] > 1e-3 * scale
    assert at(1, X0)[1] > 1e-3 * scale
    assert at(1, X1, (0, 1)).min() > 1e-3 * scale


def test_a_field_without_roots_is_its_network(getkey):
    body = MLP(2, 2, width=6, hidden=1, key=getkey())
    field = PointwiseField(Raw(2), body, ((FREE, FREE), (FREE, FREE)), 2)
    points = jnp.ones((3, 2))
    np.testing.assert_array_equal(field(points), body(points))


def test_separable_fields_are_sums_of_products(getkey, float64, tolerance):
    """u_m(t, x) = sum_j f_mj(t) g_mj(x), each output with its own block of features and its own factors."""
    rank = 3
    field = separable(getkey(), rank)
    points = np.random.default_rng(1).uniform(size=(5, 2))
    t, x = jnp.asarray(points[:, :1]), jnp.asarray(points[:, 1:])
    first = np.asarray(field.bodies[0](t)).reshape(5, 2, rank)
    second = np.asarray(field.bodies[1](Scaled(BOUNDS[1:])(x))).reshape(5, 2, rank)
    expected = np.einsum("nmj,nmj->nm", first, second)
    expected[:, 0] *= ((points[:, 0] - START) / 1.5) ** 2 * (points[:, 1] - X0) * (points[:, 1] - X1) / 1.5**2
    expected[:, 1] *= (points[:, 1] - X1) / 3
    np.testing.assert_allclose(field(jnp.asarray(points)), expected, rtol=100 * tolerance)
    assert field.outputs == 2
    assert field.features(0, t).shape == (5, 2 * rank)
