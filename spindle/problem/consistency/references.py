"""Solutions in closed form that do not solve their problem."""

import numpy as np
import sympy

from spindle.geometry.supports import BoundaryPart, BoxFace
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import has_code, inside, on_face, values_at
from spindle.problem.curves import oblique_curves, points_on
from spindle.symbolic.expressions import size_of
from spindle.symbolic.fluxes import on_side
from spindle.symbolic.levels import beside_level
from spindle.symbolic.operators import manufactured
from spindle.symbolic.symbols import Normal, unknowns_in
from spindle.symbolic.time_limit import within_limit
from spindle.symbolic.words import shown

_POINTS = 200
_TOLERANCE = 1e-5  # of the terms that make up a residual
_LARGEST = 3_000  # parts of an expression that solutions are put into
_CALLS = 400_000
_BESIDE = 1e-9  # of the axis: on which side of an interface


def unsatisfied_references(problem) -> list[Doubt]:
    """A doubt for each equation and condition that the closed forms of all its unknowns do not fulfil."""
    gaps: dict[str, tuple[list[str], float]] = {}
    for what, names, gap in sorted(problem.misfits, key=lambda misfit: -misfit[2]):
        if gap > _TOLERANCE:
            gaps.setdefault(what, (names, gap))
    return [
        Doubt(
            f"the reference of {', '.join(names)} does not fulfil the {what}, by {gap:.1g} of the size of its terms, "
            f"so errors against it say nothing: check both",
            fatal=False,
        )
        for what, (names, gap) in gaps.items()
    ]


def is_exact(problem) -> bool:
    """Whether closed forms of all unknowns are known and fulfil everything."""
    return set(closed_forms(problem)) == set(problem.unknowns) and not unsatisfied_references(problem)


def closed_forms(problem) -> dict:
    """The references of unknowns that are formulas, by unknown."""
    return {u: form for u, form in problem.closed_forms.items() if u in problem.unknowns}


def misfits(problem) -> list[tuple[str, list[str], float]]:
    """(what, names of its unknowns, share of its terms that is left) of all that closed forms can be put into.

    Parameters that are to be estimated have no values yet, so that what contains one is left out.
    """
    closed = closed_forms(problem)
    unknown = set(problem.tunable)
    listed = []
    for what, terms in _residuals(problem):
        whole = sympy.Tuple(*(e for _, e in terms))
        fields = unknowns_in(whole)
        if not fields or not set(fields) <= set(closed) or whole.free_symbols & unknown:
            continue
        if has_code(whole) or size_of(whole) > _LARGEST:
            continue
        gap = within_limit(lambda terms=terms: _gap(problem, terms, closed), _CALLS)
        if gap is not None:
            listed.append((what, [u.func.__name__ for u in fields], gap))
    return [*listed, *_across(problem, closed), *_across_curves(problem, closed)]


def _across(problem, closed):
    """(what, names, gap) of all that is continuous across interfaces."""
    for interface in problem.interfaces:
        x = problem.coordinates[interface.axis]
        near = _BESIDE * float(np.ptp(problem.domain.bounds[interface.axis]))
        # What is below the place, with what it grows by, and what is above it.
        pairs = {f"flux of `{name}`": (flux, flux) for name, flux in interface.fluxes.items()}
        steps = interface.steps or {u: u for u in closed}
        pairs |= {f"continuity of {u.func.__name__}": (below, u) for u, below in steps.items()}
        pairs |= {f"flux {shown(flux)}": (below, flux) for flux, below in interface.sources.items()}
        for what, both in pairs.items():
            expression = sympy.Tuple(*both)
            if not set(unknowns_in(expression)) <= set(closed) or expression.free_symbols & set(problem.tunable):
                continue
            sides = zip(both, (interface.left, interface.right), (-near, near), strict=True)
            known = (
                on_side(manufactured(e, closed), x, p + step).xreplace({x: sympy.Float(p, 17)}) for e, p, step in sides
            )
            left, right = (values_at(e, problem, inside(problem, _POINTS)) for e in known)
            size = max(_rms(left), _rms(right))
            if size > 0:
                names = [u.func.__name__ for u in unknowns_in(expression)]
                yield f"{what} at {x.name} = {interface.left:.6g}", names, _rms(left - right) / size


def _across_curves(problem, closed):
    """Likewise of interfaces across no axis."""
    for curve in oblique_curves(problem):
        points = points_on(curve, problem)
        fluxes = {f"flux of `{name}`": sides for name, sides in curve.fluxes.items()}
        for what, sides in ({f"continuity of {u.func.__name__}": (u, u) for u in closed} | fluxes).items():
            needed = set().union(*(unknowns_in(e) for e in sides))
            if not needed <= set(closed) or any(e.free_symbols & set(problem.tunable) for e in sides):
                continue
            first, second = (
                values_at(beside_level(manufactured(e, closed), curve.level, sign), problem, points)
                for e, sign in zip(sides, (-1, 1), strict=True)
            )
            size = max(_rms(first), _rms(second))
            if size > 0:
                names = sorted(u.func.__name__ for u in needed)
                yield f"{what} at {shown(curve.level)} = 0", names, _rms(first - second) / size


def _residuals(problem):
    for equation in (e for e in problem.equations if not e.integrals):
        yield f"equation `{equation.name}`", [(None, equation.residual)]
    for name, pieces in problem.pieces.items():
        for piece in pieces:
            if all(isinstance(place, (BoxFace, BoundaryPart)) for place, _ in piece.terms):
                yield f"condition `{name}`", list(piece.terms)


def _gap(problem, terms, closed) -> float:
    """The residual at random points, relative to its terms there and inside the domain.

    On the boundary alone the terms may vanish, one by one.
    """
    values, there, everywhere = [], 0.0, 0.0
    for place, expression in terms:
        points, normals = _points(problem, place)
        for part in sympy.Add.make_args(expression):
            known = manufactured(part, closed)
            values.append(values_at(known, problem, points, normals))
            there += _rms(values[-1])
            everywhere += _rms(values_at(known, problem, inside(problem, _POINTS)))
    size = max(there, everywhere)
    return _rms(np.sum(values, axis=0)) / size if size > 0 else 0.0


def _rms(values) -> float:
    """The root mean square of the finite values."""
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0


def _points(problem, place) -> tuple[np.ndarray, dict]:
    """Points (n, d) of the domain, a face or a wall, and on a wall the components (n,) of the normal there."""
    if place is None:
        return inside(problem, _POINTS), {}
    if isinstance(place, BoxFace):
        return on_face(place, _POINTS), {}
    sampled = place.shape.sampled
    chosen = np.flatnonzero(place.holds(*sampled.arrays))[:: max(1, len(sampled.points) // _POINTS)]
    normals = {Normal(c.name): n for c, n in zip(place.shape.coordinates, sampled.normals[chosen].T, strict=True)}
    if place.time is None:
        return sampled.points[chosen], normals
    low, high = place.bounds[place.time]
    instants = np.linspace(low, high, len(chosen))
    return np.insert(sampled.points[chosen], place.time, instants, axis=1), normals
