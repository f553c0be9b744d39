"""Means of quantities over space, from instant to instant: what an equation conserves should stay, what decays fall."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from spindle.problem.problem import Problem
from spindle.problem.symbols import is_time
from spindle.references import scattered_points

_INSTANTS = 11
_NODES = {1: 256, 2: 128, 3: 24}  # Gauss nodes on each axis of a box, by its space dimensions


def averages(problem: Problem, values: Callable) -> dict[str, list[float]]:
    """`{"t": instants, name: mean over space at each}` of unknowns and quantities; empty where there are no quantities.

    values   (expression, points (n, d) or a list of axes) -> values of the solution

    By Gauss quadrature on boxes, over random points on other domains and beyond three space dimensions; without time
    one value each.
    """
    if not problem.quantities:
        return {}
    times = [k for k, c in enumerate(problem.coordinates) if is_time(c)]
    instants = np.linspace(*problem.domain.bounds[times[0]], _INSTANTS) if times else np.zeros(1)
    gauss = len(problem.domain.boxes) == 1 and len(problem.coordinates) - len(times) in _NODES
    mean = _by_quadrature if gauss else _at_random
    found = {name: mean(problem, partial(values, e), times, instants) for name, e in problem.shown.items()}
    return ({"t": instants.tolist()} if times else {}) | {name: values.tolist() for name, values in found.items()}


def _by_quadrature(problem: Problem, values: Callable, times: Sequence[int], instants) -> np.ndarray:
    bounds = problem.domain.bounds
    x, w = np.polynomial.legendre.leggauss(_NODES[len(bounds) - len(times)])
    nodes = [
        instants if k in times else (low + high) / 2 + (high - low) / 2 * x for k, (low, high) in enumerate(bounds)
    ]
    found = values(nodes)
    for k in reversed(range(len(bounds))):
        if k not in times:
            found = np.tensordot(found, w / 2, axes=((k,), (0,)))
    return np.atleast_1d(found)


def _at_random(problem: Problem, values: Callable, times: Sequence[int], instants) -> np.ndarray:
    points = scattered_points(problem)
    found = []
    for instant in instants:
        points[:, list(times)] = instant
        inside = points[problem.domain.contains(points)]
        found.append(np.mean(values(inside)))
    return np.array(found)
