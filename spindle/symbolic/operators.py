"""Vector calculus in Cartesian coordinates, and the source term of a manufactured solution."""

from collections.abc import Mapping, Sequence

import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError, usage
from spindle.symbolic.expressions import differentiated, expression_of, refuse_text
from spindle.symbolic.fluxes import jumps_along, pointwise
from spindle.symbolic.symbols import by_name, is_space, namesakes, unknowns_in
from spindle.symbolic.words import shown


class NormalDerivative(sympy.Function):
    """The derivative along the outward normal, as it is printed."""


@usage("spd.grad(u)")
def grad(field, over: Sequence[sympy.Symbol] | None = None) -> sympy.Matrix:
    """Gradient of a scalar: a column, one entry for each space coordinate (or for each of `over`).

    Raises ProblemError for a vector.
    """
    field, axes = _operands("grad", field, over)
    if isinstance(field, sympy.MatrixBase):
        raise ProblemError(
            f"`spd.grad` was given the {len(field)} components of {shown(field)}, and it takes a scalar; take the "
            f"gradient of each component."
        )
    return sympy.Matrix([_across(field, axis) for axis in axes])


@usage("spd.div(k*spd.grad(u))")
def div(field, over: Sequence[sympy.Symbol] | None = None):
    """Divergence of a column vector; composite fluxes such as `div(k*grad(u))` are expanded by the product rule.

    Where `k` jumps (`Piecewise`, `Heaviside`, `sign`), the flux stays under its derivative: it is continuous there.
    """
    field, axes = _operands("div", field, over)
    _check_length("div", field, len(axes))
    return sum(_across(component, axis) for component, axis in zip(field, axes, strict=True))


def _across(expression, axis):
    """The derivative of an expression along an axis; of what may jump it is not carried out.

    SymPy differentiates a `Piecewise` on its pieces: a jump between them, and the flux through it, would be gone.
    """
    if unknowns_in(expression) and jumps_along(expression, axis):
        return sympy.Derivative(expression, axis)
    pieces = sorted((p for p in expression.atoms(sympy.Piecewise) if _switches(p, axis)), key=sympy.count_ops)
    swap = {p: sympy.Function(f"piece {k}")(axis) for k, p in enumerate(pieces)}
    return expression.xreplace(swap).diff(axis).xreplace({f: p for p, f in swap.items()})


def _switches(piece, axis) -> bool:
    """Whether a piece is data that goes from one formula to another along an axis."""
    return any(c.has(axis) for _, c in piece.args) and not piece.atoms(AppliedUndef)


@usage("spd.laplacian(u)` or `spd.laplacian(u, over=(x, y))")
def laplacian(field, over: Sequence[sympy.Symbol] | None = None):
    """Sum of the second space derivatives of a scalar, or of each component of a column vector."""
    field, axes = _operands("laplacian", field, over)
    if isinstance(field, sympy.MatrixBase):
        return field.applyfunc(lambda component: sum(component.diff(axis, 2) for axis in axes))
    return sum(field.diff(axis, 2) for axis in axes)


@usage("spd.curl(v)")
def curl(field, over: Sequence[sympy.Symbol] | None = None):
    """Curl: of a vector in three dimensions a vector, in two dimensions the scalar `v_x - u_y`.

    Raises ProblemError in any other number of dimensions, and where the components are not as many.
    """
    field, axes = _operands("curl", field, over)
    _check_length("curl", field, len(axes))
    if len(axes) == 2:
        (x, y), (u, v) = axes, field
        return _across(v, x) - _across(u, y)
    if len(axes) != 3:
        raise ProblemError(
            f"`spd.curl` was given a field of {len(axes)} space coordinates, and the curl exists in two or three; "
            f"name them with `over=(x, y, z)`."
        )
    (x, y, z), (u, v, w) = axes, field
    rows = ((w, y, v, z), (u, z, w, x), (v, x, u, y))
    return sympy.Matrix([_across(a, first) - _across(b, second) for a, first, b, second in rows])


@usage("spd.dot(v, spd.grad(u))")
def dot(a: sympy.Matrix, b: sympy.Matrix):
    """Inner product of two column vectors of equal length.

    Raises ProblemError for scalars, and for different lengths.
    """
    a, b = (_column(side) for side in (a, b))
    for side in (a, b):
        if not isinstance(side, sympy.MatrixBase):
            raise ProblemError(
                f"`spd.dot` was given {shown(side)}, and it takes two vectors; write `spd.dot(v, spd.grad(u))`, and a "
                f"product of scalars with `*`."
            )
    if len(a) != len(b):
        raise ProblemError(
            f"`spd.dot` was given vectors of {len(a)} and {len(b)} components, which have no inner product; "
            f"check that both live in the same space."
        )
    return sum(p * q for p, q in zip(a, b, strict=True))


