"""What values the settings of methods can have, and what is said of those that they cannot."""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from spindle.errors import MethodError, nearest, shown
from spindle.networks.activations import activation
from spindle.networks.lowrank import POSITIVE
from spindle.reduction.interpolation import SELECTIONS
from spindle.training.optimizers.adam import SCHEDULES

_WORDS: dict[str, Sequence[str]] = {
    "network": ("mlp", "modified", "spectral"),
    "hard": ("auto", "all", "zero", "off"),
    "scales": ("auto", "off"),
    "faces": ("mean", "sum"),
    "keep": ("last", "lowest loss"),
    "dtype": ("float32", "float64"),
    "schedule": SCHEDULES,
    "initial": ("glorot", "uniform"),
    "derivatives": ("rbf-fd", "exact"),
    "in_time": ("exact", "differences"),
    "biases": ("off", "plain", "factored"),
    "positive": tuple(POSITIVE),
    "ordering": ("rank", "points"),
    "phase": ("gauss-newton", "published"),
    "snapshots": ("derivatives", "shifted"),
    "selection": tuple(SELECTIONS),
    "sums": ("auto", "grid", "core", "gram"),
}
_AT_LEAST = {"width": 1, "hidden_layers": 1, "rank": 1, "harmonics": 1, "points": 2}
_AT_LEAST |= {
    "windows": 1,
    "slabs": 2,
    "steps": 0,
    "lbfgs_steps": 0,
    "newton_steps": 0,
    "resample": 0,
    "balance": 0,
    "refine": 0,
}
_AT_LEAST |= {"tasks": 0, "hyper_width": 1, "hyper_layers": 0, "members": 8, "directions": 1, "tuning_steps": 0}
_AT_LEAST |= {"query_points": 0, "check_points": 4, "refine_points": 10, "calibration": 1}
_AT_LEAST |= {"snapshot_points": 1, "neurons": 0}
_AT_LEAST |= {"order": 1, "times": 2, "exponent": 1, "stencil": 2, "nodes": 1, "lbfgs_memory": 1}
# Beyond these even laying out the network fails, in ways that end Python, or no life is long enough to see the end.
_AT_MOST = {"width": 10**7, "rank": 10**4, "points": 10**7, "harmonics": 10**5, "hidden_layers": 1000, "refine": 10}
_AT_MOST |= {"order": 12, "times": 10**5, "exponent": 31, "stencil": 10**4, "nodes": 10**8}
_AT_MOST |= {"windows": 10**4, "slabs": 10**5, "resample": 10**9, "balance": 10**9}
_AT_MOST |= {"steps": 10**9, "lbfgs_steps": 10**9, "newton_steps": 10**6, "tuning_steps": 10**4, "lbfgs_memory": 1000}
_AT_MOST |= {"tasks": 10**6, "hyper_width": 10**5, "hyper_layers": 1000, "members": 10**5, "directions": 10**4}
_AT_MOST |= {"query_points": 10**7, "check_points": 10**7, "refine_points": 10**7, "snapshot_points": 10**7}
_AT_MOST |= {"calibration": 10**5, "neurons": 10**6}
_LARGEST = 1e300  # of a setting that is no whole number
_LONGEST_LADDER = 100
_BESIDES = {
    "points": ("auto",),
    "width": ("auto",),
    "rank": ("auto", "full"),
    "frequency": ("auto",),
    "refine": ("auto",),
    "nodes": ("auto",),
    "windows": ("auto",),
    "steps": ("auto",),
}
_AN_AXIS = ("points", "width")
_SEVERAL = (*_AN_AXIS, "nodes")
_PHASES = ("steps", "lbfgs_steps", "newton_steps")
_NOT_NEGATIVE = ("orthogonality", "sparsity", "tolerance")
_POSITIVE = ("learning_rate", "frequency", "conditions", "lbfgs_rate", "ghost")
_FLAGS = ("scale_inputs", "fade", "approach", "unfreeze")


