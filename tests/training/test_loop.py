"""The loop: grouping of steps changes nothing, an interrupted run repeats itself, every reason to stop is met."""

import dataclasses
import math
import os
import signal
import subprocess
import sys
import time

import equinox as eqx
import jax
import numpy as np
import pytest
from sympy import Eq, pi, sin

import spindle as spd
from spindle.objective.balancing import balanced
from spindle.training import loop
from spindle.training.loop import _next_chunk
from spindle.training.monitoring import next_look
from spindle.training.precision import precision

QUICK = {"points": 8, "width": 8, "hidden_layers": 1, "rank": 3, "steps": 60, "lbfgs_steps": 30, "newton_steps": 0}


def arrays_of(solution):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(solution.model, eqx.is_inexact_array))]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(arrays_of(a), arrays_of(b), strict=True))


def heat(size=1):
    """A small problem in time without a reference: nothing is spent on evaluation; the field starts at this size."""
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), u.diff(x, 2) - u**2 / size)],
        conditions=[spd.Initial(u, size * sin(pi * x)), spd.Dirichlet(u, 0)],
    )


def quick(**changes):
    return spd.SPINN(**{**QUICK, **changes})


def line():
    """The least that can be trained."""
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), sin(pi * x) + u**2)], [spd.Dirichlet(u, 0)])


def solve(problem, method, **options):
    return spd.solve(problem, method, progress=False, **options)


def test_same_seed_same_numbers_and_another_seed_others():
    method = spd.PINN(points=8, width=8, hidden_layers=1, steps=60, lbfgs_steps=30)
    first, again, other = (solve(line(), method, seed=s) for s in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.slow
def test_grouping_of_steps_changes_no_number(monkeypatch):
    problem, method = heat(), quick(recipe="paper", resample=7, balance=11, lbfgs_steps=12)
    reference = solve(problem, method)
    monkeypatch.setattr(loop, "_next_chunk", lambda done, took, chunk: 3)
    assert same(reference, solve(problem, method))


def test_a_step_is_traced_once_for_each_phase(monkeypatch):
    traces = []
    original = spd.PINN.plan

    def counting(self, problem):
        plan = original(self, problem)
        loss = plan.objective.loss
        plan.objective.loss = lambda *a: traces.append(1) or loss(*a)
        return plan

    monkeypatch.setattr(spd.PINN, "plan", counting)
    solve(heat(), spd.PINN(points=5, width=6, hidden_layers=1, steps=40, lbfgs_steps=0))
    assert len(traces) == 1


@pytest.mark.parametrize("recipe", ["default", pytest.param("paper", marks=pytest.mark.slow)])
def test_killed_run_continues_bit_for_bit(tmp_path, recipe):
    """The run is killed by SIGKILL half-way in a process of its own, then resumed here."""
    settings = {**QUICK, "recipe": recipe, "steps": 4000, "lbfgs_steps": 40, "newton_steps": 3, "resample": 50}
    code = f"""
import spindle as spd
from spindle.training.loop import Trainer
from tests.training.test_loop import heat
import spindle.solving.train, functools
spindle.solving.train.Trainer = functools.partial(Trainer, save_every=0.0)
spd.solve(heat(), spd.SPINN(**{settings!r}), progress=False, out={str(tmp_path / "run")!r})
"""
    child = subprocess.Popen([sys.executable, "-c", code])
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    began = time.monotonic()
    while not checkpoint.exists():
        assert child.poll() is None, "the run ended before it wrote a checkpoint"
        assert time.monotonic() - began < 600, "no checkpoint was written"
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    resumed = spd.resume(tmp_path / "run", progress=False)
    whole = solve(heat(), spd.SPINN(**settings))
    assert resumed.run.iterations == whole.run.iterations == 4043
    assert same(resumed, whole)
    assert [r.step for r in resumed.run.history] == [r.step for r in whole.run.history]
    assert [r.loss for r in resumed.run.history] == [r.loss for r in whole.run.history]


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    first = solve(line(), quick(), out=tmp_path / "run")
    assert same(first, spd.resume(tmp_path / "run", progress=False))


@pytest.mark.slow
def test_resumed_in_the_second_phase(tmp_path, monkeypatch):
    problem = heat()
    stop_after = [75]

    def stop(record, total):
        if record.step >= stop_after[0]:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop, "_next_chunk", lambda done, took, chunk: 5)
    part = solve(problem, quick(), out=tmp_path / "run", callbacks=[stop])
    assert part.run.stopped_by == "interrupted"
    assert 75 <= part.run.iterations < 90
    assert same(spd.resume(tmp_path / "run", progress=False), solve(problem, quick()))


