"""Where the conditions of a problem hold."""

from dataclasses import dataclass
from typing import Any

import sympy

from spindle.geometry.supports import BoundaryPart, BoxFace


@dataclass(frozen=True)
class BoundaryResidual:
    """One residual of a condition at one part of the boundary.

    periodic   whether it is one side of a relation between two parts
    """

    name: str
    place: Any  # a `BoxFace` or a `BoundaryPart`
    residual: sympy.Expr
    periodic: bool


def boundary_residuals(problem) -> list[BoundaryResidual]:
    """Every residual of every condition on parts of the boundary; measurements are left out."""
    return [
        BoundaryResidual(name, place, residual, len(piece.terms) > 1)
        for name, pieces in problem.pieces.items()
        for piece in pieces
        for place, residual in piece.terms
        if isinstance(place, (BoxFace, BoundaryPart))
    ]


def is_measured(problem) -> bool:
    """Whether measurements, or what else is known elsewhere than on the boundary, may stand in for conditions."""
    return any(not c.role.is_on_parts and not c.role.is_sum for c in problem.conditions)


def is_inverse(problem) -> bool:
    """Whether the problem has measurements or parameters to be estimated."""
    return is_measured(problem) or bool(problem.tunable)


def equation_of(name: str) -> str:
    """A face or a part of one as a condition names it: `Eq(x, 1)` for the name `x=1`, `And(...)` for a part."""
    side, _, part = name.rstrip(")").partition(" (")
    bounds = part.split(", ") if part else []
    left, _, right = side.partition("=")
    relations = [f"Eq({left}, {right})"]
    for bound in bounds:
        terms = bound.split("<")
        several = [f"{terms[1]} > {terms[0]}", f"{terms[1]} < {terms[2]}"] if len(terms) == 3 else [bound]
        relations += several
    return relations[0] if not bounds else f"And({', '.join(relations)})"
