"""How wrong a march may be: what its residuals add up to, or what a rougher march makes of the same problem.

Where small errors grow, as in chaos, the residuals of a wrong solution are as small as any. One step a slab in a richer
space tells the error (`defects`): of waves it takes about half as long as the march. Where no such step is known, a
march to a tolerance a hundred times as large, from a start that is changed by as much, tells by how much errors grow.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.slabs.defects import corrected, relative_sizes
from spindle.slabs.march import Ended, March, Stopped
from spindle.slabs.space import SlabSpace, Solved
from spindle.slabs.training import Marching

_ROUGHER = 100.0  # times the tolerance
_ROUGHEST = 1e-2
_SHARE = 0.5  # of the time that a march took, which the rougher one takes
_INSTANTS = 64
_LINEAR = 0.1  # distance of two solutions, relative to their size, above which neither tells how wrong the other is
_GROWTH = 12  # slabs, up to which errors are taken not to have grown much


def accumulated(marching: Marching, number: int, field: Field, seconds: float, until: float) -> list[float] | None:
    """For each unknown the relative L2 norm of the error of a field; infinite where it is larger than all.

    number    of the way by which it was made
    seconds   that the field took
    until     instant of `time.perf_counter` by which the error is to be known
    Empty where it is not known and nothing suggests that errors grew; None where they may have.
    """
    (space, _, aim), timely = marching.ways[number], _SHARE * seconds < until - time.perf_counter()
    slabs = space.slabs(field)
    if space.dear and not marching.nonlinear:
        return []
    if space.dear and not timely:
        return None if len(slabs) > _GROWTH else []
    with one_thread():
        richer = marching.of_errors(number)
        if richer is not None:
            better = corrected(richer, slabs, aim.tolerance)
            sizes = apart(richer, better, slabs) if space.dear else relative_sizes(slabs, better)
            if not space.dear or all(map(math.isfinite, sizes)):
                return sizes
        others = _rougher(marching, number, field, until)
    if others is None:
        return None if len(slabs) > _GROWTH else []
    gain = math.sqrt(_roughened(aim.tolerance) / aim.tolerance)
    return [gap if gap > _LINEAR else gap / gain for gap in apart(space, slabs, others)]


def one_thread() -> AbstractContextManager:
    """Within it, matrices are multiplied by one thread: they are small, and threads would wait for one another."""
    return ThreadpoolController().limit(limits=1, user_api="blas")


def _roughened(tolerance: float) -> float:
    return max(min(_ROUGHER * tolerance, _ROUGHEST), tolerance)


def _rougher(marching: Marching, number: int, field: Field, until: float) -> list[Solved] | None:
    """The slabs of the same problem to a rougher tolerance, as far as a field reaches; None where it comes too late."""
    space, mesh, aim = marching.ways[number]
    times = marching.time[0], space.slabs(field)[-1].ends
    aim = replace(aim, tolerance=_roughened(aim.tolerance))
    march = March(
        space,
        times,
        mesh,
        aim,
        lambda: time.perf_counter() > until,
        marching.instants,
        disturbance=aim.tolerance,
    )
    try:
        while not march.whole:
            march.advance()
    except (Ended, Stopped):
        return None
    return march.slabs


def apart(space: SlabSpace, slabs: Sequence[Solved], others: Sequence[Solved]) -> list[float]:
    """For each unknown the distance of two solutions relative to the first, at instants from the start to the end.

    The root mean square; where they part at some instant so far that neither tells how wrong the other is, the largest:
    both may have left an unstable state, one a little later than the other, for the same stable one.
    """
    begins, ends = slabs[0].begins, min(slabs[-1].ends, others[-1].ends)
    gaps, sizes = [], []
    for share in (np.arange(_INSTANTS) + 0.5) / _INSTANTS:
        instant = begins + share * (ends - begins)
        (mesh, mine), (other, theirs) = (_state_at(some, instant) for some in (slabs, others))
        gaps.append(_squares(mine - space.moved(theirs, other, mesh)) / mine[..., 0].size)
        sizes.append(_squares(mine) / mine[..., 0].size)
    with np.errstate(all="ignore"):
        size = np.maximum(np.mean(sizes, axis=0), np.finfo(float).tiny)
        mean, worst = np.sqrt(np.mean(gaps, axis=0) / size), np.sqrt(np.max(gaps, axis=0) / size)
        distance = np.where(worst > _LINEAR, worst, mean)
    return [float(d) if math.isfinite(d) else math.inf for d in distance]


def _state_at(slabs: Sequence[Solved], instant: float) -> tuple[Any, np.ndarray]:
    """The mesh, and the values (.., m) there, at an instant."""
    slab = slabs[max(bisect_right([s.begins for s in slabs], instant) - 1, 0)]
    inside = 2 * (instant - slab.begins) / slab.length - 1
    return slab.mesh, slab.series @ polynomials.values([inside], slab.series.shape[-1] - 1)[0]


def _squares(values: np.ndarray) -> np.ndarray:
    """(m,) sums over all places."""
    return np.sum(values**2, axis=tuple(range(values.ndim - 1)))
