"""A network beside the classical solution of the same discrete equations: the errors of both, and their distance."""

from typing import cast

import numpy as np

from spindle.networks.model import Model
from spindle.objective.errors import error_measures
from spindle.results.evaluator import Evaluator
from spindle.results.references import POINTS, scattered_points
from spindle.storage.records import ClassicalComparison, Measures


def compare(evaluator: Evaluator, model: Model) -> ClassicalComparison | None:
    """The network beside the classical solution; None for methods without a discretisation.

    Errors are those at up to 20,000 of the points where the network is compared with the reference.
    """
    plan = evaluator.plan
    if plan.classical is None:
        return None
    classical = plan.classical()
    if not classical.exists:
        return ClassicalComparison(reason=classical.reason)
    errors, distance = {}, {}
    for number, u in enumerate(evaluator.problem.unknowns):
        points, reference = _compared(evaluator, u)
        values = classical.at(points)[:, number] * plan.constraints.scales.of(u)
        name = u.func.__name__
        if reference is not None:
            errors[name] = cast(Measures, error_measures(values, reference))
        size = float(np.linalg.norm(values))
        if size > 0:
            distance[name] = float(np.linalg.norm(evaluator.inside(model, u, points) - values)) / size
    return ClassicalComparison(
        errors=errors, distance=distance, seconds=classical.seconds, steps=classical.steps, note=classical.note or None
    )


def _compared(evaluator: Evaluator, u) -> tuple[np.ndarray, np.ndarray | None]:
    """Points (n, d) inside the domain, and the reference there if there is one."""
    if u in evaluator.references:
        nodes, reference = evaluator.references[u]
        points = nodes if isinstance(nodes, np.ndarray) else np.stack(np.meshgrid(*nodes, indexing="ij"), -1)
        points, reference = points.reshape(-1, points.shape[-1]), reference.ravel()
        inside = np.flatnonzero(np.isfinite(reference))
        chosen = np.random.default_rng(0).permutation(inside)[:POINTS]
        return points[chosen], reference[chosen]
    points = scattered_points(evaluator.problem)
    return points[evaluator.problem.domain.contains(points)], None
