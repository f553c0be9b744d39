"""Places where parts of a smooth piece of the boundary meet on which different conditions hold.

Where a value is set on one side and a slope on the other, the solution grows like r^(1/2) with the distance r, where
two different slopes meet like r log r, and where values jump it jumps. Residuals of the equation are not square
integrable there on anything that approximates it: least squares would trade the solution everywhere for a smaller
residual near the place. Multiplied by the distance, they are harmless.

Source of the weights: Cox & Fix (1984), Comput. Math. Appl. 10, On the accuracy of least squares methods in the
presence of corner singularities.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import sympy
from scipy.spatial import cKDTree

from spindle.geometry.face_parts import covers, divided
from spindle.geometry.supports import BoundaryPart, BoxFace
from spindle.symbolic.symbols import unknowns_in

NEAR = 0.25  # of the domain: how far from such a place an equation counts less
_MOST = 24  # places
_POINTS = 4_000  # of the boundary of a shape in the plane
_SMOOTH = 0.3  # cosine of the angle between normals, above which a boundary has no corner to speak of
_OF_SLOPES, _OF_VALUES = sympy.Rational(1, 2), sympy.S.One  # powers of the distance, by how singular solutions are


class Meeting(NamedTuple):
    """A place where parts meet.

    at      {coordinate: position} of the two coordinates that tell where it is
    power   of the distance, by which residuals are multiplied
    """

    at: Mapping[sympy.Symbol, float]
    power: sympy.Expr


def meetings(problem) -> tuple[Meeting, ...]:
    """The places; none on surfaces in space that are no boxes."""
    places = _on_boxes(problem) if problem.domain.boxes else _on_shape(problem)
    return tuple(places[:_MOST])


def part_ends(problem, axis: int) -> set[float]:
    """Where parts of the sides of boxes begin and end along an axis, inside the domain."""
    pieces = (piece for pieces in problem.pieces.values() for piece in pieces)
    return {end for p in pieces for face, _ in p.on_faces for end in face.bounds[axis]} - {*problem.domain.bounds[axis]}


def factor(problem) -> sympy.Expr:
    """What equations are multiplied by: 1 away from such places, and falling to zero at them, in any units."""
    lengths = {c: high - low for c, (low, high) in zip(problem.coordinates, problem.domain.bounds, strict=True)}
    factors = []
    for at, power in problem.meetings:
        square = sum(((c - sympy.Float(x, 17)) / sympy.Float(NEAR * lengths[c], 17)) ** 2 for c, x in at.items())
        factors.append(sympy.Min(1, square ** (power / 2), evaluate=False))
    return sympy.Mul(*factors)


def _power(one: Mapping[str, sympy.Expr], other: Mapping[str, sympy.Expr]) -> sympy.Expr | None:
    """By the conditions, {name: residual}, on both sides; None where they are the same, or missing on a side."""
    if set(one) == set(other) or not one or not other:
        return None
    slopes = [any(unknowns_in(d) for d in e.atoms(sympy.Derivative)) for e in (*one.values(), *other.values())]
    return _OF_SLOPES if all(slopes) else _OF_VALUES


def _on_boxes(problem) -> list[Meeting]:
    held = [
        (name, place, e)
        for name, pieces in problem.pieces.items()
        for piece in pieces
        if len(piece.terms) == 1
        for place, e in piece.on_faces
    ]
    places: dict[tuple, Meeting] = {}
    for face in problem.domain.faces:
        parts = divided(face, [place for _, place, _ in held], problem.domain)
        for one, other in itertools.combinations(parts, 2):
            edge = _edge(one, other)
            power = _power(*({name: e for name, place, e in held if covers(place, p)} for p in (one, other)))
            if edge is not None and power is not None:
                across, along = problem.coordinates[face.axis], problem.coordinates[edge[0]]
                places[face.axis, face.value, *edge] = Meeting({across: face.value, along: edge[1]}, power)
    return list(places.values())


def _edge(one: BoxFace, other: BoxFace) -> tuple[int, float] | None:
    """(axis, position) of the edge that two parts of a face share; None where they share none."""
    touching = []
    for axis, ((a, b), (c, d)) in enumerate(zip(one.bounds, other.bounds, strict=True)):
        if axis == one.axis or (a < d and c < b):
            continue
        if b != c and a != d:
            return None
        touching.append((axis, b if b == c else a))
    return touching[0] if len(touching) == 1 else None


def _on_shape(problem) -> list[Meeting]:
    shape = problem.domain.shape
    walls = {
        name: [(place, e) for piece in pieces for place, e in piece.terms if isinstance(place, BoundaryPart)]
        for name, pieces in problem.pieces.items()
    }
    walls = {name: places for name, places in walls.items() if places}
    # One condition on all of the boundary meets no other.
    if len(walls) < 2 or len(shape.coordinates) != 2:
        return []
    boundary = shape.boundary(shape.surface / _POINTS)
    held = {name: np.any([w.holds(*boundary.arrays) for w, _ in p], axis=0) for name, p in walls.items()}
    places: list[tuple[np.ndarray, sympy.Expr]] = []
    for one, other, reach in _changes(boundary, np.stack(list(held.values()), axis=1)):
        there = [{name: walls[name][0][1] for name in walls if held[name][k]} for k in (one, other)]
        power, middle = _power(*there), (boundary.points[one] + boundary.points[other]) / 2
        if power is not None and all(np.linalg.norm(middle - place) > 4 * reach for place, _ in places):
            places.append((middle, power))
    return [Meeting(dict(zip(shape.coordinates, map(float, at), strict=True)), power) for at, power in places]


def _changes(boundary, held: np.ndarray) -> list[tuple[int, int, float]]:
    """(number, number, distance) of neighbours on a smooth piece of a boundary on which different conditions hold."""
    gaps, near = cKDTree(boundary.points).query(boundary.points, 3)
    pairs = [
        (k, int(other), float(gap))
        for k, (reaches, others) in enumerate(zip(gaps[:, 1:], near[:, 1:], strict=True))
        for other, gap in zip(others, reaches, strict=True)
        if k < other and (held[k] != held[other]).any()
    ]
    return [(k, j, gap) for k, j, gap in pairs if boundary.normals[k] @ boundary.normals[j] > _SMOOTH]
