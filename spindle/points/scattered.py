"""Scattered nodes in shapes: on the boundary, and inside at a given density, grown from the boundary inwards."""

from collections.abc import Callable

import numpy as np
import scipy
from scipy.spatial import cKDTree

from spindle.errors import MethodError, shown
from spindle.geometry.meshes import most_spread, spiral, thinned
from spindle.points.node_arrays import Nodes, ghosts_of, mean_gap

Density = Callable[[np.ndarray], np.ndarray]

# By dimension: candidates around a node, neighbours that push it, inner nodes in a volume of one spacing to the
# dimension, and those that the wall keeps away from a piece of itself (measured on disks and balls).
_CANDIDATES = {2: 12, 3: 30}
_NEIGHBOURS = {2: 6, 3: 12}
_PACKING = {2: 0.8125, 3: 0.725}
_LOSS = {2: 0.517, 3: 0.378}
_CLEARANCE = 0.6  # spacings between the wall and the nearest inner node
_STEPS = 10
_TRIES = 5


def scatter(
    shape,
    *,
    interior: int | None = None,
    boundary: int | None = None,
    total: int | None = None,
    density: Density | None = None,
    seed: int = 0,
    ghost: float = 0.25,
    between: Callable[[float], np.ndarray] | None = None,
) -> Nodes:
    """Nodes for finite differences in a shape of the plane or of space.

    interior, boundary  how many of each, met exactly; one alone determines the other
    total               how many of both together, instead
    density             points (n, d) -> spacing (n,) relative to the mean: 0.3 where nodes should be finer
    ghost               distance of the ghosts from the wall, in local spacings; 0 makes none
    between             mean spacing -> nodes (m, d) on interfaces, which count as inner ones where a total is given

    The nearest neighbour of a node is at least 0.6 mean local spacings away, no inner node comes closer to the wall
    than 0.5. O(n log n): some 1 s for 20,000 nodes in the plane. The same seed gives the same nodes.
    Source: advancing front of Slak and Kosec (2019), SIAM J. Sci. Comput. 41, all of the front at once; then a few
    steps in which neighbours push each other apart.
    """
    _check_counts(shape, interior, boundary, total)
    random = np.random.default_rng(seed)
    local = _Local(shape, density)
    spacing = local.spacing_for(interior, boundary, total)
    _check_room(shape, spacing)
    wall = shape.boundary(local.scaled(spacing), count=boundary)
    _check_enough(shape, len(wall.points), "boundary")
    met = None if between is None else between(spacing)
    fixed = wall.points if met is None else np.concatenate([wall.points, met])
    wanted = interior if total is None else max(total - len(fixed), 1)
    inner, spacing = _filled(shape, fixed, local, 0.997 * spacing, wanted, random)
    inner = _relaxed(shape, inner, fixed, local, spacing)
    inner = inner[np.argsort(morton(inner, shape.bounds), kind="stable")]
    steps = ghost * local.boundary_spacing(len(wall.points), wall.points)
    ghosts, owners = ghosts_of(inner, wall.points, wall.normals, steps, lambda p: shape.distance(p) < 0)
    return Nodes(
        inner,
        wall.points,
        wall.normals,
        wall.labels,
        tuple(shape.sides),
        ghosts,
        owners,
        mean_gap(np.concatenate([inner, fixed])),
        met,
    )


def _check_counts(shape, interior, boundary, total):
    given = {"interior": interior, "boundary": boundary, "total": total}
    for name, count in given.items():
        if count is not None and (not isinstance(count, (int, np.integer)) or isinstance(count, bool)):
            raise MethodError(f"`scatter({name}={shown(count)})` needs a whole number of nodes; write `{name}=1000`.")
        if count is not None:
            _check_enough(shape, count, name)
    if (total is None) == (interior is None and boundary is None):
        raise MethodError(
            f"`scatter(interior={interior}, boundary={boundary}, total={total})` needs either the number of all nodes "
            f"or those of inner and boundary nodes; write `total=1000`."
        )


def _check_enough(shape, count, name):
    least = 2 * len(shape.coordinates)
    if count < least:
        raise MethodError(
            f"{shape} would get {count} nodes ({name}), and fewer than {least} carry no differences; ask for more, "
            f"`total=1000`."
        )


