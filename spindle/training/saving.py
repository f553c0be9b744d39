"""A training in its checkpoint: where it is, and everything that it has changed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from spindle.storage.arrays import load_meta, load_tree, reading, save_tree
from spindle.training.best import nothing_yet
from spindle.training.history import Clock, History
from spindle.training.programs import Programs
from spindle.training.refining import refined
from spindle.training.schedule import HostState, Schedule, State
from spindle.training.stages import Refined


class Saving:
    """Writes a training to a file, and goes on from there.

    path          of the file; None: nothing is written
    fingerprint   of the run: a file with that of another is refused
    every         seconds between two savings
    """

    def __init__(self, path: Path | None, fingerprint: str, every: float, clock: Clock):
        self.path, self.fingerprint, self.every, self.clock = path, fingerprint, every, clock
        self._last = time.perf_counter()

    @property
    def begun(self) -> bool:
        """Whether there is a file."""
        return self.path is not None and self.path.exists()

    @property
    def due(self) -> bool:
        """Whether the last saving is long ago."""
        return time.perf_counter() - self._last > self.every

    def start(self) -> None:
        """Count the seconds from now on."""
        self._last = time.perf_counter()

    def save(self, host: HostState, state: State, history: History) -> None:
        """Write the file, where there is to be one."""
        if self.path is None:
            return
        meta = {
            "phase": host.number,
            "start": host.began,
            "grown": [entry.to_data() for entry in host.refined],
            "history": history.to_data(),
            "clock": vars(self.clock),
            "mark": self.fingerprint,
        }
        save_tree(self.path, _stored(state), meta)
        self.start()

    @contextmanager
    def saved_if_it_ends(self, host: HostState, state: State, history: History) -> Iterator[None]:
        """Save before an error goes on: of a callback, or of a measurement for which there is not enough memory."""
        try:
            yield
        except BaseException:
            self.save(host, state, history)
            raise

    def restore(
        self, host: HostState, state: State, schedule: Schedule, programs: Programs
    ) -> tuple[HostState, State, History]:
        """What the file holds, for a training that would begin with these states."""
        assert self.path is not None
        meta = load_meta(self.path, self.fingerprint)
        with reading(self.path):
            made, arrays = [Refined.from_data(entry) for entry in meta["grown"]], state.arrays
            for entry in made:
                host, arrays = refined(host, schedule.stages, entry.stage, entry.decision, arrays, entry.loss)
            host = replace(host, number=meta["phase"], began=meta["start"], refined=tuple(made))
            points = programs.points(host, state.key) if made else state.points
            optimizer = schedule.stages[host.number].optimizer.start(arrays)
            like = _stored(state._replace(arrays=arrays, points=points, optimizer=optimizer, best=None))
            restored: Any = load_tree(self.path, like)[0]
            for name, seconds in meta["clock"].items():
                setattr(self.clock, name, getattr(self.clock, name) + seconds)
            best = None if state.best is None else restored.best
            return host, restored._replace(best=best), History.from_data(meta["history"])


def _stored(state: State) -> State:
    """The state as the file holds it: with a place for the best parameters, also where none are kept."""
    return state if state.best is not None else state._replace(best=nothing_yet(state.arrays))
