"""Measurements: `Observed`."""

import numbers
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from spindle.errors import ProblemError, usage
from spindle.geometry.supports import PointSet
from spindle.problem.conditions.base import Condition, Measurement, Piece, Role
from spindle.problem.conditions.components import components, short_name
from spindle.symbolic.complex_parts import PARTS, split
from spindle.symbolic.labelled import is_labelled, scattered, units_in_words
from spindle.symbolic.symbols import unknowns_in
from spindle.symbolic.words import shown


@dataclass(frozen=True, eq=False, repr=False)
class AtPoints(Condition, stored_as="AtPoints"):
    """`expression = values` at measured points."""

    expression: sympy.Expr
    points: object
    values: np.ndarray
    noise: float | None = field(default=None)
    units: str = ""

    def pieces(self, domain):
        """One piece: the points, in the order of the domain's coordinates.

        Raises ProblemError where points lie outside the domain, or are not as many as the values.
        """
        points = self._ordered_points(domain.coordinates)
        inside = domain.contains(points)
        if not inside.all():
            raise ProblemError(
                f"`spd.Observed({shown(self.expression)}, ...)` has {np.sum(~inside)} of {len(points)} points outside "
                f"the domain {domain}, the first at {points[~inside][0]}; the field exists only inside, so drop them."
            )
        return (Piece(((PointSet(points, self.values), self.expression),)),)

    def texts(self, printer):
        """`u observed at 200 points`."""
        noise = f", noise {self.noise:g}" if self.noise else ""
        units = f" ({self.units})" if self.units else ""
        return [f"{printer(self.expression)} observed at {len(self.values)} points{noise}{units}"]

    @property
    def role(self):
        """Measurements."""
        return Role(measurement=Measurement(self.expression, self.values, self.noise))

    def data(self, size, length):
        """The root mean square of the values."""
        return self.expression, float(np.sqrt(np.mean(np.asarray(self.values, float) ** 2)))

    def homogeneous(self):
        """The values zero."""
        return replace(self, values=np.zeros_like(self.values))

    def shifted(self, near):
        """What is left of the values when those of the approximation are taken away."""
        points = self._ordered_points(near.coordinates)
        left = self.values - near.values(points, self.expression)
        return replace(self, expression=self.expression.xreplace(near.errors), values=left)

    def in_window(self, moved):
        """The expression in the time of the window."""
        return replace(self, expression=moved(self.expression))

    def _ordered_points(self, coordinates):
        names = [str(c) for c in coordinates]
        if isinstance(self.points, Mapping):
            given = {str(c): np.asarray(v, float).ravel() for c, v in self.points.items()}
            if set(given) != set(names) or any(len(v) != len(self.values) for v in given.values()):
                raise ProblemError(
                    f"`spd.Observed` was given coordinates { ({c: len(v) for c, v in given.items()}) } for "
                    f"{len(self.values)} values; it needs one array of that length for each of {', '.join(names)}."
                )
            return np.stack([given[c] for c in names], axis=1)
        points = np.asarray(self.points, float)
        if points.shape != (len(self.values), len(names)):
            raise ProblemError(
                f"`spd.Observed` was given points of shape {points.shape} for {len(self.values)} values; it needs "
                f"shape ({len(self.values)}, {len(names)}), the columns being {', '.join(names)}."
            )
        return points