def check_settings(call: str, settings: dict[str, Any], axes: int) -> None:
    """Raise MethodError where a setting has a value that it cannot have; numbers of any library become Python's own.

    call   how the method is written, for messages
    axes   number of axes of the problem
    """
    for key, value in settings.items():
        if value is not None and not (isinstance(value, str) and value in _BESIDES.get(key, ())):
            settings[key] = _fitting(call, key, value)
    if not any(settings[key] for key in _PHASES):
        raise MethodError(
            f"`{call}({', '.join(f'{key}=0' for key in _PHASES)})` would not train at all; give one of them a positive "
            f"number."
        )
    for key in _AN_AXIS:
        values = settings.get(key)
        if isinstance(values, tuple) and len(values) != axes:
            raise MethodError(
                f"`{call}({key}={shown(values)})` has {len(values)} numbers for a problem of {axes} axes; give one "
                f"number for all axes, or one for each."
            )


def _fitting(call, key, value):
    """The value of a setting in the type it has; raises MethodError where it cannot have it."""
    if key in _WORDS and (not isinstance(value, str) or value not in _WORDS[key]):
        raise MethodError(f"`{call}({key}={shown(value)})` is not known." + nearest(str(value)[:100], _WORDS[key]))
    if key in _AT_LEAST:
        several = key in _SEVERAL and isinstance(value, (tuple, list))
        found = tuple(_whole(number, _AT_LEAST[key]) for number in (value if several else (value,)))
        read = None if None in found else found if several else found[0]
        _accepted(call, key, value, read, f"a whole number of at least {_AT_LEAST[key]}")
        fits = all(number <= _AT_MOST[key] for number in found if number is not None)
        return _accepted(call, key, value, read if fits else None, f"a whole number of at most {_AT_MOST[key]}")
    if key in _POSITIVE:
        return _accepted(call, key, value, _positive(value), f"a positive number of at most {_LARGEST:g}")
    if key in _NOT_NEGATIVE:
        fits = _is_number(value) and 0 <= _float(value) <= _LARGEST
        return _accepted(call, key, value, float(value) if fits else None, f"a number from 0 to {_LARGEST:g}")
    if key in _FLAGS:
        return _accepted(
            call, key, value, bool(value) if isinstance(value, (bool, np.bool_)) else None, "true or false"
        )
    if key in ("activation", "sampling"):  # rules for points differ by method, and are looked up there
        _accepted(call, key, value, value if isinstance(value, str) else None, "a word")
        if key == "activation":
            activation(value)  # raises where there is none of that name, also for networks that do without
        return value
    if key == "density":
        read = value if isinstance(value, sympy.Expr) and not value.is_number else None
        return _accepted(call, key, value, read, "an expression in the space coordinates, such as 0.3 + x**2")
    if key == "fourier":
        return _accepted(call, key, value, _features(value), "a whole number and a positive one, such as (64, 2.0)")
    if key == "causal":
        given = value if isinstance(value, (tuple, list)) else (value,)
        found = tuple(_positive(number) for number in given[:_LONGEST_LADDER])
        return _accepted(call, key, value, None if None in found else found, "positive tolerances, such as (0.01, 1)")
    if key == "weights":
        wanted = "a number for each residual it names, such as {'equation': 10}"
        return _accepted(call, key, value, _weights(value), wanted)
    return value


def _accepted(call, key, value, read, wanted):
    if read is None:
        raise MethodError(f"`{call}({key}={shown(value)})` needs {wanted}.")
    return read


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _whole(value, least: int) -> int | None:
    return int(value) if _is_number(value) and least <= value < math.inf and value == int(value) else None


def _float(value) -> float:
    """A number of any library in double precision; infinity where it is too large for that."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _positive(value) -> float | None:
    return float(value) if _is_number(value) and 0 < _float(value) <= _LARGEST else None


def _features(value) -> tuple[int, float] | None:
    """Count and deviation of random Fourier features."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    count, deviation = _whole(value[0], 1), _positive(value[1])
    return None if count is None or count > _AT_MOST["width"] or deviation is None else (count, deviation)


def _weights(value) -> dict[str, float] | None:
    """Numbers by name; which names and sizes make sense is known where the residuals are."""
    fit = isinstance(value, Mapping) and all(
        isinstance(k, str) and _is_number(v) and abs(_float(v)) <= _LARGEST for k, v in value.items()
    )
    return {k: float(v) for k, v in value.items()} if fit else None
