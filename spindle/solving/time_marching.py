"""Marching in time: one window after the other, each a training of its own that starts where the last one ended."""

import time
from collections.abc import Callable
from dataclasses import replace

from spindle.errors import DivergenceError
from spindle.methods.base import Method
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.problem.windows import time_axis
from spindle.results.directory import RunDirectory
from spindle.results.solution import Solution
from spindle.solving.load import restore
from spindle.solving.train import RunOptions, Window, train
from spindle.solving.windows import Windows, described, join_windows, unsolved
from spindle.training.stop_reasons import StopReason


def march(problem: Problem, method: Method, options: RunOptions) -> Solution:
    """Train all windows in order; those that ended in an earlier call are read from the directory.

    The march ends early, and says why, at a window that is not solved: what follows would start from nothing.
    Raises DivergenceError, and what a callback raised, with the solution as far as it came.
    """
    windows, parts = Windows(problem, method), list[Solution]()
    if options.directory is not None and _has_begun(options.directory):
        plan = method.plan(with_parameter_axes(windows.first().posed))
        _first(problem, options)(plan)  # refuses the directory of another run
    failure: Exception | None = None
    while failure is None and not windows.lengths.whole(parts) and (not parts or _goes_on(parts[-1])):
        if parts and time.perf_counter() > options.budget.training_ends:
            parts[-1] = parts[-1].with_record(stopped_by=StopReason.BUDGET)
            break
        options.display.window = windows.lengths.position(len(parts) + 1)
        window = windows.after(parts, _begun(options.directory, len(parts)))
        try:
            part = _one(problem, method, options, window, follows=windows.follows)
        except DivergenceError as error:
            part, failure = error.solution, error
        except Exception as error:  # of a callback, with the solution of this window
            reached = getattr(error, "solution", None)
            if not isinstance(reached, Solution):
                raise
            part, failure = reached, error
        if window.shares:
            windows.share(part.plan)
        if not part.run.stopped_by.resumes and not windows.lengths.keeps(part):
            failure = None
            if options.directory is not None:
                options.directory.window(len(parts)).forget()
            continue
        parts.append(part)
    solution = join_windows(problem, method, parts, windows.lengths)
    if options.directory is not None:
        solution.conclude(options.directory)
    if isinstance(failure, DivergenceError):
        raise DivergenceError(str(failure), solution) from failure
    if failure is not None:
        failure.solution = solution  # type: ignore[attr-defined]
        raise failure
    return solution


def _goes_on(part: Solution) -> bool:
    """Whether another window may start where this one ended."""
    return part.run.stopped_by.ended and not unsolved(part)


def _begun(directory: RunDirectory | None, number: int) -> tuple[float, float] | None:
    """Between which instants a window lies that an earlier call began."""
    return None if directory is None else directory.window(number).during()


def _has_begun(directory: RunDirectory) -> bool:
    return directory.info.exists() or directory.window(0).path.exists()


def _one(problem: Problem, method: Method, options: RunOptions, window: Window, *, follows: bool) -> Solution:
    """The next window, read or trained."""
    directory = options.directory
    if directory is None:
        return train(window.problem, window.method, options, window=window)
    inner = directory.window(window.number)
    if inner.solution.exists():
        stored = restore(window.problem, window.method, inner, options.seed, window)
        if stored.run.stopped_by.ended:
            return stored
    first = None if window.number else _first(problem, options)

    def prepare(plan):
        choices = first(plan) if first else plan.choices
        if follows:
            inner.keep_during(*window.problem.domain.bounds[time_axis(problem)])
        return choices

    inner_terms = replace(options, directory=inner)
    return train(window.problem, window.method, inner_terms, window=window, prepare=prepare)


def _first(problem, options: RunOptions) -> Callable:
    """What is written down before any window: the run as a whole."""

    def prepare(plan):
        options.prepare(problem, described(plan))
        return plan.choices

    return prepare
