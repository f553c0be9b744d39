"""Means of quantities over space, from instant to instant: what an equation conserves should stay, what decays fall."""

from collections.abc import Sequence

import numpy as np

from spindle.problem.symbols import is_time
from spindle.references import scattered_points
from spindle.solution import Solution

_INSTANTS = 11
_NODES = {1: 256, 2: 128, 3: 24}  # Gauss nodes on each axis of a box, by its space dimensions


def averages(solution: Solution) -> dict[str, list[float]]:
    """`{"t": instants, name: mean over space at each}` of unknowns and quantities; empty where there are no quantities.

    By Gauss quadrature on boxes, over random points on other domains and beyond three space dimensions; without time
    one value each.
    """
    problem = solution.problem
    if not problem.quantities:
        return {}
    times = [k for k, c in enumerate(problem.coordinates) if is_time(c)]
    instants = np.linspace(*problem.domain.bounds[times[0]], _INSTANTS) if times else np.zeros(1)
    gauss = len(problem.domain.boxes) == 1 and len(problem.coordinates) - len(times) in _NODES
    mean = _by_quadrature if gauss else _at_random
    found = {name: mean(solution, e, times, instants) for name, e in problem.shown.items()}
    return ({"t": instants.tolist()} if times else {}) | {name: values.tolist() for name, values in found.items()}


def _by_quadrature(solution: Solution, expression, times: Sequence[int], instants) -> np.ndarray:
    bounds = solution.problem.domain.bounds
    x, w = np.polynomial.legendre.leggauss(_NODES[len(bounds) - len(times)])
    nodes = [
        instants if k in times else (low + high) / 2 + (high - low) / 2 * x for k, (low, high) in enumerate(bounds)
    ]
    names = [c.name for c in solution.problem.coordinates]
    values = solution.grid(expression, **dict(zip(names, nodes, strict=True)))
    for k in reversed(range(len(bounds))):
        if k not in times:
            values = np.tensordot(values, w / 2, axes=((k,), (0,)))
    return np.atleast_1d(values)


def _at_random(solution: Solution, expression, times: Sequence[int], instants) -> np.ndarray:
    points = scattered_points(solution.problem)
    found = []
    for instant in instants:
        points[:, list(times)] = instant
        inside = points[solution.problem.domain.contains(points)]
        found.append(np.mean(solution.evaluate(inside, expression)))
    return np.array(found)
