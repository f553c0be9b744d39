"""The command line: `spindle list | check | solve | resume | report | explore | bench | reproduce`.

Exit status: 0 ended as usual; 2 bad input; 3 diverged; 4 not solved, with `--strict`; 130 interrupted by Ctrl-C, 143 by
SIGTERM (128 and the number of the signal), with the state saved if training had begun.
"""

import ast
import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from spindle import __version__
from spindle.cli.check import check as check_problem
from spindle.cli.check import in_words as check_in_words
from spindle.cli.eigenpairs import is_eigenproblem, solve_eigenproblem
from spindle.cli.outcome import report_of, run_to_its_end, tell_of_continuing
from spindle.cli.output import complain, console, say, show
from spindle.cli.sources import ProblemSource, problem_source
from spindle.errors import MethodError, ProblemError, RunError, SpindleError
from spindle.experiments.registry import NAMES, VERIFY, run_bench
from spindle.experiments.rows import CURVE
from spindle.gallery.registry import GALLERY, gallery, options
from spindle.gallery.registry import summary as gallery_summary
from spindle.methods.base import Method
from spindle.methods.choose import chosen_method
from spindle.methods.registry import METHODS, described_method, listed_name, method_in_words, method_named
from spindle.problem.problem import Problem
from spindle.report.comparison import write_comparison
from spindle.report.curves import write_curves
from spindle.report.explore.server import explore as explore_run
from spindle.reproduction.page import heading, lines
from spindle.reproduction.registry import ALL, FIGURES, LIST, chosen, reproduce
from spindle.reproduction.run import FULL, QUICK, USUAL
from spindle.results.directory import RunDirectory, for_shell, to_json, write_json
from spindle.results.solution import Solution
from spindle.solving.load import load
from spindle.solving.solve import compute, compute_further
from spindle.storage.arrays import write_atomically
from spindle.training.budget import Budget
from spindle.training.deadline import left_behind
from spindle.training.interrupts import ending_at_once, exit_status
from spindle.training.memory import memory_in_sentences


