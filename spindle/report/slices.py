"""Which lines and planes of a solution to draw, and the values on them."""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from spindle.problem.symbols import Parameter, is_time
from spindle.solution import Solution
from spindle.types import Tabulated

_SURVEY = 20_000  # points of the coarse grid on which slices are chosen
_LINE, _PLANE = 401, 129  # nodes an axis of a drawn line, of a drawn plane


@dataclass(frozen=True)
class Slice:
    """A line or plane through the domain.

    shown   names of the one or two coordinates that vary, the horizontal one first
    fixed   the other coordinates and their values, in the units of the problem
    """

    shown: tuple[str, ...]
    fixed: dict[str, float]


@dataclass(frozen=True)
class Sample:
    """One unknown on a slice.

    nodes       of each shown coordinate
    values      (n,) on a line, (vertical, horizontal) on a plane; NaN outside the domain
    reference   the same of the reference, or None where there is none
    fixed       where the slice is: for tabulated references the nearest plane of the table
    """

    shown: tuple[str, ...]
    nodes: tuple[np.ndarray, ...]
    values: np.ndarray
    reference: np.ndarray | None
    fixed: dict[str, float]

    @property
    def error(self) -> np.ndarray | None:
        """Absolute difference from the reference."""
        return None if self.reference is None else np.abs(self.values - self.reference)


def choose_slices(solution: Solution) -> list[Slice]:
    """The slices that show most of the solution, the same for all its unknowns.

    One or two coordinates: everything, of a family for four of its members. More, with time: the two space coordinates
    along which the fields vary most, at four times. More, without time: the three planes of the three coordinates
    along which the fields vary most.
    Coordinates that are not shown are fixed where the norm of the fields on the slice is largest on a coarse grid, so
    that no slice lies in a nodal plane. Judged by the reference where there is one, else by the solution.
    """
    coordinates = solution.problem.coordinates
    names = [c.name for c in coordinates]
    times = [c.name for c in coordinates if is_time(c)]
    if len(names) <= 2:
        return [Slice(tuple(sorted(names, key=lambda name: name not in times)), {})]
    ranges = {c.name: ends for c, ends in _bounds(solution) if isinstance(c, Parameter)}
    own = [name for name in names if name not in ranges]
    if len(own) <= 2:
        shown = tuple(sorted(own, key=lambda name: name not in times))
        shares = np.linspace(0, 1, 4)
        return [Slice(shown, {name: low + s * (high - low) for name, (low, high) in ranges.items()}) for s in shares]
    nodes, weight, variation = _survey(solution)
    space = sorted((name for name in names if name not in times), key=lambda name: -variation[name])
    if times:
        pair = _in_order(space[:2], names)
        place = _heaviest((*pair, *times), nodes, weight)
        (low, high) = solution.problem.domain.bounds[names.index(times[0])]
        return [Slice(pair, {times[0]: float(t)} | place) for t in np.linspace(low, high, 4)]
    pairs = itertools.combinations(_in_order(space[:3], names), 2)
    return [Slice(pair, _heaviest(pair, nodes, weight)) for pair in pairs]


def take(solution: Solution, u, piece: Slice) -> Sample:
    """An unknown and its reference on a slice; a tabulated reference is taken on its own nodes, not interpolated."""
    name, table = solution.problem.name_of(u), solution.problem.reference.get(u)
    axes = _table_axes(table, piece) if isinstance(table, Tabulated) else _even_axes(solution, piece)
    found = solution.to_xarray(**axes)
    values = _drawn(found[name], piece)
    reference = _drawn(found[f"{name}_exact"], piece) if f"{name}_exact" in found else None
    if isinstance(table, Tabulated):
        places = [np.searchsorted(nodes, axes[c]) for c, nodes in table.axes.items()]
        reference = _drawn(found[name].copy(data=table.values[np.ix_(*places)]), piece)
    fixed = {c: float(axes[c][0]) for c in piece.fixed}
    return Sample(piece.shown, tuple(axes[c] for c in piece.shown), values, reference, fixed)


