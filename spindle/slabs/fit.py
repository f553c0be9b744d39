"""Which problems slabs of time fit, in which space, and which ask for them."""

import sympy

from spindle.geometry.domain import Box
from spindle.lowering.incompatible_faces import diffusivities, unmet_at_start
from spindle.lowering.partials import replace_partials
from spindle.lowering.structure import analyse
from spindle.problem.problem import Problem
from spindle.problem.windows import of_time_alone
from spindle.slabs.grid_rows import rates_matched
from spindle.slabs.rows import SIDES, SlabPart, axes_of, place_of
from spindle.symbolic.symbols import Parameter

_UNEVEN = 4.0  # the largest diffusivity by the least
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
    if len(others) > 1 and any(i.steps for i in problem.interfaces):
        return "elements of one axis alone are joined by what conditions say of an interface"
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
    return _unstarted(problem)


def prefers_waves(problem: Problem) -> bool:
    """Whether waves suit a problem: periodic, and of several axes or of third and higher order, thus without kinks."""
    if misfit_of_waves(problem):
        return False
    _, others = axes_of(problem)
    partials = [
        p for e in problem.equations for p in replace_partials(e.residual, problem.unknowns, problem.coordinates)[1]
    ]
    return len(others) > 1 or max(p.orders[k] for p in partials for k in others) > 2


def prefers_grids(problem: Problem) -> bool:
    """Whether polynomials between walls suit a problem: of several axes of space, where waves do not."""
    return not prefers_waves(problem) and not misfit_of_grids(problem)


def misfit_of_grids(problem: Problem) -> str:
    """Why slabs of polynomials between walls cannot take a problem; empty where they can."""
    time, others = axes_of(problem)
    if not isinstance(problem.domain, Box) or time is None or not 2 <= len(others) <= len(SIDES):
        return "it is not one of time and two or three other coordinates on a box, with initial conditions"
    if problem.tunable:
        return f"its parameter {problem.tunable[0].name} is not known"
    if problem.interfaces:
        return "it has interfaces"
    joined = {(j.expression, problem.coordinates.index(j.axis)) for j in problem.periodic.values()}
    if any((u, axis) not in joined for u in problem.unknowns for axis in problem.periodic_axes):
        return "it is periodic in some unknowns only"
    unmet = unmet_at_start(problem)
    if unmet and (len(others) > 2 or len(problem.starts) > len(problem.unknowns)):
        return f"the initial values do not meet the conditions at {unmet[0].name}"
    return _unstarted(problem) or _unspread(problem) or _misfit_of_walls(problem) or _uneven(problem)


def _uneven(problem: Problem) -> str:
    """Along which axis the diffusivity is too far from its mean for rounds to settle; empty where along none."""
    for axis in _times(problem)[1]:
        least, largest = diffusivities(problem, axis)
        if not largest <= _UNEVEN * least:
            return (
                f"as it starts, its diffusivity along {problem.coordinates[axis].name} goes from {least:.2g} to "
                f"{largest:.2g}"
            )
    return ""


def _unstarted(problem: Problem) -> str:
    """Which initial condition sets neither an unknown nor its rate; empty where none is like that."""
    time, _ = _times(problem)
    plain = [u.diff(problem.coordinates[time], n) if n else u for u in problem.unknowns for n in range(3)]
    mixed = [name for name, start in problem.starts.items() if start.expression not in plain]
    return f"`{mixed[0]}` sets neither an unknown nor its rate" if mixed else ""


