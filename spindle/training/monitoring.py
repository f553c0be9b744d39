"""What is looked at while training goes on: records, errors, the parts of the loss. It changes no number."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import equinox as eqx

from spindle.networks.model import Model
from spindle.training.deadline import Late, in_time
from spindle.training.display import Display
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.programs import Programs
from spindle.training.schedule import HostState, Limits, Schedule, State
from spindle.training.watching import Watchers

_PARTED = 1.0  # seconds between two evaluations of the parts of the loss


class Monitor:
    """Whoever looks at a training, and what they are told; see `Trainer`."""

    def __init__(
        self,
        schedule: Schedule,
        programs: Programs,
        *,
        limits: Limits,
        clock: Clock,
        measure: Callable | None,
        display: Display,
        watchers: Watchers,
    ):
        self.schedule, self.programs, self.limits, self.clock = schedule, programs, limits, clock
        self.measure, self.display, self.watchers = measure, display, watchers
        self.total = sum(stage.optimizer.steps for stage in schedule.stages)
        self._last_parts: dict[str, float] = {}
        self._parted = -math.inf

    def look(self, host: HostState, state: State, end: int, history: History) -> None:
        """Record where the training is, and measure the error where that is due; `end` is that of the stage."""
        step, loss = int(state.step), float(state.loss)
        errors = self._measured(host, state) if step == next_look(step - 1) or step >= end else {}
        label = self.schedule.stages[host.number].optimizer.label
        chosen = state.chosen[0]
        estimated = chosen.numbers if isinstance(chosen, Model) else {}
        record = HistoryEntry(step, label, self.clock.train, max(loss, 0.0), errors, estimated)
        if errors or step == next_record(step - 1, host.began, end):
            history.append(record)
        self.display.step(replace(record, parts=self._parts(host, state)), self.total)

        def model():
            return eqx.combine(state.chosen[0], host.static)

        self.watchers.tell(record, self.total, model, lambda: self._evaluated_parts(host, state))

    def _measured(self, host, state) -> dict[str, float]:
        """The errors at this moment; none where there is no time to measure them."""
        measure = self.measure
        if measure is None:
            return {}
        model, started = eqx.combine(state.chosen[0], host.static), time.perf_counter()
        try:
            return in_time(lambda: measure(model), self.limits.until)
        except Late:
            return {}
        finally:
            self.clock.evaluate += time.perf_counter() - started

    def _parts(self, host, state) -> dict[str, float]:
        """What each residual contributes to the loss, where somebody looks: once a second at most."""
        if not self.display.shows_parts or time.perf_counter() - self._parted < _PARTED:
            return self._last_parts
        self._last_parts, self._parted = self._evaluated_parts(host, state), time.perf_counter()
        return self._last_parts

    def _evaluated_parts(self, host, state) -> dict[str, float]:
        started = time.perf_counter()
        squares = self.programs.mean_squares(host, eqx.combine(state.arrays, host.static), state.points)
        parts = {name: float(state.weights[name] * square) for name, square in squares.items()}
        self.clock.evaluate += time.perf_counter() - started
        return parts


def next_look(step: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... : errors are measured where the logarithm of the step moves evenly."""
    power = 10 ** int(math.log10(max(step, 1)))
    return next(m * power for m in (1, 2, 5, 10) if m * power > step)


def next_record(step: int, start: int, end: int) -> int:
    """The next step on record: a look, or one of the tenths of the second half of a stage, its end among them."""
    tenths = (start + (end - start) * k // 10 for k in range(5, 11))
    return min(next_look(step), *(tenth for tenth in tenths if tenth > step), end)
