"""Shapes in space: balls, and the insides of closed triangle meshes."""

import os
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import scipy.stats
from scipy.special import gamma, ndtri

from spindle.errors import ProblemError, usage
from spindle.geometry import meshes
from spindle.geometry.arguments import centre_of, coordinates_of, either_spelling, placed, plain, radius_of, side_name
from spindle.geometry.extent import check_extent
from spindle.geometry.solid import Solid, SolidCombination, counted
from spindle.geometry.supports import Bounds
from spindle.symbolic.words import shown

_MOST_DIMENSIONS = 8  # of balls: of the box around one, 1.6 % lie inside


@usage("spd.Ball({x: 0, y: 0, z: 0}, radius=1)")
class Ball(Solid):
    """The ball `Ball({x: 0, y: 0, z: 0}, radius=1)`, in three to eight dimensions.

    `name` is what its boundary is called. Above three dimensions it is not joined with other shapes, and is taken by
    methods that need no nodes, such as `spd.PINN()`.

    `Ball((x, y, z), (0, 0, 0), radius=1)` is another way to say it.
    """

    @either_spelling
    def __init__(self, centre: Mapping, radius=1.0, name: str = "sphere"):
        self.coordinates, self.centre = centre_of("Ball", centre, *range(3, _MOST_DIMENSIONS + 1))
        self.radius, self.sides = radius_of("Ball", self, radius), (side_name("Ball", name),)
        check_extent(self)

    @property
    def combination(self):
        """A combination of shapes in space; None above three dimensions."""
        return SolidCombination if len(self.coordinates) == 3 else None

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the ball, a (low, high) pair an axis."""
        return tuple((c - self.radius, c + self.radius) for c in self.centre)

    @property
    def volume(self) -> float:
        """The volume of the ball: 4/3 pi r^3 in space, pi^(d/2) r^d / gamma(d/2 + 1) in d dimensions."""
        d = len(self.coordinates)
        return 4 / 3 * np.pi * self.radius**3 if d == 3 else np.pi ** (d / 2) / gamma(d / 2 + 1) * self.radius**d

    @property
    def surface(self) -> float:
        """The area of the sphere: 4 pi r^2 in space, d/r times the volume in d dimensions."""
        d = len(self.coordinates)
        return 4 * np.pi * self.radius**2 if d == 3 else d * self.volume / self.radius

    @cached_property
    def _samples(self):
        return self._at(self._normals(20_000))

    def _normals(self, count: int) -> np.ndarray:
        """Unit vectors (count, d), evenly spread: a spiral in space, beyond that Sobol points of the normal law."""
        d = len(self.coordinates)
        if d == 3:
            return meshes.spiral(count)
        points = ndtri(scipy.stats.qmc.Sobol(d, seed=0).random(1 << (count - 1).bit_length())[:count])
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    def _at(self, normals):
        weights = np.full(len(normals), self.surface / len(normals))
        points = np.array(self.centre) + self.radius * normals
        return meshes.Samples(points, normals, weights, np.zeros(len(normals), int))

    def _signed(self, points):
        return self.radius - np.linalg.norm(points - np.array(self.centre), axis=1)

    def _nodes(self, spacing, count):
        d = len(self.coordinates)
        if d > 3:
            usual = float(np.mean(spacing(self._samples.points))) if callable(spacing) else spacing
            return self._at(self._normals(count or max(1, round(self.surface / usual ** (d - 1)))))
        if not callable(spacing):
            return self._at(meshes.spiral(count) if count else meshes.even(spacing / self.radius))
        return counted(self, self._placed, spacing, count)

    def _placed(self, spacing):
        smallest = meshes.local(spacing, self._samples.points).min()
        fine = self._at(meshes.spiral(meshes.pool(self.surface, smallest)))
        return meshes.chosen(fine, meshes.local(spacing, fine.points))

    def _arguments(self):
        return tuple(zip(self.coordinates, self.centre, strict=True)), self.radius, self.sides[0]

    def __repr__(self):
        return f"Ball({placed(self)}, radius={plain(self.radius)})"


@usage('spd.Mesh((x, y, z), "part.stl")')
class Mesh(Solid):
    """The inside of a closed triangle mesh, `Mesh((x, y, z), "part.stl")`.

    surface  a file that trimesh (STL, OBJ, PLY) or meshio (VTK, VTU, MSH) reads, both of the extra `mesh`; or a pair
             of vertices (n, 3) and triangles (m, 3)
    name     what its boundary is called
    """

    def __init__(self, coordinates, surface, name: str = "surface"):
        self.coordinates = coordinates_of("Mesh", coordinates, (3,))
        call = f"spd.Mesh(({', '.join(map(str, self.coordinates))}), ...)"
        is_pair = isinstance(surface, (tuple, list)) and len(surface) == 2
        if not is_pair and not isinstance(surface, (str, os.PathLike)):
            raise ProblemError(
                f"`{call}` was given {shown(surface)} for its surface, which is neither a file nor a pair of vertices "
                f"and triangles; write `({', '.join(map(str, self.coordinates))}), (vertices, triangles)`."
            )
        pair = surface if is_pair else meshes.load(surface, call)
        self._triangles, self.sides = meshes.closed(pair[0], pair[1], call), (side_name("Mesh", name),)
        check_extent(self)

    @property
    def combination(self):
        """A combination of shapes in space."""
        return SolidCombination

    @property
    def bounds(self) -> Bounds:
        """The smallest box around the mesh, a (low, high) pair an axis."""
        vertices = self._triangles.vertices
        return tuple((float(a), float(b)) for a, b in zip(vertices.min(0), vertices.max(0), strict=True))

    @property
    def volume(self) -> float:
        """The volume inside the mesh."""
        return self._triangles.volume

    @property
    def surface(self) -> float:
        """The area of the triangles."""
        return float(self._triangles.areas.sum())

    @cached_property
    def _samples(self):
        return self._triangles.samples()

    def _signed(self, points):
        return self._triangles.distance(points)

    def _nodes(self, spacing, count):
        return counted(self, self._triangles.nodes, spacing, count)

    @cached_property
    def _lists(self) -> tuple:
        return tuple(
            tuple(map(tuple, array.tolist())) for array in (self._triangles.vertices, self._triangles.triangles)
        )

    def _arguments(self):
        return self.coordinates, self._lists, self.sides[0]

    def __repr__(self):
        names = ", ".join(map(str, self.coordinates))
        return f"Mesh(({names}), {len(self._triangles.triangles)} triangles)"
