"""Nodes of a discretisation as arrays: inner ones, a boundary with normals, and ghosts just outside of it."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from spindle.errors import MethodError
from spindle.geometry.meshes import thinned


@dataclass(frozen=True)
class Nodes:
    """Scattered nodes, in the units of the coordinates.

    interior   (ni, d), neighbours close in memory
    boundary   (nb, d) with unit outward `normals` (nb, d) and `labels` (nb,), which count the `sides`
    ghosts     (ng, d), outside the domain; ghost k belongs to the boundary node `owners[k]`
    spacing    mean distance of inner and boundary nodes to their nearest neighbours
    between    (nm, d), on interfaces between materials; None where there are none
    """

    interior: np.ndarray
    boundary: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    sides: tuple[str, ...]
    ghosts: np.ndarray
    owners: np.ndarray
    spacing: float
    between: np.ndarray | None = None

    @property
    def on_interfaces(self) -> np.ndarray:
        """(nm, d) the nodes on interfaces, which may be none."""
        return np.zeros((0, self.interior.shape[1])) if self.between is None else self.between


def ghosts_of(inner, wall, normals, steps, outside) -> tuple[np.ndarray, np.ndarray]:
    """Points `steps` (nb,) outside the wall and the numbers of their boundary nodes.

    None where it would lie in the domain, or within a tenth of a spacing of another node or ghost: across thin walls
    and in re-entrant corners.
    """
    if not (steps > 0).all():
        return np.zeros((0, wall.shape[1])), np.zeros(0, int)
    points = wall + steps[:, None] * normals
    keep = outside(points)
    gap, nearest = cKDTree(np.concatenate([wall, inner])).query(points)
    keep &= (nearest == np.arange(len(wall))) | (gap > 0.4 * steps)
    owners = np.flatnonzero(keep)
    owners = owners[thinned(points[owners], 0.4 * steps[owners], owners.astype(float))] if len(owners) else owners
    return points[owners], owners


def mean_gap(points: np.ndarray) -> float:
    """The mean distance of points (n, d) to their nearest neighbours."""
    return float(cKDTree(points).query(points, 2)[0][:, 1].mean())


def from_cloud(interior, boundary, normals, *, labels=None, sides=("boundary",), ghost: float = 0.25) -> Nodes:
    """Nodes given as arrays, with ghosts added.

    interior  (ni, d)
    boundary  (nb, d) with outward normals (nb, d) of any length
    labels    (nb,) numbers that count the `sides`; all 0 when left out
    ghost     distance of the ghosts from the wall, in spacings; none where another node would be nearer
    Raises MethodError where shapes or labels do not fit together.
    """
    inner, wall, outward = (
        _table(n, v) for n, v in zip(("interior", "boundary", "normals"), (interior, boundary, normals), strict=True)
    )
    if not inner.shape[1] == wall.shape[1] or outward.shape != wall.shape:
        raise MethodError(
            f"`from_cloud` was given interior, boundary and normals of shapes {inner.shape}, {wall.shape} and "
            f"{outward.shape}, which do not fit; all need one column a coordinate and each boundary node a normal."
        )
    _check_cloud(inner, wall, outward)
    labels = np.zeros(len(wall), int) if labels is None else np.asarray(labels)
    if labels.shape != (len(wall),) or labels.min() < 0 or labels.max() >= len(sides):
        raise MethodError(
            f"`from_cloud` was given labels that do not number the sides {tuple(sides)} for each of {len(wall)} "
            f"boundary nodes; give one whole number from 0 to {len(sides) - 1} a node."
        )
    outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
    spacing = mean_gap(np.concatenate([inner, wall]))
    every = cKDTree(np.concatenate([wall, inner]))
    steps = np.full(len(wall), ghost * spacing)
    ghosts, owners = ghosts_of(inner, wall, outward, steps, lambda p: every.query(p)[1] == np.arange(len(p)))
    return Nodes(inner, wall, outward, labels.astype(int), tuple(sides), ghosts, owners, spacing)


def _table(name: str, values) -> np.ndarray:
    try:
        table = np.array(values, float)
    except (TypeError, ValueError, OverflowError):
        table = np.zeros(0)
    if table.ndim != 2 or table.shape[1] not in (2, 3) or not np.isfinite(table).all():
        raise MethodError(
            f"`from_cloud` was given `{name}` that is no array (n, 2) or (n, 3) of finite numbers; give one row a node."
        )
    return table


def _check_cloud(inner, wall, outward):
    least = 2 * wall.shape[1]
    if min(len(inner), len(wall)) < least:
        raise MethodError(
            f"`from_cloud` was given {len(inner)} inner and {len(wall)} boundary nodes, and fewer than {least} of "
            f"either carry no differences; give more."
        )
    if (np.linalg.norm(outward, axis=1) == 0).any():
        raise MethodError(
            "`from_cloud` was given a normal of length zero, which points nowhere; give the outward direction at each "
            "boundary node."
        )
    points = np.concatenate([inner, wall])
    gap = cKDTree(points).query(points, 2)[0][:, 1]
    size = float(np.ptp(points, axis=0).max())
    if gap.min() < 1e-9 * size:
        row = points[gap.argmin()].tolist()
        raise MethodError(
            f"`from_cloud` was given the node {row} twice, and differences divide by the distance of nodes; leave one "
            f"out."
        )
