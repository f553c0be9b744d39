"""The march: one slab of time after the other, each as long, on elements as many, as the solution asks for.

After each solve the last Legendre coefficients along the axis and in time are compared with the largest value: elements
whose own are above the tolerance are halved and the slab is solved again; a slab whose last coefficients in time are
the larger ones is shortened; pairs of elements far below it are joined for the next slab, which may be longer. Nothing
is told of where a front is, how fast it moves or how wide it is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spindle.networks import polynomials
from spindle.slabs.elements import Elements, Slab

_NARROWEST = 1e-9  # of the axis: no element is halved below, as those at a kink would be without an end
_SHORTEST = 1e-10  # of the time
_SLABS_AT_FIRST = 16
_FAR = 1e-3  # of the tolerance: two such elements may be one
_STEPS = 12  # Gauss-Newton steps that a slab may take; more are a sign that it is too long
_STEPS_AT_REST = 100
_SETTLED = 1e-2  # of the tolerance: a step that small is the last
_ROUNDED = 1e-9  # a step that is this small and no smaller than half the last one is rounding errors
_WILD = 1e6  # relative size of a step that leads nowhere
_DAMPING, _DAMPED = 1e-15, 1e-8
_RAISED = 1 + 1e-6
_NOTHING = 1e-8  # unknowns are not measured by less


@dataclass(frozen=True)
class Aim:
    """What a march is to reach.

    tolerance   of the last coefficients, relative to the largest value of their unknown
    most        elements
    """

    tolerance: float = 1e-8
    most: int = 512


class Solved(NamedTuple):
    """One slab: its start, its length, the break points (N + 1,), Legendre coefficients (N, degree + 1, m, T), loss."""

    begins: float
    length: float
    breaks: np.ndarray
    series: np.ndarray
    loss: float


class Attempt(NamedTuple):
    """A slab that was solved.

    series     its Legendre coefficients
    steps      that were taken
    along      (N,) the last coefficients of each element, relative to the size of their unknown
    in_time    the largest of the last coefficients in time, likewise
    """

    series: np.ndarray
    steps: int
    along: np.ndarray
    in_time: float
    loss: float


class _Settled(NamedTuple):
    local: np.ndarray
    steps: int
    loss: float


class Ended(Exception):
    """A march cannot go on; the text says why."""


class Stopped(Exception):
    """Somebody wanted a march to stop."""


class March:
    """Marches a problem from its start to its end, slab by slab; without time there is one slab.

    space     in which each slab is solved
    time      the ends of time; (0, 1) without
    breaks    of the axis, to begin with
    aim       how well
    stopped   asked between Gauss-Newton steps whether nobody waits any more
    slabs     those that are solved, in order
    steps     Gauss-Newton steps so far
    """

    def __init__(
        self,
        space: Elements,
        time: tuple[float, float],
        breaks: np.ndarray,
        aim: Aim,
        stopped: Callable[[], bool] = lambda: False,
    ):
        self.space, self.aim, self.stopped = space, aim, stopped
        self.low, self.high = time
        self.slabs: list[Solved] = []
        self.steps = 0
        self._breaks = np.asarray(breaks, float)
        self._length = (self.high - self.low) / _SLABS_AT_FIRST
        self._sizes = np.full(space.unknowns, _NOTHING)

    @property
    def reached(self) -> float:
        """The instant up to which the problem is solved."""
        return self.slabs[-1].begins + self.slabs[-1].length if self.slabs else self.low

    @property
    def whole(self) -> bool:
        """Whether that is the end."""
        return self.reached >= self.high - 1e-12 * (self.high - self.low)

    def advance(self) -> Solved:
        """Solve one more slab.

        Raises Ended where it cannot be solved, Stopped where nobody waits.
        """
        if self.space.rows.time is None:
            self.slabs.append(self._steady())
            return self.slabs[-1]
        state, begins = self._start() if not self.slabs else self._handed_over(), self.reached
        solved, attempt = self._next(state, begins)
        self._sizes = np.maximum(self._sizes, _largest(solved.series))
        self._breaks = self._joined(solved.breaks, attempt.along)
        # A slab that Gauss-Newton steps hardly settled on is long enough, however small its last coefficients are.
        easy = attempt.in_time < 0.3 * self.aim.tolerance and attempt.steps <= _STEPS // 2
        if easy:
            self._length = solved.length * min(2.0, self._factor(attempt.in_time))
        self.slabs.append(solved)
        return solved

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything that the next slabs depend on."""
        return {
            "begins": np.array([s.begins for s in self.slabs]),
            "lengths": np.array([s.length for s in self.slabs]),
            "losses": np.array([s.loss for s in self.slabs]),
            "counts": np.array([len(s.series) for s in self.slabs], int),
            "breaks": np.concatenate([np.zeros(0), *(s.breaks for s in self.slabs)]),
            "series": np.concatenate([np.zeros((0, *self._shape)), *(s.series for s in self.slabs)]),
            "next breaks": self._breaks,
            "next": np.array([self._length, float(self.steps)]),
            "sizes": self._sizes,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `to_arrays` returned; raises ValueError where that is of another march."""
        counts = arrays["counts"]
        if arrays["series"].shape[1:] != self._shape or arrays["series"].shape[0] != counts.sum():
            raise ValueError("its slabs are of another march")
        cells = np.split(arrays["series"], np.cumsum(counts)[:-1]) if len(counts) else []
        breaks = np.split(arrays["breaks"], np.cumsum(counts + 1)[:-1]) if len(counts) else []
        numbers = zip(arrays["begins"], arrays["lengths"], breaks, cells, arrays["losses"], strict=True)
        self.slabs = [Solved(float(b), float(h), at, series, float(loss)) for b, h, at, series, loss in numbers]
        self._breaks, self._sizes = arrays["next breaks"], arrays["sizes"]
        self._length, self.steps = float(arrays["next"][0]), int(arrays["next"][1])

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of the coefficients of an element."""
        return (self.space.degree + 1, self.space.unknowns, self.space.duration + 1)

    def _nothing(self) -> np.ndarray:
        return np.zeros((len(self._breaks) - 1, *self._shape))

    # ------------------------------------------------------------------------------------------------- start and slabs

    def _start(self) -> np.ndarray:
        """The state at the start, Legendre coefficients (N, degree + 1, m, given), on elements that resolve it."""
        while True:
            settled = self._settled(True, self._nothing(), Slab(self.low, self._length, self._breaks), _STEPS)
            if settled is None:
                raise Ended("its initial conditions have no solution")
            series = self.space.series(settled.local)
            self._sizes = np.maximum(_NOTHING, _largest(series))
            wanted = self._halved(self._along(series, self._sizes))
            if len(wanted) == len(self._breaks):
                return self._state(series, self._length, at=-1.0)
            self._breaks = wanted

    def _handed_over(self) -> np.ndarray:
        """The state at the end of the last slab, on the break points of the next."""
        last = self.slabs[-1]
        return moved(self._state(last.series, last.length, at=1.0), last.breaks, self._breaks)

    def _next(self, state: np.ndarray, begins: float) -> tuple[Solved, Attempt]:
        """The next slab, as long as can be, on elements that resolve it."""
        guess = None
        while True:
            length = self._length_from(begins)
            attempt = self._attempt(state, begins, length, guess)
            guess = None
            if attempt is None:
                self._shorten(0.3 * length, begins)
                continue
            wanted = self._halved(attempt.along)
            finest = len(wanted) == len(self._breaks)
            if attempt.in_time > self.aim.tolerance and (attempt.in_time > attempt.along.max() or finest):
                self._shorten(length * max(0.2, min(0.7, self._factor(attempt.in_time))), begins)
            elif finest:
                return Solved(begins, length, self._breaks, attempt.series, attempt.loss), attempt
            else:
                state, guess = moved(state, self._breaks, wanted), moved(attempt.series, self._breaks, wanted)
                self._breaks = wanted

    def _length_from(self, begins: float) -> float:
        """The length of the next slab: two equal ones where a second would be short."""
        left = self.high - begins
        if self._length > 0.95 * left:
            return left
        return left / 2 if self._length > left / 2 else self._length

    def _shorten(self, length: float, begins: float) -> None:
        self._length = length
        if length < _SHORTEST * (self.high - self.low):
            raise Ended(f"no slab of time from {begins:.6g} on is short enough to be solved")

    def _factor(self, tail: float) -> float:
        """By how much a slab may be longer for its last coefficients in time to meet the tolerance."""
        return 0.9 * (self.aim.tolerance / max(tail, 1e-16)) ** (1 / max(self.space.duration, 1))

    def _attempt(self, state: np.ndarray, begins: float, length: float, guess: np.ndarray | None) -> Attempt | None:
        """A slab from a state; None where Gauss-Newton steps do not settle.

        guess   a series near the solution, where there is one
        """
        start = self._beginning(state, length)
        if guess is not None:
            start = start + guess - self._beginning(self._state(guess, length, at=-1.0), length)
        local = self.space.local(start, self._breaks)
        settled = self._settled(False, local, Slab(begins, length, self._breaks), _STEPS)
        return None if settled is None else self._judged(settled)

    def _judged(self, settled: "_Settled") -> Attempt:
        series = self.space.series(settled.local)
        sizes = np.maximum(self._sizes, _largest(series))
        in_time = float((np.abs(series[..., -2:]).max(axis=(0, 1, 3)) / sizes).max())
        return Attempt(series, settled.steps, self._along(series, sizes), in_time, settled.loss)

    def _steady(self) -> Solved:
        """The one slab of a problem without time."""
        guess, steps = self._nothing(), _STEPS_AT_REST
        while True:
            slab = Slab(0.0, 1.0, self._breaks)
            settled = self._settled(False, self.space.local(guess, self._breaks), slab, steps)
            if settled is None:
                raise Ended("Gauss-Newton steps do not settle")
            attempt = self._judged(settled)
            wanted = self._halved(attempt.along)
            if len(wanted) == len(self._breaks):
                return Solved(0.0, 1.0, self._breaks, attempt.series, attempt.loss)
            guess, self._breaks = moved(attempt.series, self._breaks, wanted), wanted

    def _settled(self, begins: bool, local: np.ndarray, slab: Slab, most: int) -> "_Settled | None":
        """The local coefficients after Gauss-Newton steps that became small; None where they do not.

        A step that raises the loss is taken back, and a shorter one tried (Levenberg & Marquardt): but for those that
        are rounding errors, and where `most` steps are few, as in a slab, which is rather shortened.
        """
        kept, before, last, damping = local, math.inf, math.inf, _DAMPING
        for count in range(1, most + 1):
            if self.stopped():
                raise Stopped
            self.steps += 1
            step = self.space.step(begins, local, slab, damping)
            if not step.loss <= _RAISED * last and most > _STEPS and math.isfinite(last):
                damping = max(_DAMPED, 10 * damping)
                step = self.space.step(begins, kept, slab, damping)
                local = kept + step.change
                continue
            size = self._relative(step.change, local + step.change)
            kept, local, last, damping = local, local + step.change, step.loss, max(_DAMPING, damping / 10)
            if not size < _WILD:
                return None
            if damping == _DAMPING and (
                size < _SETTLED * self.aim.tolerance or (size > 0.5 * before and size < _ROUNDED)
            ):
                return _Settled(local, count, step.loss)
            before = size
        return None

    # -------------------------------------------------------------------------------------------------- states and tails

    def _state(self, series: np.ndarray, length: float, at: float) -> np.ndarray:
        """Value, rate, .. at an end of a slab: (N, degree + 1, m, given)."""
        space = self.space
        return np.stack(
            [
                np.einsum("eput,t->epu", series, polynomials.values([at], space.duration, j)[0] * (2 / length) ** j)
                for j in range(space.given)
            ],
            axis=-1,
        )

    def _beginning(self, state: np.ndarray, length: float) -> np.ndarray:
        """The series of a slab that stays, or goes on, as it begins."""
        given = np.array([(length / 2) ** j for j in range(self.space.given)])
        return np.einsum("epug,tg->eput", state * given, self.space.during[:, : self.space.given])

    def _relative(self, change: np.ndarray, local: np.ndarray) -> float:
        """The size of a change of local coefficients, relative to the unknowns after it."""
        sizes = np.maximum(self._sizes, _largest(self.space.series(local)))
        return float((np.abs(self.space.series(change)).max(axis=(0, 1, 3)) / sizes).max())

    def _along(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(N,) the last two coefficients along the axis, relative to the size of their unknown."""
        if self.space.rows.space is None:
            return np.zeros(len(series))
        return (np.abs(series[:, -2:]).max(axis=(1, 3)) / sizes).max(axis=1)

    # ------------------------------------------------------------------------------------------------------ break points

    def _halved(self, along: np.ndarray) -> np.ndarray:
        """The break points with those elements halved that are not resolved."""
        breaks = self._breaks
        wide = np.diff(breaks) > 2 * _NARROWEST * (breaks[-1] - breaks[0])
        bad = (along > self.aim.tolerance) & wide
        if self.space.rows.space is None or not bad.any() or len(along) >= self.aim.most:
            return breaks
        return np.sort(np.concatenate([breaks, ((breaks[:-1] + breaks[1:]) / 2)[bad]]))

    def _joined(self, breaks: np.ndarray, along: np.ndarray) -> np.ndarray:
        """The break points without those between two elements far below the tolerance."""
        small, kept, k = along < _FAR * self.aim.tolerance, np.ones(len(breaks), bool), 1
        interfaces = np.isin(breaks, [joint.left for joint in self.space.rows.joints])
        while k < len(breaks) - 1:
            if small[k - 1] and small[k] and kept[k - 1] and not interfaces[k]:
                kept[k] = False
            k += 1
        return breaks[kept]


def _largest(series: np.ndarray) -> np.ndarray:
    """(m,) a bound of the largest values of the unknowns, and of their modulus."""
    return np.abs(series).sum(axis=1).max(axis=(0, 2))


def moved(series: np.ndarray, breaks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Legendre coefficients (N, degree + 1, ..) on other break points: exact where these only add to the old ones."""
    degree = series.shape[1] - 1
    nodes, weights = polynomials.gauss(degree + 1)
    where = others[:-1, None] + np.diff(others)[:, None] * (nodes + 1) / 2
    element = np.clip(np.searchsorted(breaks, where, side="right") - 1, 0, len(breaks) - 2)
    inside = 2 * (where - breaks[element]) / np.diff(breaks)[element] - 1
    table = polynomials.values(inside.ravel(), degree).reshape(*where.shape, degree + 1)
    values = np.einsum("eqp,eqp...->eq...", table, series[element])
    project = polynomials.values(nodes, degree).T * weights * (np.arange(degree + 1)[:, None] + 0.5)
    return np.einsum("pq,eq...->ep...", project, values)
