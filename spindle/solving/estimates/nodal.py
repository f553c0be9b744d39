"""The error on any shape: the equations for it, solved classically by differences on scattered nodes.

With u = u_h + e, u_h the solution at hand, the discrete equations for the error e are solved at the nodes of DT-PINN,
on two sets of nodes by two orders: how far the two are apart tells how well e is known. As e is solved for and not u,
differences of four digits give four digits of the error, however small it is. At re-entrant corners, where e is as
singular as u, the nodes are graded. Where u_h is too rough between the nodes for equations for e, linear equations are
solved for u itself, to what accuracy that has.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spindle.classical.nodal_solver import ClassicalSolution, NoClassical
from spindle.errors import SpindleError
from spindle.lowering.compile import array_function
from spindle.lowering.structure import analyse
from spindle.methods.dtpinn import DTPINN, curved
from spindle.problem.problem import Problem
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.solving.estimates.grading import KERNEL, graded
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
_GRADED, _GRADED_STEPPED = ((2, 1500), (2, 2500)), ((2, 700), (2, 1200))  # in the plane, to re-entrant corners
_TIMES = (13, 17)  # instants between which there are two steps
_POINTS = 5000
_UNSURE = 0.5  # relative difference of the two, above which neither is the error
_GOOD = 0.01  # relative difference of two solutions, up to which it says something of the error that it is no larger
_TINY = float(np.finfo(float).tiny)


def nodal_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`. Raises Late where the budget is spent before."""
    began, problem = time.perf_counter(), solution.problem
    try:
        schemes = _schemes(problem)
    except SpindleError as error:
        return ErrorEstimate(reason=f"it has no nodes to come from: {str(error).rstrip('.')}")
    if schemes is None:
        space = sum(not is_time(c) for c in problem.coordinates)
        return ErrorEstimate(
            reason=f"it is made in two or three space coordinates where the domain is no box, and has {space}"
        )
    # Windows meet in jumps, which no differences follow.
    compared = ErrorEstimate() if solution.windows else _by_error(solution, schemes, budget)
    if compared.errors is None and (solution.windows or _one_solution(problem)):
        directly = _by_whole(solution, schemes, budget)
        compared = compared if compared.reason and directly.errors is None else directly
    return compared if compared.errors is None else replace(compared, seconds=time.perf_counter() - began)


def _one_solution(problem: Problem) -> bool:
    """Whether solving anew leads to the solution at hand: equations without a second one, and nothing to estimate."""
    return not problem.tunable and all(structure.linear for structure in analyse(problem))


def _by_error(solution: Solution, schemes: Sequence[DTPINN], budget: Budget) -> ErrorEstimate:
    """By the equations for the error."""
    solved = _both(Shift(solution).problem(measured=False), schemes, budget)
    if isinstance(solved, NoClassical):
        return ErrorEstimate(reason=f"it has no classical solution to come from: {solved.reason}")
    measured = _measured(solution, solved, whole=False)
    if not np.isfinite([m.error for m in measured.values()]).all():
        return ErrorEstimate(reason="the equations for it are not finite everywhere")
    left = max((m.apart / max(m.error, _TINY) for m in measured.values()), default=0.0)
    if left > _UNSURE:
        return ErrorEstimate(reason=f"two sets of nodes differ by {left:.0%} in it: it is sharper than their distances")
    errors = {name: m.error for name, m in measured.items()}
    estimated = ErrorEstimate(
        errors=errors, left=left, bound=False, by="the equations for the error on scattered nodes"
    )
    return with_uncertainty(estimated, solution, lambda parameters: _for(solution, parameters, schemes[0], budget))


