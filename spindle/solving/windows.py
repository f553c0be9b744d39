"""Windows in time: what each of them solves, and the solution that all of them are.

Every window but the first solves one and the same problem, in a time of its own that begins at 0: its initial data are
arrays that the window before hands over, and where an equation names the time, so is the instant at which the window
begins. One plan and its compiled programs therefore serve all of them (`Carried`). Where windows are as long as the
solution allows, so is the pace of that time, and the first window is like the others.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import equinox as eqx
import numpy as np

from spindle.geometry.domain import Box
from spindle.lowering.breaks import breaks
from spindle.lowering.compile import given_partial
from spindle.methods.base import Method, Plan
from spindle.networks.expansion import AxisBasis, Expansion
from spindle.objective.errors import error_measures
from spindle.problem.carried import Carried
from spindle.problem.conditions.base import PrescribedValue
from spindle.problem.conditions.initial import AtStart
from spindle.problem.problem import Problem
from spindle.problem.windows import in_later_time, later_window_problem, time_axis, window
from spindle.results.averages import averages
from spindle.results.evaluator import Evaluator, TimeFrame
from spindle.results.references import scattered_points
from spindle.results.resolution import in_sentences
from spindle.results.run_record import RunRecord
from spindle.results.solution import Solution, errors_in_windows, values_in_windows
from spindle.solving.train import Window
from spindle.solving.window_lengths import AdaptiveLengths, EqualLengths, WindowLengths
from spindle.storage.records import Reached, WindowRecord
from spindle.symbolic.functions import NUMPY, evaluate
from spindle.training.history import Clock, History

UNSOLVED = 0.5  # residual of an equation, relative to its terms, above which a window is not solved
_GRID = 64  # nodes on each axis on which the two values at a seam are compared, in up to two dimensions
_FIRST, _MOST = 17, {1: 513, 2: 129, 3: 33}  # basis functions an axis of the state at the end, by dimension
_RESOLVED = 1e-13  # share of the last coefficients at which no more of them are taken
_BEGINS, _PACE = "the window begins", "the pace of its time"


class Windows:
    """All windows of a problem, one after the other."""

    def __init__(self, problem: Problem, method: Method):
        self.problem, self.method = problem, method
        self.axis, count = time_axis(problem), method.windows_of(problem)
        low, high = map(float, problem.domain.bounds[self.axis])
        self.follows = count == "auto"
        if self.follows:
            self.lengths: WindowLengths = AdaptiveLengths(self.axis, low, high, breaks(problem)[self.axis])
        else:
            self.lengths = EqualLengths(low, high, int(count))
        self.length = high - low if self.follows else (high - low) / int(count)
        self.carried = Carried()
        t = problem.coordinates[self.axis]
        self._clock = self.carried.function("time", self._time, t)
        self._speed = (
            self.carried.function("pace", lambda clock: 0 * clock + self.carried[_PACE], t) if self.follows else 1
        )
        self._states: dict[str, Expansion] = {}
        self._posed: Problem | None = None
        self._plan: Plan | None = None

    def _time(self, clock):
        """The time of the problem at an own time of the present window."""
        return clock / self.carried[_PACE] + self.carried[_BEGINS]

    def first(self, during: tuple[float, float] | None = None) -> Window:
        """The window that starts as the problem does; see `after`."""
        low, high = during or self.lengths.next(())
        if self.follows:
            return replace(self._shared(0, low, high, self._at_the_start(low), None), whole=self.problem)
        problem = window(self.problem, low, high)
        posed = later_window_problem(problem, self.axis, self.length, low)
        moved = partial(in_later_time, self.problem, self.axis, low)
        return Window(problem, posed, self.method, 0, TimeFrame(low), moved, whole=self.problem)

    def after(self, parts: Sequence[Solution], during: tuple[float, float] | None = None) -> Window:
        """The window after those that are solved; `during`: between which instants, where that is known already."""
        if not parts:
            return self.first(during)
        low, high = during or self.lengths.next(parts)
        return self._shared(len(parts), low, high, self._end_state(parts[-1]), parts[-1])

    def _shared(self, number: int, low: float, high: float, state: dict, last: Solution | None) -> Window:
        """A window that shares its plan with all others but, where the lengths are even, the first."""
        pace = self.length / (high - low) if self.follows else 1.0
        carried = {**state, _BEGINS: np.array(low), _PACE: np.array(pace)}
        self.carried.take(carried)
        if self._posed is None:
            self._posed = self._following(last)
        method = self.method
        if last is not None:
            method = last.plan.settings
        moved = partial(in_later_time, self.problem, self.axis, self._clock, pace=self._speed)
        posed, problem = self._posed, window(self.problem, low, high)
        frame = TimeFrame(low, pace)
        return Window(problem, posed, method, number, frame, moved, self._plan, carried, shares=True)

    def _at_the_start(self, low: float) -> dict[str, np.ndarray]:
        """The state that the problem begins with, where time is its only coordinate."""
        known = {self.problem.coordinates[self.axis]: low} | {p: p.value for p in self.problem.parameters}
        starts = self.problem.starts.items()
        return {name: np.array(float(evaluate(start.value, known, NUMPY, given_partial))) for name, start in starts}

    def share(self, plan: Plan) -> None:
        """Keep the plan of a window after the first for those after it."""
        self._plan = plan

    def _following(self, last: Solution | None) -> Problem:
        """The problem of all windows after the first, in their own time."""
        t = self.problem.coordinates[self.axis]
        space = [c for c in self.problem.coordinates if c != t]
        starts_here = {
            name: AtStart(name, start.expression, self._state(name, start, last, space, t))
            for name, start in self.problem.starts.items()
        }
        kept = tuple(starts_here.get(c.name, c) for c in self.problem.conditions)
        return later_window_problem(
            replace(self.problem, conditions=kept, reference={}), self.axis, self.length, self._clock, self._speed
        )

    def _state(self, condition: str, start: PrescribedValue, last: Solution | None, space, t):
        """The initial data of a condition, as a function of what is handed over."""
        name = f"end of {condition}"
        if not space:
            orders = dict(getattr(start.expression, "variable_count", ()))
            order = int(orders.get(t, 0))  # rates are those in own time

            def begins(clock=0.0):
                return 0 * clock + self.carried[condition] / self.carried[_PACE] ** order

            return self.carried.function(name, begins, t, size=lambda: float(abs(begins())))
        assert last is not None
        if isinstance(self.problem.domain, Box):
            state = self._states[condition]
            return self.carried.function(
                name,
                lambda *where: state.values(self.carried[condition], *where),
                *space,
                size=lambda: float(np.abs(self.carried[condition]).max()),
            )
        # On other domains no grid lies within the domain, and the field itself is handed over. No condition holds by
        # construction there, so that it knows nothing of the windows before.
        axis, length = self.axis, self.length
        _, static = eqx.partition(last.model, eqx.is_inexact_array)

        def field(*where):
            model = eqx.combine(self.carried["model"], static)
            instant = np.full((1,) * np.ndim(where[0]), length)
            return last.traced(start.expression, model)(*where[:axis], instant, *where[axis:])

        nodes = scattered_points(self.problem)
        nodes[:, axis] = last.problem.domain.bounds[axis][1]
        values = last.values_on(start.expression, nodes)
        return self.carried.function(name, field, *space, size=lambda: float(np.sqrt(np.mean(values**2))))

    def _end_state(self, last: Solution) -> dict[str, Any]:
        """The state at the end of a window."""
        if not isinstance(self.problem.domain, Box):
            return {"model": eqx.filter(last.model, eqx.is_inexact_array)}
        starts = self.problem.starts.items()
        if len(self.problem.coordinates) == 1:
            instant = np.array([[last.problem.domain.bounds[self.axis][1]]])
            return {name: last.values_on(start.expression, instant)[0] for name, start in starts}
        return {name: self._expanded(name, start, last) for name, start in starts}

    def _expanded(self, condition: str, start: PrescribedValue, last: Solution) -> np.ndarray:
        """The coefficients of the state: as many as make the last ones of the first window small."""
        instant = last.problem.domain.bounds[self.axis][1]
        bounds = [b for k, b in enumerate(self.problem.domain.bounds) if k != self.axis]
        count = min(_FIRST, _MOST[len(bounds)])
        while True:
            state = self._states.get(condition) or Expansion(tuple(self._bases(bounds, count)))
            nodes = [axis.nodes() for axis in state.axes]
            nodes.insert(self.axis, np.array([instant]))
            samples = last.values_on(start.expression, nodes)
            coefficients = state.coefficients(np.squeeze(samples, self.axis))
            settled = condition in self._states or count >= _MOST[len(bounds)]
            if settled or state.tail(coefficients) < _RESOLVED:
                self._states[condition] = state
                return coefficients
            count = min(2 * count - 1, _MOST[len(bounds)])

    def _bases(self, bounds, count: int):
        space = [k for k in range(len(self.problem.coordinates)) if k != self.axis]
        for k, (low, high) in zip(space, bounds, strict=True):
            yield AxisBasis(low, high, count, k in self.problem.periodic_axes)


def described(plan: Plan) -> Plan:
    """The plan of the first window as that of all."""
    count = plan.settings.windows
    several = "windows as long as their features resolve the solution" if count == "auto" else f"{count} windows"
    sentence = f"time in {several}, each starting where the last one ended"
    return replace(plan, choices=(sentence, *plan.choices), classical=None)


def unsolved(part: Solution) -> str:
    """The equation that a window leaves unsolved; empty where it is solved."""
    names = (e.name for e in part.problem.equations)
    worst = [n for n in names if part.run.shares.get(n, 0.0) > UNSOLVED]
    return worst[0] if worst else ""


def join_windows(problem: Problem, method: Method, parts: Sequence[Solution], lengths: WindowLengths) -> Solution:
    """The solution of all windows that were solved, with the record of all."""
    last, evaluator = parts[-1], Evaluator(problem, described(parts[0].plan))
    run = RunRecord(
        seed=last.run.seed,
        device=last.run.device,
        iterations=sum(p.run.iterations for p in parts),
        stopped_by=last.run.stopped_by,
        loss=max(p.run.loss for p in parts),
        residuals=_mean_residuals(parts),
        warnings=(*_incomplete(problem, parts, lengths), *_doubts_of_all(parts)),
        errors=errors_in_windows(evaluator, parts),
        seconds=Clock(**{name: sum(vars(p.run.seconds)[name] for p in parts) for name in asdict(Clock())}),
        peak_memory_bytes=max(p.run.peak_memory_bytes for p in parts),
        versions=last.run.versions,
        history=_history(parts),
        windows=tuple(_described_window(p, before) for p, before in zip(parts, [None, *parts], strict=False)),
        averages=averages(evaluator.problem, partial(values_in_windows, evaluator.problem, parts)),
        reached=_reached(problem, parts),
        fatal=tuple(dict.fromkeys(s for p in parts for s in p.run.fatal)),
        doubts=tuple(dict.fromkeys(s for p in parts for s in p.run.doubts)),
        shares={name: max(p.run.shares.get(name, 0.0) for p in parts) for p in parts for name in p.run.shares},
        unresolved=_worst_of_all(parts),
    )
    return Solution(method, evaluator, last.model, run, windows=tuple(parts))


def _worst_of_all(parts: Sequence[Solution]) -> dict[str, float]:
    """The axes that some window does not resolve, each with its largest share."""
    shares: dict[str, float] = {}
    for part in parts:
        shares |= {axis: max(share, shares.get(axis, 0.0)) for axis, share in part.run.unresolved.items()}
    return shares


def _doubts_of_all(parts: Sequence[Solution]) -> list[str]:
    """The warnings of all windows, of each axis that is not resolved the worst alone."""
    worst = _worst_of_all(parts)
    left = [w for part in parts for w in part.run.warnings if w not in _of_axes(part)]
    unresolved = [
        sentence
        for part in parts
        for axis, sentence in zip(part.run.unresolved, _of_axes(part), strict=True)
        if part.run.unresolved[axis] == worst[axis]
    ]
    return list(dict.fromkeys([*left, *unresolved]))


def _of_axes(part: Solution) -> list[str]:
    """The warnings on axes that a window does not resolve."""
    return in_sentences(part.evaluator, part.model, part.run.unresolved)


def _reached(problem: Problem, parts: Sequence[Solution]) -> Reached:
    """Until when time was solved, and when it ends."""
    axis = time_axis(problem)
    name, ends = problem.coordinates[axis].name, problem.domain.bounds[axis][1]
    return Reached(name, parts[-1].problem.domain.bounds[axis][1], ends)


def _incomplete(problem: Problem, parts: Sequence[Solution], lengths: WindowLengths) -> list[str]:
    """A sentence where not all windows were solved."""
    last, axis = parts[-1], time_axis(problem)
    name = unsolved(last)
    if lengths.whole(parts) and not name:
        return []
    t, (low, high), end = problem.coordinates[axis], last.problem.domain.bounds[axis], problem.domain.bounds[axis][1]
    if name and last.run.stopped_by.ended:
        reason = (
            f"window {len(parts)}, from {low:g} to {high:g}, is not solved: the residual of `{name}` is "
            f"{last.run.shares[name]:.0%} of its own terms; take more windows, or more features or points"
        )
    else:
        reason = f"{lengths.position(len(parts))} was the last, stopped by {last.run.stopped_by}"
    return [f"the solution reaches {t} = {high:g} of {end:g} and is NaN beyond, because {reason}"]


def _described_window(part: Solution, before: Solution | None) -> WindowRecord:
    """One window for the record."""
    low, high = part.problem.domain.bounds[time_axis(part.problem)]
    return WindowRecord(
        begins=low,
        ends=high,
        steps=part.run.iterations,
        loss=part.run.loss,
        seconds=part.run.seconds.total,
        parts=part.run.seconds.as_dict(),
        errors=part.run.errors,
        seam={} if before is None else _seam(part, before, low),
    )


def _seam(part: Solution, before: Solution, instant: float) -> dict[str, float | None]:
    axis, bounds = time_axis(part.problem), part.problem.domain.bounds
    n = _GRID if len(bounds) <= 3 else 12
    nodes = {
        str(c): np.array([instant]) if k == axis else np.linspace(*bounds[k], n)
        for k, c in enumerate(part.problem.coordinates)
    }
    jumps = {}
    for u in part.problem.unknowns:
        old, new = before.grid(u, **nodes), part.grid(u, **nodes)
        jump = error_measures(new, old)["rel_l2"] if np.any(old[np.isfinite(old)]) else None
        jumps[u.func.__name__] = jump
    return jumps


def _mean_residuals(parts: Sequence[Solution]) -> dict[str, float]:
    """Root mean square over all windows."""
    axis = time_axis(parts[0].problem)
    lengths = [high - low for low, high in (p.problem.domain.bounds[axis] for p in parts)]
    means = {}
    for name in dict.fromkeys(name for p in parts for name in p.run.residuals):
        squares = [
            (n, p.run.residuals[name] ** 2) for n, p in zip(lengths, parts, strict=True) if name in p.run.residuals
        ]
        means[name] = math.sqrt(sum(n * square for n, square in squares) / sum(n for n, _ in squares))
    return means


def _history(parts: Sequence[Solution]) -> History:
    """All records in order, steps and seconds counted from the first window on."""
    records, steps, seconds = History(), 0, 0.0
    for part in parts:
        records += [replace(r, step=r.step + steps, seconds=r.seconds + seconds) for r in part.run.history]
        steps, seconds = steps + part.run.iterations, seconds + part.run.seconds.train
    return records
