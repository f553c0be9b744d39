"""Between which numbers a formula lies while its symbols run through boxes: interval arithmetic on many boxes at once.

What is enclosed is certain up to rounding, and wider than need be where a symbol occurs more than once; smaller boxes
make it narrow. Source: Moore (1966), Interval Analysis, chapters 3 and 4.
"""

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
import sympy

from spindle.symbolic.functions import NUMPY, TABLE, float_of

Ends = tuple[np.ndarray, np.ndarray]

_RISING = (sympy.exp, sympy.tanh, sympy.sinh, sympy.atan, sympy.asinh, sympy.erf, sympy.floor, sympy.ceiling)


def enclosure(expression: sympy.Expr, boxes: Mapping[sympy.Symbol, Ends]) -> Ends:
    """The lowest and highest values (n,) that an expression can have on each of n boxes, up to rounding.

    boxes    symbol -> its lower and upper ends, (n,) each
    returns  (lowest, highest), infinite where nothing is known: of fields, other symbols, functions without a rule
    """
    with np.errstate(all="ignore"):
        return _Enclosed(boxes).of(sympy.sympify(expression))


class _Enclosed:
    """One evaluation: each part is enclosed once."""

    def __init__(self, boxes: Mapping[sympy.Symbol, Ends]):
        self.known: dict = dict(boxes)
        self.count = len(next(iter(boxes.values()))[0])

    def of(self, e) -> Ends:
        if e not in self.known:
            low, high = self._ends(e)
            unknown = np.isnan(low) | np.isnan(high)
            self.known[e] = np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)
        return self.known[e]

    def _ends(self, e) -> Ends:
        if e.is_Number or e.is_NumberSymbol:
            return self._constant(float_of(e))
        if e.is_Add:
            return functools.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]), map(self.of, e.args))
        if e.is_Mul:
            return functools.reduce(_product, map(self.of, e.args))
        if e.is_Pow:
            return self._power(self.of(e.base), e.exp)
        rule = _RULES.get(e.func)
        return rule(*map(self.of, e.args)) if rule else (self._constant(-math.inf)[0], self._constant(math.inf)[0])

    def _constant(self, value: float) -> Ends:
        return np.full(self.count, value), np.full(self.count, value)

    def _power(self, base: Ends, exponent) -> Ends:
        if exponent.is_Integer and exponent > 0:
            return _whole_power(base, float(exponent))
        if exponent.is_Integer:
            return _inverse(_whole_power(base, float(-exponent)))
        if exponent.is_Rational and exponent > 0:
            power = float(exponent)
            return np.power(base[0], power), np.power(base[1], power)  # NaN of what is negative: unknown
        low, high = _product(self.of(exponent), (np.log(base[0]), np.log(base[1])))
        return np.exp(low), np.exp(high)


def _product(a: Ends, b: Ends) -> Ends:
    ends = np.stack([a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]])
    return ends.min(0), ends.max(0)


def _inverse(a: Ends) -> Ends:
    apart = (a[0] > 0) | (a[1] < 0)
    return np.where(apart, 1 / a[1], np.nan), np.where(apart, 1 / a[0], np.nan)


def _absolute(a: Ends) -> Ends:
    ends = np.abs(np.stack(a))
    return np.where((a[0] <= 0) & (a[1] >= 0), 0.0, ends.min(0)), ends.max(0)


def _whole_power(base: Ends, power: float) -> Ends:
    low, high = base if power % 2 else _absolute(base)
    return low**power, high**power


def _of_ends(rule: Callable) -> Callable:
    """The rule of a function that rises in each of its arguments."""
    return lambda *arguments: tuple(rule(NUMPY, *(a[k] for a in arguments)) for k in (0, 1))


def _cosine(a: Ends) -> Ends:
    low, high = a[0] / math.pi, a[1] / math.pi
    ends = np.cos(np.stack(a))
    # The values 1 are at even multiples of pi, -1 at odd ones.
    top = np.floor(high / 2) >= np.ceil(low / 2)
    bottom = np.floor((high - 1) / 2) >= np.ceil((low - 1) / 2)
    return np.where(bottom, -1.0, ends.min(0)), np.where(top, 1.0, ends.max(0))


_RULES: dict[type, Callable] = {
    **{head: _of_ends(TABLE[head]) for head in (*_RISING, sympy.log, sympy.Max, sympy.Min)},
    sympy.Abs: _absolute,
    sympy.cos: _cosine,
    sympy.sin: lambda a: _cosine((a[0] - math.pi / 2, a[1] - math.pi / 2)),
    sympy.cosh: lambda a: _of_ends(TABLE[sympy.cosh])(_absolute(a)),
}
