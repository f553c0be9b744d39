"""What a solve shows while it runs, on standard error: a bar in a terminal or a notebook, else a line now and then."""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from spindle.training.display import Display, Silent
from spindle.training.history import HistoryEntry
from spindle.visible import visible

LOG_EVERY = 10.0  # seconds between two lines where there is no terminal
_REDRAWN = 0.2  # seconds between two pictures in a notebook
_PARTS = 3  # of the loss, the largest


class Shown(Display):
    """The last stage or step in words, drawn whenever it changes.

    draw   called with this object
    """

    def __init__(self, title: str, draw: Callable[["Shown"], None], *, parts: bool = False):
        self.title, self.draw, self.shows_parts = visible(title), draw, parts
        self.began, self.words, self.errors = time.perf_counter(), "setting up", ""
        self.record: HistoryEntry | None = None
        self.total: int | None = None

    def stage(self, words: str) -> None:
        """What is being done."""
        self.words = words
        self.draw(self)

    def step(self, record: HistoryEntry, total: int) -> None:
        """Where training is."""
        self.words, self.record, self.total = record.phase, record, total
        if record.errors:
            self.errors = "error " + ", ".join(f"{name} {e:.1e}" for name, e in record.errors.items())
        self.draw(self)

    @property
    def described(self) -> str:
        """What is solved, and what is being done."""
        return ": ".join(filter(None, [self.title, self.window, self.words]))

    @property
    def numbers(self) -> str:
        """Loss, its largest parts and the last error that was measured."""
        if self.record is None:
            return ""
        parts = sorted(self.record.parts.items(), key=lambda item: -item[1])[:_PARTS]
        by_part = f" ({', '.join(f'{name} {value:.1e}' for name, value in parts)})" if len(parts) > 1 else ""
        return f"loss {self.record.loss:.1e}{by_part}" + (f", {self.errors}" if self.errors else "")

    @property
    def progress(self) -> tuple[int, int | None]:
        """Steps done and at most to do; the latter None where there are no steps to count."""
        training = self.record is not None and self.words == self.record.phase
        return (self.record.step, self.total) if training and self.record else (0, None)

    @property
    def line(self) -> str:
        """All that is known at this moment."""
        done, total = self.progress
        step = "" if total is None else f", step {done} of at most {total}"
        numbers = f", {self.numbers}" if self.numbers else ""
        return f"{self.described}{step}{numbers}, {time.perf_counter() - self.began:.0f} s"


@contextmanager
def display(title: str, *, show: bool) -> Iterator[Display]:
    """Where a solve of that title says what it does: nowhere, on a terminal, in a notebook or in a log."""
    console = Console(stderr=True)
    if not show:
        yield Silent()
        return
    kind = _in_notebook if console.is_jupyter else _in_log
    if not console.is_jupyter and console.is_terminal and not console.is_dumb_terminal:
        kind = _on_terminal
    with kind(title) as shown:
        yield shown


def say(solution) -> None:
    """The summary of a solution, on standard error or in the output of a cell."""
    console = Console(stderr=True, highlight=False)
    if console.is_jupyter:
        _show_in_cell({"text/plain": solution.summary(), "text/html": solution._repr_html_()})
    else:
        console.print(visible(solution.summary(), lines=True), markup=False, soft_wrap=True)


class _Bar(Progress):
    """Rich's bar, with the numbers of the run on a second line, which a narrow window cuts."""

    numbers = ""

    def get_renderables(self):
        yield self.make_tasks_table(self.tasks)
        if self.numbers:
            yield Text(f"  {self.numbers}", style="dim", no_wrap=True, overflow="ellipsis")

    def draw(self, shown: Shown) -> None:
        """Take over what is to be shown."""
        self.numbers = shown.numbers
        done, total = shown.progress
        self.update(self.tasks[0].id, description=shown.described, completed=done, total=total)


def _bar(title: str, console: Console, **options) -> _Bar:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bar = _Bar(*columns, console=console, **options)
    bar.add_task(f"{visible(title)}: setting up", total=None)
    return bar


@contextmanager
def _on_terminal(title: str) -> Iterator[Shown]:
    with _bar(title, Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        yield Shown(title, bar.draw, parts=True)


@contextmanager
def _in_notebook(title: str) -> Iterator[Shown]:
    """The bar as text in the output of a cell, which needs no widgets."""
    bar = _bar(title, Console(file=io.StringIO(), force_jupyter=False), auto_refresh=False)
    handle, drawn = _show_in_cell(_html(Group(*bar.get_renderables()))), time.perf_counter()

    def draw(shown: Shown) -> None:
        nonlocal drawn
        bar.draw(shown)
        if time.perf_counter() - drawn > _REDRAWN:
            handle.update(_html(Group(*bar.get_renderables())), raw=True)
            drawn = time.perf_counter()

    try:
        yield Shown(title, draw, parts=True)
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)


@contextmanager
def _in_log(title: str) -> Iterator[Shown]:
    """A line every ten seconds, from a thread of its own, so that a long compilation is not silent."""
    shown, ended = Shown(title, lambda _: None), threading.Event()

    def speak() -> None:
        while not ended.wait(LOG_EVERY):
            print(shown.line, file=sys.stderr, flush=True)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        ended.set()
        thread.join()


def _show_in_cell(data: dict):
    """Show data in the output of the cell that runs, and return what can exchange them."""
    from IPython.display import display as show  # there is one wherever a notebook runs

    return show(data, raw=True, display_id=True)


def _html(renderable) -> dict:
    """What a notebook shows of something that rich can draw."""
    console = Console(file=io.StringIO(), record=True, width=100, force_terminal=True, force_jupyter=False)
    console.print(renderable)
    text = console.export_text(clear=False).rstrip()
    style = "font-family:monospace;line-height:1.3"
    return {
        "text/plain": text,
        "text/html": console.export_html(code_format=f'<pre style="{style}">{{code}}</pre>', inline_styles=True),
    }
