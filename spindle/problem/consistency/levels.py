"""Problems whose solution is fixed up to a constant, and whether their data allow a solution at all."""

from spindle.problem.consistency.balance import flux_balance
from spindle.problem.consistency.boundary_residuals import is_measured
from spindle.problem.consistency.definite import half_order
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, linearised


def undetermined_constants(problem) -> list[Doubt]:
    """A doubt where adding a constant changes nothing; a grave one where no solution exists."""
    if problem.has_integrals:
        return []
    sums = [c.name for c in problem.conditions if c.role.is_sum]
    posed = problem.without(sums) if sums else problem
    if sums and _sets_level(problem, sums):
        return [d for d in undetermined_constants(posed) if d.fatal]
    problem = posed
    rows = linearised(problem)
    if rows is None or len(rows) != 1 or len(problem.unknowns) != 1 or problem.time is not None:
        return []
    row = rows[0]
    if not problem.conditions or is_measured(problem) or half_order(row, problem) != 1 or not _is_free(problem, row):
        return []
    u = problem.unknowns[0].func.__name__
    balance = flux_balance(problem, row)
    if balance is not None and not balance.holds:
        return [
            Doubt(
                f"the source of {u} amounts to {balance.source:.4g} in the domain and the given flux to "
                f"{balance.flux:.4g} through its boundary, and without a condition on {u} itself these must be equal, "
                f"so no solution exists: correct one of them, or set {u} somewhere"
            )
        ]
    return [
        Doubt(
            f"neither the equation nor a condition sets {u} itself, so it is fixed up to a constant: set it on a part "
            f"of the boundary, or compare derivatives only",
            fatal=False,
        )
    ]


def _is_free(problem, row: Linear) -> bool:
    """Whether every residual stays as it is when a constant is added to the only unknown."""
    zero = (0,) * len(problem.coordinates)
    if row.of(zero) != 0 or any(zero == o and c != 0 for (_, o), c in row.coefficients.items()):
        return False
    for pieces in problem.pieces.values():
        for piece in pieces:
            shifts = [Linear(e, problem) for _, e in piece.terms]
            if not all(s.affine for s in shifts) or sum(s.of(zero) for s in shifts) != 0:
                return False
    return row.affine


def _sets_level(problem, names: list[str]) -> bool:
    """Whether a sum of values, by one of these conditions, changes when a constant is added to the only unknown."""
    zero = (0,) * len(problem.coordinates)
    pieces = [piece for name in names for piece in problem.pieces[name]]
    return any(sum(Linear(e, problem).of(zero) for _, e in piece.terms) != 0 for piece in pieces)
