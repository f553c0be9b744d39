"""Queries of a family: the minimiser they find, the guard, batches, files, and what is refused."""

import json
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spindle as spd
from spindle.reduction.truncation import truncated, used_coefficients
from spindle.reduction.tuning import (
    Prior,
    coefficients_of,
    gauss_newton,
    judged_tuning,
    residual_rows,
    with_coefficients,
)
from spindle.storage.arrays import load_arrays, save_arrays
from spindle.training.precision import precision
from tests.families import ROWS, SMALL, convection
from tests.solutions import untrained


@pytest.fixture(scope="module")
def solution(family):
    """A small family, trained for some steps."""
    return spd.load(family / "run")


def tools(solution):
    """The reduction, its objective at the points of a query, and weights."""
    reduction, reduced = solution.plan.reduction, solution.reduced
    weights = {name: jnp.asarray(w) for name, w in reduction.weights.items()}
    return reduction, reduced, reduction.objective(reduced.points), weights


def test_training_and_queries_gain(solution):
    assert solution.error() < 0.15
    members = solution.many(ROWS)
    assert np.all(members.residual <= members.start) and np.any(members.residual < 0.95 * members.start)


def test_a_step_minimises_the_linearised_residual_and_the_prior(solution):
    """One Gauss-Newton step against a least-squares solve of J and sqrt(locality) / sigma stacked."""
    with precision("float64"):
        _, reduced, objective, weights = tools(solution)
        prior, mu, locality = reduced.prior, jnp.asarray(ROWS[1]), 1e-3
        start = coefficients_of(reduced.full, mu)
        found = jax.jit(gauss_newton(reduced.full, objective, weights, prior, 1))(start, mu, locality)

        @jax.jit
        def rows(a):
            field = with_coefficients(reduced.full, start + prior.directions @ a)
            return residual_rows(objective, field, mu, weights)

        zero = jnp.zeros(len(prior.sizes))
        r, j = np.asarray(rows(zero)), np.asarray(jax.jit(jax.jacrev(rows))(zero))
        matrix = np.concatenate([j, np.diag(np.sqrt(locality) / np.asarray(prior.sizes))])
        a = np.linalg.lstsq(matrix, -np.concatenate([r, zero]), rcond=None)[0]
        np.testing.assert_allclose(found - start, np.asarray(prior.directions) @ a, atol=1e-9)


def test_what_makes_things_worse_is_not_taken(solution):
    with precision("float64"):
        reduction, reduced, _, weights = tools(solution)
        check = reduction.objective(reduced.check)
        wrong = judged_tuning(lambda start, mu, locality: start + 0.3, reduced.full, check, weights)
        found = jax.jit(wrong)(jnp.asarray(ROWS[0]), 0.0)
        np.testing.assert_array_equal(found.coefficients, coefficients_of(reduced.full, jnp.asarray(ROWS[0])))
        assert float(found.residual) == float(found.start)


def test_a_batch_is_what_each_member_alone_is(solution):
    together = solution.many(ROWS)
    for k, row in enumerate(ROWS):
        alone = solution(beta=float(row[0]))
        np.testing.assert_allclose(together[k].coefficients, alone.coefficients, rtol=1e-4, atol=1e-5)
        assert alone.estimate == pytest.approx(together.estimate[k], rel=1e-3)


def test_members_evaluate_like_solutions(solution):
    member = solution(beta=1.3)
    grid = member.grid(t=3, x=[0.5, 1.0])
    assert grid.shape == (3, 2)
    np.testing.assert_allclose(member(t=0.5, x=[0.5, 1.0]), grid[1], atol=1e-12)
    assert member.to_xarray(t=3, x=5)["u"].dims == ("t", "x")
    assert member.parameters == {"beta": 1.3} and "beta=1.3" in repr(member)
    exact = 1 + np.sin(np.linspace(0, 2 * np.pi, 101) - 1.3 * np.linspace(0, 1, 101)[:, None])
    error = np.linalg.norm(member.grid(t=101, x=101) - exact) / np.linalg.norm(exact)
    assert member.error() == pytest.approx(error, rel=1e-10)


def test_residuals_of_members_are_those_of_the_equation(solution):
    """u_t + beta u_x by finite differences of the member's values, at the points where it is judged."""
    member, h = solution(beta=1.7), 1e-5
    t, x = solution.reduced.check[0][0][:, 0], solution.reduced.check[0][0][:, 1]
    t, x = np.clip(t, 2 * h, 1 - 2 * h), np.clip(x, 2 * h, 6.28)
    slope_t = (member(t=t + h, x=x) - member(t=t - h, x=x)) / (2 * h)
    slope_x = (member(t=t, x=x + h) - member(t=t, x=x - h)) / (2 * h)
    assert np.sqrt(np.mean((slope_t + 1.7 * slope_x) ** 2)) == pytest.approx(member.residual, rel=2e-3)


def test_a_stored_family_answers_the_same(family, solution):
    with np.load(family / "answers.npz") as answers:
        for name in ("coefficients", "residual", "estimate"):
            np.testing.assert_array_equal(getattr(solution.many(ROWS), name), answers[name])
    assert solution.record()["reduction"] == json.loads((family / "reduction.json").read_text())


