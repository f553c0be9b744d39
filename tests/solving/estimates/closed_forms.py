"""Solutions whose fields are closed forms: their errors are known, and nothing is trained."""

import math
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp

import spindle as spd
from spindle.lowering.compile import array_function
from spindle.networks.fields import JetField
from spindle.networks.model import Estimated, Model
from spindle.networks.taylor import Jet
from spindle.results.solution import Solution
from spindle.training.precision import precision
from tests.solutions import around


class ClosedForm(JetField):
    """`formulas`, one for each output, as a field: derivatives are SymPy's."""

    formulas: tuple = eqx.field(static=True)
    coordinates: tuple = eqx.field(static=True)
    shift: jax.Array

    def __call__(self, points):
        if not isinstance(points, Jet):
            return self._values(points, (0,) * points.shape[1])
        lanes = [self._values(points.lanes[0], i) / math.prod(map(math.factorial, i)) for i in points.indices]
        return Jet(tuple(lanes), points.indices)

    def _values(self, points, index):
        where, columns = tuple(points.T), []
        for formula in self.formulas:
            for c, n in zip(self.coordinates, index, strict=True):
                formula = formula.diff(c, n) if n else formula
            value = array_function(formula, self.coordinates)(where, {})
            columns.append(jnp.broadcast_to(value, points.shape[:1]))
        return jnp.stack(columns, axis=1) + 0 * self.shift


def solution_of(problem, formulas: Mapping, parameters: Mapping | None = None, method=None) -> Solution:
    """A solution of the problem whose unknowns are these formulas."""
    method = method or spd.PINN(hard="off", width=4, hidden_layers=1, points=4)
    plan = method.plan(problem)
    with precision("float64"):
        field = ClosedForm(tuple(formulas[u] for u in problem.unknowns), problem.coordinates, jnp.zeros(()))
        values = {n: Estimated(jnp.asarray(float(v)), 1.0, signed=False) for n, v in (parameters or {}).items()}
        start = Model(field, values)
    return around(problem, method, plan, start)
