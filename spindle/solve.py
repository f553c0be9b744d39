"""`solve`: problem and method in, solution out."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import DivergenceError, MethodError
from spindle.methods.base import Method, Plan
from spindle.methods.spinn import SPINN
from spindle.problem.problem import Problem
from spindle.progress import progress_bar
from spindle.rundir import RunDirectory, device_name, versions
from spindle.solution import Run, Solution
from spindle.training.history import Clock
from spindle.training.loop import Limits, Outcome, Trainer
from spindle.training.precision import precision


def solve(
    problem: Problem,
    method: Method | None = None,
    *,
    seed: int = 0,
    budget: float | None = None,
    target: float | None = None,
    out=None,
    callbacks: Sequence[Callable] = (),
    progress: bool = True,
) -> Solution:
    """Solve a problem by a method and return the solution.

    method      `sp.SPINN()` (default), `sp.PINN()`, ... with their settings
    seed        for initial weights and points; the same seed on the same machine gives the same numbers
    budget      stop after so many seconds of wall clock
    target      stop when the loss is this small
    out         directory for checkpoints and the solution; if it holds the same run, that run is continued exactly
    callbacks   functions called with each `Record` of progress and the total number of steps
    progress    show a progress bar on standard error when it is a terminal

    Ctrl-C ends training at the next moment and returns what there is, `solution.run.stopped_by == "interrupted"`.
    Raises ProblemError or MethodError before any work when something does not fit, and DivergenceError when training
    meets NaN or Inf; that error carries the last finite solution.
    """
    method = SPINN() if method is None else method
    _check(problem, method, seed, budget, target)
    clock, began = Clock(), time.perf_counter()
    plan = method.plan(problem)
    directory = RunDirectory(Path(out)) if out is not None else None
    with precision(plan.dtype):
        build_key, train_key, fresh_key = jax.random.split(jax.random.PRNGKey(seed), 3)
        start = plan.build(build_key)
        if directory is not None:
            plan = replace(plan, choices=tuple(directory.prepare(problem, method, plan, seed)["choices"]))
        solution = Solution(problem, method, plan, start, Run(seed=seed, seconds=clock))
        clock.setup = time.perf_counter() - began
        with progress_bar(problem.name, show=progress) as watch:
            trainer = Trainer(
                plan.objective,
                plan.schedule,
                limits=Limits(np.inf if budget is None else budget, 0.0 if target is None else target),
                clock=clock,
                measure=solution.measure if problem.reference else None,
                watch=[*callbacks, watch],
                checkpoint=directory.checkpoint if directory else None,
            )
            outcome = trainer.run(start, plan.weights, key=train_key)
        solution.model = outcome.model
        _complete(solution, outcome, clock, fresh_key)
    if directory is not None:
        solution.save(directory.path)
    if outcome.stopped_by == "diverged":
        raise _divergence(solution)
    return solution


def resume(directory, *, budget: float | None = None, progress: bool = True) -> Solution:
    """Continue the run in a directory to its end; the result is the same as without the interruption."""
    problem, method, seed = RunDirectory(Path(directory)).read()
    return solve(problem, method, seed=seed, budget=budget, out=directory, progress=progress)


def _complete(solution: Solution, outcome: Outcome, clock: Clock, key) -> None:
    """Fill in the record: errors, residuals on points that training never saw, memory, versions."""
    run, began = solution.run, time.perf_counter()
    run.iterations, run.stopped_by, run.loss = outcome.steps, outcome.stopped_by, outcome.loss
    run.history = outcome.history
    run.residuals = _fresh_residuals(solution, key)
    run.warnings = _overfit(run.residuals, outcome.residuals)
    run.errors = solution.errors()
    run.estimated = {name: float(value) for name, value in outcome.model.parameters.items()}
    run.device, run.versions = device_name(), versions()
    # Linux counts kilobytes, macOS bytes.
    run.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    clock.evaluate += time.perf_counter() - began


def _fresh_residuals(solution: Solution, key) -> dict[str, float]:
    """Root mean square of each residual on random points; conditions that hold by construction are left out."""
    plan: Plan = replace(solution.method, sampling="random").plan(solution.problem)

    def measure(arrays, key):
        model = jax.tree.unflatten(structure, arrays)
        return plan.objective.mean_squares(model, plan.objective.draw(key))

    arrays, structure = jax.tree.flatten(solution.model)
    return {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in jax.jit(measure)(arrays, key).items()}


def _overfit(fresh: dict[str, float], trained: dict[str, float]) -> list[str]:
    """Sentences on residuals that are small at the training points only."""
    return [
        f"the residual `{name}` is {fresh[name]:.1e} on fresh points but {trained[name]:.1e} on the training points: "
        f"the loss says too much, raise `points`, or lower `frequency` or `rank`"
        for name in fresh
        if fresh[name] > 3 * trained[name] and fresh[name] > 1e-8
    ]


def _divergence(solution: Solution) -> DivergenceError:
    run = solution.run
    return DivergenceError(
        f"`sp.solve({solution.problem.name}, sp.{type(solution.method).__name__}())` met a loss that is not finite at "
        f"step {run.iterations}, so going on would only spread NaN; the last finite state is kept. Lower "
        f'`learning_rate`, use `dtype="float64"`, or scale the problem so that coordinates and values are of size one.',
        solution,
    )


def _check(problem, method, seed, budget, target):
    if not isinstance(problem, Problem):
        raise MethodError(f"`sp.solve` was given {problem!r} as its problem; it needs an `sp.Problem`.")
    if not isinstance(method, Method):
        raise MethodError(
            f"`sp.solve(problem, {method!r})` needs a method, and this is none; write `sp.SPINN()` or `sp.PINN()`, "
            f"with parentheses."
        )
    if not isinstance(seed, int) or seed < 0:
        raise MethodError(f"`sp.solve(seed={seed!r})` needs a whole number of at least 0.")
    for name, value in (("budget", budget), ("target", target)):
        if value is not None and not value > 0:
            raise MethodError(f"`sp.solve({name}={value})` must be positive; leave it out for none.")
