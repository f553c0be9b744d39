"""How a command that solves ends: its summary, its report, and its exit status."""

from collections.abc import Callable
from pathlib import Path

import typer

from spindle.cli.output import complain, say
from spindle.cli.shell_words import for_the_shell
from spindle.errors import DivergenceError
from spindle.report.html import write_report
from spindle.results.directory import RunDirectory, for_shell, to_json
from spindle.results.solution import Solution
from spindle.results.summary import LABEL, summary
from spindle.results.verdict import DOUBTFUL, NOT_SOLVED, SOLVED
from spindle.training.budget import Budget
from spindle.training.interrupts import exit_status
from spindle.training.stop_reasons import StopReason


def run_to_its_end(
    directory: RunDirectory, json: bool, budget: Budget, work: Callable[..., Solution], *, strict: bool
) -> None:
    """Run a solve to its end, whatever that is, print what there is, and set the exit status."""
    try:
        status = _status_of(directory, json, budget, work, strict=strict)
    except KeyboardInterrupt as stop:
        say(f"spindle: {_how_it_stopped(directory, in_training=bool(stop.args))}")
        status = exit_status()
    raise typer.Exit(status)


def _status_of(
    directory: RunDirectory, json: bool, budget: Budget, work: Callable[..., Solution], *, strict: bool
) -> int:
    status = 0
    try:
        solution = work()
    except DivergenceError as error:
        complain(f"{error} It is in {directory.path}.")
        solution, status = error.solution, 3
    if json:
        print(to_json(solution.record() | {"directory": str(directory.path)}))
    elif not status:
        print_summary(solution, directory)
        late = f"not written, the seconds are spent; `{directory.command('report')}` writes it"
        say(f"{'report':<{LABEL}}{late if budget.spent else report_of(solution, directory)}")
    if solution.run.stopped_by == StopReason.INTERRUPTED:
        say(f"spindle: interrupted; continue with `{directory.command('resume')}`.")
        status = exit_status()
    if strict and not status and solution.verdict.word == NOT_SOLVED:
        status = 4
    return status


def tell_of_continuing(directory: RunDirectory) -> list[Callable]:
    """A callback that says once, when training goes on, that it does; none for a run that is new."""
    left = [f"Continuing the run in {directory.path}."] if directory.checkpoint.exists() else []
    return [lambda record, total: say(left.pop()) if left else None] if left else []


def _how_it_stopped(directory: RunDirectory, *, in_training: bool) -> str:
    if directory.has_state:
        return f"interrupted; continue with `{directory.command('resume')}`."
    return f"interrupted {'at once' if in_training else 'before training began'}; nothing was saved."


def report_of(solution: Solution, directory: RunDirectory, page: Path | None = None) -> Path:
    """Write the report of a solution, as `report.html` of its directory or elsewhere, and return its path."""
    return write_report(solution, page or directory.path / "report.html", command=_command(solution, directory))


def print_summary(solution: Solution, directory: RunDirectory) -> None:
    """The summary of a solution in colour, commands as they are written on the command line."""
    for label, sentence in summary(solution):
        text = for_the_shell(sentence, str(directory.path))
        colour = {SOLVED: "green", DOUBTFUL: "yellow", NOT_SOLVED: "red"}[solution.verdict.word]
        style = {"": "bold", "warning": "yellow", "verdict": colour}.get(label)
        say(f"{label:<{LABEL}}{text}" if label else text, style=style)


def _command(solution: Solution, directory: RunDirectory) -> str | None:
    """The command that repeats a run; None where the problem is neither from the gallery nor from a file."""
    if solution.problem.origin is None:
        return None
    info = directory.read_info()
    name, chosen = solution.problem.origin
    settings = dict(info["method"]["settings"])
    recipe = settings.pop("recipe", "default")
    words = ["spindle", "solve", name, "--method", info["method"]["name"], "--recipe", recipe, "--seed", info["seed"]]
    for key, value in {**chosen, **settings}.items():
        words += ["--set", f"{key}={value}"]
    return for_shell(words)