def _by_whole(solution: Solution, schemes: Sequence[DTPINN], budget: Budget) -> ErrorEstimate:
    """By the equations themselves.

    Where two sets of nodes are farther apart than half the error, their distance is part of it: the true error may be
    as large. That is worth saying where both are small.
    """
    solved = _both(solution.problem, schemes, budget)
    if isinstance(solved, NoClassical):
        return ErrorEstimate(reason=f"it has no classical solution to come from: {solved.reason}")
    measured = _measured(solution, solved, whole=True)
    own = max((m.apart for m in measured.values()), default=0.0)
    unsure = any(m.apart > _UNSURE * m.error for m in measured.values())
    if not np.isfinite(own) or (unsure and own > _GOOD):
        return ErrorEstimate(reason=f"solutions on two sets of nodes differ by {own:.0e}")
    errors = {name: m.error + m.apart * (m.apart > _UNSURE * m.error) for name, m in measured.items()}
    by = "differences on scattered nodes"
    return ErrorEstimate(errors=errors, left=0.0, bound=False, comparison_error=own, by=by)


def _both(posed: Problem, schemes: Sequence[DTPINN], budget: Budget) -> list[ClassicalSolution] | NoClassical:
    """The classical solution on either set of nodes."""
    solutions = []
    for scheme in schemes:
        classical = _solved(posed, scheme)
        if isinstance(classical, NoClassical):
            return classical
        if time.perf_counter() > budget.ends:
            raise Late
        solutions.append(classical)
    return solutions


def _for(solution: Solution, parameters: Mapping[str, float], scheme: DTPINN, budget: Budget) -> Values:
    """The solution for other parameters than those that were estimated."""
    posed = Shift(solution, parameters=parameters).problem(measured=False)
    classical = _solved(posed, scheme)
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


def _schemes(problem: Problem) -> tuple[DTPINN, ...] | None:
    """The two discretisations; None where they are made in no such space. Raises MethodError where there are none."""
    space = sum(not is_time(c) for c in problem.coordinates)
    stepped = space < len(problem.coordinates)
    sets = (_STEPPED if stepped else _SETS).get(space)
    if sets is None:
        return None
    more: dict[str, Any] = {"frequency": 4.0, "approach": False}
    density = graded(curved(problem).shape, [meeting.at for meeting in problem.meetings])
    if density is not None:
        sets = _GRADED_STEPPED if stepped else _GRADED
        more |= {"density": density, "exponent": KERNEL}
    return tuple(
        DTPINN(order=order, nodes=nodes, times=times, **more)
        for (order, nodes), times in zip(sets, _TIMES, strict=True)
    )


def _solved(posed: Problem, scheme: DTPINN) -> ClassicalSolution | NoClassical:
    """The error at nodes, or why there is none."""
    try:
        plan = scheme.plan(posed)
        return plan.classical() if plan.classical else NoClassical("there are no nodes")
    except SpindleError as error:
        return NoClassical(str(error).rstrip("."))


@dataclass(frozen=True)
class _Measured:
    """Relative L2 distances: of the solution from the finer set of nodes, and of the two sets from each other."""

    error: float
    apart: float


def _measured(solution: Solution, solved: Sequence[ClassicalSolution], *, whole: bool) -> dict[str, _Measured]:
    """The distances of what can be told from values alone; `whole`: it is the unknowns that were solved for."""
    problem = solution.problem
    points = scattered_points(problem)[:_POINTS]
    points = points[problem.domain.contains(points)]
    values = np.stack([solution.evaluate(points, u) for u in problem.unknowns], axis=1)
    with precision("float64"):
        at_points = [classical.at(points) for classical in solved]
    known = np.isfinite(values).all(axis=1)
    points, values = points[known], values[known]
    rough, better = (each[known] if whole else values + each[known] for each in at_points)
    distances = {}
    for name, expression in problem.fields.items():
        at = _function(solution, expression)
        if at is None:
            continue
        near, true = at(points, rough), at(points, better)
        size = max(float(np.linalg.norm(true)), _TINY)
        error = float(np.linalg.norm(true - at(points, values))) / size
        distances[name] = _Measured(error, float(np.linalg.norm(true - near)) / size)
    return distances


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
