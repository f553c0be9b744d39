"""`solve`: problem and method in, solution out."""

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.comparison import compare
from spindle.errors import DivergenceError, MethodError
from spindle.methods.base import Method, Plan
from spindle.methods.spinn import SPINN
from spindle.objective.objective import Model
from spindle.problem.doubts import doubts
from spindle.problem.families import spanned
from spindle.problem.problem import Problem
from spindle.progress import progress_bar
from spindle.rundir import RunDirectory, device_name, memory_bytes, versions
from spindle.solution import Run, Solution
from spindle.training.history import Clock
from spindle.training.loop import Limits, Outcome, Trainer
from spindle.training.precision import precision

_COPIES = 8  # of the parameters in training: values, gradient, two moments, the last good ones, and room to work


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
    seed = _check(problem, method, seed, budget, target, callbacks)
    clock, began = Clock(), time.perf_counter()
    directory = RunDirectory.at(out) if out is not None else None
    plan = method.plan(spanned(problem))
    with precision(plan.dtype):
        build_key, train_key, fresh_key = jax.random.split(jax.random.PRNGKey(seed), 3)
        _refuse_what_does_not_fit(plan, build_key)
        start = plan.build(build_key)
        solution = Solution(problem, method, plan, start, Run(seed=seed, seconds=clock))
        _ = solution.references  # refused here, before any work, where an error could not be measured
        if directory is not None:
            solution.plan = replace(plan, choices=tuple(directory.prepare(problem, method, plan, seed)["choices"]))
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
        if plan.reduction is not None and outcome.stopped_by not in ("diverged", "interrupted"):
            began = time.perf_counter()
            solution.reduced = plan.reduction.reduce(outcome.model.field)
            clock.reduce = time.perf_counter() - began
        singular = _singular(plan, start, train_key) if outcome.stopped_by == "diverged" else []
    if directory is not None:
        solution.save(directory.path)
    if outcome.stopped_by == "diverged":
        raise _divergence(solution, singular)
    return solution


def resume(directory, *, budget: float | None = None, progress: bool = True) -> Solution:
    """Continue the run in a directory to its end; the result is the same as without the interruption.

    budget   stop after so many seconds of this call
    """
    problem, method, seed = RunDirectory.at(directory).read()
    return solve(problem, method, seed=seed, budget=budget, out=directory, progress=progress)


def _complete(solution: Solution, outcome: Outcome, clock: Clock, key) -> None:
    """Fill in the record: errors, residuals on points that training never saw, memory, versions."""
    run, settings, began = solution.run, solution.plan.settings, time.perf_counter()
    run.iterations, run.stopped_by, run.loss = outcome.steps, outcome.stopped_by, outcome.loss
    run.history, run.grown = outcome.history, outcome.grown
    run.residuals = _fresh_residuals(solution, key)
    run.warnings = [*doubts(solution.problem), *_overfit(run.residuals, _comparable(solution, outcome), settings)]
    run.errors = solution.errors()
    run.classical = compare(solution)
    run.estimated = {name: float(value) for name, value in outcome.model.parameters.items()}
    run.device, run.versions = device_name(), versions()
    # Linux counts kilobytes, macOS bytes.
    run.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    clock.evaluate += time.perf_counter() - began


def _fresh_residuals(solution: Solution, key) -> dict[str, float]:
    """Root mean square of each residual on random points; conditions that hold by construction are left out."""
    objective = solution.plan.fresh()

    def measure(arrays, key):
        model = jax.tree.unflatten(structure, arrays)
        return objective.mean_squares(model, objective.draw(key))

    arrays, structure = jax.tree.flatten(solution.model)
    return {name: float(jnp.sqrt(jnp.maximum(square, 0))) for name, square in jax.jit(measure)(arrays, key).items()}


def _comparable(solution: Solution, outcome: Outcome) -> dict[str, float]:
    """The residuals on training points, without those that counted less near some walls."""
    own = {e.name for e in solution.problem.equations} if solution.plan.settings.get("fade") else set()
    return {name: value for name, value in outcome.residuals.items() if name not in own}


