"""Pieces of boundaries in the plane: smooth directed arcs, which loops join, and distances to them.

Every loop has the domain on its left, so that the outward normal is the tangent turned clockwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
from scipy.spatial import cKDTree

from spindle.symbolic.functions import evaluated

Curve = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
Spacing = Callable[[np.ndarray], np.ndarray]

_FEWEST = 2  # panels of a curved arc; a single one is a segment
_MORE = 6  # times as many chords are looked at where those seen leave doubts

GAUSS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class Arc:
    """A smooth directed piece of a boundary in the plane.

    curve     parameters (n,) -> points, first and second derivatives, (n, 2) each
    start     parameter where the arc begins; `end` may be smaller, then it runs backwards
    label     name of the side that it belongs to
    panels    equal parts of the parameter range in which 8-point Gauss quadrature is exact up to rounding
    """

    curve: Curve
    start: float
    end: float
    label: str
    panels: int

    def at(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 2) and unit outward normals (n, 2) at parameters (n,)."""
        points, tangent, _ = self.curve(np.asarray(s, float))
        tangent = tangent * np.sign(self.end - self.start) / np.linalg.norm(tangent, axis=1, keepdims=True)
        return points, np.stack([tangent[:, 1], -tangent[:, 0]], 1)

    def lengths(self, spacing: Spacing | None = None, panels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Ends (m,) of the panels, as parameters, and the length from the start to each, in units of the spacing."""
        ends = np.linspace(self.start, self.end, (panels or self.panels) + 1)
        width = np.diff(ends)[:, None] / 2
        s = ends[:-1, None] + width * (1 + GAUSS[0])
        speed = self.speed(s.ravel(), spacing).reshape(s.shape)
        return ends, np.concatenate([[0.0], np.cumsum((speed * GAUSS[1] * abs(width)).sum(1))])

    def speed(self, s: np.ndarray, spacing: Spacing | None = None) -> np.ndarray:
        """Length a unit of the parameter (n,), in units of the spacing."""
        points, tangent, _ = self.curve(s)
        speed = np.linalg.norm(tangent, axis=1)
        return speed if spacing is None else speed / spacing(points)

    @cached_property
    def length(self) -> float:
        """The length of the arc."""
        return float(self.lengths()[1][-1])

    @cached_property
    def area(self) -> float:
        """The integral of (x dy - y dx) / 2 along the arc; summed over the loops it is the enclosed area."""
        ends = np.linspace(self.start, self.end, self.panels + 1)
        width = np.diff(ends)[:, None] / 2
        points, tangent, _ = self.curve((ends[:-1, None] + width * (1 + GAUSS[0])).ravel())
        swept = (points[:, 0] * tangent[:, 1] - points[:, 1] * tangent[:, 0]) / 2
        return float(np.sum(swept.reshape(-1, len(GAUSS[0])) * GAUSS[1] * width))

    @cached_property
    def middle(self) -> tuple[np.ndarray, np.ndarray]:
        """The point (1, 2) halfway along the parameter and the normal (1, 2) there."""
        return self.at(np.array([(self.start + self.end) / 2]))

    @cached_property
    def tips(self) -> tuple[np.ndarray, np.ndarray]:
        """The points (2, 2) where the arc begins and ends, and the normals (2, 2) there."""
        return self.at(np.array([self.start, self.end]))

    @cached_property
    def box(self) -> np.ndarray:
        """Corners (2, 2), low and high, of the smallest box around the arc."""
        s = np.linspace(self.start, self.end, 16 * self.panels + 1)
        points, slopes, _ = self.curve(s)
        turning = np.concatenate([_flat(self, s, slopes[:, k], k) for k in (0, 1)])
        points = np.concatenate([points, self.curve(turning)[0]])
        return np.stack([points.min(0), points.max(0)])

    def part(self, start: float, end: float) -> "Arc":
        """The piece between two parameters, with as many panels as its share of the parameter range needs."""
        share = abs((end - start) / (self.end - self.start))
        panels = 1 if _straight(self) else max(_FEWEST, int(np.ceil(share * self.panels)))
        return replace(self, start=start, end=end, panels=panels)

    def reversed(self) -> "Arc":
        """The same arc run through from its end to its start, so that the domain lies on its other side."""
        return replace(self, start=self.end, end=self.start)


Loop = tuple[Arc, ...]


def line(p, q, label: str) -> Arc:
    """The segment from p to q."""
    p, step = np.asarray(p, float), np.asarray(q, float) - p

    def curve(s):
        return p + s[:, None] * step, np.tile(step, (len(s), 1)), np.zeros((len(s), 2))

    return Arc(curve, 0.0, 1.0, label, 1)


def oval(centre, axes, angle: float, label: str) -> Arc:
    """The ellipse with the given half axes, turned by `angle`, counter-clockwise from the end of its first axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]]) * np.asarray(axes, float)[:, None]

    def curve(s):
        spin = np.stack([np.cos(s), np.sin(s)], 1)
        return centre + spin @ turn, np.stack([-spin[:, 1], spin[:, 0]], 1) @ turn, -spin @ turn

    panels = int(16 * max(1.0, max(axes) / min(axes)))
    return Arc(curve, 0.0, 2 * np.pi, label, panels)


