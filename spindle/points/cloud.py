"""Clouds of points for networks of all coordinates at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spindle.geometry.levels import LevelPart
from spindle.geometry.supports import BoundaryPart, Support
from spindle.points.base import PointwisePoints
from spindle.points.drawing import without_constant_folding, without_normals
from spindle.points.rules import SEQUENCES, check_rule, fixed_nodes, panels, sobol, spread

RULES = ("random", *SEQUENCES, "uniform", "midpoint")
_POOL = 16  # points in shapes and on their walls are drawn from a store of so many times as many


class Cloud(PointwisePoints):
    """Points in every support of a problem.

    supports    where residuals are taken; those of one group get the same points along their free axes
    groups    for each support the number of its group
    interior  points in the whole domain, shared among its regions by volume
    boundary  points on each face, wall or initial slice
    rule      "random" (redrawn on demand), one of `SEQUENCES`, "uniform" or "midpoint" (tensor grids, rounded up);
              inside a shape all but random points are what lies there of a Sobol sequence
    cells     lower and upper corners (c, d) of boxes that a solution was found on: of random points in boxes half are
              spread evenly over these, however small, and each weighs as the space that it stands for
    chosen    {support: how many points it has, or its points (n, d)} in place of the above
    breaks    for each axis where data jump or bend, and the ends of the panels around their peaks: in boxes half of the
              points that form no grid are spread evenly over these panels, however short, and each weighs as its panel
    """

    def __init__(
        self,
        supports: Sequence[Support],
        groups: Sequence[int],
        *,
        interior: int,
        boundary: int,
        rule: str,
        breaks: Sequence[Sequence[float]] = (),
        cells: tuple[np.ndarray, np.ndarray] | None = None,
        chosen: Mapping[int, Any] | None = None,
    ):
        check_rule(rule, RULES)
        self.supports, self.groups, self.rule = tuple(supports), tuple(groups), rule
        # Several equations name the same regions; each counts once.
        volume = sum(p.measure for p in set(supports) if p.is_region and len(_free(p)) == len(p.bounds))
        chosen = {} if chosen is None else chosen
        self._given = {k: points for k, points in chosen.items() if np.ndim(points)}
        numbers = {k: len(points) if k in self._given else int(points) for k, points in chosen.items()}
        self.sizes = [numbers.get(k, self._size(p, interior, boundary, volume)) for k, p in enumerate(self.supports)]
        self.stores = [
            self._given[k] if k in self._given else _store(p, size * (_POOL if rule == "random" else 1))
            for k, (p, size) in enumerate(zip(self.supports, self.sizes, strict=True))
        ]

        cut = breaks if rule in ("random", *SEQUENCES) else ()
        self.strata = [
            self._strata(support, size, cut, cells) if store is None and support.is_region else None
            for support, size, store in zip(self.supports, self.sizes, self.stores, strict=True)
        ]

    @staticmethod
    def _strata(support, size, cut, cells):
        if cells is not None and _free(support):
            return _in_cells(support, size, *cells)
        return _strata(support, size, cut) if cut else None

    @staticmethod
    def _size(support, interior, boundary, volume):
        if support.measured is not None:
            return len(support.measured)
        if support.normals or isinstance(support, LevelPart):
            return boundary
        if not _free(support):
            return 1
        if len(_free(support)) < len(support.bounds):
            return boundary
        return max(1, round(interior * support.measure / volume))

    def size(self, support: int) -> int:
        """Number of points in a support."""
        return self.sizes[support]

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (n, d) a support, on walls (n, d + s) with the s components of the normals after the coordinates.

        `key` matters for the random rule only.
        """
        drawn = []
        columns = zip(self.supports, self.groups, self.sizes, self.stores, self.strata, strict=True)
        for number, (support, group, size, store, strata) in enumerate(columns):
            drawn_anew = self.rule == "random" and number not in self._given
            group_key = jax.random.fold_in(key, group) if drawn_anew else None
            if support.measured is not None:
                drawn.append(jnp.asarray(support.measured))
            elif store is not None:
                chosen = np.arange(size) if group_key is None else jax.random.choice(group_key, len(store), (size,))
                drawn.append(jnp.asarray(store)[chosen])
            else:
                low, high = np.array(support.bounds).T if strata is None else strata[:2]
                unit = (
                    self._unit(support, group, size)
                    if group_key is None
                    else jax.random.uniform(group_key, (size, len(support.bounds)))
                )
                drawn.append(jnp.asarray(low + (high - low) * unit))
        return without_constant_folding(tuple(drawn))

    def without_normals(self, clouds) -> list[jax.Array]:
        """For each support its points (n, d), without normals."""
        return without_normals(self.supports, clouds)

    def coordinates(self, clouds) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, and on walls the components of the normals, (n,) each."""
        return [tuple(cloud[:, k] for k in range(cloud.shape[1])) for cloud in clouds]

    def weights(self, support: int) -> list[np.ndarray | None] | None:
        """Quadrature weights (n,) where breaks draw points together; None where every point weighs the same."""
        strata = self.strata[support]
        return None if strata is None else [strata[2]]

    def _unit(self, support, group, size):
        """Fixed points (n, d) in the unit cube, degenerate axes at zero."""
        free = _free(support)
        if self.rule in SEQUENCES:
            low, high = np.zeros(len(free)), np.ones(len(free))
            points = SEQUENCES[self.rule](low, high, size, seed=group) if free else np.zeros((1, 0))
        else:
            n = int(np.ceil(size ** (1 / max(1, len(free))) - 1e-9))
            axes = [fixed_nodes(self.rule, 0.0, 1.0, n)[0]] * len(free)
            points = (
                np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(free)) if free else np.zeros((1, 0))
            )
        unit = np.zeros((len(points), len(support.bounds)))
        unit[:, free] = points
        return unit


def _free(support: Support) -> list[int]:
    """The axes that are not fixed."""
    return [k for k, (low, high) in enumerate(support.bounds) if low < high]


def _strata(support: Support, size: int, breaks: Sequence[Sequence[float]]):
    """For each of the points the ends (n, d) of the cell that it lies in, and its weight (n,); None without breaks."""
    ends = [np.array(panels(*bounds, cuts)) for bounds, cuts in zip(support.bounds, breaks, strict=True)]
    if all(len(cuts) == 1 for cuts in ends):
        return None
    rng, cells = np.random.default_rng(0), []
    for cuts in ends:
        lengths = np.diff(cuts, axis=1)[:, 0]
        shares = lengths / lengths.sum() if lengths.sum() > 0 else np.ones(1)
        # Points with the same number in each panel are spread over the panels of the other axes.
        numbers = np.searchsorted(np.cumsum((shares + 1 / len(cuts)) / 2), (np.arange(size) + 0.5) / size)
        cells.append(rng.permutation(np.minimum(numbers, len(cuts) - 1)))
    chosen = np.stack([cuts[numbers] for cuts, numbers in zip(ends, cells, strict=True)], axis=1)
    _, inverse, counts = np.unique(np.stack(cells, axis=1), axis=0, return_inverse=True, return_counts=True)
    free = _free(support)
    weights = np.prod(chosen[:, free, 1] - chosen[:, free, 0], axis=1) / counts[inverse.ravel()]
    return chosen[..., 0], chosen[..., 1], weights / weights.sum()


def _in_cells(support: Support, size: int, low: np.ndarray, high: np.ndarray):
    """As `_strata`, of cells (c, d): half of the points lie in any of them alike, half in those that they fall in."""
    first, last = np.array(support.bounds).T
    fixed = first == last
    met = np.all((low <= last) & (first <= high), axis=1)
    low, high = np.where(fixed, first, low[met]), np.where(fixed, first, high[met])
    return spread(low, high, size)


def _store(support: Support, size: int) -> np.ndarray | None:
    """Points (size, d) spread evenly in a shape or on its wall; None for all other supports."""
    if isinstance(support, BoundaryPart):
        return _on_wall(support, size)
    if isinstance(support, LevelPart):
        return _on_level(support, size)
    if support.measured is not None or support.shape is None:
        return None
    low, high = np.array(support.bounds).T
    space = _space(support)
    kept, tried = np.zeros((0, len(low))), 2 * size
    while len(kept) < size:
        points = sobol(low, high, tried, seed=0)
        kept, tried = points[support.shape.contains(points[:, space])], 2 * tried
    return kept[:size]


def _on_wall(wall: BoundaryPart, size: int) -> np.ndarray:
    """Points (size, d) with the normals beside them, equidistant in space, Sobol points in time."""
    d = len(wall.shape.coordinates)
    surface = wall.shape.surface
    spacing = np.sqrt(surface / size) if d == 3 else (surface / size) ** (1 / (d - 1))
    nodes, held, sides = np.zeros((0, 2 * d)), -1, wall.sides
    # Finer until the wall has enough; a cloud has the nodes it has, and they are taken more than once.
    while held < len(nodes) < size:
        held, spacing = len(nodes), spacing / 2
        boundary = wall.shape.boundary(spacing, sides=sides)
        inside = wall.holds(*boundary.arrays)
        # A relation may hold on few sides; on others, if it does, it is for less than a spacing.
        sides = tuple(wall.shape.sides[k] for k in np.unique(boundary.labels[inside])) or sides
        nodes = np.concatenate([boundary.points[inside], boundary.normals[inside]], axis=1)
    # Every so many of them, so that the points are those of the whole wall; in three dimensions neighbours follow no
    # curve, and a random choice leaves no hole either.
    chosen = np.linspace(0, len(nodes) - 1, size).round().astype(int)
    if d > 2:
        chosen = np.resize(np.random.default_rng(0).permutation(len(nodes)), size)
    low, high = np.array(wall.bounds).T
    points = sobol(low, high, size, seed=1)
    points[:, _space(wall)] = nodes[chosen, :d]
    return np.concatenate([points, nodes[chosen, d:]], axis=1)


def _on_level(part: LevelPart, size: int) -> np.ndarray:
    """Points (size, d), evenly spread on the level, Sobol points in time."""
    spacing = max(high - low for low, high in part.shape.bounds) / 16
    nodes = part.points(spacing)
    while len(nodes) < size:
        spacing /= 2
        nodes = part.points(spacing)
    low, high = np.array(part.bounds).T
    points = sobol(low, high, size, seed=1)
    points[:, _space(part)] = nodes[np.random.default_rng(0).permutation(len(nodes))[:size]]
    return points


def _space(support: Support) -> list[int]:
    """The axes of the support's shape: all but time."""
    return [axis for axis in range(len(support.bounds)) if axis != support.time]
