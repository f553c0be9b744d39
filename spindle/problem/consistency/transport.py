"""Where a field that is only carried along flows in: there, and nowhere else, it takes a condition."""

import numpy as np

from spindle.geometry.face_parts import covers
from spindle.problem.consistency.boundary_residuals import equation_of, is_inverse
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, on_face, values_at
from spindle.problem.consistency.references import is_exact


def along(row: Linear, problem, axis: int, faces, conditions) -> list[Doubt]:
    """Doubts about a missing condition at an inflow and one at an outflow; none where the direction is unknown."""
    inflow = [(f, s) for f in faces if (s := _inwards(row, problem, axis, f))]
    given = {f.name for f in faces if any(covers(c.place, f) for c in conditions)}
    coming = list(dict.fromkeys(f.name for f, s in inflow if s > 0))
    leaving = list(dict.fromkeys(f.name for f, s in inflow if s < 0 and f.name in given))
    u, dry = problem.unknowns[0].func.__name__, [name for name in coming if name not in given]
    if problem.time is None:
        return _steady(u, faces, given, inflow)
    if dry and leaving:
        return [
            Doubt(
                f"{u} flows in at {dry[0]}, where it has no condition, and out at {leaving[0]}, where it has one that "
                f"nothing can fulfil: name the other side, `on={equation_of(dry[0])}`"
            )
        ]
    if dry:
        return [
            Doubt(
                f"{u} flows in at {dry[0]}, where it has no condition, so infinitely many solutions fit: add "
                f"`spd.Dirichlet({u}, 0, on={equation_of(dry[0])})`"
            )
        ]
    if leaving and not is_inverse(problem) and not is_exact(problem):
        return [
            Doubt(
                f"{u} flows out at {leaving[0]}, where its values follow from those upstream, and the condition there "
                f"fits them by chance only: leave it out",
                fatal=False,
            )
        ]
    return []


def _steady(u: str, faces, given, inflow) -> list[Doubt]:
    """A doubt where, without time, a field that is carried from one face to another is given at neither."""
    through = len(inflow) == len(faces) == 2 and inflow[0][1] != inflow[1][1]
    if not through or given:
        return []
    return [
        Doubt(
            f"{u} has a first derivative across {faces[0].name} and {faces[1].name} and a condition on neither, so "
            f"infinitely many solutions fit: add `spd.Dirichlet({u}, 0, on={equation_of(faces[0].name)})`"
        )
    ]


def _inwards(row: Linear, problem, axis: int, face) -> int:
    """1 where the field enters through a face, -1 where it leaves, 0 where neither is certain."""
    count, time = len(problem.coordinates), problem.time
    across = tuple(int(k == axis) for k in range(count))
    onwards = tuple(int(k == time) for k in range(count))
    if not row.is_clear(across) or (time is not None and not row.is_clear(onwards)):
        return 0
    points = on_face(face)
    speed = values_at(row.of(across), problem, points)
    if time is not None:
        with np.errstate(all="ignore"):
            speed = speed / values_at(row.of(onwards), problem, points)
    inwards = -face.outward * speed
    if not np.isfinite(inwards).all():
        return 0
    return 1 if np.all(inwards > 0) else -1 if np.all(inwards < 0) else 0
