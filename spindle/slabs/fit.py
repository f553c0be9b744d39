"""Which problems slabs of time fit, in which space, and which ask for them."""

from spindle.geometry.domain import Box
from spindle.lowering.partials import replace_partials
from spindle.lowering.structure import analyse
from spindle.problem.problem import Problem
from spindle.problem.windows import of_time_alone
from spindle.slabs.rows import axes_of, place_of

SLABBED = ("auto", "elements")  # networks that may be solved slab by slab


def misfit(problem: Problem) -> str:
    """Why slabs and elements cannot take a problem; empty where they can."""
    time, others = axes_of(problem)
    if problem.has_integrals:
        return "its equation contains an integral"
    if not isinstance(problem.domain, Box):
        return "its domain is not a single box"
    if len(others) > (1 if time is not None else 2):
        return f"it has more than {'one coordinate besides time' if time is not None else 'two coordinates'}"
    if problem.tunable:
        return f"its parameter {problem.tunable[0].name} is not known"
    joined = {(j.expression, problem.coordinates.index(j.axis)) for j in problem.periodic.values()}
    axes = {axis for _, axis in joined}
    if not axes <= set(others) or any((u, axis) not in joined for u in problem.unknowns for axis in axes):
        return "it is periodic in some unknowns only, or along time"
    places = [
        (name, place, len(piece.terms))
        for name, pieces in problem.pieces.items()
        if name not in problem.periodic
        for piece in pieces
        for place, _ in piece.terms
    ]
    for name, place, terms in places:
        if terms > 1:
            return f"`{name}` joins two places"
        if place_of(place.support, problem, time) is None:
            return f"`{name}` holds neither at the start nor on a whole side"
    return ""


def in_the_plane(problem: Problem) -> bool:
    """Whether nothing starts in a problem of two coordinates."""
    time, others = axes_of(problem)
    return time is None and len(others) == 2


def misfit_of_waves(problem: Problem) -> str:
    """Why slabs of waves cannot take a problem; empty where they can."""
    time, others = axes_of(problem)
    if not isinstance(problem.domain, Box) or time is None or not 1 <= len(others) <= 3:
        return "it is not one of time and one to three other coordinates on a box, with initial conditions"
    if problem.tunable or problem.has_integrals:
        return "a parameter is not known, or its equation contains an integral"
    if problem.interfaces:
        return "it has interfaces"
    joined = {(j.expression, problem.coordinates.index(j.axis)) for j in problem.periodic.values()}
    if not all((u, k) in joined for u in problem.unknowns for k in others):
        return "not every unknown is periodic along every axis of space"
    known = {**problem.periodic, **problem.starts}
    aside = [c.name for c in problem.conditions if c.name not in known]
    if aside:
        return f"`{aside[0]}` is neither periodic nor an initial condition"
    plain = [u.diff(problem.coordinates[time], n) if n else u for u in problem.unknowns for n in range(3)]
    mixed = [name for name, start in problem.starts.items() if start.expression not in plain]
    return f"`{mixed[0]}` sets neither an unknown nor its rate" if mixed else ""


def prefers_waves(problem: Problem) -> bool:
    """Whether waves suit a problem: periodic, and of several axes or of third and higher order, thus without kinks."""
    if misfit_of_waves(problem):
        return False
    _, others = axes_of(problem)
    partials = [
        p for e in problem.equations for p in replace_partials(e.residual, problem.unknowns, problem.coordinates)[1]
    ]
    return len(others) > 1 or max(p.orders[k] for p in partials for k in others) > 2


def fits(problem: Problem) -> bool:
    """Whether slabs of elements or waves can take a problem."""
    return not misfit(problem) or prefers_waves(problem)


def varies(problem: Problem) -> bool:
    """Whether a solution may hold what nothing in the problem shows: fronts, layers, oscillations of an own pace."""
    return of_time_alone(problem) or (bool(problem.starts) and nonlinear(problem))


def nonlinear(problem: Problem) -> bool:
    """Whether some equation is: fronts and layers may form then that nothing in the data shows."""
    return not all(structure.linear for structure in analyse(problem))
