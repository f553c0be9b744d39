"""A problem in time cut into windows, each a problem of its own that starts where the last one ended."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from spindle.errors import ProblemError
from spindle.problem.conditions import AtPoints, AtStart
from spindle.problem.problem import Problem
from spindle.problem.symbols import given, is_time
from spindle.types import Tabulated


def time_axis(problem: Problem) -> int:
    """The axis of time; raises ProblemError where there is none, or where windows cannot follow one another."""
    times = [k for k, c in enumerate(problem.coordinates) if is_time(c)]
    if not times or not any(isinstance(c, AtStart) for c in problem.conditions):
        raise ProblemError(
            f"Windows in time start where the last one ended, and `{problem.name}` has no "
            f"{'initial condition' if times else 'time'}; leave `windows` out."
        )
    whole = [c.name for c in problem.conditions if isinstance(c, AtPoints)]
    whole += [f"parameter {p.name}" for p in problem.parameters if p.unknown]
    if whole:
        raise ProblemError(
            f"`{problem.name}` cannot be solved in windows, one after the other: {', '.join(whole)} speaks of all "
            f"times at once; leave `windows` out."
        )
    return times[0]


def edges(problem: Problem, windows: int) -> np.ndarray:
    """The instants (windows + 1,) at which windows of equal length begin and end."""
    return np.linspace(*problem.domain.bounds[time_axis(problem)], windows + 1)


def window(problem: Problem, low: float, high: float, before: Callable | None) -> Problem:
    """The problem from `low` to `high`.

    before   expression -> function of the space coordinates, its value at `low` by the window before; None for the
             first window, which starts as the problem does
    """
    axis = time_axis(problem)
    t = problem.coordinates[axis]
    conditions = problem.conditions
    if before is not None:
        space = [c for c in problem.coordinates if c != t]
        conditions = tuple(
            replace(c, value=given(f"end of {c.name} at {low:g}", before(c.expression), *space, smooth=True))
            if isinstance(c, AtStart)
            else c
            for c in conditions
        )
    reference = {u: _during(r, t.name, low, high) for u, r in problem.reference.items()}
    return replace(
        problem,
        domain=problem.domain.during(axis, low, high),
        conditions=conditions,
        reference={u: r for u, r in reference.items() if r is not None},
    )


def _during(reference, t: str, low: float, high: float):
    """The part of a reference between two instants; None where a table has no instant there."""
    if not isinstance(reference, Tabulated):
        return reference
    axes = {name: np.asarray(nodes) for name, nodes in reference.axes.items()}
    slack = 1e-9 * (high - low)
    chosen = np.flatnonzero((axes[t] >= low - slack) & (axes[t] <= high + slack))
    if not len(chosen):
        return None
    values = np.take(np.asarray(reference.values), chosen, axis=list(axes).index(t))
    return replace(reference, axes=axes | {t: axes[t][chosen]}, values=values)


def by_window(ends: Sequence[float], axis: int, where, evaluate: Callable) -> np.ndarray:
    """Values at points (n, d), or on the tensor grid of a list of axes, each by the window that it lies in.

    ends       the last instant of each window; one where two meet belongs to the earlier
    evaluate   (number of the window, points or axes) -> values; beyond the last window they are NaN
    """
    scattered = isinstance(where, np.ndarray)
    instants = where[:, axis] if scattered else where[axis]
    owners = np.searchsorted(ends, instants - 1e-9 * np.ptp([0, *ends]))
    found = np.full(len(where) if scattered else [len(nodes) for nodes in where], np.nan)
    for number in np.unique(owners[owners < len(ends)]):
        chosen = owners == number
        own = where[chosen] if scattered else [*where[:axis], instants[chosen], *where[axis + 1 :]]
        found[chosen if scattered else (slice(None),) * axis + (chosen,)] = evaluate(number, own)
    return found
