"""The command line: `spindle list | check | solve | resume | report | explore | bench`.

Exit status: 0 ended as usual; 2 bad input; 3 diverged; 4 not solved, with `--strict`; 130 interrupted by Ctrl-C, 143 by
SIGTERM (128 and the number of the signal), with the state saved if training had begun.
"""

import ast
import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from spindle.budget import Budget
from spindle.check import check as check_problem
from spindle.check import in_words as check_in_words
from spindle.errors import DivergenceError, MethodError, ProblemError, RunError, SpindleError
from spindle.experiments.registry import NAMES, VERIFY, run_bench
from spindle.experiments.rows import CURVE
from spindle.gallery.registry import GALLERY, gallery, options
from spindle.gallery.registry import summary as gallery_summary
from spindle.interrupts import ending_at_once, exit_status
from spindle.load import load
from spindle.methods.base import Method
from spindle.methods.choose import chosen_method
from spindle.methods.registry import METHODS, method_named
from spindle.problem.problem import Problem
from spindle.report.comparison import write_comparison
from spindle.report.curves import write_curves
from spindle.report.explore.server import explore as explore_run
from spindle.report.html import write_report
from spindle.rundir import RunDirectory, for_shell, to_json, write_json
from spindle.shell_words import for_the_shell
from spindle.solution import Solution
from spindle.solve import compute, compute_further
from spindle.sources import ProblemSource, problem_source
from spindle.stop_reasons import StopReason
from spindle.summary import LABEL, summary
from spindle.training.checkpoint import write_atomically
from spindle.training.deadline import left_behind
from spindle.training.memory import memory_in_sentences
from spindle.verdict import DOUBTFUL, NOT_SOLVED, SOLVED
from spindle.visible import LONGEST, visible

console = Console(stderr=True, highlight=False)


