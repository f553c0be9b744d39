"""One training from start to end: plan, first model, the loop, and the record."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.averages import averages
from spindle.budget import Budget
from spindle.comparison import compare
from spindle.errors import DivergenceError, MethodError
from spindle.guards import cut_short, overfit, stagnated, unfinished, unfulfilled
from spindle.lock import Lock
from spindle.methods.base import Method, Plan
from spindle.methods.spinn import SPINN
from spindle.missed import missed
from spindle.objective.objective import Model, Objective
from spindle.problem.doubts import doubts, fatal
from spindle.problem.families import spanned
from spindle.problem.problem import Problem
from spindle.resolved import in_sentences, unresolved
from spindle.rundir import RunDirectory, device_name, versions
from spindle.solution import Run, Solution
from spindle.terms import own_terms
from spindle.training.deadline import Late, in_time
from spindle.training.display import Display, Silent
from spindle.training.history import Clock
from spindle.training.loop import Limits, Outcome, Trainer
from spindle.training.memory import in_words, memory_bytes, peak_bytes
from spindle.training.precision import precision
from spindle.verdict import UNFULFILLED

_LOOKED_AT = 3  # coordinates up to which residuals are looked at point by point
_COPIES = 8  # of the parameters in training: values, gradient, two moments, the last good ones, and room to work


@dataclass(frozen=True)
class Terms:
    """What a user asked of a run besides problem and method; see `spindle.solve.solve`.

    display     told what is being done
    directory   where it is kept; None: nowhere
    lock        the right to write there
    chosen      a sentence on how the method was chosen; empty where the user named it
    """

    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    target: float | None = None
    callbacks: Sequence[Callable] = ()
    display: Display = field(default_factory=Silent)
    directory: RunDirectory | None = None
    lock: Lock | None = None
    chosen: str = ""

    def prepare(self, problem: Problem, plan: Plan) -> dict:
        """Write down what the run is, as the only process that writes there; see `RunDirectory.prepare`."""
        assert self.directory is not None and self.lock is not None
        self.lock.take()
        return self.directory.prepare(problem, plan, self.seed)


@dataclass(frozen=True)
class Window:
    """One window as it is solved.

    problem   between two instants of the whole, for whoever looks at the solution
    posed     the same in a time of its own
    method    with the settings that the first window chose
    number    from 0 on
    begins    the instant at which its own time is 0
    moved     expression in the time of the whole -> in its own
    plan      of all windows that share one; None: it is made for this one
    carried   what the window before hands over
    pace      how fast its own time goes, in units of the time of the whole
    shares    whether its plan serves the windows after it
    whole     the problem of all windows, whose doubts the first one keeps; None: another window does
    """

    problem: Problem
    posed: Problem
    method: Method
    number: int
    begins: float
    moved: Callable
    plan: Plan | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)
    pace: float = 1.0
    shares: bool = False
    whole: Problem | None = None

    def place(self, solution: Solution) -> None:
        """Tell a solution of this window when its plan's time begins and how fast it goes, and what was handed over."""
        solution.begins, solution.pace, solution.carried = self.begins, self.pace, self.carried


