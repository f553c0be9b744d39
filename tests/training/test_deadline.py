"""Work ends in time: flags that running programs see, threads that are left alone, budgets and how they are shared."""

import math
import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import pytest
from sympy import Eq

import spindle as spd
from spindle.training.budget import Budget
from spindle.training.deadline import Late, Stop, in_time, left_behind, wait_for
from spindle.training.history import Clock
from spindle.training.loop import Limits, Schedule, Trainer
from spindle.training.optimizers.base import Optimizer
from spindle.training.precision import precision
from spindle.training.stages import Stage
from tests.training.simplest import Nothing


def now():
    return time.perf_counter()


def test_a_running_program_sees_the_flag():
    stop = Stop()

    @jax.jit
    def endless(x, flag):
        def inner(y):
            return jax.lax.while_loop(
                lambda c: (c[0] < 10**8) & (flag[0] == 0), lambda c: (c[0] + 1, jnp.tanh(c[1] @ c[1])), (0, y)
            )

        return jax.lax.while_loop(
            lambda c: (c[0] < 10**6) & (flag[0] == 0), lambda c: (c[0] + 1, inner(c[1])[1]), (0, x)
        )

    jax.block_until_ready(endless(jnp.ones((64, 64)), jnp.ones(1, jnp.int32)))  # compiled
    began = now()
    results = endless(jnp.ones((64, 64)), stop.array)
    wait_for(results, stop, lambda: now() > began + 0.2)
    assert stop.raised
    assert now() - began < 5
    stop.lower()
    assert not stop.raised


def test_work_in_time_has_its_result_and_its_errors():
    assert in_time(lambda: 3) == 3
    assert in_time(lambda: 3, now() + 60) == 3
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 / 0, now() + 60)


def test_work_that_comes_too_late_is_left_behind():
    go_on = threading.Event()
    with pytest.raises(Late):
        in_time(go_on.wait, now() + 0.05)
    assert left_behind()
    with pytest.raises(Late):
        in_time(go_on.wait, math.inf, lambda: True)
    go_on.set()
    began = now()
    while left_behind() and now() < began + 10:
        time.sleep(0.01)
    assert not left_behind()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_thread_computes_in_the_same_precision(dtype):
    with precision(dtype):
        assert in_time(lambda: jnp.zeros(1).dtype, now() + 60) == dtype


def test_a_budget_keeps_time_for_the_checks():
    budget = Budget(20, began=100.0)
    assert (budget.training_ends, budget.ends) == (116.0, 124.0)
    assert (Budget(600, 0.0).training_ends, Budget(600, 0.0).ends) == (590.0, 720.0)
    assert Budget(1, 0.0).ends == 6.0, "less would suffice for nothing"
    assert Budget().training_ends == Budget().ends == math.inf
    assert not Budget().spent
    assert Budget(1, now() - 2).spent
    assert abs(Budget(20, now()).left().seconds - 24) < 1


@dataclass(frozen=True)
class Endless(Optimizer):
    """Ten good steps, then one that takes for ever unless it is told that nobody wants it any more."""

    steps: int = 100
    label: ClassVar[str] = "endless"
    resamples: ClassVar[bool] = False

    def start(self, parameters):
        return jnp.zeros((), jnp.int32)

    def step(self, problem, parameters, state):
        def turn(x):
            return jax.lax.while_loop(lambda y: (y[0, 0] > -2) & ~problem.stopped(), lambda y: jnp.tanh(y @ y), x)

        value = problem.loss(parameters)
        spoilt = jax.lax.cond(state < 10, lambda x: x * 0.5, lambda x: turn(x) + jnp.nan, parameters["x"])
        return {"x": spoilt}, state + 1, value

    def finished(self, state):
        return jnp.asarray(False)


def test_a_step_that_would_not_end_is_given_up_and_leaves_nothing_behind(float64):
    trainer = Trainer(Nothing(), Schedule((Stage(Endless()),)), limits=Limits(now() + 3), clock=Clock())
    began = now()
    outcome = trainer.run({"x": jnp.ones((64, 64))}, {"x": 1.0}, key=jax.random.PRNGKey(0))
    assert (outcome.stopped_by, outcome.steps) == ("budget", 10)
    assert float(outcome.model["x"][0, 0]) == 0.5**10
    assert now() - began < 10


def compiled_in(took, *stages):
    """A trainer of five seconds who finds that its steps took so many to compile, whatever else the machine does."""
    trainer = Trainer(Nothing(), Schedule(stages), limits=Limits(now() + 5), clock=Clock())
    steps = trainer.programs.steps

    def compiled(*arguments):
        advance = steps(*arguments)
        trainer.programs.took = took
        return advance

    trainer.programs.steps = compiled
    return trainer


def test_a_phase_that_others_follow_leaves_time_for_them(float64):
    trainer = compiled_in(0.1, Stage(Endless()), Stage(Endless(10)))
    outcome = trainer.run({"x": jnp.ones((64, 64))}, {"x": 1.0}, key=jax.random.PRNGKey(0))
    assert (outcome.stopped_by, outcome.steps) == ("budget", 20)


@pytest.mark.parametrize("first", [10, 100], ids=["a phase that is over", "one that goes on"])
def test_steps_that_cannot_be_compiled_in_time_are_not_begun(float64, first):
    """Nothing is left behind that the checks would have to share the processor with."""
    trainer = compiled_in(60.0, Stage(Endless(first)), Stage(Endless(10)))
    outcome = trainer.run({"x": jnp.ones((64, 64))}, {"x": 1.0}, key=jax.random.PRNGKey(0))
    assert (outcome.stopped_by, outcome.steps) == ("budget", 10)
    assert (trainer.clock.train > 2) == (first > 10), "what the second phase cannot use is the first one's"
    assert not left_behind()


def test_what_a_budget_leaves_out_is_said():
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    problem = spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), -1)], [spd.Dirichlet(u, 0)])
    with pytest.warns(spd.SolveWarning, match=r"the budget of 0.001 s ended training before the first step"):
        solution = spd.solve(problem, spd.PINN(width=4, hidden_layers=1), budget=0.001, progress=False)
    assert solution.run.stopped_by == "budget"
    assert solution.run.residuals["equation"] > 0
