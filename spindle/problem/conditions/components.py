"""Conditions on vectors and on expressions, one for each component, each with a name."""

from collections.abc import Callable

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.problem.conditions.base import Condition
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.symbols import allows_complex, unknowns_in
from spindle.symbolic.words import shown


def built(call: str, make: Callable[..., Condition], expression, value, name: str | None):
    """One condition for each component, named after what it sets; the condition itself where there is one component.

    call   name of the public function, as messages give it
    make   (name, e, v) -> the condition of one component
    Raises ProblemError where values do not fit the components, or nothing is imposed.
    """
    pairs = components(call, expression, value)
    made = [
        make(name=name if name and len(pairs) == 1 else f"{name or call.lower()} {short_name(e)}", e=e, v=v)
        for e, v in pairs
    ]
    return made[0] if len(made) == 1 else made


def components(call: str, expression, value) -> list[tuple[sympy.Expr, sympy.Expr]]:
    """Pairs (expression, value) of a scalar or vector condition; raises ProblemError where they are none."""
    if isinstance(value, np.ndarray) and value.ndim:
        value = value.ravel().tolist()
    several = isinstance(value, (sympy.MatrixBase, list, tuple))
    if isinstance(expression, sympy.MatrixBase):
        values = list(value) if several else [value] * len(expression)
        if len(values) != len(expression):
            raise ProblemError(
                f"`spd.{call}` sets a vector of {len(expression)} components to {len(values)} values, which leaves "
                f"some without one; give one value for each component, or a single number for all."
            )
        pairs = list(zip(expression, values, strict=True))
    elif several:
        raise ProblemError(
            f"`spd.{call}({shown(expression)}, {shown(value)})` sets a scalar to {len(value)} values; give a single "
            f"one, or a column vector on the left."
        )
    else:
        pairs = [(expression, value)]
    real = not allows_complex(expression)
    pairs = [
        (
            expression_of(e, f"spd.{call}(...)", real=real),
            expression_of(v, f"spd.{call}({shown(e)}, ...)", real=real),
        )
        for e, v in pairs
    ]
    for e, v in pairs:
        if not unknowns_in(e):
            raise ProblemError(
                f"`spd.{call}({shown(e)}, {shown(v)})` contains no unknown field on the left, so there is nothing to "
                f"impose; write `spd.{call}(u, value)`."
            )
    return pairs


def short_name(expression) -> str:
    """`u`, `u_t`, `curl` ... : a name for an expression, from its unknowns and derivatives."""
    expression = sympy.sympify(expression)
    if isinstance(expression, sympy.Derivative):
        base = expression.expr.func.__name__
        return base + "_" + "".join(str(c) * int(n) for c, n in expression.variable_count)
    return " ".join(f.func.__name__ for f in unknowns_in(expression)) or str(expression)
