"""Expressions at a few points, in plain floating point: what no computer number holds is caught before SymPy meets it.

SymPy evaluates numbers exactly or to any size, and `exp(exp(exp(1000))) > 1` would keep it busy for ever.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.symbolic.functions import LOGIC, NUMPY, TABLE, evaluate
from spindle.symbolic.scaled import leaves_range
from spindle.symbolic.tables import table_of

POINTS = 7

# The functions of problem files by the names that they have there.
FUNCTIONS: dict[str, Callable] = {
    name: getattr(sympy, name)
    for name in (
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "log", "erf", "erfc", "floor", "ceiling"),
    )
}
FUNCTIONS |= {"sqrt": sympy.sqrt, "abs": sympy.Abs, "sign": sympy.sign, "heaviside": sympy.Heaviside}
FUNCTIONS |= {"max": sympy.Max, "min": sympy.Min}
# Those that files with complex unknowns have besides.
COMPLEX_FUNCTIONS: dict[str, Callable] = {"re": sympy.re, "im": sympy.im, "conjugate": sympy.conjugate}
_NUMERIC: dict = {f: partial(rule, NUMPY) for f, rule in TABLE.items()}
_NUMERIC |= {sympy.sqrt: np.sqrt, sympy.Heaviside: lambda x, *_: np.heaviside(x, 0.5)}
ARGUMENTS = {"atan2": (2, 2), "max": (2, 8), "min": (2, 8)}  # all others take one


class SampledValues:
    """Values (POINTS,) of expressions at fixed points; None where an unknown field is in them.

    points   {symbol: its values (POINTS,)}
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
        """The values of a function of SymPy at arguments whose values are known."""
        return self._apply(_NUMERIC.get(head), [self.of(a) for a in arguments])

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
        if leaves_range(e) and e.free_symbols <= set(self.points) and not e.has(AppliedUndef):
            return np.broadcast_to(evaluate(e, self.points), POINTS)
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
        if e.is_Pow:
            return np.power
        rule = TABLE.get(e.func) or LOGIC.get(e.func)
        return None if rule is None else partial(rule, NUMPY)

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
