"""Plane meshes of files as shapes: their outline, with physical groups of edges as names of its sides."""

import os
from collections import defaultdict
from functools import cached_property, reduce

import numpy as np
import shapely

from spindle.errors import ProblemError, usage
from spindle.geometry import arcs, mesh_file
from spindle.geometry.arguments import coordinates_of, side_name
from spindle.geometry.extent import FARTHEST, check_extent
from spindle.geometry.meshes import reading
from spindle.geometry.planar import Planar
from spindle.symbolic.words import shown

_STRAIGHT = 1e-9  # sine of the angle between edges of one line

Ring = tuple[tuple[tuple[float, float], ...], tuple[str, ...]]


@usage('spd.PlaneMesh((x, y), "plate.msh")')
class PlaneMesh(Planar):
    """What a triangle mesh of the plane covers, `PlaneMesh((x, y), "plate.msh")`: a shape with the mesh's outline.

    outline   a file that meshio reads (Gmsh, VTK, VTU; the extra `mesh`): triangles or quadrilaterals, whose vertices
              beside the first two coordinates are zero; or a list of rings, each a pair of vertices [(x, y), ...] and
              of names, one for each edge, from its vertex to the next
    name      what edges are called that belong to no physical group of lines; others are called as their group

    Outlines are polygons, holes included. Nodes and points are placed anew: the mesh's own are not used.
    Raises ProblemError where the file cannot be read, or its outline crosses or touches itself.
    """

    def __init__(self, coordinates, outline, name: str = "outline"):
        self.coordinates = coordinates_of("PlaneMesh", coordinates, (2,))
        call = f"spd.PlaneMesh(({', '.join(map(str, self.coordinates))}), ...)"
        usual = side_name("PlaneMesh", name)
        if isinstance(outline, (str, os.PathLike)):
            self.rings = _rings(reading(mesh_file.read_plane, outline, call), usual, call)
        else:
            self.rings = _given(outline, call)
        self.sides = tuple(dict.fromkeys(label for _, labels in self.rings for label in labels))
        self._outline = _covered(self.rings, call)
        self.loops = tuple(_lines(points, labels) for points, labels in self.rings)
        check_extent(self)

    def _signed(self, points):
        return self._by_arcs(points)

    def _inside(self, points):
        return shapely.intersects_xy(self._outline, points)

    def _arguments(self):
        return self.coordinates, self.rings

    @cached_property
    def _edges(self) -> int:
        return sum(len(labels) for _, labels in self.rings)

    def __repr__(self):
        names = ", ".join(map(str, self.coordinates))
        return f"PlaneMesh(({names}), {self._edges} edges, sides {', '.join(self.sides)})"


def _given(outline, call: str) -> tuple[Ring, ...]:
    try:
        rings = tuple(
            (tuple((float(a), float(b)) for a, b in points), tuple(map(str, labels))) for points, labels in outline
        )
    except (TypeError, ValueError, OverflowError):
        rings = ()
    if not rings or any(len(points) != len(labels) or len(points) < 3 for points, labels in rings):
        raise ProblemError(
            f"`{call}` was given {shown(outline)} for its outline, which is neither a file nor a list of rings; write "
            f'`spd.PlaneMesh((x, y), "plate.msh")`.'
        )
    return rings


def _rings(mesh, usual: str, call: str) -> tuple[Ring, ...]:
    """The closed rings of edges that belong to a single triangle, the inside on their left, each edge with its name."""
    vertices, triangles, edges, labels, names = mesh
    if np.any(np.abs(vertices[:, 2:]) > 1e-9 * np.ptp(vertices[:, :2])) or not (np.abs(vertices) <= FARTHEST).all():
        raise ProblemError(f"`{call}` needs a mesh of the plane, and this one has heights; `spd.Mesh` takes surfaces.")
    a, b, c = (vertices[triangles[:, k], :2] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    turned = np.where((area < 0)[:, None], triangles[:, [0, 2, 1]], triangles)[area != 0]
    sides = turned[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, first, counts = np.unique(np.sort(sides, axis=1), axis=0, return_index=True, return_counts=True)
    if counts.max(initial=0) > 2:
        raise ProblemError(f"`{call}` has an edge of more than two triangles, which no plane has; mesh it again.")
    following = defaultdict(list)
    for start, end in sides[first[counts == 1]].tolist():
        following[start].append(end)
    if any(len(ends) > 1 for ends in following.values()):
        raise ProblemError(f"`{call}` has an outline that touches itself at a vertex; separate the parts there.")
    called = {frozenset(edge): names.get(label, f"group {label}") for edge, label in zip(edges, labels, strict=True)}
    rings = []
    while following:
        ring = [next(iter(following))]
        while ring[-1] in following:
            ring.append(following.pop(ring[-1])[0])
        ring.pop()
        ends = zip(ring, [*ring[1:], ring[0]], strict=True)
        marked = tuple(called.get(frozenset(edge), usual) for edge in ends)
        rings.append((tuple((float(p), float(q)) for p, q in vertices[ring, :2]), marked))
    return tuple(rings)


def _covered(rings, call: str):
    """What rings enclose, prepared for queries: of rings within rings every other one is a hole."""
    polygons = [shapely.Polygon(points) for points, _ in rings]
    if not all(polygon.is_valid and polygon.area > 0 for polygon in polygons):
        raise ProblemError(f"`{call}` has an outline that crosses or touches itself, so it has no clear inside.")
    covered = reduce(shapely.symmetric_difference, sorted(polygons, key=lambda polygon: -polygon.area))
    shapely.prepare(covered)
    return covered


def _lines(points, labels) -> arcs.Loop:
    """A ring as lines; edges that go on straight under one name are one line."""
    vertices = np.array(points)
    steps = np.roll(vertices, -1, axis=0) - vertices
    before = np.roll(steps, 1, axis=0)
    sine = steps[:, 0] * before[:, 1] - steps[:, 1] * before[:, 0]
    lengths = np.linalg.norm(steps, axis=1) * np.linalg.norm(before, axis=1)
    straight = (np.abs(sine) <= _STRAIGHT * lengths) & (np.einsum("ij,ij->i", steps, before) > 0)
    corners = [k for k in range(len(points)) if not straight[k] or labels[k] != labels[k - 1]]
    ends = [*corners[1:], corners[0]]
    return tuple(arcs.line(vertices[a], vertices[b], labels[a]) for a, b in zip(corners, ends, strict=True))
