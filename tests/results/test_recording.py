"""What is recorded of a training follows from how it ended; what it is recorded of does not change by that."""

import dataclasses

import jax
import numpy as np
import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.results.evaluator import Evaluator, TimeFrame
from spindle.results.recording import record
from spindle.results.run_record import RunRecord
from spindle.training.budget import Budget
from spindle.training.deadline import Late
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.loop import Outcome
from spindle.training.precision import precision
from tests.solutions import initial

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
METHOD = spd.PINN(width=4, hidden_layers=1, points=5, steps=20, lbfgs_steps=0, balance=0)


@pytest.fixture(scope="module")
def untrained():
    problem = spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}), [Eq(spd.laplacian(u), 0)], [spd.Dirichlet(u, x * y)],
        reference={u: x * y}, quantities={"slope": u.diff(x)},
    )  # fmt: skip
    plan = METHOD.plan(problem)
    return Evaluator(problem, plan), initial(plan)


def recorded(evaluator, model, **changes):
    history = History(HistoryEntry(step, "Adam", 0.1, 1.0) for step in range(1, 21))
    told = {"seed": 3, "seconds": Clock(1.0), "budget": Budget(), "whole": evaluator.given, "averaged": True}
    grown = [{"phase": 0, "decision": [2], "what": "more", "loss": 2.0}]
    outcome = Outcome(model, "steps", 20, 1.0, {"equation": 1.0}, history, grown)
    with precision(evaluator.plan.dtype):
        return record(outcome, evaluator, key=jax.random.PRNGKey(7), **(told | changes))


def test_the_same_outcome_has_the_same_record(untrained):
    first, second = recorded(*untrained), recorded(*untrained)
    assert first == second
    assert first.iterations == 20 and first.stopped_by == "steps" and first.grown[0].decision == [2]
    assert set(first.errors) == set(first.averages) == {"u", "slope"}
    assert first.residuals["equation"] > 0
    assert recorded(*untrained, averaged=False).averages == {}


def test_what_there_is_no_time_for_is_named(untrained, monkeypatch):
    def late(work, until):
        raise Late

    monkeypatch.setattr("spindle.results.recording.in_time", late)
    late = recorded(*untrained)
    assert (late.errors, late.residuals, late.shares, late.loss) == ({}, {}, {}, 1.0)
    (sentence,) = late.warnings
    assert sentence == (
        "the budget left no time for what is known of the problem, residuals on fresh points, the sizes of the terms, "
        "the median of residuals, errors, means over space, the classical solution, the resolution, points where "
        "sources are large, so that the loss is all that is known"
    )


def test_a_solution_does_not_change(untrained):
    evaluator, model = untrained
    solution = spd.Solution(METHOD, evaluator, model, RunRecord(loss=0.5))
    for name in ("method", "evaluator", "model", "run", "reduced", "windows", "problem", "plan"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(solution, name, None)
    later = solution.with_record(stopped_by="budget")
    assert (later.run.stopped_by, later.run.loss) == ("budget", 0.5)
    assert solution.run.stopped_by == ""
    assert later.evaluator is solution.evaluator, "what was compiled and compared is shared"


def test_a_model_is_evaluated_and_measured_before_there_is_a_solution(untrained):
    evaluator, model = untrained
    axes = [np.linspace(-1, 1, 5), np.linspace(0, 1, 3)]
    values = evaluator.inside(model, u, axes)
    assert np.isnan(values[:2]).all() and np.isfinite(values[2:]).all()
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    np.testing.assert_allclose(evaluator.values(model, u, axes).ravel(), evaluator.values(model, u, points), rtol=1e-5)
    assert evaluator.relative_errors(model) == {name: m["rel_l2"] for name, m in evaluator.errors(model).items()}


def test_a_window_is_evaluated_in_the_time_of_its_plan():
    t = spd.coordinates("t")
    v = spd.unknown("v", t)
    whole = spd.Problem(spd.Interval(t, 0, 2), [Eq(v.diff(t), -v)], [spd.Initial(v, 1)])
    plan = spd.PINN(width=4, hidden_layers=1, points=5, steps=1, hard="off").plan(whole)
    with precision(plan.dtype):
        model = plan.build(jax.random.PRNGKey(0))
    plain, moved = Evaluator(whole, plan), Evaluator(whole, plan, TimeFrame(begins=1.0, pace=2.0))
    instants = np.array([1.0, 1.25, 1.5])
    np.testing.assert_array_equal(
        moved.values(model, sin(v), [instants]), plain.values(model, sin(v), [2 * (instants - 1)])
    )
    points = instants[:, None]
    np.testing.assert_array_equal(moved.values(model, v, points), plain.values(model, v, 2 * (points - 1)))
