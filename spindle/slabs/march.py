"""The march: one slab of time after the other, each as long, on a mesh as fine, as the solution asks for.

After each solve the last Legendre coefficients along the axis and in time are compared with the largest value: elements
whose own are above the tolerance are halved and the slab is solved again; a slab whose last coefficients in time are
the larger ones is shortened; pairs of elements far below it are joined for the next slab, which may be longer. Rates
that a slab hands over, as those of equations of second order in time, are resolved like what they are the rates of: it
may not show a layer of theirs. Nothing is told of where a front is, how fast it moves or how wide it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spindle.networks import polynomials
from spindle.slabs.gains import Gains
from spindle.slabs.rates import largest_rates, last_of_rates, no_rates
from spindle.slabs.space import Slab, SlabSpace, Solved

_SHORTEST = 1e-10  # of the time
_SLABS_AT_FIRST = 16
_STEPS = 12  # Gauss-Newton steps that a slab may take; where more may be taken, bad ones are taken back
_STEPS_AT_REST = 100
_AT_FIRST = 1e-1  # tolerance on the first mesh, where that is to be refined
_LEAST_SHARE, _SMALLEST_FACTOR = 0.1, 1.1  # of the nonlinear terms, to begin with; by which it grows
_FINE_ENOUGH = 1e-6  # last coefficients on the way there
_LAST, _GAIN = 3, 0.8  # steps on such a mesh end where so many gain less: better ones follow on finer meshes
_LEAST = 0.98  # a step lowers the loss by no more where it is near its least, as far as the mesh allows
_SETTLED = 1e-2  # of the tolerance: a step that small is the last
_FOLLOWING = 1e-4  # likewise, of the step that would follow
_ROUNDED = 1e-9  # a step that is this small and no smaller than half the last one is rounding errors
_WILD = 1e6  # relative size of a step that leads nowhere
_DAMPING, _DAMPED = 1e-15, 1e-8
_RAISED = 1 + 1e-6
_NOTHING = 1e-4  # unknowns are not measured by less: what starts from zero is not resolved relative to itself


@dataclass(frozen=True)
class Aim:
    """What a march is to reach.

    tolerance   of the last coefficients, relative to the largest value of their unknown
    most        elements, or points of all axes together
    """

    tolerance: float = 1e-8
    most: int = 512


class Attempt(NamedTuple):
    """A slab that was solved.

    series     see `SlabSpace`
    steps      that were taken
    along      the last coefficients in space, see `SlabSpace.tails`
    in_time    the largest of the last coefficients in time, likewise
    whole      whether steps came to their end undamped; False where they were given up on the way, see `_Ending`
    """

    series: np.ndarray
    steps: int
    along: np.ndarray
    in_time: float
    loss: float
    whole: bool = True


class _Settled(NamedTuple):
    local: np.ndarray
    steps: int
    loss: float
    whole: bool = True


class _Ending(NamedTuple):
    """When Gauss-Newton steps end: by a tolerance, or roughly, where the loss hardly falls any more."""

    tolerance: float
    rough: bool


class Ended(Exception):
    """A march cannot go on; the text says why."""


class Stopped(Exception):
    """Somebody wanted a march to stop."""


class March:
    """Marches a problem from its start to its end, slab by slab; without time there is one slab.

    space     in which each slab is solved
    time      the ends of time; (0, 1) without
    mesh      to begin with
    aim       how well
    instants  at which slabs end: those where data jump, or where they begin to rise to a narrow peak
    stopped   asked between Gauss-Newton steps whether nobody waits any more
    disturbance   relative change of the state at the start, for whoever looks at what becomes of it
    slabs     those that are solved, in order
    steps     Gauss-Newton steps so far
    """

    def __init__(
        self,
        space: SlabSpace,
        time: tuple[float, float],
        mesh: Any,
        aim: Aim,
        stopped: Callable[[], bool] = lambda: False,
        instants: Sequence[float] = (),
        *,
        disturbance: float = 0.0,
    ):
        self.space, self.aim, self.stopped, self._disturbance = space, aim, stopped, disturbance
        self.low, self.high = time
        self.instants = (*sorted(i for i in instants if self.low < i < self.high), self.high)
        self.slabs: list[Solved] = []
        self.steps = 0
        self._mesh = mesh
        self._latest: Solved | None = None
        self._length = (self.high - self.low) / _SLABS_AT_FIRST
        self._sizes = np.full(space.unknowns, _NOTHING)
        self._rates = no_rates(space)

    @property
    def reached(self) -> float:
        """The instant up to which the problem is solved."""
        return self.slabs[-1].begins + self.slabs[-1].length if self.slabs else self.low

    @property
    def at_hand(self) -> list[Solved]:
        """The slabs that are solved; without time, where it was stopped, the solution on a mesh that is too coarse."""
        return self.slabs or ([self._latest] if self._latest is not None else [])

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
        self._sizes = np.maximum(self._sizes, self.space.largest(solved.series))
        self._rates = largest_rates(self.space, solved.series, solved.length, self._rates)
        self._mesh = self.space.coarser(solved, attempt.along, self._sizes, self.aim.tolerance)
        # A slab that Gauss-Newton steps hardly settled on is long enough, however small its last coefficients are.
        easy = attempt.in_time < 0.3 * self.aim.tolerance and attempt.steps <= self.space.patience // 2
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
            **{f"mesh {k}": np.asarray(s.mesh) for k, s in enumerate(self.slabs)},
            **{f"series {k}": s.series for k, s in enumerate(self.slabs)},
            "next mesh": np.asarray(self._mesh),
            "next": np.array([self._length, float(self.steps)]),
            "sizes": self._sizes,
            "rates": self._rates,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `to_arrays` returned; raises ValueError where that is of another march."""
        numbers = zip(arrays["begins"], arrays["lengths"], arrays["losses"], strict=True)
        slabs = [
            Solved(float(begins), float(length), arrays[f"mesh {k}"], arrays[f"series {k}"], float(loss))
            for k, (begins, length, loss) in enumerate(numbers)
        ]
        if any(s.series.shape != self.space.nothing(s.mesh).shape for s in slabs):
            raise ValueError("its slabs are of another march")
        self.slabs, self._mesh, self._sizes = slabs, arrays["next mesh"], arrays["sizes"]
        self._rates = arrays["rates"]
        self._length, self.steps = float(arrays["next"][0]), int(arrays["next"][1])

    # ------------------------------------------------------------------------------------------------- start and slabs

    def _start(self) -> np.ndarray:
        """The state at the start, (.., m, given), on a mesh that resolves it."""
        while True:
            settled = self._settled(
                True, self.space.nothing(self._mesh), Slab(self.low, self._length, self._mesh), _STEPS
            )
            if settled is None:
                raise Ended("its initial conditions have no solution")
            series = self.space.series(settled.local)
            self._sizes = np.maximum(_NOTHING, self.space.largest(series))
            wanted = self._finer(self.space.tails(series, self._sizes))
            if wanted is None:
                return (1 + self._disturbance) * self.space.state(series, self._length, at=-1.0)
            self._mesh = wanted

    def _handed_over(self) -> np.ndarray:
        """The state at the end of the last slab, on the break points of the next."""
        last = self.slabs[-1]
        return self.space.moved(self.space.state(last.series, last.length, at=1.0), last.mesh, self._mesh)

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
            wanted = self._finer(attempt.along)
            if attempt.in_time > self.aim.tolerance and (attempt.in_time > attempt.along.max() or wanted is None):
                self._shorten(length * max(0.2, min(0.7, self._factor(attempt.in_time))), begins)
            elif wanted is None:
                return Solved(begins, length, self._mesh, attempt.series, attempt.loss), attempt
            else:
                state, guess = (self.space.moved(part, self._mesh, wanted) for part in (state, attempt.series))
                self._mesh = wanted

    def _length_from(self, begins: float) -> float:
        """The length of the next slab: two equal ones where a second would be short, and none beyond an instant."""
        near = 1e-12 * (self.high - self.low)
        left = next(instant for instant in self.instants if instant > begins + near) - begins
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
        near = self._continued(length) if guess is None else guess
        start = self.space.beginning(state, length)
        if near is not None:
            start = start + near - self.space.beginning(self.space.state(near, length, at=-1.0), length)
        local = self.space.local(start, self._mesh)
        enough = tuple(_SETTLED * self.aim.tolerance * self._sizes)
        settled = self._settled(False, local, Slab(begins, length, self._mesh, enough=enough), _STEPS)
        return None if settled is None else self._judged(settled, length)

    def _continued(self, length: float) -> np.ndarray | None:
        """The last slab continued by its curvature at the end, on a slab that follows; None at the start."""
        if not self.slabs or self.space.duration < 2:
            return None
        last = self.slabs[-1]
        ends = [polynomials.values([1.0], self.space.duration, j)[0] * (length / last.length) ** j for j in range(3)]
        value, rate, bend = (np.einsum("...t,t->...", last.series, end) for end in ends)
        series = np.zeros(last.series.shape)
        # v + r (x + 1) + b (x + 1)^2 / 2 in Legendre polynomials of x.
        series[..., 0], series[..., 1], series[..., 2] = value + rate + 2 * bend / 3, rate + bend, bend / 3
        return self.space.moved(series, last.mesh, self._mesh)

    def _judged(self, settled: "_Settled", length: float = 1.0) -> Attempt:
        series = self.space.series(settled.local)
        sizes = np.maximum(self._sizes, self.space.largest(series))
        values = float((self.space.largest_coefficients(series[..., -2:]) / sizes).max())
        rates = last_of_rates(self.space, series, length, sizes, self._rates, self.high - self.low)
        along, in_time = self.space.tails(series, sizes), max(values, rates)
        return Attempt(series, settled.steps, along, in_time, settled.loss, settled.whole)

    def _steady(self) -> Solved:
        """The one slab of a problem without time."""
        attempt = self._at_rest(self.space.local(self.space.nothing(self._mesh), self._mesh), _AT_FIRST, rough=True)
        if self.space.homotopic and not attempt.whole:
            attempt = self._by_homotopy()
        self._keep(attempt)
        gains = Gains(self.aim.tolerance)
        while (wanted := self._finer(attempt.along)) is not None and not gains.spent:
            guess, self._mesh = self.space.moved(attempt.series, self._mesh, wanted), wanted
            # What a mesh does not hold need not be solved for: the next one begins from it.
            attempt = self._at_rest(self.space.local(guess, wanted), float(attempt.along.max()), rough=True)
            gains.add(guess.size, self._relative(attempt.series - guess, attempt.series, wanted))
            self._keep(attempt)
        local = self.space.local(attempt.series, self._mesh)
        attempt = self._at_rest(local, _SETTLED * float(attempt.along.max()))
        return self._keep(attempt)

    def _keep(self, attempt: Attempt) -> Solved:
        """What is at hand should somebody stop the march on its way to a finer mesh."""
        self._latest = Solved(0.0, 1.0, self._mesh, attempt.series, attempt.loss)
        return self._latest

    def _by_homotopy(self) -> Attempt:
        """A solution on a mesh that may be finer, found as what is nonlinear comes to count more and more."""
        series, share, factor = self.space.nothing(self._mesh), 0.0, 2.0
        while True:
            wanted = min(1.0, share * factor if share else _LEAST_SHARE)
            local = self.space.local(series, self._mesh)
            attempt = self._at_rest(local, _AT_FIRST, rough=True, nonlinear=wanted)
            if wanted == 1.0 and (attempt.whole or factor < _SMALLEST_FACTOR):
                return attempt
            if not attempt.whole and share and factor >= _SMALLEST_FACTOR:
                factor = math.sqrt(wanted / share)
                continue
            series, share, factor = attempt.series, wanted, min(2.0, factor**2)
            finer = self.space.finer(self._mesh, attempt.along, _FINE_ENOUGH, self.aim.most // 2)
            if finer is not None:
                series, self._mesh = self.space.moved(series, self._mesh, finer), finer

    def _at_rest(self, local: np.ndarray, tolerance: float, rough: bool = False, nonlinear: float = 1.0) -> Attempt:
        """A solution without time on the mesh, to a tolerance; raises Ended where there is none.

        rough       whether what a finer mesh begins from is enough
        nonlinear   see `Slab`
        """
        slab, tolerance = Slab(0.0, 1.0, self._mesh, nonlinear), max(tolerance, self.aim.tolerance)
        settled = self._settled(False, local, slab, _STEPS_AT_REST, _Ending(tolerance, rough))
        if settled is None:
            raise Ended("Gauss-Newton steps do not settle")
        return self._judged(settled)

    def _settled(
        self, begins: bool, local: np.ndarray, slab: Slab, most: int, ending: "_Ending | None" = None
    ) -> "_Settled | None":
        """The local coefficients after Gauss-Newton steps that became small; None where they do not.

        ending   by the tolerance of the aim where None

        A step that raises the loss is taken back, and a shorter one tried (Levenberg & Marquardt): but for those that
        are rounding errors, and where `most` steps are few, as in a slab, which is rather shortened.
        """
        kept, before, last, damping, used = local, math.inf, math.inf, _DAMPING, _DAMPING
        tolerance, rough = ending or _Ending(self.aim.tolerance, False)
        losses: list[float] = []
        rounds = 0
        for _ in range(most):
            if self.stopped():
                raise Stopped
            step = self.space.step(begins, local, slab, damping)
            self.steps, rounds = self.steps + step.rounds, rounds + step.rounds
            least = ending is not None and self._least(last, step.loss)
            if not step.loss <= _RAISED * last and most > _STEPS and math.isfinite(last):
                if least and used <= _DAMPED:
                    return _Settled(kept, rounds, last, damping == _DAMPING)
                used = damping = max(_DAMPED, 10 * used)
                step = self.space.step(begins, kept, slab, damping)
                local = kept + step.change
                continue
            change, series = self.space.series(step.change), self.space.series(local + step.change)
            size = self._relative(change, series, slab.mesh)
            kept, local, last = local, local + step.change, step.loss
            used, damping = damping, max(_DAMPING, damping / 10)
            if not size < _WILD:
                return None
            # The next step would be smaller by the same factor at least.
            following = size * min(1.0, size / before) if math.isfinite(before) else size
            small = size < _SETTLED * tolerance or following < _FOLLOWING * tolerance
            small = small or step.settled or (size > 0.5 * before and size < _ROUNDED)
            losses.append(step.loss)
            stuck = rough and len(losses) > _LAST and losses[-1] > _GAIN * losses[-1 - _LAST]
            if (damping == _DAMPING and (small or least)) or stuck:
                return _Settled(local, rounds, step.loss, damping == _DAMPING)
            before = size
        return None

    # -------------------------------------------------------------------------------------------------------- sizes

    def _least(self, before: float, after: float) -> bool:
        """Whether a step left the loss as it was: at its least, or near to it.

        Pressures near the corner of a jump hardly enter it, and steps change them for ever.
        """
        return self.space.homotopic and _LEAST * before < after < before / _LEAST

    def _relative(self, change: np.ndarray, series: np.ndarray, mesh) -> float:
        """The size of a change of a series, relative to the unknowns after it."""
        sizes = np.maximum(self._sizes, self.space.largest(series))
        return float((self.space.changes(change, mesh) / sizes).max())

    def _finer(self, tails: np.ndarray) -> Any:
        return self.space.finer(self._mesh, tails, self.aim.tolerance, self.aim.most)
