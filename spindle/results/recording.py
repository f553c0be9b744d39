"""`record`: what is known of a model that was trained, looked at in order of weight, as one record.

Each look is named, so that what the budget leaves no time for can be said. Residuals are looked at on points that
training never saw.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.methods.base import Plan
from spindle.networks.fields import MarchedField
from spindle.networks.model import Model
from spindle.networks.piecewise import PiecewiseField
from spindle.networks.plane import PlaneField
from spindle.objective.objective import Objective
from spindle.problem.consistency.checks import doubts, fatal
from spindle.problem.problem import Problem
from spindle.problem.windows import time_axis
from spindle.results.averages import averages
from spindle.results.classical_comparison import compare
from spindle.results.diagnostics import cut_short, overfit, stagnated, unfinished, unfulfilled
from spindle.results.directory import device_name, versions
from spindle.results.evaluator import Evaluator
from spindle.results.missed_sources import missed
from spindle.results.resolution import in_sentences, unresolved
from spindle.results.run_record import RunRecord
from spindle.results.term_sizes import term_sizes
from spindle.results.verdict import UNFULFILLED
from spindle.slabs.accumulated import accumulated
from spindle.storage.records import Grown, Reached
from spindle.training.budget import Budget
from spindle.training.deadline import Late, in_time
from spindle.training.history import Clock
from spindle.training.loop import Outcome
from spindle.training.stop_reasons import StopReason

_ERRORS, _ERRORS_AT_LEAST = (
    0.5,
    10.0,
)  # share of the budget, and seconds, that the error of a march may take to be known
_LOOKED_AT = 3  # coordinates up to which residuals are looked at point by point


def record(
    outcome: Outcome,
    evaluator: Evaluator,
    *,
    seed: int,
    key: jax.Array,
    seconds: Clock,
    budget: Budget,
    whole: Problem | None,
    averaged: bool,
) -> RunRecord:
    """The record of a training: a function of how it ended, apart from the looks for which the budget leaves no time.

    key        random, of the fresh points
    seconds    spent until now
    whole      the problem whose doubts are recorded; None: another window's record has them
    averaged   whether means over space are those of this training; if not, of all windows together
    """
    plan, model, looks = evaluator.plan, outcome.model, _Looks(budget.ends)
    # First, where the budget still allows it: a problem without a solution has none, whatever the residuals are.
    certain, known = looks.at("what is known of the problem", lambda: _known(whole), ([], []))
    residuals = _residuals(evaluator, model, key, looks)
    values = partial(evaluator.values, model)
    errors = looks.at("errors", lambda: evaluator.errors(model), {})
    means = looks.at("means over space", lambda: averages(evaluator.problem, values), {}) if averaged else {}
    classical = looks.at("the classical solution", lambda: compare(evaluator, model), None)
    axes = looks.at("the resolution", lambda: unresolved(evaluator, model), {})
    added_up = _accumulated(evaluator, outcome, looks, seconds, budget)
    blind = looks.at("points where sources are large", lambda: missed(plan.problem, plan.objective), [])
    return replace(
        _of_training(outcome, seed, seconds),
        residuals=residuals.fresh,
        warnings=(
            *certain,
            *known,
            *blind,
            *cut_short(outcome, budget.seconds, looks.left_out),
            *in_sentences(evaluator, model, axes),
            *_guarded(evaluator, outcome, residuals),
        ),
        errors=errors,
        classical=classical,
        averages=means,
        shares=residuals.shares,
        medians=residuals.medians,
        misfits=residuals.misfits,
        unresolved=axes,
        accumulated=added_up,
        reached=_reached(evaluator.problem, outcome),
        fatal=tuple(certain),
        doubts=(*known, *blind),
    )


def _reached(problem: Problem, outcome: Outcome) -> Reached | None:
    """How far in time training came, slab by slab; None where time was solved at once."""
    if outcome.reached is None:
        return None
    axis = time_axis(problem)
    return Reached(problem.coordinates[axis].name, outcome.reached, float(problem.domain.bounds[axis][1]))


def _of_training(outcome: Outcome, seed: int, seconds: Clock) -> RunRecord:
    """What is known without a look at the model."""
    return RunRecord(
        seed=seed,
        device=device_name(),
        iterations=outcome.steps,
        stopped_by=StopReason(outcome.stopped_by),
        loss=outcome.loss,
        estimated=outcome.model.numbers,
        seconds=replace(seconds),
        versions=versions(),
        history=outcome.history,
        grown=tuple(map(Grown.from_data, outcome.grown)),
    )


@dataclass
class _Looks:
    """Looks at a result, one after the other, until an instant after which they are left out."""

    ends: float
    left_out: list[str] = field(default_factory=list)

    def at(self, what: str, work: Callable, otherwise: Any) -> Any:
        """The result of some work; `otherwise` where there is no time for it."""
        try:
            return in_time(work, self.ends)
        except Late:
            self.left_out.append(what)
            return otherwise


def _accumulated(evaluator: Evaluator, outcome: Outcome, looks: _Looks, seconds: Clock, budget: Budget):
    """What the residuals of a march add up to, for each unknown; None where there was no time to know it."""
    march, field = evaluator.plan.march, outcome.model.field
    if march is None or not isinstance(field, MarchedField) or isinstance(field, PlaneField) or not field.holds:
        return {}
    number, spent = outcome.grown[-1]["decision"]["way"], seconds.compile + seconds.train
    until = time.perf_counter() + max(_ERRORS_AT_LEAST, _ERRORS * (budget.seconds or math.inf))
    sizes = None
    if outcome.stopped_by != StopReason.INTERRUPTED:  # else somebody waits
        work = partial(accumulated, march, number, field, spent, min(until, budget.ends))
        sizes = looks.at("what residuals add up to", work, None)
    names = [u.func.__name__ for u in evaluator.problem.unknowns]
    return dict.fromkeys(names) if sizes is None else dict(zip(names, sizes, strict=False))


def _known(problem: Problem | None) -> tuple[list[str], list[str]]:
    """What the analysis of a problem finds fatal, and what it doubts besides."""
    if problem is None:
        return [], []
    certain = fatal(problem)
    return certain, [sentence for sentence in doubts(problem) if sentence not in certain]


@dataclass(frozen=True)
class _Residuals:
    """Residuals on points that training never saw, by name.

    fresh     root mean squares, in the user's units
    misfits   of measurements, in units of their noise
    terms     the sizes of their terms
    shares    relative to these
    medians   likewise, of those that are as large as their terms
    """

    fresh: dict[str, float]
    misfits: dict[str, float]
    terms: dict[str, float]
    shares: dict[str, float]
    medians: dict[str, float]


def _residuals(evaluator: Evaluator, model: Model, key, looks: _Looks) -> _Residuals:
    plan, scales = evaluator.plan, evaluator.plan.constraints.scales
    squares = looks.at("residuals on fresh points", lambda: _fresh_residuals(evaluator, model, key), {})
    if plan.march is not None:  # beyond the last slab nothing is known
        squares = {name: square for name, square in squares.items() if math.isfinite(square)}
    fresh = {name: value * scales.residual(name) for name, value in squares.items()}
    misfits = {name: squares[name] for name in plan.objective.forms.noisy if name in squares}
    terms = looks.at("the sizes of the terms", lambda: term_sizes(evaluator, model), {})
    shares = {name: value / terms[name] for name, value in fresh.items() if name in terms}
    wild = [name for name, share in shares.items() if share > UNFULFILLED]
    medians = looks.at("the median of residuals", lambda: _medians(evaluator, model, wild, key), {})
    medians = {name: value * scales.residual(name) / terms[name] for name, value in medians.items()}
    return _Residuals(fresh, misfits, terms, shares, medians)


def _fresh(plan: Plan, model: Model) -> Objective:
    """The objective on random points, lowered once a plan; those of a march follow its elements."""
    if plan.following is not None and isinstance(model.field, PiecewiseField) and model.field.holds:
        return plan.following(model.field)
    if "fresh" not in plan.programs:
        plan.programs["fresh"] = plan.fresh()
    return plan.programs["fresh"]


def _fresh_residuals(evaluator: Evaluator, model: Model, key) -> dict[str, float]:
    """Root mean square of each residual on random points; conditions that hold by construction are left out."""
    programs, (arrays, structure) = evaluator.plan.programs, jax.tree.flatten(model)
    objective = _fresh(evaluator.plan, model)
    name = ("fresh residuals", structure)
    if name not in programs or programs[name][0] is not objective:

        def measure(arrays, key, carried):
            model = jax.tree.unflatten(structure, arrays)
            return objective.mean_squares(model, objective.draw(key, carried))

        programs[name] = objective, jax.jit(measure)

    squares = programs[name][1](arrays, key, dict(evaluator.carried))
    return {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in squares.items()}


def _medians(evaluator: Evaluator, model: Model, names: Sequence[str], key) -> dict[str, float]:
    """The medians of some residuals on fresh points, for what is large in a few places only; up to three coordinates.

    Beyond, the points of a grid are too many to be looked at one by one.
    """
    if not names or len(evaluator.plan.problem.coordinates) > _LOOKED_AT:
        return {}
    objective = _fresh(evaluator.plan, model)

    def measure(model, key, carried):
        rows = objective.rows(model, objective.draw(key, carried))
        squares = {name: jnp.concatenate([row.ravel() ** 2 for row in rows[name]]) for name in names}
        return {name: jnp.sqrt(square.size * jnp.median(square)) for name, square in squares.items()}

    return {name: float(value) for name, value in eqx.filter_jit(measure)(model, key, evaluator.carried).items()}


def _guarded(evaluator: Evaluator, outcome: Outcome, residuals: _Residuals) -> list[str]:
    """What is to be doubted about a result whose residuals are these."""
    fresh, terms, stood, falling = residuals.fresh, residuals.terms, [], []
    if outcome.stopped_by == StopReason.STEPS:
        stood = stagnated(outcome.history, outcome.began, fresh, terms)
        falling = unfinished(outcome.history, outcome.began, fresh, terms)
    return [
        *outcome.refused,
        *unfulfilled(fresh, terms, residuals.medians, stuck=bool(stood)),
        *stood,
        *falling,
        *overfit(fresh, _comparable(evaluator, outcome), evaluator.plan.settings),
    ]


def _comparable(evaluator: Evaluator, outcome: Outcome) -> Mapping[str, float]:
    """The residuals on training points, without those that counted less near some walls."""
    plan = evaluator.plan
    equations = {e.name for e in evaluator.problem.equations} if plan.weakened else set()
    scales = plan.constraints.scales
    return {name: value * scales.residual(name) for name, value in outcome.residuals.items() if name not in equations}
