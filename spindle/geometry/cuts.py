"""Arcs in the plane cut where other boundaries cross them, and joined to the loops of a combination.

All arcs of a boundary are cut at once: what costs is the number of times that a distance is asked for, not at how many
points.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from spindle.geometry.arcs import Arc, Loop

Distance = Callable[[np.ndarray], np.ndarray]

_PARTS = 16  # that an interval is cut into where it may hold a meeting
_SHORTEST = 1e-6  # of the size: intervals in which at most one meeting is looked for
_ON = 1e-9  # of the size: closer to a boundary is on it
_ONE = 1e-7  # of the size: meetings that are closer count once
_GLANCING = 1e-3  # of the size: the longest piece on the other boundary that may be a crossing
_PASSES = 10  # cuts into parts that find where the tolerance is passed, up to rounding
_IDLE = 3  # steps without a better root, after which there is none


def kept(arcs: Sequence[Arc], other: Distance, joined: Callable, size: float, *, drop_shared: bool) -> list[Arc]:
    """The parts of the arcs that bound a combination with another shape, turned where the domain changes sides.

    other        signed distance to the other shape, (n, 2) -> (n,), with slope at most one
    joined       (inside this shape, inside the other) -> inside the combination
    drop_shared  leave out parts that lie on the other boundary, which keeps them itself
    """
    middles = np.concatenate([a.middle[0] for a in arcs])
    near = np.abs(other(middles)) <= np.array([a.length for a in arcs])
    cut = iter(_cut([a for a, close in zip(arcs, near, strict=True) if close], other, size))
    pieces = [piece for arc, close in zip(arcs, near, strict=True) for piece in (next(cut) if close else [arc])]
    points, normals = (np.concatenate([piece.middle[k] for piece in pieces]) for k in (0, 1))
    step = 1e-6 * size * normals
    within = joined(np.ones(len(points), bool), other(points - step) > 0)
    beyond = joined(np.zeros(len(points), bool), other(points + step) > 0)
    survive = within != beyond
    if drop_shared:
        survive &= np.abs(other(points)) > _ON * size
    return [p if w else p.reversed() for p, w, s in zip(pieces, within, survive, strict=True) if s]


def relabelled(arc: Arc, label: str) -> Arc:
    """The same arc under the name of another side."""
    return arc if arc.label == label else replace(arc, label=label)


def joined(arcs: Sequence[Arc], size: float) -> tuple[Loop, ...]:
    """The loops that the arcs make, each arc followed by the one that begins where it ends."""
    tips = np.stack([a.tips[0] for a in arcs])
    starts, ends = tips[:, 0], tips[:, 1]
    nearby = cKDTree(starts).query_ball_point(ends, 1e-5 * size)
    left = set(range(len(arcs)))
    loops: list[Loop] = []
    while left:
        follow, loop = [min(left)], list[Arc]()
        while follow:
            left.discard(follow[0])
            loop.append(arcs[follow[0]])
            follow = [j for j in nearby[follow[0]] if j in left]
        loops.append(tuple(loop))
    return tuple(loops)


# ----------------------------------------------------------------------------------------------------------- cuts


def _cut(arcs: Sequence[Arc], other: Distance, size: float) -> list[list[Arc]]:
    """The pieces of each arc, which is cut wherever it meets or leaves the other boundary."""
    if not arcs:
        return []
    owner, meetings = _Crossed(arcs, other, size).meetings()
    return [_pieces(arc, np.sort(meetings[owner == k]), size) for k, arc in enumerate(arcs)]


def _pieces(arc: Arc, cuts: np.ndarray, size: float) -> list[Arc]:
    # A root that a sample hits within the tolerance appears on both sides; it counts once, in the middle.
    tiny = _ONE * size / max(arc.length, 1e-300) * abs(arc.end - arc.start)
    groups = np.split(cuts, np.flatnonzero(np.diff(cuts) > tiny) + 1) if len(cuts) else []
    low, high = sorted((arc.start, arc.end))
    inner = [m for m in (float(g.mean()) for g in groups) if low + tiny < m < high - tiny]
    if not inner:
        return [arc]
    ends = [arc.start, *(inner if arc.start < arc.end else inner[::-1]), arc.end]
    return [arc.part(a, b) for a, b in itertools.pairwise(ends)]


class _Crossed:
    """Arcs beside another boundary; places on them are pairs of the number of the arc, ascending, and a parameter."""

    def __init__(self, arcs: Sequence[Arc], other: Distance, size: float):
        self.arcs, self.other, self.size, self.tolerance = arcs, other, size, _ON * size

    def distance(self, owner: np.ndarray, s: np.ndarray) -> np.ndarray:
        """The signed distance of places from the other boundary."""
        if not len(s):
            return np.zeros(0)
        bounds = np.flatnonzero(np.r_[True, np.diff(owner) > 0, True])
        parts = itertools.pairwise(bounds)
        return self.other(np.concatenate([self.arcs[owner[a]].curve(s[a:b])[0] for a, b in parts]))

    def meetings(self) -> tuple[np.ndarray, np.ndarray]:
        """Places where the other distance changes sign, or becomes or ceases to be zero.

        Distances have slope at most one, so that an interval shorter than the distances at its ends has no root.
        """
        owner, ends, gaps, speed = self._sampled()
        meetings = [(np.zeros(0, int), np.zeros(0))]
        while len(owner):
            width = (ends[1] - ends[0]) * speed[owner]
            open_ = abs(gaps).sum(0) <= width
            short = open_ & (width < _SHORTEST * self.size)
            changes = short & (self._state(gaps[0]) != self._state(gaps[1]))
            meetings.append(self._met(owner[changes], ends[:, changes], gaps[:, changes]))
            go = open_ & ~short
            owner, ends, gaps = self._divided(owner[go], ends[:, go], gaps[:, go])
        owner, places = map(np.concatenate, zip(*meetings, strict=True))
        order = np.lexsort((places, owner))
        return self._glancing(owner[order], places[order], speed)

    def _glancing(self, owner, places, speed) -> tuple[np.ndarray, np.ndarray]:
        """The meetings, ascending, of which two become one where the arc crosses at a very small angle.

        There the tolerance is passed long before the crossing, and again long after it; on the way between the
        distance goes from one sign to the other, which on a part that both boundaries share it is too small for.
        """
        pair = np.flatnonzero(np.diff(owner) == 0)
        low, high = places[pair], places[pair + 1]
        pair = pair[(high - low) * speed[owner[pair]] < _GLANCING * self.size]
        mine, low, high = owner[pair], places[pair], places[pair + 1]
        ends = np.stack([0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high])
        gaps = np.stack([self.distance(mine, s) for s in ends])
        size = abs(gaps) / self.tolerance
        crosses = (gaps[0] * gaps[1] < 0) & (size.min(0) > 0.1) & (size.max(0) < 1)
        places, pair = places.copy(), pair[crosses]
        places[pair] = self._roots(mine[crosses], ends[:, crosses], gaps[:, crosses])
        return np.delete(owner, pair + 1), np.delete(places, pair + 1)

    def _sampled(self):
        """Arcs, ends (2, n) and distances there (2, n) of the intervals to begin with; a bound of each arc's speed."""
        grids = [np.linspace(min(a.start, a.end), max(a.start, a.end), 8 * a.panels + 1) for a in self.arcs]
        owner, nodes = np.repeat(np.arange(len(grids)), [len(grid) for grid in grids]), np.concatenate(grids)
        gaps, within = self.distance(owner, nodes), np.diff(owner) == 0
        ends, gaps = (np.stack([values[:-1][within], values[1:][within]]) for values in (nodes, gaps))
        speed = 1.5 * np.array([a.speed(grid).max() for a, grid in zip(self.arcs, grids, strict=True)])
        return owner[:-1][within], ends, gaps, speed

    def _state(self, gap: np.ndarray) -> np.ndarray:
        """1 inside, -1 outside, 0 on the other boundary."""
        return np.where(abs(gap) < self.tolerance, 0, np.sign(gap))

    def _divided(self, owner, ends, gaps):
        """The parts of intervals with the distances at their ends, but for intervals that lie on the other boundary."""
        places = ends[0] + np.linspace(0, 1, _PARTS + 1)[:, None] * (ends[1] - ends[0])
        inner = self.distance(np.repeat(owner, _PARTS - 1), places[1:-1].T.ravel())
        distances = np.vstack([gaps[:1], inner.reshape(-1, _PARTS - 1).T, gaps[1:]])
        apart = (abs(distances) >= self.tolerance).any(0)
        parts = [
            np.stack([values[:-1, apart].T.ravel(), values[1:, apart].T.ravel()]) for values in (places, distances)
        ]
        return np.repeat(owner[apart], _PARTS), *parts

    def _met(self, owner, ends, gaps) -> tuple[np.ndarray, np.ndarray]:
        """The root between inside and outside; between on and off the boundary, where the tolerance is passed."""
        crosses = self._state(gaps[0]) * self._state(gaps[1]) < 0
        places = np.zeros(len(owner))
        places[crosses] = self._roots(owner[crosses], ends[:, crosses], gaps[:, crosses])
        places[~crosses] = self._passed(owner[~crosses], ends[:, ~crosses], gaps[0, ~crosses])
        return owner, places

    def _roots(self, owner, ends, gaps) -> np.ndarray:
        """Roots between places of different sign, by the Illinois rule: secants, an end that stays counting by half."""
        (low, high), (d_low, d_high) = ends, gaps
        best, smallest, idle = low, abs(d_low), 0
        while len(owner) and idle < _IDLE and smallest.max() > 0:
            s = high - d_high * (high - low) / (d_high - d_low)
            d = self.distance(owner, s)
            better = abs(d) < smallest
            best, smallest = np.where(better, s, best), np.minimum(smallest, abs(d))
            idle = 0 if better.any() else idle + 1
            turned = d * d_high < 0
            low, d_low = np.where(turned, high, low), np.where(turned, d_high, d_low / 2)
            high, d_high = s, d
        return best

    def _passed(self, owner, ends, first) -> np.ndarray:
        """Where the state ceases to be that of the first end."""
        low, high = ends
        state = self._state(first)
        for _ in range(_PASSES if len(owner) else 0):
            places = low + np.linspace(0, 1, _PARTS + 1)[:, None] * (high - low)
            inner = self.distance(np.repeat(owner, _PARTS - 1), places[1:-1].T.ravel())
            other = np.vstack([self._state(inner.reshape(-1, _PARTS - 1).T) != state, np.ones(len(owner), bool)])
            part, every = other.argmax(0), np.arange(len(owner))
            low, high = places[part, every], places[part + 1, every]
        return (low + high) / 2
