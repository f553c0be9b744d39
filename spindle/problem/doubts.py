"""What a problem may be but is hardly meant to be: no condition at all, or two that cannot hold together."""

import itertools

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.problem.domain import Face
from spindle.problem.functions import evaluate
from spindle.problem.problem import Problem
from spindle.problem.symbols import Parameter


def doubts(problem: Problem) -> list[str]:
    """One sentence for each doubt."""
    if not problem.conditions:
        return ["the problem has no condition, so infinitely many solutions fit it: impose one, `sp.Dirichlet(u, 0)`"]
    found: dict[tuple[str, str], str] = {}
    for (one, face, first), (other, same, second) in itertools.combinations(on_faces(problem), 2):
        if face == same and one != other and _differ(first - second, problem, face):
            found.setdefault(
                (one, other),
                f"the conditions `{one}` and `{other}` set different values on {face.name}, so at most one of them can "
                f"hold there: name the part of each, `on=Eq(x, 0)`",
            )
    return list(found.values())


def on_faces(problem: Problem) -> list[tuple[str, Face, sympy.Expr]]:
    """(name, face, residual) of every condition that concerns a single face."""
    return [
        (name, piece.terms[0][0], piece.terms[0][1])
        for name, pieces in problem.pieces.items()
        for piece in pieces
        if len(piece.terms) == 1 and isinstance(piece.terms[0][0], Face)
    ]


def _differ(gap, problem, face) -> bool:
    """Whether the gap of two residuals is plain data, and not zero on the face."""
    gap = gap.xreplace({p: sympy.Float(p.value) for p in gap.atoms(Parameter) if p.value is not None})
    if gap == 0 or not is_plain(gap, problem):
        return False
    low, high = np.array(face.bounds).T
    points = low + (high - low) * np.random.default_rng(0).uniform(size=(16, len(low)))
    values = evaluate(gap, dict(zip(problem.coordinates, points.T, strict=True)))
    return bool(np.any(np.abs(values) > 1e-9))


def is_plain(expression: sympy.Expr, problem: Problem) -> bool:
    """Whether an expression is data that can be evaluated: no unknown, no parameter, no coded function."""
    return not expression.atoms(AppliedUndef) and expression.free_symbols <= set(problem.coordinates)
