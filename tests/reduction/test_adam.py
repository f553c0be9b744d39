"""Queries by Adam: their rates step by step, what their losses contain, and members that nothing guards."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spindle as spd
from spindle.networks.model import Model
from spindle.problem.families import with_parameter_axes
from spindle.reduction.tuning import coefficients_of, judged_tuning, with_coefficients
from spindle.training.precision import precision
from tests.families import SMALL, convection
from tests.solutions import initial

SETTINGS = SMALL | {"tasks": 3, "hard": "off", "query_points": (3, 4), "members": (8,)}


def walked(phase, steps, locality=0.0, **settings):
    """The reduction, its points, the field, untrained, and the coefficients of one member on the way."""
    plan = spd.FastLRNR(**SETTINGS | {"phase": phase, "tuning_steps": steps} | settings).plan(
        with_parameter_axes(convection())
    )
    field = initial(plan).field
    with precision("float64"):
        points = plan.reduction.query_points(field, field, None, None)
        path = plan.reduction.path(field, plan.reduction.objective(points))
        mu = jnp.asarray([1.3])
        return plan.reduction, points, field, np.asarray(jax.jit(path)(coefficients_of(field, mu), mu, locality))


def test_the_fine_tuning_stands_still_where_its_cosine_is_zero():
    """The first step of Adam is as long as the rate; that at the 100th is zero; thereafter the rate rises again."""
    *_, path = walked("fine-tuning", 150, points=20)
    lengths = np.abs(np.diff(path, axis=0))
    np.testing.assert_allclose(lengths[0], 5e-5, rtol=1e-3)
    assert np.all(lengths[100] == 0) and lengths[149].max() > 1e-6
    assert len(path) == 151


def test_the_fast_phase_starts_at_its_rate_and_lowers_absolute_residuals_without_periodicity():
    """At 4 inner points and 4 of the start."""
    reduction, points, field, path = walked("published", 60)
    np.testing.assert_allclose(np.abs(path[1] - path[0]), 2.5e-5, rtol=1e-3)
    assert [len(p) for p, _ in points[:2]] == [4, 4]
    with precision("float64"):
        objective, mu = reduction.objective(points), jnp.asarray([1.3])

        @jax.jit
        def total(s):
            rows = objective.evaluate(Model(with_coefficients(field, s), {}), objective.draw(mu))
            return sum(jnp.sum(jnp.abs(row)) for name in ("equation", "initial u") for row in rows[name])

        totals = np.array([float(total(jnp.asarray(s))) for s in path])
    assert np.all(np.diff(totals) < 0)


def test_locality_holds_coefficients_where_they_were():
    """Its slope outweighs all others: Adam turns back after every step."""
    *_, held = walked("published", 30, locality=1e6)
    assert np.abs(held - held[0]).max() < 3 * 2.5e-5


@pytest.mark.parametrize("guard", [True, False])
def test_what_makes_things_worse_is_taken_only_without_a_guard(guard):
    plan = spd.FastLRNR(**SETTINGS).plan(with_parameter_axes(convection()))
    field, reduction = initial(plan).field, plan.reduction
    with precision("float64"):
        check = reduction.objective(reduction.random(20, 1))
        weights = {name: jnp.asarray(w) for name, w in reduction.weights.items()}
        worse = judged_tuning(lambda start, mu, locality: start + 50.0, field, check, weights, guard=guard)
        mu = jnp.asarray([1.3])
        found = jax.jit(worse)(mu, 0.0)
        moved = 0.0 if guard else 50.0
        np.testing.assert_allclose(found.coefficients - coefficients_of(field, mu), moved, atol=1e-9)
        assert (float(found.residual) > float(found.start)) is not guard
