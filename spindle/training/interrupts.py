"""Signals that ask a process to end, and what they mean to a run: it saves its state first.

Ctrl-C, the request of a scheduler or of `kill`, a terminal that goes away and Ctrl-Break are one wish. What each system
has of them is listed here.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
_CAME: list[int] = []  # in order; kept by the process, since a signal is sent to it and to nobody in it


def exit_status() -> int:
    """The exit status of a process that ends for the first signal that came: 128 and its number, as shells have it."""
    return 128 + (_CAME[0] if _CAME else signal.SIGINT)


def _end(signum, frame) -> None:
    _CAME.append(signum)
    raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Callable) -> Iterator[None]:
    """Let a handler have the signals that nobody else handles or ignores, and Ctrl-C in any case.

    Outside the main thread, where Python has no handlers, nothing changes.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        free = (signal.SIG_DFL, _end)
        before = {s: signal.getsignal(s) for s in SIGNALS if s == signal.SIGINT or signal.getsignal(s) in free}
    for signum in before:
        signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, previous in before.items():
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """In a command, before and after training: a signal raises KeyboardInterrupt, whichever it is."""
    _CAME.clear()
    with _handled_by(_end):
        yield


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """A function that tells whether a signal came; a second Ctrl-C raises KeyboardInterrupt as usual.

    Only Ctrl-C is pressed twice on purpose: other signals reach a group of processes and its members alike.
    """
    stopping = threading.Event()

    def note(signum, frame):
        if not stopping.is_set():
            stopping.set()
            _CAME.append(signum)
            again = "; press Ctrl-C again to stop at once" if signum == signal.SIGINT else ""
            with suppress(OSError, ValueError):  # the terminal may be what went away
                print(f"stopping, and keeping what there is{again}", file=sys.stderr, flush=True)
        elif signum == signal.SIGINT:
            raise KeyboardInterrupt("during training")

    with _handled_by(note):
        yield stopping.is_set
