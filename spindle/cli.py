"""The command line: `spindle list | solve | resume | report | bench`.

Exit status: 0 solved; 2 bad input; 3 diverged; 130 interrupted, with the state saved.
"""

import ast
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from spindle.errors import DivergenceError, ProblemError, SpindleError, nearest
from spindle.experiments.registry import BENCHES, run_bench
from spindle.gallery.registry import GALLERY, gallery, options, summary
from spindle.methods.base import Method
from spindle.methods.registry import METHODS, label, method_named
from spindle.problem.problem import Problem
from spindle.report.html import write_report
from spindle.rundir import RunDirectory, to_json, write_json
from spindle.solution import Solution, load
from spindle.solve import resume as resume_run
from spindle.solve import solve as solve_problem

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else.")]
Budget = Annotated[float | None, typer.Option(help="Stop after so many seconds.")]


@app.command("list")
def list_command(json: Json = False):
    """List the problems of the gallery and the methods."""
    if json:
        problems = [{"name": name, "summary": summary(name), "options": options(name)} for name in GALLERY]
        print(to_json({"problems": problems, "methods": list(METHODS)}))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("problem", style="bold", no_wrap=True)
    table.add_column("what it is")
    for name in GALLERY:
        table.add_row(name, summary(name))
    out = Console(highlight=False)
    out.print(table)
    out.print(f"\nmethods: {', '.join(METHODS)}\nsolve one: spindle solve {next(iter(GALLERY))} --method spinn")


@app.command()
def solve(
    problem: Annotated[str, typer.Argument(help="A name from `spindle list`.")],
    method: Annotated[str, typer.Option(help="pinn, pinn-mod, spinn or spinn-mod.")] = "spinn",
    recipe: Annotated[str, typer.Option(help="default or paper.")] = "default",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the method, or an option of the problem.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of initial weights and points.")] = 0,
    budget: Budget = None,
    out: Annotated[Path | None, typer.Option(help="Run directory; default: a new one under runs/.")] = None,
    json: Json = False,
):
    """Solve a problem and write a run directory with the solution and a report."""
    chosen, built = _prepare(problem, method, recipe, settings or [])
    directory = out or Path("runs") / f"{problem}-{method}-{seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    if RunDirectory(directory).info.exists():
        console.print(f"Continuing the run in {directory}.")
    solution = _guarded(directory, lambda: solve_problem(built, chosen, seed=seed, budget=budget, out=directory))
    _finish(solution, directory, json)


@app.command()
def resume(
    directory: Annotated[Path, typer.Argument(help="The directory of an interrupted run.")],
    budget: Budget = None,
    json: Json = False,
):
    """Continue an interrupted run; the result is the same as without the interruption."""
    _finish(_guarded(directory, lambda: resume_run(directory, budget=budget)), directory, json)


@app.command()
def report(directories: Annotated[list[Path], typer.Argument(help="Run directories.")]):
    """Write the HTML report of finished runs, into their directories."""
    for directory in directories:
        print(write_report(load(directory), directory / "report.html", command=_command(directory)))


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(help=f"One of {', '.join(BENCHES)}."),
    ],
    quick: Annotated[bool, typer.Option(help="Few steps: shows that it runs, not how good it is.")] = False,
    out: Annotated[Path, typer.Option(help="Where the numbers go.")] = Path("runs/bench"),
):
    """Run the comparisons behind the tables, and print them."""
    path = out / f"{name}{'-quick' if quick else ''}.json"
    rows = run_bench(name, quick=quick, tell=console.print)
    write_json(path, rows)
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(highlight=False).print(table)
    console.print(f"written to {path}")


def main() -> None:
    """Entry point: errors become one message and an exit status, never a traceback."""
    try:
        app()
    except SpindleError as error:
        console.print(f"spindle: {error}", style="red", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        console.print("spindle: interrupted.")
        sys.exit(130)


def _prepare(name: str, method: str, recipe: str, settings: list[str]) -> tuple[Method, Problem]:
    """Sort `--set` into settings of the method and options of the problem, and build both."""
    if name not in GALLERY:
        raise ProblemError(f"`spindle solve {name}`: there is no such problem in the gallery." + nearest(name, GALLERY))
    of_problem: dict[str, Any] = {}
    of_method: dict[str, Any] = {}
    for item in settings:
        key, separator, value = item.partition("=")
        if not separator:
            raise ProblemError(f"`--set {item}` has no value; write `--set KEY=VALUE`, for example `--set rank=16`.")
        (of_problem if key in options(name) else of_method)[key] = _value(value)
    return method_named(method, {"recipe": recipe, **of_method}), gallery(name, **of_problem)


def _value(written: str) -> Any:
    """A number, a flag, a tuple or mapping of these; anything else is a word."""
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(written.lower(), written)


def _guarded(directory: Path, work) -> Solution:
    """Run a solve; a diverged one ends here, with what there is saved."""
    try:
        return work()
    except DivergenceError as error:
        console.print(f"spindle: {error} It is in {directory}.", style="red", markup=False)
        raise typer.Exit(3) from error


def _finish(solution: Solution, directory: Path, json: bool) -> None:
    """Print the result, write the report, and set the exit status."""
    if json:
        print(to_json(solution.record() | {"directory": str(directory)}))
    else:
        _print(solution)
        console.print(f"report     {write_report(solution, directory / 'report.html', command=_command(directory))}")
    if solution.run.stopped_by == "interrupted":
        console.print(f"spindle: interrupted; continue with `spindle resume {directory}`.")
        raise typer.Exit(130)


def _print(solution: Solution) -> None:
    run, seconds = solution.run, solution.run.seconds
    console.print(f"[bold]{solution.problem.title or solution.problem.name}[/] by {label(solution.method)}")
    for name, error in run.errors.items():
        console.print(f"error      {name}: {error['rel_l2']:.1e} relative L2, {error['max']:.1e} at most")
    console.print(
        f"residuals  {', '.join(f'{name} {rms:.1e}' for name, rms in run.residuals.items())} (on fresh points)"
    )
    console.print(f"loss       {run.loss:.1e} after {run.iterations} steps, stopped by {run.stopped_by}")
    parts = ", ".join(f"{k} {v:.1f}" for k, v in seconds.as_dict().items() if k != "total")
    console.print(f"seconds    {seconds.total:.1f} ({parts})")
    for choice in solution.plan.choices:
        console.print(f"chosen     {choice}", markup=False)
    for warning in run.warnings:
        console.print(f"warning    {warning}", style="yellow", markup=False)


def _command(directory: Path) -> str:
    """The command that repeats a run."""
    info = RunDirectory(directory).read_info()
    method, settings = info["method"]["name"], dict(info["method"]["settings"])
    recipe = settings.pop("recipe", "default")
    sets = "".join(f' --set "{key}={value}"' for key, value in settings.items())
    return f"spindle solve {info['problem']} --method {method} --recipe {recipe} --seed {info['seed']}{sets}"