class _Commands(TyperGroup):
    """All commands; Typer itself ends without a word when it is interrupted."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            say("spindle: interrupted.")
            raise typer.Exit(exit_status()) from stop


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=__doc__
)


def _tell_version(asked: bool) -> None:
    """End with the version of spindle and of what it computes with."""
    if asked:
        show(f"spindle {__version__} (Python {platform.python_version()}, JAX {jax.__version__})")
        raise typer.Exit


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


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Say which version this is, and end.")
]


@app.callback()
def _whole(version: Version = False):
    """What all commands share."""


@app.command("list")
def list_command(
    problem: Annotated[
        str | None, typer.Argument(help="Describe this problem and its options, or this method.")
    ] = None,
    json: Json = False,
):
    """List the problems of the gallery and the methods, or describe one problem or method with its settings."""
    if problem is not None and (method := listed_name(problem)) in METHODS:
        show(to_json(described_method(method)) if json else method_in_words(method))
        return
    if problem is not None:
        description = {"name": problem, "summary": gallery_summary(problem), "options": options(problem)}
        written = problem_source(problem).options_in_words
        show(to_json(description) if json else f"{gallery(problem)}\n{'options':>15}  {written}")
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
    out.print(f"describe one: spindle list {next(iter(GALLERY))}, spindle list spinn")


@app.command()
def check(
    problem: Annotated[str, typer.Argument(help="A problem file, or a name from `spindle list`.")],
    json: Json = False,
):
    """Say what was understood of a problem and what each method would do with it; nothing is trained."""
    facts = check_problem(problem_source(problem).build())
    show(to_json(facts) if json else check_in_words(facts))


@app.command()
def solve(
    context: typer.Context,
    problem: Annotated[str, typer.Argument(help="A problem file, or a name from `spindle list`.")],
    method: Annotated[
        str | None, typer.Option(help=f"{', '.join(METHODS)}; default: one that fits the problem, which is named.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="default or paper.")] = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE: a setting of the method (`list METHOD`), an option or a parameter."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of initial weights and points.")] = 0,
    budget: Seconds = None,
    out: Annotated[str | None, typer.Option(help="Run directory; default: a new one under runs/.")] = None,
    estimate: Estimate = True,
    progress: Progress = True,
    strict: Strict = False,
    json: Json = False,
):
    """Solve a problem and write a run directory with the solution and a report; of an eigenproblem, its eigenpairs."""
    source = problem_source(problem)
    default = "-".join(filter(None, [source.name, method, str(seed), time.strftime("%Y%m%d-%H%M%S")]))
    directory = RunDirectory.at(f"runs/{default}" if out is None else out)
    allowed = _budget(budget, context)
    if is_eigenproblem(source):
        solve_eigenproblem(
            source, method, recipe, dict(map(_setting, settings or [])), out=directory.path, json=json, strict=strict
        )
        return

    def work() -> Solution:
        chosen, built, reason = _prepare(source, method, recipe, settings or [])
        told = tell_of_continuing(directory)
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

    run_to_its_end(directory, json, allowed, work, strict=strict)


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
    run_to_its_end(where, json, allowed, work, strict=strict)


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
    runs = [RunDirectory.at(directory) for directory in directories]
    if len(runs) == 1:
        show(report_of(load(runs[0].path), runs[0], _page(out, runs[0].path / "report.html")))
        return
    solutions = [(str(directory.path), load(directory.path)) for directory in runs]
    show(write_comparison(solutions, _page(out, runs[0].path.resolve().parent / "comparison.html")))


@app.command()
def explore(
    directory: Annotated[str, typer.Argument(help="The run directory of a parametrised family.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is; 0: any port that is free.")] = 8050,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page in a browser.")] = False,
):
    """Show a solved family in the browser: a slider for each parameter, the solution redrawn as it moves."""
    explore_run(RunDirectory.at(directory), port, browser=not no_browser, tell=say)


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
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()] for row in shown]
    _show_table(list(shown[0]), cells)
    if name == VERIFY:
        failed = [row["problem"] for row in rows if row["holds"] != "yes"]
        say(f"written to {path}; {'no longer true: ' + '; '.join(failed) if failed else 'all hold'}")
        raise typer.Exit(1 if failed else 0)
    labels = [f"{row['problem']}, {row['method']}, {row['points']}" for row in rows]
    curves = {label: row[CURVE] for label, row in zip(labels, rows, strict=True) if row[CURVE]}
    levels = {label: row["classical"] for label, row in zip(labels, rows, strict=True) if row["classical"]}
    picture = write_curves(path.with_suffix(".png"), curves, levels)
    say(f"written to {path} and {picture}")


@app.command("reproduce")
def reproduce_command(
    names: Annotated[list[str], typer.Argument(help=f"`{LIST}`, `{ALL}`, or any of {', '.join(FIGURES)}.")],
    quick: Annotated[bool, typer.Option("--quick", help="The smallest cells, under a minute a figure.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Every cell to its end: days on two processor cores.")] = False,
    seconds: Annotated[float, typer.Option(help="Seconds a figure may take.", min=1.0)] = USUAL,
    out: Annotated[Path, typer.Option(help="Where rows, pictures and pages go.")] = Path("runs/reproduce"),
):
    """Measure the figures and tables of the publications, cell by cell, beside the numbers that are printed there.

    Rows are stored one by one: the same command goes on where it ended, and measures no cell again that had as many
    seconds before.
    """
    if quick and full:
        raise MethodError(
            f"`spindle reproduce {' '.join(names)} --quick --full` asks for the least and for all; give one of them."
        )
    if names == [LIST]:
        _show_table(["name", "what", "source"], [[f.name, f.title, f.source] for f in FIGURES.values()])
        return
    figures = [figure for name in names for figure in chosen(name)]
    jax.config.update("jax_enable_compilation_cache", False)  # compilation is timed, not remembered
    allowed = QUICK if quick else FULL if full else seconds
    for figure in figures:
        rows, page = reproduce(figure, allowed, out, say)
        say(f"{figure.name}. {figure.title}. {figure.source}")
        _show_table(heading(figure), lines(figure, rows))
        for sentence in figure.concludes(rows):
            show(sentence)
        say(f"written to {page}")


def _show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    # In a file or a pipe no line has to fit a window.
    Console(highlight=False, width=None if sys.stdout.isatty() else 240).print(table, markup=False)


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
        complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        say("spindle: interrupted.")
        sys.exit(exit_status())


def _cannot_write(error: OSError) -> None:
    """End where the output or another file cannot be written: without a word where nobody reads it any more."""
    with suppress(OSError, ValueError):  # what is still to be written would fail again at the end of the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        sys.exit(1)
    with suppress(OSError):
        complain(f"{error.filename or 'the output'} cannot be written ({error.strerror or error}); make room first.")
    sys.exit(2)


def _prepare(source: ProblemSource, name: str | None, recipe: str, settings: list[str]) -> tuple[Method, Problem, str]:
    """Sort `--set` into settings of the method and options of the problem, and build both.

    Returns a sentence beside them where the method was chosen here; empty where the user named it.
    """
    of_problem: dict[str, Any] = {}
    of_method: dict[str, Any] = {}
    for key, value in map(_setting, settings):
        (of_problem if key in source.options else of_method)[key] = value
    problem, reason = source.build(**of_problem), ""
    if name is None:
        name, reason = chosen_method(problem)
    hint = f" Options of {source.name}: {source.options_in_words}."
    return method_named(name, {"recipe": recipe, **of_method}, hint=hint), problem, reason


def _setting(item: str) -> tuple[str, Any]:
    """Key and value of `--set KEY=VALUE`; raises ProblemError where there is no value."""
    key, separator, value = item.partition("=")
    if not separator:
        raise ProblemError(f"`--set {item}` has no value; write `--set KEY=VALUE`, for example `--set rank=16`.")
    return key, _value(value)


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


def _page(out: Path | None, usual: Path) -> Path:
    """Where a page goes: as usual, or where the user says, in a folder under the usual name."""
    return usual if out is None else out / usual.name if out.is_dir() else out
