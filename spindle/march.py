"""Marching in time: one window after the other, each a training of its own that starts where the last one ended."""

import time
from collections.abc import Callable
from dataclasses import replace

from spindle.errors import DivergenceError
from spindle.load import restore
from spindle.methods.base import Method
from spindle.problem.families import spanned
from spindle.problem.problem import Problem
from spindle.problem.windows import time_axis
from spindle.rundir import RunDirectory
from spindle.solution import Solution
from spindle.stop_reasons import StopReason
from spindle.train import Terms, Window, train
from spindle.windows import Windows, described, joined, unsolved


def march(problem: Problem, method: Method, terms: Terms) -> Solution:
    """Train all windows in order; those that ended in an earlier call are read from the directory.

    The march ends early, and says why, at a window that is not solved: what follows would start from nothing.
    Raises DivergenceError with the solution as far as it came.
    """
    windows, parts = Windows(problem, method), list[Solution]()
    if terms.directory is not None and _has_begun(terms.directory):
        plan = method.plan(spanned(windows.first().posed))
        _first(problem, method, terms)(plan)  # refuses the directory of another run
    failure: DivergenceError | None = None
    while failure is None and not windows.pace.whole(parts) and (not parts or _goes_on(parts[-1])):
        if parts and time.perf_counter() > terms.budget.training_ends:
            parts[-1] = parts[-1].with_record(stopped_by=StopReason.BUDGET)
            break
        terms.display.window = windows.pace.position(len(parts) + 1)
        window = windows.after(parts, _begun(terms.directory, len(parts)))
        try:
            part = _one(problem, method, terms, window, follows=windows.follows)
        except DivergenceError as error:
            part, failure = error.solution, error
        if window.shares:
            windows.share(part.plan)
        if not part.run.stopped_by.resumes and not windows.pace.keeps(part):
            failure = None
            if terms.directory is not None:
                terms.directory.window(len(parts)).forget()
            continue
        parts.append(part)
    solution = joined(problem, method, parts, windows.pace)
    if terms.directory is not None:
        solution.conclude(terms.directory)
    if failure is not None:
        raise DivergenceError(str(failure), solution) from failure
    return solution


def _goes_on(part: Solution) -> bool:
    """Whether another window may start where this one ended."""
    return part.run.stopped_by.ended and not unsolved(part)


def _begun(directory: RunDirectory | None, number: int) -> tuple[float, float] | None:
    """Between which instants a window lies that an earlier call began."""
    return None if directory is None else directory.window(number).during()


def _has_begun(directory: RunDirectory) -> bool:
    return directory.info.exists() or directory.window(0).path.exists()


def _one(problem: Problem, method: Method, terms: Terms, window: Window, *, follows: bool) -> Solution:
    """The next window, read or trained."""
    directory = terms.directory
    if directory is None:
        return train(window.problem, window.method, terms, window=window)
    inner = directory.window(window.number)
    if inner.solution.exists():
        stored = restore(window.problem, window.method, inner, terms.seed, window)
        if stored.run.stopped_by.ended:
            return stored
    first = None if window.number else _first(problem, method, terms)

    def prepare(plan):
        choices = first(plan) if first else plan.choices
        if follows:
            inner.keep_during(*window.problem.domain.bounds[time_axis(problem)])
        return choices

    inner_terms = replace(terms, directory=inner)
    return train(window.problem, window.method, inner_terms, window=window, prepare=prepare)


def _first(problem, method, terms: Terms) -> Callable:
    """What is written down before any window: the run as a whole."""

    def prepare(plan):
        terms.prepare(problem, method, described(plan))
        return plan.choices

    return prepare
