"""Expressions as users hand them in: turned into SymPy at one place, or refused by a sentence."""

import functools
import math
import numbers

import numpy as np
import sympy
from sympy.core.function import UndefinedFunction

from spindle.errors import ProblemError
from spindle.problem.words import shown

_COUNTED = 1e6  # terms of a base, above which its powers are not told apart
_ENDLESS = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def expression_of(value, call: str) -> sympy.Expr:
    """`value` as a real, finite SymPy expression.

    call    what the user wrote, `sp.Dirichlet(u, ...)`, for the message
    Raises ProblemError for text, code, containers, and numbers that are complex or not finite.
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
    if checked.has(*_ENDLESS):
        raise ProblemError(f"`{call}` contains {shown(checked)}, which is not finite; check the formula.")
    if checked.has(sympy.I):
        raise ProblemError(
            f"`{call}` contains {shown(checked)}, which is complex, and networks are real; write one unknown and one "
            f"equation for the real part and one for the imaginary part."
        )
    return checked


def refuse_text(value, call: str) -> None:
    """Raise ProblemError where mathematics is written in quotes."""
    if isinstance(value, str):
        raise ProblemError(
            f"`{call}` was given the text {shown(value)}, and text is never evaluated; write the formula itself, "
            f"without quotes."
        )


@functools.lru_cache(maxsize=10_000)
def expanded_terms(e: sympy.Expr) -> float:
    """At most so many terms has an expression when it is multiplied out, sines and cosines of sums included."""
    own = [expanded_terms(a) for a in e.args if isinstance(a, sympy.Expr)]
    if e.is_Add:
        return sum(own)
    if e.is_Mul:
        return math.prod(own)
    if e.is_Pow and e.exp.is_Integer and e.exp > 0 and own[0] < _COUNTED:
        return math.comb(int(own[0]) + int(e.exp) - 1, int(e.exp))
    return max([1.0, *own])


def _instead(value) -> str:
    if isinstance(value, UndefinedFunction):
        return f', and a field with its coordinates, `{value.__name__} = sp.unknown("{value.__name__}", x)`'
    return ', and bring in code by `sp.given("f", function, x)`' if callable(value) else ""
