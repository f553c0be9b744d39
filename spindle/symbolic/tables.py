"""Tabulated coefficients: values on a tensor grid, joined by splines, in equations like any SymPy function.

SciPy computes the splines, once; they are evaluated with the functions of whatever library the points belong to, so
that JAX can trace and differentiate them, and nothing here needs JAX.
"""

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from scipy.interpolate import make_interp_spline
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError, nearest, usage
from spindle.symbolic.labelled import dimensions, is_labelled, on_grid
from spindle.symbolic.symbols import Coordinate, given, is_given
from spindle.symbolic.words import shown

# The degree of the splines of each: two continuous derivatives, kinks at the nodes, jumps between them.
INTERPOLATIONS = {"cubic": 3, "linear": 1, "nearest": 0}


class Table:
    """Values on a tensor grid as a function of arrays: what `tabulated` binds to its symbol.

    axes     (name, nodes (n,)) for each coordinate, nodes increasing
    values   one axis a coordinate, finite
    interpolation   how they are joined: one of INTERPOLATIONS

    Error O(h**4) of cubics for smooth data, where an axis has four nodes or more. Beyond the grid the outermost pieces
    go on.
    Source: tensor products of B-splines, de Boor (1978), A Practical Guide to Splines, chapters 10 and 17.
    """

    def __init__(self, axes: Sequence[tuple[str, np.ndarray]], values: np.ndarray, interpolation: str = "cubic"):
        self.names = tuple(name for name, _ in axes)
        self.axes = tuple(np.asarray(nodes, float) for _, nodes in axes)
        self.values = np.asarray(values, float)
        self.interpolation = interpolation

    def __call__(self, *points):
        """The interpolant at points, one array a coordinate, of shapes that broadcast together."""
        library = next((p.__array_namespace__() for p in points if hasattr(p, "__array_namespace__")), np)
        kinds = [p.dtype for p in points if getattr(getattr(p, "dtype", None), "kind", "") == "f"]
        dtype = kinds[0] if kinds else np.dtype(float)
        coefficients = library.asarray(self._coefficients, dtype=dtype)
        local = [
            _local(library, library.asarray(knots, dtype=dtype), degree, library.asarray(p, dtype=dtype))
            for (knots, degree), p in zip(self._splines, points, strict=True)
        ]
        total = 0.0
        for offsets in itertools.product(*(range(degree + 1) for _, degree in self._splines)):
            chosen = [(first + k, weights[k]) for (first, weights), k in zip(local, offsets, strict=True)]
            term = coefficients[tuple(index for index, _ in chosen)]
            for _, weight in chosen:
                term = term * weight
            total = total + term
        return total

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The first and the last node of each axis, a (low, high) pair an axis."""
        return tuple((float(nodes[0]), float(nodes[-1])) for nodes in self.axes)

    @cached_property
    def _splines(self) -> tuple[tuple[np.ndarray, int], ...]:
        """Knots and degree of each axis; too few nodes lower the degree."""
        if self.interpolation == "nearest":
            return tuple((np.r_[x[0], (x[:-1] + x[1:]) / 2, x[-1]], 0) for x in self.axes)
        splines = [self._spline(nodes, nodes) for nodes in self.axes]
        return tuple((spline.t, spline.k) for spline in splines)

    @cached_property
    def _coefficients(self) -> np.ndarray:
        coefficients = self.values
        for axis, nodes in enumerate(self.axes if self.interpolation != "nearest" else ()):
            coefficients = np.moveaxis(self._spline(nodes, np.moveaxis(coefficients, axis, 0)).c, 0, axis)
        return np.ascontiguousarray(coefficients)

    def _spline(self, nodes, values):
        return make_interp_spline(nodes, values, k=min(INTERPOLATIONS[self.interpolation], len(nodes) - 1))

    def _key(self) -> tuple:
        return (self.names, self.interpolation, *((a.shape, a.tobytes()) for a in (*self.axes, self.values)))

    @cached_property
    def _hash(self) -> int:
        return hash(self._key())

    def __eq__(self, other):
        return isinstance(other, Table) and self._key() == other._key()

    def __hash__(self):
        return self._hash

    def __repr__(self):
        return "Table(" + ", ".join(f"{n}: {len(a)}" for n, a in zip(self.names, self.axes, strict=True)) + ")"


def _local(library, knots, degree: int, points):
    """Number of the first B-spline that is not zero at each point, and the values of those `degree + 1` that are not.

    The recurrence of Cox and de Boor; its denominators hold knots alone, so that derivatives are exact.
    """
    last = knots.shape[0] - degree - 2
    inside = library.clip(library.searchsorted(knots, points, side="right") - 1, degree, last)
    weights = [library.ones_like(points)]
    for order in range(1, degree + 1):
        saved, grown = 0.0, []
        for r in range(order):
            right, left = knots[inside + r + 1], knots[inside + 1 - order + r]
            share = weights[r] / (right - left)
            grown.append(saved + (right - points) * share)
            saved = (points - left) * share
        weights = [*grown, saved]
    return inside - degree, weights


@usage('spd.tabulated("kappa", {x: nodes, y: nodes}, values)')
def tabulated(
    name: str,
    axes: Any,
    values=None,
    *,
    interpolation: str = "cubic",
    over: Any = None,
    columns: Any = None,
) -> AppliedUndef:
    """A coefficient or source known on a tensor grid, `tabulated("kappa", {x: nodes, y: nodes}, values)`.

    axes     coordinate -> nodes (n,), increasing, at least two; they must cover the domain. Or a table of pandas, a
             DataArray or a Dataset, which holds the values too: `tabulated("kappa", frame, over=(x, y))`
    values   one axis a coordinate, in the order of `axes`, finite
    over     the coordinates that a table or an array depends on; of an array all of its dimensions, by their names
    columns  of a table: {coordinate or name: its column}, where that is called otherwise
    interpolation   "cubic": splines with two continuous derivatives, which may swing beyond values that jump;
                    "linear": never beyond the values, with kinks at the nodes; "nearest": the value of the nearest
                    node, with jumps, which no equation may differentiate

    It is stored in run directories with its numbers, which a function given as code (`given`) cannot be. Raises
    ProblemError where the data do not fit.
    """
    call = f'spd.tabulated("{name}", ...)'
    if not isinstance(name, str) or not name.strip():
        raise ProblemError(
            f"`spd.tabulated({shown(name)}, ...)` has no name to be called by; write a word, such as 'kappa'."
        )
    if is_labelled(axes):
        axes, values = _of_labelled(call, name, axes, over, columns or {})
    elif values is None:
        raise ProblemError(
            f"`{call}` was not given `values` and no table that holds them; write "
            f'`spd.tabulated("{name}", {{x: nodes}}, values)`, or give a table of pandas or xarray.'
        )
    if not isinstance(axes, Mapping) or not axes or not all(isinstance(c, sympy.Symbol) for c in axes):
        raise ProblemError(
            f"`{call}` was given the axes {shown(axes)}, and it needs nodes for each coordinate it depends on; write "
            f'`spd.tabulated("{name}", {{x: nodes}}, values)`.'
        )
    rows = [(c.name, _nodes(call, c, nodes)) for c, nodes in axes.items()]
    if interpolation not in INTERPOLATIONS:
        raise ProblemError(
            f'`spd.tabulated("{name}", ..., interpolation={shown(interpolation)})` names no way to join values, which '
            f'are {", ".join(INTERPOLATIONS)}; write `interpolation="linear"`.' + nearest(interpolation, INTERPOLATIONS)
        )
    table = Table(rows, _values(call, rows, values), interpolation)
    return given(name, table, *axes)


def _of_labelled(call, name: str, data, over, columns: Mapping) -> tuple[dict, np.ndarray]:
    """Axes and values of a table, an array or a dataset."""
    called = {str(k): str(v) for k, v in columns.items()}
    names = [str(c) for c in over] if over is not None else dimensions(data, name, called)
    if not names:
        raise ProblemError(
            f"`{call}` was given a table whose columns may be anything; say what it depends on, "
            f'`spd.tabulated("{name}", table, over=(x, y))`.'
        )
    held = on_grid(data, call, names, name, called)
    symbols = {str(c): c for c in over or ()}
    return {symbols.get(n, Coordinate(n)): nodes for n, nodes in held.axes.items()}, held.values


def _floats(call, what, data) -> np.ndarray:
    try:
        floats = np.asarray(data, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"`{call}` was given {what} that are no array of numbers ({error}).") from error
    bad = int(np.sum(~np.isfinite(floats)))
    if bad:
        raise ProblemError(
            f"`{call}` was given {what} of which {bad} are NaN or infinite, and a spline through them would be NaN; "
            f"fill them in first."
        )
    return floats


def _nodes(call, coordinate, data) -> np.ndarray:
    nodes = _floats(call, f"nodes of {coordinate}", data)
    if nodes.ndim != 1 or len(nodes) < 2 or not np.all(np.diff(nodes) > 0):
        raise ProblemError(
            f"`{call}` was given nodes of {coordinate} of shape {nodes.shape}, which are no row of at least two "
            f"increasing numbers; sort them, and the values with them."
        )
    return nodes


def _values(call, rows, data) -> np.ndarray:
    values = _floats(call, "values", data)
    wanted = tuple(len(nodes) for _, nodes in rows)
    if values.shape != wanted:
        raise ProblemError(
            f"`{call}` was given values of shape {values.shape}, but its nodes ask for {wanted}; the values need one "
            f"axis for each of {', '.join(name for name, _ in rows)}, in this order."
        )
    return values


# --------------------------------------------------------------------------------------------------- in a problem


def table_of(function) -> Table | None:
    """The table of an applied function that `tabulated` made; None for any other."""
    table = getattr(function.func, "given", None) if is_given(function) else None
    return table if isinstance(table, Table) else None


def tables_in(expressions) -> dict[str, Table]:
    """The tables in some expressions by name, sorted; raises ProblemError where two have the same name."""
    tables: dict[str, Table] = {}
    applied = {f for e in expressions if isinstance(e, sympy.Basic) for f in e.atoms(AppliedUndef)}
    for function in sorted(applied, key=lambda f: f.func.__name__):
        table, name = table_of(function), function.func.__name__
        if table is not None and tables.setdefault(name, table) != table:
            raise ProblemError(f"Two different tables are called `{name}`, and they are stored by name; rename one.")
    return tables


def check_cover(function: AppliedUndef, coordinates: Sequence[sympy.Symbol], bounds) -> None:
    """Raise ProblemError where a tabulated function ends inside the domain."""
    table = table_of(function)
    if table is None:
        return
    ends = dict(zip(coordinates, bounds, strict=True))
    for argument, (low, high) in zip(function.args, table.bounds, strict=True):
        first, last = ends.get(argument, (low, high))
        slack = 1e-9 * (last - first)
        if low > first + slack or high < last - slack:
            raise ProblemError(
                f"`{function.func.__name__}` is tabulated for {argument} from {low:g} to {high:g}, but the domain "
                f"reaches from {first:g} to {last:g}, where nothing is known of it; add nodes, or shrink the domain."
            )
