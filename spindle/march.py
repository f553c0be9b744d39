"""Marching in time: one window after the other, each a training of its own that starts where the last one ended."""

import time
from collections.abc import Callable
from dataclasses import replace

from spindle.errors import DivergenceError
from spindle.load import restore
from spindle.methods.base import Method
from spindle.problem.families import spanned
from spindle.problem.problem import Problem
from spindle.rundir import RunDirectory
from spindle.solution import Solution
from spindle.train import Terms, train
from spindle.windows import ENDED, described, following, joined, settled


def march(problem: Problem, method: Method, terms: Terms) -> Solution:
    """Train all windows in order; those that ended in an earlier call are read from the directory.

    Raises DivergenceError with the solution as far as it came.
    """
    count = method.windows_of(problem)
    parts: list[Solution] = []
    if terms.directory is not None and _has_begun(terms.directory):
        own = method.plan(spanned(following(problem, count, [])))
        _first(problem, method, terms)(own)  # refuses the directory of another run
    failure: DivergenceError | None = None
    while len(parts) < count and failure is None and (not parts or parts[-1].run.stopped_by in ENDED):
        if parts and time.perf_counter() > terms.budget.training_ends:
            parts[-1].run.stopped_by = "budget"
            break
        try:
            parts.append(_one(problem, method, terms, count, parts))
        except DivergenceError as error:
            failure = error
            parts.append(error.solution)
    solution = joined(problem, method, parts)
    if terms.directory is not None:
        solution.conclude(terms.directory)
    if failure is not None:
        raise DivergenceError(str(failure), solution) from failure
    return solution


def _has_begun(directory: RunDirectory) -> bool:
    return directory.info.exists() or directory.window(0).path.exists()


def _one(problem, method, terms: Terms, count: int, parts) -> Solution:
    """The next window, read or trained."""
    number, own, chosen = len(parts), following(problem, count, parts), settled(method, parts)
    directory = terms.directory
    if directory is None:
        return train(own, chosen, terms, window=number)
    inner = directory.window(number)
    if inner.solution.exists():
        stored = restore(own, chosen, inner, terms.seed)
        if stored.run.stopped_by in ENDED:
            return stored
    prepare = None if number else _first(problem, method, terms)
    return train(own, chosen, replace(terms, directory=inner), window=number, prepare=prepare)


def _first(problem, method, terms: Terms) -> Callable:
    """What is written down before any window: the run as a whole."""

    def prepare(plan):
        terms.prepare(problem, method, described(plan))
        return plan.choices

    return prepare
