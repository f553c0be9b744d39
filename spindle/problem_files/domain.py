"""The domain of a problem file: an interval for each coordinate, or named shapes joined by `|`, `-` and `&`."""

import re
from collections.abc import Mapping

import sympy

from spindle.errors import ProblemError, nearest
from spindle.geometry.domain import Box, BoxDomain, Domain
from spindle.geometry.shape_domain import ShapeDomain, SpaceTimeDomain
from spindle.problem_files.names import Names
from spindle.problem_files.shapes import EXAMPLES, interval, shape
from spindle.problem_files.source import Entry
from spindle.symbolic.symbols import coordinates, is_space, is_time

INTERVALS = "coordinates = { x = [0, 1], y = [0, 1] }"
SHAPES = f"[shapes]` with `hole = {{ {EXAMPLES['disk']} }}"
_PARTS = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[-|&()])", re.ASCII)
_MOST_SHAPES = 100
_MOST_COORDINATES = 30


def domain_of(file: Entry, names: Names) -> Domain:
    """The domain of a problem file; `names` learns its coordinates.

    Raises ProblemError where shapes are too many, unused, or make no domain.
    """
    listed = file.need("coordinates", INTERVALS).at_most(_MOST_COORDINATES, "coordinates")
    if isinstance(listed.value, dict):
        return _box(file, listed, names)
    space_and_time = _coordinates(listed, names)
    time = _time(file, listed, space_and_time)
    space = tuple(c for c in space_and_time if is_space(c))
    whole = file.need("domain", 'domain = "plate - hole"')
    described = file.need("shapes", SHAPES).table(None, SHAPES).entries()
    if len(described) > _MOST_SHAPES:
        raise file.entry("shapes").error(f"there are {len(described)} shapes, of which {_MOST_SHAPES} are the most.")
    made = {name: shape(name, entry, space, names) for name, entry in described.items()}
    ends = interval(time, names) if time else None
    if ends and all(isinstance(each, Box) for each in made.values()):
        # Boxes are joined with time in them, since unions of boxes know no product with an interval.
        made = {name: _timed(each, space_and_time, ends) for name, each in made.items()}
    with whole.here():
        domain = _Sum(whole, made).domain()
        _all_used(whole, described)
        if ends is None or isinstance(domain, BoxDomain):
            return domain
        times = Box({next(c for c in space_and_time if is_time(c)): ends})
        assert isinstance(domain, ShapeDomain)
        return SpaceTimeDomain(domain, times, first=is_time(space_and_time[0]))


def _box(file: Entry, listed: Entry, names: Names) -> Box:
    for key in ("domain", "shapes", "time"):
        if key in file.value:
            raise file.entry(key).key_error(
                f"`{key}` goes with shapes, and `coordinates` gives intervals already; list their names alone, "
                f'`coordinates = ["x", "y"]`, or leave `{key}` out.'
            )
    intervals = {_coordinate(name, entry, names): entry for name, entry in listed.entries().items()}
    if not intervals:
        raise listed.error(f"there are no coordinates; write `{INTERVALS}`.")
    with listed.here():
        return Box({c: interval(entry, names) for c, entry in intervals.items()})


def _coordinates(listed: Entry, names: Names) -> tuple[sympy.Symbol, ...]:
    items = listed.items(INTERVALS)
    made = tuple(_coordinate(item.text('coordinates = ["x", "y"]'), item, names) for item in items)
    if not any(map(is_space, made)):
        raise listed.error(f"there are no coordinates of space; write `{INTERVALS}`.")
    return made


def _coordinate(name: str, entry: Entry, names: Names) -> sympy.Symbol:
    names.claim(name, entry)
    names.known[name] = coordinates(name)
    return names.known[name]


def _time(file: Entry, listed: Entry, coordinates: tuple[sympy.Symbol, ...]) -> Entry | None:
    """The interval of time, which is there if and only if t is a coordinate."""
    time, places = file.get("time"), [k for k, c in enumerate(coordinates) if is_time(c)]
    if places and time is None:
        raise listed.error("the coordinate t is time, which has an interval of its own; write `time = [0, 1]`.")
    if time is not None and not places:
        raise time.key_error("`time` is given, but t is not among the coordinates; add it.")
    if places and places[0] not in (0, len(coordinates) - 1):
        raise listed.error("time is the first or the last coordinate; write it there.")
    return time


def _timed(box: Domain, coordinates: tuple[sympy.Symbol, ...], ends) -> Box:
    assert isinstance(box, Box)
    known = dict(zip(box.coordinates, box.symbolic_bounds, strict=True))
    return Box({c: ends if is_time(c) else known[c] for c in coordinates})


def _all_used(whole: Entry, described: Mapping[str, Entry]) -> None:
    used = set(re.findall(r"\w+", whole.value))
    for name, entry in described.items():
        if name not in used:
            raise entry.key_error(f"the shape `{name}` does not occur in `domain`; use it, or leave it out.")


class _Sum:
    """Reads `plate - (hole | slit)`: names of shapes joined by signs, from left to right."""

    def __init__(self, whole: Entry, made: Mapping[str, Domain]):
        self.whole, self.made = whole, made
        self.parts = self._split(whole.text('domain = "plate - hole"'))
        self.k, self.depth = 0, 0

    def _split(self, text: str) -> list[tuple[str, int]]:
        tokens: list[tuple[str, int]] = []
        at = 0
        while text[at:].strip():
            match = _PARTS.match(text, at)
            if match is None or len(tokens) > 4 * _MOST_SHAPES:
                raise self.whole.error("names of shapes joined by `|`, `-` or `&` belong here.", at)
            tokens.append((match[1], match.start(1)))
            at = match.end()
        return [*tokens, ("", len(text))]

    def domain(self) -> Domain:
        """The whole of it."""
        domain = self._joined()
        if self.parts[self.k][0]:
            raise self._out_of_place()
        return domain

    def _joined(self) -> Domain:
        joined = self._one()
        while self.parts[self.k][0] in ("|", "-", "&"):
            sign = self.parts[self.k][0]
            self.k += 1
            other = self._one()
            joined = joined | other if sign == "|" else joined - other if sign == "-" else joined & other  # type: ignore[operator]
        return joined

    def _one(self) -> Domain:
        part, at = self.parts[self.k]
        if part in self.made:
            self.k += 1
            return self.made[part]
        if part != "(" or self.depth > 20:
            if part and part not in "()|-&":
                raise self.whole.error(f"there is no shape `{part}`.{nearest(part, self.made)}", at)
            raise self._out_of_place()
        self.k, self.depth = self.k + 1, self.depth + 1
        inner = self._joined()
        if self.parts[self.k][0] != ")":
            raise self._out_of_place()
        self.k, self.depth = self.k + 1, self.depth - 1
        return inner

    def _out_of_place(self) -> ProblemError:
        part, at = self.parts[self.k]
        what = f"`{part}` cannot stand here" if part else "the domain ends too early"
        return self.whole.error(f"{what}; names of shapes joined by `|`, `-` or `&` belong here.", at)
