"""Exponentials beyond the range of floats: products and quotients of them are computed by adding exponents.

SymPy writes exp((x - 1)/eps) with a float eps as exp(x/eps) times the number exp(-1/eps); one overflows, the other
is zero. So each part of such an expression is a mantissa times exp(scale), and only the whole becomes a
number. The exponent of a product is a multiple of a sum, (x - 1)/eps, which is as exact as the coordinates are.

Functions that are one number by themselves, such as Bessel functions, Piecewise and code, have no scale.
"""

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import sympy

from spindle.symbolic.symbols import Parameter

# The logarithms of what floats are trusted with, in double and in single precision: exponentials, whose squares they
# hold too, and numbers.
_LARGEST_EXPONENT = {False: 345.0, True: 40.0}
_LARGEST_NUMBER = {False: 690.0, True: 80.0}
_LARGEST_FACTOR = 35.0  # the logarithm of a number that stays one beside an exponential
_FOREVER = 1e30  # larger exponents mean zero or infinity, and differences of these mean nothing
_DIGITS = 40  # of logarithms, of which up to twenty are before the point
_BITS = 200  # of a whole number, that hold so many digits
_HYPERBOLIC: dict = {sympy.sinh: 1, sympy.cosh: 1, sympy.csch: -1, sympy.sech: -1}
_FAR, _TERMS = 8.0, 16  # from where on so many terms of the asymptotic series of erfc are exact to rounding
_LOG_TWO = sympy.log(sympy.Float(2, _DIGITS))
_EXPONENTIALS: Any = (sympy.exp, *_HYPERBOLIC)
_KEPT = (sympy.Abs, sympy.UnevaluatedExpr)


class ScaledNumber(NamedTuple):
    """The number mantissa * exp(scale)."""

    mantissa: Any
    scale: Any = 0.0


def float_of(number) -> float:
    """A SymPy number as a float, infinite where it is too large."""
    try:
        return number.p / number.q if number.is_Rational else float(number)
    except OverflowError:
        return math.copysign(math.inf, -1 if number.is_negative else 1)


@functools.lru_cache(maxsize=8192)
def leaves_range(node, single: bool = False) -> bool:
    """Whether a part of a sum, product or power is an exponential or a number that floats may not hold.

    single   whether these are floats of single precision
    That is decided by the numbers written in it, for coordinates of size one, so that it holds at all points alike.
    """
    if node.is_Number:
        return bool(abs(_logarithm(node)) > _LARGEST_NUMBER[single])
    if node.is_Add or node.is_Mul:
        return any(leaves_range(part, single) for part in node.args)
    if node.is_Pow and node.exp.is_Number:
        return leaves_range(node.base, single)
    return _exponent_size(node) > _LARGEST_EXPONENT[single]


def _exponent_size(node) -> float:
    """The size of the exponent that a function is an exponential of; 0 where it is none."""
    if node.is_Pow:
        return size_of(_exponent(node.base, node.exp))
    if isinstance(node, sympy.erfc):
        return size_of(node.args[0]) ** 2
    return size_of(node.args[0]) if isinstance(node, _EXPONENTIALS) else 0.0


@functools.lru_cache(maxsize=8192)
def size_of(node) -> float:
    """A bound of an expression where coordinates and functions are at most one, and nothing cancels."""
    with np.errstate(all="ignore"):
        if node.is_Number or node.is_NumberSymbol:
            return abs(float_of(node))
        if isinstance(node, Parameter):
            return abs(node.value if node.value is not None else min(node.bounds or (1,), key=abs)) or 1.0
        if node.is_Add or node.is_Mul:
            return float(functools.reduce(operator.add if node.is_Add else operator.mul, map(size_of, node.args)))
        if node.is_Pow and node.exp.is_Number:
            return float(np.power(size_of(node.base), float_of(node.exp)))
        return size_of(node.args[0]) if isinstance(node, _KEPT) else 1.0


def _exponent(base, power) -> sympy.Expr:
    """What exp is taken of, for a power of a positive number; else zero."""
    return power * sympy.log(base) if base.is_Number and base.is_positive else sympy.S.Zero


