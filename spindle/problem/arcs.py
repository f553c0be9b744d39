"""Boundaries in the plane: smooth directed arcs, cut where other boundaries cross them and joined to closed loops.

Every loop has the domain on its left, so that the outward normal is the tangent turned clockwise.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
import sympy
from scipy.spatial import cKDTree

Curve = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
Spacing = Callable[[np.ndarray], np.ndarray]

# A smaller turn is a vertex of a fine polyline, a larger one a corner that nodes must avoid.
CORNER = np.deg2rad(30)
_GAUSS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class Arc:
    """A smooth piece of a boundary.

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
        s = ends[:-1, None] + width * (1 + _GAUSS[0])
        speed = self.speed(s.ravel(), spacing).reshape(s.shape)
        return ends, np.concatenate([[0.0], np.cumsum((speed * _GAUSS[1] * abs(width)).sum(1))])

    def speed(self, s: np.ndarray, spacing: Spacing | None = None) -> np.ndarray:
        """Length a unit of the parameter (n,), in units of the spacing."""
        points, tangent, _ = self.curve(s)
        speed = np.linalg.norm(tangent, axis=1)
        return speed if spacing is None else speed / spacing(points)

    @cached_property
    def length(self) -> float:
        """Arc length."""
        return float(self.lengths()[1][-1])

    @cached_property
    def area(self) -> float:
        """Its share of the enclosed area, the integral of (x dy - y dx) / 2."""
        ends = np.linspace(self.start, self.end, self.panels + 1)
        width = np.diff(ends)[:, None] / 2
        points, tangent, _ = self.curve((ends[:-1, None] + width * (1 + _GAUSS[0])).ravel())
        swept = (points[:, 0] * tangent[:, 1] - points[:, 1] * tangent[:, 0]) / 2
        return float(np.sum(swept.reshape(-1, len(_GAUSS[0])) * _GAUSS[1] * width))

    def reversed(self) -> "Arc":
        """The same piece run through the other way, with the domain on its other side."""
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
    tables = [[sympy.lambdify(parameter, e.diff(parameter, k), "numpy") for e in at] for k in range(3)]

    def curve(s):
        x, first, second = (np.stack([np.broadcast_to(f(s), s.shape) for f in row], 1).astype(float) for row in tables)
        return x, first, second

    return Arc(curve, ends[0], ends[1], label, 256)


def why_not_simple(arc: Arc) -> str:
    """What keeps a curve from being smooth, closed and without crossings, as the end of a sentence; else nothing."""
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
    found = []
    for arc in (arc for loop in loops for arc in loop):
        s = np.linspace(arc.start, arc.end, 16 * arc.panels + 1)
        found.append(np.concatenate([arc.curve(s)[0], *(arc.curve(_flat(arc, s, k))[0] for k in (0, 1))]))
    points = np.concatenate(found)
    return tuple((float(low), float(high)) for low, high in zip(points.min(0), points.max(0), strict=True))


def _flat(arc: Arc, s: np.ndarray, axis: int) -> np.ndarray:
    """Parameters at which a coordinate stands still, by the secant method between samples."""
    slope = arc.curve(s)[1][:, axis]
    turn = np.flatnonzero(slope[1:] * slope[:-1] < 0)
    low, high, f_low, f_high = s[turn], s[turn + 1], slope[turn], slope[turn + 1]
    for _ in range(4):
        low, high, f_low = high, high - f_high * (high - low) / np.where(f_high == f_low, 1, f_high - f_low), f_high
        f_high = arc.curve(high)[1][:, axis]
    return np.clip(high, min(arc.start, arc.end), max(arc.start, arc.end))


# ------------------------------------------------------------------------------------------------------ distances


