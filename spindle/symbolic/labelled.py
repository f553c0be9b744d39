"""Data that name their own columns or axes: tables of pandas, arrays and datasets of xarray, as points and values.

Nothing is imported for it: what has rows and columns, or dimensions and coordinates, is taken for that.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spindle.errors import ProblemError, nearest
from spindle.symbolic.words import shown

_UNIT = re.compile(r"^\s*(?P<name>.*?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*)\))\s*$")


class Labelled(NamedTuple):
    """Points and values, or the nodes of a grid and values on it.

    axes     {name of a coordinate: (n,)}
    values   (n,) at points, or with one axis a coordinate
    units    {name of a coordinate or of what was asked for: its unit}, of those that have one
    """

    axes: dict[str, np.ndarray]
    values: np.ndarray
    units: dict[str, str]


def is_labelled(data) -> bool:
    """Whether data name their columns or axes."""
    return _is_frame(data) or _is_array(data) or _is_dataset(data)


def unit_of(header: str) -> str:
    """The unit in a header, `s` of "time [s]" or "time (s)"; empty where there is none."""
    match = _UNIT.match(header)
    return ((match["square"] or match["round"] or "").strip()) if match else ""


def without_unit(header: str) -> str:
    """What stands before the unit in a header, `time` of "time [s]"."""
    match = _UNIT.match(header)
    return match["name"] if match else header.strip()


def units_in_words(units: Mapping[str, str]) -> str:
    """`t in s, u in K`."""
    return ", ".join(f"{name} in {unit}" for name, unit in units.items() if unit)


def scattered(data, call: str, coordinates: Sequence[str], variable: str, columns: Mapping[str, str]) -> Labelled:
    """Points and values of data, a grid as the list of its points.

    coordinates   by name, all of which are needed
    variable      what the values are called
    columns       {name: column, dimension or variable of the data}, where these are called otherwise
    Raises ProblemError where a column is missing, or is no numbers.
    """
    if _is_frame(data):
        return _rows(data, call, coordinates, variable, columns)
    grid = on_grid(data, call, coordinates, variable, columns)
    meshes = np.meshgrid(*grid.axes.values(), indexing="ij")
    return Labelled({n: m.ravel() for n, m in zip(grid.axes, meshes, strict=True)}, grid.values.ravel(), grid.units)


def on_grid(data, call: str, coordinates: Sequence[str], variable: str, columns: Mapping[str, str]) -> Labelled:
    """The nodes of each coordinate and values on their tensor grid; rows of a table may come in any order."""
    if _is_frame(data):
        rows = _rows(data, call, coordinates, variable, columns)
        nodes = {n: np.unique(a) for n, a in rows.axes.items()}
        shape = [len(a) for a in nodes.values()]
        if math.prod(shape) != len(rows.values):
            raise ProblemError(
                f"`{call}` was given a table of {len(rows.values)} rows, which are no grid: {', '.join(coordinates)} "
                f"take {' x '.join(map(str, shape))} different values; give one row for each combination."
            )
        values = np.full(shape, np.nan)
        values[tuple(np.searchsorted(nodes[n], a) for n, a in rows.axes.items())] = rows.values
        return Labelled(nodes, values, rows.units)
    array = data
    if _is_dataset(data):
        array = data[_known(call, "variable", columns.get(variable, variable), list(data.data_vars))]
    names = [_known(call, "dimension", columns.get(c, c), [str(d) for d in array.dims]) for c in coordinates]
    if len(names) != len(array.dims):
        raise ProblemError(
            f"`{call}` was given data over {', '.join(map(str, array.dims))}, and {', '.join(coordinates)} are wanted; "
            f"choose what the others are, `data.sel(...)`."
        )
    array = array.transpose(*names)
    axes = {c: _numbers(call, c, array[name].values) for c, name in zip(coordinates, names, strict=True)}
    units = {c: str(array[name].attrs.get("units", "")) for c, name in zip(coordinates, names, strict=True)}
    units |= {variable: str(array.attrs.get("units", ""))}
    return Labelled(axes, _numbers(call, variable, array.values), {n: unit for n, unit in units.items() if unit})


def dimensions(data, variable: str, columns: Mapping[str, str]) -> list[str] | None:
    """The axes of an array or a dataset by the names of coordinates; None of tables, whose columns may be anything."""
    if _is_frame(data):
        return None
    array = data[columns.get(variable, variable)] if _is_dataset(data) else data
    called = {old: new for new, old in columns.items()}
    return [called.get(str(d), str(d)) for d in array.dims]


def _rows(data, call: str, coordinates: Sequence[str], variable: str, columns: Mapping[str, str]) -> Labelled:
    names, headers = [*coordinates, variable], [str(c) for c in data.columns]
    chosen = [_header(call, columns.get(name, name), headers) for name in names]
    arrays = [_numbers(call, header, data.iloc[:, headers.index(header)].to_numpy()) for header in chosen]
    units = {name: unit_of(header) for name, header in zip(names, chosen, strict=True) if unit_of(header)}
    return Labelled(dict(zip(coordinates, arrays[:-1], strict=True)), arrays[-1], units)


def _header(call: str, name: str, headers: Sequence[str]) -> str:
    """The column of that name, or else the only one that has it before a unit."""
    if name in headers:
        return name
    before = [h for h in headers if (match := _UNIT.match(h)) and match["name"] == name]
    return before[0] if len(before) == 1 else _known(call, "column", name, headers)


def _known(call: str, kind: str, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise ProblemError(
            f"`{call}` was given data without a {kind} `{name}`.{nearest(name, names)} Say which is which by "
            f'`columns={{"{name}": "{names[0] if names else "time [s]"}"}}`.'
        )
    return name


def _numbers(call: str, name: str, column: Any) -> np.ndarray:
    try:
        return np.asarray(column, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(
            f"`{call}` was given data whose `{shown(name)}` are no numbers ({error}); turn them into numbers, as by "
            f"`pandas.to_numeric`, times into seconds."
        ) from error


def _is_frame(data) -> bool:
    return hasattr(data, "columns") and hasattr(data, "iloc")


def _is_array(data) -> bool:
    return hasattr(data, "dims") and hasattr(data, "coords") and hasattr(data, "values") and not _is_dataset(data)


def _is_dataset(data) -> bool:
    return hasattr(data, "data_vars")