def train(
    problem: Problem, method: Method, terms: Terms, *, window: Window | None = None, prepare: Callable | None = None
) -> Solution:
    """Train and return the solution, written to the directory of the terms.

    window    where this is one of several: each draws numbers of its own, and means over space are those of all
    prepare   writes down what the run is, before it starts: plan -> the choices on record
    Raises DivergenceError with the last finite solution.
    """
    clock, began, directory = Clock(), time.perf_counter(), terms.directory
    plan = _planned(problem, method, terms, window)
    with precision(plan.dtype):
        key = jax.random.PRNGKey(terms.seed)
        if window is not None and window.number:
            key = jax.random.fold_in(key, window.number)
        build_key, train_key, fresh_key = jax.random.split(key, 3)
        _refuse_what_does_not_fit(plan, build_key)
        start = _in_setup(lambda: plan.build(build_key), problem, terms)
        solution = Solution(problem, method, plan, start, Run(seed=terms.seed, seconds=clock))
        if window is not None:
            window.place(solution)
        # Refused here, before any work, where an error could not be measured.
        _in_setup(lambda: solution.references, problem, terms)
        if prepare is not None:
            choices = tuple(prepare(plan))
            solution.plan = plan = plan if choices == plan.choices else replace(plan, choices=choices)
        clock.setup = time.perf_counter() - began
        trainer = Trainer(
            plan.objective,
            plan.schedule,
            limits=Limits(terms.budget.training_ends, terms.target or 0.0, terms.budget.ends),
            clock=clock,
            measure=solution.measure if problem.compared else None,
            display=terms.display,
            watch=terms.callbacks,
            checkpoint=directory.checkpoint if directory else None,
            mark=directory.mark if directory else "",
            programs=plan.programs,
        )
        try:
            outcome = trainer.run(start, plan.weights, key=train_key)
        except Late as late:  # before its first phase
            raise _too_little_time(problem, terms) from late
        solution.model = outcome.model
        terms.display.stage("checking on fresh points")
        whole = problem if window is None else window.whole
        _complete(solution, outcome, clock, fresh_key, terms.budget, whole, averaged=window is None)
        if plan.reduction is not None and outcome.stopped_by not in ("diverged", "interrupted", "budget"):
            terms.display.stage("reducing the family")
            began = time.perf_counter()
            solution.reduced = plan.reduction.reduce(outcome.model.field)
            clock.reduce = time.perf_counter() - began
        singular = _singular(plan, start, train_key) if outcome.stopped_by == "diverged" else []
    if directory is not None:
        solution.store(directory)
    if outcome.stopped_by == "diverged":
        raise _divergence(solution, singular)
    return solution


def _planned(problem: Problem, method: Method, terms: Terms, window: Window | None) -> Plan:
    """The plan; raises MethodError where the budget is spent before there is one."""
    terms.display.stage("setting up")
    plan = _in_setup(lambda: planned(problem, method, window), problem, terms)
    return replace(plan, choices=(terms.chosen, *plan.choices)) if terms.chosen else plan


def _in_setup(work: Callable, problem: Problem, terms: Terms) -> Any:
    """The result of some work without which there is nothing to train."""
    try:
        return in_time(work, terms.budget.ends)
    except Late as late:
        raise _too_little_time(problem, terms) from late


def _too_little_time(problem: Problem, terms: Terms) -> MethodError:
    return MethodError(
        f"`sp.solve({problem.name}, budget={terms.budget.seconds:g})` was still setting up the problem when its time "
        f"was over, so that there is nothing to return; raise `budget`, or make less of the problem: fewer points, "
        f"nodes or features."
    )


def planned(problem: Problem, method: Method, window: Window | None = None) -> Plan:
    """The plan of a problem, or of a window in time, which may be that of the windows before."""
    if window is None:
        return method.plan(spanned(problem))
    return window.plan or replace(method.plan(window.posed), posed=window.moved)


def _complete(
    solution: Solution, outcome: Outcome, clock: Clock, key, budget: Budget, whole: Problem | None, *, averaged: bool
) -> None:
    """Fill in the record: errors, residuals on points that training never saw, doubts about `whole`, memory, versions.

    What the budget leaves no time for is named in a warning.
    """
    run, began = solution.run, time.perf_counter()
    run.iterations, run.stopped_by, run.loss = outcome.steps, outcome.stopped_by, outcome.loss
    run.history, run.grown = outcome.history, outcome.grown
    run.estimated = outcome.model.numbers
    run.device, run.versions = device_name(), versions()
    missing: list[str] = []

    def checked(what: str, work: Callable, otherwise):
        try:
            return in_time(work, budget.ends)
        except Late:
            missing.append(what)
            return otherwise

    # First, where the budget still allows it: a problem without a solution has none, whatever the residuals are.
    run.fatal, known = checked("what is known of the problem", lambda: _known(whole), ([], []))
    fresh = checked("residuals on fresh points", lambda: _fresh_residuals(solution, key), {})
    scales = solution.plan.constraints.scales
    run.residuals = {name: value * scales.residual(name) for name, value in fresh.items()}
    run.misfits = {name: fresh[name] for name in solution.plan.objective.forms.noisy if name in fresh}
    terms = checked("the sizes of the terms", lambda: own_terms(solution), {})
    run.shares = {name: value / terms[name] for name, value in run.residuals.items() if name in terms}
    wild = [name for name, share in run.shares.items() if share > UNFULFILLED]
    medians = checked("the median of residuals", lambda: _medians(solution, wild, key), {})
    run.medians = {name: value * scales.residual(name) / terms[name] for name, value in medians.items()}
    run.errors = checked("errors", solution.errors, {})
    run.averages = checked("means over space", lambda: averages(solution), {}) if averaged else {}
    run.classical = checked("the classical solution", lambda: compare(solution), None)
    run.unresolved = checked("the resolution", lambda: unresolved(solution), {})
    run.doubts = [
        *known,
        *checked("points where sources are large", lambda: missed(solution.plan.problem, solution.plan.objective), []),
    ]
    run.warnings = [
        *run.fatal,
        *run.doubts,
        *cut_short(outcome, budget.seconds, missing),
        *in_sentences(solution),
        *_guarded(solution, outcome, terms),
    ]
    run.peak_memory_bytes = peak_bytes()
    clock.evaluate += time.perf_counter() - began


