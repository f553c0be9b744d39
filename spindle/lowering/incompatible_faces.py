"""Walls whose values disagree with the initial data where the two meet.

Just after the start the solution then has a layer of thickness sqrt(t) along such a wall, and the residual of a
parabolic equation is not square integrable on anything that approximates it: least squares would trade the solution
everywhere for a smaller residual in the layer. Multiplied by the distance from the wall, the residual is harmless.
"""

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.geometry.supports import BoxFace
from spindle.lowering.compile import with_constants
from spindle.lowering.partials import Partial, replace_partials
from spindle.problem.consistency.values import is_plain, on_faces
from spindle.problem.problem import Problem
from spindle.symbolic.expressions import expanded_or_not
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import is_time

_TOLERANCE = 1e-2  # of the size of the initial data: smaller gaps do less harm than an equation that counts less
_MET = 1e-7  # likewise, up to which a wall and the start agree


def incompatible_faces(problem: Problem) -> list[BoxFace]:
    """The faces whose boundary value differs clearly from the initial value at the edge where both are imposed."""
    starts: list[tuple[BoxFace, sympy.Expr]] = []
    walls: list[tuple[BoxFace, sympy.Expr]] = []
    for _, face, residual in on_faces(problem):
        side = starts if is_time(problem.coordinates[face.axis]) else walls
        side.append((face, with_constants(residual)))
    clashing = [
        wall for wall, value in walls for start, initial in starts if _clash(problem, start, initial, wall, value)
    ]
    return list(dict.fromkeys(clashing))


def unmet_at_start(problem: Problem) -> list[BoxFace]:
    """The walls whose conditions, of values or slopes, the initial values do not meet, however slightly.

    Those that cannot be evaluated beforehand are taken to be met.
    """
    starts = {start.expression: with_constants(start.value) for start in problem.starts.values()}
    begun = {u: starts[u] for u in problem.unknowns if u in starts}
    walls = [(face, residual) for _, face, residual in on_faces(problem) if face.axis != problem.time]
    unmet = [face for face, residual in walls if _is_unmet(problem, face, with_constants(residual), begun)]
    return list(dict.fromkeys(unmet))


def _is_unmet(problem: Problem, face: BoxFace, residual: sympy.Expr, begun) -> bool:
    gap = residual.subs(begun).doit()
    if not is_plain(gap, problem):
        return False
    points = _at_start(problem)
    points[:, face.axis] = face.value
    terms = [np.abs(_values(term, problem, points)) for term in sympy.Add.make_args(gap)]
    sizes = [
        np.abs(_values(value, problem, _points(problem))).max() for value in begun.values() if is_plain(value, problem)
    ]
    size = max([*sizes, *(term.max() for term in terms)])
    return bool(np.abs(_values(gap, problem, points)).max() > _MET * size)


def diffusivities(problem: Problem, axis: int) -> tuple[float, float]:
    """The least and the largest a of equations u_t = a u_xx + .. along an axis, as the problem starts.

    (1, 1) where there are none, or none that can be evaluated.
    """
    starts = {start.expression: with_constants(start.value) for start in problem.starts.values()}
    points, values = _at_start(problem), list[np.ndarray]()
    for equation in problem.equations:
        bare, partials = replace_partials(equation.residual, problem.unknowns, problem.coordinates)
        known = {s: starts.get(problem.unknowns[p.unknown], 0) if not p.total else 0 for p, s in partials.items()}
        slopes = {p: with_constants(sympy.diff(bare, s)).subs(known).doit() for p, s in partials.items()}
        rates = [slope for p, slope in slopes.items() if _is_rate(p, problem) and slope != 0]
        values += [
            _values(-slope / rate, problem, points)
            for p, slope in slopes.items()
            for rate in rates
            if p.orders[axis] == 2 == p.total and is_plain(slope / rate, problem)
        ]
    return (float(np.min(values)), float(np.max(values))) if values else (1.0, 1.0)


def _is_rate(p: Partial, problem: Problem) -> bool:
    return p.total == 1 and problem.time is not None and p.orders[problem.time] == 1


def _at_start(problem: Problem) -> np.ndarray:
    points, time = _points(problem), problem.time
    assert time is not None, "nothing starts"
    points[:, time] = float(problem.domain.bounds[time][0])
    return points


def _points(problem: Problem) -> np.ndarray:
    low, high = np.array(problem.domain.bounds, float).T
    return low + (high - low) * np.random.default_rng(0).uniform(size=(64, len(low)))


def _clash(problem, start: BoxFace, initial, wall: BoxFace, value) -> bool:
    """Whether initial and boundary condition both set the value, and differ clearly on their common edge."""
    gap = expanded_or_not(initial - value)
    if start.axis == wall.axis or gap == 0 or not is_plain(gap, problem):
        return False
    points = _points(problem)
    points[:, start.axis] = start.value
    data = initial.xreplace({u: sympy.S.Zero for u in initial.atoms(AppliedUndef)}).doit()
    size = _values(data, problem, points)
    points[:, wall.axis] = wall.value
    gaps = _values(gap, problem, points)
    return bool(np.max(np.abs(gaps)) > _TOLERANCE * max(np.max(np.abs(size)), np.max(np.abs(gaps))))


def _values(expression, problem, points):
    values = evaluate(expression, dict(zip(problem.coordinates, points.T, strict=True)))
    return np.broadcast_to(np.asarray(values, float), len(points))
