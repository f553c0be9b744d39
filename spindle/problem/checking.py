"""What can be wrong with a problem before any number is computed."""

from collections.abc import Iterable

import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError, nearest
from spindle.geometry.supports import BoundaryPart
from spindle.problem.content import check_conditions, check_equations, check_values
from spindle.problem.references import Reference
from spindle.symbolic.refusals import delayed
from spindle.symbolic.symbols import (
    Normal,
    Parameter,
    alike,
    is_given,
    is_space,
    unknowns_in,
)
from spindle.symbolic.tables import check_cover, tables_in
from spindle.symbolic.words import shown


def check_problem(problem):
    """Raise ProblemError for everything that can be wrong before any number is computed."""
    if not problem.equations:
        raise ProblemError("`spd.Problem(equations=[])` has no equation, so there is nothing to solve; add one.")
    check_values(problem)
    if not problem.unknowns and not any(unknowns_in(e.written) for e in problem.equations):
        raise ProblemError(
            f"`spd.Problem` named `{problem.name}` contains no unknown field; declare one with "
            f'`u = spd.unknown("u", {", ".join(map(str, problem.coordinates))})` and use it in the equations.'
        )
    _check_places(problem)
    check_equations(problem)
    for repeated in _repeated(u.func.__name__ for u in problem.unknowns):
        raise ProblemError(
            f"The unknown `{repeated}` occurs with different arguments in `{problem.name}`, "
            f"{[u for u in problem.unknowns if u.func.__name__ == repeated]}; declare it once, `{repeated} = "
            f'spd.unknown("{repeated}", {", ".join(map(str, problem.coordinates))})`, and use that everywhere.'
        )
    for repeated in _repeated(p.name for p in problem.parameters):
        raise ProblemError(
            f"`{problem.name}` has two different parameters named `{repeated}`, and results are reported by name; "
            f"declare it once and use that everywhere."
        )
    for repeated in _repeated(e.name for e in problem.equations):
        raise ProblemError(f"`{problem.name}` has two equations named `{repeated}`; give each a name of its own.")
    for u in problem.unknowns:
        if set(u.args) != set(problem.coordinates):
            raise ProblemError(
                f"The unknown `{u}` depends on {u.args}, but the domain has the coordinates {problem.coordinates}"
                + alike(u.args, problem.coordinates)
                + f'; both must be the same: `spd.unknown("{u.func.__name__}", '
                + f"{', '.join(map(str, problem.coordinates))})`."
            )
    _check_expressions(problem)
    check_conditions(problem)
    tables_in(problem.expressions())
    _check_quantities(problem)
    for u, known in problem.known.items():
        _check_reference(problem, u, known)


def _check_places(problem) -> None:
    """Raise ProblemError where an unknown is taken at another place than where the equation or condition holds."""
    for u in problem.unknowns:
        if any(not isinstance(a, sympy.Symbol) and a.free_symbols & set(problem.coordinates) for a in u.args):
            raise ProblemError(delayed(str(u), u.func.__name__))


def _check_expressions(problem) -> None:
    """Whether equations and conditions contain known symbols only, and unknowns at the coordinates only."""
    allowed = set(problem.coordinates)
    normals = {Normal(c.name) for c in problem.coordinates if is_space(c)}
    named: list[tuple[str, sympy.Expr, set]] = [(f"equation `{e.name}`", e.residual, set()) for e in problem.equations]
    named += [
        (f"condition `{c.name}`", e, normals if isinstance(part, BoundaryPart) else set())
        for c in problem.conditions
        for p in problem.pieces[c.name]
        for part, e in p.terms
    ]
    for where, expression, known in named:
        stray = {s for s in expression.free_symbols - allowed - known if not isinstance(s, Parameter)}
        if stray:
            names = sorted(s.name for s in stray)
            raise ProblemError(
                f"The {where} contains `{names[0]}`, which is neither a coordinate of the domain nor a parameter, so "
                f'it has no value; add it to the domain, or declare `spd.parameter("{names[0]}", value)`.'
                + nearest(names[0], [c.name for c in problem.coordinates])
            )
        for function in expression.atoms(AppliedUndef):
            check_cover(function, problem.coordinates, problem.domain.bounds)
            if not is_given(function) and set(function.args) != allowed:
                raise ProblemError(
                    f"The {where} contains `{function}`, an unknown that is not taken at the coordinates "
                    f"{problem.coordinates}; delayed or restricted unknowns cannot be represented."
                )


def _check_quantities(problem) -> None:
    taken = [u.func.__name__ for u in problem.unknowns] + [c.name for c in problem.coordinates]
    for name, e in problem.quantities.items():
        if name in taken:
            raise ProblemError(
                f"The quantity `{name}` of `{problem.name}` is called as an unknown or a coordinate is, and results "
                f"are reported by name; choose another."
            )
        stray = [f for f in unknowns_in(e) if f not in problem.unknowns]
        stray += sorted(e.free_symbols - set(problem.coordinates) - e.atoms(Parameter), key=str)
        if stray or not unknowns_in(e):
            reason = f"contains `{stray[0]}`, which is none of the problem's" if stray else "contains no unknown"
            raise ProblemError(
                f"The quantity `{name}` of `{problem.name}` {reason}; write an expression in "
                f"{', '.join(map(str, problem.unknowns))}."
            )


def _repeated(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _check_reference(problem, u, known: Reference) -> None:
    if u not in problem.fields.values():
        instead = " but its name in quotes; write the unknown itself, `reference={u: exact}`" * isinstance(u, str)
        raise ProblemError(
            f"`spd.Problem(reference=...)` has a solution for {shown(u)}, which is no unknown of the problem{instead}."
            + nearest(shown(u), list(problem.fields))
        )
    known.check(shown(u), problem.coordinates)
