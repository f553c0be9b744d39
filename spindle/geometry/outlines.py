"""Nodes along outlines in the plane: at equal steps of arc length, in units of a local spacing, away from corners."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spindle.geometry.arcs import GAUSS, Arc, Loop, Spacing

# A smaller turn is a vertex of a fine polyline, a larger one a corner that nodes must avoid.
CORNER = np.deg2rad(30)


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
