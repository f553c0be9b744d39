"""Regularisers of low-rank families against their formulas, written out."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import spindle as spd
from spindle.objective.least_squares import LeastSquares
from spindle.objective.penalties import decay, orthogonality, shrinkage
from spindle.problem.families import with_parameter_axes
from tests.families import SMALL, convection, planned

pytestmark = pytest.mark.usefixtures("float64")
MEMBERS = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (5, 1)))


def moved():
    """A field whose bases are no longer orthonormal."""
    _, field = planned(convection())
    return eqx.tree_at(lambda f: f.network.hidden[0].left, field, field.network.hidden[0].left * 1.1 + 0.05)


def test_orthogonality_is_the_sum_of_frobenius_norms():
    field, ranks = moved(), (4, 4)
    bases = [np.asarray(b) for layer in field.network.hidden for b in (layer.left, layer.right)]
    norms = [np.linalg.norm(b.T @ b - np.eye(4)) for b in bases]
    assert float(orthogonality(ranks, 1.0, squared=False).value(field)) == pytest.approx(sum(norms), rel=1e-12)
    assert float(orthogonality(ranks, 1.0, squared=True).value(field)) == pytest.approx(sum(n**2 for n in norms))
    plan, _ = planned(convection())
    orthonormal = plan.build(jax.random.PRNGKey(0)).field
    assert float(orthogonality(ranks, 1.0, squared=False).value(orthonormal)) < 1e-12


def test_decay_is_the_mean_of_norms_along_the_rank():
    """Gamma is bidiagonal, -1 on the diagonal and gamma above it (Cho et al. 2024, below equation 3.3)."""
    field = moved()
    gamma_matrix = -np.eye(4) + 1.25 * np.eye(4, k=1)
    total = 0.0
    for s in field.coefficients_at(MEMBERS):
        rows = np.maximum(np.asarray(s) @ gamma_matrix.T, 0)[:, :-1]
        total += np.mean(np.linalg.norm(rows, axis=1))
    assert float(decay((4, 4), MEMBERS, 1.0, gamma=1.25, squared=False).value(field)) == pytest.approx(total, rel=1e-12)


def test_geometric_coefficients_cost_nothing():
    field = moved()
    biases = [jnp.log(jnp.expm1(0.8 ** jnp.arange(4.0)))] * 2
    heads = tuple(
        eqx.tree_at(lambda d: (d.weight, d.bias), h, (0 * h.weight, b))
        for h, b in zip(field.hyper.heads, biases, strict=True)
    )
    quiet = eqx.tree_at(lambda f: f.hyper.heads, field, heads)
    assert float(decay((4, 4), MEMBERS, 1.0, gamma=1.25, squared=True).value(quiet)) < 1e-24
    assert float(decay((4, 4), MEMBERS, 1.0, gamma=1.3, squared=True).value(quiet)) > 1e-4


def test_shrinkage_is_the_norm_along_repeated_points():
    field, repeats = moved(), 7
    batch = [np.repeat(np.asarray(s), repeats, axis=0) for s in field.coefficients_at(MEMBERS)]
    wanted = np.linalg.norm(sum(np.maximum(1.25 * a[1:] - a[:-1], 0) for a in batch))
    found = shrinkage((4, 4), MEMBERS, 1.0, gamma=1.25, repeats=repeats).value(field)
    assert float(found) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.slow
def test_gauss_newton_sees_penalties_as_rows():
    """J of all rows, penalties last, against differentiation of the residual vector; and J^T J likewise."""
    method = spd.FastLRNR(**SMALL | {"points": 6, "width": 6}, orthogonality=0.3, sparsity=0.2)
    plan = method.plan(with_parameter_axes(convection()))
    model = plan.build(jax.random.PRNGKey(2))
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    weights = {name: jnp.asarray(w) for name, w in plan.weights.items()}
    assert weights["orthogonality"] == 0.3 and weights["decay"] == 0.2
    points = jax.jit(plan.objective.draw)(jax.random.PRNGKey(0))
    problem = LeastSquares(plan.objective, static, points, weights)
    vector, unravel = ravel_pytree(arrays)
    wanted = jax.jit(jax.jacfwd(lambda v: problem.rows(unravel(v))))(vector)
    assert problem.count == len(wanted)
    np.testing.assert_allclose(jax.jit(problem.jacobian)(arrays), wanted, atol=1e-10)
    np.testing.assert_allclose(jax.jit(problem.normal)(arrays), wanted.T @ wanted, atol=1e-9)
    assert float(jax.jit(problem.loss)(arrays)) == pytest.approx(
        float(jnp.sum(jax.jit(problem.rows)(arrays) ** 2)), rel=1e-12
    )
