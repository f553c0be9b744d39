"""Expressions at a few points, in plain floating point: what no computer number holds is found before SymPy meets it.

SymPy evaluates numbers exactly or to any size, and `exp(exp(exp(1000))) > 1` would keep it busy for ever.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import sympy
from scipy.special import erf
from sympy.core.function import AppliedUndef

from spindle.problem.tables import table_of

POINTS = 7

# The functions of problem files by the names that they have there.
FUNCTIONS: dict[str, tuple[Callable, Callable]] = {
    "sin": (sympy.sin, np.sin),
    "cos": (sympy.cos, np.cos),
    "tan": (sympy.tan, np.tan),
    "asin": (sympy.asin, np.arcsin),
    "acos": (sympy.acos, np.arccos),
    "atan": (sympy.atan, np.arctan),
    "atan2": (sympy.atan2, np.arctan2),
    "sinh": (sympy.sinh, np.sinh),
    "cosh": (sympy.cosh, np.cosh),
    "tanh": (sympy.tanh, np.tanh),
    "asinh": (sympy.asinh, np.arcsinh),
    "acosh": (sympy.acosh, np.arccosh),
    "atanh": (sympy.atanh, np.arctanh),
    "exp": (sympy.exp, np.exp),
    "log": (sympy.log, np.log),
    "sqrt": (sympy.sqrt, np.sqrt),
    "erf": (sympy.erf, erf),
    "abs": (sympy.Abs, np.abs),
    "sign": (sympy.sign, np.sign),
    "heaviside": (sympy.Heaviside, lambda x: np.heaviside(x, 0.5)),
    "floor": (sympy.floor, np.floor),
    "ceiling": (sympy.ceiling, np.ceil),
    "max": (sympy.Max, lambda *a: np.maximum.reduce(np.broadcast_arrays(*a))),
    "min": (sympy.Min, lambda *a: np.minimum.reduce(np.broadcast_arrays(*a))),
}
ARGUMENTS = {"atan2": (2, 2), "max": (2, 8), "min": (2, 8)}  # all others take one

_BY_CLASS: dict = {symbolic: numeric for symbolic, numeric in FUNCTIONS.values()}
# Half of the step function's second argument is its value at zero, which SymPy stores with it.
_BY_CLASS[sympy.Heaviside] = lambda x, *_: np.heaviside(x, 0.5)
_BY_CLASS |= {
    sympy.sec: lambda x: 1 / np.cos(x),
    sympy.csc: lambda x: 1 / np.sin(x),
    sympy.cot: lambda x: 1 / np.tan(x),
}
_BY_CLASS |= {
    sympy.StrictLessThan: np.less,
    sympy.LessThan: np.less_equal,
    sympy.StrictGreaterThan: np.greater,
    sympy.GreaterThan: np.greater_equal,
    sympy.Eq: np.equal,
    sympy.Ne: np.not_equal,
    sympy.And: lambda *a: np.logical_and.reduce(np.broadcast_arrays(*a)),
    sympy.Or: lambda *a: np.logical_or.reduce(np.broadcast_arrays(*a)),
    sympy.Not: np.logical_not,
}


class Samples:
    """Values (POINTS,) of expressions at fixed points; None where an unknown field is in them.

    points   symbol -> its values (POINTS,)
    """

    def __init__(self, points: Mapping[sympy.Symbol, np.ndarray]):
        self.points = dict(points)
        self._found: dict = {}

    def of(self, expression) -> np.ndarray | None:
        """The values of an expression; NaN where it has none."""
        if expression not in self._found:
            with np.errstate(all="ignore"):
                self._found[expression] = self._value(expression)
        return self._found[expression]

    def function(self, head, arguments) -> np.ndarray | None:
        """The values of a function of SymPy at arguments of which the values are known."""
        return self._apply(_BY_CLASS.get(head), [self.of(a) for a in arguments])

    def power(self, base, exponent) -> np.ndarray | None:
        """The values of a power."""
        return self._apply(np.power, [self.of(base), self.of(exponent)])

    def _value(self, e):
        if e in self.points:
            return self.points[e]
        if e.is_Number or e.is_NumberSymbol:
            return np.full(POINTS, _float(e))
        if isinstance(e, (sympy.logic.boolalg.BooleanTrue, sympy.logic.boolalg.BooleanFalse)):
            return np.full(POINTS, bool(e))
        if isinstance(e, AppliedUndef):
            table = table_of(e)
            return None if table is None else self._apply(table, [self.of(a) for a in e.args])
        if isinstance(e, sympy.Derivative) or not e.args:
            return None
        if isinstance(e, sympy.Piecewise):
            return self._branches(e)
        return self._apply(self._rule(e), [self.of(a) for a in e.args])

    @staticmethod
    def _rule(e):
        if e.is_Add:
            return lambda *a: np.sum(np.stack(a), axis=0)
        if e.is_Mul:
            return lambda *a: np.prod(np.stack(a), axis=0)
        return np.power if e.is_Pow else _BY_CLASS.get(e.func)

    @staticmethod
    def _apply(rule, arguments):
        if rule is None or any(a is None for a in arguments):
            return None
        with np.errstate(all="ignore"):
            return np.asarray(rule(*arguments))

    def _branches(self, e):
        values, conditions = ([self.of(pair[k]) for pair in e.args] for k in (0, 1))
        if any(v is None for v in (*values, *conditions)):
            return None
        return np.select([c.astype(bool) for c in conditions], values, np.nan)


def _float(number) -> float:
    try:
        return float(number)
    except (OverflowError, TypeError, ValueError):
        return math.inf if number.is_real else math.nan
