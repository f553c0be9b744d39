"""Boxes and what they add up to: sizes, boundaries, normals, named parts."""

import itertools
import math
import operator

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, pi

import spindle as spd
from spindle.geometry.domain import Domain
from spindle.geometry.planar import Planar
from spindle.geometry.shape import Shape
from spindle.geometry.shape_domain import ShapeDomain
from spindle.geometry.solid import Solid

t, x, y, z = spd.coordinates("t x y z")


def box(*ends):
    return spd.Box(dict(zip((x, y, z), ends, strict=False)))


def square(low, high):
    return box((low, high), (low, high))


def cube(low, high):
    return box((low, high), (low, high), (low, high))


# domain, volume, measure of the boundary: by hand
SHAPES = {
    "interval": (spd.Interval(x, -1, 2), 3, 2),
    "interval with a gap": (spd.Interval(x, 0, 3) - spd.Interval(x, 1, 2), 2, 4),
    "rectangle": (box((-1, 1), (0, 3)), 6, 10),
    "L": (square(-1, 1) - square(0, 1), 3, 8),
    "square with a square hole": (square(0, 3) - square(1, 2), 8, 16),
    "plus": (box((0, 3), (1, 2)) | box((1, 2), (0, 3)), 5, 12),
    "two squares apart": (square(0, 1) | square(2, 3), 2, 8),
    "two squares that touch at a corner": (square(0, 1) | square(1, 2), 2, 8),
    "overlap": (square(0, 2) & square(1, 3), 1, 4),
    "halves that meet up to rounding": (box((0, 0.3), (0, 1)) | box((0.1 * 3, 1), (0, 1)), 1, 4),
    "channel with a step": (box((0, 6), (0, 2)) - box((0, 2), (0, 1)), 10, 16),
    "irrational": (box((0, pi), (0, 1)) - box((0, 1), (0, sympy.sqrt(2) / 2)), math.pi - 0.5**0.5, 2 * math.pi + 2),
    "cube": (cube(-1, 1), 8, 24),
    "cube without a corner": (cube(-1, 1) - cube(0, 1), 7, 24),
    "cube with a hollow": (cube(0, 3) - cube(1, 2), 26, 60),
    "cube with a tunnel": (cube(0, 3) - box((1, 2), (1, 2), (0, 3)), 24, 64),
}


@pytest.mark.parametrize("name", SHAPES)
def test_volume_and_boundary_have_the_right_size(name):
    domain, volume, surface = SHAPES[name]
    assert domain.volume == pytest.approx(volume, rel=1e-12)
    assert sum(face.support.measure for face in domain.faces) == pytest.approx(surface, rel=1e-12)


@pytest.mark.parametrize("name", SHAPES)
def test_divergence_theorem(name):
    """The flux of the field x_k e_k through the faces is the volume, that of e_k is zero: normals point outwards."""
    domain, volume, _ = SHAPES[name]
    for k in range(len(domain.coordinates)):
        across = [face for face in domain.faces if face.axis == k]
        assert sum(f.outward * f.value * f.support.measure for f in across) == pytest.approx(volume, rel=1e-12)
        assert sum(f.outward * f.support.measure for f in across) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", SHAPES)
def test_one_side_of_each_face_is_inside(name):
    domain, _, _ = SHAPES[name]
    random = np.random.default_rng(0)
    for face in domain.faces:
        low, high = np.array(face.bounds).T
        points = low + (high - low) * random.uniform(0.01, 0.99, size=(20, len(low)))
        step = 1e-6 * face.outward * np.eye(len(low))[face.axis]
        assert domain.contains(points).all()
        assert domain.contains(points - step).all(), f"{face} has nothing on its inner side"
        assert not domain.contains(points + step).any(), f"{face} lies inside the domain"


@pytest.mark.parametrize("name", SHAPES)
def test_boxes_are_disjoint_and_bounded(name):
    domain, _, _ = SHAPES[name]
    random = np.random.default_rng(1)
    low, high = np.array(domain.bounds).T
    points = low + (high - low) * random.uniform(size=(500, len(low)))
    owners = sum(
        spd.Box(dict(zip(domain.coordinates, b, strict=True))).contains(points).astype(int) for b in domain.boxes
    )
    assert (owners == domain.contains(points)).all()
    assert not domain.contains(high + 1 + 0 * points[:1]).any()


@pytest.mark.parametrize("name", ["interval with a gap", "L", "cube with a hollow"])
def test_a_grid_is_inside_where_its_points_are(name):
    domain, _, _ = SHAPES[name]
    axes = [np.array([np.nan, low - 1, *np.linspace(low, high, 7)]) for low, high in domain.bounds]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    inside = domain.contains(points.reshape(-1, len(axes))).reshape(points.shape[:-1])
    np.testing.assert_array_equal(np.broadcast_to(domain.contains_grid(axes), inside.shape), inside)


# Boxes with whole corners: (low, length) on each axis, in two or three dimensions.
SIDES = st.tuples(st.integers(0, 3), st.integers(1, 3))
PAIRS = st.integers(2, 3).flatmap(lambda d: st.tuples(*[st.lists(SIDES, min_size=d, max_size=d)] * 2))
COMBINE = {"|": operator.or_, "-": operator.sub, "&": operator.and_}


