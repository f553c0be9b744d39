"""Outlines in the plane: arcs cut where other boundaries cross them, joined to loops, and nodes along these."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize.elementwise import find_root
from scipy.spatial import cKDTree

from spindle.geometry.arcs import GAUSS, Arc, Loop, Spacing

# A smaller turn is a vertex of a fine polyline, a larger one a corner that nodes must avoid.
CORNER = np.deg2rad(30)


# ---------------------------------------------------------------------------------------------------- combinations


def kept(arcs: Sequence[Arc], other: Callable, joined: Callable, size: float, *, drop_shared: bool) -> list[Arc]:
    """The parts of the arcs that bound a combination with another shape, turned where the domain changes sides.

    other        signed distance to the other shape, (n, 2) -> (n,), with slope at most one
    joined       (inside this shape, inside the other) -> inside the combination
    drop_shared  leave out parts that lie on the other boundary, which keeps them itself
    """
    middles = np.concatenate([a.middle[0] for a in arcs])
    near = np.abs(other(middles)) <= np.array([a.length for a in arcs])
    pieces = [piece for arc, close in zip(arcs, near, strict=True) for piece in (_cut(arc, other, size, close))]
    points, normals = (np.concatenate([piece.middle[k] for piece in pieces]) for k in (0, 1))
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
    # A root that a sample hits within the tolerance appears on both sides; it counts once, in the middle.
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
    meetings = []
    while len(low):
        width = (high - low) * ratio
        middle = (low + high) / 2
        d_middle = distance(middle)
        shared = (abs(d_low) < tolerance) & (abs(d_middle) < tolerance) & (abs(d_high) < tolerance)
        open_ = (abs(d_low) + abs(d_high) <= width) & ~shared
        short = width < 1e-6 * size
        change = open_ & short & (_state(d_low, tolerance) != _state(d_high, tolerance))
        meetings.append(_roots(distance, low[change], high[change], d_low[change], d_high[change], tolerance))
        go = open_ & ~short
        low, high = np.concatenate([low[go], middle[go]]), np.concatenate([middle[go], high[go]])
        d_low, d_high = np.concatenate([d_low[go], d_middle[go]]), np.concatenate([d_middle[go], d_high[go]])
    return np.concatenate(meetings) if meetings else np.zeros(0)


def _state(d, tolerance):
    return np.where(abs(d) < tolerance, 0, np.sign(d))


def _roots(distance, low, high, d_low, d_high, tolerance):
    """The root between inside and outside; between on and off the boundary, the place where the tolerance is passed."""
    first, last = _state(d_low, tolerance), _state(d_high, tolerance)
    cross = first * last < 0
    roots = np.zeros(len(low))
    if cross.any():
        roots[cross] = find_root(distance, (low[cross], high[cross])).x
    low, high, first = low[~cross], high[~cross], first[~cross]
    for _ in range(40 if len(low) else 0):
        middle = (low + high) / 2
        same = _state(distance(middle), tolerance) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    roots[~cross] = (low + high) / 2
    return roots


def relabelled(arc: Arc, label: str) -> Arc:
    """The same arc under the name of another side."""
    return replace(arc, label=label)


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
        groups = []
        for k in np.unique(owner):
            s = _parameters(self.arcs[k], self.tables[k], where[owner == k] - bounds[k], spacing)
            groups.append((*self.arcs[k].at(s), [self.arcs[k].label] * len(s)))
        return groups


def _parameters(arc: Arc, table, lengths, spacing) -> np.ndarray:
    """Parameters at which the arc has the given lengths: Newton's method, from the end of a panel each."""
    ends, until = table
    start = (np.searchsorted(until, lengths, "right") - 1).clip(0, len(ends) - 2)
    s = np.interp(lengths, until, ends)
    for _ in range(6):
        half = (s - ends[start])[:, None] / 2
        between = ends[start][:, None] + half * (1 + GAUSS[0])
        reached = until[start] + (
            arc.speed(between.ravel(), spacing).reshape(between.shape) * GAUSS[1] * abs(half)
        ).sum(1)
        step = (lengths - reached) / arc.speed(s, spacing) * np.sign(arc.end - arc.start)
        s = np.clip(s + step, np.minimum(ends[start], ends[start + 1]), np.maximum(ends[start], ends[start + 1]))
    return s


def nodes(
    loops: Sequence[Loop], spacing: Spacing | float, count: int | None = None, sides: Sequence[str] | None = None
):
    """Nodes at equal steps of length, in units of the spacing, away from corners.

    spacing  a number, or points (n, 2) -> local spacings (n,)
    count    exactly that many nodes, shared among the chains in proportion; the spacing is then relative
    sides    only chains that contain a piece of these; None: all
    returns  points (m, 2), unit outward normals (m, 2), names of the sides (m,)
    """
    local = spacing if callable(spacing) else None
    unit = 1.0 if callable(spacing) else float(spacing)
    wanted = [loop for loop in loops if _contains_piece(loop, sides)]
    chains = [c for loop in wanted for c in _chains(loop, local, unit) if _contains_piece(c.arcs, sides)]
    counts = [_rounded(c, unit) for c in chains] if count is None else _shared(chains, count)
    parts = [part for c, n in zip(chains, counts, strict=True) if n for part in c.nodes(n, local)]
    points, normals, labels = zip(*parts, strict=True)
    return np.concatenate(points), np.concatenate(normals), [name for part in labels for name in part]


def _contains_piece(arcs: Loop, sides: Sequence[str] | None) -> bool:
    return sides is None or any(arc.label in sides for arc in arcs)


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
    while len(groups) > 1 and min(size) < 0.6 * unit:  # too short for any node: its corner is rounded off
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
    """The angle of each corner, between an arc of a loop and the one before it."""
    after, before = np.stack([a.tips[1] for a in loop], 1)
    return np.arccos((np.roll(before, 1, axis=0) * after).sum(1).clip(-1, 1))


def reentrant(loops: Sequence[Loop]) -> np.ndarray:
    """The corners (k, 2) at which the domain is wider than a half plane: solutions are singular there."""
    found = [_reentrant(loop) for loop in loops]
    return np.concatenate(found) if found else np.zeros((0, 2))


def _reentrant(loop: Loop) -> np.ndarray:
    after, before = np.stack([a.tips[1] for a in loop], 1)
    before = np.roll(before, 1, axis=0)
    # The domain is on the left: the boundary turns clockwise, and its normals with it, where the domain is wide.
    clockwise = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] <= 0
    return np.stack([a.tips[0][0] for a in loop])[clockwise & (_turns(loop) > CORNER)]


def _gap(turn: float) -> float:
    """Spacings from a corner to its first node: half a one, more where two sides meet at a sharp angle."""
    return float(np.clip(0.35 / max(np.cos(turn / 2), 1e-3), 0.5, 1.5))