@usage("spd.manufactured(spd.laplacian(u), {u: sin(pi*x)})")
def manufactured(expression, solution: Mapping):
    """The source that makes `solution` exact: `expression` with every unknown replaced, derivatives carried out.

    Source: the method of manufactured solutions, Roache (2002), J. Fluids Eng. 124(1).
    Raises ProblemError where `solution` is no mapping of unknowns, or leaves an unknown in the source.
    """
    if not isinstance(solution, Mapping) or not all(isinstance(field, AppliedUndef) for field in solution):
        raise ProblemError(
            f"`spd.manufactured` was given the solution {shown(solution)}, and it needs a closed form for each unknown "
            f"by itself; write `spd.manufactured(spd.laplacian(u), {{u: sin(pi*x)}})`."
        )
    if isinstance(expression, sympy.Eq):
        expression = expression.lhs - expression.rhs
    replaced = _column(expression)
    if not isinstance(replaced, sympy.MatrixBase):
        replaced = expression_of(replaced, "spd.manufactured(...)", real=False)
    replaced = pointwise(replaced)
    for field, value in solution.items():
        call = f"spd.manufactured(..., {{{shown(field)}: ...}})"
        closed = by_name(expression_of(value, call, real=False), field.args)
        replaced = replaced.xreplace(_derivatives(replaced, field, closed)).subs(field, closed)
    result = replaced.doit()
    left = result.atoms(AppliedUndef) & set(solution)
    if left:
        raise ProblemError(
            f"`spd.manufactured` was given {shown(list(solution))} and {shown(sorted(left, key=str))} is still unknown "
            f"afterwards; give a closed form that does not contain the unknown itself."
        )
    return result


def _derivatives(expression, field, value) -> dict:
    """The derivatives of a field in an expression, carried out on a long product; others are left to SymPy."""
    if not isinstance(value, sympy.Mul):
        return {}
    carried_out = {}
    for derivative in expression.atoms(sympy.Derivative):
        if derivative.expr == field:
            carried_out[derivative] = value
            for coordinate, order in derivative.variable_count:
                carried_out[derivative] = differentiated(carried_out[derivative], coordinate, int(order))
    return carried_out


def _column(value):
    """A list or a tuple as the column vector it stands for."""
    return sympy.Matrix(value) if isinstance(value, (list, tuple)) else value


def _operands(call, field, over):
    """The scalar or vector, and the space coordinates it is differentiated by."""
    refuse_text(field, f"spd.{call}(...)")
    field = _column(field)
    if not isinstance(field, sympy.MatrixBase):
        if isinstance(field, sympy.Eq):
            raise ProblemError(
                f"`spd.{call}` was given the equation {shown(field)}, and it takes one side; write "
                f"`Eq(spd.{call}(left), spd.{call}(right))`."
            )
        field = expression_of(field, f"spd.{call}(...)", real=False)
    return field, _axes(call, field, over)


def _axes(call, field, over) -> tuple[sympy.Symbol, ...]:
    """The space coordinates an operator differentiates by: given, or those that the fields inside depend on."""
    entries = list(field) if isinstance(field, sympy.MatrixBase) else [field]
    fields = sorted(set().union(*(e.atoms(AppliedUndef) for e in entries)), key=str)
    if over is not None:
        axes = tuple(over) if isinstance(over, (list, tuple)) else (over,)
        if not axes or not all(isinstance(axis, sympy.Symbol) for axis in axes):
            raise ProblemError(
                f"`spd.{call}(..., over={shown(over)})` names no coordinates to differentiate by; write "
                f"`spd.{call}(..., over=(x, y))`."
            )
        swap = namesakes(axes, [c for f in fields for c in f.args if isinstance(c, sympy.Symbol)])
        return tuple(swap.get(axis, axis) for axis in axes)
    for applied in sorted(fields, key=lambda f: -len(f.args)):
        return tuple(c for c in applied.args if is_space(c))
    raise ProblemError(
        f"`spd.{call}({shown(field)})` contains no unknown field, so it is not known by which coordinates to "
        f"differentiate; name them, `spd.{call}(..., over=(x, y))`."
    )


def _check_length(call, field, n):
    if not isinstance(field, sympy.MatrixBase) or len(field) != n:
        size = len(field) if isinstance(field, sympy.MatrixBase) else "no"
        raise ProblemError(
            f"`spd.{call}` needs a column vector of {n} components, one for each space coordinate, and got {size} "
            f"components; build it with `spd.grad`, `spd.vector` or `sympy.Matrix`."
        )
