"""Points and weights by which means over domains, parts of their boundary and instants are taken."""

import math

import numpy as np

from spindle.geometry.supports import BoundaryPart, Region

_NODES = {0: 1, 1: 128, 2: 40, 3: 14, 4: 8}  # Gauss nodes on each axis, by the number of axes
_SCATTERED = 16_384  # points where no tensor grid fits: the mean is right to three digits
_ON_WALLS = 2_000  # nodes of a wall, or the square root of the area over it


def mean_over(places, time: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) and weights (n,), of sum one, of the mean over regions, faces or walls together.

    time   the axis that is left at zero, for whoever takes the mean at each instant; None: it is an axis as any
    """
    parts = [_wall(p) if isinstance(p, BoundaryPart) else _region(p.support, time) for p in places]
    total = sum(size for _, _, size in parts)
    points = np.concatenate([points for points, _, _ in parts])
    return points, np.concatenate([weights * (size / total) for _, weights, size in parts])


def measure_of(places, time: int | None) -> float:
    """The length, area or volume of places together, without the duration where `time` is left out."""
    return sum(_wall(p)[2] if isinstance(p, BoundaryPart) else _region(p.support, time)[2] for p in places)


def instants(low: float, high: float, count: int) -> np.ndarray:
    """Instants (count,) from the first to the last, closer together at both ends."""
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(count) / (count - 1))


def _region(region: Region, time: int | None) -> tuple[np.ndarray, np.ndarray, float]:
    """Points, weights and the size of a region."""
    bounds = [(0.0, 0.0) if k == time else ends for k, ends in enumerate(region.bounds)]
    if region.shape is not None:
        return _in_shape(region, bounds)
    free = [k for k, (low, high) in enumerate(bounds) if low < high]
    nodes, weights = np.polynomial.legendre.leggauss(_NODES.get(len(free), 6))
    axes = [(a + b) / 2 + (b - a) / 2 * (nodes if k in free else np.zeros(1)) for k, (a, b) in enumerate(bounds)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    product = np.ones(1)
    for k in range(len(bounds)):
        product = np.multiply.outer(product, weights / 2 if k in free else np.ones(1)).ravel()
    return points, product, math.prod(bounds[k][1] - bounds[k][0] for k in free)


def _in_shape(region: Region, bounds) -> tuple[np.ndarray, np.ndarray, float]:
    """Points of a grid that lie in a shape, all of one weight, at an instant."""
    space = [k for k in range(len(bounds)) if k != region.time]
    share = region.shape.volume / math.prod(b - a for a, b in region.shape.bounds)
    count = math.ceil((_SCATTERED / share) ** (1 / len(space)))
    axes = [a + (b - a) * (np.arange(count) + 0.5) / count for a, b in region.shape.bounds]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(space))
    inside = grid[region.shape.contains(grid)]
    points = np.zeros((len(inside), len(bounds)))
    points[:, space] = inside
    if region.time is not None:
        points[:, region.time] = bounds[region.time][0]
    return points, np.full(len(inside), 1 / len(inside)), region.shape.volume


def _wall(wall: BoundaryPart) -> tuple[np.ndarray, np.ndarray, float]:
    """Nodes of a wall, all of one weight."""
    plane = len(wall.shape.coordinates) == 2
    share = wall.shape.surface / _ON_WALLS
    boundary = wall.shape.boundary(share if plane else float(np.sqrt(share)))
    chosen = boundary.points[wall.holds(*boundary.arrays)]
    points = np.zeros((len(chosen), len(wall.bounds)))
    points[:, [k for k in range(len(wall.bounds)) if k != wall.time]] = chosen
    return points, np.full(len(chosen), 1 / len(chosen)), wall.shape.surface * len(chosen) / len(boundary.points)
