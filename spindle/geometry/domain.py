"""Where the problem lives: intervals, boxes, and anything that boxes add up to (an L-shape, a channel with a step).

Every domain offers the same to the rooms above: its `coordinates`, the disjoint `regions` that fill it, and the parts
of its boundary: flat `faces`, and for shapes each a `BoundaryPart`. A face is named by the plane it lies in, `x=-1`;
several faces may share a name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import sympy

from spindle.errors import ProblemError, nearest, usage
from spindle.geometry.arguments import either_spelling
from spindle.geometry.cells import cells_of, rectangles
from spindle.geometry.extent import check_extent
from spindle.geometry.face_parts import face_parts, is_cut
from spindle.geometry.part_hints import no_part, nothing_there
from spindle.geometry.supports import BoundaryPart, Bounds, BoxFace, Region
from spindle.symbolic.symbols import alike, is_space
from spindle.symbolic.words import shown


class Domain(ABC):
    """Interface of all domains (never built itself).

    coordinates   in the order of the axes of all arrays
    boxes         the disjoint boxes that fill the domain; empty for shapes
    """

    coordinates: tuple[sympy.Symbol, ...]
    boxes: tuple[Bounds, ...]

    @property
    @abstractmethod
    def regions(self) -> tuple[Region, ...]:
        """The disjoint parts that fill the domain."""

    @property
    @abstractmethod
    def faces(self) -> tuple[BoxFace, ...]:
        """The flat pieces of the boundary."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """The smallest box around the domain, a (low, high) pair an axis."""

    @property
    @abstractmethod
    def volume(self) -> float:
        """Measure of the domain, in the units of the coordinates."""

    @abstractmethod
    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each of the points (n, d) lies in the closed domain, a boolean array (n,)."""

    @abstractmethod
    def contains_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """Whether each node of a tensor grid lies in the closed domain, a boolean array that broadcasts to the grid."""

    @abstractmethod
    def part(self, on=None, *, call: str = "on=") -> tuple[BoxFace | BoundaryPart, ...]:
        """The parts of the boundary that `on` names; None: the whole boundary in space.

        Raises ProblemError when a named part is empty.
        """

    @abstractmethod
    def during(self, axis: int, low: float, high: float) -> "Domain":
        """The part of the domain from time `low` to time `high`; `axis` is the number of the axis of time."""