@functools.lru_cache(maxsize=8192)
def _logarithm(number) -> sympy.Expr:
    """log |number|, to more digits than the number has, since what is near -1e6 must be right to 1e-16; else 0."""
    if number == 0 or not number.is_finite:
        return sympy.Float(0, _DIGITS)
    if number.is_Rational:
        return _logarithm_of_whole(abs(number.p)) - _logarithm_of_whole(number.q)
    return sympy.log(sympy.Float(abs(number), _DIGITS))


def _logarithm_of_whole(number: int) -> sympy.Expr:
    """The logarithm of a whole number of any size; SymPy makes floats by way of text, which Python bounds."""
    shift = max(0, number.bit_length() - _BITS)
    return sympy.log(sympy.Float(number >> shift, _DIGITS)) + shift * _LOG_TWO


class _Split(NamedTuple):
    """A product as sign * factors * exp(most * (constant + sum of factor * part)).

    factors    (base, power) pairs, whose exponents are in the sum
    terms      (factor, part) pairs, the largest factor one
    """

    sign: float
    factors: list[tuple[sympy.Expr, sympy.Expr]]
    most: float
    terms: list[tuple[float, sympy.Expr]]
    constant: float


@functools.lru_cache(maxsize=8192)  # a search asks for the values of one expression a thousand times
def _split(node, single: bool) -> _Split:
    """A product, its numbers and exponents put together."""
    pairs = [(f.base, f.exp) if f.is_Pow else (f, sympy.S.One) for f in sympy.Mul.make_args(node)]
    exponents = [e for base, power in pairs if (e := _exponent_of(base, power)) is not None]
    largest = _LARGEST_FACTOR if exponents else _LARGEST_EXPONENT[single]
    constant, sign, factors = sympy.Float(0, _DIGITS), 1.0, []
    for base, power in pairs:
        if base.is_Number and power == 1 and abs(_logarithm(base)) > largest:
            constant += _logarithm(base)
            sign *= 1.0 if base.is_positive else -1.0
        else:
            factors.append((base, power))
        if base.func in _HYPERBOLIC and power.is_Number:
            constant -= _LOG_TWO * (_HYPERBOLIC[base.func] * power)
    number, rest = sympy.Add(*exponents).as_coeff_Add()
    constant += number
    terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(rest) if term != 0]
    most = max((abs(factor) for factor, _ in terms), default=sympy.S.One)
    shares = [(float_of(factor / most), part) for factor, part in terms]
    return _Split(sign, factors, float_of(most), shares, float_of(constant / most))


def _exponent_of(base, power) -> sympy.Expr | None:
    """The exponent that a factor adds to those of its product; None where it has none of its own."""
    if not power.is_Number:
        return _exponent(base, power) or None
    if isinstance(base, sympy.exp):
        return power * base.args[0]
    if base.func in _HYPERBOLIC:
        return _HYPERBOLIC[base.func] * power * sympy.Abs(base.args[0])
    return None


def _where(library, condition, chosen, other):
    """One value or the other; a number where all are numbers."""
    return library.where(condition, chosen, other)[()]


