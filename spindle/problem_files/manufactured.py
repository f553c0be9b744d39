"""The word `manufactured` as a right side: the source that makes the reference exact."""

from collections.abc import Mapping

import sympy
from sympy.core.function import AppliedUndef

from spindle.problem_files.formulas import Value
from spindle.problem_files.source import Entry
from spindle.symbolic.growth_limits import LARGEST, GrowthLimits
from spindle.symbolic.operators import manufactured
from spindle.symbolic.symbols import unknowns_in


def source(entry: Entry, left: Value, exact: Mapping, limits: GrowthLimits) -> Value:
    """`spd.manufactured(left, exact)`, component by component, once it is known not to grow beyond use.

    Raises ProblemError where an unknown has no closed form, and where the source grows too long.
    """
    if isinstance(left, sympy.MatrixBase):
        return left.applyfunc(lambda part: source(entry, part, exact, limits))
    for u in unknowns_in(left):
        if not isinstance(exact.get(u), sympy.Expr):
            raise entry.error(
                f"`manufactured` needs a closed form of `{u.func.__name__}`, and [reference] has none; write it there."
            )
    sizes = {d: _size_of_derivative(entry, d, exact, limits) for d in left.atoms(sympy.Derivative) if d.expr in exact}
    sizes |= {u: limits.size(exact[u]) for u in unknowns_in(left)}
    grown = _grown(left, sizes)
    limits.work += grown
    if grown > LARGEST:
        raise entry.error(f"this source grows to {grown:,} parts, of which {LARGEST:,} are the most; simplify it.")
    value = manufactured(left, exact)
    refused = limits.refused(value)
    if refused:
        raise entry.error(refused)
    return value


def _size_of_derivative(entry: Entry, derivative, exact: Mapping, limits: GrowthLimits) -> int:
    step = exact[derivative.expr]
    for axis, count in derivative.variable_count:
        for _ in range(int(count)):
            refused = limits.derivative(step, axis)
            if refused:
                raise entry.error(refused)
            step = step.diff(axis)
    return limits.size(step)


def _grown(e, sizes: Mapping) -> int:
    """Nodes of an expression in which parts are replaced by others of known sizes."""
    if e in sizes:
        return sizes[e]
    return 1 if isinstance(e, AppliedUndef) else 1 + sum(_grown(a, sizes) for a in e.args)
