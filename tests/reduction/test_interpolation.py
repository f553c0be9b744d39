"""Hyper-reduction: bases, indices and lifts, and reduced networks against the networks they reduce."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.taylor import Jet, closure
from spindle.reduction.interpolation import SELECTIONS, deim, oversampled, pod, qdeim, reduced_network, select
from spindle.reduction.snapshots import shifted_snapshots, snapshots
from tests.families import convection, planned

pytestmark = pytest.mark.usefixtures("float64")
RNG = np.random.default_rng(0)
BASIS = np.linalg.qr(RNG.normal(size=(40, 8)))[0]


@pytest.mark.parametrize("shape", [(30, 20), (10, 200)])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
def test_pod_is_the_smallest_basis_within_the_tolerance(shape, tolerance):
    matrix = RNG.normal(size=shape) @ np.diag(10.0 ** -np.linspace(0, 9, shape[1]))
    basis = pod(matrix, tolerance)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)

    def error(columns):
        return np.linalg.norm(matrix - columns @ (columns.T @ matrix)) / np.linalg.norm(matrix)

    assert error(basis) <= tolerance < error(basis[:, :-1])


@pytest.mark.parametrize("rule", SELECTIONS)
def test_interpolation_is_exact_in_the_span_and_a_projection(rule):
    chosen = select(BASIS, rule)
    assert len(set(chosen.indices)) == len(chosen.indices)
    inside = BASIS @ RNG.normal(size=(8, 5))
    np.testing.assert_allclose(chosen.lift @ inside[chosen.indices], inside, atol=1e-12)
    projector = np.zeros((40, 40))
    projector[:, chosen.indices] = chosen.lift
    np.testing.assert_allclose(projector @ projector, projector, atol=1e-12)


def test_deim_indices_are_nested_and_those_of_elimination_with_pivots():
    """DEIM picks the pivots of LU with partial pivoting, and more columns change no earlier index."""
    from scipy.linalg import lu

    assert list(deim(BASIS)[:5]) == list(deim(BASIS[:, :5]))
    permutation = lu(BASIS, p_indices=True)[0]
    assert list(deim(BASIS)) == list(np.argsort(permutation)[:8])


def test_oversampling_bounds_the_error_better():
    """The factor |(P^T Xi)^+| of the error bound, over random bases: Q-DEIM below DEIM, oversampling below both."""
    bases = [np.linalg.qr(np.random.default_rng(k).normal(size=(200, 15)))[0] for k in range(10)]
    factor = {rule: np.mean([np.linalg.norm(np.linalg.pinv(b[rule(b)]), 2) for b in bases]) for rule in (deim, qdeim)}
    more = np.mean([np.linalg.norm(np.linalg.pinv(b[oversampled(b)]), 2) for b in bases])
    assert more < 0.7 * factor[qdeim] < 0.7 * factor[deim]


def sampled(count=300, width=24, **settings):
    _, field = planned(convection(nu=0.1), width=width, harmonics=1, **settings)
    points = np.random.default_rng(1).uniform([0, 0, 1], [1, 6.28, 2], (count, 3))
    return field, points, [np.asarray(s) for s in field.coefficients_at(jnp.asarray(points[:, 2:]))]


def reduced(field, matrices, neurons, rule="qdeim"):
    selections = [select(pod(m, 0.0, neurons), rule) for m in matrices]
    return eqx.tree_at(lambda f: f.network, field, reduced_network(field.network, selections))


INDICES = closure([(1, 0, 0), (0, 2, 0)], 3)


def gap(field, small, points):
    """Relative differences of the value, its first and its second derivatives."""
    jets = [f(Jet.variables(jnp.asarray(points), INDICES)) for f in (field, small)]
    pairs = zip(*(jet.lanes for jet in jets), strict=True)
    return np.array([np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in pairs])


@pytest.mark.parametrize("biases", ["plain", "factored"])
def test_a_full_basis_reproduces_the_network(biases):
    field, points, s = sampled(biases=biases)
    small = reduced(field, snapshots(field, points, s, INDICES), None)
    assert np.all(gap(field, small, points) < 1e-11)


@pytest.mark.slow
def test_more_neurons_close_the_gap():
    """At points that no snapshot was taken at."""
    field, points, s = sampled()
    matrices = snapshots(field, points, s, INDICES)
    fresh = np.random.default_rng(5).uniform([0, 0, 1], [1, 6.28, 2], (100, 3))
    gaps = np.array([gap(field, reduced(field, matrices, n), fresh) for n in (4, 8, 12, 16, 20)])
    assert np.all(gaps[2:] < 0.5 * gaps[:-2])
    assert np.all(gaps[-1] < 0.05)


@pytest.mark.slow
def test_snapshots_of_derivatives_help_second_derivatives():
    field, points, s = sampled(400, width=60)
    fresh = np.random.default_rng(6).uniform([0, 0, 1], [1, 6.28, 2], (100, 3))
    by_derivatives = gap(field, reduced(field, snapshots(field, points, s, INDICES), 48), fresh)
    by_shifts = gap(field, reduced(field, shifted_snapshots(field, points, s), 48), fresh)
    assert by_derivatives[-1] < 0.7 * by_shifts[-1]


def test_shifted_snapshots_are_states_at_shifted_points():
    field, points, s = sampled(5)
    found = shifted_snapshots(field, points, s)[0]
    assert found.shape == (24, 5 * 5)
    moved = points + np.array([0, 1e-4, 0])
    state = field.network.act(field.network.first(field.embedding(jnp.asarray(moved)[:, :2])))
    assert any(np.allclose(found[:, k : k + 5].T, state, atol=1e-14) for k in range(0, 25, 5))
