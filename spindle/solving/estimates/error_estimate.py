"""An estimate of the error of any solution, from its equations alone.

Solutions by slabs of time are compared with finer ones, those on elements in the plane with what a step in a richer
space makes of them. Of others in one coordinate, SciPy integrates the same equations; on boxes, the equations for what
is missing are solved in a coarse space; on other shapes, by differences on nodes. Of time and one coordinate of space,
solutions with fronts and those of windows are compared with what SciPy makes of the same equations along lines.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import sympy

from spindle.errors import ProblemError, shown, usage
from spindle.problem.consistency.crossings import singular_crossings
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.solving.estimates.finer_slabs import finer_slabs_estimate, is_marched
from spindle.solving.estimates.marched import lines_estimate, marches
from spindle.solving.estimates.nodal import nodal_estimate
from spindle.solving.estimates.ordinary import integration_estimate
from spindle.solving.estimates.richer import is_plane, richer_estimate
from spindle.solving.estimates.spectral import WIDTHS, spectral_estimate
from spindle.solving.estimates.stretched import Stretch, stretches
from spindle.storage.records import ErrorEstimate
from spindle.symbolic.complex_parts import joined_errors
from spindle.symbolic.symbols import is_time, unknowns_in
from spindle.training.budget import Budget
from spindle.training.deadline import Late, in_time

_POINTS = 256
_ON_NODES = 3  # dimensions of space up to which there are nodes in shapes
_VANISHING = 1e-3  # share of its terms, below which a quantity is zero but for errors
_LEAST = 1e-5  # of the size that a problem gives an unknown, below which it is as good as zero
_TOO_LATE = "the budget was spent before"


@usage("spd.estimate(solution)")
def estimate(solution: Solution, budget: Budget | None = None) -> ErrorEstimate:
    """`{"errors": {name: relative L2 error}, "left", "bound", "seconds"}`, or `{"reason"}` where there is no estimate.

    budget   of the call that it belongs to; None: as long as it takes

    Names are those of unknowns and quantities. `left` is the share of the residuals that the estimated error does not
    explain; above 0.3 it is sharper than the estimate can see, which then is a lower `bound`, unless all is rounding
    errors, and `upper` is a guess of what it may be. Where the solution was compared with another one, `own` (as an
    attribute `comparison_error`) is the relative error of that, and `by` says how it is known; of windows that do not
    reach the end, only what they reach is compared. Where parameters were estimated from measurements, the errors
    contain what noise leaves open of them, and `parameters` are their standard deviations. It takes some seconds, most
    of them to compile.
    Raises ProblemError where it is given anything but a solution.
    """
    if not isinstance(solution, Solution):
        raise ProblemError(
            f"`spd.estimate` was given {shown(solution)}, and the error is that of a solution; write "
            f"`spd.estimate(spd.solve(problem))`."
        )
    budget = budget or Budget()
    try:
        return in_time(lambda: _by_size(_estimated(solution, budget), solution), budget.ends)
    except Late:
        return ErrorEstimate(reason=_TOO_LATE)


def _by_size(estimated: ErrorEstimate, solution: Solution) -> ErrorEstimate:
    """An estimate without quantities that vanish; unknowns that do are measured by what the problem makes of them.

    Nothing is relative to zero: not the divergence of a flow, which is left out, nor the velocity across a channel,
    which is rounding errors, and so is its error.
    """
    if estimated.errors is None:
        return estimated
    points, scales = scattered_points(solution.problem)[:_POINTS], solution.plan.constraints.scales
    unknowns, factors = {u.func.__name__: u for u in solution.problem.unknowns}, {}
    sizes = {}
    for name in estimated.errors:
        if name in unknowns:
            least = _LEAST * scales.of(unknowns[name])
            size = sizes[name] = _size(solution, points, unknowns[name])
            factors[name] = size / least if 0 < size < least else 1.0
        elif not _vanishes(solution, points, solution.problem.fields[name]):
            factors[name] = 1.0

    def by_size(errors: Mapping[str, float]) -> dict[str, float]:
        relative = {name: factor * errors[name] for name, factor in factors.items() if name in errors}
        return joined_errors(relative, sizes, solution.problem.unknowns)

    return replace(
        estimated, errors=by_size(estimated.errors), upper=None if estimated.upper is None else by_size(estimated.upper)
    )


def _size(solution: Solution, points, expression) -> float:
    return float(np.sqrt(np.mean(np.nan_to_num(solution.evaluate(points, expression)) ** 2)))


def _vanishes(solution: Solution, points, expression) -> bool:
    """Whether the terms of an expression cancel nearly everywhere."""
    terms = [term for term in sympy.Add.make_args(sympy.sympify(expression)) if unknowns_in(term)]
    return len(terms) > 1 and _size(solution, points, expression) < _VANISHING * sum(
        _size(solution, points, term) for term in terms
    )


def _estimated(solution: Solution, budget: Budget) -> ErrorEstimate:
    """By the way that fits the domain and the solution."""
    if solution.problem.has_integrals:
        return ErrorEstimate(reason="its equation contains an integral, and estimates are made of what holds at points")
    crossed = singular_crossings(solution.problem)
    if crossed:
        return ErrorEstimate(reason=f"interfaces cross at {crossed[0].place}, where the solution is singular")
    if is_marched(solution):
        finer = finer_slabs_estimate(solution, budget)
        if finer.errors is not None or solution.problem.interfaces:
            return finer
    if is_plane(solution):
        return richer_estimate(solution, budget)
    problem, axes = solution.problem, len(solution.problem.coordinates)
    if problem.interfaces or problem.curves:
        return ErrorEstimate(reason="it is made of solutions that are smooth, and this one has interfaces")
    if axes == 1:
        return integration_estimate(solution, budget)
    if marches(solution):
        return _in_time_and_space(solution, budget)
    if not problem.domain.boxes and axes - any(map(is_time, problem.coordinates)) > _ON_NODES:
        return ErrorEstimate(reason=f"on shapes it is made by differences, in up to {_ON_NODES} dimensions of space")
    if len(problem.domain.boxes) != 1 or solution.windows or problem.meetings:
        # Where parts of the boundary meet, least squares mislead an estimate by features as they do the solution.
        return nodal_estimate(solution, budget)
    if axes not in WIDTHS:
        return ErrorEstimate(reason=f"it is made in up to {max(WIDTHS)} coordinates, parameters of families included")
    return spectral_estimate(solution, budget)


def _in_time_and_space(solution: Solution, budget: Budget) -> ErrorEstimate:
    """Of one coordinate of space: smooth errors are seen best by features, those of fronts along lines only."""
    if solution.windows:
        return lines_estimate(solution, None, budget)
    stretch = stretches(solution.problem, solution.values_on)
    along_lines = lines_estimate(solution, _in_space(solution, stretch), budget) if stretch else ErrorEstimate()
    if along_lines.errors is not None:
        return along_lines
    seen = spectral_estimate(solution, budget)
    if seen.bound and not stretch and not budget.spent:
        along_lines = lines_estimate(solution, None, budget)
    return seen if along_lines.errors is None else along_lines


def _in_space(solution: Solution, stretch: Mapping[int, Stretch]) -> Stretch | None:
    return next((s for k, s in stretch.items() if not is_time(solution.problem.coordinates[k])), None)