def _known(problem: Problem | None) -> tuple[list[str], list[str]]:
    """What the analysis of a problem finds fatal, and what it doubts besides."""
    if problem is None:
        return [], []
    certain = fatal(problem)
    return certain, [sentence for sentence in doubts(problem) if sentence not in certain]


def _fresh(plan: Plan) -> Objective:
    """The objective on random points, lowered once a plan."""
    if "fresh" not in plan.programs:
        plan.programs["fresh"] = plan.fresh()
    return plan.programs["fresh"]


def _fresh_residuals(solution: Solution, key) -> dict[str, float]:
    """Root mean square of each residual on random points; conditions that hold by construction are left out."""
    programs, (arrays, structure) = solution.plan.programs, jax.tree.flatten(solution.model)
    name = ("fresh residuals", structure)
    if name not in programs:
        objective = _fresh(solution.plan)

        def measure(arrays, key, carried):
            model = jax.tree.unflatten(structure, arrays)
            return objective.mean_squares(model, objective.draw(key, carried))

        programs[name] = jax.jit(measure)

    squares = programs[name](arrays, key, dict(solution.carried))
    return {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in squares.items()}


def _medians(solution: Solution, names: Sequence[str], key) -> dict[str, float]:
    """The medians of some residuals on fresh points, for what is large in a few places only; up to three coordinates.

    Beyond, the points of a grid are too many to be looked at one by one.
    """
    if not names or len(solution.plan.problem.coordinates) > _LOOKED_AT:
        return {}
    objective = _fresh(solution.plan)

    def measure(model, key, carried):
        rows = objective.rows(model, objective.draw(key, carried))
        squares = {name: jnp.concatenate([row.ravel() ** 2 for row in rows[name]]) for name in names}
        return {name: jnp.sqrt(square.size * jnp.median(square)) for name, square in squares.items()}

    return {
        name: float(value) for name, value in eqx.filter_jit(measure)(solution.model, key, solution.carried).items()
    }


def _guarded(solution: Solution, outcome: Outcome, terms: Mapping[str, float]) -> list[str]:
    """What is to be doubted about the result; `terms` are the sizes of the terms of each residual."""
    fresh, stood, falling = solution.run.residuals, [], []
    if outcome.stopped_by == "steps":
        stood = stagnated(outcome.history, outcome.began, fresh, terms)
        falling = unfinished(outcome.history, outcome.began, fresh, terms)
    return [
        *outcome.refused,
        *unfulfilled(fresh, terms, solution.run.medians, stuck=bool(stood)),
        *stood,
        *falling,
        *overfit(fresh, _comparable(solution, outcome), solution.plan.settings),
    ]


def _comparable(solution: Solution, outcome: Outcome) -> dict[str, float]:
    """The residuals on training points, without those that counted less near some walls."""
    method = solution.plan.settings
    own = {e.name for e in solution.problem.equations} if isinstance(method, SPINN) and method.fade else set()
    scales = solution.plan.constraints.scales
    return {name: value * scales.residual(name) for name, value in outcome.residuals.items() if name not in own}


def _singular(plan: Plan, start: Model, key) -> list[str]:
    """Names of the residuals that are not finite before training, when the network itself is harmless."""
    squares = eqx.filter_jit(plan.objective.mean_squares)(start, jax.jit(plan.objective.draw)(key))
    return [name for name, square in squares.items() if not jnp.isfinite(square)]


def _divergence(solution: Solution, singular: Sequence[str]) -> DivergenceError:
    run = solution.run
    call = f"sp.solve({solution.problem.name}, sp.{type(solution.method).__name__}())"
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