def _check_room(shape, spacing):
    """Refuse spacings that are wider than the shape, where no inner node has neighbours on all sides."""
    d, volume, surface = len(shape.coordinates), shape.volume, shape.surface
    width = d * volume / surface  # the radius of a disk or a ball, the width of a strip
    if spacing > 1.5 * width:
        least = surface * (3 / width) ** (d - 1) + volume * (3 / width) ** d
        raise MethodError(
            f"{shape} is so narrow for its size that this many nodes lie {spacing:.2g} apart where it is about "
            f"{width:.2g} wide, and no inner node has neighbours on all sides; it takes about {least:.2g} nodes, or on "
            f"a box a method without nodes, `spd.SPINN()`."
        )


class _Local:
    """The relative spacing in a shape, and the mean spacing at which there are so many nodes."""

    def __init__(self, shape, density: Density | None):
        self.shape, self.density, self.dimension = shape, density, len(shape.coordinates)
        self.volume, self.surface = shape.volume, shape.surface
        if density is not None:
            low, high = np.array(shape.bounds).T
            cloud = low + (high - low) * scipy.stats.qmc.Halton(self.dimension, seed=0).random(20_000)
            self.volume *= float(np.mean(self(cloud[shape.contains(cloud)]) ** -float(self.dimension)))
            edge = self.shape.boundary((self.surface / 2000) ** (1 / (self.dimension - 1))).points
            self.surface *= float(np.mean(self(edge) ** -float(self.dimension - 1)))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The relative spacing (n,) at points (n, d)."""
        if self.density is None:
            return np.ones(len(points))
        relative = np.broadcast_to(np.asarray(self.density(points), float), (len(points),))
        if not (np.isfinite(relative) & (relative > 0)).all():
            raise MethodError(
                "`scatter(density=...)` gave a relative spacing that is not positive and finite, and no nodes could "
                "keep it; return positive numbers, 1 for the mean spacing."
            )
        return relative

    def scaled(self, spacing: float):
        """The spacing of boundary nodes: a number, or a function of the points."""
        return spacing if self.density is None else lambda points: spacing * self(points)

    def boundary_spacing(self, count: int, points: np.ndarray) -> np.ndarray:
        """The local spacing (n,) of `count` boundary nodes."""
        return (self.surface / count) ** (1 / (self.dimension - 1)) * self(points)

    def counts(self, spacing: float) -> tuple[float, float]:
        """About how many inner and boundary nodes there are."""
        d = self.dimension
        inner = _PACKING[d] * self.volume / spacing**d - _LOSS[d] * self.surface / spacing ** (d - 1)
        inner = max(inner, 0.05 * self.volume / spacing**d)
        return inner, self.surface / spacing ** (d - 1) * (1 if d == 2 else 0.87)

    def spacing_for(self, interior, boundary, total) -> float:
        """The mean spacing that gives about these counts; that of the inner nodes if both are given."""
        low, high = 1e-6 * self.shape.volume ** (1 / self.dimension), 10 * self.shape.volume ** (1 / self.dimension)
        for _ in range(60):
            spacing = (low * high) ** 0.5
            inner, outer = self.counts(spacing)
            if total is not None:
                many = inner + outer > total
            else:
                many = inner > interior if interior is not None else outer > boundary
            low, high = (spacing, high) if many else (low, spacing)
        return high


# ------------------------------------------------------------------------------------------------------------ fill


def _filled(shape, wall, local, spacing, wanted, random) -> tuple[np.ndarray, float]:
    """Inner nodes (wanted, d), or as many as fit, and their spacing."""
    nodes = _front(shape, wall, local, spacing, random)
    if wanted is not None:
        for _ in range(_TRIES):
            # Dropping a few crowded nodes leaves better ones than filling holes.
            if wanted <= len(nodes) <= 1.03 * wanted + 1:
                break
            spacing *= float(np.clip(len(nodes) / (1.01 * wanted), 0.3, 3)) ** (1 / local.dimension)
            nodes = _front(shape, wall, local, spacing, random)
        if len(nodes) > wanted:
            nodes = nodes[np.sort(most_spread(nodes, local(nodes), wanted))]
        elif len(nodes) < wanted:
            nodes = _topped_up(shape, nodes, wall, local, spacing, wanted, random)
    _check_enough(shape, len(nodes), "interior")
    return nodes, spacing


def _front(shape, wall, local, spacing, random) -> np.ndarray:
    """Nodes no two of which are closer than the local spacing, grown from the boundary inwards."""
    accepted, front, clear = [wall], wall, np.zeros(len(wall))
    while len(front):
        radius = spacing * local(front)
        points = front[:, None] + radius[:, None, None] * _directions(len(front), local.dimension, random)
        count = points.shape[1]
        points, clear, radius = (
            points.reshape(-1, local.dimension),
            *(np.repeat(v, count) for v in (clear - radius, radius)),
        )
        gap, _ = cKDTree(np.concatenate(accepted), balanced_tree=False).query(points, distance_upper_bound=radius.max())
        keep = gap >= radius * (1 - 1e-9)
        points, clear, radius = points[keep], clear[keep], radius[keep]
        clear = _cleared(shape, points, clear, radius)
        keep = clear >= _CLEARANCE * radius
        points, clear, radius = points[keep], clear[keep], radius[keep]
        chosen = thinned(points, radius, random.random(len(points)))
        front, clear = points[chosen], clear[chosen]
        accepted.append(front)
    return np.concatenate(accepted[1:])


def _cleared(shape, points, bound, spacing) -> np.ndarray:
    """Lower bounds of the distance to the wall, computed anew where the known ones do not suffice.

    The distance has slope one, so that a step of a spacing changes it by no more than that.
    """
    near = bound < _CLEARANCE * spacing
    cleared = bound.copy()
    if near.any():
        cleared[near] = shape.distance(points[near])
    return cleared


def _directions(count: int, dimension: int, random) -> np.ndarray:
    """(count, candidates, dimension) unit vectors, evenly spread and turned at random for each node."""
    many = _CANDIDATES[dimension]
    if dimension == 2:
        angle = 2 * np.pi * (np.arange(many) / many + random.random((count, 1)))
        return np.stack([np.cos(angle), np.sin(angle)], -1)
    return np.einsum("kj,nij->nki", spiral(many), _turns(count, random))


def _turns(count: int, random) -> np.ndarray:
    """Random rotations (count, 3, 3), from unit quaternions."""
    q = random.normal(size=(count, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _topped_up(shape, inner, wall, local, spacing, wanted, random) -> np.ndarray:
    """More nodes where it is emptiest."""
    low, high = np.array(shape.bounds).T
    for closest in (0.8, 0.7, 0.6, 0.5):
        while len(inner) < wanted:
            points = low + (high - low) * random.random((max(8 * wanted, 2000), local.dimension))
            radius = spacing * local(points)
            gap, _ = cKDTree(np.concatenate([inner, wall])).query(points)
            keep = gap > closest * radius
            points, radius, gap = points[keep], radius[keep], gap[keep]
            keep = shape.distance(points) >= _CLEARANCE * radius if len(points) else keep[keep]
            points, radius, gap = points[keep], radius[keep], gap[keep]
            if not len(points):
                break
            order = thinned(points, closest * radius, -gap / radius)
            order = order[np.argsort(-(gap / radius)[order], kind="stable")]
            inner = np.concatenate([inner, points[order[: wanted - len(inner)]]])
    if len(inner) < wanted:
        raise MethodError(
            f"{shape} has room for about {len(inner)} inner nodes at that many boundary nodes, and {wanted} were asked "
            f"for; ask for fewer, or leave `boundary` out."
        )
    return inner


def _relaxed(shape, inner, wall, local, spacing) -> np.ndarray:
    """The inner nodes after some steps in which the nearest neighbours push each other apart."""
    clear = shape.distance(inner)
    for step in range(_STEPS):
        h = spacing * local(inner)
        every = np.concatenate([inner, wall])
        if step % 3 == 0:
            near = cKDTree(every).query(inner, _NEIGHBOURS[local.dimension] + 1)[1][:, 1:]
        push = inner[:, None] - every[near]
        gap = np.sqrt(np.einsum("ijk,ijk->ij", push, push))
        push = 0.06 * np.einsum("ijk,ij->ik", push, (h[:, None] / gap) ** 4)
        length = np.linalg.norm(push, axis=1)
        push *= np.minimum(1, 0.15 * h / np.maximum(length, 1e-300))[:, None]
        moved = inner + push
        bound = _cleared(shape, moved, clear - np.linalg.norm(push, axis=1), h)
        free = bound >= _CLEARANCE * h
        inner, clear = np.where(free[:, None], moved, inner), np.where(free, bound, clear)
    return inner


def morton(points, bounds) -> np.ndarray:
    """Positions (n,) of points (n, d) along the Z-order curve: neighbours in space are close in memory."""
    low, high = np.array(bounds).T
    bits = 20
    cells = ((points - low) / (high - low) * (2**bits - 1)).clip(0, 2**bits - 1).astype(np.uint64)
    code = np.zeros(len(points), np.uint64)
    for bit in range(bits):
        for axis in range(cells.shape[1]):
            code |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(bit * cells.shape[1] + axis)
    return code
