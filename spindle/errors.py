"""What spindle raises. Every message is a sentence: the call, what it got, why that cannot work, the usual fix."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_LONGEST = 1_200  # characters of a message; its beginning names the call, and its end the fix
_MOST_LISTED = 40

Called = TypeVar("Called", bound=Callable)


class SpindleError(Exception):
    """Base of all errors that spindle raises on purpose; the command line prints it without a traceback.

    A message that would fill the screen, because what was given is printed in it, is cut in the middle.
    """

    def __str__(self):
        return _cut(super().__str__())


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


class NumberError(SpindleError, ValueError, TypeError):
    """A symbol was handed to a function of numbers. It is a TypeError too, as SymPy's own refusals are."""


def nearest(name: str, options: Iterable[str]) -> str:
    """`" Did you mean `x`? There are: a, b, x."` for a name that is none of `options`."""
    options = list(options)
    folded = {option.casefold(): option for option in reversed(options)}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    hint = f" Did you mean `{folded[close[0]]}`?" if close else ""
    return f"{hint} There are: {_listed(options)}." if options else hint


def _listed(options: list[str]) -> str:
    left = len(options) - _MOST_LISTED
    return ", ".join(options[:_MOST_LISTED]) + (f" and {left} more" if left > 0 else "")


def _cut(message: str) -> str:
    if len(message) <= _LONGEST:
        return message
    return f"{message[: 2 * _LONGEST // 3]} ... {message[-_LONGEST // 3 :]}"


# ------------------------------------------------------------------------------------------------- values in messages


def shown(value, most: int = 80) -> str:
    """A value of any kind and size as a few words of a message: what it is where its text would be long."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value) and hasattr(value, "__name__") and not hasattr(value, "free_symbols"):
        return "a lambda" if value.__name__ == "<lambda>" else f"the function {value.__name__}"
    shape = getattr(value, "shape", ())
    if hasattr(value, "dtype") and isinstance(shape, tuple) and len(shape):
        return f"an array of shape {shape}"
    if isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > most:
        return f"a {type(value).__name__} of {len(value):,} items"
    text = " ".join(_text(value).split())
    return text if len(text) <= most else f"{text[: most - 4]} ..."


# ----------------------------------------------------------------------------------------------- calls of a wrong form


def usage(form: str, *, name: str = "", error: type[SpindleError] = ProblemError) -> Callable[[Called], Called]:
    """Decorate a function or a class, so that a call whose arguments do not fit its signature is refused in a sentence.

    form    how it is usually called, which ends the sentence
    name    what it is called in the sentence; default: `spd.` and its own name
    error   what is raised

    A call that fits runs as before, and the signature stays. Any other TypeError passes unchanged.
    """

    def decorate(thing):
        called = name or f"spd.{thing.__name__}"
        if isinstance(thing, type):
            thing.__init__ = _spoken(thing.__init__, called, form, error)
            return thing
        return _spoken(thing, called, form, error)

    return decorate


def _spoken(function: Callable, called: str, form: str, error: type[SpindleError]) -> Callable:
    @functools.wraps(function)
    def call(*given, **named):
        try:
            return function(*given, **named)
        except TypeError:
            sentence = _misfit(inspect.signature(function), given, named, called)
            if not sentence:
                raise
        raise error(f"{sentence[0]}; write `{form}`.{sentence[1]}")

    return call


def _misfit(signature: inspect.Signature, given: tuple, named: dict[str, Any], called: str) -> tuple[str, str] | None:
    """What does not fit, and a hint that follows the usual form; None where the arguments fit."""
    try:
        signature.bind(*given, **named)
    except TypeError as failure:
        reason = str(failure)
    else:
        return None
    kinds = inspect.Parameter
    known = {n: p for n, p in signature.parameters.items() if p.kind in (kinds.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    instance = "self" in known
    names = [n for n in known if n != "self"]
    stray = [n for n in named if n not in names]
    if stray and not any(p.kind is kinds.VAR_KEYWORD for p in signature.parameters.values()):
        return f"`{called}(..., {stray[0]}=...)` has no argument called `{stray[0]}`", nearest(stray[0], names)
    ordered = [n for n in names if known[n].kind is kinds.POSITIONAL_OR_KEYWORD]
    count = len(given) - instance
    if count > len(ordered) and not any(p.kind is kinds.VAR_POSITIONAL for p in signature.parameters.values()):
        taken = f"{len(ordered)} and all others by name" if ordered else "none but by name"
        return f"`{called}` was given {_counted(count)} without a name, and it takes {taken}", ""
    missing = [n for n in names[count:] if n not in named and known[n].default is kinds.empty]
    if missing:
        return f"`{called}` was not given {' and '.join(f'`{n}`' for n in missing)}, and cannot do without", ""
    return f"`{called}` was called in a form that it does not have ({reason})", ""


def _counted(count: int) -> str:
    return f"{count} value" + "s" * (count != 1)


def _text(value) -> str:
    try:
        return repr(value)
    except ValueError:  # Python writes no whole numbers of more than 4,300 digits
        return "a number of thousands of digits" if hasattr(value, "bit_length") else f"a {type(value).__name__}"
