"""Domains that are not made of boxes: a shape, or a shape times an interval of time.

Their boundary has named sides instead of flat faces; a part of it is a `BoundaryPart`, whose outward normal varies from
point to point.
"""

from abc import abstractmethod

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.geometry.domain import Box, Domain
from spindle.geometry.extent import check_extent
from spindle.geometry.part_hints import no_part, nothing_there
from spindle.geometry.supports import BoundaryPart, Bounds, BoxFace, Region
from spindle.symbolic.sides import in_words, is_part, sides_in
from spindle.symbolic.symbols import is_time


class ShapeDomain(Domain):
    """Interface of domains with a shape (never built itself)."""

    boxes = ()

    @property
    @abstractmethod
    def shape(self):
        """The `Shape` that the domain fills in space."""

    @property
    @abstractmethod
    def time(self) -> int | None:
        """The number of the axis of time; None without time."""

    @property
    @abstractmethod
    def faces(self) -> tuple[BoxFace, ...]:
        """The first and the last instant; empty without time."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """The whole domain, as one region."""
        return (Region(self.bounds, self.shape, self.time),)

    def part(self, on=None, *, call: str = "on=") -> tuple[BoxFace | BoundaryPart, ...]:
        """The walls that `on` names.

        on    None: the whole boundary in space; the name of a side; `Eq(x, 1)` or a relation such as `x > 0`, the part
              where it holds; several of these and `spd.side(name)` joined by `And`, `Or` and `Not`; a list of these
        Raises ProblemError when a named part is empty.
        """
        sides = self.shape.sides
        if on is None:
            return (BoundaryPart("boundary", self.bounds, self.shape, sides, time=self.time),)
        if isinstance(on, (list, tuple)) and on:
            return tuple(dict.fromkeys(wall for item in on for wall in self.part(item, call=call)))
        if isinstance(on, str):
            if on not in sides:
                raise no_part(on, call, sides, planes=False)
            return (BoundaryPart(on, self.bounds, self.shape, (on,), time=self.time),)
        if is_part(on):
            return (self._where(on, call),)
        raise no_part(on, call, sides, planes=False)

    def _where(self, on, call: str) -> BoundaryPart:
        """The part of the boundary where logic is true."""
        unheard = [name for name in sides_in(on) if name not in self.shape.sides]
        if unheard or not on.free_symbols <= set(self.shape.coordinates):
            raise no_part(unheard[0] if unheard else on, call, self.shape.sides, planes=False)
        wall = BoundaryPart(in_words(on), self.bounds, self.shape, self.shape.sides, on, self.time)
        if wall.measure == 0:
            raise nothing_there(on, call, self.shape)
        return wall

    def contains_grid(self, axes) -> np.ndarray:
        """Whether each node of a tensor grid lies in the closed domain, a boolean array of the grid's shape."""
        mesh = np.meshgrid(*axes, indexing="ij")
        return self.contains(np.stack([m.ravel() for m in mesh], axis=1)).reshape(mesh[0].shape)

    def __mul__(self, other):
        return self._for(other, first=False)

    def __rmul__(self, other):
        return self._for(other, first=True)

    def _for(self, duration, *, first: bool):
        if not _is_duration(duration):
            raise ProblemError(
                f"`{duration} * {self}` needs an interval of time, the coordinate called t, beside the shape; write "
                f'`spd.Interval(t, 0, 1) * shape` with `t = spd.coordinates("t")`, and join shapes by `|`, `-` and `&`.'
            )
        return SpaceTimeDomain(self, duration, first=first)


def _is_duration(domain) -> bool:
    """Whether a domain is an interval of time."""
    return isinstance(domain, Box) and len(domain.coordinates) == 1 and is_time(domain.coordinates[0])


class SpaceTimeDomain(ShapeDomain):
    """A shape at all times of an interval: `spd.Disk({x: 0, y: 0}, 1) * spd.Interval(t, 0, 1)`.

    first   whether time is the first coordinate, as in `interval * shape`, or the last
    """

    def __init__(self, shape: ShapeDomain, times: Box, *, first: bool = False):
        if isinstance(shape, SpaceTimeDomain):
            raise ProblemError(f"`{shape} * {times}` would have two times; multiply a shape by one interval of time.")
        self._shape, self.times, self.first = shape, times, first
        self.coordinates: tuple[sympy.Symbol, ...] = self._joined(shape.coordinates, times.coordinates)
        check_extent(self)

    def _joined(self, space, time):
        return (*time, *space) if self.first else (*space, *time)

    @property
    def shape(self):
        """The shape in space."""
        return self._shape

    @property
    def time(self) -> int:
        """The number of the axis of time: the first or the last."""
        return 0 if self.first else len(self.shape.coordinates)

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the domain."""
        return self._joined(self.shape.bounds, self.times.bounds)

    @property
    def volume(self) -> float:
        """The measure of the shape times the duration."""
        return self.shape.volume * self.times.volume

    @property
    def faces(self) -> tuple[BoxFace, ...]:
        """The first and the last instant, as flat faces."""
        return tuple(
            BoxFace(f.name, self.time, f.value, f.outward, self._joined(self.shape.bounds, f.bounds), self.shape)
            for f in self.times.faces
        )

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each of the points (n, d) lies in the closed domain; (n,)."""
        points = np.asarray(points)
        space = np.delete(points, self.time, axis=1)
        return self.shape.contains(space) & self.times.contains(points[:, self.time, None])

    def during(self, axis: int, low: float, high: float) -> "SpaceTimeDomain":
        """The same shape, from time `low` to time `high`."""
        return SpaceTimeDomain(self.shape, self.times.during(0, low, high), first=self.first)

    def __eq__(self, other):
        return isinstance(other, SpaceTimeDomain) and repr(self) == repr(other) and self.shape == other.shape

    def __hash__(self):
        return hash((self.shape, repr(self)))

    def __repr__(self):
        return f"{self.times} * {self.shape}" if self.first else f"{self.shape} * {self.times}"
