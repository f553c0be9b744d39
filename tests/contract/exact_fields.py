"""A closed-form solution dressed as a trained field, so that derivatives and residuals can be checked against truth."""

import functools
import operator

import equinox as eqx
import jax.numpy as jnp
import sympy

from spindle.lowering.structure import separate
from spindle.networks import activations
from spindle.networks.fields import JetField, SeparableField
from spindle.networks.taylor import concatenate
from spindle.symbolic.symbols import Parameter

_FUNCTIONS = {name: getattr(activations, name) for name in ("sin", "cos", "tanh", "exp")}


def _power(base, exponent):
    return functools.reduce(operator.mul, [base] * int(exponent))


def on_jets(expression, coordinates):
    """The expression as a function of arrays or jets: powers written as products, constants as numbers."""
    constants = {p: sympy.Float(p.value, 17) for p in expression.atoms(Parameter)}
    expression = expression.xreplace(constants)
    power = sympy.Function("power")
    expression = expression.replace(
        lambda e: e.is_Pow and e.exp.is_Integer and e.exp > 0, lambda e: power(e.base, int(e.exp))
    )
    return sympy.lambdify(coordinates, expression, modules=[_FUNCTIONS, {"pi": jnp.pi, "power": _power}])


class ExactField(JetField):
    """The closed form at points (n, d), array or jet."""

    functions: tuple = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def __init__(self, problem):
        self.functions = tuple(on_jets(problem.reference[u], problem.coordinates) for u in problem.unknowns)
        self.outputs = len(self.functions)

    def __call__(self, points):
        columns = [points[:, k : k + 1] for k in range(_width(points))]
        return concatenate([f(*columns) for f in self.functions])


class ExactSeparableField(JetField):
    """The closed form by its separated terms: the same interface as a separable network, rank = number of terms."""

    factors: tuple = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    core = None

    def __init__(self, problem):
        (u,) = problem.unknowns
        terms = separate(problem.reference[u], problem.coordinates)
        self.outputs = 1
        self.factors = tuple(
            tuple(self._factor(term, k, c) for term in terms) for k, c in enumerate(problem.coordinates)
        )

    @staticmethod
    def _factor(term, axis, coordinate):
        constant, factors = term
        expression = dict(factors).get(coordinate, sympy.S.One) * (constant if axis == 0 else 1)
        return on_jets(expression, [coordinate])

    def features(self, axis, x):
        return concatenate([f(x) + 0.0 * x for f in self.factors[axis]])

    __call__ = SeparableField.__call__

    @property
    def bodies(self):
        return self.factors


def _width(points):
    return (points.lanes[0] if hasattr(points, "lanes") else points).shape[1]
