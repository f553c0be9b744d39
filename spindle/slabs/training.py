"""Training by a march: where other methods take steps on one model, slab is added to slab until time ends.

What a march is told and returns is what a `Trainer` is told and returns, and it goes on from its file exactly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from spindle.networks.model import Model
from spindle.networks.piecewise import PiecewiseField
from spindle.slabs.elements import Elements, Slab
from spindle.slabs.march import Aim, Ended, March, Stopped
from spindle.storage.arrays import check_fingerprint, load_arrays, reading, save_arrays
from spindle.training.display import Display
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.interrupts import interruptions
from spindle.training.schedule import Limits, Outcome

LABEL = "slabs of time"
_AGAIN = "remove it and start the run again"


@dataclass(frozen=True)
class Marching:
    """How a problem is solved slab by slab.

    space    in which each slab is solved
    time     the ends of time, (0, 1) without
    breaks   of the axis of space, to begin with
    aim      how well
    name     of the axis of space; empty where there is none
    first    whether it is all of the training; else it follows where global features do not resolve the solution
    phase    the number under which the record keeps what it made
    """

    space: Elements
    time: tuple[float, float]
    breaks: np.ndarray
    aim: Aim
    name: str
    first: bool
    phase: int

    def field(self) -> PiecewiseField:
        """The smallest field of its kind."""
        return self.empty(1, 1)

    def empty(self, slabs: int, elements: int) -> PiecewiseField:
        """A field of zeros, of so many slabs and elements."""
        shape = (slabs, elements, self.space.degree + 1, self.space.unknowns, self.space.duration + 1)
        rows = self.space.rows
        return PiecewiseField(
            jnp.zeros(slabs + 1), jnp.zeros((slabs, elements + 1)), jnp.zeros(shape), rows.time, rows.space
        )

    def apply(self, model: Model, decision: Mapping[str, int]) -> Model:
        """A model with an empty field of as many slabs and elements as are on record."""
        return Model(self.empty(decision["slabs"], decision["elements"]), model.estimated)

    def run(
        self,
        model: Model,
        *,
        limits: Limits,
        clock: Clock,
        display: Display,
        callbacks: Sequence[Callable],
        checkpoint: Path | None,
        fingerprint: str,
        before: Outcome | None = None,
    ) -> Outcome:
        """March to the end of time, or as far as the limits allow.

        before   how the training ended that it follows
        """
        with interruptions() as interrupted:

            def stopped() -> bool:
                return interrupted() or time.perf_counter() > limits.until

            march = March(self.space, self.time, self.breaks, self.aim, stopped)
            saving = _Saving(checkpoint, fingerprint, clock)
            saving.restore(march)
            history = before.history if before else History()
            self._compile(clock, display)
            why = self._march(march, clock, display, callbacks, saving, history, before.steps if before else 0)
            reason = "interrupted" if interrupted() else "budget" if why is None else "converged"
        return self._outcome(march, model, reason, why or "", history, before)

    def _compile(self, clock: Clock, display: Display) -> None:
        """Compile the steps, apart from the training clock."""
        display.stage(f"compiling the steps of {LABEL}" if self.space.rows.time is not None else "compiling the steps")
        started = time.perf_counter()
        self.space.compile(Slab(self.time[0], self.time[1] - self.time[0], self.breaks))
        clock.compile += time.perf_counter() - started

    def _march(self, march, clock, display, callbacks, saving, history, before: int) -> str | None:
        """Advance to the end: why it cannot be reached, empty where it was; None where somebody stopped it."""
        low, high = self.time
        while not march.whole or not march.slabs:
            started = time.perf_counter()
            try:
                solved = march.advance()
            except Stopped:
                saving.save(march)
                return None
            except Ended as ended:
                return str(ended)
            finally:
                clock.train += time.perf_counter() - started
            entry = HistoryEntry(before + march.steps, LABEL, clock.train, max(solved.loss, 0.0))
            history.append(entry)
            expected = round(march.steps * (high - low) / max(march.reached - low, 1e-12 * (high - low)))
            display.step(entry, before + max(expected, march.steps))
            with saving.saved_if_it_ends(march):
                for watcher in callbacks:
                    watcher(entry, before + expected)
            saving.save_if_due(march)
        return ""

    def _outcome(self, march: March, model: Model, reason: str, why: str, history, before: Outcome | None) -> Outcome:
        slabs = march.slabs
        decision = {"slabs": max(len(slabs), 1), "elements": max((len(s.series) for s in slabs), default=1)}
        shaped = self.apply(model, decision)
        if slabs:
            shaped = eqx.tree_at(lambda m: m.field, shaped, laid(shaped.field, slabs))
        loss = sum(s.loss * s.length for s in slabs) / sum(s.length for s in slabs) if slabs else float("nan")
        grown = [*(before.grown if before else []), self._grown(march, decision)]
        said = [
            f"{why}; it reaches {march.reached:.6g} of {self.time[1]:.6g}" if self.space.rows.time is not None else why
        ]
        steps = march.steps + (before.steps if before else 0)
        return Outcome(
            shaped, reason, steps, float(loss), {}, history, grown, 0, said if why else [],
            reached=march.reached if self.space.rows.time is not None else None,
        )  # fmt: skip

    def _grown(self, march: March, decision: Mapping[str, int]) -> dict[str, Any]:
        counts = [len(s.series) for s in march.slabs] or [1]
        few, most = min(counts), max(counts)
        along = f"{few} elements" if few == most else f"{few} to {most} elements"
        parts = [f"{along} of degree {self.space.degree} along {self.name}"] if self.name else []
        if self.space.rows.time is not None:
            parts = [f"{len(march.slabs)} slabs of time of degree {self.space.duration}", *parts]
        what = f"{', '.join(parts)}, by the last coefficients of the solution"
        return {"phase": self.phase, "decision": dict(decision), "what": what}


def laid(field: PiecewiseField, slabs) -> PiecewiseField:
    """An empty field with what slabs hold."""
    count, most = field.coefficients.shape[:2]
    breaks, coefficients = np.zeros((count, most + 1)), np.zeros(field.coefficients.shape)
    for k, slab in enumerate(slabs):
        number = len(slab.series)
        breaks[k] = slab.breaks[-1]
        breaks[k, : number + 1], coefficients[k, :number] = slab.breaks, slab.series
    instants = np.array([slabs[0].begins, *(s.begins + s.length for s in slabs)])
    return replace(
        field, instants=jnp.asarray(instants), breaks=jnp.asarray(breaks), coefficients=jnp.asarray(coefficients)
    )


class _Saving:
    """The file of a march.

    path          None: nothing is kept
    fingerprint   of the run, which a file of another one does not bear
    """

    def __init__(self, path: Path | None, fingerprint: str, clock: Clock, every: float = 20.0):
        self.path = None if path is None else path.with_name("slabs.npz")
        self.fingerprint, self.clock, self.every = fingerprint, clock, every
        self._last = time.perf_counter()

    def save(self, march: March) -> None:
        """Write where the march is."""
        if self.path is not None and march.slabs:
            save_arrays(self.path, march.to_arrays(), {"mark": self.fingerprint, "clock": vars(self.clock)})
        self._last = time.perf_counter()

    def save_if_due(self, march: March) -> None:
        """Write it where the last time is long ago."""
        if time.perf_counter() - self._last > self.every:
            self.save(march)

    @contextmanager
    def saved_if_it_ends(self, march: March) -> Iterator[None]:
        """Save before an error of a callback goes on."""
        try:
            yield
        except BaseException:
            self.save(march)
            raise

    def restore(self, march: March) -> None:
        """Let a march go on where the file says that it was.

        Raises RunError where the file is damaged or of another run.
        """
        if self.path is None or not self.path.exists():
            return
        arrays, meta = load_arrays(self.path, _AGAIN)
        check_fingerprint(self.path, meta, self.fingerprint, _AGAIN)
        with reading(self.path, _AGAIN):
            march.restore(arrays)
            for name, seconds in meta["clock"].items():
                setattr(self.clock, name, getattr(self.clock, name) + float(seconds))
