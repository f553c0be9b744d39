"""What a run leaves in its files: small records, and the check of what is read before anything uses it.

A record is read by attribute, `window.loss`, and like the JSON table that it is written as, `window["loss"]`. What is
not known of it is None, and missing in the table.
"""

import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, Self, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

_LARGEST_FLOAT, _LARGEST_INT = 1e300, 2**63


class Measures(TypedDict):
    rel_l2: float | None
    rmse: float | None
    max: float | None


class StoredRecord(Mapping[str, Any]):
    """Interface of frozen dataclasses that are stored as JSON tables (never built itself).

    A field is stored by its name, or by the key in its metadata where its name is no word of Python.
    """

    __dataclass_fields__: ClassVar[dict[str, Field]]
    ALTERNATIVES: ClassVar[tuple[tuple[str, ...], ...]] = ()  # fields of which all must be there, or all of the next

    def __getitem__(self, key: str) -> Any:
        for f in fields(self):
            value = getattr(self, f.name)
            if _key(f) == key and value is not None:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (_key(f) for f in fields(self) if getattr(self, f.name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        known = ((f.name, getattr(self, f.name)) for f in fields(self))
        return f"{type(self).__name__}({', '.join(f'{name}={v!r}' for name, v in known if v is not None)})"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The record of a table that was checked; what a table holds besides is left."""
        return cls(**{f.name: data[_key(f)] for f in fields(cls) if _key(f) in data})

    @classmethod
    def is_data(cls, data: Any) -> bool:
        """Whether a value from JSON is the table of such a record: nothing is missing, and all is of its type."""
        if not isinstance(data, dict):
            return False
        needed = tuple(f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
        keys, hints = {f.name: _key(f) for f in fields(cls)}, get_type_hints(cls)
        complete = any(all(keys[name] in data for name in names) for names in cls.ALTERNATIVES or (needed,))
        known = {name: data[key] for name, key in keys.items() if key in data}
        return complete and all(value is not None and fits(value, hints[name]) for name, value in known.items())


def _key(f: Field) -> str:
    return f.metadata.get("key", f.name)


@dataclass(frozen=True, eq=False, repr=False)
class Grown(StoredRecord):
    """A phase of training that made the model larger.

    phase      its number
    decision   what it decided, as its `growth` reads it
    what       the same in words
    loss       before
    """

    phase: int
    decision: Any
    what: str
    loss: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class ClassicalComparison(StoredRecord):
    """A network beside the classical solution of the same discrete equations.

    errors     {unknown: measures} of the classical solution, as for the network
    distance   {unknown: relative L2 norm of the difference between the two}, of those that do not vanish everywhere
    seconds    to assemble and solve the discrete equations, weights excluded
    steps      in time
    note       how they were solved where that was not by LU, and how well
    reason     why there is no classical solution; nothing else is known then
    """

    reason: str | None = None
    errors: Mapping[str, Measures] | None = None
    distance: Mapping[str, float] | None = None
    seconds: float | None = None
    steps: int | None = None
    note: str | None = None

    ALTERNATIVES = (("reason",), ("errors", "distance", "seconds"))


@dataclass(frozen=True, eq=False, repr=False)
class Reached(StoredRecord):
    """How far a solution in windows reaches: `coordinate` from its start `to` some instant, `of` all its time."""

    coordinate: str
    to: float
    of: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WindowRecord(StoredRecord):
    """One window in time.

    begins, ends   instants, stored as "from" and "to"
    seconds        of all its work
    parts          the same by what they were spent on
    errors         {unknown: measures}
    seam           {unknown: relative L2 norm of the jump to the window before}, None where that vanishes
    """

    begins: float = field(metadata={"key": "from"})
    ends: float = field(metadata={"key": "to"})
    steps: int
    loss: float
    seconds: float
    parts: Mapping[str, float] | None = None
    errors: Mapping[str, Measures]
    seam: Mapping[str, float | None]


@dataclass(frozen=True, eq=False, repr=False)
class ErrorEstimate(StoredRecord):
    """An estimate of the error; nothing is known where none was asked for.

    reason       why there is none
    errors       {unknown or quantity: estimated relative L2 error}
    left         share of the residuals that the estimated error does not explain
    bound        whether the error is at least that large
    upper        likewise for each name: a guess of what it may be then
    comparison_error   relative error of what the solution was compared with, in tables `own`
    by           how it was estimated
    seconds      that it took
    parameters   standard deviations of the parameters that were estimated from measurements, by name
    noise        whether the errors lack what noise leaves open of such parameters
    """

    reason: str | None = None
    errors: Mapping[str, float] | None = None
    left: float | None = None
    bound: bool | None = None
    upper: Mapping[str, float] | None = None
    comparison_error: float | None = field(default=None, metadata={"key": "own"})
    by: str | None = None
    seconds: float | None = None
    parameters: Mapping[str, float] | None = None
    noise: bool | None = None

    ALTERNATIVES = (("reason",), ("errors", "bound", "left", "seconds"))

    @property
    def own(self) -> float | None:
        """The name of before of `comparison_error`, for one version."""
        warnings.warn("`ErrorEstimate.own` is called `comparison_error` now.", DeprecationWarning, stacklevel=2)
        return self.comparison_error


CLOCK: Mapping[str, Any] = dict.fromkeys(("setup", "compile", "train", "evaluate", "reduce"), float)
LOOK: Mapping[str, Any] = {"step": int, "phase": str, "seconds": float, "loss": float, "errors": dict[str, float]} | {
    "estimated": dict[str, float]
}
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
    """Whether a value from JSON is of a type: int, float, str, bool, None, words, lists, tables and unions of these."""
    kind, inner = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return True
    if kind in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if kind in (list, tuple):
        return isinstance(value, list) and all(fits(each, inner[0]) for each in value)
    if kind in (dict, Mapping):
        return isinstance(value, dict) and all(fits(each, inner[1]) for each in value.values())
    if is_typeddict(wanted):
        hints = get_type_hints(wanted)
        return isinstance(value, dict) and all(k in value and fits(value[k], hint) for k, hint in hints.items())
    if wanted in (None, types.NoneType):
        return value is None
    return _fits_plain(value, wanted)


def _fits_plain(value: Any, wanted: Any) -> bool:
    """As `fits`, of types that are no unions, lists or tables of others."""
    if issubclass(wanted, StoredRecord):
        return wanted.is_data(value)
    if issubclass(wanted, Enum):
        return isinstance(value, str) and value in [member.value for member in wanted]
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    if wanted is float:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST_FLOAT)
    return isinstance(value, wanted) and not (wanted is int and abs(value) >= _LARGEST_INT)
