"""References: what solutions are compared with, each kind answering for itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import sympy

from spindle.errors import ProblemError, shown, usage


class Compared(NamedTuple):
    """Where a field is known, and its values there.

    nodes      of each axis, or an array (n, d) of points
    has_gaps   whether a NaN says that nothing is known there; else it is a mistake
    """

    nodes: list[np.ndarray] | np.ndarray
    values: np.ndarray
    has_gaps: bool


class Reference(ABC):
    """What a field is known to be, with which solutions are compared.

    closed    the formula, of references that are one
    table     the values on one tensor grid, of references that are these
    members   the parameters of the members of a family whose fields are known one by one; else none
    """

    closed: sympy.Expr | None
    table: "OnGrid | None"
    members: Sequence[Mapping[str, float]]

    @property
    @abstractmethod
    def written(self) -> Any:
        """As users write it."""

    @abstractmethod
    def compared(self, parameters: Sequence[str]) -> Compared | None:
        """Where it is known, of a family with its parameters, by their names, as the last axes; None: everywhere."""

    @abstractmethod
    def of_member(self, values: Mapping[str, float], swap: Mapping) -> "Reference | None":
        """That of the member of a family with these values, `swap` the same for formulas; None: it is not known."""

    @abstractmethod
    def during(self, t: str, low: float, high: float) -> "Reference | None":
        """The part between two instants of the coordinate `t`; None: nothing is known there."""

    @abstractmethod
    def stored(self, keep: Callable[[np.ndarray], str], encode: Callable) -> dict[str, Any]:
        """One pair `{kind: data}` for JSON; `keep` takes an array and returns its key, `encode` writes a formula."""

    @abstractmethod
    def described(self, number: Callable[[float], str]) -> str:
        """Where it comes from and how exact it is, in words; `number` writes numbers."""

    @abstractmethod
    def check(self, name: str, coordinates: Sequence[sympy.Symbol]) -> None:
        """Raise ProblemError where it is no field of these coordinates; `name` is what it is the reference of."""


class OnGrid(Reference):
    """Interface of fields on a tensor grid: what has values, and what computes them."""

    axes: Mapping[str, np.ndarray]
    values: np.ndarray
    relative_error: float
    source: str
    closed = None
    members = ()

    @property
    def table(self) -> "OnGrid":  # type: ignore[override]
        """Itself."""
        return self

    @property
    def written(self):
        """Itself."""
        return self

    def compared(self, parameters):
        """Its own grid."""
        return Compared(list(self.axes.values()), np.asarray(self.values), has_gaps=True)

    def of_member(self, values, swap):
        """Itself: it was given for the parameters of the problem."""
        return self

    def during(self, t, low, high):
        """The instants in between; None where there are none."""
        axes = {name: np.asarray(nodes) for name, nodes in self.axes.items()}
        slack = 1e-9 * (high - low)
        chosen = np.flatnonzero((axes[t] >= low - slack) & (axes[t] <= high + slack))
        if not len(chosen):
            return None
        values = np.take(np.asarray(self.values), chosen, axis=list(axes).index(t))
        return GridReference(axes | {t: axes[t][chosen]}, values, self.relative_error, self.source)

    def stored(self, keep, encode):
        """Axes and values as arrays, beside the error and the source."""
        axes = [[name, keep(nodes)] for name, nodes in self.axes.items()]
        return {"tabulated": [axes, keep(self.values), self.relative_error, self.source]}

    def described(self, number):
        """Its source and its own error."""
        error = f"its own relative error about {number(self.relative_error)}" if self.relative_error else ""
        return "; ".join(part for part in ((self.source or "table").rstrip("."), error) if part)

    def check(self, name, coordinates):
        """Check that its axes are the coordinates, in this order.

        Raises ProblemError where they are others.
        """
        if list(self.axes) != [c.name for c in coordinates]:
            raise ProblemError(
                f"The tabulated reference of `{name}` has the axes {list(self.axes)}; it needs "
                f"{[c.name for c in coordinates]} in this order."
            )


@usage('spd.GridReference({"x": nodes, "y": nodes}, values)')
@dataclass(frozen=True, eq=False)
class GridReference(OnGrid):
    """A field on a tensor grid, with an estimate of its own error.

    axes             coordinate name -> nodes (n,), increasing, in the order of the axes of `values`
    values           one axis a coordinate, float64; NaN outside the domain where the domain is not the whole box
    relative_error   estimated relative L2 error: root mean square over the grid, divided by that of the values
    source           one sentence: which solver, resolution, order
    """

    axes: Mapping[str, np.ndarray]
    values: np.ndarray
    relative_error: float = 0.0
    source: str = ""

    def __post_init__(self):
        if not isinstance(self.axes, Mapping):
            raise ProblemError(
                f"`spd.GridReference` was given the axes {shown(self.axes)}, which name no coordinates; write "
                f'`spd.GridReference({{"x": nodes, "y": nodes}}, values)`.'
            )
        object.__setattr__(self, "axes", {name: _numbers(f"axis {name!r}", axis) for name, axis in self.axes.items()})
        object.__setattr__(self, "values", _numbers("values", self.values))
        for name, axis in self.axes.items():
            if np.ndim(axis) != 1 or np.size(axis) == 0 or not np.all(np.diff(axis) > 0):
                raise ProblemError(
                    f"`GridReference` got the axis {name!r} with shape {np.shape(axis)}, which is not a row of "
                    "increasing nodes. Give each coordinate a one-dimensional increasing array."
                )
        shape = tuple(np.size(axis) for axis in self.axes.values())
        if np.shape(self.values) != shape:
            raise ProblemError(
                f"`GridReference` got values of shape {np.shape(self.values)}, but its axes {', '.join(self.axes)} ask "
                f"for {shape}. The values need one axis a coordinate, in the order of `axes`."
            )
        if not (np.isfinite(self.relative_error) and self.relative_error >= 0):
            raise ProblemError(
                f"`GridReference` got relative_error = {self.relative_error}, but an estimate is a finite number, zero "
                "or larger. A solver that cannot estimate its error has not converged: refine it."
            )


def _numbers(what: str, given) -> np.ndarray:
    try:
        return np.asarray(given, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(
            f"`spd.GridReference` was given {what} that are no array of numbers ({error}); give an array of floats."
        ) from error


class OnDemand(OnGrid):
    """Such a field whose values are computed when they are first asked for, and kept.

    axes      as of `GridReference`
    compute   no arguments -> the values and their relative error
    source    as there; known before anything is computed
    Raises ProblemError where the values cannot be computed, when they are asked for.
    """

    def __init__(self, axes: Mapping[str, np.ndarray], compute: Callable[[], tuple[np.ndarray, float]], source: str):
        vars(self).update(axes=axes, source=source, _compute=compute)

    @cached_property
    def _computed(self) -> GridReference:
        try:
            values, error = vars(self)["_compute"]()
        except (ValueError, ArithmeticError, RuntimeError) as reason:
            solver, why = self.source.rstrip("."), str(reason).rstrip(".")
            raise ProblemError(
                f"The reference of the problem ({solver}) cannot be computed, {why}; choose other options of "
                f"the problem, or leave the reference out."
            ) from reason
        return GridReference(self.axes, values, error, self.source)

    @property
    def values(self) -> np.ndarray:  # type: ignore[override]
        """The values, computed at the first call."""
        return self._computed.values

    @property
    def relative_error(self) -> float:  # type: ignore[override]
        """Their error, computed at the first call."""
        return self._computed.relative_error


@usage('spd.FamilyReference([{"nu": 1.0}, {"nu": 2.0}], [first, second])')
@dataclass(frozen=True, eq=False)
class FamilyReference(Reference):
    """Tabulated fields of some members of a parametrised family: its reference where there is no closed form.

    values   parameter values by name, one mapping for each member
    tables   their fields
    """

    values: Sequence[Mapping[str, float]]
    tables: Sequence[OnGrid]
    closed = None
    table = None

    def __post_init__(self):
        names = {frozenset(v) for v in self.values}
        if not self.values or len(self.values) != len(self.tables) or len(names) > 1:
            raise ProblemError(
                f"`FamilyReference` got {len(self.values)} members with the parameters {[sorted(n) for n in names]} "
                f"and {len(self.tables)} tables; it needs at least one member, the same parameters for each, and one "
                f"table for each."
            )

    def at(self, values: Mapping[str, float]) -> OnGrid | None:
        """The field of the member with these parameter values; None where it is not tabulated."""
        for member, table in zip(self.values, self.tables, strict=True):
            if all(np.isclose(member[name], values.get(name, np.nan), rtol=1e-12, atol=1e-12) for name in member):
                return table
        return None

    @property
    def members(self) -> Sequence[Mapping[str, float]]:  # type: ignore[override]
        """The parameters of each member."""
        return self.values

    @property
    def written(self):
        """Itself."""
        return self

    def compared(self, parameters):
        """The points of all tables, one below the other."""
        points = [
            np.stack(np.meshgrid(*table.axes.values(), *([member[name]] for name in parameters), indexing="ij"), -1)
            for member, table in zip(self.values, self.tables, strict=True)
        ]
        nodes = np.concatenate([p.reshape(-1, p.shape[-1]) for p in points])
        return Compared(nodes, np.concatenate([np.ravel(table.values) for table in self.tables]), has_gaps=False)

    def of_member(self, values, swap):
        """The table of the member; None where it has none."""
        return self.at(values)

    def during(self, t, low, high):
        """Itself: families are not solved in windows."""
        return self

    def stored(self, keep, encode):
        """The tables of the members."""
        return {
            "members": [[dict(member) for member in self.values], [table.stored(keep, encode) for table in self.tables]]
        }

    def described(self, number):
        """How many members there are, and where the first comes from."""
        return f"{len(self.tables)} members; {self.tables[0].described(number)}"

    def check(self, name, coordinates):
        """Nothing yet: its tables are checked against the members where they are used."""