def _numbers(what, given, kind: type = float) -> np.ndarray:
    """Measurements as an array of numbers, floats or complex ones."""
    try:
        return np.asarray(given, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(
            f"`spd.Observed` was given {what} that are not an array of numbers ({error}); give plain numbers."
        ) from error


@usage("spd.Observed(u, {x: xs, y: ys}, values, noise=0.01)")
def Observed(
    expression,
    points,
    values: Sequence[float] | None = None,
    *,
    noise: float | None = None,
    name: str | None = None,
    columns: Mapping | None = None,
    units: str = "",
):
    """Measured values of an expression, to be fitted.

    points   (n, d) in the order of the domain's coordinates, or {coordinate: (n,)}; or a table of pandas, a DataArray
             or a Dataset, which holds the values too: `spd.Observed(u, frame, columns={t: "time [s]"})`
    values   (n,), finite; complex numbers of a complex expression
    columns  of a table: {coordinate or expression: its column}, where that is called otherwise; other columns are left
             aside, and a header may have a unit, "t [s]"
    units    in words, `t in s, u in K`, kept for reports; of a table those of its headers
    noise    standard deviation of the measurement error, in the units of the values; it scales the residual, which
             then weighs little: the field follows the equation. None: the values are taken for exact, as conditions
             are. Of complex values it is that of each part
    Raises ProblemError where values or points are missing or not finite, or where the noise is no positive number.
    """
    if isinstance(expression, sympy.MatrixBase):
        raise ProblemError(
            f"`spd.Observed` was given the {len(expression)} components of {shown(expression)} at once, and each has "
            f"values of its own; write one `spd.Observed` for each component."
        )
    ((e, _),) = components("Observed", expression, 0)
    if is_labelled(points):
        points, given, units = _of_table(e, points, values, columns or {})
    elif values is None or columns:
        given_or_not = "not given `values`" if values is None else "given `columns`"
        raise ProblemError(
            f"`spd.Observed({shown(e)}, ...)` was {given_or_not} and no table that holds them; write "
            f"`spd.Observed(u, {{x: xs}}, values)`, or give a table of pandas or xarray."
        )
    else:
        given = values
    if split(e)[1] != 0:
        whole = _numbers("values", given, complex).ravel()
        parts = zip(PARTS, (sympy.re(e), sympy.im(e)), (whole.real.tolist(), whole.imag.tolist()), strict=True)
        call = name or f"observed {short_name(e)}"
        return [Observed(part, points, v, noise=noise, name=f"{call} {k}", units=units) for k, part, v in parts]
    measured = _numbers("values", given).ravel()
    if len(measured) == 0:
        raise ProblemError(
            f"`spd.Observed({shown(e)}, ...)` was given no values at all, so there is nothing to fit; leave the "
            f"condition out, or look why its data are empty."
        )
    if not np.isfinite(measured).all():
        bad = int(np.sum(~np.isfinite(measured)))
        raise ProblemError(
            f"`spd.Observed({shown(e)}, ...)` was given {len(measured)} values of which {bad} are NaN or infinite, so "
            f"the loss would be NaN; drop those points, for example with `numpy.isfinite`."
        )
    if isinstance(points, Mapping):
        points = {str(c): _numbers(f"coordinates of {c}", v) for c, v in points.items()}
    else:
        points = _numbers("points", points)
    if not all(np.isfinite(c).all() for c in (points.values() if isinstance(points, Mapping) else [points])):
        raise ProblemError(
            f"`spd.Observed({shown(e)}, ...)` was given points with NaN or infinite coordinates; drop those points, "
            f"for example with `numpy.isfinite`."
        )
    if noise is not None and not (isinstance(noise, numbers.Real) and 0 < noise <= sys.float_info.max):
        raise ProblemError(
            f"`spd.Observed({shown(e)}, noise={shown(noise)})` needs a positive standard deviation; leave `noise` out "
            f"if unknown."
        )
    known = None if noise is None else float(noise)
    return AtPoints(name or f"observed {short_name(e)}", e, points, measured, known, units)


def _of_table(e, data, values, columns: Mapping) -> tuple[dict, Sequence, str]:
    """Points, values and units of a table, an array or a dataset."""
    call, variable = f"spd.Observed({shown(e)}, ...)", short_name(e)
    if values is not None:
        raise ProblemError(f"`{call}` was given a table and values beside it; leave one of them out.")
    called = {short_name(k) if unknowns_in(k) else str(k): str(v) for k, v in columns.items()}
    coordinates = [str(c) for c in unknowns_in(e)[0].args]
    held = scattered(data, call, coordinates, variable, called)
    return held.axes, list(held.values), units_in_words(held.units)
