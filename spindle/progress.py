"""A progress bar on standard error: phase, steps, loss, error, seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from spindle.training.history import Record
from spindle.visible import visible


@contextmanager
def progress_bar(title: str, *, show: bool) -> Iterator[Callable[[Record, int], None]]:
    """A function that is told each `Record` and the total number of steps, and draws it where there is a terminal."""
    console = Console(stderr=True)
    if not show or not (console.is_terminal or console.is_jupyter):
        yield lambda record, total: None
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[phase]:>7} {task.completed:>6.0f}/{task.total:.0f}"),
        TextColumn("loss {task.fields[loss]:.1e}"),
        TextColumn("{task.fields[error]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(escape(visible(title)), total=None, phase="compile", loss=float("nan"), error="")
        last = ""

        def watch(record: Record, total: int) -> None:
            nonlocal last
            if record.errors:
                last = "error " + ", ".join(f"{e:.1e}" for e in record.errors.values())
            bar.update(task, completed=record.step, total=total, phase=record.phase, loss=record.loss, error=last)

        yield watch
