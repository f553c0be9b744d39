"""The one training loop.

A phase (an optimizer and its number of steps) is compiled once, as a loop whose end is an argument, so that many steps
are one dispatch and the way they are grouped changes no number. Between dispatches the host looks at the clock, at the
loss, and at whoever wants to stop; monitoring happens there and is timed apart.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.errors import MethodError
from spindle.interrupts import interruptions
from spindle.objective.least_squares import LeastSquares
from spindle.objective.objective import Model, Objective
from spindle.training.checkpoint import load_meta, load_tree, reading, save_tree
from spindle.training.history import Clock, History, Record
from spindle.training.memory import excess
from spindle.training.optimizers.base import Optimizer
from spindle.training.optimizers.growing import Growing


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    phases     optimizers, one after the other
    resample   draw new points every so many steps (0: never); phases that need fixed points keep the last ones
    balance    adapt the weights every so many steps so that all residuals pull with gradients of one norm (0: never)
    keep       "last" parameters, or those of the "lowest loss", looked at every 10 steps
    """

    phases: tuple[Optimizer, ...]
    resample: int = 0
    balance: int = 0
    keep: str = "last"


@dataclass(frozen=True)
class Limits:
    """When to stop early: seconds of wall clock from this call on, or a loss that is small enough."""

    seconds: float = math.inf
    loss: float = 0.0


class State(NamedTuple):
    """Everything that training changes, on the device."""

    step: jax.Array
    arrays: Model
    optimizer: object
    points: object
    weights: dict[str, jax.Array]
    key: jax.Array
    loss: jax.Array
    best: Model
    best_loss: jax.Array


@dataclass
class Outcome:
    """How training ended.

    stopped_by   steps, converged, budget, target, diverged or interrupted
    residuals    root mean square of each residual on the last training points
    grown        the phases that enlarged the model, and what they decided
    began        the step at which the last phase began
    refused      sentences on enlargements that would not have fitted into the memory
    """

    model: Model
    stopped_by: str
    steps: int
    loss: float
    residuals: dict[str, float]
    history: History = field(default_factory=History)
    grown: list[dict] = field(default_factory=list)
    began: int = 0
    refused: list[str] = field(default_factory=list)