def test_budget_and_target_stop_and_say_so():
    problem = line()
    short = solve(problem, quick(steps=10_000_000, lbfgs_steps=0), budget=1.5)
    assert short.run.stopped_by == "budget"
    assert short.run.iterations < 10_000_000
    easy = solve(problem, quick(steps=100_000, lbfgs_steps=0), target=1e3)
    assert easy.run.stopped_by == "target"
    assert easy.run.loss <= 1e3


def test_divergence_keeps_the_last_finite_state(tmp_path):
    method = spd.PINN(points=6, width=8, hidden_layers=1, learning_rate=1e300, steps=50, lbfgs_steps=0)
    with pytest.raises(spd.DivergenceError, match=r"not finite at step \d+.*Lower `learning_rate`") as caught:
        solve(heat(), method, out=tmp_path / "run")
    kept = caught.value.solution
    assert kept.run.stopped_by == "diverged"
    assert all(np.isfinite(a).all() for a in arrays_of(kept))
    assert spd.load(tmp_path / "run").run.stopped_by == "diverged"


@pytest.mark.slow
def test_lowest_loss_is_kept_when_asked():
    kept = solve(heat(), quick(recipe="paper", steps=300, learning_rate=0.05, lbfgs_steps=0))
    losses = [record.loss for record in kept.run.history]
    assert kept.plan.schedule.keep == "lowest loss"
    assert kept.run.loss <= min(losses) * 1.2


def essence(method, problem):
    """All that a plan decides, as comparable numbers and words, without training."""
    plan = method.plan(problem)
    with precision(plan.dtype):
        model = plan.build(jax.random.PRNGKey(0))
        points = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
        squares = eqx.filter_jit(plan.objective.mean_squares)(model, points)
        loss = float(sum(plan.weights[name] * square for name, square in squares.items()))
    return plan.dtype, repr(plan.schedule), loss, model.field.parameters


@pytest.mark.slow
def test_every_recipe_field_changes_something():
    """A setting that nothing reads would be a silent lie."""
    base = {**QUICK, "recipe": "paper", "resample": 5, "activation": "sin"}
    changed = {
        "network": "modified", "width": 9, "hidden_layers": 2, "rank": 4, "activation": "swish", "frequency": 3.0,
        "fourier": (4, 1.0), "scale_inputs": True, "hard": "auto", "points": 9, "sampling": "gauss", "resample": 3,
        "weights": {"initial u": 7.0}, "balance": 4, "faces": "mean", "steps": 13, "learning_rate": 2e-3,
        "schedule": "cosine", "lbfgs_steps": 3, "newton_steps": 2, "sums": "gram", "keep": "last", "dtype": "float64",
        "conditions": 3.0, "initial": "uniform", "causal": (0.1,),
    }  # fmt: skip
    of_lbfgs = {"lbfgs_rate": 0.1, "lbfgs_memory": 1}
    of_units = {"scales": "auto"}
    elsewhere = {"recipe", "harmonics", "fade", "refine", "windows", "slabs"} | {
        "periodic_features",
        "optimizer",
        "from_source",
        "causal_start",
        "copies",
    }
    assert {f.name for f in dataclasses.fields(spd.SPINN)} == {*changed, *of_lbfgs, *of_units, *elsewhere}
    groups = [(heat(), base, changed), (heat(), {**base, "lbfgs_steps": 3}, of_lbfgs), (heat(1e5), base, of_units)]
    for problem, settings, group in groups:
        reference = essence(spd.SPINN(**settings), problem)
        for key, value in group.items():
            assert essence(spd.SPINN(**{**settings, key: value}), problem) != reference, f"`{key}` has no effect"


@pytest.mark.parametrize("method", [spd.SPINN, spd.PINN])
def test_units_change_a_problem_only_where_they_are_far_from_one(method):
    planned = {
        (size, scales): method(points=8, width=8, scales=scales).plan(heat(size)).constraints.scales
        for size in (1.0, 1e5)
        for scales in ("auto", "off")
    }
    (u,) = heat().unknowns
    assert {key: found.of(u) for key, found in planned.items() if found.fields} == {(1e5, "auto"): 1e5}


def test_balancing_brings_gradient_norms_together():
    weights = {"a": np.float64(1.0), "b": np.float64(1.0)}
    norms = {"a": np.float64(100.0), "b": np.float64(1.0)}
    for _ in range(200):
        weights = balanced(weights, norms)
    assert weights["a"] * norms["a"] == pytest.approx(weights["b"] * norms["b"], rel=1e-6)


def test_looks_follow_one_two_five():
    steps, step = [], 0
    while step < 1000:
        step = next_look(step)
        steps.append(step)
    assert steps == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]


@pytest.mark.parametrize(("took", "chunk"), [(1e-9, 8), (0.25, 8), (10.0, 8)])
def test_chunks_grow_and_shrink_by_two_at_most(took, chunk):
    assert chunk / 2 <= _next_chunk(chunk, took, chunk) <= 2 * chunk
    assert math.isfinite(_next_chunk(1, 0.0, 1))
