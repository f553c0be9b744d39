"""How long windows in time are: all alike, or as long as their features resolve the solution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from spindle.adaptivity.refinements import decays, tail
from spindle.results.solution import Solution
from spindle.training.precision import precision
from spindle.training.stop_reasons import StopReason

_AIM, _MOST = 1e-10, 1e-7  # share of the last features: what a window is made for, and above which it is not kept
_RESIDUAL = 1e-5  # of an equation, relative to its terms, above which a window is not kept
_SHORTER, _LONGER = 0.25, 2.0  # than the window before, at most
_NEAR = 1 / 20  # of the whole time: what is a short way to a pulse
_NOTHING = 1e-20  # of the size of the unknowns: before a pulse there is nothing to resolve
_SHORTEST = 2.0**-24  # of the whole time


class WindowLengths(Protocol):
    """What decides on the length of windows."""

    def next(self, parts: Sequence[Solution]) -> tuple[float, float]:
        """The instants between which the window after those that are solved lies."""

    def keeps(self, part: Solution) -> bool:
        """Whether a window is good enough; if not, `next` gives a shorter one."""

    def whole(self, parts: Sequence[Solution]) -> bool:
        """Whether the last window ends where time ends."""

    def position(self, number: int) -> str:
        """A window in words."""


@dataclass(frozen=True)
class EqualLengths:
    """So many windows of one length."""

    low: float
    high: float
    count: int

    def next(self, parts: Sequence[Solution]) -> tuple[float, float]:
        """See `WindowLengths`."""
        edges = np.linspace(self.low, self.high, self.count + 1)
        return float(edges[len(parts)]), float(edges[len(parts) + 1])

    def keeps(self, part: Solution) -> bool:
        """Always: a window that is not solved ends the march."""
        return True

    def whole(self, parts: Sequence[Solution]) -> bool:
        """See `WindowLengths`."""
        return len(parts) == self.count

    def position(self, number: int) -> str:
        """`window 2 of 10`."""
        return f"window {number} of {self.count}"


@dataclass
class AdaptiveLengths:
    """Windows as long as their features resolve the solution: the first is tried on all of time.

    Coefficients of features that resolve a solution fall geometrically, faster the shorter the window is: the last of n
    goes about as the n-th power of the length. That gives the length at which it reaches what is aimed at.

    stops   instants at which data jump or a narrow pulse begins or ends: windows end there, and none steps over a pulse
    """

    axis: int
    low: float
    high: float
    stops: tuple[float, ...] = ()
    _refused: float = field(default=math.inf)

    @cached_property
    def _approached(self) -> list[float]:
        """The stops, and before each that begins a short pulse as many more as make windows shrink towards it.

        A pulse has begun a little before: no long window sees that. After it windows grow by and by anyway.
        """
        stops, length = {self.high}, self.high - self.low
        for stop, gap in zip(self.stops, np.diff([*self.stops, self.high]), strict=True):
            before = stop - np.array([0.0, *np.cumsum(gap * 2.0 ** np.arange(60))])
            stops |= set(before[(before > self.low) & (stop - before < _NEAR * length)])
        near = _SHORTEST * length
        ordered = sorted(map(float, stops))
        return [a for a, b in zip(ordered, [*ordered[1:], math.inf], strict=True) if b - a > near]

    def next(self, parts: Sequence[Solution]) -> tuple[float, float]:
        """See `WindowLengths`."""
        begins = parts[-1].problem.domain.bounds[self.axis][1] if parts else self.low
        length = min(self._after(parts[-1]) if parts else math.inf, self._refused)
        ends = min((stop for stop in self._approached if stop > begins), default=self.high)
        left = ends - begins
        if length >= left:
            return begins, ends
        # Two halves rather than a long window and a sliver.
        return begins, begins + (min(length, left / 2) if length > 0.75 * left else length)

    def keeps(self, part: Solution) -> bool:
        """Whether its features resolve it and its equations hold; at the shortest length, always."""
        low, high = part.problem.domain.bounds[self.axis]
        wrong = (
            part.run.stopped_by == StopReason.DIVERGED or not max(part.run.shares.values(), default=0.0) <= _RESIDUAL
        )
        if not wrong and tail(_decay(part, self.axis)) <= _MOST:
            self._refused = math.inf
            return True
        if high - low <= _SHORTEST * (self.high - self.low):
            return True
        self._refused = (high - low) * (_SHORTER if wrong else _factor(part, self.axis, most=0.5))
        return False

    def whole(self, parts: Sequence[Solution]) -> bool:
        """See `WindowLengths`."""
        return bool(parts) and parts[-1].problem.domain.bounds[self.axis][1] >= self.high

    def position(self, number: int) -> str:
        """`window 2`."""
        return f"window {number}"

    def _after(self, part: Solution) -> float:
        low, high = part.problem.domain.bounds[self.axis]
        return (high - low) * _factor(part, self.axis, most=_LONGER)


def _factor(part: Solution, axis: int, *, most: float) -> float:
    """By how much the length changes so that the last features hold what is aimed at."""
    decay = _decay(part, axis)
    share = tail(decay)
    if not math.isfinite(share):
        return _SHORTER
    if share <= 1e-3 * _AIM:
        return most
    return min(most, max(_SHORTER, (_AIM / share) ** (1 / len(decay))))


def _decay(part: Solution, axis: int) -> np.ndarray:
    """The share of the coefficients in time from each degree on."""
    with precision(part.plan.dtype):
        return decays(part.model.field, np.full(len(part.problem.unknowns), _NOTHING))[axis]