def _survey(solution: Solution) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, float]]:
    """What the fields are like on a coarse grid, each scaled to at most one.

    returns   the nodes of each axis, the sum of the fields' squares, and the variation of the fields along each axis
    """
    bounds = solution.problem.domain.bounds
    # Gauss nodes, an even number: irregular and away from the middle, where symmetric fields vanish.
    count = max(4, 2 * int(_SURVEY ** (1 / len(bounds)) / 2))
    unit = np.polynomial.legendre.leggauss(min(count, 40))[0]
    names = [c.name for c in solution.problem.coordinates]
    nodes = {c: _rounded(low, high, unit) for c, (low, high) in zip(names, bounds, strict=True)}
    fields = [_judged(solution, u, nodes) for u in solution.problem.unknowns]
    scaled = [np.nan_to_num(f / (np.nanmax(np.abs(f)) or 1.0)) for f in fields]
    variation = {c: float(sum(np.mean(np.var(f, axis=k)) for f in scaled)) for k, c in enumerate(names)}
    return nodes, np.sum(np.square(scaled), axis=0), variation


def _judged(solution: Solution, u, nodes) -> np.ndarray:
    """The field by which slices are chosen, on a tensor grid: the reference, or the solution; NaN outside."""
    name, table = solution.problem.name_of(u), solution.problem.reference.get(u)
    found = solution.to_xarray(**nodes)
    field = found.get(f"{name}_exact", found[name]).values
    if isinstance(table, Tabulated):
        read = RegularGridInterpolator(list(table.axes.values()), table.values, bounds_error=False)
        field = read(np.stack(np.meshgrid(*nodes.values(), indexing="ij"), -1))
    return np.where(np.isfinite(field), field, np.nan if np.isfinite(field).any() else 0.0)


def _heaviest(shown, nodes, weight) -> dict[str, float]:
    """Where to fix the coordinates that are not shown: the place of the largest sum of squares over those that are."""
    names = list(nodes)
    total = weight.sum(axis=tuple(names.index(c) for c in shown))
    place = np.unravel_index(int(np.argmax(total)), total.shape)
    rest = [c for c in names if c not in shown]
    return {c: float(nodes[c][k]) for c, k in zip(rest, place, strict=True)}


def _rounded(low: float, high: float, unit: np.ndarray) -> np.ndarray:
    """Nodes of [-1, 1] moved to an interval, with no more digits than a label can hold."""
    digits = 3 - int(np.floor(np.log10(high - low)))
    return np.round(low + (unit + 1) / 2 * (high - low), digits)


def _in_order(chosen, names) -> tuple[str, ...]:
    return tuple(sorted(chosen, key=names.index))


def _even_axes(solution: Solution, piece: Slice) -> dict[str, np.ndarray]:
    count = _LINE if len(piece.shown) == 1 else _PLANE
    return {
        c.name: np.array([piece.fixed[c.name]]) if c.name in piece.fixed else np.linspace(ends[0], ends[1], count)
        for c, ends in _bounds(solution)
    }


def _bounds(solution: Solution):
    """Each coordinate with its ends."""
    return zip(solution.problem.coordinates, solution.problem.domain.bounds, strict=True)


def _table_axes(table: Tabulated, piece: Slice) -> dict[str, np.ndarray]:
    """The table's own nodes, thinned where there are more than a picture can show."""
    axes = {}
    for c, nodes in table.axes.items():
        nodes = np.asarray(nodes, float)
        if c in piece.fixed:
            axes[c] = nodes[[int(np.argmin(np.abs(nodes - piece.fixed[c])))]]
            continue
        most = (_LINE if len(piece.shown) == 1 else 2 * _PLANE) - 1
        axes[c] = nodes[np.unique(np.linspace(0, len(nodes) - 1, min(len(nodes), most)).round().astype(int))]
    return axes


def _drawn(array, piece: Slice) -> np.ndarray:
    """The array on the slice, vertical axis first."""
    return array.isel({c: 0 for c in piece.fixed}).transpose(*reversed(piece.shown)).values
