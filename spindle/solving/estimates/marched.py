"""The error of a solution in time and one coordinate of space: the same equations, integrated along lines.

It is for solutions with fronts, of whose errors no coarse space tells the size. The lines are close together where the
solution bends: that at hand first, then the one that came of it, on twice as many lines. How far the two are apart is
the error of the integration itself.
"""

import numpy as np
import scipy
from scipy.interpolate import CubicSpline

from spindle.problem.meetings import part_ends
from spindle.results.solution import Solution
from spindle.solving.estimates.first_order import NoSystem
from spindle.solving.estimates.integration import integrated
from spindle.solving.estimates.lines import Lines
from spindle.solving.estimates.stretched import Stretch, around
from spindle.storage.records import ErrorEstimate
from spindle.symbolic.symbols import is_space, is_time
from spindle.training.budget import Budget

# For each integration: lines, relative tolerance, and how fast conditions at the ends are followed, by the whole time.
_LEVELS = ((151, 1e-4, 300.0), (301, 1e-6, 3000.0), (601, 1e-8, 30_000.0))
_INSTANTS = 101
_LONGEST = 40.0  # seconds of all integrations together
_UNSURE = 0.3  # of the error, above which that of the integration is too large


def marches(solution: Solution) -> bool:
    """Whether a solution is one of time and one coordinate of space on a box, all known at its ends or its start."""
    problem = solution.problem
    axes = sorted((is_time(c), is_space(c)) for c in problem.coordinates)
    if axes != [(False, True), (True, False)] or len(problem.domain.boxes) != 1 or problem.beside_parts:
        return False
    return not any(part_ends(problem, k) for k in range(2))


def lines_estimate(solution: Solution, stretch: Stretch | None, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`. Raises Late where the budget is spent before."""
    return integrated(solution, budget, _LONGEST, lambda fixed, ends: _estimated(solution, stretch, fixed, ends))


def _estimated(solution: Solution, stretch: Stretch | None, fixed: dict, ends: float) -> ErrorEstimate:
    rough: tuple | None = None
    better: tuple | None = None
    compared = ErrorEstimate()
    for level in _LEVELS:
        rough, better = better, _integrated(solution.problem, fixed, stretch, level, ends)
        system, _, states = better
        stretch = None if system.periodic else _bent(system, states)
        compared = _compared(solution, rough, better) if rough is not None else compared
        if compared.errors is not None:
            break
    return compared


def _integrated(problem, fixed, stretch: Stretch | None, level: tuple, ends: float):
    """The equations on so many lines, the instants, and the states (size, T) there."""
    lines, tolerance, follow = level
    (axis,) = (k for k, c in enumerate(problem.coordinates) if not is_time(c))
    first, last = problem.domain.bounds[axis]
    nodes = np.linspace(first, last, lines)
    if stretch is not None:
        nodes = np.concatenate([nodes[:1], np.asarray(stretch.old(nodes))[1:-1], nodes[-1:]])
    low, high = problem.domain.bounds[1 - axis]
    times = np.linspace(low, high, _INSTANTS)
    system = Lines(problem, fixed, nodes, follow / (high - low), ends)
    start = system.start()
    rows = start.reshape(-1, len(system.nodes))
    size = np.maximum(np.abs(rows).max(axis=1), 1e-3 * max(float(np.abs(rows).max()), 1e-300))
    done = scipy.integrate.solve_ivp(
        system.rate_at,
        (low, high),
        start,
        method="Radau",
        jac=system.slope_at,
        t_eval=times,
        rtol=tolerance,
        atol=0.1 * tolerance * np.repeat(size, len(system.nodes)),
    )
    if done.status != 0 or not np.isfinite(done.y).all():
        reached = done.t[-1] if len(done.t) else low
        raise NoSystem(f"the integration of its equations along lines ends at t = {reached:.4g}")
    return system, times, done.y


def _bent(system: Lines, states) -> Stretch | None:
    """Stretched coordinates where the integrated solution bends."""
    rows = states.reshape(-1, len(system.nodes), states.shape[1])
    slopes = np.mean(np.diff(rows, axis=1) ** 2, axis=2) / np.diff(system.nodes)
    return around(system.nodes, np.sum(slopes / np.maximum(slopes.sum(axis=1, keepdims=True), 1e-300), axis=0))


def _compared(solution: Solution, rough: tuple, better: tuple) -> ErrorEstimate:
    """The errors of the solution on the finer lines, and the largest error of these lines."""
    system, times, states = better
    where = [system.nodes, system.nodes]
    where[system.time] = times
    mass = np.gradient(system.nodes)
    errors, owns = {}, {}
    for name, expression in solution.problem.fields.items():
        try:
            true = system.along(system.function(expression), times, states)
            coarse = rough[0].along(rough[0].function(expression), *rough[1:])
        except NoSystem:
            continue
        near = _interpolated(rough[0], coarse)(system.nodes).T
        values = solution.values_on(expression, where)
        values = values if system.time == 0 else values.T
        known = np.isfinite(values) * mass
        size = max(_norm(true, known), np.finfo(float).tiny)
        owns[name] = _norm(near - true, known) / size
        errors[name] = max(_norm(np.nan_to_num(values) - true, known) / size, owns[name])
    for name, gap in owns.items():
        if not gap <= _UNSURE * errors[name]:
            counts = " and ".join(str(len(integrated[0].nodes)) for integrated in (rough, better))
            return ErrorEstimate(reason=f"integrations along {counts} lines differ by {gap:.0e} in {name}")
    gap = max(owns.values())
    return ErrorEstimate(errors=errors, left=0.0, bound=False, comparison_error=gap, by="integration along lines")


def _interpolated(system: Lines, rows) -> CubicSpline:
    """Values (T, n) on lines as a function of x."""
    if not system.periodic:
        return CubicSpline(system.nodes, rows.T)
    high = system.problem.domain.bounds[1 - system.time][1]
    return CubicSpline(np.append(system.nodes, high), np.concatenate([rows, rows[:, :1]], axis=1).T, bc_type="periodic")


def _norm(values, mass) -> float:
    return float(np.sqrt(np.sum(values**2 * mass)))
