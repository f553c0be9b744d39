"""Conditions that set one thing to two values on the same part of the boundary, and initial data that run on."""

import itertools
from dataclasses import dataclass

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.geometry.face_parts import common
from spindle.geometry.supports import BoxFace
from spindle.problem.consistency.boundary_residuals import BoundaryResidual, boundary_residuals
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, on_face, values_at
from spindle.symbolic.symbols import is_time, unknowns_in

_TOLERANCE = 1e-9  # of the larger value


@dataclass(frozen=True)
class PrescribedQuantity:
    """A condition as `what = value`, divided by its first coefficient, on a part of the boundary."""

    condition: BoundaryResidual
    what: tuple
    value: sympy.Expr


def contradictions(problem) -> list[Doubt]:
    """One doubt for each pair of conditions that cannot hold together."""
    doubts: dict[tuple[str, str], Doubt] = {}
    conditions = [c for c in boundary_residuals(problem) if not c.periodic]
    for one, other in itertools.combinations(filter(None, (prescribed(c, problem) for c in conditions)), 2):
        names = (one.condition.name, other.condition.name)
        if names[0] == names[1] or names in doubts or one.what != other.what:
            continue
        where = _common(one, other, problem)
        if where is not None and _differ(one.value, other.value, problem, where):
            doubts[names] = Doubt(
                f"the conditions `{names[0]}` and `{names[1]}` set different values on "
                f"{_named(one, other)}, so at most one of them can hold there: name the part of each, `on={_part(one)}`"
            )
    return list(doubts.values())


def on_faces(problem) -> list[tuple[str, BoxFace, sympy.Expr]]:
    """(name, face, residual) of every condition that concerns a single face."""
    conditions = [c for c in boundary_residuals(problem) if not c.periodic]
    return [(c.name, c.place, c.residual) for c in conditions if isinstance(c.place, BoxFace)]


def is_plain(expression: sympy.Expr, problem) -> bool:
    """Whether an expression is data that can be evaluated: no unknown, no parameter, no given function."""
    return not expression.atoms(AppliedUndef) and expression.free_symbols <= set(problem.coordinates)


def prescribed(condition: BoundaryResidual, problem) -> PrescribedQuantity | None:
    """The condition as `what = value`; None where it is nonlinear, or the value is unknown."""
    linear = Linear(condition.residual, problem)
    if not linear.affine or not linear.coefficients or linear.rest.atoms(AppliedUndef):
        return None
    entries = sorted(linear.coefficients.items(), key=lambda item: (item[0][0].func.__name__, item[0][1]))
    first = entries[0][1]
    return PrescribedQuantity(condition, tuple((key, c / first) for key, c in entries), -linear.rest / first)


def prescribed_quantities(problem, conditions) -> set:
    """The left sides that the conditions set; one that is set twice is a contradiction or harmless."""
    return {quantity.what if (quantity := prescribed(c, problem)) else c.name for c in conditions}


def _common(one: PrescribedQuantity, other: PrescribedQuantity, problem) -> np.ndarray | None:
    """Points (n, d) of the part of the boundary that two conditions share; None where there is none."""
    first, second = one.condition.place, other.condition.place
    if isinstance(first, BoxFace) or isinstance(second, BoxFace):
        shared = common(first, second) if isinstance(first, BoxFace) and isinstance(second, BoxFace) else None
        return None if shared is None else on_face(shared)
    sampled = first.shape.sampled
    both = first.holds(*sampled.arrays) & second.holds(*sampled.arrays)
    points = sampled.points[both]
    if np.mean(both) < 0.01:
        return None
    if first.time is None:
        return points
    low, high = first.bounds[first.time]
    return np.insert(points, first.time, np.linspace(low, high, len(points)), axis=1)


def _differ(one, other, problem, points) -> bool:
    if one == other or problem.tunable:
        return False
    if not (one - other).free_symbols <= set(problem.coordinates) | set(problem.parameters):
        return False
    first, second = (values_at(value, problem, points) for value in (one, other))
    size = np.maximum(np.abs(first), np.abs(second))
    return bool(np.any(np.abs(first - second) > _TOLERANCE * size + 1e-300))


def _named(one: PrescribedQuantity, other: PrescribedQuantity) -> str:
    """The smaller part of the boundary of two conditions, as the condition calls it."""
    first, second = one.condition.place, other.condition.place
    if isinstance(first, BoxFace) and isinstance(second, BoxFace) and (shared := common(first, second)) is not None:
        return shared.name
    return second.name if first.name == "boundary" else first.name


def _part(one: PrescribedQuantity) -> str:
    place = one.condition.place
    return "Eq(x, 0)" if isinstance(place, BoxFace) else f'"{place.shape.sides[0]}"'


def running_starts(problem) -> list[Doubt]:
    """Doubts about initial values that depend on time, of which only the first instant is used."""
    return [
        Doubt(
            f"the initial value of `{name}` depends on t, and only what it is at the start is used: put the first "
            f"instant in, `.subs(t, 0)`, or use `spd.Dirichlet` for values at all times",
            fatal=False,
        )
        for name, (expression, value) in problem.starts.items()
        if any(map(is_time, value.free_symbols & set(problem.coordinates)))
        and not unknowns_in(value)
        and value != problem.reference.get(expression)
    ]