class Nearest:
    """Unsigned distances to a set of arcs.

    Chords of about equal length are found by their middles, and the arcs of the nearest few give the distance, by
    Newton's method where they are curved. Exact up to rounding near the boundary; farther off than three chords of
    a two-thousandth of its length, a re-entrant corner of very short arcs may be missed by half a chord.
    """

    def __init__(self, arcs: Sequence[Arc]):
        self.arcs = list(arcs)
        self.chord = sum(a.length for a in self.arcs) / 2000
        middles, owners, parameters = [], [], []
        for k, arc in enumerate(self.arcs):
            count = max(int(np.ceil(arc.length / self.chord)), 1 if _straight(arc) else 4 * arc.panels)
            s = arc.start + (np.arange(count) + 0.5) / count * (arc.end - arc.start)
            middles.append(arc.at(s)[0])
            owners.append(np.full(count, k))
            parameters.append(s)
        self.owner, self.parameter = np.concatenate(owners), np.concatenate(parameters)
        self.tree = cKDTree(np.concatenate(middles))
        ends = [a.at(np.array([a.start, a.end]))[0] for a in self.arcs]
        self.starts, self.steps = np.array([e[0] for e in ends]), np.array([e[1] - e[0] for e in ends])
        self.straight = np.array([_straight(a) for a in self.arcs])

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, 2), which must be finite."""
        best, farthest = self._among(points, 4)
        # Any other chord comes no nearer than the last middle seen, less half a chord.
        doubtful = (best < 3 * self.chord) & (best > farthest - self.chord / 2)
        if doubtful.any():
            best[doubtful], _ = self._among(points[doubtful], 24)
        return best

    def inner_side(self, points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """`inside` (n,), a guess by the polygon of chord middles, corrected where a point is near a single curve."""
        gap, chord = self.tree.query(points)
        near = np.flatnonzero(gap < 2 * self.chord)
        _, foot = _project(self.arcs[0], self.parameter[chord[near]], points[near])
        on, normal = self.arcs[0].at(foot)
        corrected = inside.copy()
        corrected[near] = ((points[near] - on) * normal).sum(1) <= 0
        return corrected

    def _among(self, points, count):
        """The smallest distance to the arcs of the `count` nearest chords, and the distance of the last middle."""
        middle, chord = self.tree.query(points, min(count, self.tree.n))
        owner, best = self.owner[chord], np.full(len(points), np.inf)
        for k in range(chord.shape[1]):
            mine = owner[:, k]
            flat = self.straight[mine] & (owner[:, :k] != mine[:, None]).all(1)
            best[flat] = np.minimum(best[flat], self._to_line(points[flat], mine[flat]))
            bent = ~self.straight[mine] & (owner[:, :k] != mine[:, None]).all(1)
            for j in np.unique(mine[bent]):
                own = np.flatnonzero(bent & (mine == j))
                reached, _ = _project(self.arcs[j], self.parameter[chord[own, k]], points[own])
                best[own] = np.minimum(best[own], reached)
        return best, middle[:, -1]

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
        gap, speed = on - points, (first**2).sum(1)
        distance = np.hypot(gap[:, 0], gap[:, 1])
        shortest, foot = np.minimum(shortest, distance), np.where(distance < shortest, s, foot)
        slope = np.maximum(speed + (gap * second).sum(1), 1e-3 * speed)
        s = s - ((gap * first).sum(1) / slope).clip(-step, step)
        if not ring:
            s = s.clip(low, high)
    return shortest, foot


def _is_ring(arc: Arc) -> bool:
    ends = arc.at(np.array([arc.start, arc.end]))[0]
    return bool(abs(ends[0] - ends[1]).max() < 1e-9 * arc.length)


# ---------------------------------------------------------------------------------------------------- combinations


def kept(arcs: Sequence[Arc], other: Callable, joined: Callable, size: float, *, drop_shared: bool) -> list[Arc]:
    """The parts of the arcs that bound a combination with another shape, turned where the domain changes sides.

    other        signed distance to the other shape, (n, 2) -> (n,), with slope at most one
    joined       (in the own shape, in the other shape) -> in the combination
    drop_shared  leave out parts that lie on the other boundary, which keeps them itself
    """
    middles = np.concatenate([a.at(np.array([(a.start + a.end) / 2]))[0] for a in arcs])
    near = np.abs(other(middles)) <= np.array([a.length for a in arcs])
    pieces = [piece for arc, close in zip(arcs, near, strict=True) for piece in (_cut(arc, other, size, close))]
    at = [a.at(np.array([(a.start + a.end) / 2])) for a in pieces]
    points, normals = (np.concatenate([p[k] for p in at]) for k in (0, 1))
    step = 1e-6 * size * normals
    within = joined(np.ones(len(points), bool), other(points - step) > 0)
    beyond = joined(np.zeros(len(points), bool), other(points + step) > 0)
    survive = within != beyond
    if drop_shared:
        survive &= np.abs(other(points)) > 1e-9 * size
    return [p if w else p.reversed() for p, w, s in zip(pieces, within, survive, strict=True) if s]


def _cut(arc: Arc, other: Callable, size: float, close: bool) -> list[Arc]:
    """The arc cut wherever it meets or leaves the other boundary."""
    if not close:
        return [arc]
    cuts = np.sort(_meetings(arc, other, size))
    # A root that a sample hits within the tolerance is found from both sides; it counts once, in the middle.
    tiny = 1e-7 * size / max(arc.length, 1e-300) * abs(arc.end - arc.start)
    groups = np.split(cuts, np.flatnonzero(np.diff(cuts) > tiny) + 1) if len(cuts) else []
    low, high = sorted((arc.start, arc.end))
    inner = [m for m in (float(g.mean()) for g in groups) if low + tiny < m < high - tiny]
    ends = [low, *inner, high] if arc.start < arc.end else [high, *inner[::-1], low]
    return [replace(arc, start=a, end=b) for a, b in itertools.pairwise(ends)]


def _meetings(arc: Arc, other: Callable, size: float) -> np.ndarray:
    """Parameters where the other distance changes sign, or becomes or ceases to be zero.

    Distances have slope at most one, so that an interval shorter than the distances at its ends has no root.
    """
    tolerance = 1e-9 * size

    def distance(s):
        return other(arc.at(s)[0])

    s = np.linspace(min(arc.start, arc.end), max(arc.start, arc.end), 8 * arc.panels + 1)
    low, high, d_low, d_high = s[:-1], s[1:], *(lambda d: (d[:-1], d[1:]))(distance(s))
    ratio = float(np.max(arc.speed(s))) * 1.5
    found = []
    while len(low):
        width = (high - low) * ratio
        middle = (low + high) / 2
        d_middle = distance(middle)
        shared = (abs(d_low) < tolerance) & (abs(d_middle) < tolerance) & (abs(d_high) < tolerance)
        open_ = (abs(d_low) + abs(d_high) <= width) & ~shared
        short = width < 1e-6 * size
        change = open_ & short & (_state(d_low, tolerance) != _state(d_high, tolerance))
        found.append(_bisect(distance, low[change], high[change], d_low[change], d_high[change], tolerance))
        go = open_ & ~short
        low, high = np.concatenate([low[go], middle[go]]), np.concatenate([middle[go], high[go]])
        d_low, d_high = np.concatenate([d_low[go], d_middle[go]]), np.concatenate([d_middle[go], d_high[go]])
    return np.concatenate(found) if found else np.zeros(0)


def _state(d, tolerance):
    return np.where(abs(d) < tolerance, 0, np.sign(d))


def _bisect(distance, low, high, d_low, d_high, tolerance):
    # Between inside and outside the root itself; between on and off the place where the tolerance is passed.
    cross = _state(d_low, tolerance) * _state(d_high, tolerance) < 0

    def state(d):
        return np.where(cross, np.sign(d), _state(d, tolerance))

    first = state(d_low)
    for _ in range(40 if len(low) else 0):
        middle = (low + high) / 2
        same = state(distance(middle)) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return (low + high) / 2


def relabelled(arc: Arc, label: str) -> Arc:
    """The arc as a piece of another side."""
    return replace(arc, label=label)


def loops(arcs: Sequence[Arc], size: float) -> tuple[Loop, ...]:
    """The arcs, each followed by the one that begins where it ends."""
    starts, ends = (np.concatenate([a.at(np.array([s]))[0] for a, s in pairs]) for pairs in _end_pairs(arcs))
    nearby = cKDTree(starts).query_ball_point(ends, 1e-5 * size)
    left = set(range(len(arcs)))
    found: list[Loop] = []
    while left:
        follow, loop = [min(left)], list[Arc]()
        while follow:
            left.discard(follow[0])
            loop.append(arcs[follow[0]])
            follow = [j for j in nearby[follow[0]] if j in left]
        found.append(tuple(loop))
    return tuple(found)


def _end_pairs(arcs):
    return [(a, a.start) for a in arcs], [(a, a.end) for a in arcs]


# ----------------------------------------------------------------------------------------------------------- nodes


@dataclass(frozen=True)
class _Chain:
    """Arcs without a corner between them; nodes keep `gaps` spacings from the first and the last end."""

    arcs: Loop
    gaps: tuple[float, float] | None  # None: a closed curve without any corner
    tables: tuple[tuple[np.ndarray, np.ndarray], ...]  # `Arc.lengths` of each arc

    @property
    def length(self) -> float:
        return float(sum(t[1][-1] for t in self.tables))

    def ideal(self, scale: float) -> float:
        """How many nodes it should have at `scale` times the spacing."""
        wanted = self.length / scale
        return wanted if self.gaps is None else wanted - sum(self.gaps) + 1

    def nodes(self, count: int, spacing: Spacing | None):
        """Points, normals and labels of `count` nodes."""
        if self.gaps is None:
            where = np.arange(count) * (self.length / count)
        else:
            where = (self.gaps[0] + np.arange(count)) * (self.length / (sum(self.gaps) + count - 1))
        bounds = np.cumsum([0.0, *(t[1][-1] for t in self.tables)])
        owner = (np.searchsorted(bounds, where, "right") - 1).clip(0, len(self.arcs) - 1)
        found = []
        for k in np.unique(owner):
            s = _parameters(self.arcs[k], self.tables[k], where[owner == k] - bounds[k], spacing)
            found.append((*self.arcs[k].at(s), [self.arcs[k].label] * len(s)))
        return found


def _parameters(arc: Arc, table, lengths, spacing) -> np.ndarray:
    """Parameters at which the arc has the given lengths: Newton's method, from the end of a panel each."""
    ends, until = table
    start = (np.searchsorted(until, lengths, "right") - 1).clip(0, len(ends) - 2)
    s = np.interp(lengths, until, ends)
    for _ in range(6):
        half = (s - ends[start])[:, None] / 2
        between = ends[start][:, None] + half * (1 + _GAUSS[0])
        reached = until[start] + (
            arc.speed(between.ravel(), spacing).reshape(between.shape) * _GAUSS[1] * abs(half)
        ).sum(1)
        step = (lengths - reached) / arc.speed(s, spacing) * np.sign(arc.end - arc.start)
        s = np.clip(s + step, np.minimum(ends[start], ends[start + 1]), np.maximum(ends[start], ends[start + 1]))
    return s


