"""The error on any shape: the equations for it, solved classically by differences on scattered nodes.

With u = u_h + e, u_h the solution at hand, the discrete equations for the error e are solved at the nodes of DT-PINN,
on two sets of nodes by two orders: how far the two are apart tells how well e is known. As e is solved for and not u,
differences of four digits give four digits of the error, however small it is.
"""

import time
from dataclasses import replace

import numpy as np

from spindle.budget import Budget
from spindle.errors import SpindleError
from spindle.estimates.shift import Shift
from spindle.lowering.compile import array_function
from spindle.lowering.partials import terms_of
from spindle.methods.direct import Classical
from spindle.methods.dtpinn import DTPINN
from spindle.problem.problem import Problem
from spindle.problem.symbols import is_time
from spindle.records import ErrorEstimate
from spindle.references import scattered_points
from spindle.solution import Solution
from spindle.training.deadline import Late
from spindle.training.precision import precision

# Order of the differences and number of nodes, by the number of space coordinates; fewer where time is stepped.
_SETS = {2: ((4, 1200), (5, 2000)), 3: ((3, 1500), (4, 2500))}
_STEPPED = {2: ((4, 600), (5, 1000)), 3: ((3, 800), (4, 1200))}
_TIMES = (13, 17)  # instants between which there are two steps
_POINTS = 5000
_UNSURE = 0.5  # relative difference of the two, above which neither is the error


def by_nodes(solution: Solution, budget: Budget) -> ErrorEstimate:
    """An estimate as `spindle.estimate.estimate` returns it. Raises Late where the budget is spent before."""
    began, problem = time.perf_counter(), solution.problem
    # Windows meet in jumps, which no differences follow: there u itself is solved for, to what accuracy that has.
    posed = problem if solution.windows else Shift(solution).problem(measured=False)
    space = sum(not is_time(c) for c in problem.coordinates)
    sets = (_SETS if space == len(problem.coordinates) else _STEPPED).get(space)
    if sets is None:
        return ErrorEstimate(
            reason=f"it is made in two or three space coordinates where the domain is no box, and has {space}"
        )
    found = []
    for (order, nodes), times in zip(sets, _TIMES, strict=True):
        classical = _solved(posed, order, nodes, times)
        if isinstance(classical, str):
            return ErrorEstimate(reason=f"it has no classical solution to come from: {classical}")
        if time.perf_counter() > budget.ends:
            raise Late
        found.append(classical)
    compared = _compared(solution, *found)
    return compared if compared.errors is None else replace(compared, seconds=time.perf_counter() - began)


def _solved(posed: Problem, order: int, nodes: int, times: int) -> Classical | str:
    """The error at nodes, or a sentence on why there is none."""
    try:
        plan = DTPINN(order=order, nodes=nodes, times=times, frequency=4.0, approach=False).plan(posed)
        return plan.classical() if plan.classical else "there are no nodes"
    except SpindleError as error:
        return str(error).rstrip(".")


def _compared(solution: Solution, rough: Classical, better: Classical) -> ErrorEstimate:
    """The errors of what can be told from values alone, and the largest relative difference of the two sets."""
    problem = solution.problem
    points = scattered_points(problem)[:_POINTS]
    points = points[problem.domain.contains(points)]
    values = np.stack([solution.evaluate(points, u) for u in problem.unknowns], axis=1)
    with precision("float64"):
        found = [classical.at(points) for classical in (rough, better)]
    known = np.isfinite(values).all(axis=1)
    points, values = points[known], values[known]
    whole = [own[known] if solution.windows else values + own[known] for own in found]
    errors, left = {}, 0.0
    for name, expression in problem.shown.items():
        at = _function(solution, expression)
        if at is None:
            continue
        near, true = (at(points, own) for own in whole)
        gap = float(np.linalg.norm(true - at(points, values)))
        errors[name] = gap / max(float(np.linalg.norm(true)), np.finfo(float).tiny)
        left = max(left, float(np.linalg.norm(true - near)) / max(gap, np.finfo(float).tiny))
    if not np.isfinite(list(errors.values())).all():
        return ErrorEstimate(reason="the equations for it are not finite everywhere")
    if left > _UNSURE:
        return ErrorEstimate(reason=f"two sets of nodes differ by {left:.0%} in it: it is sharper than their distances")
    how = "differences" if solution.windows else "the equations for the error"
    return ErrorEstimate(errors=errors, left=left, bound=False, by=f"{how} on scattered nodes")


def _function(solution: Solution, expression):
    """(points, values of the unknowns) -> values of an expression; None where it contains derivatives."""
    problem, numbers = solution.problem, solution.parameters
    fixed = {p: numbers[p.name] for p in problem.tunable}
    compiled = array_function(expression.xreplace(fixed), problem.coordinates, problem.unknowns)
    if any(p.total for need in compiled.needs for p, _ in terms_of(need)):
        return None

    def at(points, values):
        known = {need: sum(f * values[:, p.unknown] for p, f in terms_of(need)) for need in compiled.needs}
        with precision("float64"):
            return np.broadcast_to(np.asarray(compiled(tuple(points.T), known)), len(points))

    return at
