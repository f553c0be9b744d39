"""Curves and surfaces given by a level that vanishes there: points on them, and residuals taken on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from scipy.spatial import cKDTree

from spindle.geometry.meshes import thinned
from spindle.geometry.supports import Bounds, Support
from spindle.symbolic.functions import evaluate

_NEWTON = 30  # steps towards the level
_NEAR = 1e-9  # of a spacing, that a point on the level may be away from it
_EVENING = 40  # steps in which neighbours on the level push each other apart
_MOST = 400_000  # points of the grid that the level is looked for on


@dataclass(frozen=True, eq=False)
class LevelPart(Support):
    """The part of a level inside the domain, at all times, with what holds on both of its sides.

    level      vanishes there; it is negative on the first side, positive on the second
    bounds     those of the domain, a (low, high) pair an axis
    shape      that the level crosses
    time       the axis that is not the shape's; None without time
    unknowns   how many fields there are: residuals know each twice, on the first side and then on the second
    """

    level: sympy.Expr
    bounds: Bounds
    shape: Any
    time: int | None
    unknowns: int
    values = None

    @property
    def measure(self) -> float:
        """One, as it is a piece of its own."""
        return 1.0

    @property
    def is_region(self) -> bool:
        """False: no tensor grid fits it."""
        return False

    @property
    def normals(self) -> tuple:
        """Empty: the normal is written into the residuals."""
        return ()

    @property
    def measured(self) -> None:
        """None: points are free to be chosen."""

    def points(self, spacing: float) -> np.ndarray:
        """Points (n, s) on it, that far apart, and half as far from the boundary at least."""
        placed = on_level(self.level, self.shape.coordinates, self.shape.bounds, spacing)
        return placed[self.shape.distance(placed) > spacing / 2] if len(placed) else placed


def value_of(level, axes: Sequence[sympy.Symbol], points: np.ndarray) -> np.ndarray:
    """The level (n,) at points (n, s)."""
    values = evaluate(sympy.sympify(level), dict(zip(axes, points.T, strict=True)))
    return np.broadcast_to(np.asarray(values, float), len(points))


def gradient_of(level, axes: Sequence[sympy.Symbol], points: np.ndarray) -> np.ndarray:
    """The gradient (n, s) of the level at points (n, s)."""
    return np.stack([value_of(level.diff(c), axes, points) for c in axes], axis=1)


def on_level(level, axes: Sequence[sympy.Symbol], bounds: Sequence, spacing: float) -> np.ndarray:
    """Points (n, s) within bounds where a level vanishes, evenly spread, about that far apart.

    axes   the coordinates that the level is a function of, a column each
    """
    low, high = np.array(bounds, float).T
    pitch = max(spacing / 2, float((np.prod(high - low) / _MOST) ** (1 / len(low))))
    lines = [np.linspace(a, b, max(2, round((b - a) / pitch) + 1)) for a, b in zip(low, high, strict=True)]
    grid = np.stack([m.ravel() for m in np.meshgrid(*lines, indexing="ij")], axis=1)
    slope = np.linalg.norm(gradient_of(level, axes, grid), axis=1)
    near = np.abs(value_of(level, axes, grid)) <= 2 * pitch * slope

    def kept(points: np.ndarray) -> np.ndarray:
        points, settled = _projected(level, axes, points, spacing)
        return points[settled & np.all((points >= low) & (points <= high), axis=1)]

    points = kept(grid[near])
    if not len(points):
        return points
    points = points[thinned(points, np.full(len(points), 0.8 * spacing), np.random.default_rng(0).random(len(points)))]
    return kept(_evened(points, spacing, lambda p: _projected(level, axes, p, spacing)[0]))


def _projected(level, axes, points: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points moved along the gradient to where the level vanishes, and which of them came there."""
    for _ in range(_NEWTON):
        value, slope = value_of(level, axes, points), gradient_of(level, axes, points)
        square = np.sum(slope**2, axis=1)
        step = np.divide(value, square, out=np.zeros_like(square), where=square > 0)[:, None] * slope
        points = points - step
        if np.abs(step).max(initial=0.0) < _NEAR**2 * spacing:
            break
    value, slope = value_of(level, axes, points), gradient_of(level, axes, points)
    return points, np.abs(value) <= _NEAR * spacing * np.linalg.norm(slope, axis=1)


def _evened(points: np.ndarray, spacing: float, project: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Points on a level after steps in which the nearest neighbours push each other apart."""
    many = min(2 * (points.shape[1] - 1) + 1, len(points))
    if many < 2:
        return points
    for _ in range(_EVENING):
        gap, near = cKDTree(points).query(points, many)
        away = (points[:, None] - points[near[:, 1:]]) / np.maximum(gap[:, 1:, None], 1e-12 * spacing)
        push = np.sum(away * (spacing / np.maximum(gap[:, 1:], 0.3 * spacing))[..., None] ** 2, axis=1)
        points = project(points + 0.1 * spacing * np.clip(push, -1, 1))
    return points
