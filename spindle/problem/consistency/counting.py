"""Conditions counted against the orders of the equations, along each coordinate of a box or of boxes joined."""

import numpy as np
from sympy.core.function import AppliedUndef

from spindle.geometry.face_parts import covers, divided
from spindle.geometry.supports import BoundaryPart, BoxFace
from spindle.problem.consistency import transport
from spindle.problem.consistency.boundary_residuals import boundary_residuals, equation_of, is_inverse, is_measured
from spindle.problem.consistency.definite import half_order
from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.linear import degrees, inside, linearised, on_face, values_at
from spindle.problem.consistency.references import is_exact
from spindle.problem.consistency.sides import sides_with_too_many, sides_without_conditions
from spindle.problem.consistency.starts import in_time
from spindle.problem.consistency.values import prescribed_quantities
from spindle.symbolic.expressions import expanded_or_not


def wrong_counts(problem) -> list[Doubt]:
    """Missing and superfluous equations and conditions; nothing where measurements may stand in for them."""
    if is_measured(problem):
        return []
    rows, conditions = linearised(problem), boundary_residuals(problem)
    asked = degrees(rows, problem, inside(problem)) if rows else None
    if not conditions and not _sums(problem) and (asked is None or any(asked)):
        return [
            Doubt(
                f"the problem has no condition, so infinitely many solutions fit it: impose one, "
                f"`spd.Dirichlet({problem.unknowns[0].func.__name__}, 0)`"
            )
        ]
    doubts = _equations(problem, rows)
    if rows is None or asked is None or doubts:
        return doubts
    doubts += in_time(problem, rows, asked, conditions)
    return doubts + _in_space(problem, rows, asked, conditions)


def _equations(problem, rows) -> list[Doubt]:
    have, need = len(problem.equations), len(problem.unknowns)
    names = listed(u.func.__name__ for u in problem.unknowns)
    if have < need:
        return [
            Doubt(
                f"there are {need} unknowns, {names}, and {have} equation{'s' * (have > 1)}, so infinitely many fields "
                f"fit: add {need - have}, or give what is known as a formula"
            )
        ]
    # Redundant equations are usual in systems, and of first order they say that a field is a gradient.
    further = have > need == 1 and rows and max(row.order for row in rows) > 1 and not _is_derived(problem)
    if further and not is_exact(problem):
        return [
            Doubt(
                f"there are {have} equations for the single unknown {names}, and hardly any field fulfils all: the "
                f"solution will be a compromise between them",
                fatal=False,
            )
        ]
    return []


def _is_derived(problem) -> bool:
    """Whether all equations but the first are derivatives of it, up to their sign."""
    first, *others = [e.residual for e in problem.equations]
    slopes = [first.diff(c) for c in problem.coordinates]
    return all(any(expanded_or_not(s + k * e) == 0 for s in slopes for k in (-1, 1)) for e in others)


