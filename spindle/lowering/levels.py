"""Levels as functions of arrays, with their derivatives."""

from collections.abc import Callable
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
import sympy

from spindle.geometry.levels import gradient_of
from spindle.lowering.compile import array_function
from spindle.problem.curves import LevelInterface, points_on
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import is_space


def level_function(curve: LevelInterface, problem: Problem) -> Callable:
    """(points (n, d), orders) -> a partial derivative (n, 1) of a level, scaled to rise by one over half the domain.

    So it does near its zeros, where it is the distance from them, in the units in which networks see coordinates.
    """
    coordinates = problem.coordinates
    half = max(float(np.ptp(problem.domain.bounds[coordinates.index(c)])) for c in coordinates if is_space(c)) / 2
    slopes = gradient_of(curve.level, coordinates, points_on(curve, problem))
    scaled = curve.level / sympy.Float(half * np.sqrt(np.mean(np.sum(slopes**2, axis=1))), 17)

    @lru_cache
    def derivative(orders):
        steps = [(c, n) for c, n in zip(coordinates, orders, strict=True) if n]
        return array_function(scaled.diff(*steps) if steps else scaled, coordinates)

    def values(points, orders):
        column = derivative(tuple(orders))([points[:, k] for k in range(points.shape[1])], {})
        return jnp.broadcast_to(column, (len(points),))[:, None]

    return values
