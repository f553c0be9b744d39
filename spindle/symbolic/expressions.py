"""Expressions as users hand them in: turned into SymPy at one place, or refused by a sentence."""

import functools
import math
import numbers

import numpy as np
import sympy
from sympy.core.function import UndefinedFunction

from spindle.errors import ProblemError
from spindle.symbolic.evaluated import plain
from spindle.symbolic.functions import UNEVALUATED
from spindle.symbolic.words import shown

MOST_TERMS = 1_000  # sums of more products are no cheaper than a grid, and SymPy takes seconds to write them down
_COUNTED = 1e6  # terms of a base, above which its powers are not told apart
_LONG = 500  # parts
_FACTORS = 8  # of a product; of fewer, derivatives are written as SymPy writes them
_UNIT = sympy.Dummy("I", real=True)  # for the imaginary unit, while constants are made plain
_ENDLESS = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def expression_of(value, call: str, *, fluxes: bool = False, real: bool = True) -> sympy.Expr:
    """`value` as a finite SymPy expression.

    call     what the user wrote, `spd.Dirichlet(u, ...)`, for the message
    fluxes   whether derivatives of fluxes that jump stay as they are, see `plain`
    real     whether the imaginary unit is refused
    Raises ProblemError for text, code, containers, and numbers that are complex, not finite, or too large for a float.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    refuse_text(value, call)
    if not isinstance(value, (numbers.Number, sympy.Expr)) or isinstance(value, (bool, np.bool_)):
        raise ProblemError(
            f"`{call}` was given {shown(value)} where a number or a formula belongs; write for example "
            f"`sympy.sin(x)`{_instead(value)}."
        )
    checked = sympy.sympify(value)
    if checked.has(*_ENDLESS) and not checked.has(*UNEVALUATED):
        raise ProblemError(f"`{call}` contains {shown(checked)}, which is not finite; check the formula.")
    if real and checked.has(sympy.I):
        raise ProblemError(
            f"`{call}` contains {shown(checked)}, which is complex, and its unknowns are real; declare a complex "
            f'one, `psi = spd.unknown("psi", ..., complex=True)`, or leave the imaginary unit out.'
        )
    kept = plain(checked.xreplace({sympy.I: _UNIT}), f"`{call}`", fluxes=fluxes)
    return kept.xreplace({_UNIT: sympy.I})


def refuse_text(value, call: str) -> None:
    """Raise ProblemError where mathematics is written in quotes."""
    if isinstance(value, str):
        raise ProblemError(
            f"`{call}` was given the text {shown(value)}, and text is never evaluated; write the formula itself, "
            f"without quotes."
        )


@functools.lru_cache(maxsize=10_000)
def expanded_terms(e: sympy.Expr) -> float:
    """A bound of the number of terms of an expression multiplied out, sines and cosines of sums included."""
    counts = [expanded_terms(a) for a in e.args if isinstance(a, sympy.Expr)]
    if e.is_Add:
        return sum(counts)
    if e.is_Mul:
        return math.prod(counts)
    if e.is_Pow and e.exp.is_Rational and counts[0] > 1:
        # SymPy multiplies out whole powers in denominators too, and the whole part of a broken exponent.
        power = int(abs(e.exp))
        terms = math.comb(int(counts[0]) + power - 1, power) if counts[0] < _COUNTED and power < _COUNTED else math.inf
        return terms if e.exp > 0 or terms > MOST_TERMS else 1.0
    return max([1.0, *counts])


@functools.lru_cache(maxsize=10_000)
def size_of(e: sympy.Basic) -> int:
    """The number of parts of an expression, repeated ones counted as often as they occur."""
    return 1 + sum(map(size_of, e.args))


def expanded_or_not(e: sympy.Expr) -> sympy.Expr:
    """An expression multiplied out; as it is where that would make it long."""
    return e if expanded_terms(e) > MOST_TERMS else sympy.expand(e)


def differentiated(e: sympy.Expr, coordinate: sympy.Symbol, order: int) -> sympy.Expr:
    """The derivative of some order, for long formulas by the rules for sums, products and powers alone.

    SymPy counts all ways to share the order among all factors, some 40,000 for second derivatives of 24 of them, asks
    whether each part is zero, and takes powers of common denominators. Here what does not depend on the coordinate
    stands aside, and repeated parts are differentiated once: a tenth of the time.
    """
    if size_of(e) <= _LONG and not (e.is_Mul and len(e.args) > _FACTORS):
        return e.diff(coordinate, order)
    aside: dict[sympy.Expr, sympy.Dummy] = {}
    plain = _bare(e, coordinate, aside)
    for _ in range(order):
        plain = _by_the_rules(plain, coordinate, {})
    return plain.xreplace({symbol: part for part, symbol in aside.items()})


def _bare(e: sympy.Expr, coordinate: sympy.Symbol, aside: dict[sympy.Expr, sympy.Dummy]) -> sympy.Expr:
    """An expression with symbols for the parts that do not depend on a coordinate, which are put aside."""
    if not e.args or not isinstance(e, sympy.Expr):
        return e
    if coordinate not in e.free_symbols:
        return aside.setdefault(e, sympy.Dummy(real=True))
    if isinstance(e, (sympy.Add, sympy.Mul)):
        outside, inside = e.as_independent(coordinate, as_Add=e.is_Add)
        parts = [_bare(part, coordinate, aside) for part in (outside, *type(e).make_args(inside))]
        return e.func(*parts)
    return e.func(*(_bare(part, coordinate, aside) for part in e.args))


def _by_the_rules(e: sympy.Expr, x: sympy.Symbol, known: dict[sympy.Expr, sympy.Expr]) -> sympy.Expr:
    """The first derivative; `known` are those of parts that have come before."""
    if e not in known:
        if x not in e.free_symbols:
            known[e] = sympy.S.Zero
        elif e.is_Add:
            known[e] = sympy.Add(*(_by_the_rules(part, x, known) for part in e.args))
        elif e.is_Mul:
            outside, inside = e.as_independent(x, as_Add=False)
            factors = sympy.Mul.make_args(inside)
            shares = (
                sympy.Mul(outside, _by_the_rules(factor, x, known), *factors[:k], *factors[k + 1 :])
                for k, factor in enumerate(factors)
            )
            known[e] = sympy.Add(*shares)
        elif e.is_Pow and x not in e.exp.free_symbols:
            known[e] = e.exp * e.base ** (e.exp - 1) * _by_the_rules(e.base, x, known)
        else:
            known[e] = e.diff(x)
    return known[e]


def _instead(value) -> str:
    if isinstance(value, UndefinedFunction):
        return f', and a field with its coordinates, `{value.__name__} = spd.unknown("{value.__name__}", x)`'
    return ', and bring in code by `spd.given("f", function, x)`' if callable(value) else ""