def _in_space(problem, rows, asked, conditions) -> list[Doubt]:
    alone = rows[0] if len(rows) == 1 else None
    half = half_order(alone, problem) if alone else 0
    # Along a single axis everything may be given at one end, as a problem with initial values.
    half = half if len(problem.coordinates) > 1 else 0
    if not problem.domain.boxes:
        walls = [c for c in conditions if isinstance(c.place, BoundaryPart)]
        need = half or min(1, max(asked[k] for k in problem.space) // 2)
        bare = sides_without_conditions(problem, walls, need)
        return bare if bare or not half else sides_with_too_many(problem, walls, half)
    periodic = {c.place.axis for c in conditions if c.periodic}
    open_axes = [k for k in problem.space if asked[k] and k not in periodic]
    if half:
        return _on_faces(
            problem, rows, [f for k in open_axes for f in _parts_across(problem, k, conditions)], conditions, half
        )
    doubts: list[Doubt] = []
    for axis in open_axes:
        on_axis = [c for c in conditions if c.place.axis == axis]
        faces = _parts_across(problem, axis, conditions)
        if alone and asked[axis] == 1 and not _sums(problem):
            doubts += transport.along(alone, problem, axis, faces, on_axis)
        else:
            doubts += _together(problem, rows, axis, asked, on_axis, faces)
    missing = [d for d in doubts if d.fatal]
    return missing or doubts


def _parts_across(problem, axis: int, conditions) -> list:
    """The sides of boxes across an axis, cut into parts on each of which the same conditions hold."""
    places = [c.place for c in conditions if isinstance(c.place, BoxFace) and c.place.axis == axis]
    return [part for f in problem.domain.faces if f.axis == axis for part in divided(f, places, problem.domain)]


def _on_faces(problem, rows, faces, conditions, half: int) -> list[Doubt]:
    """Doubts where a part of a side has not half as many conditions as the order across it."""
    count = {f: len({c.name for c in conditions if covers(c.place, f)}) for f in faces}
    short = [f for f in faces if count[f] < half]
    # Where the coefficients vanish on a side, or have no values there, fewer conditions may do.
    certain = [(f, degrees(rows, problem, on_face(f))) for f in short]
    short = list({f.name: f for f, there in certain if there is not None and there[f.axis] >= 2 * half}.values())
    u = problem.unknowns[0].func.__name__
    if len(problem.space) == 1 and sum(count.values()) + _sums(problem) >= half * len(faces):
        short = []
    if short:
        have, verb = ("no condition", "is") if half == 1 else ("fewer conditions than that", "are")
        return [
            Doubt(
                f"the equation of {u} has derivatives of order {2 * half} across {listed(f.name for f in short)} and "
                f"asks for {half} condition{'s' * (half > 1)} there, but there {verb} {have}, so "
                f"infinitely many solutions fit: add `{_example(problem, short[0], conditions)}`"
            )
        ]
    many = list(
        dict.fromkeys(
            f.name
            for f in faces
            if len(prescribed_quantities(problem, [c for c in conditions if covers(c.place, f)])) > half
        )
    )
    if not many or is_inverse(problem) or is_exact(problem):
        return []
    crowded = next(f for f in faces if f.name == many[0])
    names = dict.fromkeys(f"`{c.name}`" for c in conditions if covers(c.place, crowded))
    return [
        Doubt(
            f"{listed(names)} all hold on {many[0]}, where the equation of {u} takes {half}, so hardly any solution "
            f"fulfils all of them: leave one out",
            fatal=False,
        )
    ]


def _together(problem, rows, axis: int, asked, conditions, faces) -> list[Doubt]:
    """A doubt where both sides together have fewer conditions than the order across them, if that is certain."""
    if len(problem.domain.boxes) > 1:
        return []
    need = asked[axis]
    for face in faces:
        there = degrees(rows, problem, on_face(face))
        need = min(need, 0 if there is None else there[axis])
    counts = {f: len({c.name for c in conditions if covers(c.place, f)}) for f in faces}
    # The parts of one side count by the one that has fewest.
    have = sum(min(n for f, n in counts.items() if f.outward == side) for side in {f.outward for f in faces})
    have += _sums(problem)
    bare = [f for f in faces if not counts[f]]
    unset = _unset(problem, rows, axis, conditions)
    certain = len(rows) == 1 or unset or (bare and not _may_flow_out(rows, problem, axis))
    if have >= need or not certain or (len(rows) == 1 and not _keeps_type(problem, rows[0])):
        return []
    missing = _example(problem, bare[0] if bare else faces[-1], conditions, unset)
    return [
        Doubt(
            f"the equations ask for {need} conditions in {problem.coordinates[axis]} on both sides together, and there "
            f"{'is' if have == 1 else 'are'} {have or 'none'}, so infinitely many solutions fit: add `{missing}`"
        )
    ]


def _sums(problem) -> int:
    """How many conditions on sums of values there are along one axis of space, at all times where there is time."""
    if len(problem.space) > 1:
        return 0
    timed = len(problem.space) < len(problem.coordinates)
    sums = [problem.pieces[c.name] for c in problem.conditions if c.role.is_sum]
    places = [[place for piece in pieces for place, _ in piece.terms] for pieces in sums]
    return sum(not timed or any(p.sums is not None and len(p.sums) > 1 for p in several) for several in places)


def _keeps_type(problem, row) -> bool:
    """Whether no coefficient of a second or higher derivative changes its sign, as where a flow becomes supersonic."""
    higher = [c for (_, orders), c in row.coefficients.items() if sum(orders) > 1]
    values = [values_at(c, problem, inside(problem)) for c in higher]
    return all(np.all(v >= 0) or np.all(v <= 0) for v in values)


def _unset(problem, rows, axis: int, conditions) -> list:
    """The unknowns with second derivatives along an axis that occur in no condition at its ends."""
    curved = {u for row in rows for u, orders in row.coefficients if orders[axis] > 1}
    return [u for u in problem.unknowns if u in curved and not any(c.residual.has(u) for c in conditions)]


def _may_flow_out(rows, problem, axis: int) -> bool:
    """Whether fields are only carried along the axis, by a speed that is no constant and may leave at both sides."""
    carried = [c for row in rows for (_, orders), c in row.coefficients.items() if orders[axis] == 1]
    second = [o for row in rows for _, o in row.coefficients if o[axis] > 1]
    return not second and any(c.free_symbols - set(problem.parameters) for c in carried)


def _example(problem, side: BoxFace, conditions, unset=()) -> str:
    """A condition that may be missing on a side: on the value; where that is set already, on the slope."""
    u = (*unset, *problem.unknowns)[0]
    there = [c.residual for c in conditions if covers(c.place, side)]
    kind = "Neumann" if any(u in residual.atoms(AppliedUndef) for residual in there) else "Dirichlet"
    return f"spd.{kind}({u.func.__name__}, 0, on={equation_of(side.name)})"
