"""What shapes are given: numbers, coordinates and names, checked where a shape is made."""

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.geometry.extent import FARTHEST
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import shown


def plain(value: float) -> str:
    """`1`, `0.1`: a number in its shortest form."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def placed(shape) -> str:
    return "{" + ", ".join(f"{c}: {plain(v)}" for c, v in zip(shape.coordinates, shape.centre, strict=True)) + "}"


def one_number(call: str, what: str, value) -> float:
    try:
        one_number = float(value)
    except (TypeError, ValueError, OverflowError):
        one_number = np.nan
    if not abs(one_number) <= FARTHEST:
        raise ProblemError(
            f"`sp.{call}` was given {what} {shown(value)}, which is no finite number up to {FARTHEST:g}; write one, "
            f"such as 1."
        )
    return one_number


def numbers_of(call: str, what: str, values, count: int) -> tuple[float, ...]:
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise ProblemError(f"`sp.{call}` was given {what} {shown(values)}, and it needs {count} numbers; write (2, 1).")
    return tuple(one_number(call, what, v) for v in values)


def radius_of(call: str, shape, radius) -> float:
    value = one_number(call, "the radius", radius)
    if value <= 0:
        raise ProblemError(
            f"`sp.{call}` was given the radius {plain(value)}, and nothing lies within a radius that is not positive; "
            f"write `sp.{call}({placed(shape)}, radius=1)`."
        )
    return value


def side_name(call: str, name) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ProblemError(
            f"`sp.{call}` was given the name {shown(name)}, by which no condition could call its boundary; write "
            f'`name="wall"`.'
        )
    return name


def coordinates_of(call: str, coordinates, counts: tuple[int, ...]) -> tuple[sympy.Symbol, ...]:
    symbols = tuple(coordinates) if isinstance(coordinates, (tuple, list)) else (coordinates,)
    right = (
        len(symbols) in counts
        and len(set(symbols)) == len(symbols)
        and all(isinstance(c, sympy.Symbol) for c in symbols)
    )
    if not right or any(is_time(c) for c in symbols):
        raise ProblemError(
            f"`sp.{call}` was given the coordinates {shown(symbols)}, and it needs {counts[0]} different symbols of "
            f"space, "
            f'without the time t; write `x, y, z = sp.coordinates("x y z")` and name {counts[0]} of them.'
        )
    return symbols


def centre_of(call: str, centre, count: int) -> tuple[tuple[sympy.Symbol, ...], tuple[float, ...]]:
    try:
        centre = dict(centre)
    except (TypeError, ValueError):
        raise ProblemError(
            f"`sp.{call}` was given the centre {shown(centre)}, which names no coordinates; write "
            f"`sp.{call}({{{'x: 0, y: 0, z: 0' if count == 3 else 'x: 0, y: 0'}}}, ...)`."
        ) from None
    coordinates = coordinates_of(call, tuple(centre), (count,))
    return coordinates, tuple(one_number(call, f"the centre {c} =", v) for c, v in centre.items())
