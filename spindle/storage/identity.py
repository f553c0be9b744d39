"""What tells one function or module of a user from another, since no file holds code.

A run directory keeps the name of such a part and a digest of what it is: the code of a function and what it closes
over, the fields and arrays of a module. Functions that it calls by a global name are not among it.
"""

import hashlib
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

_DEEPEST = 30
_LARGEST = 1e300
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def identity(part: Any) -> str:
    """One line on a function, a module or another object: its name, and sixteen digits of what it consists of.

    It is the same in every process of the same version of Python, as long as what it says is the same.
    """
    digest = hashlib.sha256()
    _feed(digest, part, ())
    return f"{name_of(part)} ({digest.hexdigest()[:16]})"


def name_of(part: Any) -> str:
    """The name of a function, or of the class of an object, with its module."""
    named = part if hasattr(part, "__qualname__") else type(part)
    return f"{getattr(named, '__module__', '')}.{named.__qualname__}".lstrip(".")


def _feed(digest, part: Any, above: tuple[int, ...]) -> None:
    """Add what an object consists of to a digest; `above` are those that it is a part of, which may refer to it."""
    digest.update(b"(")
    if id(part) in above or len(above) > _DEEPEST:
        digest.update(b"...")
    elif isinstance(part, types.CodeType):
        digest.update(part.co_code + repr(part.co_names).encode())
        _feed_all(digest, part.co_consts, part, above)
    elif isinstance(part, np.ndarray) or (hasattr(part, "dtype") and hasattr(part, "shape")):
        array = np.asarray(part)
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    elif isinstance(part, Mapping):
        _feed_all(digest, [*part, *part.values()], part, above)
    elif isinstance(part, (tuple, list)):
        digest.update(type(part).__name__.encode())
        _feed_all(digest, part, part, above)
    elif isinstance(part, (set, frozenset)):
        digest.update(repr(sorted(map(repr, part))).encode())
    elif isinstance(part, (int, float, np.number)):
        # 4 and 4.0 are one: a function may turn what it closes over into floats.
        number: Any = part
        digest.update(f"{float(number)!r}".encode() if abs(number) < _LARGEST else repr(number).encode())
    else:
        _feed_object(digest, part, above)
    digest.update(b")")


def _feed_object(digest, part: Any, above: tuple[int, ...]) -> None:
    """As `_feed`, of functions and of objects with fields; all others count by their text, addresses left out."""
    if isinstance(part, types.FunctionType):
        closed = [_content(cell) for cell in part.__closure__ or ()]
        digest.update(name_of(part).encode())
        _feed_all(digest, [part.__code__, part.__defaults__, part.__kwdefaults__, *closed], part, above)
    elif isinstance(part, types.MethodType):
        _feed_all(digest, [part.__func__, part.__self__], part, above)
    elif isinstance(part, partial):
        _feed_all(digest, [part.func, part.args, part.keywords], part, above)
    elif hasattr(part, "__wrapped__"):  # of `jax.jit` and other decorators
        _feed_all(digest, [part.__wrapped__], part, above)
    elif is_dataclass(part) and not isinstance(part, type):
        digest.update(name_of(part).encode())
        _feed_all(digest, [getattr(part, f.name, None) for f in fields(part)], part, above)
    else:
        digest.update(_ADDRESS.sub("", repr(part)).encode())


def _feed_all(digest, parts, of: Any, above: tuple[int, ...]) -> None:
    for each in parts:
        _feed(digest, each, (*above, id(of)))


def _content(cell) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
