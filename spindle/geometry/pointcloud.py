"""A domain that is known by its nodes alone: scattered points inside, points with normals on the boundary."""

from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from spindle.errors import ProblemError, usage
from spindle.geometry.extent import FARTHEST, check_extent
from spindle.geometry.shape import Boundary, Shape
from spindle.geometry.supports import Bounds

_COINCIDE = 1e-9  # of the spacing, within which two nodes are one


@usage("spd.PointCloud((x, y), interior, boundary, normals)")
class PointCloud(Shape):
    """A domain given by its nodes, `PointCloud((x, y), interior, boundary, normals)`: `DTPINN` takes them as they are.

    interior   (ni, d), boundary (nb, d) with outward normals (nb, d) of any length
    labels     (nb,) numbers that count the `sides`; all 0 when left out
    sides      names of the parts of the boundary

    A point counts as inside if it is behind the nearest boundary node. The measures `volume` and `surface` are
    estimates from the spacing of the nodes. Raises ProblemError where the arrays do not fit together.
    """

    def __init__(self, coordinates, interior, boundary, normals, labels=None, sides=("boundary",)):
        self.coordinates, self.sides = tuple(coordinates), tuple(sides)
        d = len(self.coordinates)
        self.interior, self.nodes, self.normals = (self._table(v, d) for v in (interior, boundary, normals))
        if len(self.nodes) != len(self.normals) or len(self.interior) < 2 * d or len(self.nodes) < 2 * d:
            raise ProblemError(
                f"`spd.PointCloud` was given {len(self.interior)} inner nodes, {len(self.nodes)} boundary nodes and "
                f"{len(self.normals)} normals; it needs at least {2 * d} of both kinds of nodes, and one normal for "
                f"each boundary node."
            )
        if not self._gaps.min() > _COINCIDE * self._spacing:
            raise ProblemError(
                "`spd.PointCloud` was given two nodes at the same place, between which nothing can be differentiated; "
                "leave one of them out, and boundary nodes out of the inner ones."
            )
        length = np.linalg.norm(self.normals, axis=1, keepdims=True)
        if not length.all():
            raise ProblemError(
                "`spd.PointCloud` was given a normal of length zero, which points nowhere; give the outward direction "
                "at each boundary node."
            )
        self.normals = self.normals / length
        self.labels = np.zeros(len(self.nodes), int) if labels is None else np.asarray(labels, int)
        if self.labels.shape != (len(self.nodes),) or not np.isin(self.labels, np.arange(len(self.sides))).all():
            raise ProblemError(
                f"`spd.PointCloud` was given labels that do not number the sides {self.sides} for each of "
                f"{len(self.nodes)} boundary nodes; give one whole number from 0 to {len(self.sides) - 1} a node."
            )
        check_extent(self)

    @staticmethod
    def _table(values, columns):
        try:
            table = np.asarray(values, float)
        except (TypeError, ValueError, OverflowError):
            table = np.zeros(0)
        if table.ndim != 2 or table.shape[1] != columns or not (np.abs(table) <= FARTHEST).all():
            raise ProblemError(
                f"`spd.PointCloud` was given an array of shape {table.shape}, and needs finite numbers in {columns} "
                f"columns, one a coordinate; give one row a node."
            )
        return table

    @cached_property
    def bounds(self) -> Bounds:
        """The smallest box around all nodes."""
        every = np.concatenate([self.interior, self.nodes])
        return tuple((float(low), float(high)) for low, high in zip(every.min(0), every.max(0), strict=True))

    @cached_property
    def _gaps(self) -> np.ndarray:
        """The distance of each node from the nearest other one."""
        every = np.concatenate([self.interior, self.nodes])
        return cKDTree(every).query(every, 2)[0][:, 1]

    @cached_property
    def _spacing(self) -> float:
        return float(np.median(self._gaps))

    @property
    def volume(self) -> float:
        """An estimate of the area or volume: that of the densest packing of so many nodes."""
        cell = {2: np.sqrt(3) / 2, 3: 1 / np.sqrt(2)}[len(self.coordinates)]
        return float(cell * len(self.interior) * self._spacing ** len(self.coordinates))

    @property
    def surface(self) -> float:
        """An estimate of the length or area of the boundary, from the number of its nodes and the spacing."""
        return float(len(self.nodes) * self._spacing ** (len(self.coordinates) - 1))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of the points (n, d) from the plane through the nearest boundary node, negative outside.

        Between nodes of a wall that is bulging inward the planes cut off a little; a twentieth of the spacing is added.
        """
        points = np.asarray(points, float)
        finite = np.isfinite(points).all(1)
        nearest = cKDTree(self.nodes).query(np.where(finite[:, None], points, 0.0))[1]
        behind = -np.sum((points - self.nodes[nearest]) * self.normals[nearest], axis=1)
        return np.where(finite, behind + 0.05 * self._spacing, np.nan)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each of the points (n, d) lies in the closed domain, (n,); NaN lies nowhere."""
        return self.distance(points) >= -self._tolerance

    def boundary(self, spacing, *, count: int | None = None, sides=None) -> Boundary:
        """The boundary nodes themselves, whatever the spacing."""
        return Boundary(self.nodes, self.normals, self.labels)

    @property
    def combination(self) -> None:
        """None: of an outline only nodes are known."""

    @property
    def reentrant(self) -> np.ndarray:
        """None (0, d): its nodes are given as they are."""
        return np.zeros((0, len(self.coordinates)))

    def _arguments(self) -> tuple:
        arrays = (self.interior, self.nodes, self.normals)
        rows = (tuple(map(tuple, array.tolist())) for array in arrays)
        return (self.coordinates, *rows, tuple(self.labels.tolist()), self.sides)

    def __repr__(self):
        return f"PointCloud({self.coordinates}, {len(self.interior)} inner, {len(self.nodes)} boundary nodes)"
