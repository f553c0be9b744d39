"""A bound of what SymPy may spend on finding a closed form."""

import sys
from collections.abc import Callable

_MOST_CALLS = 1_500_000  # some five seconds; an integral in textbooks takes a tenth of it


class _Spent(BaseException):
    """The bound is reached, as this profiler counted; no `except Exception` of SymPy's may swallow it."""


def within_limit(function: Callable, calls: int = _MOST_CALLS):
    """`function()`; None where it makes more than so many calls of Python functions, or fails.

    Calls are counted, not seconds, so that the answer depends on the machine as little as possible. What is raised
    where Python throws a generator away goes no further, and nothing counts after it: it is raised once more then.
    """
    profiler, hook, made = sys.getprofile(), sys.unraisablehook, 0

    def count(frame, event, argument):
        nonlocal made
        if event == "call":
            made += 1
            if made > calls:
                raise _Spent(count)

    def lost(unraisable):
        if isinstance(unraisable.exc_value, _Spent):
            sys.setprofile(*unraisable.exc_value.args)
        else:
            hook(unraisable)

    sys.unraisablehook = lost
    sys.setprofile(count)
    try:
        return function()
    except (Exception, _Spent):  # whatever SymPy raises, it has no closed form
        return None
    finally:
        sys.setprofile(None)  # or the call that restores is counted, too
        _restore(profiler)
        if sys.unraisablehook is lost:
            sys.unraisablehook = hook


def _restore(profiler) -> None:
    """What profiled before goes on; cProfile, of C, is no function that `sys.setprofile` could take back."""
    if profiler is None or callable(profiler):
        sys.setprofile(profiler)
    else:
        sys.setprofile(None)
        profiler.enable()
