"""The error of a solution in one coordinate: SciPy integrates the same equations, and the two are compared.

Where all conditions hold at one end, the equations are integrated from there, by the implicit Radau IIA method, which
takes stiff ones too; where they hold at both, they are solved by collocation, from the solution at hand as first guess.
Both are done twice: the difference between a loose and a tight tolerance is the error of the integration itself.
"""

from collections.abc import Mapping
from itertools import pairwise

import jax
import numpy as np
import scipy
import sympy
from scipy.interpolate import CubicSpline

from spindle.lowering.breaks import breaks
from spindle.results.solution import Solution
from spindle.solving.estimates.first_order import FirstOrder, NoSystem, states_of
from spindle.solving.estimates.integration import integrated
from spindle.solving.estimates.uncertainty import UndeterminedError, Values, with_uncertainty
from spindle.storage.records import ErrorEstimate
from spindle.training.budget import Budget

_POINTS = 2001
_TOLERANCES = {"initial": (1e-8, 1e-11), "boundary": (1e-5, 1e-8)}
_SHORTEST = 200  # steps at least, so that no short pulse of a source is stepped over
_SHORTEST_OF_LEG = 10  # steps at least between two places where data change abruptly
_SMALL = 1e-3  # of the size of a component, below which tolerances are absolute
_MESH, _MOST = 129, 20_000  # nodes of a boundary value problem, at first and at most
_LONGEST = 60.0  # seconds of one integration
_MARGINS = (1e-6, 1e-8)  # of equations that are singular at an end
_UNSURE = 1e-3  # relative error of the integration itself, above which it has to be far below what it measures


