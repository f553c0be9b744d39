"""Which lines and planes of a solution to draw, and the values on them."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
import xarray
from scipy.interpolate import RegularGridInterpolator

from spindle.problem.families import family_parameters
from spindle.problem.references import OnGrid
from spindle.results.presented import Presented
from spindle.results.references import exact
from spindle.symbolic.symbols import is_time

_SURVEY = 20_000  # points of the coarse grid on which slices are chosen
_LINE, _PLANE = 401, 129  # nodes an axis of a drawn line, of a drawn plane
_CHIEF = 4  # fields that are drawn where there is no room for all
_FRAMES, _FRAME = 26, 97  # positions of a plane that moves, and nodes an axis of it
_FRAMES_DEAR, _FRAME_DEAR = 16, 49  # the same where it is dear to say which points lie in the domain


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
    reference   values of the reference, or None where there is none
    fixed       the other coordinates and their values: for tabulated references those of the nearest plane of the table
    """

    shown: tuple[str, ...]
    nodes: tuple[np.ndarray, ...]
    values: np.ndarray
    reference: np.ndarray | None
    fixed: dict[str, float]

    @property
    def error(self) -> np.ndarray | None:
        """The absolute difference from the reference; None without one."""
        return None if self.reference is None else np.abs(self.values - self.reference)


@dataclass(frozen=True)
class Motion:
    """A plane that moves through the domain.

    along   name of the coordinate along which it moves
    timed   whether that is time
    plane   the plane where the fields are largest; where it moves from if `along` is not time
    """

    along: str
    timed: bool
    plane: Slice


def chief_fields(fields: Presented) -> dict[str, sympy.Expr]:
    """The fields that are drawn where there is no room for all: those with a reference, or all, at most four."""
    shown, compared = fields.posed.fields, fields.posed.compared
    known = {name: u for name, u in shown.items() if u in compared}
    return dict(list((known or shown).items())[:_CHIEF])


def choose_slices(fields: Presented, held: Mapping[str, float] | None = None) -> list[Slice]:
    """The slices that show most of the fields, the same for all of them.

    held   coordinates and parameters that are fixed already, and where

    One or two coordinates: everything, of a family for four of its members. More, with time: the two space coordinates
    along which the fields vary most, at four times. More, without time: the three planes of the three coordinates
    along which the fields vary most.
    Coordinates that are not shown are fixed where the norm of the fields on the slice is largest on a coarse grid, so
    that no slice lies in a nodal plane. Judged by the reference where there is one, else by the solution.
    """
    held = dict(held or {})
    names = [c.name for c in fields.posed.coordinates if c.name not in held]
    times = [c.name for c in fields.posed.coordinates if is_time(c) and c.name in names]
    parameters = family_parameters(fields.posed)
    ranges = {c.name: ends for c, ends in _bounds(fields) if c in parameters and c.name in names}
    plotted = [name for name in names if name not in ranges]
    if len(names) <= 2 and (len(plotted) == len(names) or not held):
        return [Slice(tuple(sorted(names, key=lambda name: name not in times)), held)]
    if len(plotted) <= 2:
        shown = tuple(sorted(plotted, key=lambda name: name not in times))
        shares = np.linspace(0, 1, 4)
        along = [{name: low + s * (high - low) for name, (low, high) in ranges.items()} for s in shares]
        return [Slice(shown, held | place) for place in along]
    nodes, weight, variation = _survey(fields, held)
    space = sorted((name for name in names if name not in times), key=lambda name: -variation[name])
    if times:
        pair = _in_order(space[:2], names)
        place = held | _heaviest((*pair, *times), nodes, weight)
        (low, high) = dict(zip(nodes, fields.posed.domain.bounds, strict=True))[times[0]]
        return [Slice(pair, {times[0]: float(t)} | place) for t in np.linspace(low, high, 4)]
    pairs = itertools.combinations(_in_order(space[:3], names), 2)
    return [Slice(pair, held | _heaviest(pair, nodes, weight)) for pair in pairs]