def parametric(at, parameter, ends, label: str) -> Arc:
    """The curve of two SymPy expressions of a parameter, from one end of its range to the other."""
    rows = [e.diff(parameter, k) for k in range(3) for e in at]

    def curve(s):
        values = [np.broadcast_to(value, s.shape) for value in evaluated(rows, {parameter: s})]
        x, first, second = (np.stack(values[k : k + 2], 1).astype(float) for k in (0, 2, 4))
        return x, first, second

    return Arc(curve, ends[0], ends[1], label, 256)


def why_not_simple(arc: Arc) -> str:
    """What keeps a curve from being smooth, closed and free of crossings, as the end of a sentence; else empty."""
    with np.errstate(all="ignore"):
        points, first, second = arc.curve(np.linspace(arc.start, arc.end, 8 * arc.panels + 1))
    if not all(np.isfinite(values).all() for values in (points, first, second)):
        return "is not finite everywhere"
    size = float(np.ptp(points, axis=0).max())
    if abs(points[0] - points[-1]).max() > 1e-9 * size:
        return f"is open, its ends {np.round(points[0], 6).tolist()} and {np.round(points[-1], 6).tolist()} do not meet"
    speed = np.linalg.norm(first, axis=1)
    if speed.min() < 1e-6 * speed.max():
        return "stands still at some value of its parameter"
    tangent = first / speed[:, None]
    if min((tangent[1:] * tangent[:-1]).sum(1).min(), tangent[0] @ tangent[-1]) < 0.9:
        return "has a corner"
    return "" if shapely.LinearRing(points[:-1]).is_simple else "crosses itself"


def extent(loops: Sequence[Loop]) -> tuple[tuple[float, float], ...]:
    """The smallest box around the loops, a (low, high) pair an axis."""
    points = np.concatenate([arc.box for loop in loops for arc in loop])
    return tuple((float(low), float(high)) for low, high in zip(points.min(0), points.max(0), strict=True))


def _flat(arc: Arc, s: np.ndarray, slope: np.ndarray, axis: int) -> np.ndarray:
    """Parameters at which a coordinate of the arc is stationary, by the secant method between samples of its slope."""
    turn = np.flatnonzero(slope[1:] * slope[:-1] < 0)
    low, high, f_low, f_high = s[turn], s[turn + 1], slope[turn], slope[turn + 1]
    for _ in range(4):
        low, high, f_low = high, high - f_high * (high - low) / np.where(f_high == f_low, 1, f_high - f_low), f_high
        f_high = arc.curve(high)[1][:, axis]
    return np.clip(high, min(arc.start, arc.end), max(arc.start, arc.end))


# ------------------------------------------------------------------------------------------------------ distances


