"""The plan of a problem that is solved on elements along one axis, slab by slab of time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from spindle.derivatives.on_grids import OnLattice
from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.lowering.breaks import breaks
from spindle.lowering.constraints import no_constraints
from spindle.lowering.incompatible_faces import diffusivities, unmet_at_start
from spindle.lowering.residuals import ResidualForms, residual_forms
from spindle.lowering.scales import scales_of
from spindle.methods.assembly import assemble
from spindle.methods.base import Plan
from spindle.networks.piecewise import PiecewiseField
from spindle.networks.series import AxisSeries
from spindle.objective.objective import Objective
from spindle.points.cloud import Cloud
from spindle.points.lattice import Lattice
from spindle.problem.consistency.values import on_faces
from spindle.problem.meetings import NEAR, part_ends
from spindle.problem.problem import Problem
from spindle.slabs.elements import Elements
from spindle.slabs.fit import misfit_of_waves, nonlinear, prefers_grids, prefers_waves
from spindle.slabs.grids import Grids
from spindle.slabs.march import Aim
from spindle.slabs.plane import PlaneElements, mesh_of
from spindle.slabs.rows import SlabRows, axes_of, slab_rows
from spindle.slabs.training import Marching, Way
from spindle.slabs.waves import Waves

_DEGREE = {True: 8, False: 12}  # in slabs of time of a problem with an axis of space, and of time alone
_ELEMENTS = 8  # to begin with
_WAVES = {1: 105, 2: 49, 3: 33}  # points on each axis, by how many there are: along one, waves cost next to nothing
_DEGREE_OF_WAVES = {1: 12, 2: 8, 3: 8}  # in slabs of time, likewise
_POLYNOMIALS = {2: 33, 3: 21}  # points between walls, likewise
_LAYERED = 65  # and where walls have layers
_LEFT_OUT = 1e-8  # share of the time that makes a layer of its own
_MOST_STRETCHED = {
    False: 6.0,
    True: 4.0,
}  # see `AxisSeries`, by whether walls have slopes: modes of those are less exact
_FINE, _ROUGH = 1e-8, 1e-5  # tolerances: where the finer one cannot be reached, the rougher one is tried
_ON_A_LINE = (1e-9, 1e-7, 1e-5)  # likewise, of waves along one axis
_IN_THE_PLANE = (1e-6, 1e-4)  # likewise, of waves along several axes
_POINTS = 300_000  # of all axes of space together
_TILES = 4  # elements along each of two axes to begin with
_AT_REST, _MOST_AT_REST = 1e-8, 60_000  # tolerance of elements in the plane, and the most unknowns
_ACROSS = 1e-10  # likewise, where materials differ: so do the errors that the same residuals stand for
_CLOSER, _LEVELS = 3, 7  # of elements towards singular places of the boundary: finer ones cost digits
_INTERIOR, _BOUNDARY, _LATTICE = 4096, 64, 24  # fresh points, and those on each axis of a lattice


def on_elements(problem: Problem, s: Any, notes: Sequence[str], phase: int = 0) -> Plan:
    """The plan of a problem that elements fit.

    s       the method with everything decided
    phase   the number under which the record keeps what is made
    """
    free = no_constraints(problem)
    constraints = replace(free, scales=scales_of(problem)) if s.scales == "auto" else free
    forms = residual_forms(problem, constraints, graded=True)
    gridded = prefers_waves(problem) or prefers_grids(problem)
    objective = partial(_on_lattice if gridded else _on_points, forms, s)
    whole = objective(fresh=False)
    marching = _marching(forms, whole.weights(s.weights, s.conditions), phase)
    sentences = [constraints.scales.sentence] if constraints.scales.sentence else []
    fresh = partial(objective, fresh=True)
    plan = assemble(whole, fresh, lambda key: marching.field(), s, (*notes, *sentences))
    return replace(plan, march=marching, following=partial(_following, forms, s))


def _on_lattice(forms: ResidualForms, s: Any, *, fresh: bool) -> Objective:
    counts = (_LATTICE,) * len(forms.problem.coordinates)
    lattice = Lattice(forms.supports, counts, "random" if fresh else "midpoint")
    return Objective(forms, OnLattice(lattice, forms.needs), faces=s.faces)


def _on_points(forms: ResidualForms, s: Any, *, fresh: bool, cells=None) -> Objective:
    cloud = Cloud(
        forms.supports,
        forms.groups,
        interior=_INTERIOR,
        boundary=_BOUNDARY,
        rule="random" if fresh else "sobol",
        breaks=breaks(forms.problem),
        cells=cells,
    )
    return Objective(forms, PointwiseTaylor(cloud, forms.needs, together=True), faces=s.faces)


def _following(forms: ResidualForms, s: Any, field: PiecewiseField) -> Objective:
    """The objective on random points that follow the elements of a field."""
    return _on_points(forms, s, fresh=True, cells=field.cells())


def _marching(forms: ResidualForms, weights: dict, phase: int) -> Marching:
    problem = forms.problem
    rows = slab_rows(forms, weights)
    _, others = axes_of(problem)
    names = tuple(problem.coordinates[k].name for k in others)
    time, _ = axes_of(problem)
    instants = () if time is None else tuple(breaks(problem)[time])
    ways = [(space, mesh, aim) for kind in _kinds(rows, problem) for space, mesh, aim in kind]
    return Marching(tuple(Way(*way) for way in ways), _times(problem), names, instants, phase, nonlinear(problem))


def _kinds(rows: SlabRows, problem: Problem) -> Iterator[list]:
    """The ways of each kind in turn, from the finest aim down."""
    if prefers_waves(problem):
        waves, points = _waves(rows, problem)
        # Of a stream function it is the vorticity that counts, whose last waves are larger.
        aims: tuple[float, ...] = (_FINE, _ROUGH) if rows.order > 2 else _IN_THE_PLANE
        aims = _ON_A_LINE if len(points) == 1 else aims
        yield [(waves, points, Aim(tolerance, _POINTS)) for tolerance in aims]
        return
    if prefers_grids(problem):
        grids, points = _grids(rows, problem)
        yield [(grids, points, Aim(tolerance, _POINTS)) for tolerance in (_FINE, _ROUGH)]
        return
    during = 0 if rows.time is None else _DEGREE[bool(rows.others)]
    if len(rows.others) > 1:
        tolerance = _ACROSS if rows.joints else _AT_REST
        mesh = mesh_of([_breaks(problem, axis, _TILES) for axis in rows.others])
        yield [
            (
                PlaneElements(rows, len(problem.unknowns), max(2 * rows.order + 4, 8)),
                mesh,
                Aim(tolerance, _MOST_AT_REST),
            )
        ]
        return
    low, high = _times(problem)
    mesh = np.array([0.0, 1.0]) if rows.space is None else _breaks(problem, rows.space, _ELEMENTS)
    degree = max(2 * rows.order + 4, 8) if rows.others else 0
    fixed = () if rows.space is None else tuple(breaks(problem)[rows.space])
    space = Elements(rows, len(problem.unknowns), degree, during, high - low, fixed)
    yield [(space, mesh, Aim(_FINE))]
    if not misfit_of_waves(problem):
        waves, points = _waves(rows, problem)
        yield [(waves, points, Aim(tolerance, _POINTS)) for tolerance in (1e-6, _ROUGH)]
    yield [(space, mesh, Aim(_ROUGH))]


def _waves(rows: SlabRows, problem: Problem) -> tuple[Waves, tuple[int, ...]]:
    bounds = [tuple(map(float, problem.domain.bounds[k])) for k in rows.others]
    lengths, lows = tuple(high - low for low, high in bounds), tuple(low for low, _ in bounds)
    return Waves(rows, len(problem.unknowns), _DEGREE_OF_WAVES[len(bounds)], lengths, lows), (
        _WAVES[len(bounds)],
    ) * len(bounds)


def _grids(rows: SlabRows, problem: Problem) -> tuple[Grids, tuple[int, ...]]:
    layered = {face.axis for face in unmet_at_start(problem)}
    axes = []
    for k in rows.others:
        low, high = map(float, problem.domain.bounds[k])
        stretch = _stretch(problem, k) if k in layered else 0.0
        axes.append(AxisSeries(low, high - low, k in rows.periodic, stretch))
    few, many = _POLYNOMIALS[len(axes)], _LAYERED
    points = tuple(many if axis.stretch else few for axis in axes)
    return Grids(rows, len(problem.unknowns), _DEGREE_OF_WAVES[len(axes)], tuple(axes)), points


def _stretch(problem: Problem, axis: int) -> float:
    """By how much an axis is stretched at its walls for the layers of the first instants to be held."""
    (begins, ends), (low, high) = _times(problem), map(float, problem.domain.bounds[axis])
    thickness = math.sqrt(4 * diffusivities(problem, axis)[1] * _LEFT_OUT * (ends - begins)) / (high - low)
    slopes = {c.name for c in problem.conditions if c.role.has_slopes}
    sloping = any(face.axis == axis for name, face, _ in on_faces(problem) if name in slopes)
    return min(max(-math.log(thickness) / 2, 1.0), _MOST_STRETCHED[sloping])


def _times(problem: Problem) -> tuple[float, float]:
    time, _ = axes_of(problem)
    low, high = (0.0, 1.0) if time is None else problem.domain.bounds[time]
    return float(low), float(high)


def _breaks(problem: Problem, axis: int, count: int) -> np.ndarray:
    """The break points of an axis to begin with: equidistant, at interfaces, and where the data jump or bend."""
    low, high = map(float, problem.domain.bounds[axis])
    inside = [i.left for i in problem.interfaces if i.axis == axis and low < i.left < high]
    inside += sorted(part_ends(problem, axis))
    inside += _graded(problem, axis)
    places, length = [low, high, *dict.fromkeys(inside)], high - low
    # Interfaces are exact, and no element is needlessly narrow.
    for more, near in ((breaks(problem)[axis], 1e-8), (np.linspace(low, high, count + 1), 0.1 / count)):
        places += [p for p in more if low < p < high and np.abs(np.array(places) - p).min() > near * length]
    return np.sort(np.array(places))


def _graded(problem: Problem, axis: int) -> list[float]:
    """Break points ever nearer to where parts of the boundary meet, at which the solution is singular."""
    x, (low, high) = problem.coordinates[axis], problem.domain.bounds[axis]
    steps = [sign * (high - low) * NEAR / _CLOSER**k for k in range(1, _LEVELS + 1) for sign in (-1, 1)]
    places = [meeting.at[x] + step for meeting in problem.meetings for step in steps if x in meeting.at]
    return [place for place in places if low < place < high]
