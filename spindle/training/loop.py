"""The one training loop: enlarge, compile, run, look, save.

The host's state is passed on and returned like the one on the device; a trainer itself does not change. Between two
dispatches the host looks at the clock, at the loss, and at whoever wants to stop; monitoring happens there and is timed
apart. How many steps are one dispatch follows the clock and changes no number; without a budget the numbers depend on
the settings alone. One exception is said in a warning: a refinement for which there is too little memory is left out.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.errors import MethodError
from spindle.networks.model import Model
from spindle.objective.base import TrainingObjective
from spindle.training.best import LOOKS, nothing_yet
from spindle.training.deadline import Late, in_time, wait_for
from spindle.training.display import Display, Silent
from spindle.training.history import Clock, History
from spindle.training.interrupts import interruptions
from spindle.training.memory import excess
from spindle.training.monitoring import Monitor, next_record
from spindle.training.programs import Programs
from spindle.training.refining import refined
from spindle.training.saving import Saving
from spindle.training.schedule import HostState, Limits, Outcome, Schedule, State
from spindle.training.stages import loss_before_such
from spindle.training.watching import Watchers

_SHARE = 0.4  # of the time that is left, for a stage that is not the last


class Trainer:
    """Runs a schedule on an objective.

    measure     model -> {name: error}, called at steps 1, 2, 5, 10, 20, ... apart from the training clock; or None
    display     told what is being done, and each `HistoryEntry`
    watchers    callbacks, told at each look, which may end training
    checkpoint  file to continue from, where it exists, and to write every `save_every` seconds; or None
    fingerprint of the run, in its checkpoint: that of another run is refused
    programs    what was compiled by others of the same objective and schedule, on other data
    saves_start whether the checkpoint is written before the first step, since the start cannot be made again
    """

    def __init__(
        self,
        objective: TrainingObjective,
        schedule: Schedule,
        *,
        limits: Limits,
        clock: Clock,
        measure: Callable | None = None,
        display: Display | None = None,
        watchers: Watchers | None = None,
        checkpoint: Path | None = None,
        fingerprint: str = "",
        save_every: float = 20.0,
        programs: dict | None = None,
        saves_start: bool = False,
    ):
        self.objective, self.schedule, self.limits, self.clock = objective, schedule, limits, clock
        self.saves_start = saves_start
        display, shared = display or Silent(), {} if programs is None else programs
        self.programs = Programs(schedule, limits, clock, display, objective.carried_values, shared)
        self.saving = Saving(checkpoint, fingerprint, save_every, clock)
        self.watchers = watchers or Watchers()
        self.monitor = Monitor(
            schedule,
            self.programs,
            limits=limits,
            clock=clock,
            measure=measure,
            display=display,
            watchers=self.watchers,
        )

    def run(self, model: Model, weights: dict[str, float], *, key: jax.Array) -> Outcome:
        """Train from this model, or from the checkpoint where there is one."""
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        host, history = HostState(0, 0, self.objective, static), History()
        state = self._begin(host, arrays, weights, key)
        if self.saving.begun:
            host, state, history = self.saving.restore(host, state, self.schedule, self.programs)
        elif self.saves_start:
            self.saving.save(host, state, history)
        with interruptions() as interrupted:
            host, state, stopped = self._stages(host, state, history, interrupted)
        if stopped == "steps" and host.cut_short:
            stopped = "budget"
        return self._outcome(host, state, stopped, history)

    def _begin(self, host, arrays, weights, key) -> State:
        draw_key, key = jax.random.split(key)
        points = self.programs.points(host, draw_key)
        weights = {name: jnp.asarray(value, float) for name, value in weights.items()}
        optimizer = self.schedule.stages[0].optimizer.start(arrays)
        far = jnp.asarray(jnp.inf)
        best = nothing_yet(arrays) if self.schedule.keep in LOOKS else None
        return State(jnp.zeros((), jnp.int32), arrays, optimizer, points, weights, key, far, best)

    def _stages(self, host, state, history, interrupted) -> tuple[HostState, State, str]:
        """Go through the present stage and those after it, to the end of the last or to another reason to stop."""
        first, stopped = host.number, "steps"
        for number in range(first, len(self.schedule.stages)):
            try:
                host, state, stopped = self._stage(number, host, state, history, interrupted, fresh=number > first)
            except Late:  # what was being prepared is left out
                stopped = "interrupted" if interrupted() else "budget"
                if not self.saving.begun:
                    self.saving.save(host, state, history)
            if stopped not in ("steps", "converged") or host.refused:
                break
        return host, state, stopped

    def _stage(self, number, host, state, history, interrupted, *, fresh) -> tuple[HostState, State, str]:
        """Enlarge, compile and run: the states after a stage, and why it ended. A fresh one is to be begun."""
        before = host, state
        if fresh:
            entered = self._entered(number, host, state, interrupted)
            if entered is None:
                return host, state, "converged"
            host, state = entered
        optimizer = self.schedule.stages[number].optimizer
        end = host.began + optimizer.steps
        if int(state.step) >= end or optimizer.finished(state.optimizer):
            return host, state, "steps" if int(state.step) >= end else "converged"
        advance = self.programs.steps(host, state, end, interrupted)
        needed = excess(advance)
        if needed:
            return *_without_refinement(before, host, optimizer.label, needed), "converged"
        return self._run(advance, host, state, end, history, interrupted)

    def _entered(self, number, host, state, interrupted) -> tuple[HostState, State] | None:
        """The states at the first step of a stage; None where it is to refine and there is nothing to gain."""
        stage = self.schedule.stages[number]
        if stage.refine is not None:
            decision = self._decision(number, host, state, interrupted)
            if decision is None:
                return None
            host, state = self._enlarged(number, decision, host, state)
        host = replace(host, number=number, began=int(state.step))
        return host, state._replace(optimizer=stage.optimizer.start(state.arrays))

    def _decision(self, number, host, state, interrupted) -> Any:
        """What the refinement of a stage decides; None where there is nothing to gain."""
        last = loss_before_such(number, self.schedule.stages, host.refined)
        model, started = eqx.combine(state.arrays, host.static), time.perf_counter()
        decide = self.schedule.stages[number].decide
        try:
            return in_time(lambda: decide(model, state.loss, state.optimizer, last), self.limits.until, interrupted)
        finally:
            self.clock.setup += time.perf_counter() - started

    def _enlarged(self, number, decision, host, state) -> tuple[HostState, State]:
        """The states with a model that was refined as decided, on points of its objective."""
        host, arrays = refined(host, self.schedule.stages, number, decision, state.arrays, float(state.loss))
        best = None if state.best is None else nothing_yet(arrays)
        return host, state._replace(arrays=arrays, best=best, points=self.programs.points(host, state.key))

    def _run(self, advance, host, state, end, history, interrupted) -> tuple[HostState, State, str]:
        """Take the steps of the present stage, to its end or to the first reason to stop."""
        optimizer, stop = self.schedule.stages[host.number].optimizer, self.programs.stop
        state = _copied(state)  # no two leaves may share a buffer: each is donated
        until = self._stage_ends(host.number)
        step, chunk = int(state.step), 1
        starts: tuple[State, ...] = ()
        self.saving.start()
        while step < end:
            target = min(step + chunk, next_record(step, host.began, end))
            started = time.perf_counter()
            state, start = self._dispatched(advance, host, state, target, lambda: interrupted() or _past(until))
            took = time.perf_counter() - started
            self.clock.train += took
            chunk, starts = _next_chunk(int(state.step) - step, took, chunk), (*starts[-1:], start)
            step, loss = int(state.step), float(state.loss)
            if not stop.raised:
                if not math.isfinite(loss):
                    return host, self._rewound(advance, host, state, starts), "diverged"
                with self.saving.saved_if_it_ends(host, state, history):
                    self.monitor.look(host, state, end, history)
            stopped = self._reason_to_stop(state, interrupted, until)
            if not stopped and optimizer.finished(state.optimizer):
                stopped = "converged"
            if stopped or self.saving.due or step >= end:
                self.saving.save(host, state, history)
            if stopped:
                return replace(host, cut_short=host.cut_short or stopped == "steps"), state, stopped
        return host, state, "steps"

    def _dispatched(self, advance, host, state, target, unwanted) -> tuple[State, State]:
        """The state at a later step, and a copy of the one before, without its points where these stay the same.

        The state as it is where steps became unwanted before they were done; the flag is raised then.
        """
        resamples, stop = self.programs.resamples(host), self.programs.stop
        kept = _copied(state if resamples else state._replace(points=None))
        stop.lower()
        state = advance(state, jnp.int32(target), self.programs.goal(state), stop.array)
        wait_for(state.loss, stop, unwanted)
        state = jax.block_until_ready(state)
        if stop.raised:  # within a step: its loops were left early, and what they computed means nothing
            state = kept if resamples else kept._replace(points=state.points)
        return state, kept

    def _rewound(self, advance, host, state, starts) -> State:
        """The state with the last parameters of a finite loss, whatever the steps were grouped to.

        A loss is that of the parameters before its step. The one that is not finite, met in step n, tells of those
        after n - 1 steps; those after n - 2 are taken once more from the start of one of the last two dispatches. Where
        there are none, since the first step of a stage or of a continued run met it, the parameters stay as they were.
        """
        last = int(state.step) - 2
        start = next((start for start in reversed(starts) if int(start.step) <= last), None)
        if start is None:
            return state._replace(arrays=starts[-1].arrays)
        resamples = self.programs.resamples(host)
        start = start if resamples else start._replace(points=state.points)
        again = advance(start, jnp.int32(last), self.programs.goal(state), self.programs.stop.array)
        return state._replace(arrays=again.arrays, points=state.points if resamples else again.points)

    def _stage_ends(self, number) -> float:
        """The instant at which a stage ends: where more follow, it takes its share of the time that is left.

        All of it, where the rest would not suffice to compile another one.
        """
        now, left = time.perf_counter(), self.limits.until - time.perf_counter()
        last = number + 1 == len(self.schedule.stages) or (1 - _SHARE) * left < self.programs.took
        return self.limits.until if last else now + _SHARE * left

    def _reason_to_stop(self, state, interrupted, until) -> str:
        if interrupted():
            return "interrupted"
        if self.watchers.stop:
            return "callback"
        if state.loss <= self.programs.goal(state):
            return "target"
        if _past(self.limits.until):
            return "budget"
        return "steps" if _past(until) else ""

    def _outcome(self, host, state, stopped, history) -> Outcome:
        """The result, with the loss by which it was chosen, or that on the points and weights of the last step."""
        arrays, lowest = state.chosen
        model = eqx.combine(arrays, host.static)
        try:
            squares = in_time(lambda: self.programs.mean_squares(host, model, state.points), self.limits.ends)
            loss = sum(state.weights[k] * v for k, v in squares.items())
        except Late:
            squares, loss = {}, state.loss
        loss = loss if lowest is None else lowest
        loss = max(float(loss), 0.0) if math.isfinite(float(loss)) else loss  # differences of squares may round below
        residuals = {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in squares.items()}
        return Outcome(
            model, stopped, int(state.step), float(loss), residuals, history,
            [entry.to_data() for entry in host.refined], host.began, list(host.refused), error=self.watchers.error,
        )  # fmt: skip


def _without_refinement(before, host: HostState, label: str, needed: str) -> tuple[HostState, State]:
    """The states before a stage whose steps need too much memory; raises MethodError where it refined nothing."""
    earlier, state = before
    if len(host.refined) == len(earlier.refined):
        raise MethodError(
            f"One step of {label} would take about {needed}; lower `points`, `width` or `rank`, or choose another "
            f"method."
        )
    said = f"not {host.refined[-1].what}: a step would have taken {needed}, so that training ended before"
    return replace(earlier, refused=(*earlier.refused, said)), state


def _copied(state: State) -> State:
    """The same arrays in buffers of their own; unlike `jnp.copy`, for which each shape is a program, uncompiled."""
    return jax.device_put(state, may_alias=False)


def _past(instant: float) -> bool:
    return time.perf_counter() > instant


def _next_chunk(done: int, took: float, chunk: int) -> int:
    """Steps for the next dispatch: about a quarter of a second, at most double or half of the last."""
    wanted = 0.25 * done / max(took, 1e-9)
    return max(1, int(min(max(wanted, chunk / 2), 2 * chunk)))
