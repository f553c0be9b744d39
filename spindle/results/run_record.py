"""`RunRecord`: the numbers of one solve, given once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import singledispatch
from typing import Any, get_type_hints

from spindle.storage.records import (
    ClassicalComparison,
    ErrorEstimate,
    Grown,
    Measures,
    Reached,
    StoredRecord,
    WindowRecord,
)
from spindle.training.history import Clock, History
from spindle.training.stop_reasons import StopReason


@dataclass(frozen=True)
class RunRecord:
    """The numbers of one solve; `Solution.run` is one.

    stopped_by       why training stopped: it equals "steps", "converged", "target", "budget", "interrupted",
                     "callback" or "diverged"; "" where nothing was trained
    residuals        {name: root mean square on points that training never saw, in the user's units}
    warnings         sentences on what is to be doubted
    errors           {unknown or quantity: {"rel_l2", "rmse", "max"}} against the reference
    estimated        {parameter: value} of those that are estimated
    grown            the phases of training that made the model larger
    classical        the classical solution of the same discrete equations; None for methods without
    windows          the windows in time, in order
    averages         {"t": instants, name: means over space}
    shares           {name: residual relative to its terms}
    medians          {name: the same in half of the points}, of those that are large
    misfits          {name: distance from measurements in units of their noise}
    reached          how far windows in time reach; None where time is solved at once
    error_estimate   of the whole solution, where it was asked for
    unresolved       {axis: share of the solution that its last features hold}, of those that are not resolved
    accumulated      {unknown: relative L2 norm of what residuals add up to, carried through time by the linearised
                     equations}, of marches slab by slab; None: there was no time to know it
    fatal, doubts    sentences on the problem itself: why it has no one solution, and what else is odd
    """

    seed: int = 0
    device: str = ""
    iterations: int = 0
    stopped_by: StopReason = StopReason.UNTRAINED
    loss: float = float("nan")
    residuals: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    errors: Mapping[str, Measures] = field(default_factory=dict)
    estimated: Mapping[str, float] = field(default_factory=dict)
    seconds: Clock = field(default_factory=Clock)
    peak_memory_bytes: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    history: History = field(default_factory=History)
    grown: tuple[Grown, ...] = ()
    classical: ClassicalComparison | None = None
    windows: tuple[WindowRecord, ...] = ()
    averages: Mapping[str, list[float]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    medians: Mapping[str, float] = field(default_factory=dict)
    misfits: Mapping[str, float] = field(default_factory=dict)
    reached: Reached | None = None
    error_estimate: ErrorEstimate = field(default_factory=ErrorEstimate)
    unresolved: Mapping[str, float] = field(default_factory=dict)
    accumulated: Mapping[str, float | None] = field(default_factory=dict)
    fatal: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "stopped_by", StopReason(self.stopped_by))  # a word stands for its member

    @property
    def estimates(self) -> dict[str, list[tuple[int, float]]]:
        """For each parameter that is estimated the (step, value) pairs of the history."""
        names = dict.fromkeys(name for look in self.history for name in look.estimated)
        return {n: [(look.step, look.estimated[n]) for look in self.history if n in look.estimated] for n in names}

    def to_data(self) -> dict[str, Any]:
        """JSON-ready, without the history."""
        data = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "history"}
        return data | {"reached": data["reached"] or {}}

    @classmethod
    def from_data(cls, numbers: Mapping[str, Any], seconds: Clock, history: History) -> "RunRecord":
        """The record of numbers that were checked against `RUN`; raises TypeError where one has no name here."""
        parts = dict(numbers)
        for name, read in _READ.items():
            if name in parts:
                parts[name] = read(parts[name])
        return cls(**parts, seconds=seconds, history=history)


@singledispatch
def _plain(value: Any) -> Any:
    """JSON-ready."""
    return value


@_plain.register
def _(value: Clock) -> dict:
    return asdict(value)


@_plain.register(Mapping)
def _(value) -> dict:
    return {name: _plain(each) for name, each in value.items()}


@_plain.register(list)
@_plain.register(tuple)
def _(value) -> list:
    return [_plain(each) for each in value]


@_plain.register
def _(value: StopReason) -> str:
    return value.value


def _all_of(kind: type[StoredRecord]):
    return lambda tables: tuple(map(kind.from_data, tables))


_READ = {
    "classical": lambda table: None if table is None else ClassicalComparison.from_data(table),
    "reached": lambda table: Reached.from_data(table) if table else None,
    "error_estimate": ErrorEstimate.from_data,
    "grown": _all_of(Grown),
    "windows": _all_of(WindowRecord),
    **dict.fromkeys(("warnings", "fatal", "doubts"), tuple),
}

# What `solution.npz` holds of a run, and of which types; what is not named here is not looked at.
RUN: Mapping[str, Any] = {
    name: kind for name, kind in get_type_hints(RunRecord).items() if name not in ("seconds", "history")
} | {"reached": Reached}  # an empty table where there are no windows