class Nearest:
    """Unsigned distances to a set of arcs.

    Chords of about equal length are looked up by their middles, and the arcs of the nearest few give the distance, by
    Newton's method where they are curved. Exact up to rounding near the boundary; farther off than three chords of
    a two-thousandth of its length, a re-entrant corner of very short arcs may be missed by half a chord.
    """

    def __init__(self, arcs: Sequence[Arc]):
        self.arcs = list(arcs)
        self.chord = sum(a.length for a in self.arcs) / 2000
        middles, owners, parameters, steps = [], [], [], []
        for k, arc in enumerate(self.arcs):
            count = max(int(np.ceil(arc.length / self.chord)), 1 if _straight(arc) else 4 * arc.panels)
            s = arc.start + (np.arange(count) + 0.5) / count * (arc.end - arc.start)
            middles.append(arc.at(s)[0])
            steps.append(np.linalg.norm(np.diff(middles[-1], axis=0), axis=1).max() if count > 1 else arc.length)
            owners.append(np.full(count, k))
            parameters.append(s)
        self.owner, self.parameter = np.concatenate(owners), np.concatenate(parameters)
        self.tree = cKDTree(np.concatenate(middles))
        self.reach = max(steps)  # no point of an arc is farther from the nearest middle
        ends = [a.tips[0] for a in self.arcs]
        self.starts, self.steps = np.array([e[0] for e in ends]), np.array([e[1] - e[0] for e in ends])
        self.straight = np.array([_straight(a) for a in self.arcs])

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 2), which must be finite."""
        count, doubtful = 4, np.arange(len(points))
        best = np.zeros(len(points))
        while len(doubtful):
            nearest, farthest = self._among(points[doubtful], count)
            best[doubtful] = nearest
            # Any other chord comes no nearer than the last middle seen, less half a chord.
            more = (nearest < 3 * self.chord) & (nearest > farthest - self.chord / 2)
            doubtful = doubtful[more] if count < self.tree.n else doubtful[:0]
            count *= _MORE
        return best

    def touches(self, points: np.ndarray, tolerance: float) -> np.ndarray:
        """Whether each of the points (n, 2), which must be finite, is within the tolerance of an arc; (n,)."""
        gap, _ = self.tree.query(points, distance_upper_bound=self.reach + tolerance)
        touching = np.isfinite(gap)
        touching[touching] = self.distance(points[touching]) <= tolerance
        return touching

    def inner_side(self, points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Whether each point is inside, (n,): the guess `inside`, corrected near the curve, if it is a single one."""
        gap, chord = self.tree.query(points)
        near = np.flatnonzero(gap < 2 * self.chord)
        _, foot = _project(self.arcs[0], self.parameter[chord[near]], points[near])
        on, normal = self.arcs[0].at(foot)
        corrected = inside.copy()
        corrected[near] = ((points[near] - on) * normal).sum(1) <= 0
        return corrected

    def _among(self, points, count):
        """The distance to the arcs of the `count` nearest chords, and that to the middle of the last chord."""
        middle, chord = self.tree.query(points, min(count, self.tree.n))
        # Chords come by distance: of several of one arc, the first is the nearest.
        order = np.argsort(self.owner[chord], axis=1, kind="stable")
        chord = np.take_along_axis(chord, order, 1)
        owner = self.owner[chord]
        first = np.ones(chord.shape, bool)
        first[:, 1:] = owner[:, 1:] != owner[:, :-1]
        row, mine, begin = np.nonzero(first)[0], owner[first], self.parameter[chord[first]]
        gap, flat = np.empty(len(row)), self.straight[mine]
        gap[flat] = self._to_line(points[row[flat]], mine[flat])
        by_arc = np.flatnonzero(~flat)[np.argsort(mine[~flat], kind="stable")]
        for group in np.split(by_arc, np.flatnonzero(np.diff(mine[by_arc])) + 1) if len(by_arc) else ():
            gap[group], _ = _project(self.arcs[mine[group[0]]], begin[group], points[row[group]])
        counts = first.sum(1)
        return np.minimum.reduceat(gap, np.cumsum(counts) - counts), middle[:, -1]

    def _to_line(self, points, owner):
        gap, step = points - self.starts[owner], self.steps[owner]
        along = ((gap * step).sum(1) / np.maximum((step**2).sum(1), 1e-300)).clip(0, 1)
        return np.linalg.norm(gap - along[:, None] * step, axis=1)


def _straight(arc: Arc) -> bool:
    return arc.panels == 1


def _project(arc: Arc, s: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n,) of the points from the arc, and their feet (n,), by Newton's method from the parameters s."""
    low, high = sorted((arc.start, arc.end))
    step = (high - low) / arc.panels / 4
    shortest, foot = np.full(len(s), np.inf), s
    ring = _is_ring(arc)
    for _ in range(5):
        on, first, second = arc.curve(s)
        gap, speed = on - points, _dot(first, first)
        distance = np.hypot(gap[:, 0], gap[:, 1])
        shortest, foot = np.minimum(shortest, distance), np.where(distance < shortest, s, foot)
        slope = np.maximum(speed + _dot(gap, second), 1e-3 * speed)
        s = s - (_dot(gap, first) / slope).clip(-step, step)
        if not ring:
            s = s.clip(low, high)
    return shortest, foot


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The products (n,) of vectors (n, 2); NumPy takes several times as long for a sum over so short an axis."""
    return one[:, 0] * other[:, 0] + one[:, 1] * other[:, 1]


def _is_ring(arc: Arc) -> bool:
    ends, _ = arc.tips
    return bool(abs(ends[0] - ends[1]).max() < 1e-9 * arc.length)
