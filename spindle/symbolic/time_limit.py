"""A bound of what SymPy may spend on finding a closed form."""

import sys
from collections.abc import Callable

_MOST_CALLS = 1_500_000  # some five seconds; an integral in textbooks takes a tenth of it


class _Spent(BaseException):
    """The bound is reached; no `except Exception` of SymPy's may swallow it."""


def within_limit(function: Callable, calls: int = _MOST_CALLS):
    """`function()`; None where it makes more than so many calls of Python functions, or fails.

    Calls are counted, not seconds, so that the answer depends on the machine as little as possible.
    """
    before, made = sys.getprofile(), 0

    def count(frame, event, argument):
        nonlocal made
        made += event == "call"
        if made > calls:
            raise _Spent

    sys.setprofile(count)
    try:
        return function()
    except (Exception, _Spent):  # whatever SymPy raises, it has no closed form
        return None
    finally:
        _restore(before)


def _restore(profiler) -> None:
    """What profiled before goes on; cProfile, of C, is no function that `sys.setprofile` could take back."""
    if profiler is None or callable(profiler):
        sys.setprofile(profiler)
    else:
        sys.setprofile(None)
        profiler.enable()
