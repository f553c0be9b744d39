"""Cells on which fields are drawn elsewhere: of grids in boxes, and of the scattered nodes of curved domains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import Delaunay

from spindle.errors import ProblemError
from spindle.geometry.planar import Planar
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shape import Shape
from spindle.methods.dtpinn import DTPINN, curved, scattered
from spindle.points.scattered import scatter
from spindle.problem.problem import Problem

# By dimension: VTK's numbers for lines, quadrilaterals and hexahedra, and for triangles and tetrahedra.
_BOXES, _SIMPLICES = {1: 3, 2: 9, 3: 12}, {2: 5, 3: 10}
_USUAL = {2: 2_000, 3: 4_000}  # nodes in a shape of so many dimensions
_FLAT = 1e-9  # of the volume of the domain, below which a simplex is none
_TURN = 1e-6  # one minus the cosine of the angle from which a joint of arcs is a corner


@dataclass(frozen=True)
class Cells:
    """Points (n, d) of at most three dimensions, the corners (m, k) of cells, and VTK's number for their kind."""

    points: np.ndarray
    corners: np.ndarray
    kind: int


def grid_cells(problem: Problem, nodes: Mapping[str, np.ndarray], time: str | None) -> Cells:
    """The cells of a grid in space that lie in the domain at any instant; axes of one node are fixed.

    Raises ProblemError where none, or more than three, of the axes of space vary.
    """
    space = {name: values for name, values in nodes.items() if name != time}
    varying = [name for name, values in space.items() if len(values) > 1]
    if len(varying) not in _BOXES:
        fix = f"fix others at a value, `{varying[3]}=0.5`" if varying else "take a table, `solution.to_dataframe()`"
        raise ProblemError(
            f"`solution.to_vtk(...)` would write {len(varying)} axes of space, and VTK has one, two or three; {fix}."
        )
    kept = list(space) if len(space) <= 3 else varying
    mesh = np.meshgrid(*space.values(), indexing="ij")
    places = dict(zip(space, (m.ravel() for m in mesh), strict=True))
    numbers = np.arange(mesh[0].size).reshape([len(space[name]) for name in varying])
    corners = _corners(numbers)
    centres = {name: places[name][corners].mean(axis=1) for name in space}
    inside = np.zeros(len(corners), bool)
    for instant in nodes[time] if time else [0.0]:
        now = centres | ({time: np.full(len(corners), instant)} if time else {})
        inside |= problem.domain.contains(np.stack([now[c.name] for c in problem.coordinates], axis=1))
    return Cells(np.stack([places[name] for name in kept], axis=1), corners[inside], _BOXES[len(varying)])


def _corners(numbers: np.ndarray) -> np.ndarray:
    """The corners (m, 2^d) of the cells of a grid whose nodes have these numbers, in the order of VTK."""
    low, high = slice(None, -1), slice(1, None)
    line = [(low,), (high,)]
    face = [(low, low), (high, low), (high, high), (low, high)]
    solid = [(a, b, c) for c in (low, high) for a, b in face]
    chosen: Any = {1: line, 2: face, 3: solid}[numbers.ndim]
    return np.stack([numbers[place].ravel() for place in chosen], axis=1)


def curved_cells(solution, shape: Shape, points: int | None) -> Cells:
    """The nodes of a curved domain joined to triangles or tetrahedra.

    points   about how many nodes; None: those that the method has, else a usual number. Corners in the plane are added

    The triangulation is Delaunay's, without the simplices whose centre lies outside.
    """
    nodes = np.concatenate([_nodes(solution, shape, points), _tips(shape)])
    simplices = Delaunay(nodes).simplices
    volumes = np.linalg.det(nodes[simplices[:, 1:]] - nodes[simplices[:, :1]])
    simplices[volumes < 0, :2] = simplices[volumes < 0, 1::-1]  # VTK's corners turn one way
    thick = np.abs(volumes) > _FLAT * shape.volume
    kept = simplices[thick & shape.contains(nodes[simplices].mean(axis=1))]
    return Cells(nodes, kept, _SIMPLICES[nodes.shape[1]])


def _nodes(solution, shape: Shape, points: int | None) -> np.ndarray:
    """The nodes (n, d) of a method that has some, or as many as are wanted."""
    if isinstance(shape, PointCloud):
        return np.concatenate([shape.interior, shape.nodes])
    if points is None and isinstance(solution.plan.settings, DTPINN):
        own = scattered(curved(solution.problem), solution.plan.settings, solution.problem.curves)
    else:
        own = scatter(shape, total=points or _USUAL[len(shape.coordinates)], ghost=0)
    return np.concatenate([own.interior, own.boundary, own.on_interfaces])


def _tips(shape: Shape) -> np.ndarray:
    """The corners (k, 2) of a shape in the plane, which nodes keep away from."""
    corners = [np.zeros((0, len(shape.coordinates)))]
    for loop in shape.loops if isinstance(shape, Planar) else ():
        for before, after in zip((loop[-1], *loop[:-1]), loop, strict=True):
            (start, _), (begins, _) = after.tips
            _, (_, ended) = before.tips
            if begins @ ended < 1 - _TURN:
                corners.append(start[None])
    return np.concatenate(corners)
