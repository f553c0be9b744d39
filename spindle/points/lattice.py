"""Tensor lattices for separable networks.

Each axis has one pool of coordinates: the nodes of every interval that some support needs (the whole interval, its two
ends, the pieces of an L-shape), one after the other. A support is a slice of each pool, so that the jets of an axis are
computed once and serve the interior, all faces and the measurements.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

from spindle.geometry.supports import Support
from spindle.points.base import Rotating
from spindle.points.drawing import without_constant_folding
from spindle.points.rules import DRAWN, check_rule, fixed_nodes, panel_counts, panel_nodes, panels, random_nodes
from spindle.points.shifts import ShiftedGrids


class Lattice(Rotating):
    """A tensor lattice for each support, cut from one pool of nodes for each axis.

    supports   where residuals are taken
    counts   nodes an axis; an interval that is not degenerate gets that many
    rule     "random" (redrawn on demand), "shifted" (likewise, by `shifts`), "uniform", "midpoint" or "gauss"
    fade     for some axes the positions of walls; weights inside fall with the square of the distance from the wall.
             Random points all weigh the same
    shifts   the grids that the rule "shifted" goes round; None: one grid alone
    breaks   for each axis where data jump or bend, and the ends of the panels around their peaks: Gauss and random
             nodes are then those of each panel, weighted by its length
    """

    def __init__(
        self,
        supports: Sequence[Support],
        counts: Sequence[int],
        rule: str,
        fade: Mapping[int, Sequence[float]] = MappingProxyType({}),
        breaks: Sequence[Sequence[float]] = (),
        shifts: ShiftedGrids | None = None,
    ):
        check_rule(rule)
        self.shifts = shifts or ShiftedGrids(1, None)
        self._breaks = tuple(breaks) if breaks and rule in ("gauss", "random") else ((),) * len(counts)
        self.fade = fade
        self.supports, self.counts, self.rule = tuple(supports), tuple(counts), rule
        self._segments = [self._segments_of(axis) for axis in range(len(counts))]
        self.slices = [tuple(self._slice(support, axis) for axis in range(len(counts))) for support in self.supports]

    @property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.counts)

    def size(self, support: int) -> int:
        """Number of points in a support."""
        lengths = [s.stop - s.start for s in self.slices[support]]
        return math.prod(lengths) if self.supports[support].is_region else lengths[0]

    def draw(self, key) -> tuple[jax.Array, ...]:
        """The pools, one array (n, 1) an axis; `key` matters for the random rule only."""
        return self.turned(key, 0)

    def turned(self, key, turn) -> tuple[jax.Array, ...]:
        """The pools, one array (n, 1) an axis; `turn` matters for shifted grids only."""
        pools = []
        for axis, segments in enumerate(self._segments):
            keys = jax.random.split(jax.random.fold_in(key, axis), len(segments))
            nodes = [self._nodes(s, axis, k, turn) for s, k in zip(segments, keys, strict=True)]
            pools.append(jnp.concatenate(nodes)[:, None])
        return without_constant_folding(tuple(pools))

    def coordinates(self, pools) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, shaped to broadcast to its grid; (n,) of scattered points."""
        grids = []
        for support, slices in zip(self.supports, self.slices, strict=True):
            cut = [pool[s, 0] for pool, s in zip(pools, slices, strict=True)]
            if support.is_region:
                shapes = [[-1 if j == k else 1 for j in range(len(cut))] for k in range(len(cut))]
                cut = [c.reshape(shape) for c, shape in zip(cut, shapes, strict=True)]
            grids.append(tuple(cut))
        return grids

    def weights(self, support: int) -> list[np.ndarray | None]:
        """Quadrature weights along each axis on a support; None for equal weights."""
        where = self.supports[support]
        if not where.is_region:
            return [None] * self.dimensions
        rules = [self._rule(axis, *ends) for axis, ends in enumerate(where.bounds)]
        if self.rule in DRAWN or any(low == high for low, high in where.bounds):
            return [weights for _, weights in rules]
        return [_faded(*rule, self.fade.get(k, ())) for k, rule in enumerate(rules)]

    def _rule(self, axis: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Nodes and weights on an interval; of random nodes the weights alone matter."""
        if any(low < x < high for x in self._breaks[axis]):
            nodes, weights = panel_nodes(low, high, self.counts[axis], self._breaks[axis])
            return nodes, self._shares(axis, low, high) if self.rule == "random" else weights
        if self.rule in DRAWN:
            return np.zeros(0), None
        return fixed_nodes(self.rule, low, high, self.counts[axis])

    def _shares(self, axis: int, low: float, high: float) -> np.ndarray:
        """Weights of random nodes: each panel's length, shared by its nodes."""
        ends, counts = self._panels(axis, low, high)
        return np.concatenate([np.full(n, (b - a) / (high - low) / n) for (a, b), n in zip(ends, counts, strict=True)])

    def _panels(self, axis: int, low: float, high: float):
        breaks = self._breaks[axis]
        return panels(low, high, breaks), panel_counts(low, high, self.counts[axis], breaks)

    def _segments_of(self, axis):
        """Distinct intervals, and columns of scattered points, in the order in which supports name them."""
        segments = []
        for support in self.supports:
            segment = support.bounds[axis] if support.is_region else (support, axis)
            if segment not in segments:
                segments.append(segment)
        return segments

    def _nodes(self, segment, axis, key, turn):
        first, second = segment
        if not isinstance(first, float):
            return jnp.asarray(first.points[:, second])
        if self.rule == "shifted" and first < second:
            return self.shifts.nodes(axis, first, second, self.counts[axis], turn)
        if self.rule == "shifted":
            return jnp.asarray([first])
        if self.rule != "random":
            return jnp.asarray(self._rule(axis, first, second)[0])
        ends, counts = self._panels(axis, first, second)
        keys = [key] if len(ends) == 1 else jax.random.split(key, len(ends))
        return jnp.concatenate([random_nodes(k, *e, n) for k, e, n in zip(keys, ends, counts, strict=True)])

    def _slice(self, support, axis):
        start = 0
        for segment in self._segments[axis]:
            low, high = segment
            scattered = not isinstance(low, float)
            size = len(low.points) if scattered else 1 if low == high else sum(self._panels(axis, low, high)[1])
            if segment == (support.bounds[axis] if support.is_region else (support, axis)):
                return slice(start, start + size)
            start += size
        raise AssertionError("every support has a segment on every axis")


def _faded(nodes, weights, walls):
    """Quadrature weights times the square of the distance from walls, up to a quarter of the interval."""
    for wall in walls:
        share = np.full(len(nodes), 1 / len(nodes)) if weights is None else weights
        weights = share * np.minimum(1.0, 4 * np.abs(nodes - wall) / np.ptp(nodes)) ** 2
    return weights
