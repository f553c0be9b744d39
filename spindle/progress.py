"""What a solve shows while it runs, on standard error: a bar in a terminal or a notebook, else a line now and then."""

import io
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from spindle.training.display import Display
from spindle.training.history import Record

LOG_EVERY = 10.0  # seconds between two lines where there is no terminal
_REDRAWN = 0.2  # seconds between two pictures in a notebook
_PARTS = 3  # of the loss, the largest


class _Status(Display):
    """The last stage or step, as words."""

    def __init__(self, title: str):
        self.title, self.began = title, time.perf_counter()
        self.words, self.errors = "setting up", ""
        self.record: Record | None = None
        self.total: int | None = None

    def stage(self, words: str) -> None:
        self.words = words

    def step(self, record: Record, total: int) -> None:
        self.words, self.record, self.total = record.phase, record, total
        if record.errors:
            self.errors = "error " + ", ".join(f"{name} {e:.1e}" for name, e in record.errors.items())

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


class _Log(_Status):
    """A line every ten seconds, from a thread of its own, so that a long compilation is not silent."""

    def __init__(self, title: str):
        super().__init__(title)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._thread.start()

    def _speak(self) -> None:
        while not self._ended.wait(LOG_EVERY):
            print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """All that is known at this moment."""
        step = "" if self.record is None else f", step {self.record.step} of at most {self.total}"
        numbers = f", {self.numbers}" if self.numbers else ""
        return f"{self.described}{step}{numbers}, {time.perf_counter() - self.began:.0f} s"

    def close(self) -> None:
        """No further line."""
        self._ended.set()
        self._thread.join()


class _Bar(Progress):
    """Rich's bar, with the numbers of the run on a second line, which a narrow window cuts."""

    def __init__(self, status: _Status, *columns, **options):
        self.status = status
        super().__init__(*columns, **options)

    def get_renderables(self):
        yield self.make_tasks_table(self.tasks)
        if self.status.numbers:
            yield Text(f"  {self.status.numbers}", style="dim", no_wrap=True, overflow="ellipsis")


def _bar(status: _Status, console: Console, **options) -> _Bar:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return _Bar(status, *columns, console=console, **options)


class _Terminal(_Status):
    """A bar that rich redraws ten times a second."""

    shows_parts = True

    def __init__(self, title: str, bar: _Bar):
        super().__init__(title)
        self._bar, bar.status = bar, self
        self._task = bar.add_task(f"{title}: {self.words}", total=None)

    def stage(self, words: str) -> None:
        super().stage(words)
        self._draw()

    def step(self, record: Record, total: int) -> None:
        super().step(record, total)
        self._draw()

    def _draw(self) -> None:
        training = self.record is not None and self.words == self.record.phase
        done, total = (self.record.step, self.total) if training and self.record else (0, None)
        self._bar.update(self._task, description=self.described, completed=done, total=total)


class _Notebook(_Terminal):
    """The same bar as text in the output of a cell, which needs no widgets."""

    def __init__(self, title: str, bar: _Bar, show):
        self._show, self._drawn = show, 0.0
        super().__init__(title, bar)

    def _draw(self) -> None:
        super()._draw()
        if time.perf_counter() - self._drawn > _REDRAWN:
            self._show(_html(Group(*self._bar.get_renderables())))
            self._drawn = time.perf_counter()


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


def say(solution) -> None:
    """The summary of a solution, on standard error or in the output of a cell."""
    console = Console(stderr=True, highlight=False)
    if console.is_jupyter:
        from IPython.display import display as show

        show({"text/plain": solution.summary(), "text/html": solution._repr_html_()}, raw=True)
    else:
        console.print(solution.summary(), markup=False, soft_wrap=True)


@contextmanager
def display(title: str, *, show: bool) -> Iterator[Display]:
    """Where a solve of that title says what it does: nowhere, on a terminal, in a notebook or in a log."""
    console = Console(stderr=True)
    if not show:
        yield Display()
    elif console.is_jupyter:
        with _in_notebook(title) as status:
            yield status
    elif console.is_terminal and not console.is_dumb_terminal:
        status = _Status(title)
        with _bar(status, console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
            yield _Terminal(title, bar)
    else:
        log = _Log(title)
        try:
            yield log
        finally:
            log.close()


@contextmanager
def _in_notebook(title: str) -> Iterator[Display]:
    from IPython.display import display as show  # there is one wherever a notebook runs

    status = _Status(title)
    bar = _bar(status, Console(file=io.StringIO(), force_jupyter=False), auto_refresh=False)
    first = _html(Text(f"{title}: {status.words}"))
    handle = show(first, raw=True, display_id=True)
    try:
        yield _Notebook(title, bar, lambda data: handle.update(data, raw=True))
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)
