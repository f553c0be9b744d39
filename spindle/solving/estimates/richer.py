"""The error of a solution on elements in the plane: one Gauss-Newton step in a richer space, on the same mesh.

To first order the step is the error, carried to wherever the equations carry it, as far as polynomials of two degrees
more can hold it. Near the corner of a jump these hold about half of it, elsewhere nearly all.
"""

import time

import numpy as np

from spindle.networks.model import Model
from spindle.networks.plane import PlaneField
from spindle.results.solution import Solution
from spindle.slabs.accumulated import one_thread
from spindle.slabs.defects import corrected
from spindle.storage.records import ErrorEstimate
from spindle.training.budget import Budget
from spindle.training.precision import precision

_DEGREES = 2  # more
_NODES = 4  # along each axis of an element, where solutions are compared
_MISSED = 10  # measured where a value meets a slope, or two slopes: the step is five to ten times too short there
_BY = "a step in a richer space"


def is_plane(solution: Solution) -> bool:
    """Whether a solution was found on elements in the plane."""
    return solution.plan.march is not None and isinstance(solution.model.field, PlaneField)


def richer_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`; a reason where there is no time, or the step leads nowhere."""
    began, spent, here = time.perf_counter(), solution.run.seconds, solution.model.field
    assert isinstance(here, PlaneField) and solution.plan.march is not None
    if budget.ends - began < spent.compile + spent.train:
        return ErrorEstimate(reason="the budget leaves no time for a step in a richer space")
    way = solution.plan.march.ways[solution.run.grown[-1].decision["way"]]
    richer = way.space.enriched(_DEGREES)
    with precision(solution.plan.dtype), one_thread():
        better = richer.laid(corrected(richer, way.space.slabs(here), way.aim.tolerance))
        axes, weights = zip(*map(_nodes, here.breaks), strict=True)
        errors = _apart(solution, better, list(axes), np.multiply.outer(*weights).ravel())
    if not all(np.isfinite(error) for error in errors.values()):
        return ErrorEstimate(reason="a step in a richer space has no end")
    upper = {name: _MISSED * error for name, error in errors.items()} if solution.problem.meetings else None
    return ErrorEstimate(errors=errors, left=0.0, bound=False, upper=upper, by=_BY, seconds=time.perf_counter() - began)


def _nodes(breaks) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n,) of all elements along an axis, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    breaks = np.asarray(breaks)
    halves = np.diff(breaks)[:, None] / 2
    return (breaks[:-1, None] + halves * (nodes + 1)).ravel(), (halves * weights).ravel()


def _apart(solution: Solution, better: PlaneField, axes: list[np.ndarray], weights: np.ndarray) -> dict[str, float]:
    """For each unknown and quantity the distance of a solution from a better one, relative to that."""
    errors = {}
    for name, expression in solution.problem.fields.items():
        models = (Model(field, solution.model.estimated) for field in (solution.model.field, better))
        values, true = (np.ravel(solution.evaluator.values(m, expression, axes)) for m in models)
        size = max(_norm(true, weights), np.finfo(float).tiny)
        errors[name] = _norm(values - true, weights) / size
    return errors


def _norm(values: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(np.sum(weights * values**2)))
