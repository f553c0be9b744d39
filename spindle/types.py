"""Plain data that several rooms share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spindle.errors import ProblemError, shown, usage


class GridReference:
    """Interface of fields on a tensor grid (never built itself): what has values, and what computes them."""

    axes: Mapping[str, np.ndarray]
    values: np.ndarray
    relative_error: float
    source: str


@usage('sp.Tabulated({"x": nodes, "y": nodes}, values)')
@dataclass(frozen=True, eq=False)
class Tabulated(GridReference):
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
                f"`sp.Tabulated` was given the axes {shown(self.axes)}, which name no coordinates; write "
                f'`sp.Tabulated({{"x": nodes, "y": nodes}}, values)`.'
            )
        for name, axis in self.axes.items():
            if np.ndim(axis) != 1 or np.size(axis) == 0 or not np.all(np.diff(axis) > 0):
                raise ProblemError(
                    f"`Tabulated` got the axis {name!r} with shape {np.shape(axis)}, which is not a row of increasing "
                    "nodes. Give each coordinate a one-dimensional increasing array."
                )
        shape = tuple(np.size(axis) for axis in self.axes.values())
        if np.shape(self.values) != shape:
            raise ProblemError(
                f"`Tabulated` got values of shape {np.shape(self.values)}, but its axes {', '.join(self.axes)} ask for "
                f"{shape}. The values need one axis a coordinate, in the order of `axes`."
            )
        if not (np.isfinite(self.relative_error) and self.relative_error >= 0):
            raise ProblemError(
                f"`Tabulated` got relative_error = {self.relative_error}, but an estimate is a finite number, zero or "
                "larger. A solver that cannot estimate its error has not converged: refine it."
            )


class OnDemand(GridReference):
    """Such a field whose values are computed when they are first asked for, and kept.

    axes      as of `Tabulated`
    compute   no arguments -> the values and their relative error
    source    as there; known before anything is computed
    Raises ProblemError where the values cannot be computed, when they are asked for.
    """

    def __init__(self, axes: Mapping[str, np.ndarray], compute: Callable[[], tuple[np.ndarray, float]], source: str):
        vars(self).update(axes=axes, source=source, _compute=compute)

    @cached_property
    def _computed(self) -> Tabulated:
        try:
            values, error = vars(self)["_compute"]()
        except (ValueError, ArithmeticError, RuntimeError) as reason:
            solver, why = self.source.rstrip("."), str(reason).rstrip(".")
            raise ProblemError(
                f"The reference of the problem ({solver}) cannot be computed, {why}; choose other options of "
                f"the problem, or leave the reference out."
            ) from reason
        return Tabulated(self.axes, values, error, self.source)

    @property
    def values(self) -> np.ndarray:  # type: ignore[override]
        """The values, computed at the first call."""
        return self._computed.values

    @property
    def relative_error(self) -> float:  # type: ignore[override]
        """Their error, computed at the first call."""
        return self._computed.relative_error


@usage('sp.TabulatedFamily([{"nu": 1.0}, {"nu": 2.0}], [first, second])')
@dataclass(frozen=True, eq=False)
class TabulatedFamily:
    """Tabulated fields of some members of a parametrised family: its reference where there is no closed form.

    values   parameter values by name, one mapping for each member
    tables   their fields
    """

    values: Sequence[Mapping[str, float]]
    tables: Sequence[GridReference]

    def __post_init__(self):
        names = {frozenset(v) for v in self.values}
        if not self.values or len(self.values) != len(self.tables) or len(names) > 1:
            raise ProblemError(
                f"`TabulatedFamily` got {len(self.values)} members with the parameters {[sorted(n) for n in names]} "
                f"and {len(self.tables)} tables; it needs at least one member, the same parameters for each, and one "
                f"table for each."
            )

    def at(self, values: Mapping[str, float]) -> GridReference | None:
        """The field of the member with these parameter values; None where it is not tabulated."""
        for own, table in zip(self.values, self.tables, strict=True):
            if all(np.isclose(own[name], values.get(name, np.nan), rtol=1e-12, atol=1e-12) for name in own):
                return table
        return None