def test_a_reduction_of_another_step_is_not_used(family, tmp_path):
    """As after a kill between the two files, or an interruption after a run that was once stopped by its budget."""
    file = shutil.copytree(family / "run", tmp_path / "run") / "reduction.npz"
    arrays, meta = load_arrays(file)
    save_arrays(file, arrays, meta | {"steps": 1})
    again = spd.load(file.parent)
    assert again.reduced is None
    with pytest.raises(spd.MethodError, match=r"continue it, `spd.resume\(directory\)`"):
        again.many(ROWS)
    save_arrays(file, arrays, meta | {"mark": "of another run"})
    with pytest.raises(spd.RunError, match=r"reduction.npz belongs to another run .* which reduces the family again"):
        spd.load(file.parent)


def test_estimates_are_of_the_size_of_errors(solution):
    members = solution.many(np.linspace(1, 2, 9))
    ratios = members.estimate / np.array([m.error() for m in members])
    assert np.all((ratios > 1 / 4) & (ratios < 8))


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda s: s(beta=2.5), spd.ProblemError, "outside the range \\(1, 2\\) that it was trained on"),
        (lambda s: s.many([[0.5]]), spd.ProblemError, "beta=0.5, outside the range"),
        (lambda s: s.many([1.2], outside="ok"), spd.MethodError, "is not known"),
        (lambda s: s(gamma=1.0), spd.ProblemError, "`gamma` is no coordinate"),
        (lambda s: s.many([[1.2, 3]]), spd.ProblemError, "of shape \\(1, 2\\)"),
        (lambda s: s(beta=1.5)(t=0.1, x=1, beta=1.2), spd.ProblemError, "has its parameters already"),
        (lambda s: s(beta=1.5)(t=0.1), spd.ProblemError, "x was not given"),
    ],
)
def test_refusals(solution, ask, error, words):
    with pytest.raises(error, match=words):
        ask(solution)


def test_outside_is_allowed_on_demand(solution):
    assert solution.many([2.5], outside="allow").residual[0] > 0


def test_other_methods_say_what_they_cannot():
    solution = untrained(convection(), method=spd.SPINN(rank=4, width=6, newton_steps=1))
    with pytest.raises(spd.MethodError, match=r"solve with `spd.FastLRNR\(\)`, or evaluate at points"):
        solution.many([1.2])
    with pytest.raises(spd.MethodError, match="no parameter of `convection` has a range"):
        spd.solve(convection().at(beta=1.5), spd.LRPINN())


def test_idle_coefficients_are_dropped_and_change_nothing(solution):
    field = solution.model.field
    with precision("float64"):
        heads = tuple(
            eqx.tree_at(lambda d: (d.weight, d.bias), h, (h.weight.at[:, 2].set(0), h.bias.at[2].set(-800.0)))
            for h in field.hyper.heads
        )
        idle = eqx.tree_at(lambda f: f.hyper.heads, field, heads)
        kept = used_coefficients(idle, ROWS, 1e-7)
        assert [list(k) for k in kept] == [[0, 1, 3]] * 2
        points = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (6, 3)))
        np.testing.assert_allclose(truncated(idle, kept)(points), idle(points), atol=1e-12)


@pytest.mark.slow
def test_reduced_queries_agree_with_whole_ones_on_a_full_basis(solution):
    """Interpolation with as many neurons as there are changes nothing but rounding."""
    method = spd.FastLRNR(**SMALL, tolerance=1e-14, selection="qdeim")
    plan = method.plan(solution.problem)
    with precision("float64"):
        reduced = plan.reduction.reduce(solution.model.field)
        assert reduced.facts["neurons"] == [16, 16, 16] and reduced.facts["gap_residual"] < 1e-8
        points = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (6, 3)))
        np.testing.assert_allclose(reduced.field(points), reduced.full(points), atol=1e-10)


@pytest.mark.slow
def test_the_published_phase_lowers_its_loss(solution):
    """Adam with a rate of 2.5e-5 moves coefficients little; of random ones the sum of absolute residuals falls."""
    method = spd.FastLRNR(**SMALL, phase="published", neurons=5, selection="deim", snapshots="shifted")
    reduction = method.plan(solution.problem).reduction
    with precision("float64"):
        reduced = reduction.reduce(solution.model.field)
        assert reduced.facts["neurons"] == [5, 5, 5]
        found = reduction.query(reduced)(ROWS)
        assert np.all(found.residual <= found.start)
        start = coefficients_of(reduced.full, jnp.asarray(ROWS[0]))
        objective, weights = reduction.objective(reduced.points), {"equation": jnp.asarray(1.0)}
        tune = jax.jit(reduction.tuning(reduced.field, objective, Prior(*reduced.prior)))

        def total(s):
            return float(
                jnp.sum(jnp.abs(residual_rows(objective, with_coefficients(reduced.field, s), ROWS[0], weights)))
            )

        moved = tune(start, jnp.asarray(ROWS[0]), 0.0)
        assert total(moved) < total(start) and np.abs(moved - start).max() < 0.011
