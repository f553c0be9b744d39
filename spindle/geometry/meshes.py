"""Surfaces in space: closed triangle meshes, faces of boxes, spheres; distances to them and nodes on them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from spindle.errors import ProblemError
from spindle.geometry import mesh_file
from spindle.geometry.extent import FARTHEST, SMALLEST

SHARP = np.deg2rad(30)  # a larger angle between two triangles makes their edge one that nodes must avoid
_SAMPLES = 20_000


@dataclass(frozen=True)
class Samples:
    """Points that represent equal or known shares of a surface.

    points (n, d), unit outward normals (n, d), weights (n,) whose sum is its area, and the side (n,) of each
    """

    points: np.ndarray
    normals: np.ndarray
    weights: np.ndarray
    labels: np.ndarray

    def __getitem__(self, chosen) -> "Samples":
        return Samples(self.points[chosen], self.normals[chosen], self.weights[chosen], self.labels[chosen])

    @property
    def volume(self) -> float:
        """The volume that the surface encloses, by the divergence theorem."""
        return float(np.sum(self.weights * (self.points * self.normals).sum(1)) / self.points.shape[1])


def together(parts: list[Samples]) -> Samples:
    """The samples of all parts, as one."""
    return Samples(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Samples)))


def relabelled(samples: Samples, labels: np.ndarray) -> Samples:
    """The samples with other labels."""
    return replace(samples, labels=labels)


def surviving(samples: Samples, other: Callable, joined: Callable, size: float, spacing, *, drop_shared: bool):
    """The samples on the boundary of a combination, their normals turned where the domain changes sides.

    other        signed distance to the other shape
    joined       (inside this shape, inside the other) -> inside the combination
    spacing      if not None, nodes within 0.3 of it from the edge where the surfaces meet go, too
    drop_shared  leave out what lies on the other boundary, which keeps it itself
    """
    points, normals, step = samples.points, samples.normals, 1e-6 * size
    gap = other(points)
    near = abs(gap) <= 2 * step
    within, beyond = gap > 0, gap > 0
    within[near], beyond[near] = (other(points[near] + s * step * normals[near]) > 0 for s in (-1, 1))
    within, beyond = joined(np.ones(len(points), bool), within), joined(np.zeros(len(points), bool), beyond)
    survive = within != beyond
    if drop_shared:
        survive &= abs(gap) > 1e-9 * size
    if spacing is not None:
        survive &= _off_edges(points, normals, gap, other, step, local(spacing, points))
    turned = replace(samples, normals=np.where(within[:, None], normals, -normals))
    return turned[survive]


def _off_edges(points, normals, gap, other, step, spacing) -> np.ndarray:
    """Whether each point is more than 0.3 spacings, along its surface, from where the other surface cuts it."""
    away = np.ones(len(points), bool)
    near = np.flatnonzero((abs(gap) < 0.3 * spacing) & (abs(gap) > 1e-9 * step))
    slope = np.stack([other(points[near] + step * e) - gap[near] for e in np.eye(3)], 1) / step
    along = slope - (slope * normals[near]).sum(1, keepdims=True) * normals[near]
    steepness = np.linalg.norm(along, axis=1)
    away[near] = abs(gap[near]) > 0.3 * spacing[near] * steepness.clip(0.05, 1)
    return away


def thinned(points: np.ndarray, radius: np.ndarray, first: np.ndarray | None = None) -> np.ndarray:
    """Numbers of points that are chosen greedily, so that no two are closer than the larger of their radii (n,).

    first  priorities (n,), the smallest chosen first; random but fixed when left out

    In rounds: whoever comes before all its rivals is chosen and its rivals go, as one after the other would do
    (Luby, 1986). Radii are treated in classes of factor two, so that the few large ones do not pair all small ones.
    """
    if first is None:
        first = np.random.default_rng(0).random(len(points))
    chosen = np.zeros(0, int)
    level = np.floor(np.log2(radius / radius.min()) + 1e-9).astype(int) if len(points) else np.zeros(0, int)
    for k in np.unique(level):
        candidates = np.flatnonzero(level == k)
        if len(chosen):
            gap, _ = cKDTree(points[chosen]).query(points[candidates], distance_upper_bound=radius[candidates].max())
            candidates = candidates[gap >= radius[candidates]]
        chosen = np.concatenate(
            [chosen, candidates[_independent(points[candidates], radius[candidates], first[candidates])]]
        )
    return np.sort(chosen)


def _independent(points, radius, first) -> np.ndarray:
    if len(points) < 2:
        return np.arange(len(points))
    pairs = cKDTree(points).query_pairs(radius.max(), output_type="ndarray")
    gap = points[pairs[:, 0]] - points[pairs[:, 1]]
    pairs = pairs[np.einsum("ij,ij->i", gap, gap) < np.maximum(radius[pairs[:, 0]], radius[pairs[:, 1]]) ** 2]
    rank = np.empty(len(points), int)
    rank[np.argsort(first, kind="stable")] = np.arange(len(points))
    swap = rank[pairs[:, 0]] > rank[pairs[:, 1]]
    pairs[swap] = pairs[swap, ::-1]
    alive, taken = np.ones(len(points), bool), np.zeros(len(points), bool)
    while len(pairs):
        beaten = np.zeros(len(points), bool)
        beaten[pairs[:, 1]] = True
        winners = alive & ~beaten
        taken |= winners
        alive &= ~winners
        alive[pairs[winners[pairs[:, 0]], 1]] = False
        pairs = pairs[alive[pairs[:, 0]] & alive[pairs[:, 1]]]
    return np.flatnonzero(taken | alive)


def local(spacing, points: np.ndarray) -> np.ndarray:
    """The spacing (n,) at points, where `spacing` is a number or a function of points."""
    return np.asarray(spacing(points), float) if callable(spacing) else np.full(len(points), float(spacing))


# ------------------------------------------------------------------------------------------------------- spheres


def spiral(count: int) -> np.ndarray:
    """Points (count, 3) of nearly equal shares of the unit sphere: the Fibonacci spiral (Gonzalez, 2010)."""
    k = np.arange(count) + 0.5
    height, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - height**2)
    made = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], 1)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def even(spacing: float) -> np.ndarray:
    """A Fibonacci spiral on the unit sphere whose neighbours are about `spacing` apart: 3.3 / sqrt(count) radii."""
    return spiral(max(6, round((3.3 / spacing) ** 2)))


def most_spread(points: np.ndarray, wanted: np.ndarray, count: int) -> np.ndarray:
    """Numbers (count,) of the points that remain when the most crowded, for the wanted spacing (n,), are dropped."""
    left = np.arange(len(points))
    while len(left) > count:
        gap = cKDTree(points[left]).query(points[left], 2)[0][:, 1] / wanted[left]
        # A few at a time, so that both of a crowded pair do not go.
        drop = min(len(left) - count, max(1, len(left) // 100))
        left = np.delete(left, np.argsort(gap, kind="stable")[:drop])
    return left


def chosen(samples: Samples, wanted: np.ndarray) -> Samples:
    """Nodes at the spacing `wanted` (n,) among many samples that stand for equal areas."""
    # Where nodes are far apart, few of the samples do.
    some = np.random.default_rng(1).random(len(wanted)) < (wanted.min() / wanted) ** 2
    samples, wanted = samples[some], wanted[some]
    return samples[thinned(samples.points, 0.85 * wanted)]


def pool(area: float, smallest: float) -> int:
    """The number of samples of an area from which nodes at this spacing are chosen."""
    return int(np.clip(12 * area / smallest**2, 2000, 400_000))


# --------------------------------------------------------------------------------------------------- faces of boxes


def rectangle_distance(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Distances (n,) to the nearest of some axis-parallel rectangles with corners low and high (m, d)."""
    best = np.full(len(points), np.inf)
    for a, b in zip(low, high, strict=True):
        best = np.minimum(best, np.linalg.norm(np.maximum(np.maximum(a - points, points - b), 0), axis=1))
    return best