def choose_motion(fields: Presented) -> Motion | None:
    """The plane that shows most of the solution as it moves: through time, else along a third coordinate.

    None for families, whose members are explored otherwise, and where fewer than three coordinates leave nothing to
    move along. Judged as `choose_slices` does.
    """
    coordinates = fields.posed.coordinates
    if len(coordinates) <= 2 or family_parameters(fields.posed):
        return None
    times = [c.name for c in coordinates if is_time(c)]
    if times:
        first = choose_slices(fields)[0]
        return Motion(times[0], True, first)
    names = [c.name for c in coordinates]
    nodes, weight, variation = _survey(fields, {})
    first, second, third = sorted(names, key=lambda name: -variation[name])[:3]
    pair = _in_order((first, second), names)
    return Motion(third, False, Slice(pair, _heaviest(pair, nodes, weight)))


def sample_slice(fields: Presented, u, piece: Slice) -> Sample:
    """An unknown and its reference on a slice; a tabulated reference is taken at its nodes, not interpolated."""
    nodes, of_table = (_LINE, _LINE) if len(piece.shown) == 1 else (_PLANE, 2 * _PLANE - 1)
    axes = _axes(fields, u, piece, dict.fromkeys(piece.shown, nodes), dict.fromkeys(piece.shown, of_table))
    return _sample(piece, axes, _evaluated(fields, u, axes), dict.fromkeys(piece.fixed, 0))


def sample_exactly(fields: Presented, u, piece: Slice) -> Sample:
    """An expression on a slice, just there; a tabulated reference is interpolated linearly between its nodes."""
    count = _LINE if len(piece.shown) == 1 else _PLANE
    axes = _even_axes(fields, piece, dict.fromkeys(piece.shown, count))
    values, reference = xarray.DataArray(fields.grid(u, **axes), axes, list(axes)), None
    table = _table(fields, u)
    if table is not None:
        reference = values.copy(data=_interpolated(table, axes))
    elif u in fields.posed.compared:
        _, reference = _evaluated(fields, u, axes)
    return _sample(piece, axes, (values, reference), dict.fromkeys(piece.fixed, 0))


def _interpolated(table: OnGrid, axes: Mapping[str, np.ndarray]) -> np.ndarray:
    """A table at the nodes of other axes of the same names, NaN outside of it."""
    read = RegularGridInterpolator(list(table.axes.values()), table.values, bounds_error=False)
    mesh = np.stack(np.meshgrid(*(axes[name] for name in table.axes), indexing="ij"), -1)
    order = [list(table.axes).index(name) for name in axes]
    return np.transpose(read(mesh), order)


def sample_motion(fields: Presented, u, motion: Motion) -> list[Sample]:
    """An unknown and its reference on a plane that moves, at each of its positions in order."""
    shown, along = motion.plane.shown, motion.along
    piece = Slice(shown, {c: value for c, value in motion.plane.fixed.items() if c != along})
    dear = not fields.posed.domain.boxes and len(fields.posed.coordinates) > 2 + motion.timed
    nodes, frames = (_FRAME_DEAR, _FRAMES_DEAR) if dear else (_FRAME, _FRAMES)
    own_nodes, of_table = ({along: frames} | dict.fromkeys(shown, most) for most in (nodes, _PLANE))
    axes = _axes(fields, u, piece, own_nodes, of_table)
    evaluated = _evaluated(fields, u, axes)
    return [
        _sample(piece, axes, evaluated, dict.fromkeys(piece.fixed, 0) | {along: k}) for k in range(len(axes[along]))
    ]


def _sample(piece: Slice, axes: Mapping[str, np.ndarray], evaluated, place: Mapping[str, int]) -> Sample:
    """What was evaluated on a tensor grid, on its plane at a place, vertical axis first."""
    values, reference = evaluated

    def on_plane(array: xarray.DataArray) -> np.ndarray:
        return array.isel(place).transpose(*reversed(piece.shown)).values

    nodes, fixed = tuple(axes[c] for c in piece.shown), {c: float(axes[c][k]) for c, k in place.items()}
    return Sample(piece.shown, nodes, on_plane(values), None if reference is None else on_plane(reference), fixed)


