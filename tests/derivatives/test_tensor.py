"""Fields with a coefficient for every product: the same partials as sums of products, and as dense sums."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.derivatives.pointwise import pointwise_values
from spindle.derivatives.separable.jets import axis_jets, highest_orders, merge, paired
from spindle.derivatives.separable.tensor_contraction import contract
from spindle.lowering.partials import LinearCombination, Partial
from spindle.networks.embeddings import Scaled
from spindle.networks.fields import BoundaryFactor, TensorField
from spindle.networks.spectral import Modes

BOUNDS = ((-1.0, 1.0), (0.0, 3.0), (1.0, 2.0))
COUNTS, WIDTHS = (4, 3, 5), (3, 6, 4)
NEEDS = (
    Partial(0, (0, 0, 0)),
    Partial(1, (1, 0, 1)),
    Partial(0, (2, 0, 0)),
    LinearCombination(1, ((Partial(1, (2, 0, 0)), 1.0), (Partial(1, (0, 2, 0)), -3.0), (Partial(1, (0, 0, 2)), 0.5))),
)


@pytest.fixture
def field(float64):
    """Two components, the first of which vanishes on the walls of the second axis."""
    free, walls = BoundaryFactor((), 1.0), BoundaryFactor(((0.0, 1), (3.0, 1)), 1.5)
    bodies = tuple(Modes(width, 2, (), 2) for width in WIDTHS)
    coefficients = jax.random.normal(jax.random.PRNGKey(0), (2, *WIDTHS))
    embeddings = tuple(Scaled((b,)) for b in BOUNDS)
    return TensorField(embeddings, bodies, ((free, walls, free), (free, free, free)), 2, coefficients)


def axes_of(counts):
    rng = np.random.default_rng(1)
    return [jnp.asarray(rng.uniform(*b, n)) for b, n in zip(BOUNDS, counts, strict=True)]


def jets(field, axes):
    return [
        axis_jets(field, k, a[:, None], n) for k, (a, n) in enumerate(zip(axes, highest_orders(NEEDS, 3), strict=True))
    ]


def test_one_axis_after_the_other_is_the_dense_sum(float64):
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(3, n, 2, m)) for n, m in zip(COUNTS, WIDTHS, strict=True)]
    core = rng.normal(size=(2, *WIDTHS))
    found = contract(features, jnp.asarray(core), NEEDS)

    def dense(p):
        factors = [f[order][:, p.unknown] for f, order in zip(features, p.orders, strict=True)]
        return np.einsum("abc,xa,yb,zc->xyz", core[p.unknown], *factors)

    for need in NEEDS[:3]:
        np.testing.assert_allclose(found[need], dense(need), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[NEEDS[3]], sum(c * dense(p) for p, c in NEEDS[3].terms), rtol=1e-12, atol=1e-12)


def test_grid_rows_and_jets_agree(field):
    axes = axes_of(COUNTS)
    points = jnp.asarray(list(itertools.product(*(np.asarray(a) for a in axes))))

    @jax.jit
    def three_ways(field):
        grid = merge(jets(field, axes), NEEDS, field.core)
        scattered = paired(jets(field, [points[:, k] for k in range(3)]), NEEDS, field.core)
        pointwise = pointwise_values(field, points, NEEDS)
        return [(grid[need].ravel(), scattered[need], pointwise[need]) for need in NEEDS]

    for on_grid, scattered, pointwise in three_ways(field):
        np.testing.assert_allclose(on_grid, scattered, rtol=1e-11, atol=1e-10)
        np.testing.assert_allclose(pointwise, scattered, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize(("order", "factor"), [(1, ()), (2, ((-1.0, 1), (1.0, 1))), (4, ((1.0, 2),))])
def test_modes_are_orthogonal_in_values_and_in_highest_derivatives(order, factor):
    basis = Modes(12, order, factor, 1).basis(1)
    polynomial = np.polynomial.Polynomial.fromroots([root for root, n in factor for _ in range(n)] or [0.0])
    if not factor:
        polynomial = np.polynomial.Polynomial([1.0])
    nodes, weights = np.polynomial.legendre.leggauss(40)

    def values(order):
        own = [np.polynomial.Legendre.basis(k).convert(kind=np.polynomial.Polynomial) * polynomial for k in range(12)]
        own = [p.deriv(order) if order else p for p in own]
        return np.stack([p(nodes) for p in own], 1) * np.sqrt(2 * np.arange(12) + 1) @ basis

    mass, stiffness = (v.T @ (weights[:, None] * v) for v in (values(0), values(order)))
    for gram in (mass, stiffness):
        scale = np.sqrt(np.diag(mass + stiffness))
        assert np.abs(gram / scale / scale[:, None] - np.diag(np.diag(gram) / scale**2)).max() < 1e-7
