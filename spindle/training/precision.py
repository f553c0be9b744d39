"""Precision as a property of a computation: set inside a `with`, never globally."""

import contextlib
from typing import Any

import jax

from spindle.errors import MethodError, nearest

DTYPES = ("float32", "float64")


@contextlib.contextmanager
def precision(dtype: str):
    """Arrays made inside have this type, and matrix products keep it (no TF32 or bfloat16 on accelerators).

    Raises MethodError for any type but float32 and float64.
    """
    if dtype not in DTYPES:
        raise MethodError(f"`dtype={dtype!r}` is not supported." + nearest(str(dtype), DTYPES))
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield


def same_precision() -> contextlib.AbstractContextManager:
    """The precision of this moment, to be entered by another thread."""
    settings: Any = jax.config
    if settings.jax_default_matmul_precision is None:  # outside of any `precision`
        return contextlib.nullcontext()
    return precision("float64" if settings.jax_enable_x64 else "float32")