def nodes(loops: Sequence[Loop], spacing: Spacing | float, count: int | None = None):
    """Nodes at equal steps of length, in units of the spacing, away from corners.

    spacing  a number, or points (n, 2) -> local spacings (n,)
    count    exactly that many nodes, shared among the chains in proportion; the spacing is then relative
    returns  points (m, 2), unit outward normals (m, 2), names of the sides (m,)
    """
    local = spacing if callable(spacing) else None
    unit = 1.0 if callable(spacing) else float(spacing)
    chains = [chain for loop in loops for chain in _chains(loop, local, unit)]
    counts = [_rounded(c, unit) for c in chains] if count is None else _shared(chains, count)
    found = [part for c, n in zip(chains, counts, strict=True) if n for part in c.nodes(n, local)]
    points, normals, labels = zip(*found, strict=True)
    return np.concatenate(points), np.concatenate(normals), [name for part in labels for name in part]


def _rounded(chain: _Chain, scale: float) -> int:
    return max(3 if chain.gaps is None else 1, int(np.floor(chain.ideal(scale) + 0.5)))


def _shared(chains: Sequence[_Chain], count: int) -> list[int]:
    """How many of `count` nodes each chain gets: the scale by bisection, the last few by their remainders."""
    total = sum(c.length for c in chains)
    low, high = 0.01 * total / count, 100 * total / count
    for _ in range(60):
        scale = (low * high) ** 0.5
        low, high = (scale, high) if sum(_rounded(c, scale) for c in chains) > count else (low, scale)
    counts = [_rounded(c, high) for c in chains]
    order = sorted(range(len(chains)), key=lambda k: counts[k] - chains[k].ideal(high))
    missing = count - sum(counts)
    for k in range(abs(missing)):
        counts[order[k % len(order)]] += int(np.sign(missing))
    return counts


