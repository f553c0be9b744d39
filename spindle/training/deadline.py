"""Ends of work in time: a flag that running programs look at, and work that is left alone when its time is over.

A compiled program cannot be interrupted, nor can the compiler. The loops of a program look at a flag in memory that the
host raises (`Stop`); what has no such loops runs in a thread of its own, and its result is dropped when it comes too
late (`in_time`).
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spindle.training.precision import same_precision

_LOOK = 0.05  # seconds between two looks at a thread
_STACK = 64 * 2**20  # bytes: SymPy recurses deeper than the half megabyte that some systems give a thread
_threads: list[threading.Thread] = []


class Late(Exception):
    """Work was not done in time."""


class Stop:
    """A flag that the host raises while a program runs, and that the loops of the program see.

    array   to be passed to the program, int32 (1,). On processors it shares the memory of the host; elsewhere a program
            sees nothing of the flag and runs to the end of its steps.

    That a program reads what was written meanwhile is promised by nobody. Loops over less than a kilobyte, which XLA
    makes one kernel of, may not look; where a compiler should copy the flag first, the program just ends later.
    """

    def __init__(self) -> None:
        room = np.zeros(128, np.uint8)
        first = -room.ctypes.data % 64  # JAX shares memory that is aligned to 64 bytes, and copies any other
        self._flag = room[first : first + 4].view(np.int32)
        shared = jax.default_backend() == "cpu"
        self.array = jnp.from_dlpack(self._flag) if shared else jnp.zeros(1, jnp.int32)

    def now(self) -> None:
        """Raise the flag."""
        self._flag[0] = 1

    @property
    def raised(self) -> bool:
        """Whether it was raised."""
        return bool(self._flag[0])

    def lower(self) -> None:
        """Take the flag down."""
        self._flag[0] = 0


def wait_for(results: Any, stop: Stop, unwanted: Callable[[], bool]) -> None:
    """Wait until arrays that a program computes are there; raise the flag as soon as they are unwanted."""
    pause, leaves = 5e-4, jax.tree.leaves(results)
    while not all(leaf.is_ready() for leaf in leaves):
        if not stop.raised and unwanted():
            stop.now()
        time.sleep(pause)
        pause = min(2 * pause, _LOOK)
    jax.block_until_ready(results)


def in_time(work: Callable[[], Any], until: float = math.inf, given_up: Callable[[], bool] | None = None) -> Any:
    """The result of some work.

    until      instant of `time.perf_counter` from which on it comes too late
    given_up   asked meanwhile whether the work is wanted no more
    Raises Late where it was not done in time: it then goes on in its thread to its end, which the process waits for.
    """
    if math.isinf(until) and given_up is None:
        return work()
    thread, results = _started(work)
    while thread.is_alive():
        if time.perf_counter() > until or (given_up is not None and given_up()):
            raise Late
        thread.join(_LOOK)
    result, error = results
    if error is not None:
        raise error
    return result


def _started(work: Callable[[], Any]) -> tuple[threading.Thread, list]:
    """The thread, and where it leaves its result and the error that it met."""
    results: list = [None, None]
    # JAX keeps the precision of each thread apart.
    context = same_precision()

    def run() -> None:
        with context:
            try:
                results[0] = work()
            except BaseException as error:
                results[1] = error

    before = threading.stack_size(_STACK)
    try:
        thread = threading.Thread(target=run, name="spindle")
        thread.start()
    finally:
        threading.stack_size(before)
    _threads[:] = [*(t for t in _threads if t.is_alive()), thread]
    return thread, results


def left_behind() -> bool:
    """Whether work that came too late is still going on."""
    return any(thread.is_alive() for thread in _threads)