class Trainer:
    """Runs a schedule on an objective.

    measure     model -> {name: error}, called at steps 1, 2, 5, 10, 20, ... apart from the training clock; or None
    watch       called with each `Record`, and the total number of steps
    checkpoint  file to continue from, where it exists, and to write every `save_every` seconds; or None
    mark        of the run, in its checkpoint: that of another run is refused
    """

    def __init__(
        self,
        objective: Objective,
        schedule: Schedule,
        *,
        limits: Limits,
        clock: Clock,
        measure: Callable | None = None,
        watch: Sequence[Callable] = (),
        checkpoint: Path | None = None,
        mark: str = "",
        save_every: float = 20.0,
    ):
        self.objective, self.schedule, self.limits, self.clock = objective, schedule, limits, clock
        self.measure, self.watch = measure, tuple(watch)
        self.checkpoint, self.mark, self.save_every = checkpoint, mark, save_every
        self.total = sum(phase.steps for phase in schedule.phases)

    def run(self, model: Model, weights: dict[str, float], *, key: jax.Array) -> Outcome:
        """Train from this model, or from the checkpoint where there is one."""
        self._began = time.perf_counter() - self.clock.total
        arrays, self._static = eqx.partition(model, eqx.is_inexact_array)
        first, state, history = 0, self._begin(arrays, weights, key), History()
        self._start = 0
        self.grown: list[dict] = []
        self.refused: list[str] = []
        if self.checkpoint is not None and self.checkpoint.exists():
            first, state, history = self._restore(state)
        stopped = "steps"
        with interruptions() as interrupted:
            for number in range(first, len(self.schedule.phases)):
                state, stopped = self._phase(number, state, history, interrupted, fresh=number > first)
                if stopped not in ("steps", "converged") or self.refused:
                    break
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
            if isinstance(phase, Growing):
                last = self.grown[-1]["loss"] if len(self.grown) > 1 else None
                started = time.perf_counter()
                decision = phase.decide(eqx.combine(state.arrays, self._static), state.loss, state.optimizer, last)
                self.clock.setup += time.perf_counter() - started
                if decision is None:
                    return state, "converged"
                arrays = self._grow(number, decision, state.arrays)
                self.grown[-1]["loss"] = float(state.loss)
                far = jnp.asarray(jnp.inf)
                state = state._replace(arrays=arrays, best=arrays, best_loss=far, points=self._drawn(state.key))
            state = state._replace(optimizer=phase.start(state.arrays))
            self._start = int(state.step)
        step, end = int(state.step), self._start + phase.steps
        if step >= end or phase.finished(state.optimizer):
            return state, "steps" if step >= end else "converged"
        started = time.perf_counter()
        lowered = jax.jit(self._advance(phase), donate_argnums=0).lower(state, jnp.int32(end))
        advance = lowered.compile(compiler_options=_compiler_options())
        self.clock.compile += time.perf_counter() - started
        needed = excess(advance)
        if needed:
            return self._without_growth(phase, before, needed, fresh=fresh), "converged"
        state = jax.tree.map(jnp.copy, state)  # no two leaves may share a buffer: each is donated
        chunk, saved = 1, time.perf_counter()
        while step < end:
            until = min(step + chunk, _next_record(step, self._start, end))
            good = jax.tree.map(jnp.copy, state.arrays)
            started = time.perf_counter()
            state = jax.block_until_ready(advance(state, jnp.int32(until)))
            took = time.perf_counter() - started
            self.clock.train += took
            chunk = _next_chunk(until - step, took, chunk)
            step, loss = int(state.step), float(state.loss)
            if not math.isfinite(loss):
                return state._replace(arrays=good), "diverged"
            with self._saved_if_it_ends(number, state, history):
                self._look(state, phase, step, loss, end, history)
            stopped = self._reason_to_stop(loss, interrupted)
            if not stopped and phase.finished(state.optimizer):
                stopped = "converged"
            due = time.perf_counter() - saved > self.save_every
            if self.checkpoint is not None and (stopped or due or step >= end):
                self._save(number, state, history)
                saved = time.perf_counter()
            if stopped:
                return state, stopped
        return state, "steps"

    def _advance(self, phase) -> Callable:
        """The compiled part: steps of one phase until a given step."""
        schedule, objective, static = self.schedule, self.objective, self._static

        def redraw(state):
            draw_key, key = jax.random.split(state.key)
            return state._replace(points=objective.draw(draw_key), key=key)

        def rebalance(state):
            norms = objective.gradient_norms(eqx.combine(state.arrays, static), state.points)
            return state._replace(weights=balanced(state.weights, norms))

        def one(state: State) -> State:
            if schedule.resample and phase.resamples:
                state = jax.lax.cond(_due(state.step, schedule.resample), redraw, lambda s: s, state)
            if schedule.balance and phase.resamples:
                state = jax.lax.cond(_due(state.step, schedule.balance), rebalance, lambda s: s, state)
            problem = LeastSquares(objective, static, state.points, state.weights)
            arrays, optimizer, loss = phase.step(problem, state.arrays, state.optimizer)
            if schedule.keep == "lowest loss":
                better = (state.step % 10 == 0) & (loss < state.best_loss)
                best = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.arrays, state.best)
                state = state._replace(best=best, best_loss=jnp.where(better, loss, state.best_loss))
            return state._replace(step=state.step + 1, arrays=arrays, optimizer=optimizer, loss=loss)

        def advance(state, until):
            # A loss that is not finite ends the loop at once: no later step could repair it.
            def go_on(s):
                alive = jnp.isfinite(s.loss) | (s.step == state.step)
                return (s.step < until) & alive & ~phase.finished(s.optimizer)

            return jax.lax.while_loop(go_on, one, state)

        return advance

    def _drawn(self, key):
        """The points of the present objective."""
        started = time.perf_counter()
        points = jax.jit(self.objective.draw)(key)
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
        what = self.grown.pop()["what"]
        self.refused.append(f"not {what}: a step would have taken {needed}, so that training ended before")
        state, self._start, self.objective, self._static = before
        return state

    def _look(self, state, phase, step, loss, end, history):
        """Record where the run is, and measure the error where a measurement is due."""
        errors = {}
        if self.measure is not None and (step == _next_look(step - 1) or step >= end):
            started = time.perf_counter()
            errors = self.measure(self._chosen(state))
            self.clock.evaluate += time.perf_counter() - started
        record = Record(step, phase.label, self.clock.train, loss, errors)
        if errors or step == _next_record(step - 1, self._start, end):
            history.append(record)
        for watcher in self.watch:
            watcher(record, self.total)

    def _reason_to_stop(self, loss, interrupted) -> str:
        if interrupted():
            return "interrupted"
        if loss <= self.limits.loss:
            return "target"
        return "budget" if time.perf_counter() - self._began > self.limits.seconds else ""

    def _by_loss(self, state) -> bool:
        return self.schedule.keep == "lowest loss" and bool(jnp.isfinite(state.best_loss))

    def _chosen(self, state) -> Model:
        """The parameters that count as the result at this moment."""
        return eqx.combine(state.best if self._by_loss(state) else state.arrays, self._static)

    def _outcome(self, state, stopped, history) -> Outcome:
        """The result, with the loss by which it was chosen, or that on the points and weights of the last step."""
        model = self._chosen(state)
        squares = eqx.filter_jit(self.objective.mean_squares)(model, state.points)
        loss = state.best_loss if self._by_loss(state) else sum(state.weights[k] * v for k, v in squares.items())
        residuals = {name: float(jnp.sqrt(square)) for name, square in squares.items()}
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


def balanced(weights, norms):
    """Weights that even out the gradient norms, moved a tenth of the way (Wang et al. 2023, arXiv 2308.08468).

    Those without a norm stay what they are.
    """
    total = sum(norms.values())
    target = {name: total / (norm + 1e-12 * total) / len(norms) for name, norm in norms.items()}
    moved = {name: 0.9 * weights[name] + 0.1 * target[name].astype(weights[name].dtype) for name in norms}
    return {**weights, **moved}


def _compiler_options() -> dict | None:
    """On a CPU leave out LLVM passes that halve no step but double the compilation of a line search (measured)."""
    return {"xla_llvm_disable_expensive_passes": True} if jax.default_backend() == "cpu" else None


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