class ScaledWalk:
    """The values of expressions that leave the range of floats.

    walk   evaluates all that does not, by `of`, in the `library` of arrays, and raises values to powers, by `raised`
    """

    def __init__(self, walk):
        self.walk, self.single = walk, walk.single
        self.known: dict = {}

    def value(self, node):
        """The values of an expression, infinite or zero where floats do not hold them."""
        whole = self.of(node)
        return self._times_exp(whole.mantissa, whole.scale)

    def log(self, node):
        """The logarithm of an expression, which floats hold where they do not hold the expression."""
        whole = self.of(node)
        return self._np(whole.mantissa).log(whole.mantissa) + whole.scale

    def of(self, node) -> ScaledNumber:
        """The values of an expression as mantissas and scales."""
        if node not in self.known:
            if not leaves_range(node, self.single) or node in self.walk.given:
                self.known[node] = ScaledNumber(self.walk.of(node))
            else:
                self.known[node] = self._sum(list(map(self.of, node.args))) if node.is_Add else self._product(node)
        return self.known[node]

    def _np(self, *values):
        """Constants are computed in double precision, whatever the library."""
        return np if all(isinstance(v, float) for v in values) else self.walk.library.np

    def _times_exp(self, mantissa, scale):
        if isinstance(scale, float) and scale == 0:
            return mantissa
        library = self._np(mantissa, scale)
        half = library.exp(_where(library, mantissa == 0, 0.0, scale) / 2)  # the whole may be within range, one is not
        return mantissa * half * half

    def _sum(self, terms: Sequence[ScaledNumber]) -> ScaledNumber:
        if all(isinstance(s, float) and s == 0 for _, s in terms):
            return ScaledNumber(functools.reduce(operator.add, (m for m, _ in terms)))
        library = self._np(*(part for term in terms for part in term))
        present = [_where(library, m == 0, -_FOREVER, s) for m, s in terms]  # what is zero has no size
        largest = functools.reduce(library.maximum, present)
        largest = _where(library, largest > -_FOREVER, largest, 0.0)
        parts = [m * library.exp(_where(library, s > largest, 0.0, s - largest)) for m, s in terms]
        return ScaledNumber(functools.reduce(operator.add, parts), largest)

    def _product(self, node) -> ScaledNumber:
        split = _split(node, self.single)
        mantissa, scale = split.sign, 0.0
        for base, power in split.factors:
            part = self._factor(base, power)
            mantissa, scale = mantissa * part.mantissa, scale + part.scale
        return ScaledNumber(mantissa, scale + self._combined(split))

    def _factor(self, base, power) -> ScaledNumber:
        """What a factor is besides the exponent of its own."""
        if not power.is_Number:
            return ScaledNumber(1.0 if _exponent_of(base, power) is not None else self.walk.of(base**power))
        if isinstance(base, sympy.exp):
            return ScaledNumber(1.0)
        if base.func in _HYPERBOLIC:
            even = isinstance(base, (sympy.cosh, sympy.sech))
            mantissa = self._hyperbolic(self.walk.of(base.args[0]), even)
            return ScaledNumber(self.walk.raised(mantissa, _HYPERBOLIC[base.func] * power))
        inner = self._erfc(self.walk.of(base.args[0])) if isinstance(base, sympy.erfc) else self.of(base)
        return ScaledNumber(self.walk.raised(inner.mantissa, power), inner.scale * float_of(power))

    def _hyperbolic(self, z, even: bool):
        """2 cosh z or 2 sinh z, over exp |z|."""
        library = self._np(z)
        if even:
            return 1 + library.exp(-2 * abs(z))
        # Without a case for each sign, so that derivatives by parameters are right at zero.
        return library.expm1(2 * library.minimum(z, 0.0)) - library.expm1(-2 * library.maximum(z, 0.0))

    def _erfc(self, z) -> ScaledNumber:
        """erfc z, times exp(z^2) where z is positive."""
        library, special = self._np(z), scipy.special if isinstance(z, float) else self.walk.library.special
        near, far = library.minimum(z, _FAR), library.maximum(z, _FAR)
        above = library.maximum(near, 0.0)
        series = 1.0
        for k in range(_TERMS, 0, -1):
            series = 1 - (2 * k - 1) / (2 * far * far) * series
        mantissa = _where(
            library, z < _FAR, library.exp(above * above) * special.erfc(near), series / (far * math.sqrt(math.pi))
        )
        above = library.maximum(z, 0.0)
        return ScaledNumber(mantissa, -above * above)

    def _combined(self, split: _Split):
        """The exponents of a product, as a multiple of a sum whose largest term has no factor."""
        parts = [factor * self.walk.of(part) for factor, part in split.terms]
        total = functools.reduce(operator.add, [*parts, split.constant])
        return self._np(total).clip(split.most * total, -_FOREVER, _FOREVER)
