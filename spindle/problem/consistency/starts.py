"""Initial values counted against the order of the equations in time."""

from collections.abc import Sequence

from spindle.geometry.supports import BoxFace
from spindle.problem.consistency.boundary_residuals import BoundaryResidual, is_inverse
from spindle.problem.consistency.definite import backward
from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.linear import Linear, degrees, on_face
from spindle.problem.consistency.references import is_exact
from spindle.problem.consistency.values import prescribed_quantities


def in_time(problem, rows: list[Linear], asked: Sequence[int], conditions: Sequence[BoundaryResidual]) -> list[Doubt]:
    """Missing and superfluous conditions in time, and those that hold at the wrong end of it.

    asked   conditions along each coordinate
    """
    axis = problem.time
    given = [c for c in conditions if isinstance(c.place, BoxFace) and c.place.axis == axis]
    if axis is None or any(c.periodic for c in given):
        return []
    starts = [c for c in given if c.place.outward < 0]
    ends = len({c.name for c in given if c.place.outward > 0})
    first = next(f for f in problem.domain.faces if f.axis == axis and f.outward < 0)
    there = degrees(rows, problem, on_face(first))
    order = asked[axis] if there is None else min(asked[axis], there[axis])
    if len({c.name for c in starts}) + ends < order:
        return [_missing(problem, rows, axis, order, starts)]
    if len(problem.unknowns) > 1 or len(rows) > 1:
        return []
    doubts = backward(rows[0], problem, len(starts), ends, order)
    undetermined_constants = {
        max((o[axis] for _, o in Linear(c.residual, problem).coefficients), default=0) for c in starts
    }
    if not doubts and not ends and not set(range(order)) <= undetermined_constants:
        return [_missing(problem, rows, axis, order, starts)]
    return doubts + _superfluous(problem, axis, order, starts)


def _superfluous(problem, axis: int, order: int, starts: Sequence[BoundaryResidual]) -> list[Doubt]:
    if len(prescribed_quantities(problem, starts)) <= order or is_inverse(problem) or is_exact(problem):
        return []
    names = listed(f"`{c.name}`" for c in starts)
    return [
        Doubt(
            f"the equation of {problem.unknowns[0].func.__name__} is of order {order} in {problem.coordinates[axis]}, "
            f"and {names} give {len(starts)} values at the start, which hardly any solution has: leave one out",
            fatal=False,
        )
    ]


def _missing(problem, rows, axis: int, order: int, starts: Sequence[BoundaryResidual]) -> Doubt:
    t = problem.coordinates[axis].name
    known = {(u, orders[axis]) for c in starts for u, orders in Linear(c.residual, problem).coefficients}
    reached = [(u, orders[axis]) for row in rows for u, orders in row.coefficients]
    highest = {u: max(n for v, n in reached if v == u) for u in problem.unknowns if u in dict(reached)}
    missing = [(u, level) for u, top in highest.items() for level in range(top) if (u, level) not in known]
    u, level = missing[0] if missing else (problem.unknowns[0], 0)
    name = u.func.__name__
    written = name if level == 0 else f"{name}.diff({t})" if level == 1 else f"{name}.diff({t}, {level})"
    what = ("value", "velocity", "acceleration")[min(level, 2)]
    ask = "one condition" if order == 1 else f"{order} conditions"
    return Doubt(
        f"{name} has no initial {what}, and its equation asks for {ask} in {t}, so infinitely many solutions fit: add "
        f"`spd.Initial({written}, ...)`"
    )
