"""Levels as functions of arrays, with their derivatives."""

from collections.abc import Callable
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
import sympy

from spindle.lowering.compile import array_function
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate

_SAMPLES = 2048


def level_function(level: sympy.Expr, problem: Problem) -> Callable:
    """(points (n, d), orders) -> a partial derivative (n, 1) of a level, divided by the largest value of the level."""
    coordinates = problem.coordinates
    low, high = np.array(problem.domain.bounds, float).T
    points = low + (high - low) * np.random.default_rng(0).uniform(size=(_SAMPLES, len(low)))
    sizes = np.abs(np.asarray(evaluate(level, dict(zip(coordinates, points.T, strict=True))), float))
    scaled = level / sympy.Float(sizes.max(), 17)

    @lru_cache
    def derivative(orders):
        steps = [(c, n) for c, n in zip(coordinates, orders, strict=True) if n]
        return array_function(scaled.diff(*steps) if steps else scaled, coordinates)

    def values(points, orders):
        column = derivative(tuple(orders))([points[:, k] for k in range(points.shape[1])], {})
        return jnp.broadcast_to(column, (len(points),))[:, None]

    return values
