"""Training by a march: where other methods take steps on one model, slab is added to slab until time ends.

What a march is told and returns is what a `Trainer` is told and returns, and it goes on from its file exactly.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from spindle.networks.fields import Field
from spindle.networks.model import Model
from spindle.slabs.march import Aim, Ended, March, Stopped
from spindle.slabs.space import Slab, SlabSpace, Solved
from spindle.storage.arrays import check_fingerprint, load_arrays, reading, save_arrays
from spindle.training.display import Display
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.interrupts import interruptions
from spindle.training.schedule import Limits, Outcome
from spindle.training.watching import Watchers

LABEL = "slabs of time"
_AGAIN = "remove it and start the run again"


class Watching(NamedTuple):
    """Who is told of a march: see `Trainer`."""

    display: Display
    watchers: Watchers


class Way(NamedTuple):
    """One way to solve a problem: a space, the mesh to begin with, and how well it is to be solved."""

    space: SlabSpace
    mesh: Any
    aim: Aim


@dataclass(frozen=True)
class Marching:
    """How a problem is solved slab by slab.

    ways        tried one after the other, as long as one does not come to the end of time
    time        the ends of time, (0, 1) without
    names       of the axes of space
    instants    at which slabs end, see `March`
    phase       the number under which the record keeps what it made
    nonlinear   whether the equations are, so that small errors may grow without an end
    """

    ways: tuple[Way, ...]
    time: tuple[float, float]
    names: tuple[str, ...]
    instants: tuple[float, ...]
    phase: int
    nonlinear: bool = True

    def of_errors(self, number: int) -> SlabSpace | None:
        """The space in which the errors of one of the ways are looked for, see `SlabSpace.of_errors`; compiled once."""
        if number not in self._of_errors:
            self._of_errors[number] = self.ways[number].space.of_errors()
        return self._of_errors[number]

    @cached_property
    def _of_errors(self) -> dict[int, SlabSpace | None]:
        return {}

    def field(self) -> Field:
        """The smallest field of its kind."""
        space = self.ways[0].space
        return space.empty(space.sizes([]))

    def apply(self, model: Model, decision: Mapping[str, Any]) -> Model:
        """A model with an empty field of the kind and size that is on record."""
        return Model(self.ways[decision["way"]].space.empty(decision), model.estimated)

    def run(
        self,
        model: Model,
        *,
        limits: Limits,
        clock: Clock,
        watching: Watching,
        checkpoint: Path | None,
        fingerprint: str,
        before: Outcome | None = None,
    ) -> Outcome:
        """March to the end of time, or as far as the limits allow.

        before   how the training ended that it follows
        """
        saving = _Saving(checkpoint, fingerprint, clock)
        history, steps = (before.history, before.steps) if before else (History(), 0)
        # Matrices are small: threads would wait for one another, for very long where other processes run.
        alone = ThreadpoolController().limit(limits=1, user_api="blas")
        with alone, interruptions() as interrupted:

            def stopped() -> bool:
                return interrupted() or time.perf_counter() > limits.until

            begins, arrays = saving.restore()
            tried: list[tuple[int, March, str | None]] = []
            for number in range(begins, len(self.ways)):
                space, mesh, aim = self.ways[number]
                march = March(space, self.time, mesh, aim, stopped, self.instants)
                if arrays is not None:
                    saving.restored(march, arrays)
                self._compile(number, clock, watching.display)
                marched = _Marched(march, model, clock, watching, saving, history, steps)
                tried.append((number, march, marched.to_the_end(number)))
                steps, arrays = steps + march.steps, None
                if not tried[-1][2]:
                    break
            reason = _reason(tried[-1][2], interrupted(), watching.watchers)
        whole = [t for t in tried if not t[2]]
        number, march, why = whole[-1] if whole else max(tried, key=lambda t: t[1].reached)
        grown = [*(before.grown if before else []), self._grown(number, march, tried[0][2])]
        outcome = self._outcome(march, model, reason, why or "", steps, history, grown)
        return replace(outcome, error=watching.watchers.error)

    def _compile(self, number: int, clock: Clock, display: Display) -> None:
        """Compile the steps, apart from the training clock."""
        space, mesh, _ = self.ways[number]
        display.stage(f"compiling the steps of {LABEL}" if space.rows.time is not None else "compiling the steps")
        started = time.perf_counter()
        space.compile(Slab(self.time[0], self.time[1] - self.time[0], mesh))
        clock.compile += time.perf_counter() - started

    def _outcome(self, march: March, model: Model, reason: str, why: str, steps: int, history, grown) -> Outcome:
        slabs, timed = march.at_hand, march.space.rows.time is not None
        model = Model(march.space.laid(slabs) if slabs else march.space.empty(march.space.sizes([])), model.estimated)
        loss = sum(s.loss * s.length for s in slabs) / sum(s.length for s in slabs) if slabs else float("nan")
        said = f"{why}; it reaches {march.reached:.6g} of {self.time[1]:.6g}" if timed else why
        refused = [said] if why else []
        reached = march.reached if timed else None
        steps = steps if slabs or timed else 0  # nothing came of them
        return Outcome(model, reason, steps, float(loss), {}, history, grown, 0, refused, reached=reached)

    def _grown(self, number: int, march: March, first: str | None) -> dict[str, Any]:
        """What was made, for the record; `first`: why the first way did not come to the end."""
        space, aim = march.space, march.aim
        parts = [space.described(march.slabs, self.names)] if self.names else []
        if space.rows.time is not None:
            parts = [f"{len(march.slabs)} slabs of time of degree {space.duration}", *parts]
        what = f"{', '.join(parts)}, by the last coefficients of the solution"
        if number:
            what += f", to {aim.tolerance:.0e} of its size, since to {self.ways[0].aim.tolerance:.0e} {first}"
        return {"phase": self.phase, "decision": {"way": number, **space.sizes(march.at_hand)}, "what": what}


def _reason(why: str | None, interrupted: bool, watchers: Watchers) -> str:
    """Why a march stopped, by what `to_the_end` says of it."""
    if interrupted:
        return "interrupted"
    if watchers.stop:
        return "callback"
    return "budget" if why is None else "converged"


@dataclass(frozen=True)
class _Marched:
    """A march that is watched and saved.

    model   before it
    steps   before it
    """

    march: March
    model: Model
    clock: Clock
    watching: Watching
    saving: "_Saving"
    history: History
    steps: int

    def to_the_end(self, way: int) -> str | None:
        """Advance to the end: why it cannot be reached, empty where it was; None where somebody stopped it."""
        march, saving = self.march, self.saving
        while not march.whole or not march.slabs:
            started = time.perf_counter()
            try:
                solved = march.advance()
            except Stopped:
                saving.save(march, way)
                return None
            except Ended as ended:
                return str(ended)
            finally:
                self.clock.train += time.perf_counter() - started
            with saving.saved_if_it_ends(march, way):
                self._tell(solved)
            if self.watching.watchers.stop:
                saving.save(march, way)
                return None
            saving.save_if_due(march, way)
        return ""

    def _tell(self, solved: Solved) -> None:
        march = self.march
        share = (march.reached - march.low) / (march.high - march.low)
        expected = self.steps + max(march.steps, round(march.steps / max(share, 1e-3)))
        entry = HistoryEntry(self.steps + march.steps, LABEL, self.clock.train, max(solved.loss, 0.0))
        self.history.append(entry)
        self.watching.display.step(entry, expected)
        self.watching.watchers.tell(entry, expected, self._model)

    def _model(self) -> Model:
        """What there is of the solution."""
        return Model(self.march.space.laid(self.march.at_hand), self.model.estimated)


class _Saving:
    """The file of a march.

    path          None: nothing is kept
    fingerprint   of the run, which a file of another one does not bear
    """

    def __init__(self, path: Path | None, fingerprint: str, clock: Clock, every: float = 20.0):
        self.path = None if path is None else path.with_name("slabs.npz")
        self.fingerprint, self.clock, self.every = fingerprint, clock, every
        self._last = time.perf_counter()

    def save(self, march: March, way: int) -> None:
        """Write where the march is."""
        if self.path is not None and march.slabs:
            meta = {"mark": self.fingerprint, "clock": vars(self.clock), "way": way}
            save_arrays(self.path, march.to_arrays(), meta)
        self._last = time.perf_counter()

    def save_if_due(self, march: March, way: int) -> None:
        """Write it where the last time is long ago."""
        if time.perf_counter() - self._last > self.every:
            self.save(march, way)

    @contextmanager
    def saved_if_it_ends(self, march: March, way: int) -> Iterator[None]:
        """Save before an error of a callback goes on."""
        try:
            yield
        except BaseException:
            self.save(march, way)
            raise

    def restore(self) -> tuple[int, dict[str, np.ndarray] | None]:
        """The number of the way that the file tells of, and its arrays; (0, None) where there is no file.

        Raises RunError where the file is damaged or of another run.
        """
        if self.path is None or not self.path.exists():
            return 0, None
        arrays, meta = load_arrays(self.path, _AGAIN)
        check_fingerprint(self.path, meta, self.fingerprint, _AGAIN)
        with reading(self.path, _AGAIN):
            for name, seconds in meta["clock"].items():
                setattr(self.clock, name, getattr(self.clock, name) + float(seconds))
            return int(meta["way"]), arrays

    def restored(self, march: March, arrays: Mapping[str, np.ndarray]) -> None:
        """Let a march go on from arrays; raises RunError where they are of another one."""
        assert self.path is not None
        with reading(self.path, _AGAIN):
            march.restore(arrays)
