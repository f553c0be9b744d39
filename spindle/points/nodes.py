"""Scattered nodes as collocation points, at a row of instants where the problem has time."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.geometry.levels import LevelPart, gradient_of, value_of
from spindle.geometry.supports import Support
from spindle.points.base import Points, PointwisePoints
from spindle.points.drawing import without_constant_folding, without_normals
from spindle.points.node_arrays import Nodes
from spindle.points.scattered import morton

_ON = 1e-6  # spacings: what is nearer to a level lies on it


class NodeCloud(Points):
    """Nodes where residuals are taken: equations at inner nodes and boundary nodes with a ghost, conditions on walls.

    supports   where residuals are taken
    nodes    inner and boundary nodes, those on interfaces, and ghosts; `positions` (M, s) holds them in this order
    times    (T,) instants, None without time
    axis     the axis of time
    edges    whether equations hold at boundary nodes, too
    """

    def __init__(
        self,
        supports: Sequence[Support],
        nodes: Nodes,
        times: np.ndarray | None = None,
        axis: int | None = None,
        *,
        edges: bool = True,
    ):
        self.supports, self.nodes, self.times, self.axis = tuple(supports), nodes, times, axis
        self.edges = edges
        self.positions = np.concatenate([nodes.interior, nodes.boundary, nodes.on_interfaces, nodes.ghosts])
        self.levels = tuple({s.level: s for s in self.supports if isinstance(s, LevelPart)}.values())
        self.sides = self._sides()
        # Of one type in every precision: JAX remembers constants in the one that it met them in first.
        self.rows = [self._rows(support).astype(np.int32) for support in self.supports]

    def sides_of(self, points: np.ndarray) -> np.ndarray:
        """(n, levels) the signs of all levels at points (n, s) of space; 0 on the level itself."""
        columns = []
        for part in self.levels:
            axes = part.shape.coordinates
            slope = np.linalg.norm(gradient_of(part.level, axes, points), axis=1)
            gap = value_of(part.level, axes, points)
            columns.append(np.where(np.abs(gap) <= _ON * self.nodes.spacing * slope, 0, np.sign(gap)))
        return np.stack(columns, axis=1).astype(int) if columns else np.zeros((len(points), 0), int)

    def _sides(self) -> np.ndarray:
        """(M, levels) the sides of all nodes; a ghost is where its boundary node is."""
        sides, inner = self.sides_of(self.positions), len(self.nodes.interior)
        sides[len(sides) - len(self.nodes.ghosts) :] = sides[inner + self.nodes.owners]
        return sides

    def _rows(self, support) -> np.ndarray:
        """The numbers of a support's nodes; none of measurements, which lie between nodes."""
        inner = len(self.nodes.interior)
        if support.measured is not None:
            return np.zeros(0, int)
        first = inner + len(self.nodes.boundary)
        met = first + np.arange(len(self.nodes.on_interfaces))
        if isinstance(support, LevelPart):
            number = [part.level for part in self.levels].index(support.level)
            return met[self.sides[met, number] == 0]
        if support.normals:
            return inner + np.flatnonzero(support.holds(self.nodes.boundary, self.nodes.normals, self.nodes.labels))
        # At an instant the field itself is known everywhere; the equation needs a ghost beyond the boundary.
        always = self.instant(support) is None
        owners = np.sort(self.nodes.owners) if self.edges else np.zeros(0, int)
        edge = owners if always else np.arange(len(self.nodes.boundary) + len(met))
        rows = np.concatenate([np.arange(inner), inner + edge])
        # Neighbours next to each other, boundary nodes among them: blocks of rows then share most of their stencils.
        return rows[np.argsort(morton(self.positions[rows], support.shape.bounds), kind="stable")]

    def instant(self, support: Support) -> int | None:
        """The number of the instant at which a support lies; None if it extends over time, or without time."""
        if self.axis is None or self.times is None or not support.is_region:
            return None
        low, high = support.bounds[self.axis]
        return int(np.argmin(np.abs(self.times - low))) if low == high else None

    def size(self, support: int) -> int:
        """Number of points in a support: nodes times instants."""
        where = self.supports[support]
        if where.measured is not None:
            return len(where.measured)
        return len(self.rows[support]) * (
            1 if self.times is None or self.instant(where) is not None else len(self.times)
        )

    def draw(self, key) -> tuple[tuple[jax.Array, ...], ...]:
        """For each support the coordinates of its points, and on walls components of the normals; always the same."""
        return self.at(self.times)

    def at(self, times) -> tuple[tuple[jax.Array, ...], ...]:
        """The coordinates at other instants; arrays (n,), or (n, 1) and (1, T) where a support extends over time."""
        columns = (self._columns(support, rows, times) for support, rows in zip(self.supports, self.rows, strict=True))
        return without_constant_folding(tuple(columns))

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """The drawn arrays, which are the coordinates."""
        return list(drawn)

    def weights(self, support: int) -> None:
        """None: every point weighs the same."""

    def _columns(self, support, rows, times):
        if support.measured is not None:
            return tuple(jnp.asarray(column) for column in support.measured.T)
        columns = list(self.positions[rows].T)
        beside = list(self.nodes.normals[rows - len(self.nodes.interior)].T) if support.normals else []
        if self.axis is None:
            return tuple(jnp.asarray(c) for c in (*columns, *beside))
        if self.instant(support) is not None:
            columns.insert(self.axis, np.full(len(rows), support.bounds[self.axis][0]))
            return tuple(map(jnp.asarray, columns))
        spread = [jnp.asarray(c)[:, None] for c in (*columns, *beside)]
        spread.insert(self.axis, jnp.asarray(times)[None, :])
        return tuple(spread)


class NodePoints(PointwisePoints):
    """The nodes and instants of a `NodeCloud` as a list of points, at which the field itself is differentiated."""

    def __init__(self, cloud: NodeCloud):
        self.supports, self.positions, self._cloud = cloud.supports, cloud.positions, cloud

    def size(self, support: int) -> int:
        """Number of points in a support."""
        return self._cloud.size(support)

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (n, d) a support, on walls with the components of the normals beside; always the same."""
        spread = (jnp.broadcast_arrays(*columns) for columns in self._cloud.draw(key))
        return tuple(jnp.stack([c.ravel() for c in columns], axis=1) for columns in spread)

    def without_normals(self, drawn) -> list[jax.Array]:
        """For each support its points (n, d), without normals."""
        return without_normals(self.supports, drawn)

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, and on walls the components of the normals, (n,) each."""
        return [tuple(points.T) for points in drawn]

    def weights(self, support: int) -> None:
        """None: every point weighs the same."""
