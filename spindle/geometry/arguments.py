"""What shapes are given: numbers, coordinates and names, checked where a shape is made."""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.geometry.extent import FARTHEST
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import shown


def either_spelling(init: Callable) -> Callable:
    """Let a shape be given as `{x: 0, y: 0}` or as `(x, y), (0, 0)`: what stands for each coordinate, in two ways."""

    @functools.wraps(init)
    def made(self, first, *rest, **named):
        if isinstance(first, (tuple, list)) and all(isinstance(c, sympy.Symbol) for c in first) and rest:
            values, *rest = rest
            if not isinstance(values, (tuple, list, np.ndarray)) or len(values) != len(first):
                raise ProblemError(
                    f"`spd.{type(self).__name__}({shown(tuple(first))}, {shown(values)}, ...)` does not have one value "
                    f"for each coordinate; write `({', '.join('0' for _ in first)})` there."
                )
            first = dict(zip(first, values, strict=True))
        return init(self, first, *rest, **named)

    return made


def vertices_spelled(init: Callable) -> Callable:
    """Let a polygon be given as `(x, y), [(0, 0), (1, 0), (0, 1)]` or as `{x: [0, 1, 0], y: [0, 0, 1]}`."""

    @functools.wraps(init)
    def made(self, first, *rest, **named):
        if not isinstance(first, Mapping):
            return init(self, first, *rest, **named)
        columns = [value if isinstance(value, (tuple, list, np.ndarray)) else [value] for value in first.values()]
        if len({len(column) for column in columns}) != 1:
            raise ProblemError(
                f"`spd.Polygon({shown(first)})` has not as many numbers for each coordinate; write "
                f"`spd.Polygon({{x: [0, 1, 0], y: [0, 0, 1]}})`."
            )
        return init(self, tuple(first), [tuple(p) for p in zip(*columns, strict=True)], *rest, **named)

    return made


def plain(value: float) -> str:
    """`1`, `0.1`: a number in its shortest form."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def placed(shape) -> str:
    """The centre of a shape as it is written, `{x: 0, y: 1}`."""
    return "{" + ", ".join(f"{c}: {plain(v)}" for c, v in zip(shape.coordinates, shape.centre, strict=True)) + "}"


def one_number(call: str, what: str, value) -> float:
    """The value as a float; raises ProblemError where it is no number, or too far out."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not abs(number) <= FARTHEST:
        raise ProblemError(
            f"`spd.{call}` was given {what} {shown(value)}, which is no finite number up to {FARTHEST:g}; write one, "
            f"such as 1."
        )
    return number


def numbers_of(call: str, what: str, values, count: int) -> tuple[float, ...]:
    """So many numbers as floats; raises ProblemError where they are not as many, or no numbers."""
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise ProblemError(
            f"`spd.{call}` was given {what} {shown(values)}, and it needs {count} numbers; write (2, 1)."
        )
    return tuple(one_number(call, what, v) for v in values)


def radius_of(call: str, shape, radius) -> float:
    """The radius as a float; raises ProblemError where it is no positive number."""
    value = one_number(call, "the radius", radius)
    if value <= 0:
        raise ProblemError(
            f"`spd.{call}` was given the radius {plain(value)}, and nothing lies within a radius that is not positive; "
            f"write `spd.{call}({placed(shape)}, radius=1)`."
        )
    return value


def side_name(call: str, name) -> str:
    """The name of a boundary; raises ProblemError where it is no text, or empty."""
    if not isinstance(name, str) or not name.strip():
        raise ProblemError(
            f"`spd.{call}` was given the name {shown(name)}, by which no condition could call its boundary; write "
            f'`name="wall"`.'
        )
    return name


def coordinates_of(call: str, coordinates, counts: tuple[int, ...]) -> tuple[sympy.Symbol, ...]:
    """Coordinates of space; raises ProblemError where they are no symbols, repeated, or of a number not in `counts`."""
    symbols = tuple(coordinates) if isinstance(coordinates, (tuple, list)) else (coordinates,)
    right = (
        len(symbols) in counts
        and len(set(symbols)) == len(symbols)
        and all(isinstance(c, sympy.Symbol) for c in symbols)
    )
    if not right or any(is_time(c) for c in symbols):
        raise ProblemError(
            f"`spd.{call}` was given the coordinates {shown(symbols)}, and it needs {counts[0]} different symbols of "
            f"space, "
            f'without the time t; write `x, y, z = spd.coordinates("x y z")` and name {counts[0]} of them.'
        )
    return symbols


def centre_of(call: str, centre, *counts: int) -> tuple[tuple[sympy.Symbol, ...], tuple[float, ...]]:
    """Coordinates and numbers of a centre `{x: 0, y: 1}`; raises ProblemError where it is no such dictionary."""
    try:
        centre = dict(centre)
    except (TypeError, ValueError):
        raise ProblemError(
            f"`spd.{call}` was given the centre {shown(centre)}, which names no coordinates; write "
            f"`spd.{call}({{{'x: 0, y: 0, z: 0' if 3 in counts else 'x: 0, y: 0'}}}, ...)`."
        ) from None
    coordinates = coordinates_of(call, tuple(centre), counts)
    return coordinates, tuple(one_number(call, f"the centre {c} =", v) for c, v in centre.items())
