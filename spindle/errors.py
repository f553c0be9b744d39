"""What spindle raises. Every message is a sentence: the call, what it got, why that cannot work, the usual fix."""

import difflib
from collections.abc import Iterable


class SpindleError(Exception):
    """Base of all errors that spindle raises on purpose; the command line prints it without a traceback."""


class ProblemError(SpindleError, ValueError):
    """The mathematics as written cannot be solved: a condition, an equation or a domain does not fit."""


class MethodError(SpindleError, ValueError):
    """The method cannot take this problem, or one of its settings does not exist or makes no sense."""


class RunError(SpindleError):
    """A run directory cannot be read, or belongs to another problem, method or version."""


class SolveWarning(UserWarning):
    """A doubt about a solution: what its numbers do not show, or show only to who looks twice."""


class DivergenceError(SpindleError):
    """Training met NaN or Inf.

    solution    the last state that was still finite, as a `Solution`; None when there was none
    """

    def __init__(self, message: str, solution=None):
        super().__init__(message)
        self.solution = solution


def nearest(name: str, options: Iterable[str]) -> str:
    """`" Did you mean `x`? There are: a, b, x."` for a name that is none of `options`."""
    options = list(options)
    close = difflib.get_close_matches(name, options, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"{hint} There are: {', '.join(options)}." if options else hint
