"""What is compiled for a training: the steps of its stages, what draws points, what evaluates residuals.

A stage is compiled once, as a loop whose end is an argument, so that many steps are one dispatch and the way they are
grouped changes no number.
"""

import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.objective.balancing import balanced, kernel_traces
from spindle.objective.least_squares import LeastSquares
from spindle.training.best import LOOKS, keeping_the_best
from spindle.training.deadline import Late, Stop, in_time
from spindle.training.display import Display
from spindle.training.history import Clock
from spindle.training.schedule import HostState, Limits, Schedule, State


class Programs:
    """The programs of a training, each made once.

    shared    {name: program}, for all trainings by one plan; those of a model that was refined are not among them
    carried   the arrays that the present window in time got from the one before
    stop      the flag that running steps look at
    took      seconds that the last steps took to compile
    """

    def __init__(self, schedule: Schedule, limits: Limits, clock: Clock, display: Display, carried, shared: dict):
        self.schedule, self.limits, self.clock, self.display = schedule, limits, clock, display
        self.stop, self.took = Stop(), 0.0
        self._carried, self._shared = carried, shared
        self._of_this_training: dict = {}

    def steps(self, host: HostState, state: State, end: int, interrupted: Callable) -> Any:
        """The steps of the present stage; raises Late where to compile takes too long or is wanted no more.

        So it does at once where less time is left than the last ones took: steps of a refined model take longer, and a
        compiler that is left behind keeps the processor from the checks.
        """
        return self._once(("steps", host.number), host, lambda: self._compiled(host, state, end, interrupted))

    def points(self, host: HostState, key) -> Any:
        """Points of the present objective; raises Late where that takes too long."""
        started = time.perf_counter()
        draw = self._once(("points", len(host.refined)), host, lambda: jax.jit(host.objective.draw))
        points = in_time(lambda: draw(key, self._carried), self.limits.ends)
        self.clock.setup += time.perf_counter() - started
        return points

    def mean_squares(self, host: HostState, model, points) -> dict[str, jax.Array]:
        """The mean square of each residual of the present objective."""
        name = ("squares", len(host.refined))
        return self._once(name, host, lambda: eqx.filter_jit(host.objective.mean_squares))(model, points)

    def goal(self, state: State) -> jax.Array:
        """The loss at which steps end, in the precision of the loss."""
        return jnp.asarray(self.limits.loss, state.loss.dtype)

    def resamples(self, host: HostState) -> bool:
        """Whether the steps of the present stage draw new points."""
        return _resamples(self.schedule, host.number)

    def _once(self, name, host: HostState, make: Callable) -> Any:
        kept = self._of_this_training if host.refined else self._shared
        if name not in kept:
            kept[name] = make()
        return kept[name]

    def _compiled(self, host, state, end, interrupted):
        self.display.stage(f"compiling {self.schedule.stages[host.number].optimizer.label}")
        started = time.perf_counter()
        if self.limits.until - started < self.took:
            raise Late
        try:
            program = jax.jit(steps_until(self.schedule, host), donate_argnums=0)

            def compiled():
                lowered = program.lower(state, jnp.int32(end), self.goal(state), self.stop.array)
                return lowered.compile(compiler_options=_compiler_options())

            return in_time(compiled, self.limits.until, interrupted)
        finally:
            self.took = time.perf_counter() - started
            self.clock.compile += self.took


def steps_until(schedule: Schedule, host: HostState) -> Callable:
    """(state, end, goal, stop) -> the state at step `end` of the present stage, or at an earlier end of its steps.

    They end earlier where the optimizer has finished, where a loss is no larger than `goal`, where one is not finite,
    since no later step could repair it, and where the flag `stop` is raised.
    """
    optimizer, step = schedule.stages[host.number].optimizer, one_step(schedule, host)

    def run(state, end, goal, stop):
        def go_on(s):
            # Of a loss that is not a number nothing is true. The one before the first step is of another dispatch.
            alive = (jnp.isfinite(s.loss) & (s.loss > goal)) | (s.step == state.step)
            return (s.step < end) & alive & ~optimizer.finished(s.optimizer) & (stop[0] == 0)

        return jax.lax.while_loop(go_on, lambda s: step(s, stop), state)

    return run


def one_step(schedule: Schedule, host: HostState) -> Callable:
    """(state, stop) -> the state after one step of the present stage."""
    optimizer, objective, static = schedule.stages[host.number].optimizer, host.objective, host.static
    resamples = _resamples(schedule, host.number)

    def redraw(state):
        draw_key, key = jax.random.split(state.key)
        turn, redrawing = state.step // schedule.resample, schedule.redrawing
        if redrawing is None:
            return state._replace(points=objective.draw(draw_key, state.points.carried, turn), key=key)
        model = eqx.combine(state.arrays, static)
        return state._replace(points=redrawing.redrawn(model, state.points, draw_key, turn), key=key)

    def rebalance(state):
        model = eqx.combine(state.arrays, static)
        if schedule.balancing == "ntk":
            probe_key, key = jax.random.split(state.key)
            traces = kernel_traces(objective, model, state.points, probe_key)
            return state._replace(weights=balanced(state.weights, traces), key=key)
        norms = objective.gradient_norms(model, state.points)
        return state._replace(weights=balanced(state.weights, norms))

    def step(state: State, stop) -> State:
        if resamples:
            state = jax.lax.cond(_due(state.step, schedule.resample), redraw, lambda s: s, state)
        if schedule.balance and optimizer.resamples:
            state = jax.lax.cond(_due(state.step, schedule.balance), rebalance, lambda s: s, state)
        problem = LeastSquares(objective, static, state.points, state.weights, stop)
        arrays, inner, loss = optimizer.step(problem, state.arrays, state.optimizer)
        return state._replace(step=state.step + 1, arrays=arrays, optimizer=inner, loss=loss)

    steps = sum(stage.optimizer.steps for stage in schedule.stages)
    return keeping_the_best(step, schedule.keep, steps) if schedule.keep in LOOKS else step


def _resamples(schedule: Schedule, number: int) -> bool:
    return bool(schedule.resample and schedule.stages[number].optimizer.resamples)


def _due(step, every):
    return (step > 0) & (step % every == 0)


def _compiler_options() -> dict | None:
    """On a CPU leave out LLVM passes that halve no step but double the compilation of a line search (measured)."""
    return {"xla_llvm_disable_expensive_passes": True} if jax.default_backend() == "cpu" else None
