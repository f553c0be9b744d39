"""One expression of the unknowns, compiled for grids and points, in pieces that fit into memory."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from spindle.derivatives.on_grids import is_cheap_on_grids, values_on_grid
from spindle.derivatives.pointwise import pointwise_values
from spindle.lowering.compile import array_function
from spindle.lowering.constraints import Constraints
from spindle.networks.expansion import is_grid
from spindle.networks.model import Model
from spindle.problem.carried import carried_in
from spindle.problem.problem import Problem

_CHUNK = 16_384  # points in one pass of a network
_SLAB = 4_000_000  # numbers in one slab of a tensor grid


class CompiledExpression:
    """One expression, compiled once for repeated evaluation.

    Of windows in time that share their programs, `carried` are the arrays of the one that is meant; see `Carried`.
    """

    def __init__(self, problem: Problem, constraints: Constraints, expression):
        self._carried = carried_in(problem)
        lifted = constraints.lifted(expression, problem.coordinates)
        self._function = array_function(lifted, problem.coordinates, problem.unknowns, problem.tunable)
        self._at_points = eqx.filter_jit(self._held(self._points))
        self._on_slab = eqx.filter_jit(self._held(self._slab))

    def _held(self, function: Callable) -> Callable:
        """The function with the carried arrays as a further argument, the first."""
        if self._carried is None:
            return lambda carried, *arguments: function(*arguments)

        def held(carried, *arguments):
            with self._carried.holding(carried):
                return function(*arguments)

        return held

    def at(self, model: Model, where, carried: Mapping = MappingProxyType({})) -> np.ndarray:
        """Values at points (n, d), or on the tensor grid of a list of axes."""
        return (self.at_points if isinstance(where, np.ndarray) else self.on_grid)(model, where, carried)

    def at_points(self, model: Model, points: np.ndarray, carried: Mapping = MappingProxyType({})) -> np.ndarray:
        """Values (n,) at points (n, d)."""
        n = len(points)
        if not n:
            return np.zeros(0)
        size = min(_CHUNK, 1 << (n - 1).bit_length())  # a power of two, so that few sizes are compiled
        padded = np.concatenate([points, np.repeat(points[-1:], -n % size, axis=0)])
        blocks = [
            np.asarray(self._at_points(dict(carried), model, jnp.asarray(b, float)))
            for b in np.split(padded, len(padded) // size)
        ]
        return np.concatenate(blocks)[:n]

    def on_grid(self, model: Model, axes: Sequence[np.ndarray], carried: Mapping = MappingProxyType({})) -> np.ndarray:
        """Values on the tensor grid of the axes, an array of their lengths."""
        shape = tuple(len(a) for a in axes)
        if not is_cheap_on_grids(model.field):
            points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
            return self.at_points(model, points, carried).reshape(shape)
        rows = max(1, min(shape[0], _SLAB // max(1, int(np.prod(shape[1:])))))
        slabs = [
            self._on_slab(dict(carried), model, [jnp.asarray(a, float) for a in (axes[0][k : k + rows], *axes[1:])])
            for k in range(0, shape[0], rows)
        ]
        return np.concatenate([np.asarray(slab) for slab in slabs])

    def traced(self, model: Model) -> Callable:
        """The values as a function that JAX can trace: one array for each coordinate, which broadcast together."""

        def function(*where):
            shape = jnp.broadcast_shapes(*map(jnp.shape, where))
            if is_cheap_on_grids(model.field) and is_grid(where):
                return self._slab(model, [jnp.ravel(x) for x in where]).reshape(shape)
            points = jnp.stack([jnp.broadcast_to(x, shape).ravel() for x in where], axis=1)
            return self._points(model, points).reshape(shape)

        return function

    def _points(self, model, points):
        coordinates = tuple(points[:, k] for k in range(points.shape[1]))
        known = pointwise_values(model.field, points, self._function.needs)
        return jnp.broadcast_to(self._function(coordinates, known, model.parameters), points.shape[:1])

    def _slab(self, model, axes):
        d = len(axes)
        coordinates = tuple(a.reshape([-1 if j == k else 1 for j in range(d)]) for k, a in enumerate(axes))
        known = values_on_grid(model.field, axes, self._function.needs)
        value = self._function(coordinates, known, model.parameters)
        return jnp.broadcast_to(value, tuple(len(a) for a in axes))