def _unspread(problem: Problem) -> str:
    """Which unknown does not spread along all axes of space, by an equation of its rate; empty where all do."""
    time, others = _times(problem)
    known = [replace_partials(e.residual, problem.unknowns, problem.coordinates) for e in problem.equations]
    slopes = [{p: sympy.diff(expression, symbol) for p, symbol in partials.items()} for expression, partials in known]
    plain = [{p.unknown for p, slope in mine.items() if p.orders[time] and _is_constant(slope)} for mine in slopes]
    matched = rates_matched(plain, len(problem.unknowns))
    if matched is None:
        return "not every unknown has an equation of its own with a rate"
    for u, number in enumerate(matched):
        second = {p for p in slopes[number] if sum(p.orders[k] for k in others) > 1}
        along = {k for p in second for k in others if p.orders[k] == 2 and p.unknown == u and not p.orders[time]}
        mixed = any(p.orders[time] and any(p.orders[k] for k in others) for p in slopes[number])
        beyond = any(sum(p.orders[k] for k in others) > 2 or p.unknown != u for p in second)
        if along != set(others) or mixed or beyond:
            name = problem.unknowns[u].func.__name__
            return f"`{name}` does not spread along each axis by second derivatives of its own"
    return ""


def _misfit_of_walls(problem: Problem) -> str:
    """Which wall has no condition that says what one unknown is there; empty where all have."""
    time, others = axes_of(problem)
    said: dict[tuple[int, SlabPart], int] = {}
    for name, pieces in problem.pieces.items():
        if name in problem.periodic or name in problem.starts:
            continue
        for place, expression in (term for piece in pieces for term in piece.terms):
            side = place_of(place.support, problem, time)
            axis = next((k for k, pair in zip(others, SIDES, strict=False) if side in pair), None)
            u = None if axis is None else _unknown_at_wall(expression, axis, problem)
            if side is None or u is None:
                return f"`{name}` does not say what one unknown is, or how it changes across the wall"
            said[u, side] = said.get((u, side), 0) + 1
    walls = [side for k, pair in zip(others, SIDES, strict=False) for side in pair if k not in problem.periodic_axes]
    wrong = [u for u in range(len(problem.unknowns)) for side in walls if said.get((u, side)) != 1]
    return f"`{problem.unknowns[wrong[0]].func.__name__}` has not one condition on each wall" if wrong else ""


def _unknown_at_wall(expression, axis: int, problem: Problem) -> int | None:
    """The unknown u of which a u + b u' = g there, a and b constant; None where it is anything else."""
    bare, partials = replace_partials(expression, problem.unknowns, problem.coordinates)
    unknowns = {p.unknown for p in partials}
    across = all(sum(p.orders) == p.orders[axis] <= 1 for p in partials)
    constant = all(_is_constant(sympy.diff(bare, symbol)) for symbol in partials.values())
    return unknowns.pop() if len(unknowns) == 1 and across and constant else None


def _times(problem: Problem) -> tuple[int, tuple[int, ...]]:
    time, others = axes_of(problem)
    assert time is not None, "nothing starts"
    return time, others


def _is_constant(expression: sympy.Expr) -> bool:
    return all(isinstance(symbol, Parameter) for symbol in expression.free_symbols)


def unfit(problem: Problem) -> str:
    """Why no slabs of elements, waves or polynomials can take a problem; empty where some can."""
    if prefers_waves(problem):
        return ""
    time, others = axes_of(problem)
    several = isinstance(problem.domain, Box) and time is not None and 2 <= len(others) <= len(SIDES)
    return misfit_of_grids(problem) if several else misfit(problem)


def fits(problem: Problem) -> bool:
    """Whether slabs of elements, waves or polynomials can take a problem."""
    return not unfit(problem)


def varies(problem: Problem) -> bool:
    """Whether a solution may hold what nothing in the problem shows: fronts, layers, oscillations of an own pace."""
    return of_time_alone(problem) or (bool(problem.starts) and nonlinear(problem))


def driven(problem: Problem) -> bool:
    """Whether some equation has a source."""
    known = [replace_partials(e.residual, problem.unknowns, problem.coordinates) for e in problem.equations]
    return any(bare.xreplace(dict.fromkeys(partials.values(), sympy.S.Zero)) != 0 for bare, partials in known)


def nonlinear(problem: Problem) -> bool:
    """Whether some equation is: fronts and layers may form then that nothing in the data shows."""
    return not all(structure.linear for structure in analyse(problem))
