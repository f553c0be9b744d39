"""`solve`: problem and method in, solution out."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from spindle.errors import MethodError
from spindle.estimate import estimate as estimate_error
from spindle.lock import Lock
from spindle.march import march
from spindle.methods.base import Method
from spindle.methods.spinn import SPINN
from spindle.problem.problem import Problem
from spindle.rundir import RunDirectory
from spindle.solution import Solution
from spindle.train import Terms, train
from spindle.training.memory import memory_in_sentences, refuse_to_start_in_too_little


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
    estimate: bool = False,
) -> Solution:
    """Solve a problem by a method and return the solution.

    method      `sp.SPINN()` (default), `sp.PINN()`, ... with their settings
    seed        for initial weights and points; the same seed on the same machine gives the same numbers
    budget      stop after so many seconds of wall clock
    target      stop when the loss is this small; each window in time when its own is
    out         directory for checkpoints and the solution; if it holds the same run, that run is continued exactly. One
                process at a time writes it; others may read
    callbacks   functions called with each `Record` of progress and the total number of steps
    progress    show a progress bar on standard error when it is a terminal
    estimate    estimate the error of the solution too (`solution.run.error_estimate`), which takes some seconds; see
                `sp.estimate`

    Ctrl-C ends training at the next moment and returns what there is, `solution.run.stopped_by == "interrupted"`; so
    does SIGTERM (SIGHUP, and Ctrl-Break on Windows) in a program that has no handler of its own for it.
    Raises ProblemError or MethodError before any work when something does not fit, MethodError when the memory does not
    suffice, and DivergenceError when training meets NaN or Inf; that error carries the last finite solution.
    """
    method = SPINN() if method is None else method
    seed = _check(problem, method, seed, budget, target, callbacks)
    terms = Terms(seed, budget, target, callbacks, progress)
    call = f"sp.solve({problem.name}, sp.{type(method).__name__}())"
    if out is None:
        with memory_in_sentences(call):
            return _solved(problem, method, terms, estimate)
    directory = RunDirectory.at(out)

    def kept() -> str:
        return f" What was trained until then is in {directory.path}." if directory.has_state else ""

    with memory_in_sentences(call, kept), Lock(directory.path) as lock:
        if directory.info.exists():
            lock.take()  # at once; a new directory is made only when nothing in the call is refused
        return _solved(problem, method, replace(terms, directory=directory, lock=lock), estimate)


def _solved(problem: Problem, method: Method, terms: Terms, estimate: bool) -> Solution:
    refuse_to_start_in_too_little()
    if method.windows_of(problem) > 1:
        solution = march(problem, method, terms)
    else:
        solution = train(problem, method, terms, prepare=_recorded(problem, method, terms))
    if estimate and solution.run.stopped_by != "interrupted":
        solution.run.error_estimate = estimate_error(solution)
        if terms.directory is not None:
            solution.conclude(terms.directory)
    return solution


def _recorded(problem: Problem, method: Method, terms: Terms) -> Callable | None:
    """What writes down the run in its directory, and returns the choices on record; None without a directory."""
    if terms.directory is None:
        return None
    return lambda plan: terms.prepare(problem, method, plan)["choices"]


def resume(directory, *, budget: float | None = None, progress: bool = True, estimate: bool = False) -> Solution:
    """Continue the run in a directory to its end; the result is the same as without the interruption.

    budget     stop after so many seconds of this call
    estimate   as in `solve`
    """
    problem, method, seed = RunDirectory.at(directory).read()
    return solve(problem, method, seed=seed, budget=budget, out=directory, progress=progress, estimate=estimate)


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