class _Commands(TyperGroup):
    """All commands; Typer itself ends without a word when it is interrupted."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            _say("spindle: interrupted.")
            raise typer.Exit(exit_status()) from stop


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else; write no report.")
]
Estimate = Annotated[
    bool, typer.Option(help="Estimate the error by solving the equations for it, which takes some seconds.")
]
Seconds = Annotated[
    float | None,
    typer.Option("--budget", help="Seconds for the whole command: training stops in time for the checks after it."),
]
Strict = Annotated[bool, typer.Option("--strict", help='End with status 4 where the verdict is "not solved".')]
Progress = Annotated[bool, typer.Option(help="Show on standard error what is being done.")]


@app.command("list")
def list_command(
    problem: Annotated[str | None, typer.Argument(help="Describe this problem and its options.")] = None,
    json: Json = False,
):
    """List the problems of the gallery and the methods, or describe one problem."""
    if problem is not None:
        found = {"name": problem, "summary": gallery_summary(problem), "options": options(problem)}
        written = problem_source(problem).options_in_words
        _show(to_json(found) if json else f"{gallery(problem)}\n{'options':>15}  {written}")
        return
    if json:
        problems = [{"name": name, "summary": gallery_summary(name), "options": options(name)} for name in GALLERY]
        print(to_json({"problems": problems, "methods": list(METHODS)}))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("problem", style="bold", no_wrap=True)
    table.add_column("what it is")
    for name in GALLERY:
        table.add_row(name, gallery_summary(name))
    out = Console(highlight=False)
    out.print(table)
    out.print(f"\nmethods: {', '.join(METHODS)}\nsolve one: spindle solve {next(iter(GALLERY))} --method spinn")
    out.print(f"describe one: spindle list {next(iter(GALLERY))}")


@app.command()
def check(
    problem: Annotated[str, typer.Argument(help="A problem file, or a name from `spindle list`.")],
    json: Json = False,
):
    """Say what was understood of a problem and what each method would do with it; nothing is trained."""
    found = check_problem(problem_source(problem).build())
    _show(to_json(found) if json else check_in_words(found))


@app.command()
def solve(
    context: typer.Context,
    problem: Annotated[str, typer.Argument(help="A problem file, or a name from `spindle list`.")],
    method: Annotated[
        str | None, typer.Option(help=f"{', '.join(METHODS)}; default: one that fits the problem, which is named.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="default or paper.")] = "default",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the method, an option or a parameter.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of initial weights and points.")] = 0,
    budget: Seconds = None,
    out: Annotated[str | None, typer.Option(help="Run directory; default: a new one under runs/.")] = None,
    estimate: Estimate = True,
    progress: Progress = True,
    strict: Strict = False,
    json: Json = False,
):
    """Solve a problem and write a run directory with the solution and a report."""
    source = problem_source(problem)
    default = "-".join(filter(None, [source.name, method, str(seed), time.strftime("%Y%m%d-%H%M%S")]))
    directory = RunDirectory.at(f"runs/{default}" if out is None else out)
    allowed = _budget(budget, context)

    def work() -> Solution:
        chosen, built, reason = _prepare(source, method, recipe, settings or [])
        told = _tell_of_continuing(directory)
        ours = True
        try:
            return compute(
                built,
                chosen,
                allowed,
                seed=seed,
                out=directory.path,
                callbacks=told,
                chosen=reason,
                progress=progress,
                estimate=estimate,
            )
        except RunError:  # the directory holds another run, or another process writes it
            ours = False
            raise
        finally:
            if ours:
                _keep_text(source, directory)

    _run(directory, json, allowed, work, strict=strict)


@app.command()
def resume(
    context: typer.Context,
    directory: Annotated[str, typer.Argument(help="The directory of an interrupted run.")],
    budget: Seconds = None,
    estimate: Estimate = True,
    progress: Progress = True,
    strict: Strict = False,
    json: Json = False,
):
    """Continue an interrupted run; the result is the same as without the interruption."""
    allowed, where = _budget(budget, context), RunDirectory.at(directory)
    work = partial(compute_further, where.path, allowed, progress=progress, estimate=estimate)
    _run(where, json, allowed, work, strict=strict)


@app.command()
def report(
    directories: Annotated[list[str], typer.Argument(help="A run directory; several are compared on one page.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the page goes; default: report.html in the directory, comparison.html beside the first."
        ),
    ] = None,
):
    """Write the HTML report of a finished run, or one page that compares several."""
    found = [RunDirectory.at(directory) for directory in directories]
    if len(found) == 1:
        _show(_report(load(found[0].path), found[0], _page(out, found[0].path / "report.html")))
        return
    solutions = [(str(directory.path), load(directory.path)) for directory in found]
    _show(write_comparison(solutions, _page(out, found[0].path.resolve().parent / "comparison.html")))


@app.command()
def explore(
    directory: Annotated[str, typer.Argument(help="The run directory of a parametrised family.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is; 0: any port that is free.")] = 8050,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page in a browser.")] = False,
):
    """Show a solved family in the browser: a slider for each parameter, the solution redrawn as it moves."""
    explore_run(RunDirectory.at(directory), port, browser=not no_browser, tell=_say)


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(help=f"One of {', '.join(NAMES)}."),
    ],
    quick: Annotated[
        bool,
        typer.Option(help="Few steps: shows that it runs, not how good it is; of `verify`, what takes under a minute."),
    ] = False,
    out: Annotated[Path, typer.Option(help="Where the numbers go.")] = Path("runs/bench"),
):
    """Run the comparisons behind the tables, and print them; `verify` measures every number of the documents."""
    jax.config.update("jax_enable_compilation_cache", False)  # compilation is timed, not remembered
    path = out / f"{name}{'-quick' if quick else ''}.json"
    rows = run_bench(name, quick=quick, tell=console.print)
    write_json(path, rows)
    shown = [{k: v for k, v in row.items() if k != CURVE} for row in rows]
    table = Table(*shown[0], box=None)
    for row in shown:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    # In a file or a pipe no line has to fit a window.
    Console(highlight=False, width=None if sys.stdout.isatty() else 240).print(table)
    if name == VERIFY:
        failed = [row["problem"] for row in rows if row["holds"] != "yes"]
        _say(f"written to {path}; {'no longer true: ' + '; '.join(failed) if failed else 'all hold'}")
        raise typer.Exit(1 if failed else 0)
    labels = [f"{row['problem']}, {row['method']}, {row['points']}" for row in rows]
    curves = {label: row[CURVE] for label, row in zip(labels, rows, strict=True) if row[CURVE]}
    levels = {label: row["classical"] for label, row in zip(labels, rows, strict=True) if row["classical"]}
    picture = write_curves(path.with_suffix(".png"), curves, levels)
    _say(f"written to {path} and {picture}")


def process(began: float | None = None) -> None:
    """`main`, and the end of the process, which waits for no work that came too late."""
    try:
        main(began)
    except SystemExit as end:
        if left_behind():  # the compiler, say, whose program nobody needs any more: all is written
            os._exit(end.code if isinstance(end.code, int) else 0)
        raise


def main(began: float | None = None) -> None:
    """The command line: errors become one message and an exit status, never a traceback.

    began   when the process did, an instant of `time.perf_counter`; None: now
    """
    try:
        try:
            with ending_at_once(), memory_in_sentences(for_shell(["spindle", *sys.argv[1:]])):
                app(obj=time.perf_counter() if began is None else began)
        finally:
            sys.stdout.flush()  # here, where a full disk can still be spoken of
    except OSError as error:
        _cannot_write(error)
    except SpindleError as error:
        _complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        _say("spindle: interrupted.")
        sys.exit(exit_status())


def _cannot_write(error: OSError) -> None:
    """End where the output or another file cannot be written: without a word where nobody reads it any more."""
    with suppress(OSError, ValueError):  # what is still to be written would fail again at the end of the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        sys.exit(1)
    with suppress(OSError):
        _complain(f"{error.filename or 'the output'} cannot be written ({error.strerror or error}); make room first.")
    sys.exit(2)


def _prepare(source: ProblemSource, name: str | None, recipe: str, settings: list[str]) -> tuple[Method, Problem, str]:
    """Sort `--set` into settings of the method and options of the problem, and build both.

    Returns a sentence beside them where the method was chosen here; empty where the user named it.
    """
    of_problem: dict[str, Any] = {}
    of_method: dict[str, Any] = {}
    for item in settings:
        key, separator, value = item.partition("=")
        if not separator:
            raise ProblemError(f"`--set {item}` has no value; write `--set KEY=VALUE`, for example `--set rank=16`.")
        (of_problem if key in source.options else of_method)[key] = _value(value)
    problem, reason = source.build(**of_problem), ""
    if name is None:
        name, reason = chosen_method(problem)
    hint = f" Options of {source.name}: {source.options_in_words}."
    return method_named(name, {"recipe": recipe, **of_method}, hint=hint), problem, reason


def _keep_text(source: ProblemSource, directory: RunDirectory) -> None:
    """Lay the text of a problem file beside the run that it posed, if there is one."""
    if source.text is not None and directory.info.exists():
        write_atomically(directory.path / "problem.toml", source.text.encode())


def _value(written: str) -> Any:
    """A number, a flag, a tuple or mapping of these; anything else is a word."""
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(written.lower(), written)


def _budget(seconds: float | None, context: typer.Context) -> Budget:
    """The budget of a command, which began when its process did."""
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise MethodError(f"`--budget {seconds:g}` must be a positive number of seconds; leave it out for none.")
    return Budget(seconds, time.perf_counter() if context.obj is None else context.obj)


def _run(directory: RunDirectory, json: bool, budget: Budget, work: Callable[..., Solution], *, strict: bool) -> None:
    """Run a solve to its end, whatever that is, print what there is, and set the exit status."""
    try:
        status = _shown(directory, json, budget, work, strict=strict)
    except KeyboardInterrupt as stop:
        _say(f"spindle: {_how_it_stopped(directory, in_training=bool(stop.args))}")
        status = exit_status()
    raise typer.Exit(status)


def _shown(directory: RunDirectory, json: bool, budget: Budget, work: Callable[..., Solution], *, strict: bool) -> int:
    status = 0
    try:
        solution = work()
    except DivergenceError as error:
        _complain(f"{error} It is in {directory.path}.")
        solution, status = error.solution, 3
    if json:
        print(to_json(solution.record() | {"directory": str(directory.path)}))
    elif not status:
        _print(solution, directory)
        late = f"not written, the seconds are spent; `{directory.command('report')}` writes it"
        _say(f"{'report':<{LABEL}}{late if budget.spent else _report(solution, directory)}")
    if solution.run.stopped_by == StopReason.INTERRUPTED:
        _say(f"spindle: interrupted; continue with `{directory.command('resume')}`.")
        status = exit_status()
    if strict and not status and solution.verdict.word == NOT_SOLVED:
        status = 4
    return status


def _tell_of_continuing(directory: RunDirectory) -> list[Callable]:
    """A callback that says once, when training goes on, that it does; none for a run that is new."""
    left = [f"Continuing the run in {directory.path}."] if directory.checkpoint.exists() else []
    return [lambda record, total: _say(left.pop()) if left else None] if left else []


def _how_it_stopped(directory: RunDirectory, *, in_training: bool) -> str:
    if directory.has_state:
        return f"interrupted; continue with `{directory.command('resume')}`."
    return f"interrupted {'at once' if in_training else 'before training began'}; nothing was saved."


def _report(solution: Solution, directory: RunDirectory, page: Path | None = None) -> Path:
    return write_report(solution, page or directory.path / "report.html", command=_command(solution, directory))


def _page(out: Path | None, usual: Path) -> Path:
    """Where a page goes: as usual, or where the user says, in a folder under the usual name."""
    return usual if out is None else out / usual.name if out.is_dir() else out


def _print(solution: Solution, directory: RunDirectory) -> None:
    for label, sentence in summary(solution):
        text = for_the_shell(sentence, str(directory.path))
        colour = {SOLVED: "green", DOUBTFUL: "yellow", NOT_SOLVED: "red"}[solution.verdict.word]
        style = {"": "bold", "warning": "yellow", "verdict": colour}.get(label)
        _say(f"{label:<{LABEL}}{text}" if label else text, style=style)


def _say(sentence: str, style: str | None = None) -> None:
    """One line on standard error, whole, so that a pipe or a log can be searched."""
    console.print(visible(sentence, most=LONGEST), style=style, markup=False, soft_wrap=True)


def _show(text: object) -> None:
    """What a command was asked for, on standard output."""
    print(visible(str(text), lines=True))


def _complain(sentence: str) -> None:
    _say(f"spindle: {for_the_shell(sentence)}", style="red")


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
