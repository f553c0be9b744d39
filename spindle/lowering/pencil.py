"""Eigenproblems as pencils: what a linear operator L and a mass M take of the unknowns, with `L u = lambda M u`."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from spindle.errors import ProblemError
from spindle.geometry.supports import BoundaryPart, BoxFace
from spindle.lowering.partials import Partial, replace_partials
from spindle.problem.problem import Problem
from spindle.symbolic.expressions import expanded_or_not
from spindle.symbolic.symbols import Parameter, is_time
from spindle.symbolic.words import shown

Operator = Mapping[Partial, sympy.Expr]


@dataclass(frozen=True)
class PencilRow:
    """One equation, or one term of a condition at its place: `operator - lambda * mass` vanishes.

    name       of the equation or condition
    place      of a condition; None: the equation holds inside
    operator   {partial: coefficient}
    mass       likewise
    """

    name: str
    place: BoxFace | BoundaryPart | None
    operator: Operator
    mass: Operator


@dataclass(frozen=True)
class Pencil:
    """A linear eigenproblem.

    problem      with numbers for its parameters
    eigenvalue   the parameter that is looked for
    equations    one row each
    pieces       of the conditions: rows whose sum vanishes
    """

    problem: Problem
    eigenvalue: Parameter
    equations: tuple[PencilRow, ...]
    pieces: tuple[tuple[PencilRow, ...], ...]


def pencil_of(problem: Problem) -> Pencil:
    """The pencil of a problem with an eigenvalue.

    Raises ProblemError where it has none, or is no linear and homogeneous eigenproblem in space.
    """
    eigenvalue = problem.eigenvalue
    if eigenvalue is None:
        raise ProblemError(
            f"`spd.eigenpairs({problem.name})` needs the parameter that is the eigenvalue, and there is none; write "
            f'`lam = spd.parameter("lam", eigenvalue=True)` and use it in the equation.'
        )
    _check_kind(problem, eigenvalue)
    numbers = {p: sympy.sympify(p.value) for p in problem.parameters if p.value is not None}
    reader = _Reader(problem, eigenvalue, numbers)
    equations = tuple(reader.row(e.name, None, e.residual) for e in problem.equations)
    if not any(row.mass for row in equations) and not any(eigenvalue in e.free_symbols for e in problem.expressions()):
        raise ProblemError(f"`{problem.name}` does not depend on its eigenvalue `{eigenvalue}`; use it in an equation.")
    pieces = tuple(
        tuple(reader.row(c.name, place, e) for place, e in piece.terms)
        for c in problem.conditions
        for piece in problem.pieces[c.name]
    )
    return Pencil(problem, eigenvalue, equations, pieces)


def _check_kind(problem: Problem, eigenvalue: Parameter) -> None:
    others = [p for p in problem.parameters if p != eigenvalue and (p.unknown or p.bounds or p.eigenvalue)]
    if others or any(isinstance(c, Parameter) for c in problem.coordinates):
        named = others[0].name if others else next(c.name for c in problem.coordinates if isinstance(c, Parameter))
        raise ProblemError(
            f"`{problem.name}` has the eigenvalue `{eigenvalue}` and the parameter `{named}`, which has no single "
            f"value; choose one, `problem.at({named}=...)`."
        )
    if any(map(is_time, problem.coordinates)):
        raise ProblemError(
            f"`{problem.name}` has the eigenvalue `{eigenvalue}` and the coordinate t, and eigenfunctions do not "
            f"depend on time; put `u = exp(-lambda*t)*v` and pose the problem of v in space."
        )
    if problem.complex_unknowns:
        raise ProblemError(
            f"`{problem.name}` has the eigenvalue `{eigenvalue}` and complex unknowns, whose two parts would count "
            f"each eigenvalue twice; pose it for a real unknown, whose eigenvalues may still be complex."
        )
    if problem.beside_parts:
        raise ProblemError(
            f"The condition `{problem.beside_parts[0]}` of `{problem.name}` does not hold along a part of the "
            f"boundary, and eigenfunctions have no size of their own that it could fix; leave it out."
        )


@dataclass(frozen=True)
class _Reader:
    problem: Problem
    eigenvalue: Parameter
    numbers: Mapping

    def row(self, name: str, place, expression) -> PencilRow:
        """The row of an expression that is linear in the unknowns and in the eigenvalue; raises ProblemError."""
        problem, value = self.problem, self.eigenvalue
        read, symbols = replace_partials(expression, problem.unknowns, problem.coordinates)
        read = expanded_or_not(read.xreplace(dict(self.numbers)))
        swap = dict.fromkeys(symbols.values(), sympy.S.Zero)
        source = read.xreplace(swap)
        if expanded_or_not(source) != 0:
            raise ProblemError(
                f"`{name}` of `{problem.name}` contains {shown(source)} beside the unknown, and an eigenproblem is "
                f"homogeneous: multiples of an eigenfunction are ones too; set it to zero."
            )
        operator, mass = {}, {}
        for partial, symbol in symbols.items():
            coefficient = sympy.diff(read, symbol)
            slope = sympy.diff(coefficient, value)
            if coefficient.free_symbols & set(symbols.values()) or value in slope.free_symbols:
                raise ProblemError(
                    f"`{name}` of `{problem.name}` is not linear in the unknown and in the eigenvalue `{value}`, and "
                    f"eigenpairs are those of `L(u) = {value}*M(u)`; a nonlinear problem has solutions one by one."
                )
            operator[partial], mass[partial] = coefficient.xreplace({value: sympy.S.Zero}), -slope
        return PencilRow(name, place, _present(operator), _present(mass))


def _present(operator: Operator) -> Operator:
    return {partial: coefficient for partial, coefficient in operator.items() if coefficient != 0}
