"""What the residuals of a march add up to: the error of its solution, carried on from slab to slab.

On each slab J e = -r is solved in a richer space, from the error that the slab before it hands over; J is taken at the
solution, so that errors are carried as the linearised equations do: diffusion forgets them, chaos amplifies them, and
no residual tells which of the two. A step from the solution with its error taken away would be a Newton step of its own
on every slab: what that leaves of second order, a jump of van der Pol's oscillator makes a hundred times the error.

Source: Zadunaisky (1976), Numer. Math. 27; Stetter (1978), Numer. Math. 29, of the defect correction principle.
"""

import math
from collections.abc import Sequence

import numpy as np

from spindle.slabs.space import Slab, SlabSpace, Solved

_DAMPING = 1e-15  # as of a march that settles
_SETTLED = 0.01  # of the tolerance, as of a march


def corrected(richer: SlabSpace, slabs: Sequence[Solved], tolerance: float) -> list[Solved]:
    """The slabs of a march with their error, to first order, taken away, on the meshes of errors.

    richer      a space of higher degrees than theirs
    slabs       in order, from the start of time; the one of a problem without time
    tolerance   to which they were solved

    """
    better: list[Solved] = []
    enough = tuple(_SETTLED * tolerance * np.max([richer.largest(slab.series) for slab in slabs], axis=0))
    for slab in (_laid(richer, slab) for slab in slabs):
        guess, carried = _padded(slab.series, richer.nothing(slab.mesh).shape), None
        if richer.rows.time is not None:
            begun = _begun(richer, slab, guess) if not better else _handed_over(richer, better[-1], slab)
            gap = begun - richer.state(guess, slab.length, at=-1.0)
            carried = richer.local(richer.beginning(gap, slab.length), slab.mesh)
        better.append(_stepped(richer, slab, guess, carried, enough))
    return better


def relative_sizes(slabs: Sequence[Solved], better: Sequence[Solved]) -> list[float]:
    """For each unknown the L2 norm, over the slabs, of how far two solutions on the same elements are apart.

    better   of no smaller degrees; distances are relative to it
    Infinite where it is not finite. Legendre polynomials being orthogonal, no point is needed.
    """
    pairs = list(zip(slabs, better, strict=True))
    with np.errstate(all="ignore"):
        apart = sum(_square(fine.series - _padded(slab.series, fine.series.shape), fine) for slab, fine in pairs)
        whole = sum(_square(fine.series, fine) for fine in better)
        sizes = np.sqrt(apart / np.maximum(whole, np.finfo(float).tiny))
    return [float(size) if math.isfinite(size) else math.inf for size in sizes]


def _padded(series: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A series in a space of higher degrees."""
    return np.pad(series, [(0, more - less) for less, more in zip(series.shape, shape, strict=True)])


def _laid(space: SlabSpace, slab: Solved) -> Solved:
    """A slab on the mesh of its errors."""
    mesh = space.mesh_of_errors(slab.mesh)
    return slab._replace(mesh=mesh, series=space.moved(slab.series, slab.mesh, mesh))


def _stepped(
    space: SlabSpace, slab: Solved, guess: np.ndarray, carried: np.ndarray | None, enough: tuple[float, ...]
) -> Solved:
    """A slab after one step from a guess, beside the change that the slab before hands over."""
    local = space.local(guess, slab.mesh)
    step = space.step(False, local, Slab(slab.begins, slab.length, slab.mesh, enough=enough), _DAMPING, carried)
    change = step.change if carried is None else carried + step.change
    return slab._replace(series=space.series(local + change), loss=step.loss)


def _begun(space: SlabSpace, slab: Solved, guess: np.ndarray) -> np.ndarray:
    """The state that the initial conditions ask for, to first order."""
    local = space.local(guess, slab.mesh)
    step = space.step(True, local, Slab(slab.begins, slab.length, slab.mesh), _DAMPING)
    return space.state(space.series(local + step.change), slab.length, at=-1.0)


def _handed_over(space: SlabSpace, last: Solved, slab: Solved) -> np.ndarray:
    """The state at the end of the slab before, on the mesh of the next."""
    return space.moved(space.state(last.series, last.length, at=1.0), last.mesh, slab.mesh)


def _square(series: np.ndarray, slab: Solved) -> np.ndarray:
    """(m,) the integrals of the squares of a series over its slab."""
    along, during = (1 / (2 * np.arange(n) + 1) for n in (series.shape[1], series.shape[3]))
    return slab.length * np.einsum("eput,e,p,t->u", series**2, np.diff(slab.mesh), along, during)
