"""What one step of training costs: milliseconds, memory of the compiled program, operations."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.methods.base import Method, Plan
from spindle.objective.least_squares import LeastSquares
from spindle.problem.problem import Problem
from spindle.training.precision import precision


@dataclass(frozen=True)
class StepCost:
    """Of one step of the first optimizer of a schedule.

    milliseconds   median of some steps, compiled before; None: not timed
    megabytes      of what the compiled program holds: arguments, results and working memory (10^6 bytes)
    flops          floating-point operations as the compiler counts them
    compiled       seconds that compilation took
    """

    milliseconds: float | None
    megabytes: float
    flops: float
    compiled: float


def step_cost(problem: Problem, method: Method, seconds: float) -> StepCost:
    """Compile a step of a method on a problem, and time it where `seconds` leave room for it.

    On an accelerator whose driver counts memory, `megabytes` is still that of the compiled program, so that the same
    figure is compared everywhere.
    """
    began = time.perf_counter()
    plan = method.plan(problem)
    with precision(plan.dtype):
        step, state, points = _step(plan)
        lowered = jax.jit(step).lower(state, points)
        middle = time.perf_counter()
        compiled = lowered.compile()
        took = time.perf_counter() - middle
        held: Any = compiled.memory_analysis()
        counted: Any = compiled.cost_analysis() or {}
        size = held.temp_size_in_bytes + held.argument_size_in_bytes + held.output_size_in_bytes if held else 0
        left = seconds - (time.perf_counter() - began)
        return StepCost(_timed(compiled, state, points, left), size / 1e6, float(counted.get("flops", 0.0)), took)


def median_milliseconds(function, *arguments, repeats: int = 7) -> float:
    """Of a call of a compiled function, after one that compiles it."""
    jax.block_until_ready(function(*arguments))
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        taken.append(time.perf_counter() - began)
    return 1e3 * statistics.median(taken)


def _step(plan: Plan):
    """(state, points) -> state after one step; the state before training, and points."""
    optimizer = plan.schedule.stages[0].optimizer
    model = plan.build(jax.random.PRNGKey(0))
    points = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
    weights = {name: jnp.asarray(weight, float) for name, weight in plan.weights.items()}
    arrays, static = eqx.partition(model, eqx.is_inexact_array)

    def step(state, points):
        squares = LeastSquares(plan.objective, static, points, weights)
        arrays, inner, _ = optimizer.step(squares, *state)
        return arrays, inner

    return step, (arrays, optimizer.start(arrays)), points


def _timed(compiled, state, points, seconds: float, repeats: int = 7) -> float | None:
    """Milliseconds of the median step after a first one; None where one step is longer than what is left."""
    if seconds <= 0:
        return None
    began = time.perf_counter()
    jax.block_until_ready(compiled(state, points))
    first = time.perf_counter() - began
    taken: list[float] = []
    while len(taken) < repeats and time.perf_counter() - began + first < seconds:
        started = time.perf_counter()
        state = jax.block_until_ready(compiled(state, points))
        taken.append(time.perf_counter() - started)
    return 1e3 * (statistics.median(taken) if taken else first)
