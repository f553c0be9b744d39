"""A published recipe, trained for as many of its steps as the seconds allow."""

import time
from collections.abc import Callable
from math import inf

from spindle.methods.base import Method
from spindle.problem.problem import Problem
from spindle.reproduction.cost import step_cost
from spindle.reproduction.figure import ERROR, MEGABYTES, MILLISECONDS, SECONDS, Measured, NotMeasured
from spindle.results.solution import Solution
from spindle.solving.solve import compute
from spindle.training.budget import Budget
from spindle.training.stop_reasons import StopReason

# The least error on the way, and the steps and seconds until then: what some publications report.
LEAST, LEAST_STEPS, LEAST_AFTER = "least relative L2", "steps to it", "seconds to it"
_ASIDE = 0.35  # of the seconds of a cell, for set-up, compilation and evaluation


def trained(
    problem: Problem, recipe: Callable[[int], Method], *, of: int, allowed: float, enough: int | None = None
) -> Measured:
    """Train by a recipe for as many steps as fit into `allowed` seconds, and measure error, time and memory.

    recipe   number of steps -> the method; `of` are published
    enough   steps after which nothing is gained; None: all of them

    The rates of the published recipes are constant, so a share of the steps is the beginning of the whole run. Memory
    and milliseconds are those of one compiled step. Raises NotMeasured where not even one step is left time for.
    """
    began = time.perf_counter()
    cost = step_cost(problem, recipe(of), allowed)
    values = {MEGABYTES: cost.megabytes}
    if cost.milliseconds is None:
        raise NotMeasured(f"compiling one step took {time.perf_counter() - began:.0f} s of {allowed:.0f}")
    values[MILLISECONDS] = cost.milliseconds
    left = allowed - (time.perf_counter() - began) - cost.compiled
    count = int(min(enough or of, (1 - _ASIDE) * left / (1e-3 * cost.milliseconds)))
    if count < 1:
        return Measured(values, taken=0, of=of, note="one step was timed, and there was no time to train")
    solution = run(problem, recipe(count), seconds=left)
    return described(solution, values, of=of)


def run(problem: Problem, method: Method, *, seconds: float) -> Solution:
    """A solve that says nothing, with its share of seconds as the budget.

    Raises KeyboardInterrupt where somebody ended it, who does not want the next cell either.
    """
    solution = compute(problem, method, Budget(max(10.0, seconds) if seconds < inf else None), progress=False)
    if solution.run.stopped_by == StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    return solution


def described(solution: Solution, values: dict[str, float], *, of: int) -> Measured:
    """The errors and seconds of a solution beside what is known of a step."""
    clock = solution.run.seconds
    looks = [(r.seconds, max(r.errors.values()), r.step) for r in solution.run.history if r.errors and r.seconds > 0]
    error, taken = solution.error(), solution.run.iterations
    looks.append((clock.train, error, taken))
    after, least, steps = min(looks, key=lambda look: look[1])
    return Measured(
        values | {ERROR: error, SECONDS: clock.total, LEAST: least, LEAST_AFTER: after, LEAST_STEPS: steps},
        taken=taken,
        of=of,
        curve=tuple((seconds, wrong) for seconds, wrong, _ in looks),
    )
