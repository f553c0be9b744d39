"""Materials beside each other: an equation counts alike in all of them, however far apart their coefficients are.

Where one material conducts a thousand times as well as another, the residuals of the equation are a thousand times as
large there for the same field, and least squares would hardly see those of the other one. Rows are divided by their
size in each material, and multiplied by the geometric mean of these sizes.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from spindle.lowering.compile import ArrayFunction
from spindle.problem.problem import Problem

_SAMPLES = 32  # points in each material


@dataclass(frozen=True, eq=False)
class Materials:
    """The factors of the rows of one equation.

    places    for each axis of space those of the interfaces across it, increasing
    factors   one for each cell between them, one axis for each of space
    """

    places: tuple[np.ndarray, ...]
    factors: np.ndarray

    def at(self, middles: Sequence):
        """The factor in the element that has these middles along the axes of space."""
        cell = tuple(jnp.searchsorted(jnp.asarray(p), m) for p, m in zip(self.places, middles, strict=True))
        return jnp.asarray(self.factors)[cell]


def materials_of(problem: Problem, function: ArrayFunction, others: Sequence[int]) -> Materials | None:
    """The factors of an equation; None where nothing jumps.

    function   its residual
    others     the axes of space
    """
    places = {axis: _inside(problem, axis) for axis in others}
    if not any(map(len, places.values())):
        return None
    bounds = [tuple(map(float, b)) for b in problem.domain.bounds]
    ends = {axis: [bounds[axis][0], *places[axis], bounds[axis][1]] for axis in others}
    cells = [list(itertools.pairwise(ends[axis])) for axis in others]
    sizes = np.array(
        [_size(function, bounds, dict(zip(others, cell, strict=True))) for cell in itertools.product(*cells)]
    )
    usable = np.isfinite(sizes) & (sizes > 0)
    typical = np.exp(np.log(sizes[usable]).mean()) if usable.any() else 1.0
    factors = np.where(usable, typical / np.where(usable, sizes, 1.0), 1.0)
    return Materials(tuple(np.array(places[axis]) for axis in others), factors.reshape([len(c) for c in cells]))


def _inside(problem: Problem, axis: int) -> list[float]:
    low, high = map(float, problem.domain.bounds[axis])
    return sorted({i.left for i in problem.interfaces if i.axis == axis and low < i.left < high})


def _size(function: ArrayFunction, bounds: Sequence, cell: Mapping[int, tuple[float, float]]) -> float:
    """How much the partials of unknowns of size one change a residual in a cell, each by the lengths of the domain."""
    low, high = np.array([cell.get(k, b) for k, b in enumerate(bounds)]).T
    points = low + (high - low) * np.random.default_rng(0).uniform(size=(_SAMPLES, len(low)))
    lengths = [above - below for below, above in bounds]
    known = {need: jnp.full(_SAMPLES, sum(c * (not any(p.orders)) for p, c in need.terms)) for need in function.needs}

    def total(known):
        return jnp.sum(function(list(points.T), known))

    square = jnp.zeros(_SAMPLES)
    for need, slope in jax.grad(total)(known).items():
        by_length = [c / math.prod(n**k for n, k in zip(lengths, p.orders, strict=True)) for p, c in need.terms]
        square = square + slope**2 * sum(c**2 for c in by_length)
    return float(np.sqrt(np.median(np.asarray(square))))