def integration_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`, of a solution in one coordinate.

    Raises Late where the budget is spent before.
    """
    return integrated(solution, budget, _LONGEST, lambda fixed, ends: _estimated(solution, fixed, ends))


def _estimated(solution: Solution, fixed: dict, ends: float) -> ErrorEstimate:
    if len(solution.problem.domain.boxes) != 1:
        raise NoSystem("its domain is no interval")
    system, grid, loose, tight, tolerance = _solved(solution, fixed, ends)
    compared = _compared(solution, system, grid, loose, tight, tolerance)
    return with_uncertainty(compared, solution, lambda parameters: _for(solution, parameters, ends))


def _for(solution: Solution, parameters: Mapping[str, float], ends: float) -> Values:
    """The solution for other parameters than those that were estimated."""
    fixed = {p: sympy.Float(parameters[p.name], 17) for p in solution.problem.tunable}
    system, grid, _, states, _ = _solved(solution, fixed, ends)

    def values(expression, points):
        function = system.function(expression)
        if not system.reaches(function):
            raise UndeterminedError(f"derivatives in {expression}")
        return CubicSpline(grid, system.along(function, grid, states))(points[:, 0])

    return values


def _solved(solution: Solution, fixed: dict, ends: float):
    """The equations, a grid, the states (size, n) there by a loose and by a tight tolerance, and the latter."""
    problem = solution.problem
    grid = np.linspace(*problem.domain.bounds[0], _POINTS)
    system = FirstOrder(problem, fixed, ends)
    network = _network(solution, system, grid)
    systems = [system, system]
    if not _regular(system, grid, network):
        systems = [FirstOrder(problem, fixed, ends, margin) for margin in _MARGINS]
        if not all(_regular(each, grid, network) for each in systems):
            raise NoSystem("its equations are singular in the interval")
    return systems[1], grid, *_integrated(systems, grid, network)


def _regular(system: FirstOrder, grid, network) -> bool:
    """Whether the equations have values at both ends."""
    ends = [0, -1]
    return bool(np.isfinite(system.rates_at(grid[ends], network[:, ends])).all())


def _integrated(systems, grid, network) -> tuple[np.ndarray, np.ndarray, float]:
    """The states (size, n) on the grid by a loose and by a tight tolerance, and the latter."""
    sides = systems[0].sides
    kind, solve = ("initial", _marched) if len(sides) == 1 else ("boundary", _collocated)
    loose, tight = (
        solve(system, grid, network, tolerance) for system, tolerance in zip(systems, _TOLERANCES[kind], strict=True)
    )
    return loose, tight, _TOLERANCES[kind][1]


def _network(solution: Solution, system: FirstOrder, grid) -> np.ndarray:
    """The states of the solution at hand on the grid; 0 where nothing is known."""
    points, (coordinate,) = grid[:, None], solution.problem.coordinates
    unknowns = solution.problem.unknowns
    return np.nan_to_num(states_of(lambda e: solution.values_on(e, points), unknowns, system.orders, coordinate))


def _start(system: FirstOrder, side: int, network) -> np.ndarray:
    """The state that the conditions at one end ask for."""
    state = network[:, -side].astype(float)
    jacobian = jax.jacfwd(lambda s: system.missed(s, s))
    for _ in range(20):
        missed, slopes = np.asarray(system.missed(state, state)), np.asarray(jacobian(state))
        if not (np.isfinite(missed).all() and np.isfinite(slopes).all()):
            raise NoSystem("its conditions have no values where it starts")
        # Conditions of any size: rows are scaled, so that the rank is that of the conditions and not of their units.
        scale = np.maximum(np.linalg.norm(slopes, axis=1), np.finfo(float).tiny)
        step, _, rank, _ = np.linalg.lstsq(slopes / scale[:, None], missed / scale)
        if rank < system.size:
            raise NoSystem(f"its conditions fix {rank} of the {system.size} numbers that it starts from")
        state = state - step
        if np.linalg.norm(step) <= 1e-13 * max(float(np.linalg.norm(state)), np.finfo(float).tiny):
            break
    left = np.abs(np.asarray(system.missed(state, state))) / scale
    if left.max() > 1e-9 * max(float(np.abs(state).max()), np.finfo(float).tiny):
        raise NoSystem("no state where it starts meets all of its conditions")
    return state


def _marched(system: FirstOrder, grid, network, tolerance: float) -> np.ndarray:
    """States on the grid, integrated from the end at which the conditions hold to the other."""
    (side,) = system.sides
    start = _start(system, side, network)
    first, last = (grid[-1], grid[0]) if side else (grid[0], grid[-1])
    size = np.maximum(np.abs(start), np.sqrt(np.mean(network**2, axis=1)))
    size = np.maximum(size, max(1e-6 * float(size.max()), np.finfo(float).tiny))
    states, state = np.full((system.size, len(grid)), np.nan), start
    for leg in _legs(system.problem, first, last):
        longest = min(abs(last - first) / _SHORTEST, abs(leg[1] - leg[0]) / _SHORTEST_OF_LEG)
        done = _along_leg(system, leg, state, longest, rtol=tolerance, atol=_SMALL * tolerance * size)
        met = (grid >= min(leg)) & (grid <= max(leg))
        state = done.y[:, -1]
        if met.any():  # a leg may lie between two points of the grid
            states[:, met] = done.sol(grid[met])
    return states


def _legs(problem, first: float, last: float) -> list[tuple[float, float]]:
    """The ways between places at which data jump or a pulse begins or ends: no step leads over one of these."""
    between = [stop for stop in breaks(problem)[0] if min(first, last) < stop < max(first, last)]
    return list(pairwise([first, *(between if last > first else between[::-1]), last]))


def _along_leg(system: FirstOrder, leg: tuple[float, float], start, longest: float, **tolerances):
    """SciPy's solution from one end of a leg to the other; at both, data have the values that they have between."""
    low, high = sorted(leg)
    near = 1e-12 * (high - low)

    def between(x):
        return min(max(x, low + near), high - near)

    done = scipy.integrate.solve_ivp(
        lambda x, s: system.rate_at(between(x), s),
        leg,
        start,
        method="Radau",
        jac=lambda x, s: system.slope_at(between(x), s),
        max_step=longest,
        dense_output=True,
        **tolerances,
    )
    if done.status != 0 or not np.isfinite(done.y).all():
        raise NoSystem(
            f"its integration ends at {system.problem.coordinates[0]} = {done.t[-1]:.4g}: the equations have no "
            f"solution beyond, or are singular there"
        )
    return done


def _collocated(system: FirstOrder, grid, network, tolerance: float) -> np.ndarray:
    """States on the grid, from conditions at both ends."""
    missed = jax.jit(system.missed)
    count = len(missed(network[:, 0], network[:, -1]))
    if count != system.size:
        raise NoSystem(f"its {count} conditions are not as many as the {system.size} numbers that it starts from")
    slopes = jax.jit(jax.jacfwd(system.missed, argnums=(0, 1)))
    pole, rates, jacobians = _without_pole(system, grid, network)
    chosen = np.linspace(0, len(grid) - 1, _MESH).astype(int)
    done = scipy.integrate.solve_bvp(
        rates,
        lambda a, b: np.asarray(missed(a, b)),
        grid[chosen],
        network[:, chosen],
        S=pole,
        fun_jac=jacobians,
        bc_jac=lambda a, b: tuple(map(np.asarray, slopes(a, b))),
        tol=tolerance,
        bc_tol=1e-3 * tolerance,
        max_nodes=_MOST,
    )
    if done.status != 0:
        raise NoSystem(f"SciPy's solver of boundary value problems gave up: {done.message.rstrip('.').lower()}")
    return done.sol(grid)


def _without_pole(system: FirstOrder, grid, network):
    """The matrix S of s' = S s / (x - a) + f(x, s), a the lower end, with f and its slopes; None without a pole."""
    low, near = grid[0], system.inner[0]
    if near == low:
        return None, system.rates_at, system.slopes_at
    pole = (near - low) * system.slopes_at(grid[:1], network[:, :1])[:, :, 0]
    pole = np.where(np.abs(pole - np.round(pole)) < 1e-4, np.round(pole), pole)

    def rates(x, states):
        return system.rates_at(x, states) - pole @ states / (np.maximum(x, near) - low)

    def slopes(x, states):
        return system.slopes_at(x, states) - pole[:, :, None] / (np.maximum(x, near) - low)

    return (pole if pole.any() else None), rates, slopes


def _compared(solution: Solution, system: FirstOrder, grid, loose, tight, tolerance: float) -> ErrorEstimate:
    """The errors of the solution, and the largest error of the integration: at least the tight tolerance."""
    errors, gaps = {}, {}
    for name, expression in solution.problem.fields.items():
        function = system.function(expression)
        if not system.reaches(function):
            continue
        rough, true = (system.along(function, grid, states) for states in (loose, tight))
        values = solution.values_on(expression, grid[:, None])
        known = np.isfinite(values)
        size = max(float(np.linalg.norm(true[known])), np.finfo(float).tiny)
        gaps[name] = max(float(np.linalg.norm((rough - true)[known])) / size, tolerance)
        errors[name] = max(float(np.linalg.norm((values - true)[known])) / size, gaps[name])
    for name, gap in gaps.items():
        if not gap <= max(_UNSURE, errors[name] / 4):
            return ErrorEstimate(
                reason=f"integrations of two tolerances differ by {gap:.0e} in {name}: small errors grow as fast as "
                f"it does"
            )
    return ErrorEstimate(errors=errors, left=0.0, bound=False, comparison_error=max(gaps.values()), by="integration")
