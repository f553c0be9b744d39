"""A problem in time cut into windows, each a problem that starts where the last one ended."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.problem.meetings import part_ends
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import given, is_given, is_time, unknowns_in


def time_axis(problem: Problem) -> int:
    """The axis of time; raises ProblemError where there is none, or where windows cannot follow one another."""
    times = [k for k, c in enumerate(problem.coordinates) if is_time(c)]
    if not times or not problem.starts:
        raise ProblemError(
            f"Windows in time start where the last one ended, and `{problem.name}` has no "
            f"{'initial condition' if times else 'time'}; leave `windows` out."
        )
    whole = [*problem.beside_parts, *(f"parameter {p.name}" for p in problem.tunable)]
    whole += [f"the integral in `{e.name}`" for e in problem.equations if e.integrals]
    ends = part_ends(problem, times[0])
    whole += (
        [f"the part of the boundary that ends at {problem.coordinates[times[0]]} = {min(ends):.4g}"] if ends else []
    )
    if whole:
        raise ProblemError(
            f"`{problem.name}` cannot be solved in windows, one after the other: {', '.join(whole)} speaks of all "
            f"times at once; leave `windows` out."
        )
    return times[0]


def of_time_alone(problem: Problem) -> bool:
    """Whether time is the only coordinate and all conditions hold at its start, so that windows can follow it."""
    alone = len(problem.coordinates) == 1 and is_time(problem.coordinates[0])
    starts = 0 < len(problem.conditions) == len(problem.starts)
    return alone and starts and not problem.tunable


def window(problem: Problem, low: float, high: float) -> Problem:
    """The part of the problem from `low` to `high`, whose initial data hold at `low`."""
    axis = time_axis(problem)
    t = problem.coordinates[axis].name
    parts = {u: known.during(t, low, high) for u, known in problem.known.items()}
    return replace(
        problem,
        domain=problem.domain.during(axis, low, high),
        reference={u: part.written for u, part in parts.items() if part is not None},
    )


def later_window_problem(
    problem: Problem, axis: int, length: float, shift: float | AppliedUndef, pace: sympy.Expr | int = 1
) -> Problem:
    """The problem in a new time, from 0 to `length`.

    shift   the instant at which the new time is 0; or, as a given function of the new time, the time of the problem
    pace    how fast the new time goes, in units of the time of the problem: derivatives by time are multiplied by it.
            Data of initial conditions on derivatives are in the new time already
    """
    moved = partial(in_later_time, problem, axis, shift, pace=pace)
    return replace(
        problem,
        domain=problem.domain.during(axis, 0.0, length),
        equations={e.name: _each_side(moved, e.written) for e in problem.equations},
        conditions=tuple(c.in_window(moved) for c in problem.conditions),
        reference={},
        quantities={},
    )


def _each_side(moved: Callable, equation: sympy.Eq) -> sympy.Eq:
    return sympy.Eq(moved(equation.lhs), moved(equation.rhs), evaluate=False)


def in_later_time(
    problem: Problem, axis: int, shift: float | AppliedUndef, expression, *, pace: sympy.Expr | int = 1
) -> sympy.Expr:
    """An expression in the new time, whose symbol stays that of the old one; see `later_window_problem`."""
    expression, coordinates = sympy.sympify(expression), problem.coordinates
    t = coordinates[axis]
    if t not in expression.free_symbols or (shift == 0 and pace == 1):
        return expression
    partials = [d for d in expression.atoms(sympy.Derivative) if not is_given(d.expr)]
    kept = {node: sympy.Dummy(real=True) for node in (*partials, *unknowns_in(expression))}
    data = expression.xreplace(kept)
    given_nodes = {f: _given_later(f, t, shift) for f in data.atoms(AppliedUndef) if is_given(f) and f.has(t)}
    masked = {f: sympy.Function(f"later{k}", real=True)(*coordinates) for k, f in enumerate(given_nodes)}
    data = data.xreplace(masked)
    clock = t + sympy.Float(shift, 17) if isinstance(shift, (int, float)) else shift
    hidden = {d: sympy.Dummy(real=True) for d in (*data.atoms(sympy.Derivative), *masked.values())}
    data = data.xreplace(hidden).xreplace({t: clock}).xreplace({v: _paced(k, t, pace) for k, v in hidden.items()})
    data = data.xreplace({masked[f]: later_one for f, later_one in given_nodes.items()})
    return data.xreplace({v: _paced(k, t, pace) for k, v in kept.items()})


def _paced(node: sympy.Expr, t: sympy.Symbol, pace) -> sympy.Expr:
    """A function; or a derivative by the new time as one by the time of the problem."""
    orders = dict(node.variable_count) if isinstance(node, sympy.Derivative) else {}
    return node * pace ** orders.get(t, 0)


def _given_later(applied: AppliedUndef, t, shift) -> AppliedUndef:
    """A given function at a later time."""
    function, position = applied.func.given, list(applied.args).index(t)
    clock = (lambda time: time + shift) if isinstance(shift, (int, float)) else shift.func.given

    def moved(*where):
        return function(*where[:position], clock(where[position]), *where[position + 1 :])

    carried = getattr(clock, "carried", getattr(function, "carried", None))
    if carried is not None:
        moved.carried = carried  # type: ignore[attr-defined]
        moved.size = getattr(function, "size", None)  # type: ignore[attr-defined]
    return given(f"{applied.func.__name__} later", moved, *applied.args, smooth=applied.func.smooth)


def by_window(ends: Sequence[float], axis: int, where, evaluate: Callable) -> np.ndarray:
    """Values at points (n, d), or on the tensor grid of a list of axes, each by the window that it lies in.

    ends       the last instant of each window; one where two meet belongs to the earlier
    evaluate   (number of the window, points or axes) -> values; beyond the last window they are NaN
    """
    scattered = isinstance(where, np.ndarray)
    instants = where[:, axis] if scattered else where[axis]
    owners = np.searchsorted(ends, instants - 1e-9 * np.ptp([0, *ends]))
    values = np.full(len(where) if scattered else [len(nodes) for nodes in where], np.nan)
    for number in np.unique(owners[owners < len(ends)]):
        chosen = owners == number
        queried = where[chosen] if scattered else [*where[:axis], instants[chosen], *where[axis + 1 :]]
        values[chosen if scattered else (slice(None),) * axis + (chosen,)] = evaluate(number, queried)
    return values
