"""Networks that come near the classical solution also where least squares of residuals leave them far away."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from sympy import cos, exp, lambdify, log, sin

import spindle as spd
from spindle.classical.fit import ClassicalFit, DistanceToClassical, polynomial_misfit
from spindle.classical.nodal_solver import NoClassical
from spindle.gallery.registry import gallery
from spindle.training.precision import precision
from tests.methods.manufactured import manufactured

x, y, t = spd.coordinates("x y t")
DISK = spd.Disk({x: 0, y: 0}, 1)


def test_frequency_follows_the_classical_solution():
    with precision("float64"):
        smooth = spd.DTPINN(nodes=300, order=3).plan(gallery("poisson_disk"))
        holes = spd.DTPINN(nodes=500, order=3).plan(gallery("poisson_holes"))
        assert polynomial_misfit(smooth.classical()) is None and polynomial_misfit(holes.classical()) > 0.05
    assert (smooth.settings.frequency, holes.settings.frequency) == (4.0, 8.0)
    assert any("polynomials of degree 8 miss the classical solution by" in note for note in holes.choices)


@pytest.mark.parametrize("domain", [DISK, DISK * spd.Interval(t, 0, 1)], ids=["at rest", "in time"])
def test_distance_is_that_at_all_nodes_and_its_matrix_is_its_own(domain):
    exact = exp(x) * sin(2 * y) * (cos(t) if t in domain.coordinates else 1)
    with precision("float64"):
        plan = spd.DTPINN(nodes=120, times=6, order=3, width=5, frequency=2.0).plan(manufactured(domain, exact))
        model, distance = (
            plan.build(jax.random.PRNGKey(0)),
            DistanceToClassical(plan.objective, plan.classical(), np.zeros((0, len(domain.coordinates)))),
        )
        # The classical solution is near the exact one, so that these are nearly the same distances.
        true = lambdify(domain.coordinates, exact, "numpy")(*distance.points.T)
        network = np.asarray(model.field(distance.points))[:, 0]
        apart = np.sum((network - true) ** 2) / np.sum(true**2)
        assert float(distance.loss(model, None, {})) == pytest.approx(apart, rel=1e-2)
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)
        size = np.linalg.norm(distance.values)
        j = jax.jacrev(lambda v: eqx.combine(unravel(v), static).field(distance.points)[:, 0] / size)(vector)
        np.testing.assert_allclose(distance.normal(model, None, {}), j.T @ j, atol=1e-12)


@pytest.mark.slow
def test_small_holes_come_near_the_classical_solution(tmp_path):
    hole = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Disk({x: 0, y: 0}, 0.2, name="hole")
    problem = manufactured(hole, log(x**2 + y**2))
    found = spd.solve(problem, spd.DTPINN(nodes=200, width=12, newton_steps=15), progress=False, out=tmp_path / "run")
    (grown,) = found.run.grown
    assert found.run.classical["distance"]["u"] < 0.5 * grown["decision"]
    assert "from the classical solution, and it was trained on towards that" in found.record()["choices"][-1]
    again = spd.load(tmp_path / "run")
    assert again.record()["choices"] == found.record()["choices"]
    assert again(x=0.1, y=0.2) == found(x=0.1, y=0.2)


def test_networks_that_are_near_or_have_nothing_to_come_near_to_stay_as_they_are():
    with precision("float64"):
        plan = spd.DTPINN(nodes=150, frequency=2.0, width=8).plan(manufactured(DISK, 0 * x + 1))
        model = plan.build(jax.random.PRNGKey(0))
        flat = eqx.tree_at(lambda m: m.field.body.layers[-1].weight, model, 0 * model.field.body.layers[-1].weight)
        flat = eqx.tree_at(lambda m: m.field.body.layers[-1].bias, flat, np.ones(1))
        found, doubled = plan.classical(), replace(plan.classical(), values=2 * plan.classical().values)

        def decided(model, known, better):
            return ClassicalFit(plan.problem, plan.objective, lambda: known, lambda: better).decide(model, 1.0)

        half = eqx.tree_at(lambda m: m.field.body.layers[-1].bias, flat, 0.7 * np.ones(1))
        assert decided(model, found, found) > 0.1
        assert decided(half, found, found) == pytest.approx(0.3)
        assert decided(half, found, doubled) is None  # the classical solution is no better
        assert decided(half, found, NoClassical("no square system")) == pytest.approx(0.3)
        assert decided(flat, found, found) is None
        assert decided(model, NoClassical("no square system"), found) is None
