"""A network beside the classical solution of the same discrete equations: the errors of both, and their distance."""

import numpy as np

from spindle.methods.direct import NoClassical
from spindle.objective.errors import error_measures
from spindle.references import POINTS, scattered_points
from spindle.solution import Solution


def compare(solution: Solution) -> dict | None:
    """What the record of a run says of the classical solution; None for methods without a discretisation.

    errors     {unknown: measures} as for the network, at up to 20,000 of the points where that is compared
    distance   {unknown: relative L2 norm of the difference between the network and the classical solution}, of those
               that the classical solution does not find to be zero everywhere
    seconds    to assemble and solve the discrete equations, weights excluded
    note       how they were solved where that was not by LU, and how well; else missing
    reason     why there is no classical solution; the other entries are then missing
    """
    if solution.plan.classical is None:
        return None
    found = solution.plan.classical()
    if isinstance(found, NoClassical):
        return {"reason": found.reason}
    errors, distance = {}, {}
    for number, u in enumerate(solution.problem.unknowns):
        points, reference = _compared(solution, u)
        values = found.at(points)[:, number] * solution.plan.constraints.scales.of(u)
        name = u.func.__name__
        if reference is not None:
            errors[name] = error_measures(values, reference)
        size = float(np.linalg.norm(values))
        if size > 0:
            distance[name] = float(np.linalg.norm(solution.evaluate(points, u) - values)) / size
    how = {"note": found.note} if found.note else {}
    return {"errors": errors, "distance": distance, "seconds": found.seconds, "steps": found.steps, **how}


def _compared(solution: Solution, u) -> tuple[np.ndarray, np.ndarray | None]:
    """Points (n, d) inside the domain, and the reference there if there is one."""
    if u in solution.references:
        nodes, reference = solution.references[u]
        points = nodes if isinstance(nodes, np.ndarray) else np.stack(np.meshgrid(*nodes, indexing="ij"), -1)
        points, reference = points.reshape(-1, points.shape[-1]), reference.ravel()
        inside = np.flatnonzero(np.isfinite(reference))
        chosen = np.random.default_rng(0).permutation(inside)[:POINTS]
        return points[chosen], reference[chosen]
    points = scattered_points(solution.problem)
    return points[solution.problem.domain.contains(points)], None
