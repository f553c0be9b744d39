"""One training from start to end: plan, first model, the loop, and the record."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import DivergenceError, MethodError
from spindle.methods.base import Method, Plan
from spindle.networks.model import Model
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.results.directory import RunDirectory
from spindle.results.evaluator import Evaluator, TimeFrame
from spindle.results.recording import record
from spindle.results.references import references
from spindle.results.resolution import unsettled
from spindle.results.run_record import RunRecord
from spindle.results.solution import Solution
from spindle.slabs.training import Watching
from spindle.solving.warm_start import started_by, started_from
from spindle.storage.lock import Lock
from spindle.training.budget import Budget
from spindle.training.deadline import Late, in_time
from spindle.training.display import Display, Silent
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.loop import Limits, Outcome, Trainer
from spindle.training.memory import in_words, memory_bytes, peak_bytes
from spindle.training.precision import precision
from spindle.training.stop_reasons import StopReason
from spindle.training.watching import Watchers

_COPIES = 8  # of the parameters in training: values, gradient, two moments, the last good ones, and room to work


@dataclass(frozen=True)
class RunOptions:
    """What a user asked of a run besides problem and method; see `spindle.solving.solve.solve`.

    display     told what is being done
    directory   where it is kept; None: nowhere
    lock        the right to write there
    chosen      a sentence on how the method was chosen; empty where the user named it
    start       the solution to start from
    started     what tells it, where the run is continued without it
    """

    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    target: float | None = None
    callbacks: Sequence[Callable] = ()
    display: Display = field(default_factory=Silent)
    directory: RunDirectory | None = None
    lock: Lock | None = None
    chosen: str = ""
    start: Solution | None = None
    started: str = ""

    def prepare(self, problem: Problem, plan: Plan) -> dict:
        """Write down what the run is, as the only process that writes there; see `RunDirectory.prepare`."""
        assert self.directory is not None and self.lock is not None
        self.lock.acquire()
        return self.directory.prepare(problem, plan, self.seed)


@dataclass(frozen=True)
class Window:
    """One window as it is solved.

    problem   between two instants of the whole, for whoever looks at the solution
    posed     the same in a time of its own
    method    with the settings that the first window chose
    number    from 0 on
    frame     when and how fast its own time goes
    moved     expression in the time of the whole -> in its own
    plan      of all windows that share one; None: it is made for this one
    carried   what the window before hands over
    shares    whether its plan serves the windows after it
    whole     the problem of all windows, whose doubts the first one keeps; None: another window does
    """

    problem: Problem
    posed: Problem
    method: Method
    number: int
    frame: TimeFrame
    moved: Callable
    plan: Plan | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)
    shares: bool = False
    whole: Problem | None = None


def train(
    problem: Problem,
    method: Method,
    options: RunOptions,
    *,
    window: Window | None = None,
    prepare: Callable | None = None,
) -> Solution:
    """Train and return the solution, written to the directory of the options.

    window    where this is one of several: each draws numbers of its own, and means over space are those of all
    prepare   writes down what the run is, before it starts: plan -> the choices on record
    Raises DivergenceError with the last finite solution, and what a callback raised with the present one.
    """
    clock, began = Clock(), time.perf_counter()
    plan = _planned(problem, method, options, window)
    with precision(plan.dtype):
        keys, start = _started(problem, plan, options, window)
        plan, start = _warm(problem, plan, start, options, window, clock)
        evaluator = _evaluator(problem, plan, options, window, prepare)
        clock.setup = time.perf_counter() - began
        watchers = Watchers(options.callbacks, lambda model, entry: _so_far(method, evaluator, model, entry, options))
        outcome = _trained(evaluator, start, keys.train, options, clock, watchers)
        evaluator, outcome = _instead(evaluator, outcome, options, clock, watchers)
        run = _recorded(evaluator, outcome, keys.fresh, options, clock, window)
        solution = _reduced(Solution(method, evaluator, outcome.model, run), options)
        singular = _singular(plan, start, keys.train) if run.stopped_by == StopReason.DIVERGED else []
    if options.directory is not None:
        solution.store(options.directory)
    if run.stopped_by == StopReason.DIVERGED:
        raise _divergence(solution, singular)
    if outcome.error is not None:
        raise _with_solution(outcome.error, solution)
    return solution


# -------------------------------------------------------------------------------------------------------- the plan


def _planned(problem: Problem, method: Method, options: RunOptions, window: Window | None) -> Plan:
    """The plan; raises MethodError where the budget is spent before there is one."""
    options.display.stage("setting up")
    plan = _in_setup(lambda: planned(problem, method, window), problem, options)
    return replace(plan, choices=(options.chosen, *plan.choices)) if options.chosen else plan


def _in_setup(work: Callable, problem: Problem, options: RunOptions) -> Any:
    """The result of some work without which there is nothing to train."""
    try:
        return in_time(work, options.budget.ends)
    except Late as late:
        raise _too_little_time(problem, options) from late


def _too_little_time(problem: Problem, options: RunOptions) -> MethodError:
    return MethodError(
        f"`spd.solve({problem.name}, budget={options.budget.seconds:g})` was still setting up the problem when its "
        "time "
        f"was over, so that there is nothing to return; raise `budget`, or make less of the problem: fewer points, "
        f"nodes or features."
    )


def planned(problem: Problem, method: Method, window: Window | None = None) -> Plan:
    """The plan of a problem, or of a window in time, which may be that of the windows before."""
    if window is None:
        return method.plan(with_parameter_axes(problem))
    return window.plan or replace(method.plan(window.posed), posed=window.moved)


# ------------------------------------------------------------------------------------------------- start and training


class _Keys(NamedTuple):
    """Random keys: of the first model, of the points and steps of training, of the points of its checks."""

    build: jax.Array
    train: jax.Array
    fresh: jax.Array


def _started(problem: Problem, plan: Plan, options: RunOptions, window: Window | None) -> tuple[_Keys, Model]:
    """The random keys, and the model before training."""
    key = jax.random.PRNGKey(options.seed)
    if window is not None and window.number:
        key = jax.random.fold_in(key, window.number)
    keys = _Keys(*jax.random.split(key, 3))
    _refuse_what_does_not_fit(plan, keys.build)
    return keys, _in_setup(lambda: plan.build(keys.build), problem, options)


def _warm(
    problem: Problem, plan: Plan, model: Model, options: RunOptions, window: Window | None, clock: Clock
) -> tuple[Plan, Model]:
    """The plan and the model of a training that starts from another solution; as they are where it does not."""
    if options.start is None:
        return (replace(plan, started=options.started) if options.started else plan), model
    plan = replace(plan, started=started_by(options.start))
    if options.directory is not None and options.directory.has_state:
        return plan, model  # the state goes on from there
    options.display.stage("starting from the other solution")
    limits = Limits(options.budget.training_ends, 0.0, options.budget.ends)
    model, note = started_from(options.start, evaluator_of(problem, plan, window), model, limits, clock)
    return replace(plan, choices=(*plan.choices, note)), model


def _evaluator(
    problem: Problem, plan: Plan, options: RunOptions, window: Window | None, prepare: Callable | None
) -> Evaluator:
    """What evaluates the models of this training, by the plan with the choices that are on record."""
    # Refused here, before any work, where an error could not be measured.
    compared = _in_setup(lambda: references(with_parameter_axes(problem)), problem, options)
    if prepare is not None:
        choices = tuple(prepare(plan))
        plan = plan if choices == plan.choices else replace(plan, choices=choices)
    return evaluator_of(problem, plan, window, compared)


def evaluator_of(problem: Problem, plan: Plan, window: Window | None, compared: dict | None = None) -> Evaluator:
    """What evaluates the models of a plan, of a window in time where it is one; `compared` as in `Evaluator`."""
    if window is None:
        return Evaluator(problem, plan, compared=compared)
    return Evaluator(problem, plan, window.frame, window.carried, compared)


def _so_far(method: Method, evaluator: Evaluator, model: Model, entry: HistoryEntry, options: RunOptions) -> Solution:
    """The solution while training goes on, for callbacks: nothing of it is checked yet."""
    history = History([entry])
    run = RunRecord(seed=options.seed, iterations=entry.step, loss=entry.loss, estimated=model.numbers, history=history)
    return Solution(method, evaluator, model, run)


def _with_solution(error: Exception, solution: Solution) -> Exception:
    """What a callback raised, with the solution that there was, `error.solution`."""
    error.add_note("`spd.solve` finished what was trained until then: it is the `solution` of this exception.")
    error.solution = solution  # type: ignore[attr-defined]
    return error


def _trained(
    evaluator: Evaluator, start: Model, key: jax.Array, options: RunOptions, clock: Clock, watchers: Watchers
) -> Outcome:
    """How the loop ends that begins with this model."""
    plan, directory = evaluator.plan, options.directory
    if plan.march is not None:
        return _marched(evaluator, start, options, clock, watchers)
    trainer = Trainer(
        plan.objective,
        plan.schedule,
        limits=Limits(options.budget.training_ends, options.target or 0.0, options.budget.ends),
        clock=clock,
        measure=evaluator.relative_errors if evaluator.given.compared else None,
        display=options.display,
        watchers=watchers,
        checkpoint=directory.checkpoint if directory else None,
        fingerprint=directory.fingerprint if directory else "",
        programs=plan.programs,
        saves_start=bool(plan.started),
    )
    try:
        return trainer.run(start, plan.weights, key=key)
    except Late as late:  # before its first phase
        raise _too_little_time(evaluator.given, options) from late


def _instead(
    evaluator: Evaluator, outcome: Outcome, options: RunOptions, clock: Clock, watchers: Watchers
) -> tuple[Evaluator, Outcome]:
    """By the plan that is followed where the outcome does not resolve the solution.

    As it is where there is none, or where nothing comes of that.
    """
    other = evaluator.plan.instead
    ended = outcome.stopped_by in ("steps", "converged")
    if other is None or not ended or not unsettled(outcome.model):
        return evaluator, outcome
    following = replace(evaluator, plan=other)
    marched = _marched(following, outcome.model, options, clock, watchers, outcome)
    if not marched.steps:
        refused = [*outcome.refused, *marched.refused]
        return evaluator, replace(outcome, stopped_by=marched.stopped_by, refused=refused, error=marched.error)
    return following, marched


def _marched(
    evaluator: Evaluator,
    model: Model,
    options: RunOptions,
    clock: Clock,
    watchers: Watchers,
    before: Outcome | None = None,
) -> Outcome:
    """How a march slab by slab ends, after the training that it follows, if any."""
    march, directory = evaluator.plan.march, options.directory
    assert march is not None
    return march.run(
        model,
        limits=Limits(options.budget.training_ends, options.target or 0.0, options.budget.ends),
        clock=clock,
        watching=Watching(options.display, watchers),
        checkpoint=directory.checkpoint if directory else None,
        fingerprint=directory.fingerprint if directory else "",
        before=before,
    )


# ------------------------------------------------------------------------------------------------------- the record


def _recorded(
    evaluator: Evaluator, outcome: Outcome, key: jax.Array, options: RunOptions, clock: Clock, window: Window | None
) -> RunRecord:
    """The record of the training, with what it took."""
    options.display.stage("checking on fresh points")
    began = time.perf_counter()
    run = record(
        outcome,
        evaluator,
        seed=options.seed,
        key=key,
        seconds=clock,
        budget=options.budget,
        whole=evaluator.given if window is None else window.whole,
        averaged=window is None,
    )
    spent = replace(clock, evaluate=clock.evaluate + time.perf_counter() - began)
    return replace(run, seconds=spent, peak_memory_bytes=peak_bytes())


def _reduced(solution: Solution, options: RunOptions) -> Solution:
    """The solution with what reduces its family, where the method reduces one and training came to its end."""
    reduction, run = solution.plan.reduction, solution.run
    if reduction is None or not run.stopped_by.ended:
        return solution
    options.display.stage("reducing the family")
    began = time.perf_counter()
    reduced = reduction.reduce(solution.model.field)
    seconds = replace(run.seconds, reduce=time.perf_counter() - began)
    return replace(solution, reduced=reduced).with_record(seconds=seconds)


def _singular(plan: Plan, start: Model, key) -> list[str]:
    """Names of the residuals that are not finite before training, when the network itself is harmless."""
    squares = eqx.filter_jit(plan.objective.mean_squares)(start, jax.jit(plan.objective.draw)(key))
    return [name for name, square in squares.items() if not jnp.isfinite(square)]


def _divergence(solution: Solution, singular: Sequence[str]) -> DivergenceError:
    run = solution.run
    call = f"spd.solve({solution.problem.name}, spd.{type(solution.method).__name__}())"
    if singular:
        return DivergenceError(
            f"`{call}` met {', '.join(f'`{name}`' for name in singular)}, not finite on its points before the first "
            f"step, so there is nothing to minimise; look for data such as `1/x` at x = 0 or `log` of a negative "
            f"number, and keep such points out of the domain.",
            solution,
        )
    return DivergenceError(
        f"`{call}` met a loss that is not finite at step {run.iterations}, so going on would only spread NaN; the last "
        f'finite state is kept. Lower `learning_rate`, use `dtype="float64"`, or scale the problem so that coordinates '
        f"and values are of size one.",
        solution,
    )


def _refuse_what_does_not_fit(plan: Plan, key) -> None:
    """Raise MethodError where training would need more memory than there is: an allocation that fails ends Python."""
    leaves = jax.tree.leaves(eqx.filter_eval_shape(plan.build, key))
    size = sum(math.prod(leaf.shape) for leaf in leaves if hasattr(leaf, "shape"))
    needed, there = _COPIES * size * np.dtype(plan.dtype).itemsize, memory_bytes()
    if needed > there:
        raise MethodError(
            f"The network has {size:,} parameters, and to train them takes about {in_words(needed)} of memory, "
            f"of which {in_words(there)} are left; lower `width`, `hidden_layers` or `rank`."
        )
