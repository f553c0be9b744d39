"""Where the conditions of a problem hold."""

from dataclasses import dataclass
from typing import Any

import sympy

from spindle.problem.domain import Face, Wall


@dataclass(frozen=True)
class Held:
    """One residual of a condition at one part of the boundary.

    periodic   whether it is one side of a relation between two parts
    """

    name: str
    place: Any  # a `Face` or a `Wall`
    residual: sympy.Expr
    periodic: bool


def held(problem) -> list[Held]:
    """Every condition on parts of the boundary."""
    return [
        Held(name, place, residual, len(piece.terms) > 1)
        for name, pieces in problem.pieces.items()
        for piece in pieces
        for place, residual in piece.terms
        if isinstance(place, (Face, Wall))
    ]


def is_measured(problem) -> bool:
    """Whether measurements, or what else is known elsewhere than on the boundary, may stand in for conditions."""
    return bool(problem.beside_parts)


def is_inverse(problem) -> bool:
    """Whether there is more to be found than the fields."""
    return is_measured(problem) or bool(problem.tunable)


def equation_of(name: str) -> str:
    """The name of a face, `x=1`, as it is written in a condition."""
    left, _, right = name.partition("=")
    return f"Eq({left}, {right})"
