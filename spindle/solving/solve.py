"""`solve`: problem and method in, solution out."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from spindle.errors import MethodError, RunError, SolveWarning, shown, usage
from spindle.methods.base import Method
from spindle.methods.choose import chosen_method
from spindle.methods.registry import method_named
from spindle.problem.problem import Problem
from spindle.results.directory import RunDirectory
from spindle.results.solution import Solution
from spindle.results.verdict import SOLVED
from spindle.solving import load as _load  # noqa: F401  how solutions go into pickles
from spindle.solving.estimates.error_estimate import estimate as estimate_error
from spindle.solving.estimates.spectral import DEAR
from spindle.solving.progress import display, say
from spindle.solving.time_marching import march
from spindle.solving.train import RunOptions, train
from spindle.storage.lock import Lock
from spindle.storage.records import ErrorEstimate
from spindle.training.budget import Budget
from spindle.training.memory import memory_in_sentences, refuse_to_start_in_too_little
from spindle.training.stop_reasons import StopReason


@usage("spd.solve(problem, spd.SPINN())", error=MethodError)
def solve(
    problem: Problem,
    method: Method | str | None = None,
    *,
    seed: int = 0,
    budget: float | None = None,
    target: float | None = None,
    out=None,
    callbacks: Sequence[Callable] = (),
    progress: bool = True,
    estimate: bool = False,
    start: Solution | None = None,
) -> Solution:
    """Solve a problem by a method and return the solution.

    method      `spd.SPINN()`, `spd.PINN()`, ... with their settings, or the name of one, "spinn"; None: one that fits
                the problem, which `solution.choices` names with the reason
    seed        for initial weights and points; the same seed on the same machine gives the same numbers
    budget      seconds of wall clock that the call may take, all together: training stops in time for the checks that
                follow it, and what cannot be done within one and a half times as many (ten at least) is left out and
                said so. It shapes the schedule too: a phase that others follow takes two fifths of what is left
    target      stop when the loss is this small; each window in time when its own is
    out         directory for checkpoints and the solution; if it holds the same run, that run is continued exactly. One
                process at a time writes it; others may read
    callbacks   functions `(moment, total)` that are told about four times a second where training is: `moment.step`,
                `.phase`, `.seconds`, `.loss`, `.parts` of the loss, `.parameters` that are estimated, and the present
                `.solution`; `total` is the number of steps. One that returns True ends training. What one raises is
                raised again once the solution so far is finished: it is `error.solution`, and in `out`
    progress    say on standard error what is being done (a bar in a terminal or notebook, else a line every ten
                seconds) and, at the end, `solution.summary()`
    estimate    estimate the error of the solution too (`solution.run.error_estimate`), which takes some seconds; see
                `spd.estimate`
    start       a solution of the same unknowns to start from: of another parameter value, mesh, method or size. Weights
                are taken where the networks are alike, else the field is fitted to its values, some seconds;
                `solution.choices` says which. Parameters that are estimated begin with its values

        solution = spd.solve(problem, spd.PINN(), callbacks=[lambda moment, total: moment.loss < 1e-6])
        harder = spd.solve(problem_of_a_smaller_viscosity, spd.PINN(width=96), start=solution)

    Each doubt about the result, `solution.warnings`, is also a Python warning, `spd.SolveWarning`.
    Ctrl-C ends training at once and returns what there is, `solution.run.stopped_by == "interrupted"`; so does SIGTERM
    (SIGHUP, and Ctrl-Break on Windows) in a program that has no handler of its own for it.
    Raises ProblemError or MethodError before any work when something does not fit, MethodError when the memory does not
    suffice, and DivergenceError when training meets NaN or Inf; that error carries the last finite solution.
    """
    allowed = Budget(_positive("budget", budget))
    solution = compute(
        problem,
        method,
        allowed,
        seed=seed,
        target=target,
        out=out,
        callbacks=callbacks,
        progress=progress,
        estimate=estimate,
        start=start,
    )
    _speak(solution, progress)
    return solution


@usage('spd.resume("runs/first")', error=MethodError)
def resume(
    directory,
    *,
    budget: float | None = None,
    progress: bool = True,
    estimate: bool = False,
    given: Mapping | None = None,
) -> Solution:
    """Continue the run in a directory to its end; the result is the same as without the interruption.

    budget               seconds that this call may take
    progress, estimate   as in `solve`
    given                what no file can hold, as in `load`: {name: function}, {"network": module}
    """
    allowed = Budget(_positive("budget", budget))
    solution = compute_further(directory, allowed, progress=progress, estimate=estimate, given=given)
    _speak(solution, progress)
    return solution


def _speak(solution: Solution, progress: bool) -> None:
    """Say at the end of a solve from Python what came of it."""
    if progress:
        say(solution)
    for doubt in solution.warnings:
        warnings.warn(doubt, SolveWarning, stacklevel=4)  # `usage` is one of the frames between


def compute(
    problem: Problem,
    method: Method | str | None,
    budget: Budget,
    *,
    seed: int = 0,
    target: float | None = None,
    out=None,
    callbacks: Sequence[Callable] = (),
    progress: bool = True,
    estimate: bool = False,
    start: Solution | None = None,
    started: str = "",
    chosen: str = "",
) -> Solution:
    """As `solve`, without a word on the result: the command line has its own.

    started  what tells the solution that a run started from which is continued without it
    chosen   a sentence on how the method was chosen, where the caller did that
    """
    seed = _check(problem, method, seed, target, callbacks)
    _check_start(start)
    method, reason = _method(problem, method)
    directory = None if out is None else RunDirectory.at(out)

    def kept() -> str:
        return f" What was trained until then is in {directory.path}." if directory and directory.has_state else ""

    call = f"spd.solve({problem.name}, spd.{type(method).__name__}())"
    with memory_in_sentences(call, kept), display(problem.name, show=progress) as shown:
        told = tuple(callbacks)
        options = RunOptions(seed, budget, target, told, shown, chosen=reason or chosen, start=start, started=started)
        if directory is None:
            return _solved(problem, method, options, estimate)
        with Lock(directory.path) as lock:
            if directory.info.exists():
                lock.acquire()  # at once; a new directory is made only when nothing in the call is refused
            return _solved(problem, method, replace(options, directory=directory, lock=lock), estimate)


def compute_further(
    directory, budget: Budget, *, progress: bool = True, estimate: bool = False, given: Mapping | None = None
) -> Solution:
    """As `resume`, without a word on the result."""
    source = RunDirectory.at(directory)
    problem, method, seed = source.read(given)
    started = source.read_info().get("start", "")
    if started and not (source.has_state or source.solution.exists()):
        raise RunError(
            f"The run in {source.path} was to start from a solution of {started}, which no file holds, and ended "
            f"before its first step; call `spd.solve(..., start=solution, out=directory)` again."
        )
    told = {"seed": seed, "out": directory, "progress": progress, "estimate": estimate, "started": started}
    return compute(problem, method, budget, **told)


def _solved(problem: Problem, method: Method, options: RunOptions, estimate: bool) -> Solution:
    refuse_to_start_in_too_little()
    if method.windows_of(problem) != 1:
        if options.start is not None:
            raise MethodError(
                f"`spd.solve({problem.name}, start=...)` starts one training, and here windows of time follow one "
                f"another, each from the end of the last; leave `start` out, or take `windows=1`."
            )
        solution = march(problem, method, options)
    else:
        solution = train(problem, method, options, prepare=_recorded(problem, options))
    if estimate and solution.run.stopped_by != StopReason.INTERRUPTED:
        solution = solution.with_record(error_estimate=_error_estimate(solution, options))
        if options.directory is not None:
            solution.conclude(options.directory)
    return solution


def _error_estimate(solution: Solution, options: RunOptions) -> ErrorEstimate:
    """The estimate, unless nothing is to be estimated, or it takes long and the residuals leave no doubt."""
    if solution.run.fatal:
        return ErrorEstimate(reason="there is no one solution that it could be the distance from")
    if len(solution.problem.coordinates) >= DEAR and solution.verdict.word == SOLVED:
        return ErrorEstimate(
            reason="it takes long in so many coordinates, and residuals leave no doubt; `spd.estimate` makes it"
        )
    options.display.stage("estimating the error")
    return estimate_error(solution, options.budget)


def _recorded(problem: Problem, options: RunOptions) -> Callable | None:
    """What writes down the run in its directory, and returns the choices on record; None without a directory."""
    if options.directory is None:
        return None
    return lambda plan: options.prepare(problem, plan)["choices"]


def _method(problem: Problem, method: Method | str | None) -> tuple[Method, str]:
    """The method that is meant, and a sentence where it was chosen here."""
    if isinstance(method, str):
        return method_named(method, {}), ""
    if method is not None:
        return method, ""
    name, sentence = chosen_method(problem)
    return method_named(name, {}), sentence


def _positive(name: str, value) -> float | None:
    """A number, or None; raises MethodError where it is neither."""
    fits = value is None or (
        isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
    )
    if not fits:
        raise MethodError(f"`spd.solve({name}={value!r})` must be positive, and a number; leave it out for none.")
    return None if value is None else float(value)


def _check_start(start) -> None:
    if start is not None and not isinstance(start, Solution):
        raise MethodError(
            f"`spd.solve(start={shown(start)})` needs a solution to start from, as `spd.solve` and `spd.load` return "
            "it."
        )


def _check(problem, method, seed, target, callbacks) -> int:
    """Raise MethodError where an argument of `solve` cannot be meant; returns the seed as an int."""
    if not isinstance(problem, Problem):
        raise MethodError(f"`spd.solve` was given {problem!r} as its problem; it needs an `spd.Problem`.")
    if not isinstance(method, (Method, str, type(None))):
        raise MethodError(
            f"`spd.solve(problem, {method!r})` needs a method, and this is none; write `spd.SPINN()` or `spd.PINN()`, "
            f"with parentheses."
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise MethodError(f"`spd.solve(seed={seed!r})` needs a whole number of at least 0 and below 2^32.")
    _positive("target", target)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise MethodError(
            f"`spd.solve(callbacks={callbacks!r})` needs a list of functions; write `callbacks=[function]`."
        )
    return int(seed)
