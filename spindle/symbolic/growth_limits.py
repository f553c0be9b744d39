"""What keeps a formula from growing beyond use: sizes are known before SymPy is asked to build anything."""

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.symbolic.expressions import expanded_terms
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.sampled import SampledValues

LARGEST = 6_000  # nodes of one expression, repeated parts counted as often as they occur
MOST_WORK = 60_000  # nodes that a whole file may lead to
DEEPEST_TREE = 120  # functions within functions
MOST_TERMS = 5_000  # of an expression multiplied out
HIGHEST_ORDER = 8  # of a derivative
LARGEST_EXPONENT = 100
MOST_CHOICES = 24  # of max, min, abs, sign, heaviside and piecewise in one formula: SymPy compares them all
_MOST_BITS = 4_000
_DIGITS = 1e15  # above it a number of a computer has no digits after the point
_BY_DIGITS = (sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot, sympy.floor, sympy.ceiling)


class GrowthLimits:
    """Bounds on the formulas of one file; the sentences that they return say what is too much, else they are empty.

    ease   factor on all sizes: what a program has built, and a run directory holds, can be longer than what one writes
    """

    def __init__(self, samples: SampledValues, ease: int = 1):
        self.samples, self.ease = samples, ease
        self.work = 0
        self._sizes: dict = {}
        self._slopes: dict = {}
        self._orders: dict = {}
        self._depths: dict = {}

    # -------------------------------------------------------------------------------------------------- sizes

    def depth(self, e) -> int:
        """The number of nested levels of an expression."""
        if e not in self._depths:
            self._depths[e] = 1 + max((self.depth(a) for a in e.args), default=0)
        return self._depths[e]

    def order(self, e) -> int:
        """The highest order of a derivative in an expression."""
        if e not in self._orders:
            here = sum(int(n) for _, n in e.variable_count) if isinstance(e, sympy.Derivative) else 0
            self._orders[e] = max([here, *(self.order(a) for a in e.args)])
        return self._orders[e]

    def size(self, e) -> int:
        """The number of nodes of an expression as a tree."""
        if e not in self._sizes:
            self._sizes[e] = 1 if isinstance(e, AppliedUndef) else 1 + sum(self.size(a) for a in e.args)
        return self._sizes[e]

    def slope(self, e, x) -> int:
        """A bound of the number of nodes of the derivative by x, as the product and chain rules write it."""
        key = (e, x)
        if key not in self._slopes:
            self._slopes[key] = self._slope(e, x)
        return self._slopes[key]

    def _slope(self, e, x) -> int:
        if isinstance(e, (AppliedUndef, sympy.Derivative)):
            return self.size(e) + 4 if x in e.free_symbols else 0
        if not e.args:
            return int(e == x)
        inner = [s for a in e.args if (s := self.slope(a, x))]
        if e.is_Add or isinstance(e, (sympy.Piecewise, sympy.functions.elementary.piecewise.ExprCondPair)):
            return sum(inner) + self.size(e) * (not e.is_Add and bool(inner))
        return sum(s + self.size(e) + 4 for s in inner) + (self.size(e) if e.is_Pow and inner else 0)

    # ------------------------------------------------------------------------------------------------- checks

    def refused(self, e) -> str:
        """Why an expression that has just been built is too much, as a sentence; else empty."""
        self.work += 2 + len(e.args)
        if self.size(e) > LARGEST * self.ease:
            return self._too_large(self.size(e))
        if self.work > MOST_WORK * self.ease:
            return "the formulas of this file lead to too much work together; simplify them."
        if self.depth(e) > DEEPEST_TREE * self.ease:
            return f"this is nested more than {DEEPEST_TREE * self.ease} levels deep; simplify it."
        if self.order(e) > HIGHEST_ORDER:
            return f"this has a derivative of an order above {HIGHEST_ORDER}, which no method can take."
        if e.is_Pow and e.exp.is_number and abs(e.exp) > LARGEST_EXPONENT:
            return f"this has an exponent above {LARGEST_EXPONENT}; scale the problem."
        if isinstance(e, sympy.Expr) and expanded_terms(e) > MOST_TERMS * self.ease:
            return f"multiplied out this has more than {MOST_TERMS * self.ease:,} terms; write it with smaller powers."
        return self.without_value(self.samples.of(e))

    def derivative(self, e, x) -> str:
        """Why the derivative of an expression by x would be too much, as a sentence; else empty."""
        if e.has(NormalDerivative):
            return "`dn` stands for a value on the boundary, which cannot be differentiated; use `grad` and `normal`."
        bound = self.slope(e, x)
        self.work += bound
        return self._too_large(bound) if bound > LARGEST * self.ease or self.work > MOST_WORK * self.ease else ""

    def power(self, base, exponent) -> str:
        """Why a power would be too much, as a sentence; else empty."""
        if base.is_Rational and exponent.is_Rational:
            bits = max(abs(base.p), base.q).bit_length() * abs(exponent.p) / exponent.q
            if bits > _MOST_BITS and base not in (0, 1, -1):
                return "this power of a number is too large or too small for a computer; write its value as 1.5e-3."
        elif exponent.is_number and not _within(self.samples.of(exponent), LARGEST_EXPONENT):
            return f"this exponent is above {LARGEST_EXPONENT}; scale the problem."
        powers = self.samples.of(exponent)
        if base == 0 and powers is not None and np.any(powers < 0):
            return "this divides by zero."
        return self.without_value(self.samples.power(base, exponent))

    def function(self, head, arguments) -> str:
        """Why a function of SymPy would be too much, or beyond the numbers of a computer, as a sentence; else empty."""
        if any(isinstance(a, sympy.Expr) and self.size(a) > LARGEST * self.ease for a in arguments):
            return self._too_large(sum(map(self.size, arguments)))
        values = [self.samples.of(a) for a in arguments]
        if head in _BY_DIGITS and values[0] is not None and np.all(np.abs(values[0]) > _DIGITS):
            return (
                f"this is taken of numbers above {_DIGITS:.0e}, whose last digits no computer keeps; scale the problem."
            )
        return self.without_value(self.samples.function(head, arguments))

    def _too_large(self, size: int) -> str:
        return (
            f"this grows to {size:,} parts, of which {LARGEST * self.ease:,} are the most; simplify it, or tabulate it."
        )

    @staticmethod
    def without_value(values) -> str:
        """Why values at sample points are no sensible numbers, as a sentence; else empty."""
        if values is None or values.dtype == bool:
            return ""
        if np.isinf(values).any():
            return (
                "this is larger than any number of a computer, above 1e308; check the formula, and write a front as "
                "`(1 - tanh(z/2))/2` where it is `1/(1 + exp(z))`."
            )
        return "this has no real value anywhere; check the formula." if np.isnan(values).all() else ""


def _within(values, bound: float) -> bool:
    return values is not None and bool(np.all(np.abs(values) <= bound))
