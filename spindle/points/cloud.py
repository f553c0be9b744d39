"""Clouds of points for networks of all coordinates at once."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import qmc

from spindle.points.places import Place, Region
from spindle.points.rules import check_rule, fixed_nodes

RULES = ("random", "sobol", "uniform", "midpoint")


class Cloud:
    """Points in every place of a problem.

    places    where residuals are taken; those of one group get the same points along their free axes
    groups    a number for each place
    interior  points in the whole domain, shared among its boxes by volume
    boundary  points on each face or initial slice
    rule      "random" (redrawn on demand), "sobol", "uniform" or "midpoint" (tensor grids, rounded up)
    """

    def __init__(self, places: Sequence[Place], groups: Sequence[int], *, interior: int, boundary: int, rule: str):
        check_rule(rule, RULES)
        self.places, self.groups, self.rule = tuple(places), tuple(groups), rule
        # Several equations name the same boxes; each box counts once.
        volume = sum(p.measure for p in set(places) if isinstance(p, Region) and p.free == len(p.bounds))
        self.sizes = [self._size(p, interior, boundary, volume) for p in self.places]

    @staticmethod
    def _size(place, interior, boundary, volume):
        if not isinstance(place, Region):
            return len(place.points)
        if place.free == 0:
            return 1
        if place.free < len(place.bounds):
            return boundary
        return max(1, round(interior * place.measure / volume))

    def size(self, place: int) -> int:
        """Number of points in a place."""
        return self.sizes[place]

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (n, d) a place; `key` matters for the random rule only."""
        drawn = []
        for place, group, size in zip(self.places, self.groups, self.sizes, strict=True):
            if not isinstance(place, Region):
                drawn.append(jnp.asarray(place.points))
                continue
            low, high = np.array(place.bounds).T
            if self.rule == "random":
                unit = jax.random.uniform(jax.random.fold_in(key, group), (size, len(low)))
            else:
                unit = jnp.asarray(self._unit(place, group, size))
            drawn.append(low + (high - low) * unit)
        return tuple(drawn)

    def coordinates(self, clouds) -> list[tuple[jax.Array, ...]]:
        """For each place its coordinates, (n,) each."""
        return [tuple(cloud[:, k] for k in range(cloud.shape[1])) for cloud in clouds]

    def weights(self, place: int) -> None:
        """Every point of a cloud weighs the same."""

    def _unit(self, place, group, size):
        """Fixed points (n, d) in the unit cube, degenerate axes at zero."""
        free = [k for k, (low, high) in enumerate(place.bounds) if low < high]
        if self.rule == "sobol":
            points = _sobol(len(free), size, seed=group) if free else np.zeros((1, 0))
        else:
            n = int(np.ceil(size ** (1 / max(1, len(free))) - 1e-9))
            axes = [fixed_nodes(self.rule, 0.0, 1.0, n)[0]] * len(free)
            points = (
                np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(free)) if free else np.zeros((1, 0))
            )
        unit = np.zeros((len(points), len(place.bounds)))
        unit[:, free] = points
        return unit


def _sobol(dimensions, size, *, seed) -> np.ndarray:
    """The first points (size, dimensions) of a scrambled Sobol sequence, which is made in powers of two."""
    sequence = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    return sequence.random_base2((size - 1).bit_length())[:size]
