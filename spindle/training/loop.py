"""The one training loop.

A phase (an optimizer and its number of steps) is compiled once, as a loop whose end is an argument, so that many steps
are one dispatch and the way they are grouped changes no number. Between dispatches the host looks at the clock, at the
loss, and at whoever wants to stop; monitoring happens there and is timed apart.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.errors import MethodError
from spindle.interrupts import interruptions
from spindle.networks.model import Model
from spindle.objective.balancing import balanced
from spindle.objective.least_squares import LeastSquares
from spindle.objective.objective import Objective
from spindle.training.checkpoint import load_meta, load_tree, reading, save_tree
from spindle.training.deadline import Late, Stop, in_time, wait_for
from spindle.training.display import Display, Silent
from spindle.training.history import Clock, History, Record
from spindle.training.memory import excess
from spindle.training.optimizers.growing import Growing
from spindle.training.schedule import Limits, Outcome, Schedule, State

_SHARE = 0.4  # of the time that is left, for a phase that is not the last
_PARTED = 1.0  # seconds between two evaluations of the parts of the loss


class Trainer:
    """Runs a schedule on an objective.

    measure     model -> {name: error}, called at steps 1, 2, 5, 10, 20, ... apart from the training clock; or None
    display     told what is being done, and each `Record`
    watch       called with each `Record`, and the total number of steps
    checkpoint  file to continue from, where it exists, and to write every `save_every` seconds; or None
    mark        of the run, in its checkpoint: that of another run is refused
    programs    what was compiled by others of the same objective and schedule, on other data
    """

    def __init__(
        self,
        objective: Objective,
        schedule: Schedule,
        *,
        limits: Limits,
        clock: Clock,
        measure: Callable | None = None,
        display: Display | None = None,
        watch: Sequence[Callable] = (),
        checkpoint: Path | None = None,
        mark: str = "",
        save_every: float = 20.0,
        programs: dict | None = None,
    ):
        self.objective, self.schedule, self.limits, self.clock = objective, schedule, limits, clock
        self.measure, self.watch, self.display = measure, tuple(watch), display or Silent()
        self.checkpoint, self.mark, self.save_every = checkpoint, mark, save_every
        self.total = sum(phase.steps for phase in schedule.phases)
        self._cut_short = False
        self._stop, self.programs = Stop(), {} if programs is None else programs
        self._carried = objective.handed_over
        self._of_this_run: dict = {}
        self.grown: list[dict] = []
        self._last_parts: dict[str, float] = {}
        self._parted = -math.inf

    def run(self, model: Model, weights: dict[str, float], *, key: jax.Array) -> Outcome:
        """Train from this model, or from the checkpoint where there is one."""
        arrays, self._static = eqx.partition(model, eqx.is_inexact_array)
        first, state, history = 0, self._begin(arrays, weights, key), History()
        self._start = 0
        self.grown = []
        self.refused: list[str] = []
        if self.checkpoint is not None and self.checkpoint.exists():
            first, state, history = self._restore(state)
        stopped = "steps"
        with interruptions() as interrupted:
            for number in range(first, len(self.schedule.phases)):
                try:
                    state, stopped = self._phase(number, state, history, interrupted, fresh=number > first)
                except Late:  # what was being prepared is left out
                    stopped = "interrupted" if interrupted() else "budget"
                    if self.checkpoint is not None and not self.checkpoint.exists():
                        self._save(number, state, history)
                if stopped not in ("steps", "converged") or self.refused:
                    break
        if stopped == "steps" and self._cut_short:  # an earlier phase had fewer steps than it was to have
            stopped = "budget"
        return self._outcome(state, stopped, history)

    def _begin(self, arrays, weights, key) -> State:
        draw_key, key = jax.random.split(key)
        points = self._drawn(draw_key)
        weights = {name: jnp.asarray(value, float) for name, value in weights.items()}
        optimizer = self.schedule.phases[0].start(arrays)
        far = jnp.asarray(jnp.inf)
        state = State(jnp.zeros((), jnp.int32), arrays, optimizer, points, weights, key, far, arrays, far)
        return state

    def _phase(self, number, state, history, interrupted, *, fresh) -> tuple[State, str]:
        """Run one phase to its end or to the first reason to stop."""
        phase, before = self.schedule.phases[number], (state, self._start, self.objective, self._static)
        if fresh:
            enlarged = self._enlarged(number, phase, state, interrupted)
            if enlarged is None:
                return state, "converged"
            state = enlarged._replace(optimizer=phase.start(enlarged.arrays))
            self._start = int(state.step)
        step, end = int(state.step), self._start + phase.steps
        if step >= end or phase.finished(state.optimizer):
            return state, "steps" if step >= end else "converged"
        try:
            advance = self._program(("steps", number), lambda: self._compiled(phase, state, end, interrupted))
        except Late:
            self._undo_growth(phase, before, fresh=fresh)
            raise
        needed = excess(advance)
        if needed:
            return self._without_growth(phase, before, needed, fresh=fresh), "converged"
        state = jax.tree.map(jnp.copy, state)  # no two leaves may share a buffer: each is donated
        until = self._phase_ends(number)
        chunk, saved = 1, time.perf_counter()
        while step < end:
            target = min(step + chunk, _next_record(step, self._start, end))
            started = time.perf_counter()
            state, good = self._steps(advance, phase, state, target, lambda: interrupted() or _past(until))
            took = time.perf_counter() - started
            self.clock.train += took
            chunk = _next_chunk(int(state.step) - step, took, chunk)
            step, loss = int(state.step), float(state.loss)
            if good is not None:
                return state._replace(arrays=good), "diverged"
            if not self._stop.raised:
                with self._saved_if_it_ends(number, state, history):
                    self._look(state, phase, step, loss, end, history)
            stopped = self._reason_to_stop(loss, interrupted, until)
            if not stopped and phase.finished(state.optimizer):
                stopped = "converged"
            due = time.perf_counter() - saved > self.save_every
            if self.checkpoint is not None and (stopped or due or step >= end):
                self._save(number, state, history)
                saved = time.perf_counter()
            if stopped:
                return state, stopped
        return state, "steps"

    def _enlarged(self, number, phase, state, interrupted) -> State | None:
        """The state of a model that was made larger, where the phase does that; None where there is nothing to gain."""
        if not isinstance(phase, Growing):
            return state
        last = self._before_a_growth_like(phase)
        model, started = eqx.combine(state.arrays, self._static), time.perf_counter()
        try:
            decision = in_time(
                lambda: phase.decide(model, state.loss, state.optimizer, last), self.limits.until, interrupted
            )
        finally:
            self.clock.setup += time.perf_counter() - started
        if decision is None:
            return None
        arrays = self._grow(number, decision, state.arrays)
        self.grown[-1]["loss"] = float(state.loss)
        far = jnp.asarray(jnp.inf)
        return state._replace(arrays=arrays, best=arrays, best_loss=far, points=self._drawn(state.key))

    def _before_a_growth_like(self, phase: Growing) -> float | None:
        """The loss before the last growth; None where that was the first one, or of another kind.

        That more products gained nothing says nothing of more features.
        """
        if len(self.grown) < 2:
            return None
        last = self.schedule.phases[self.grown[-1]["phase"]]
        return self.grown[-1]["loss"] if isinstance(phase.growth, type(last.growth)) else None

    def _compiled(self, phase, state, end, interrupted):
        """The program of a phase; raises Late where that takes too long or is wanted no more."""
        self.display.stage(f"compiling {phase.label}")
        started = time.perf_counter()
        try:
            program, options = jax.jit(self._advance(phase), donate_argnums=0), _compiler_options()

            def compiled():
                lowered = program.lower(state, jnp.int32(end), self._stop.array)
                return lowered.compile(compiler_options=options)

            return in_time(compiled, self.limits.until, interrupted)
        finally:
            self.clock.compile += time.perf_counter() - started

    def _steps(self, advance, phase, state, target, unwanted) -> tuple[State, Model | None]:
        """The state at a later step, and the last good arrays where the loss is not finite any more.

        The state as it is where steps became unwanted before they were done.
        """
        changing = self.schedule.resample and phase.resamples
        kept = state if changing else state._replace(points=None)
        kept = jax.tree.map(jnp.copy, kept)
        self._stop.lower()
        state = advance(state, jnp.int32(target), self._stop.array)
        wait_for(state.loss, self._stop, unwanted)
        state = jax.block_until_ready(state)
        if self._stop.raised:  # within a step: its loops were left early, and what they computed means nothing
            return (kept if changing else kept._replace(points=state.points)), None
        return state, None if math.isfinite(float(state.loss)) else kept.arrays

    def _phase_ends(self, number) -> float:
        """The instant at which a phase ends: where more follow, it takes its share of the time that is left."""
        now, left = time.perf_counter(), self.limits.until - time.perf_counter()
        return self.limits.until if number + 1 == len(self.schedule.phases) else now + _SHARE * left

    def _advance(self, phase) -> Callable:
        """The compiled part: steps of one phase until a given step."""
        schedule, objective, static = self.schedule, self.objective, self._static

        def redraw(state):
            draw_key, key = jax.random.split(state.key)
            return state._replace(points=objective.draw(draw_key, state.points.carried), key=key)

        def rebalance(state):
            norms = objective.gradient_norms(eqx.combine(state.arrays, static), state.points)
            return state._replace(weights=balanced(state.weights, norms))

        def one(state: State, stop) -> State:
            if schedule.resample and phase.resamples:
                state = jax.lax.cond(_due(state.step, schedule.resample), redraw, lambda s: s, state)
            if schedule.balance and phase.resamples:
                state = jax.lax.cond(_due(state.step, schedule.balance), rebalance, lambda s: s, state)
            problem = LeastSquares(objective, static, state.points, state.weights, stop)
            arrays, optimizer, loss = phase.step(problem, state.arrays, state.optimizer)
            if schedule.keep == "lowest loss":
                better = (state.step % 10 == 0) & (loss < state.best_loss)
                best = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.arrays, state.best)
                state = state._replace(best=best, best_loss=jnp.where(better, loss, state.best_loss))
            return state._replace(step=state.step + 1, arrays=arrays, optimizer=optimizer, loss=loss)

        def advance(state, until, stop):
            # A loss that is not finite ends the loop at once: no later step could repair it.
            def go_on(s):
                alive = jnp.isfinite(s.loss) | (s.step == state.step)
                return (s.step < until) & alive & ~phase.finished(s.optimizer) & (stop[0] == 0)

            return jax.lax.while_loop(go_on, lambda s: one(s, stop), state)

        return advance

    def _drawn(self, key):
        """The points of the present objective."""
        started = time.perf_counter()
        program = self._program(("points", len(self.grown)), lambda: jax.jit(self.objective.draw))
        points = in_time(lambda: program(key, self._carried), self.limits.ends)
        self.clock.setup += time.perf_counter() - started
        return points

    def _grow(self, number, decision, arrays):
        """Enlarge the model as that phase decided, and take the objective that it needs; returns its arrays."""
        growth = self.schedule.phases[number].growth
        model = growth.apply(eqx.combine(arrays, self._static), decision)
        self.objective = growth.objective(model) or self.objective
        self.grown.append({"phase": number, "decision": decision, "what": growth.describe(decision)})
        arrays, self._static = eqx.partition(model, eqx.is_inexact_array)
        return arrays

    def _without_growth(self, phase, before, needed: str, *, fresh) -> State:
        """Back to the model that was not enlarged yet; raises MethodError where there is none."""
        if not (fresh and isinstance(phase, Growing)):
            raise MethodError(
                f"One step of {phase.label} would take about {needed}; lower `points`, `width` or `rank`, or choose "
                f"another method."
            )
        what = self.grown[-1]["what"]
        self.refused.append(f"not {what}: a step would have taken {needed}, so that training ended before")
        return self._undo_growth(phase, before, fresh=fresh)

    def _undo_growth(self, phase, before, *, fresh) -> State:
        """The state before a phase began, where that made the model larger."""
        if fresh and isinstance(phase, Growing):
            self.grown.pop()
        state, self._start, self.objective, self._static = before
        return state

    def _look(self, state, phase, step, loss, end, history):
        """Record where the run is, and measure the error where a measurement is due."""
        errors = self._measured(state) if step == _next_look(step - 1) or step >= end else {}
        record = Record(step, phase.label, self.clock.train, max(loss, 0.0), errors)
        if errors or step == _next_record(step - 1, self._start, end):
            history.append(record)
        self.display.step(replace(record, parts=self._parts(state)), self.total)
        for watcher in self.watch:
            watcher(record, self.total)

    def _measured(self, state) -> dict[str, float]:
        """The errors at this moment; none where there is no time to measure them."""
        measure = self.measure
        if measure is None:
            return {}
        model, started = self._chosen(state), time.perf_counter()
        try:
            return in_time(lambda: measure(model), self.limits.until)
        except Late:
            return {}
        finally:
            self.clock.evaluate += time.perf_counter() - started

    def _parts(self, state) -> dict[str, float]:
        """What each residual contributes to the loss, where somebody looks: once a second at most."""
        if not self.display.shows_parts or time.perf_counter() - self._parted < _PARTED:
            return self._last_parts
        started = time.perf_counter()
        squares = self._mean_squares(eqx.combine(state.arrays, self._static), state.points)
        self._last_parts = {name: float(state.weights[name] * square) for name, square in squares.items()}
        self._parted = time.perf_counter()
        self.clock.evaluate += self._parted - started
        return self._last_parts

    def _mean_squares(self, model, points):
        """The mean square of each residual, by a program that is compiled once for each objective."""
        program = self._program(("squares", len(self.grown)), lambda: eqx.filter_jit(self.objective.mean_squares))
        return program(model, points)

    def _program(self, name, make: Callable) -> Callable:
        """A program that is made once; for all trainings of the plan, unless the model was made larger in this one."""
        kept = self._of_this_run if self.grown else self.programs
        if name not in kept:
            kept[name] = make()
        return kept[name]

    def _reason_to_stop(self, loss, interrupted, until) -> str:
        if interrupted():
            return "interrupted"
        if loss <= self.limits.loss:
            return "target"
        if _past(self.limits.until):
            return "budget"
        self._cut_short |= _past(until)
        return "steps" if _past(until) else ""

    def _by_loss(self, state) -> bool:
        return self.schedule.keep == "lowest loss" and bool(jnp.isfinite(state.best_loss))

    def _chosen(self, state) -> Model:
        """The parameters that count as the result at this moment."""
        return eqx.combine(state.best if self._by_loss(state) else state.arrays, self._static)

    def _outcome(self, state, stopped, history) -> Outcome:
        """The result, with the loss by which it was chosen, or that on the points and weights of the last step."""
        model = self._chosen(state)
        try:
            squares = in_time(lambda: self._mean_squares(model, state.points), self.limits.ends)
            loss = sum(state.weights[k] * v for k, v in squares.items())
        except Late:
            squares, loss = {}, state.loss
        loss = state.best_loss if self._by_loss(state) else loss
        loss = max(float(loss), 0.0) if math.isfinite(float(loss)) else loss  # differences of squares may round below
        residuals = {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in squares.items()}
        return Outcome(
            model, stopped, int(state.step), float(loss), residuals, history, self.grown, self._start, self.refused
        )

    def _save(self, number, state, history):
        meta = {
            "phase": number,
            "start": self._start,
            "grown": self.grown,
            "history": history.to_data(),
            "clock": vars(self.clock),
            "mark": self.mark,
        }
        save_tree(self.checkpoint, state, meta)

    @contextmanager
    def _saved_if_it_ends(self, number, state, history):
        """Save before an error goes on: of a callback, or of a measurement for which there is not enough memory."""
        try:
            yield
        except BaseException:
            if self.checkpoint is not None:
                self._save(number, state, history)
            raise

    def _restore(self, state):
        """Phase, state and history of the checkpoint, whose optimizer may be of a later phase than the first."""
        meta = load_meta(self.checkpoint, self.mark)
        with reading(self.checkpoint):
            number, self._start = meta["phase"], meta["start"]
            arrays, phases = state.arrays, self.schedule.phases
            for entry in meta["grown"]:
                arrays = self._grow(entry["phase"], entry["decision"], arrays)
            self.grown = meta["grown"]
            points = self._drawn(state.key) if meta["grown"] else state.points
            like = state._replace(arrays=arrays, best=arrays, points=points, optimizer=phases[number].start(arrays))
            restored, _ = load_tree(self.checkpoint, like)
            for name, seconds in meta["clock"].items():
                setattr(self.clock, name, getattr(self.clock, name) + seconds)
            return number, restored, History.from_data(meta["history"])


def _compiler_options() -> dict | None:
    """On a CPU leave out LLVM passes that halve no step but double the compilation of a line search (measured)."""
    return {"xla_llvm_disable_expensive_passes": True} if jax.default_backend() == "cpu" else None


def _past(instant: float) -> bool:
    return time.perf_counter() > instant


def _due(step, every):
    return (step > 0) & (step % every == 0)


def _next_look(step: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... : errors are measured where the logarithm of the step moves evenly."""
    power = 10 ** int(math.log10(max(step, 1)))
    return next(m * power for m in (1, 2, 5, 10) if m * power > step)


def _next_record(step: int, start: int, end: int) -> int:
    """The next step on record: a look, or one of the tenths of the second half of a phase, its end among them."""
    tenths = (start + (end - start) * k // 10 for k in range(5, 11))
    return min(_next_look(step), *(tenth for tenth in tenths if tenth > step), end)


def _next_chunk(done: int, took: float, chunk: int) -> int:
    """Steps for the next dispatch: about a quarter of a second, at most double or half of the last."""
    wanted = 0.25 * done / max(took, 1e-9)
    return max(1, int(min(max(wanted, chunk / 2), 2 * chunk)))
