"""Vector calculus in Cartesian coordinates, and the source term of a manufactured solution."""

from collections.abc import Mapping, Sequence

import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.problem.expressions import differentiated
from spindle.problem.symbols import is_space


def grad(field, over: Sequence[sympy.Symbol] | None = None) -> sympy.Matrix:
    """Gradient of a scalar: a column, one entry for each space coordinate (or for each of `over`)."""
    return sympy.Matrix([field.diff(axis) for axis in _axes("grad", field, over)])


def div(field, over: Sequence[sympy.Symbol] | None = None):
    """Divergence of a column vector; composite fluxes such as `div(k*grad(u))` are expanded by the product rule."""
    axes = _axes("div", field, over)
    _check_length("div", field, len(axes))
    return sum(component.diff(axis) for component, axis in zip(field, axes, strict=True))


def laplacian(field, over: Sequence[sympy.Symbol] | None = None):
    """Sum of the second space derivatives of a scalar, or of each component of a column vector."""
    axes = _axes("laplacian", field, over)
    if isinstance(field, sympy.MatrixBase):
        return field.applyfunc(lambda component: sum(component.diff(axis, 2) for axis in axes))
    return sum(field.diff(axis, 2) for axis in axes)


def curl(field, over: Sequence[sympy.Symbol] | None = None):
    """Curl: of a vector in three dimensions a vector, in two dimensions the scalar `v_x - u_y`."""
    axes = _axes("curl", field, over)
    _check_length("curl", field, len(axes))
    if len(axes) == 2:
        (x, y), (u, v) = axes, field
        return v.diff(x) - u.diff(y)
    if len(axes) != 3:
        raise ProblemError(
            f"`sp.curl` was given a field of {len(axes)} space coordinates, and the curl exists in two or three; "
            f"name them with `over=(x, y, z)`."
        )
    (x, y, z), (u, v, w) = axes, field
    return sympy.Matrix([w.diff(y) - v.diff(z), u.diff(z) - w.diff(x), v.diff(x) - u.diff(y)])


def dot(a: sympy.Matrix, b: sympy.Matrix):
    """Inner product of two column vectors of equal length."""
    if len(a) != len(b):
        raise ProblemError(
            f"`sp.dot` was given vectors of {len(a)} and {len(b)} components, which have no inner product; "
            f"check that both live in the same space."
        )
    return sum(p * q for p, q in zip(a, b, strict=True))


def manufactured(expression, solution: Mapping):
    """The source that makes `solution` exact: `expression` with every unknown replaced, derivatives carried out.

    Source: the method of manufactured solutions, Roache (2002), J. Fluids Eng. 124(1).
    """
    replaced = sympy.Matrix(expression) if isinstance(expression, sympy.MatrixBase) else sympy.sympify(expression)
    for field, value in solution.items():
        replaced = replaced.xreplace(_derivatives(replaced, field, value)).subs(field, value)
    result = replaced.doit()
    left = result.atoms(AppliedUndef) & set().union(*(sympy.sympify(f).atoms(AppliedUndef) for f in solution))
    if left:
        raise ProblemError(
            f"`sp.manufactured` was given {list(solution)} and {left} is still unknown afterwards; give a closed form "
            f"that does not contain the unknown itself."
        )
    return result


def _derivatives(expression, field, value) -> dict:
    """The derivatives of a field in an expression, carried out on a long product; others are left to SymPy."""
    if not isinstance(value, sympy.Mul):
        return {}
    found = {}
    for derivative in expression.atoms(sympy.Derivative):
        if derivative.expr == field:
            found[derivative] = value
            for coordinate, order in derivative.variable_count:
                found[derivative] = differentiated(found[derivative], coordinate, int(order))
    return found


def _axes(call, field, over) -> tuple[sympy.Symbol, ...]:
    """The space coordinates an operator differentiates by: given, or those that the fields inside depend on."""
    if over is not None:
        return tuple(over)
    entries = list(field) if isinstance(field, sympy.MatrixBase) else [sympy.sympify(field)]
    fields = sorted(set().union(*(e.atoms(AppliedUndef) for e in entries)), key=str)
    for applied in sorted(fields, key=lambda f: -len(f.args)):
        return tuple(c for c in applied.args if is_space(c))
    raise ProblemError(
        f"`sp.{call}({field})` contains no unknown field, so it is not known by which coordinates to differentiate; "
        f"name them, `sp.{call}(..., over=(x, y))`."
    )


def _check_length(call, field, n):
    if not isinstance(field, sympy.MatrixBase) or len(field) != n:
        size = len(field) if isinstance(field, sympy.MatrixBase) else "no"
        raise ProblemError(
            f"`sp.{call}` needs a column vector of {n} components, one for each space coordinate, and got {size} "
            f"components; build it with `sp.grad`, `sp.vector` or `sympy.Matrix`."
        )
