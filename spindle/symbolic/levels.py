"""Levels: expressions whose sign decides which formula holds, and expressions as they are where that sign is known."""

from collections.abc import Iterable

import sympy
from sympy.core.relational import Relational

from spindle.symbolic.symbols import unknowns_in


def levels_in(expression, axes: Iterable[sympy.Symbol]) -> list[sympy.Expr]:
    """The levels in these coordinates alone at whose zeros an expression switches, sorted by their text.

    Of a level and its negative, one stands for both.
    """
    allowed, levels = set(axes), set()
    for part in expression.atoms(sympy.Piecewise, sympy.Heaviside, sympy.sign):
        changes = [_gap(r) for r in part.atoms(Relational)] if isinstance(part, sympy.Piecewise) else [part.args[0]]
        levels |= {_one_sign(change) for change in changes if not unknowns_in(change)}
    return sorted((g for g in levels if g.free_symbols and g.free_symbols <= allowed), key=str)


def beside_level(expression, level: sympy.Expr, sign: int) -> sympy.Expr:
    """An expression with those parts that switch at a level as they are where the level has that sign.

    The formulas stay formulas, which may be taken at the level itself.
    """
    truths = {
        r: sympy.true if bool(r.func(_sign_of(r, level) * sign, 0)) else sympy.false
        for r in expression.atoms(Relational)
        if _sign_of(r, level)
    }
    steps = {
        step: step.func(sympy.Integer(_agreement(step.args[0], level) * sign))
        for step in expression.atoms(sympy.Heaviside, sympy.sign)
        if _agreement(step.args[0], level)
    }
    return expression.xreplace(truths | steps)


def _gap(relation: Relational) -> sympy.Expr:
    return relation.lhs - relation.rhs


def _one_sign(change: sympy.Expr) -> sympy.Expr:
    expanded = sympy.expand(change)
    return -expanded if expanded.could_extract_minus_sign() else expanded


def _agreement(change: sympy.Expr, level: sympy.Expr) -> int:
    """1 where a change is the level, -1 where it is its negative, else 0."""
    if _one_sign(change) != level:
        return 0
    return 1 if sympy.expand(change) == level else -1


def _sign_of(relation: Relational, level: sympy.Expr) -> int:
    return 0 if unknowns_in(_gap(relation)) else _agreement(_gap(relation), level)