def _evaluated(fields, u, axes: Mapping[str, np.ndarray]) -> tuple[xarray.DataArray, xarray.DataArray | None]:
    """An unknown or a quantity on a tensor grid, and its reference there if it is known at these nodes."""
    table = _table(fields, u)
    values = xarray.DataArray(fields.grid(u, **axes), axes, list(axes))
    if table is not None:
        places = [np.searchsorted(nodes, axes[c]) for c, nodes in table.axes.items()]
        return values, values.copy(data=np.asarray(table.values)[np.ix_(*places)])
    if u not in fields.posed.compared or fields.posed.compared[u].closed is None:
        return values, None
    nodes = list(axes.values())
    inside = fields.posed.domain.contains_grid(nodes)
    return values, values.copy(data=np.where(inside, exact(fields.posed, u, nodes), np.nan))


def _survey(fields: Presented, held: Mapping[str, float]) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, float]]:
    """Sizes and variations of the fields on a coarse grid, each field scaled to at most one.

    returns   the nodes of each axis, the sum of the fields' squares, and the variation of the fields along each axis
    """
    bounds = fields.posed.domain.bounds
    # Gauss nodes, an even number: irregular and away from the middle, where symmetric fields vanish.
    count = max(4, 2 * int(_SURVEY ** (1 / len(bounds)) / 2))
    unit = np.polynomial.legendre.leggauss(min(count, 40))[0]
    names = [c.name for c in fields.posed.coordinates]
    nodes = {
        c: np.array([held[c]]) if c in held else _rounded(low, high, unit)
        for c, (low, high) in zip(names, bounds, strict=True)
    }
    judged = [_judged(fields, u, nodes) for u in fields.posed.unknowns]
    scaled = [np.nan_to_num(f / (np.nanmax(np.abs(f)) or 1.0)) for f in judged]
    variation = {c: float(sum(np.mean(np.var(f, axis=k)) for f in scaled)) for k, c in enumerate(names)}
    return nodes, np.sum(np.square(scaled), axis=0), variation


def _judged(fields: Presented, u, nodes) -> np.ndarray:
    """The field by which slices are chosen, on a tensor grid: the reference, or the solution; NaN outside."""
    table = _table(fields, u)
    if table is not None:
        field = _interpolated(table, nodes)
    else:
        values, reference = _evaluated(fields, u, nodes)
        field = (values if reference is None else reference).values
    return np.where(np.isfinite(field), field, np.nan if np.isfinite(field).any() else 0.0)


def _heaviest(shown, nodes, weight) -> dict[str, float]:
    """{coordinate: value} at which to fix those not shown: where the sum of squares over the shown ones is largest."""
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


def _axes(fields, u, piece: Slice, counts: Mapping[str, int], of_table: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The nodes of each coordinate: those of the table where the reference is one, else evenly spaced.

    counts, of_table   how many nodes a coordinate that is not fixed has, and how many of a table it has at most
    """
    table = _table(fields, u)
    if table is not None:
        return {c: _table_axis(np.asarray(nodes, float), c, piece, of_table) for c, nodes in table.axes.items()}
    return _even_axes(fields, piece, counts)


def _even_axes(fields, piece: Slice, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Evenly spaced nodes of the coordinates that have counts, and where the others are fixed."""
    return {
        c.name: np.linspace(ends[0], ends[1], counts[c.name]) if c.name in counts else np.array([piece.fixed[c.name]])
        for c, ends in _bounds(fields)
    }


def _table(fields: Presented, u) -> OnGrid | None:
    """The reference, where it is values on one grid."""
    compared = fields.posed.compared
    return compared[u].table if u in compared else None


def _bounds(fields: Presented):
    """{coordinate: (low, high)}."""
    return zip(fields.posed.coordinates, fields.posed.domain.bounds, strict=True)


def _table_axis(nodes: np.ndarray, name: str, piece: Slice, counts: Mapping[str, int]) -> np.ndarray:
    """The nodes of a table, thinned where there are more than a picture can show; the nearest one of a fixed axis."""
    if name in piece.fixed:
        return nodes[[int(np.argmin(np.abs(nodes - piece.fixed[name])))]]
    return nodes[_thinned(len(nodes), counts[name])]


def _thinned(count: int, most: int) -> np.ndarray:
    """At most so many of the numbers below `count`, both ends among them, evenly spaced where the number allows it."""
    step = max(1, -(-(count - 1) // (most - 1)))
    if (count - 1) % step == 0:
        return np.arange(0, count, step)
    return np.unique(np.linspace(0, count - 1, most).round().astype(int))