def cells(sides):
    """The unit cells of a box, by their lower corners."""
    return set(itertools.product(*(range(low, low + length) for low, length in sides)))


@given(PAIRS, st.sampled_from(list(COMBINE)))
def test_combined_boxes_are_sets_of_cells(pair, operation):
    """Against a naive twin: the set of unit cells, whose exposed sides are the boundary."""
    expected = COMBINE[operation](*map(cells, pair))
    boxes = [box(*((low, low + length) for low, length in sides)) for sides in pair]
    if not expected:
        with pytest.raises(spd.ProblemError, match="is empty, and nothing can be solved on an empty domain"):
            COMBINE[operation](*boxes)
        return
    domain = COMBINE[operation](*boxes)
    assert domain.volume == len(expected)
    for k, side in itertools.product(range(len(domain.coordinates)), (-1, 1)):
        step = side * np.eye(len(domain.coordinates), dtype=int)[k]
        exposed = [cell for cell in expected if tuple(cell + step) not in expected]
        assert sum(f.support.measure for f in domain.faces if (f.axis, f.outward) == (k, side)) == len(exposed)


PARTS = [
    (square(0, 1), None, {"x=0", "x=1", "y=0", "y=1"}, 4),
    (spd.Box({t: (0, 1), x: (-1, 1)}), None, {"x=-1", "x=1"}, 2),
    (spd.Box({t: (0, 1), x: (-1, 1)}), Eq(t, 0), {"t=0"}, 2),
    (square(0, 1), "x=0", {"x=0"}, 1),
    (square(0, 1), " x = 1.0 ", {"x=1"}, 1),
    (square(0, 1), [Eq(x, 0), "y=1", Eq(x, 0)], {"x=0", "y=1"}, 2),
    (box((0, 0.1), (0, 1)), "x=0.1", {"x=0.1"}, 1),
    (box((-pi, pi), (0, 1)), "x=pi", {"x=pi"}, 1),
    (box((-pi, pi), (0, 1)), Eq(x, -pi), {"x=-pi"}, 1),
    (square(-1, 1) - square(0, 1), Eq(x, 0), {"x=0"}, 1),
    (square(0, 3) - square(1, 2), [Eq(x, 1), Eq(y, 2)], {"x=1", "y=2"}, 2),
]


@pytest.mark.parametrize(("domain", "on", "names", "size"), PARTS)
def test_part_names_faces(domain, on, names, size):
    faces = domain.part(on)
    assert {face.name for face in faces} == names
    assert len(set(faces)) == len(faces)
    assert sum(face.support.measure for face in faces) == pytest.approx(size)


@pytest.mark.parametrize(
    ("on", "text"),
    [
        (Eq(x, 2), r"the part `x=2`, but this domain has no boundary there.*There are: x=0, x=1, y=0, y=1"),
        ("x=-1", r"Did you mean `x=1`\?"),
        ("left", r"`on='left'`, but this domain has no boundary there"),
        ("x=", r"`on='x='`, but"),
        (x, r"`on=x`, which does not name a part of the boundary; write a plane, `on=Eq\(x, 1\)`"),
        (Eq(z, 0), "does not name a part"),
        (z > 0, "does not name a part of the boundary by relations between its coordinates"),
        (x > 1, "nothing of the boundary of .* lies there"),
        (1, "does not name a part"),
        ({Eq(x, 0)}, "does not name a part.*or a list of these"),
    ],
)
def test_empty_and_misspelt_parts_are_explained(on, text):
    with pytest.raises(spd.ProblemError, match=text):
        square(0, 1).part(on)


@pytest.mark.parametrize(
    ("intervals", "text"),
    [
        ({}, "has no coordinates"),
        ([(0, 1)], "needs an interval for each coordinate"),
        ({"x": (0, 1)}, "'x' as a coordinate, which is no symbol"),
        *(
            ({x: ends}, "which is no interval")
            for ends in [(1, 0), (0, 0), (0, sympy.oo), (0, y), None, (0, 1, 2), ([0], 1)]
        ),
    ],
)
def test_a_box_needs_intervals(intervals, text):
    with pytest.raises(spd.ProblemError, match=text):
        spd.Box(intervals)


@pytest.mark.parametrize("other", [spd.Box({y: (0, 1), x: (0, 1)}), spd.Interval(x, 0, 1)])
def test_domains_combine_in_the_same_coordinates(other):
    with pytest.raises(spd.ProblemError, match="the same coordinates in the same order"):
        square(0, 1) | other


def test_exact_bounds_are_kept():
    domain = box((-pi, sympy.Rational(1, 3)), (0, 1))
    assert domain.symbolic_bounds[0] == (-pi, sympy.Rational(1, 3))
    assert domain.bounds == ((-math.pi, 1 / 3), (0.0, 1.0))
    assert repr(domain) == "Box({x: (-pi, 1/3), y: (0, 1)})"


@pytest.mark.parametrize("interface", [Domain, ShapeDomain, Shape, Planar, Solid])
def test_interfaces_cannot_be_built(interface):
    with pytest.raises(TypeError, match="abstract"):
        interface()
