"""A published recipe, trained for as many of its steps as the seconds allow."""

import time
from dataclasses import replace

from spindle.gallery.registry import gallery
from spindle.methods.base import Method
from spindle.problem.problem import Problem
from spindle.reproduction.cost import step_cost
from spindle.reproduction.figure import ERROR, MEGABYTES, MILLISECONDS, SECONDS, Measured, NotMeasured
from spindle.results.solution import Solution
from spindle.solving.solve import compute
from spindle.training.budget import Budget

_ASIDE = 0.35  # of the seconds of a cell, for set-up, compilation and evaluation


def trained(problem: Problem, method: Method, *, steps: str, of: int, allowed: float, seed: int = 0) -> Measured:
    """Train by a recipe for as many steps as fit into `allowed` seconds, and measure error, time and memory.

    steps   the setting that holds the number of steps, of which `of` are published

    The rates of the published recipes are constant, so a share of the steps is the beginning of the whole run. Memory
    and milliseconds are those of one compiled step. Raises NotMeasured where not even one step is left time for.
    """
    began = time.perf_counter()
    cost = step_cost(problem, method, allowed)
    values = {MEGABYTES: cost.megabytes}
    if cost.milliseconds is None:
        raise NotMeasured(f"compiling one step took {time.perf_counter() - began:.0f} s of {allowed:.0f}")
    values[MILLISECONDS] = cost.milliseconds
    left = allowed - (time.perf_counter() - began) - cost.compiled
    count = int(min(of, (1 - _ASIDE) * left / (1e-3 * cost.milliseconds)))
    if count < 1:
        return Measured(values, taken=0, of=of, note="one step was timed, and there was no time to train")
    solution = run(problem, replace(method, **{steps: count}), seed=seed, seconds=left)
    return described(solution, values, of=of)


def run(problem: Problem, method: Method, *, seconds: float, seed: int = 0) -> Solution:
    """A solve that says nothing, with its share of seconds as the budget."""
    return compute(problem, method, Budget(max(10.0, seconds)), seed=seed, progress=False)


def described(solution: Solution, values: dict[str, float], *, of: int) -> Measured:
    """The errors and seconds of a solution beside what is known of a step."""
    clock = solution.run.seconds
    curve = [(r.seconds, max(r.errors.values())) for r in solution.run.history if r.errors and r.seconds > 0]
    error = solution.error()
    return Measured(
        values | {ERROR: error, SECONDS: clock.total},
        taken=solution.run.iterations,
        of=of,
        curve=(*curve, (clock.train, error)),
    )


def named(problem: str, **options) -> Problem:
    """A problem of the gallery."""
    return gallery(problem, **options)
