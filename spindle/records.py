"""What the files of a run must hold: data read from JSON are compared with types before anything uses them."""

import types
from collections.abc import Mapping
from typing import Any, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

_LARGEST_FLOAT, _LARGEST_INT = 1e300, 2**63


class Measures(TypedDict):
    rel_l2: float | None
    rmse: float | None
    max: float | None


class Reason(TypedDict):
    reason: str


class Grown(TypedDict):
    phase: int
    decision: Any
    what: str


class Classical(TypedDict):
    errors: dict[str, Measures]
    distance: dict[str, float]
    seconds: float


class Reached(TypedDict):
    coordinate: str
    to: float
    of: float


class Estimate(TypedDict):
    errors: dict[str, float]
    bound: bool
    left: float
    seconds: float


Window = TypedDict(
    "Window",
    {
        "from": float,
        "to": float,
        "steps": int,
        "loss": float,
        "seconds": float,
        "errors": dict[str, Measures],
        "seam": dict[str, float | None],
    },
)

# The numbers of a solve that `solution.npz` holds; what is not named here is not looked at.
RUN: Mapping[str, Any] = {
    "seed": int,
    "device": str,
    "iterations": int,
    "stopped_by": str,
    "loss": float,
    "residuals": dict[str, float],
    "warnings": list[str],
    "errors": dict[str, Measures],
    "estimated": dict[str, float],
    "peak_memory_bytes": int,
    "versions": dict[str, str],
    "grown": list[Grown],
    "classical": None | Reason | Classical,
    "windows": list[Window],
    "averages": dict[str, list[float]],
    "shares": dict[str, float],
    "medians": dict[str, float],
    "misfits": dict[str, float],
    "unresolved": dict[str, float],
    "fatal": list[str],
    "doubts": list[str],
    "reached": Reached,
    "error_estimate": Reason | Estimate,
}
CLOCK: Mapping[str, Any] = dict.fromkeys(("setup", "compile", "train", "evaluate", "reduce"), float)
LOOK: Mapping[str, Any] = {"step": int, "phase": str, "seconds": float, "loss": float, "errors": dict[str, float]}
_MAY_BE_EMPTY = ("error_estimate", "reached")


def check(data: Any, wanted: Mapping[str, Any]) -> None:
    """Raise TypeError where a value of a table that has been read is not of the type that it must have."""
    if not isinstance(data, dict):
        raise TypeError("a table is missing")
    for name, kind in wanted.items():
        nothing = name in _MAY_BE_EMPTY and data.get(name) == {}
        if name in data and not nothing and not fits(data[name], kind):
            raise TypeError(f"`{name}` is of another type than expected")


def fits(value: Any, wanted: Any) -> bool:
    """Whether a value from JSON is of a type: int, float, str, bool, None, lists, tables and unions of these."""
    kind, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return True
    if kind in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if kind is list:
        return isinstance(value, list) and all(fits(each, inner[0]) for each in value)
    if kind is dict:
        return isinstance(value, dict) and all(fits(each, inner[1]) for each in value.values())
    if is_typeddict(wanted):
        hints = get_type_hints(wanted)
        return isinstance(value, dict) and all(k in value and fits(value[k], hint) for k, hint in hints.items())
    if wanted in (None, types.NoneType):
        return value is None
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    if wanted is float:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST_FLOAT)
    return isinstance(value, wanted) and not (wanted is int and abs(value) >= _LARGEST_INT)
