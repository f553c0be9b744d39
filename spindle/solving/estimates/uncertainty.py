"""What noise in the measurements leaves open of estimated parameters, and with them of the solution.

Let u(p) solve the equations for parameters p, and let p be those that were estimated. With S the derivatives of u by
the parameters at the measured points, in units of the noise, and r the distances from the measurements in the same
units, the parameters that fit best are p + C S^T r with C = (S^T S)^-1, and C is their covariance: linear least squares
(Seber & Wild 2003, Nonlinear Regression, section 2.1). What of u depends on them is as uncertain.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import sympy

from spindle.errors import SpindleError
from spindle.problem.consistency.counting import wrong_counts
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.storage.records import ErrorEstimate
from spindle.training.deadline import Late

Values = Callable[[sympy.Expr, np.ndarray], np.ndarray]
_STEP = 0.02  # of a parameter: the difference of two solutions is a derivative
_POINTS = 2000
_TINY = 1e-12  # of the largest singular value of S, below which measurements say nothing of a combination


class UndeterminedError(Exception):
    """That an expression cannot be computed for other parameters."""


def depends_on_measurements(solution: Solution) -> bool:
    """Whether measurements decide what the solution is: parameters were estimated from them."""
    return bool(solution.problem.tunable) and bool(_measured(solution))


def with_uncertainty(
    estimate: ErrorEstimate, solution: Solution, solved_for: Callable[[Mapping[str, float]], Values]
) -> ErrorEstimate:
    """An estimate whose errors contain what the noise of measurements leaves open; others are returned as they are.

    solved_for   {parameter: value} -> (expression, points (n, d)) -> values (n,) where the equations hold with these
    returns      the estimate with `parameters`, the standard deviation of each one; a lower `bound` where that cannot
                 be told of the solution: without measurements it is not determined, or there is none for others. The
                 parameters then have the standard errors of Laplace's approximation
    """
    if estimate.errors is None or not depends_on_measurements(solution):
        return estimate
    try:
        if not _undetermined(solution):
            errors, deviations = _with_noise(solution, solved_for)
            return replace(estimate, errors=errors, parameters=deviations)
    except (UndeterminedError, Late, SpindleError):
        pass
    return replace(estimate, bound=True, noise=True, parameters=_by_laplace(solution))


def _by_laplace(solution: Solution) -> dict[str, float] | None:
    """The standard errors that the matrix of the training tells; None where that is too large."""
    try:
        return solution.uncertainty().deviations
    except SpindleError:
        return None


def _with_noise(
    solution: Solution, solved_for: Callable[[Mapping[str, float]], Values]
) -> tuple[dict[str, float], dict[str, float]]:
    """The errors with what noise leaves open of them, and the standard deviations of the parameters."""
    numbers = solution.model.numbers
    near = solved_for(numbers)
    steps = {name: _STEP * abs(value) or _STEP for name, value in numbers.items()}
    moved = {name: solved_for(numbers | {name: numbers[name] + step}) for name, step in steps.items()}

    def slopes(expression, points) -> np.ndarray:
        """The change (n, parameters) of an expression with each parameter, a step being the unit."""
        values = near(expression, points)
        return np.stack([moved[name](expression, points) - values for name in steps], axis=1)

    best, factor = _best(*_measurements(solution, near, slopes))
    deviations = np.linalg.norm(factor, axis=1) * np.array(list(steps.values()))
    errors = _errors(solution, near, slopes, best, factor)
    return errors, dict(zip(steps, map(float, deviations), strict=True))


def _measured(solution: Solution) -> list[str]:
    """The names of the conditions that were measured."""
    return [c.name for c in solution.problem.conditions if c.role.measurement is not None]


def _undetermined(solution: Solution) -> bool:
    """Whether conditions are missing, for which measurements stand in."""
    bare = solution.problem.without(_measured(solution))
    return any(doubt.fatal for doubt in wrong_counts(bare))


def _measurements(solution: Solution, near: Values, slopes: Callable) -> tuple[np.ndarray, np.ndarray]:
    """S (rows, parameters) and r (rows,), in units of the noise, or of the distances where it is not known."""
    derivatives, distances = [], []
    for condition in solution.problem.conditions:
        points = solution.problem.pieces[condition.name][0].terms[0][0].support.measured
        if condition.role.measurement is None or points is None:
            continue
        expression, values, noise = condition.role.measurement
        apart = values - near(expression, points)
        unit = noise or max(float(np.sqrt(np.mean(apart**2))), np.finfo(float).tiny)
        derivatives.append(slopes(expression, points) / unit)
        distances.append(apart / unit)
    return np.concatenate(derivatives), np.concatenate(distances)


def _best(derivatives: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The steps to the parameters that fit best, and a factor F of their covariance F F^T, both in units of steps.

    A combination of parameters that the measurements do not see is as uncertain as the parameters are large.
    """
    left, sizes, right = np.linalg.svd(derivatives, full_matrices=False)
    seen = sizes > _TINY * max(float(sizes.max()), np.finfo(float).tiny)
    shares = np.where(seen, 1 / np.where(seen, sizes, 1.0), 1 / _STEP)
    return right.T @ np.where(seen, shares * (left.T @ distances), 0.0), right.T * shares


def _errors(solution: Solution, near: Values, slopes: Callable, best: np.ndarray, factor: np.ndarray) -> dict:
    """Relative L2 distances from what fits best, and its standard deviation, both together."""
    points = scattered_points(solution.problem)[:_POINTS]
    points = points[solution.problem.domain.contains(points)]
    errors = {}
    for name, expression in solution.problem.fields.items():
        changes = slopes(expression, points)
        true = near(expression, points) + changes @ best
        apart = np.linalg.norm(true - solution.evaluate(points, expression))
        spread = np.linalg.norm(changes @ factor)
        errors[name] = float(np.hypot(apart, spread) / max(np.linalg.norm(true), np.finfo(float).tiny))
    return errors