def rectangle_grid(low: np.ndarray, high: np.ndarray, spacing: float) -> np.ndarray:
    """Centres of the cells of a grid on a rectangle, half a step from its edges."""
    axes = []
    for a, b in zip(low, high, strict=True):
        count = max(1, round((b - a) / spacing))
        axes.append(a + (b - a) * (np.arange(count) + 0.5) / count)
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(low))


# ----------------------------------------------------------------------------------------------------- triangles


class Triangles:
    """A closed surface of triangles (m, 3), numbers of the vertices (n, 3), counter-clockwise seen from outside."""

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray):
        self.vertices, self.triangles = vertices, triangles
        self.corners = vertices[triangles]
        a, b, c = np.moveaxis(self.corners, 1, 0)
        cross = np.cross(b - a, c - a)
        twice = np.linalg.norm(cross, axis=1)
        self.areas, self.normals = twice / 2, cross / np.maximum(twice, 1e-300)[:, None]
        self.volume = float(np.sum(a * np.cross(b, c)) / 6)

    @cached_property
    def _neighbours(self) -> np.ndarray:
        """The triangle (m, 3) across each edge, from corner k to corner k + 1."""
        edges = np.stack([self.triangles, np.roll(self.triangles, -1, axis=1)], -1).reshape(-1, 2)
        number = {(int(p), int(q)): k // 3 for k, (p, q) in enumerate(edges)}
        return np.array([number[(int(q), int(p))] for p, q in edges]).reshape(-1, 3)

    @cached_property
    def _pseudonormals(self) -> np.ndarray:
        """For each triangle the normals of its face, its three edges and its three corners, (m, 7, 3).

        Weighted by angles they tell inside from outside whichever feature is nearest (Baerentzen and Aanaes, 2005).
        """
        edges = self.normals[:, None] + self.normals[self._neighbours]
        along = np.roll(self.corners, -1, axis=1) - self.corners
        along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-300)
        angles = np.arccos(-(along * np.roll(along, 1, axis=1)).sum(2).clip(-1, 1))
        corners = np.zeros_like(self.vertices)
        np.add.at(corners, self.triangles, angles[..., None] * self.normals[:, None])
        return np.concatenate([self.normals[:, None], edges, corners[self.triangles]], 1)

    @cached_property
    def _search(self):
        """A tree of the middles of small pieces, the triangle of each, and the largest radius of a piece."""
        longest = max((self.areas.sum() * 4 / 3**0.5 / _SAMPLES) ** 0.5, 1e-300)
        pieces, owner = self.corners, np.arange(len(self.corners))
        done = []
        while len(pieces):
            edges = np.linalg.norm(np.roll(pieces, -1, axis=1) - pieces, axis=2)
            fine = edges.max(1) <= 2 * longest
            done.append((pieces[fine], owner[fine]))
            pieces, owner, edges = pieces[~fine], owner[~fine], edges[~fine]
            turn = (edges.argmax(1)[:, None] + np.arange(3)) % 3
            a, b, c = np.moveaxis(np.take_along_axis(pieces, turn[..., None], 1), 1, 0)
            middle = (a + b) / 2
            pieces = np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
            owner = np.concatenate([owner, owner])
        pieces, owner = (np.concatenate(parts) for parts in zip(*done, strict=True))
        middles = pieces.mean(1)
        return cKDTree(middles), owner, float(np.linalg.norm(pieces - middles[:, None], axis=2).max())

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance (n,), positive inside; exact near the surface, within half a piece's radius far away."""
        parts = [self._distance(points[k : k + 20_000]) for k in range(0, len(points), 20_000)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _distance(self, points):
        tree, owner, radius = self._search
        distances, last = self._among(points, tree, owner, 8)
        doubtful = (abs(distances) < 3 * radius) & (abs(distances) > last - radius)
        if doubtful.any():
            distances[doubtful] = self._among(points[doubtful], tree, owner, 40)[0]
        return distances

    def _among(self, points, tree, owner, count):
        middle, piece = tree.query(points, min(count, tree.n))
        best, feature, towards = self._closest(points, owner[piece])
        pick = best.argmin(1)
        row = np.arange(len(points))
        normal = self._pseudonormals[owner[piece][row, pick], feature[row, pick]]
        outside = (towards[row, pick] * normal).sum(1) > 0
        return best[row, pick] * np.where(outside, -1, 1), middle[:, -1]

    def _closest(self, points, candidates):
        """Distance (n, k) to candidate triangles, the nearest feature and the vector from it to the point."""
        corners = self.corners[candidates]
        p = points[:, None]
        normal = self.normals[candidates]
        height = ((p - corners[:, :, 0]) * normal).sum(2)
        foot = p - height[..., None] * normal
        step = np.roll(corners, -1, axis=2) - corners
        gap = foot[:, :, None] - corners
        inside = ((np.cross(step, gap) * normal[:, :, None]).sum(3) >= 0).all(2) & (self.areas[candidates] > 0)
        along = (gap * step).sum(3) / np.maximum((step**2).sum(3), 1e-300)
        rest = p[:, :, None] - (corners + along.clip(0, 1)[..., None] * step)
        length = np.linalg.norm(rest, axis=3)
        edge = length.argmin(2)
        a = np.take_along_axis(along, edge[..., None], 2)[..., 0]
        feature = np.where(a <= 0, 4 + edge, np.where(a >= 1, 4 + (edge + 1) % 3, 1 + edge))
        length = np.take_along_axis(length, edge[..., None], 2)[..., 0]
        rest = np.take_along_axis(rest, edge[..., None, None], 2)[:, :, 0]
        best = np.where(inside, abs(height), length)
        return best, np.where(inside, 0, feature), np.where(inside[..., None], height[..., None] * normal, rest)

    @cached_property
    def _sharp(self) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of the edges at which the surface turns by more than `SHARP`."""
        turn = (self.normals[:, None] * self.normals[self._neighbours]).sum(2) < np.cos(SHARP)
        return self.corners[turn], np.roll(self.corners, -1, axis=1)[turn]

    def samples(self, count: int = _SAMPLES) -> Samples:
        """Points spread over the triangles in proportion to their areas."""
        random = np.random.default_rng(0)
        owner = np.searchsorted(np.cumsum(self.areas) / self.areas.sum(), (np.arange(count) + 0.5) / count)
        owner = owner.clip(0, len(self.areas) - 1)
        u, v = random.random((2, count, 1))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
        a, b, c = np.moveaxis(self.corners[owner], 1, 0)
        weights = np.full(count, self.areas.sum() / count)
        return Samples(a + u * (b - a) + v * (c - a), self.normals[owner], weights, np.zeros(count, int))

    def nodes(self, spacing) -> Samples:
        """Nodes chosen from many random points, away from sharp edges."""
        smallest = local(spacing, self.samples().points).min()
        fine = self.samples(pool(self.areas.sum(), smallest))
        wanted = local(spacing, fine.points)
        away = self._away(fine.points, wanted)
        return chosen(fine[away], wanted[away])

    def _away(self, points, wanted) -> np.ndarray:
        starts, ends = self._sharp
        if not len(starts):
            return np.ones(len(points), bool)
        steps = np.ceil(np.linalg.norm(ends - starts, axis=1) / (0.2 * wanted.min())).astype(int).clip(1, 2000)
        owner = np.repeat(np.arange(len(starts)), steps + 1)
        part = np.concatenate([np.linspace(0, 1, n + 1) for n in steps])[:, None]
        gap, _ = cKDTree(starts[owner] + part * (ends - starts)[owner]).query(points)
        return gap > 0.3 * wanted


def closed(vertices, triangles, call: str) -> Triangles:
    """The triangles with repeated vertices merged and normals turned outwards.

    Raises ProblemError where the arrays are no triangles, or these do not close or do not turn the same way round.
    """
    try:
        vertices, triangles = np.array(vertices, float), np.array(triangles, int)
        right = vertices.shape[1:] == (3,) == triangles.shape[1:] and np.isfinite(vertices).all() and len(triangles) > 3
        right = right and triangles.min() >= 0 and triangles.max() < len(vertices)
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ProblemError(
            f"`{call}` was given no list of finite vertices (n, 3) with triangles (m, 3) that number them, and a solid "
            f"needs at least four triangles; check the file or the arrays."
        )
    size = float(np.ptp(vertices, axis=0).max())
    if not SMALLEST <= size <= FARTHEST:
        raise ProblemError(
            f"`{call}` was given a mesh of the size {size:.3g}, and numbers of a computer serve for sizes between "
            f"{SMALLEST:g} and {FARTHEST:g}; choose another unit."
        )
    _, first, number = np.unique(np.round(vertices / (1e-8 * size)), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    vertices, triangles = vertices[first[order]], np.argsort(order)[number.ravel()][triangles]
    flat = (triangles == np.roll(triangles, 1, axis=1)).any(1)
    triangles = triangles[~flat]
    edges = np.stack([triangles, np.roll(triangles, -1, axis=1)], -1).reshape(-1, 2)
    pairs, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    if (counts != 2).any():
        raise ProblemError(
            f"`{call}` was given a mesh that is not watertight: {np.sum(counts != 2)} of its {len(pairs)} edges do not "
            f"have exactly two triangles, so it has no inside; close its holes in the program that made it."
        )
    if len(np.unique(edges, axis=0)) != len(edges):
        raise ProblemError(
            f"`{call}` was given a mesh whose triangles do not turn the same way round, so inside and outside cannot "
            f"be told apart; make its normals consistent in the program that made it."
        )
    made = Triangles(vertices, triangles)
    return made if made.volume > 0 else Triangles(vertices, triangles[:, ::-1])


def load(path, call: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a mesh file: STL, OBJ, PLY and OFF by trimesh, all others by meshio.

    Raises ProblemError where there is no such file, it cannot be read, or a package for it is missing.
    """
    return reading(mesh_file.read, path, call)


def reading(read: Callable, path, call: str):
    """What a reader of mesh files makes of a path; raises ProblemError as `load` does."""
    if not Path(path).is_file():
        raise ProblemError(f"`{call}` was given the path {str(path)!r}, where there is no file; check the path.")
    try:
        return read(Path(path))
    except ModuleNotFoundError as error:
        raise ProblemError(
            f"`{call}` reads this file by the package `{error.name}`, which is not installed; "
            f'`pip install "spindle-pinn[mesh]"` brings it.'
        ) from error
    except (OSError, ValueError) as error:
        raise ProblemError(
            f"`{call}` was given the file {str(path)!r}, which cannot be read as a mesh ({error}); export it again, "
            f"for instance as STL."
        ) from error