class BoxDomain(Domain):
    """Interface of domains made of boxes (never built itself); `|`, `-` and `&` combine them."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """The disjoint parts that fill the domain."""
        return tuple(Region(box) for box in self.boxes)

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the domain, a (low, high) pair an axis."""
        return tuple(
            (min(box[k][0] for box in self.boxes), max(box[k][1] for box in self.boxes))
            for k in range(len(self.coordinates))
        )

    @property
    def volume(self) -> float:
        """Measure of the domain, in the units of the coordinates."""
        return float(sum(np.prod([b - a for a, b in box]) for box in self.boxes))

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each of the points (n, d) lies in the closed domain, a boolean array (n,)."""
        points = np.asarray(points)
        inside = np.zeros(len(points), bool)
        for box in self.boxes:
            inside |= np.all(_within(points, *np.array(box).T), axis=1)
        return inside

    def contains_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """Whether each node of a tensor grid lies in the closed domain, a boolean array that broadcasts to the grid."""
        inside = np.zeros((1,) * len(axes), bool)
        for box in self.boxes:
            of_box = np.ones((1,) * len(axes), bool)
            for k, (nodes, ends) in enumerate(zip(axes, box, strict=True)):
                of_box = of_box & _within(nodes, *ends).reshape([-1 if j == k else 1 for j in range(len(axes))])
            inside = inside | of_box
        return inside

    def part(self, on=None, *, call: str = "on=") -> tuple[BoxFace, ...]:
        """The faces that `on` names.

        on    None: the whole space boundary; `Eq(x, 1)` or "x=1": the faces in that plane; relations and sides joined,
              `And(Eq(y, 1), x > 0.3)`: the parts of faces where that is true; a list: all of these
        Raises ProblemError when a named part is empty, or its ends are no bounds of single coordinates.
        """
        if on is None:
            return tuple(f for f in self.faces if is_space(self.coordinates[f.axis]))
        if isinstance(on, (list, tuple)):
            if not on:
                raise ProblemError(
                    f"`{call}` was given the empty list `on=[]`, so it would hold nowhere; name a part, "
                    f"`on=Eq(x, 1)`, or leave `on` out for the whole boundary."
                )
            return tuple(dict.fromkeys(face for item in on for face in self.part(item, call=call)))
        on = on.reversed if isinstance(on, sympy.Eq) and on.lhs.is_number else on
        names = list(dict.fromkeys(f.name for f in self.faces))
        if is_cut(on, self.coordinates) and not self._is_plane(on):
            parts = face_parts(self, on, call)
            if not parts:
                raise nothing_there(on, call, self)
            return parts
        if not isinstance(on, str) and not self._is_plane(on):
            raise no_part(on, call, names, planes=True)
        faces = tuple(f for f in self.faces if self._lies_on(f, on))
        if not faces and isinstance(on, str):
            raise no_part(on, call, names, planes=True)
        if not faces:
            plane = f"{on.lhs}={shown(on.rhs)}"
            raise ProblemError(
                f"`{call}` was given the part `{plane}`, but this domain has no boundary there, so the "
                f"condition would hold at no point at all." + nearest(plane, names)
            )
        return faces

    def _is_plane(self, on) -> bool:
        return isinstance(on, sympy.Eq) and on.lhs in self.coordinates and bool(on.rhs.is_number)

    def _lies_on(self, face: BoxFace, on) -> bool:
        if isinstance(on, str):
            name, _, end = on.replace(" ", "").partition("=")
            return face.name == f"{name}={end}" or (
                self.coordinates[face.axis].name == name and _is_float(end) and face.value == float(end)
            )
        axis, value = self.coordinates.index(on.lhs), float(on.rhs)
        low, high = self.bounds[axis]
        return face.axis == axis and abs(face.value - value) <= 1e-12 * max(1.0, high - low)

    def __or__(self, other: Domain) -> "BoxDomain":
        return self._combined(other, "|")

    def __sub__(self, other: Domain) -> "BoxDomain":
        return self._combined(other, "-")

    def __and__(self, other: Domain) -> "BoxDomain":
        return self._combined(other, "&")

    def __mul__(self, other: Domain):
        if isinstance(other, BoxDomain):
            raise ProblemError(
                f"`{self} * {other}` multiplies boxes, which is done for a shape and an interval of time alone; write "
                f"one box with all intervals, `spd.Box({{t: (0, 1), x: (0, 1)}})`."
            )
        return self._combined(other, "*")

    def _combined(self, other, operation: str):
        if not isinstance(other, Domain):
            raise no_domain(self, operation, other)
        return _combine(self, other, operation) if isinstance(other, BoxDomain) else NotImplemented


def _within(values, low, high):
    """Whether values lie in a closed interval, up to rounding; NaN lies nowhere."""
    slack = 1e-9 * (high - low)
    return (values >= low - slack) & (values <= high + slack)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _end(value) -> str:
    """`1`, `pi`, `0.1`: an end of an interval, floats in their shortest form."""
    if isinstance(value, (float, sympy.Float)):
        value = int(value) if float(value).is_integer() else float(value)
    return str(value)


def no_domain(domain: Domain, operation: str, other) -> ProblemError:
    """The error for joining a domain with something else."""
    return ProblemError(
        f"`{domain} {operation} {shown(other)}` joins a domain with what is none; write a box or a shape there, "
        f"`spd.Box({{x: (0, 1), y: (0, 1)}})`."
    )


@usage("spd.Box({x: (0, 1), y: (0, 1)})")
class Box(BoxDomain):
    """A box, `Box({t: (0, 1), x: (-1, 1)})`: an interval for each coordinate, in the order of the arrays' axes.

    `Box((t, x), [(0, 1), (-1, 1)])` is another way to say it. `|`, `-` and `&` combine boxes of the same coordinates.
    """

    @either_spelling
    def __init__(self, intervals: Mapping[sympy.Symbol, tuple]):
        if not isinstance(intervals, Mapping):
            raise ProblemError(
                f"`spd.Box({shown(intervals)})` needs an interval for each coordinate; write "
                f"`spd.Box({{x: (0, 1), y: (0, 1)}})`."
            )
        if not intervals:
            raise ProblemError("`spd.Box({})` has no coordinates; write `spd.Box({x: (0, 1), y: (0, 1)})`.")
        for coordinate in intervals:
            if not isinstance(coordinate, sympy.Symbol):
                raise ProblemError(
                    f"`spd.Box` was given {shown(coordinate)} as a coordinate, which is no symbol; write "
                    f'`x, y = spd.coordinates("x y")` and `spd.Box({{x: (0, 1), y: (0, 1)}})`.'
                )
        self.coordinates = tuple(intervals)
        self.symbolic_bounds = tuple(_interval(c, ends) for c, ends in intervals.items())
        self.boxes = (tuple((float(a), float(b)) for a, b in self.symbolic_bounds),)
        check_extent(self)

    @cached_property
    def faces(self) -> tuple[BoxFace, ...]:
        """Two faces an axis, lower before upper."""
        (box,) = self.boxes
        return tuple(
            BoxFace(f"{axis}={_end(end)}", k, float(end), side, (*box[:k], (float(end),) * 2, *box[k + 1 :]))
            for k, axis in enumerate(self.coordinates)
            for end, side in zip(self.symbolic_bounds[k], (-1, 1), strict=True)
        )

    def during(self, axis: int, low: float, high: float) -> "Box":
        """The same box, from time `low` to time `high`."""
        bounds = dict(zip(self.coordinates, self.symbolic_bounds, strict=True))
        return Box(bounds | {self.coordinates[axis]: (low, high)})

    def __repr__(self):
        ends = (
            f"{c}: ({_end(a)}, {_end(b)})" for c, (a, b) in zip(self.coordinates, self.symbolic_bounds, strict=True)
        )
        return f"Box({{{', '.join(ends)}}})"


@usage("spd.Interval(x, 0, 1)")
def Interval(coordinate: sympy.Symbol, low, high) -> Box:
    """The one-dimensional box `low <= coordinate <= high`."""
    return Box({coordinate: (low, high)})


class BoxUnion(BoxDomain):
    """Boxes joined, subtracted or intersected; made by `|`, `-` and `&`, never by hand.

    The boxes given are disjoint up to their faces. Faces between two of them are inside and do not count.
    """

    def __init__(self, coordinates: tuple[sympy.Symbol, ...], boxes: tuple[Bounds, ...]):
        self.coordinates, self.boxes = coordinates, boxes
        check_extent(self)

    @cached_property
    def faces(self) -> tuple[BoxFace, ...]:
        """The outer faces, merged where two neighbours make a larger rectangle."""
        cuts, filled = cells_of(self.boxes)
        faces = []
        for k, axis in enumerate(self.coordinates):
            padded = np.pad(filled, [(1, 1) if j == k else (0, 0) for j in range(filled.ndim)])
            steps = np.diff(padded.astype(int), axis=k)
            for side, sign in ((-1, 1), (1, -1)):
                for index, value in enumerate(cuts[k]):
                    exposed = np.take(steps, index, axis=k) == sign
                    rest = [c for j, c in enumerate(cuts) if j != k]
                    for rectangle in rectangles(rest, exposed):
                        bounds = (*rectangle[:k], (value, value), *rectangle[k:])
                        faces.append(BoxFace(f"{axis}={_end(value)}", k, value, side, bounds))
        return tuple(faces)

    def during(self, axis: int, low: float, high: float) -> BoxDomain:
        """The part of the boxes from time `low` to time `high`."""
        return self & Box(dict(zip(self.coordinates, self.bounds, strict=True))).during(axis, low, high)

    def __repr__(self):
        boxes = (Box(dict(zip(self.coordinates, box, strict=True))) for box in self.boxes)
        return " | ".join(repr(box) for box in boxes)


def _interval(coordinate, ends) -> tuple[sympy.Expr, sympy.Expr]:
    try:
        low, high = (sympy.sympify(end) for end in ends)
        ordered = bool(sympy.And(low.is_finite, high.is_finite)) and float(low) < float(high)
    except (AttributeError, TypeError, ValueError, OverflowError, sympy.SympifyError):
        ordered = False
    if not ordered:
        raise ProblemError(
            f"`spd.Box` was given {coordinate}: {shown(ends)}, which is no interval; write two finite numbers with "
            f"low < high, `{coordinate}: (0, 1)`."
        )
    return low, high


def _combine(one: BoxDomain, other: BoxDomain, operation: str) -> BoxDomain:
    if one.coordinates != other.coordinates:
        raise ProblemError(
            f"`{one} {operation} {other}` joins domains of the coordinates {one.coordinates} and {other.coordinates}"
            f"{alike(one.coordinates, other.coordinates)}; both need the same coordinates in the same order."
        )
    cuts, _ = cells_of([*one.boxes, *other.boxes])
    middles = np.stack(np.meshgrid(*[np.convolve(c, [0.5, 0.5], "valid") for c in cuts], indexing="ij"), -1)
    in_one, in_other = (d.contains(middles.reshape(-1, len(cuts))).reshape(middles.shape[:-1]) for d in (one, other))
    filled = {"|": in_one | in_other, "-": in_one & ~in_other, "&": in_one & in_other}[operation]
    if not filled.any():
        raise ProblemError(
            f"`{one} {operation} {other}` is empty, and nothing can be solved on an empty domain; check the bounds."
        )
    return BoxUnion(one.coordinates, tuple(rectangles(cuts, filled)))
