"""The error of a solution by slabs of time: the same problem solved in a finer space, and the two are compared.

Degrees are two higher, the tolerance is a hundredth where that can be reached, and the march chooses slabs and meshes
anew. How wrong the finer solution is, a third one tells: that at hand with what its residuals add up to taken away,
which is nearly as good. Points follow the elements of both solutions, so that no front is missed.
"""

import time
from dataclasses import replace

import numpy as np

from spindle.networks.fields import Field, MarchedField
from spindle.networks.model import Model
from spindle.networks.piecewise import PiecewiseField
from spindle.networks.plane import PlaneField
from spindle.points.rules import spread
from spindle.results.solution import Solution
from spindle.slabs.accumulated import one_thread
from spindle.slabs.defects import corrected
from spindle.slabs.march import Aim, Ended, March, Stopped
from spindle.slabs.space import SlabSpace
from spindle.slabs.training import Marching
from spindle.storage.records import ErrorEstimate
from spindle.training.budget import Budget
from spindle.training.deadline import Late
from spindle.training.precision import precision

_DEGREES = 2  # more
_TIGHTER = 1e-2  # of the tolerance
_REACHED = 10.0  # times a tolerance that was not reached is taken to be reached in the finer space
_POINTS = 40_000
_DEARER = 4.0  # times what the solution took, compilation included, that the finer one may take
_UNSURE = 0.3  # of the error, above which that of the finer solution is too large ...
_SMALL = 1e-3  # ... unless it is as small as this
_BY = "a solve in a finer space"


def is_marched(solution: Solution) -> bool:
    """Whether a solution was found slab by slab, or on elements in the plane that join at interfaces."""
    field = solution.model.field
    if solution.plan.march is None:
        return False
    if isinstance(field, PlaneField):
        return bool(solution.problem.interfaces)
    return isinstance(field, MarchedField) and field.holds


def finer_slabs_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`; a reason where there is no time, or no finer solution.

    Raises Late where the budget is spent meanwhile.
    """
    began, spent = time.perf_counter(), solution.run.seconds
    if budget.ends - began < _DEARER * (spent.compile + spent.train):
        return ErrorEstimate(reason="the budget leaves no time to solve the problem again in a finer space")
    try:
        with precision(solution.plan.dtype), one_thread():
            space = _space(solution).enriched(_DEGREES)
            finer, third = _finer(solution, space, budget), _corrected(solution, space)
        compared = _compared(solution, finer, third)
    except Ended as ended:
        return ErrorEstimate(reason=f"in a finer space {ended}")
    except Stopped as stopped:
        raise Late from stopped
    return replace(compared, seconds=time.perf_counter() - began)


def _marching(solution: Solution) -> Marching:
    assert solution.plan.march is not None
    return solution.plan.march


def _way(solution: Solution) -> int:
    """The number of the way by which a solution was found."""
    return solution.run.grown[-1].decision["way"]


def _space(solution: Solution) -> SlabSpace:
    return _marching(solution).ways[_way(solution)].space


def _aim(solution: Solution) -> Aim:
    """What the finer march is to reach: no tolerance that was not reached before, as far as that is known."""
    ways, number = _marching(solution).ways, _way(solution)
    aim = ways[number].aim
    missed = [way.aim.tolerance for way in ways[:number] if way.space is ways[number].space]
    return Aim(max(_TIGHTER * aim.tolerance, *(_REACHED * least for least in missed), 0.0), 2 * aim.most)


def _finer(solution: Solution, space: SlabSpace, budget: Budget) -> Field:
    """The solution in a finer space, as far as the one at hand reaches."""
    marching, mesh = _marching(solution), _marching(solution).ways[_way(solution)].mesh
    low, high = marching.time
    if space.rows.time is not None:
        high = _reached(solution)
    if isinstance(solution.model.field, PiecewiseField) and space.rows.space is not None:
        mesh = np.union1d(mesh, ((mesh[:-1] + mesh[1:]) / 2)[::2])  # elements end elsewhere
    march = March(
        space, (low, high), mesh, _aim(solution), lambda: time.perf_counter() > budget.ends, marching.instants
    )
    while not march.slabs or not march.whole:
        march.advance()
    return space.laid(march.slabs)


def _reached(solution: Solution) -> float:
    """The instant up to which it is solved."""
    return _space(solution).slabs(solution.model.field)[-1].ends


def _corrected(solution: Solution, space: SlabSpace) -> Field:
    """The solution at hand without what its residuals add up to."""
    richer = _marching(solution).of_errors(_way(solution)) or space
    tolerance = _marching(solution).ways[_way(solution)].aim.tolerance
    return richer.laid(corrected(richer, _space(solution).slabs(solution.model.field), tolerance))


def _compared(solution: Solution, finer: Field, third: Field) -> ErrorEstimate:
    """The distances of a solution from the finer one, of which the third tells how right they are."""
    here = solution.model.field
    where, weights = _where(solution, finer)
    errors, owns = {}, {}
    for name, expression in solution.problem.fields.items():
        models = (Model(field, solution.model.estimated) for field in (here, finer, third))
        values, true, other = (np.ravel(solution.evaluator.values(m, expression, where)) for m in models)
        size = max(_norm(true, weights), np.finfo(float).tiny)
        errors[name], owns[name] = _norm(values - true, weights) / size, _norm(other - true, weights) / size
    own = max(owns.values(), default=0.0)
    if all(gap <= max(_SMALL, _UNSURE * errors[name]) for name, gap in owns.items()):
        return ErrorEstimate(errors=errors, left=0.0, bound=False, comparison_error=own, by=_BY)
    upper = {name: error + owns[name] for name, error in errors.items()}
    return ErrorEstimate(errors=errors, left=0.0, bound=True, upper=upper, comparison_error=own, by=_BY)


def _where(solution: Solution, finer: Field):
    """Points (n, d), or the axes of a grid, and the weights of all points."""
    here, time = solution.model.field, _space(solution).rows.time
    if isinstance(here, (PiecewiseField, PlaneField)) and isinstance(finer, (PiecewiseField, PlaneField)):
        return _points(here, finer)
    counts = round(_POINTS ** (1 / len(solution.problem.coordinates)))
    shares = (np.arange(counts) + 0.5) / counts
    ends = [tuple(map(float, bounds)) for bounds in solution.problem.domain.bounds]
    if time is not None:
        ends[time] = (ends[time][0], _reached(solution))
    return [low + (high - low) * shares for low, high in ends], np.ones(1)


def _points(*fields: PiecewiseField | PlaneField) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) that are as close together as the elements of each field, and their weights (n,) of sum one."""
    rng, points, weights = np.random.default_rng(0), [], []
    for field in fields:
        low, high, weight = spread(*field.cells(), _POINTS // len(fields))
        points.append(low + (high - low) * rng.uniform(size=low.shape))
        weights.append(weight / len(fields))
    return np.concatenate(points), np.concatenate(weights)


def _norm(values: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(np.sum(weights * values**2)))