def _overfit(fresh: dict[str, float], trained: dict[str, float], settings: Mapping) -> list[str]:
    """Sentences on residuals that are small at the training points only."""
    smaller = [f"`{name}`" for name in ("frequency", "rank") if name in settings]
    if settings["activation"] != "sin" or settings["network"] == "spectral":
        smaller.remove("`frequency`")
    more = "`points`" if "nodes" not in settings else "`nodes`, or `times` where there is time"
    advice = f"raise {more}" + (f", or lower {' or '.join(smaller)}" if smaller else "")
    return [
        f"the residual `{name}` is {fresh[name]:.1e} on fresh points but {trained[name]:.1e} on the training points: "
        f"the loss says too much, {advice}"
        for name in trained
        if name in fresh and fresh[name] > 3 * trained[name] and fresh[name] > 1e-8
    ]


def _singular(plan: Plan, start: Model, key) -> list[str]:
    """Names of the residuals that are not finite before training, when the network itself is harmless."""
    squares = eqx.filter_jit(plan.objective.mean_squares)(start, jax.jit(plan.objective.draw)(key))
    return [name for name, square in squares.items() if not jnp.isfinite(square)]


def _divergence(solution: Solution, singular: Sequence[str]) -> DivergenceError:
    run = solution.run
    call = f"sp.solve({solution.problem.name}, sp.{type(solution.method).__name__}())"
    if singular:
        return DivergenceError(
            f"`{call}` met {', '.join(f'`{name}`' for name in singular)}, not finite on its points before the first "
            f"step, so there is nothing to minimise; look for data such as `1/x` at x = 0 or `log` of a negative "
            f"number, and keep such points out of the domain.",
            solution,
        )
    return DivergenceError(
        f"`{call}` met a loss that is not finite at step {run.iterations}, so going on would only spread NaN; the last "
        f'finite state is kept. Lower `learning_rate`, use `dtype="float64"`, or scale the problem so that coordinates '
        f"and values are of size one.",
        solution,
    )


def _refuse_what_does_not_fit(plan: Plan, key) -> None:
    """Raise MethodError where training would need more memory than there is: an allocation that fails ends Python."""
    leaves = jax.tree.leaves(eqx.filter_eval_shape(plan.build, key))
    size = sum(math.prod(leaf.shape) for leaf in leaves if hasattr(leaf, "shape"))
    needed, there = _COPIES * size * np.dtype(plan.dtype).itemsize, memory_bytes()
    if needed > there:
        raise MethodError(
            f"The network has {size:,} parameters, and to train them takes about {needed / 2**30:,.0f} GiB of memory, "
            f"of which this machine has {there / 2**30:,.0f}; lower `width`, `hidden_layers` or `rank`."
        )


def _check(problem, method, seed, budget, target, callbacks) -> int:
    """Raise MethodError where an argument of `solve` cannot be meant; returns the seed as an int."""
    if not isinstance(problem, Problem):
        raise MethodError(f"`sp.solve` was given {problem!r} as its problem; it needs an `sp.Problem`.")
    if not isinstance(method, Method):
        raise MethodError(
            f"`sp.solve(problem, {method!r})` needs a method, and this is none; write `sp.SPINN()` or `sp.PINN()`, "
            f"with parentheses."
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise MethodError(f"`sp.solve(seed={seed!r})` needs a whole number of at least 0 and below 2^32.")
    for name, value in (("budget", budget), ("target", target)):
        if value is not None and not (isinstance(value, (int, float, np.number)) and value > 0):
            raise MethodError(f"`sp.solve({name}={value!r})` must be positive, and a number; leave it out for none.")
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise MethodError(
            f"`sp.solve(callbacks={callbacks!r})` needs a list of functions; write `callbacks=[function]`."
        )
    return int(seed)
