"""The error on any shape: the equations for it, solved classically by differences on scattered nodes.

With u = u_h + e, u_h the solution at hand, the discrete equations for the error e are solved at the nodes of DT-PINN,
on two sets of nodes by two orders: how far the two are apart tells how well e is known. As e is solved for and not u,
differences of four digits give four digits of the error, however small it is.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spindle.classical.nodal_solver import ClassicalSolution, NoClassical
from spindle.errors import SpindleError
from spindle.lowering.compile import array_function
from spindle.methods.dtpinn import DTPINN
from spindle.problem.problem import Problem
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.solving.estimates.shift import Shift
from spindle.solving.estimates.uncertainty import UndeterminedError, Values, with_uncertainty
from spindle.storage.records import ErrorEstimate
from spindle.symbolic.symbols import is_time
from spindle.training.budget import Budget
from spindle.training.deadline import Late
from spindle.training.precision import precision

# Order of the differences and number of nodes, by the number of space coordinates; fewer where time is stepped.
_SETS = {2: ((4, 1200), (5, 2000)), 3: ((3, 1500), (4, 2500))}
_STEPPED = {2: ((4, 600), (5, 1000)), 3: ((3, 800), (4, 1200))}
_TIMES = (13, 17)  # instants between which there are two steps
_POINTS = 5000
_UNSURE = 0.5  # relative difference of the two, above which neither is the error


def nodal_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`. Raises Late where the budget is spent before."""
    began, problem = time.perf_counter(), solution.problem
    # Windows meet in jumps, which no differences follow: there u itself is solved for, to what accuracy that has.
    posed = problem if solution.windows else Shift(solution).problem(measured=False)
    space = sum(not is_time(c) for c in problem.coordinates)
    sets = (_SETS if space == len(problem.coordinates) else _STEPPED).get(space)
    if sets is None:
        return ErrorEstimate(
            reason=f"it is made in two or three space coordinates where the domain is no box, and has {space}"
        )
    solutions = []
    for (order, nodes), times in zip(sets, _TIMES, strict=True):
        classical = _solved(posed, order, nodes, times)
        if not classical.exists:
            return ErrorEstimate(reason=f"it has no classical solution to come from: {classical.reason}")
        if time.perf_counter() > budget.ends:
            raise Late
        solutions.append(classical)
    compared = _compared(solution, *solutions)
    if not solution.windows:
        compared = with_uncertainty(compared, solution, lambda parameters: _for(solution, parameters, sets[0], budget))
    return compared if compared.errors is None else replace(compared, seconds=time.perf_counter() - began)


def _for(solution: Solution, parameters: Mapping[str, float], chosen: tuple[int, int], budget: Budget) -> Values:
    """The solution for other parameters than those that were estimated."""
    posed = Shift(solution, parameters=parameters).problem(measured=False)
    classical = _solved(posed, *chosen, _TIMES[0])
    if time.perf_counter() > budget.ends:
        raise Late
    if not classical.exists:
        raise UndeterminedError(classical.reason)

    def values(expression, points):
        at = _function(solution, expression, parameters)
        if at is None:
            raise UndeterminedError(f"derivatives in {expression}")
        whole = np.stack([solution.evaluate(points, u) for u in solution.problem.unknowns], axis=1)
        with precision("float64"):
            return at(points, whole + classical.at(points))

    return values


def _solved(posed: Problem, order: int, nodes: int, times: int) -> ClassicalSolution | NoClassical:
    """The error at nodes, or why there is none."""
    try:
        plan = DTPINN(order=order, nodes=nodes, times=times, frequency=4.0, approach=False).plan(posed)
        return plan.classical() if plan.classical else NoClassical("there are no nodes")
    except SpindleError as error:
        return NoClassical(str(error).rstrip("."))


def _compared(solution: Solution, rough: ClassicalSolution, better: ClassicalSolution) -> ErrorEstimate:
    """The errors of what can be told from values alone, and the largest relative difference of the two sets."""
    problem = solution.problem
    points = scattered_points(problem)[:_POINTS]
    points = points[problem.domain.contains(points)]
    values = np.stack([solution.evaluate(points, u) for u in problem.unknowns], axis=1)
    with precision("float64"):
        at_points = [classical.at(points) for classical in (rough, better)]
    known = np.isfinite(values).all(axis=1)
    points, values = points[known], values[known]
    whole = [each[known] if solution.windows else values + each[known] for each in at_points]
    errors, left = {}, 0.0
    for name, expression in problem.fields.items():
        at = _function(solution, expression)
        if at is None:
            continue
        near, true = (at(points, each) for each in whole)
        gap = float(np.linalg.norm(true - at(points, values)))
        errors[name] = gap / max(float(np.linalg.norm(true)), np.finfo(float).tiny)
        left = max(left, float(np.linalg.norm(true - near)) / max(gap, np.finfo(float).tiny))
    if not np.isfinite(list(errors.values())).all():
        return ErrorEstimate(reason="the equations for it are not finite everywhere")
    if left > _UNSURE:
        return ErrorEstimate(reason=f"two sets of nodes differ by {left:.0%} in it: it is sharper than their distances")
    how = "differences" if solution.windows else "the equations for the error"
    return ErrorEstimate(errors=errors, left=left, bound=False, by=f"{how} on scattered nodes")


def _function(solution: Solution, expression, parameters: Mapping[str, float] | None = None):
    """(points, values of the unknowns) -> values of an expression; None where it contains derivatives."""
    problem, numbers = solution.problem, solution.parameters | dict(parameters or {})
    fixed = {p: numbers[p.name] for p in problem.tunable}
    compiled = array_function(expression.xreplace(fixed), problem.coordinates, problem.unknowns)
    if any(p.total for need in compiled.needs for p, _ in need.terms):
        return None

    def at(points, values):
        known = {need: sum(f * values[:, p.unknown] for p, f in need.terms) for need in compiled.needs}
        with precision("float64"):
            return np.broadcast_to(np.asarray(compiled(tuple(points.T), known)), len(points))

    return at