def _chains(loop: Loop, spacing: Spacing | None, unit: float) -> list[_Chain]:
    turns = _turns(loop)
    corners = [k for k, turn in enumerate(turns) if turn > CORNER]  # between arc k - 1 and arc k
    tables = [a.lengths(spacing, None if spacing is None else max(16, a.panels)) for a in loop]
    if not corners:
        return [_Chain(loop, None, tuple(tables))]
    groups = [
        [j % len(loop) for j in range(a, b)]
        for a, b in zip(corners, [*corners[1:], corners[0] + len(loop)], strict=True)
    ]
    size = [sum(tables[j][1][-1] for j in group) for group in groups]
    while len(groups) > 1 and min(size) < 0.6 * unit:  # too short for a node of its own: its corner is rounded off
        k = int(np.argmin(size))
        to = (k - 1) % len(groups) if size[k - 1] <= size[(k + 1) % len(groups)] else (k + 1) % len(groups)
        first, second = (k, to) if to == (k + 1) % len(groups) and len(groups) > 2 else (to, k)
        groups[first] = groups[first] + groups[second]
        size[first] += size[second]
        del groups[second], size[second]
    return [
        _Chain(
            tuple(loop[j] for j in group),
            (_gap(turns[group[0]]), _gap(turns[(group[-1] + 1) % len(loop)])),
            tuple(tables[j] for j in group),
        )
        for group in groups
    ]


def _turns(loop: Loop) -> np.ndarray:
    """The angle between each arc and the one before it."""
    before = np.concatenate([a.at(np.array([a.end]))[1] for a in loop])
    after = np.concatenate([a.at(np.array([a.start]))[1] for a in loop])
    return np.arccos((np.roll(before, 1, axis=0) * after).sum(1).clip(-1, 1))


def _gap(turn: float) -> float:
    """Spacings from a corner to its first node: half a one, more where two sides meet at a sharp angle."""
    return float((0.35 / max(np.cos(turn / 2), 1e-3)).clip(0.5, 1.5))
