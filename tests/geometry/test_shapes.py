"""Shapes: sizes, distances, boundary nodes with normals, combinations, what is refused, what comes back from a file."""

import json
import math

import numpy as np
import pytest
import shapely
import sympy
from scipy.spatial import cKDTree
from scipy.special import ellipe
from sympy import cos, pi, sin

import spindle as spd
from spindle.geometry.shapes import (
    Ball,
    Curve,
    Disk,
    Ellipse,
    Mesh,
    Polygon,
    shape_from_data,
    shape_of,
    shape_to_data,
)
from spindle.problem.serialize import decode, encode

t, x, y, z = spd.coordinates("t x y z")
s = sympy.Symbol("s", real=True)

UNIT = Disk({x: 0, y: 0}, 1)
SQUARE = spd.Box({x: (-1, 1), y: (-1, 1)})
CUBE = spd.Box({x: (0, 1), y: (0, 1), z: (0, 1)})
STAR = 1 + sin(5 * s) / 4
HOLED = Polygon((x, y), [(0, 0), (4, 0), (4, 3), (0, 3)], holes=[[(1, 1), (2, 1), (2, 2)]])
OCTAHEDRON = (
    [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)],
    [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)],
)


def cuboid(*sides):
    """Vertices and triangles of a box, by its lengths."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * sides
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners, [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]


# shape, area or volume, length or area of the boundary, sides: by hand
SHAPES = {
    "disk": (Disk({x: 1, y: -2}, radius=3), 9 * math.pi, 6 * math.pi, ("circle",)),
    "ellipse": (Ellipse({x: 0, y: 1}, (2, 1), angle=0.3), 2 * math.pi, 8 * ellipe(0.75), ("ellipse",)),
    "star": (Curve({x: STAR * cos(s), y: STAR * sin(s)}, s, (0, 2 * pi)), math.pi * (1 + 1 / 32), None, ("curve",)),
    "clockwise": (Curve({x: cos(s), y: -sin(s)}, s, (0, 2 * pi), name="wall"), math.pi, 2 * math.pi, ("wall",)),
    "triangle": (Polygon((x, y), [(0, 0), (0, 3), (4, 0)]), 6, 12, ("outline",)),
    "polygon with a hole": (HOLED, 11.5, 16 + math.sqrt(2), ("outline", "hole 1")),
    "square": (shape_of(SQUARE), 4, 8, ("x=-1", "x=1", "y=-1", "y=1")),
    "L": (
        shape_of(SQUARE - spd.Box({x: (0, 1), y: (0, 1)})),
        3,
        8,
        ("x=-1", "x=0", "x=1", "y=-1", "y=0", "y=1"),
    ),
    "square minus disk": (SQUARE - Disk({x: 0, y: 0}, 0.5), 4 - math.pi / 4, 8 + math.pi, None),
    "square minus corner": (SQUARE - Disk({x: 1, y: 1}, 1), 4 - math.pi / 4, 6 + math.pi / 2, None),
    "half a disk": (UNIT & spd.Box({x: (-2, 2), y: (0, 2)}), math.pi / 2, math.pi + 2, ("circle", "y=0")),
    "lens": (
        UNIT & Disk({x: 1, y: 0}, 1),
        2 * math.pi / 3 - math.sqrt(3) / 2,
        4 * math.pi / 3,
        ("circle", "circle 2"),
    ),
    "squares that share a side": (shape_of(SQUARE) | spd.Box({x: (1, 2), y: (-1, 1)}), 6, 10, None),
    "disk in a disk": (UNIT - Disk({x: 0.2, y: 0}, 0.5, name="hole"), 0.75 * math.pi, 3 * math.pi, ("circle", "hole")),
    "union undone": ((UNIT | Disk({x: 1, y: 0}, 1)) & UNIT, math.pi, 2 * math.pi, None),
    "ball": (Ball({x: 1, y: 0, z: 0}, 2), 32 / 3 * math.pi, 16 * math.pi, ("sphere",)),
    "cube": (shape_of(CUBE), 1, 6, ("x=0", "x=1", "y=0", "y=1", "z=0", "z=1")),
    "octahedron": (Mesh((x, y, z), OCTAHEDRON), 4 / 3, 4 * math.sqrt(3), ("surface",)),
    "cuboid of triangles": (Mesh((x, y, z), cuboid(1, 2, 0.1)), 0.2, 4.6, ("surface",)),
    "cube minus ball": (CUBE - Ball({x: 0.5, y: 0.5, z: 0.5}, 0.25), 1 - math.pi / 48, 6 + math.pi / 4, None),
    "cube minus corner": (CUBE - Ball({x: 0, y: 0, z: 0}, 0.5), 1 - math.pi / 48, 6 - math.pi / 16, None),
}
CUT = ("cube minus ball", "cube minus corner")  # measured by samples
SMOOTH = ("disk", "ellipse", "star", "clockwise")


def each(*names):
    return pytest.mark.parametrize("name", names or SHAPES)


@each()
def test_size_and_sides(name):
    shape, volume, surface, sides = SHAPES[name]
    tolerance = 1e-3 if name in CUT else 1e-8 if name == "union undone" else 1e-10
    assert shape.volume == pytest.approx(volume, rel=tolerance)
    assert surface is None or shape.surface == pytest.approx(surface, rel=tolerance)
    assert sides is None or shape.sides == sides
    assert len(set(shape.sides)) == len(shape.sides)


@each()
def test_boundary_nodes_lie_on_the_boundary_and_normals_point_outwards(name):
    shape, *_ = SHAPES[name]
    size = max(high - low for low, high in shape.bounds)
    nodes = shape.boundary(size / 30)
    np.testing.assert_allclose(shape.distance(nodes.points), 0, atol=1e-12 * size)
    np.testing.assert_allclose(np.linalg.norm(nodes.normals, axis=1), 1, rtol=1e-12)
    assert shape.contains(nodes.points).all()
    np.testing.assert_allclose(shape.distance(nodes.points - 1e-4 * size * nodes.normals), 1e-4 * size, rtol=1e-3)
    assert (shape.distance(nodes.points + 1e-4 * size * nodes.normals) < 0).all()
    assert set(nodes.labels) == set(range(len(shape.sides)))
    assert nodes.points.shape == nodes.normals.shape == (len(nodes.labels), len(shape.coordinates))


@each()
def test_divergence_theorem(name):
    """The flux of a constant field is zero, that of x is d times the volume: nodes stand for equal shares."""
    shape, volume, *_ = SHAPES[name]
    size = max(high - low for low, high in shape.bounds)
    nodes = shape.boundary(size / 60)
    assert abs(nodes.normals.mean(0)).max() < 0.02
    around = nodes.points - np.mean(shape.bounds, axis=1)
    flux = (around * nodes.normals).sum(1).mean() * shape.surface
    # Strips along edges stay empty, which weighs most on a thin plate.
    assert flux == pytest.approx(len(shape.coordinates) * volume, rel=0.08 if "triangles" in name else 0.03)
    if name in SMOOTH:
        assert flux == pytest.approx(len(shape.coordinates) * volume, rel=1e-9)


@each()
def test_nodes_keep_their_distance(name):
    shape, *_ = SHAPES[name]
    spacing = max(high - low for low, high in shape.bounds) / 30
    points = shape.boundary(spacing).points
    nearest = cKDTree(points).query(points, 2)[0][:, 1]
    assert nearest.min() > 0.55 * spacing
    assert 0.85 * spacing < nearest.mean() < 1.15 * spacing


@each()
def test_distance_has_slope_one_and_the_sign_of_the_inside(name):
    shape, volume, *_ = SHAPES[name]
    random = np.random.default_rng(0)
    low, high = np.array(shape.bounds).T
    size = (high - low).max()
    points = low + (high - low) * random.uniform(-0.2, 1.2, size=(4000, len(low)))
    distance = shape.distance(points)
    steps = random.normal(size=points.shape)
    steps *= 0.01 * size / np.linalg.norm(steps, axis=1, keepdims=True)
    assert (abs(shape.distance(points + steps) - distance) <= 0.01 * size * (1 + 1e-4)).all()
    share = np.mean(distance >= 0) * 1.4 ** len(low) * np.prod(high - low)
    assert share == pytest.approx(volume, rel=0.1)
    np.testing.assert_array_equal(shape.contains(points), distance >= -1e-9 * size)


@each()
def test_nan_lies_nowhere(name):
    shape, *_ = SHAPES[name]
    points = np.full((2, len(shape.coordinates)), np.nan)
    points[0, 1:] = 0
    assert np.isnan(shape.distance(points)).all()
    assert not shape.contains(points).any()


@each("L", "half a disk", "cube minus ball")
def test_a_grid_is_inside_where_its_points_are(name):
    shape, *_ = SHAPES[name]
    axes = [np.linspace(low - 0.1, high, 7 + k) for k, (low, high) in enumerate(shape.bounds)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    inside = shape.contains(points.reshape(-1, len(axes))).reshape(points.shape[:-1])
    np.testing.assert_array_equal(shape.contains_grid(axes), inside)


@each()
def test_a_shape_comes_back_from_data(name):
    shape, *_ = SHAPES[name]
    back = shape_from_data(json.loads(json.dumps(shape_to_data(shape, encode))), decode)
    assert back == shape and hash(back) == hash(shape) and repr(back) == repr(shape)
    assert back.sides == shape.sides
    np.testing.assert_array_equal(back.boundary(0.2).points, shape.boundary(0.2).points)


def test_distances_against_closed_forms():
    points = np.random.default_rng(0).uniform(-3, 4, size=(2000, 2))
    np.testing.assert_allclose(UNIT.distance(points), 1 - np.hypot(*points.T), atol=1e-12)
    as_shapely = shapely.Polygon(HOLED.rings[0], HOLED.rings[1:])
    made = shapely.points(points)
    expected = np.where(as_shapely.contains(made), 1, -1) * shapely.distance(as_shapely.boundary, made)
    np.testing.assert_allclose(HOLED.distance(points), expected, atol=1e-12)
    # A circle in three disguises, one of them far from uniform speed.
    for shape in (
        Ellipse({x: 0, y: 0}, (1, 1)),
        Curve({x: cos(s + sin(s) / 2), y: sin(s + sin(s) / 2)}, s, (0, 2 * pi)),
    ):
        np.testing.assert_allclose(shape.distance(points), 1 - np.hypot(*points.T), atol=1e-10)


def test_distance_from_an_ellipse_along_its_normals():
    """Inside up to the centre of curvature, outside for ever, the foot of a point on a normal is where it begins."""
    shape = Ellipse({x: 0, y: 0}, (2, 1), angle=0.4)
    nodes = shape.boundary(0.05)
    for depth in (0.4, 0.01, -0.3, -5):
        np.testing.assert_allclose(shape.distance(nodes.points - depth * nodes.normals), depth, rtol=1e-9)


def test_a_mesh_measures_like_the_box_it_is():
    box, mesh = shape_of(spd.Box({x: (0, 1), y: (0, 2), z: (0, 0.1)})), Mesh((x, y, z), cuboid(1, 2, 0.1))
    points = np.random.default_rng(0).uniform([-0.2, 0.8, -0.2], [0.3, 1.3, 0.3], size=(2000, 3))
    np.testing.assert_allclose(mesh.distance(points), box.distance(points), atol=1e-4)
    near = abs(box.distance(points)) < 0.03
    np.testing.assert_allclose(mesh.distance(points[near]), box.distance(points[near]), atol=1e-12)


@each("disk", "ellipse", "star", "ball")
def test_counts_are_met(name):
    shape, *_ = SHAPES[name]
    for count in (76, 91, 240):
        assert len(shape.boundary(1, count=count).points) == count


def test_nodes_of_a_circle_are_equispaced_from_angle_zero():
    nodes = UNIT.boundary(1, count=76)
    angle = 2 * np.pi * np.arange(76) / 76
    np.testing.assert_allclose(nodes.points, np.stack([np.cos(angle), np.sin(angle)], 1), atol=1e-12)
    np.testing.assert_allclose(nodes.normals, nodes.points, atol=1e-12)
    assert len(UNIT.boundary(0.1).points) == round(20 * math.pi)


def test_nodes_of_an_ellipse_are_equispaced_in_arc_length():
    points = Ellipse({x: 0, y: 0}, (5, 1)).boundary(0.01).points
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    np.testing.assert_allclose(steps, steps.mean(), rtol=2e-4)  # chords, not arcs


@each("square", "L", "triangle", "half a disk", "square minus corner")
def test_nodes_keep_away_from_corners(name):
    shape, *_ = SHAPES[name]
    found = shape.boundary(0.05).points
    corners = {
        "half a disk": [(-1, 0), (1, 0)],
        "square minus corner": [(1, 0), (0, 1), (-1, -1)],
        "triangle": [(0, 0), (0, 3), (4, 0)],
    }.get(name, [(-1, -1), (1, -1), (-1, 1)])
    gap, _ = cKDTree(found).query(corners)
    assert (gap > 0.3 * 0.05).all() and (gap < 1.5 * 0.05).all()


NOTCHES = {
    "none": (UNIT - Disk({x: 0, y: 0}, 0.5), []),
    "square": (shape_of(SQUARE), []),
    "L": (shape_of(SQUARE - spd.Box({x: (0, 1), y: (-1, 0)})), [(0, 0)]),
    "a hole": (SQUARE - Polygon((x, y), [(0, 0), (0.5, 0), (0.5, 0.5)]), [(0, 0), (0.5, 0), (0.5, 0.5)]),
    "a wedge": (UNIT - Polygon((x, y), [(0, 0), (2, -0.3), (2, 0.3)]), [(0, 0)]),
    "a bite": (UNIT - Disk({x: 1, y: 0}, 1), []),
    "two disks": (UNIT | Disk({x: 1, y: 0}, 1), [(0.5, -(0.75**0.5)), (0.5, 0.75**0.5)]),
    "solid": (CUBE - spd.Box({x: (0.5, 1), y: (0.5, 1), z: (0.5, 1)}), np.zeros((0, 3))),
}


@pytest.mark.parametrize("name", NOTCHES)
def test_reentrant_corners_are_where_a_shape_is_wider_than_a_half_plane(name):
    shape, wanted = NOTCHES[name]
    found = shape_of(shape).reentrant
    assert sorted(map(tuple, found.round(9))) == sorted(map(tuple, np.round(wanted, 9)))


@each("disk", "square minus disk", "L", "ball", "cube", "octahedron", "cube minus corner")
def test_spacing_may_vary(name):
    shape, *_ = SHAPES[name]
    low, high = np.array(shape.bounds).T

    def spacing(points):
        return (high - low).max() * (0.02 + 0.06 * ((points - low) / (high - low))[:, 0])

    points = shape.boundary(spacing).points
    ratio = cKDTree(points).query(points, 2)[0][:, 1] / spacing(points)
    assert 0.85 < ratio.mean() < 1.2 and ratio.min() > 0.5
    assert np.quantile(ratio, 0.95) < 1.5


def test_a_fine_polygon_is_a_smooth_curve():
    """Vertices at which an outline hardly turns are no corners, and edges shorter than the spacing share nodes."""
    angle = 2 * np.pi * np.arange(500) / 500
    nodes = Polygon((x, y), np.stack([np.cos(angle), np.sin(angle)], 1)).boundary(0.1)
    assert len(nodes.points) == 63


@pytest.mark.parametrize("first", [True, False])
def test_shapes_and_boxes_combine_in_either_order(first):
    half = spd.Box({x: (-2, 2), y: (0, 2)})
    assert ((UNIT & half) if first else (half & UNIT)).volume == pytest.approx(math.pi / 2)
    assert ((UNIT | half) if first else (half | UNIT)).volume == pytest.approx(8 + math.pi / 2)
    assert ((UNIT - half) if first else (half - UNIT)).volume == pytest.approx(
        math.pi / 2 if first else 8 - math.pi / 2
    )


def test_repeated_sides_are_numbered():
    shape = SQUARE
    for k in range(3):
        shape = shape - Disk({x: 0.5 * k - 0.5, y: 0}, 0.1)
    assert shape.sides == ("x=-1", "y=-1", "x=1", "y=1", "circle", "circle 2", "circle 3")
    nodes = shape.boundary(0.02)
    for k in range(3):
        own = nodes.points[nodes.labels == shape.sides.index(("circle", "circle 2", "circle 3")[k])]
        np.testing.assert_allclose(np.hypot(own[:, 0] - 0.5 * k + 0.5, own[:, 1]), 0.1, rtol=1e-12)
        assert len(own) == 31


def test_coincident_circles_leave_no_seam():
    assert (UNIT | UNIT).surface == pytest.approx(2 * math.pi)
    assert (UNIT & SQUARE).volume == pytest.approx(math.pi)  # touches all four sides


def test_shapes_compare_by_content():
    assert Disk({x: 0, y: 0}, 1) == UNIT != Disk({x: 0, y: 0}, 2)
    assert len({UNIT, Disk({x: 0, y: 0}, 1.0), UNIT - Disk({x: 0, y: 0}, 0.5), UNIT - Disk({x: 0, y: 0}, 0.5)}) == 2
    assert repr(UNIT - Disk({x: 0, y: 0}, 0.5)) == "Disk({x: 0, y: 0}, radius=1) - Disk({x: 0, y: 0}, radius=0.5)"


def test_a_polygon_of_shapely_is_taken_with_its_holes():
    made = shapely.Point(0, 0).buffer(2, 64) - shapely.Point(0, 0).buffer(1, 64)
    shape = Polygon((x, y), made)
    assert shape.volume == pytest.approx(made.area)
    assert shape.sides == ("outline", "hole 1")


@pytest.mark.parametrize("ending", ["stl", "obj", "ply", "vtu"])
def test_meshes_are_read_from_files(ending, tmp_path):
    path, (vertices, triangles) = tmp_path / f"part.{ending}", cuboid(1, 2, 3)
    if ending == "vtu":
        pytest.importorskip("meshio").Mesh(vertices, [("triangle", np.array(triangles))]).write(path)
    else:
        pytest.importorskip("trimesh").Trimesh(vertices, triangles).export(path)
    shape = Mesh((x, y, z), path)
    assert shape.volume == pytest.approx(6)
    assert shape.bounds == ((0, 1), (0, 2), (0, 3))


def test_missing_and_unreadable_meshes_are_explained(tmp_path):
    with pytest.raises(
        spd.ProblemError, match=r"`spd\.Mesh\(\(x, y, z\), \.\.\.\)` was given the path .* there is no file"
    ):
        Mesh((x, y, z), tmp_path / "none.stl")
    pytest.importorskip("meshio")
    (tmp_path / "bad.vtu").write_text("nonsense")
    with pytest.raises(spd.ProblemError, match="cannot be read as a mesh"):
        Mesh((x, y, z), tmp_path / "bad.vtu")


BOW = [(0, 0), (1, 1), (1, 0), (0, 1)]
BLOCK = [(0, 0), (1, 0), (1, 1), (0, 1)]
REFUSED = {
    "radius": (lambda: Disk({x: 0, y: 0}, 0), r"`spd.Disk` was given the radius 0, and nothing lies within"),
    "radius of a ball": (lambda: Ball({x: 0, y: 0, z: 0}, -1), r"`spd.Ball` was given the radius -1.*radius=1\)`"),
    "no number": (lambda: Disk({x: 0, y: 0}, "wide"), "'wide', which is no finite number"),
    "NaN": (lambda: Disk({x: math.nan, y: 0}, 1), "the centre x = nan, which is no finite number"),
    "centre": (lambda: Disk((0, 0), 1), "names no coordinates; write"),
    "count": (lambda: Disk({x: 0}, 1), "needs 2 different symbols of space"),
    "time": (lambda: Disk({t: 0, x: 0}, 1), "without the time t"),
    "axes": (lambda: Ellipse({x: 0, y: 0}, (1, 0)), "needs two positive ones"),
    "one axis": (lambda: Ellipse({x: 0, y: 0}, 1), "needs 2 numbers"),
    "name": (lambda: Disk({x: 0, y: 0}, 1, name=""), "by which no condition could call its boundary"),
    "two vertices": (lambda: Polygon((x, y), [(0, 0), (1, 0), (1, 0)]), "2 different vertices, and fewer than three"),
    "vertices": (lambda: Polygon((x, y), [(0, 0), (1, math.nan), (0, 1)]), "no list of finite pairs of numbers"),
    "crossing": (lambda: Polygon((x, y), BOW), r"crosses or touches itself \(Self-intersection"),
    "hole outside": (lambda: Polygon((x, y), BLOCK, holes=[[(2, 2), (3, 2), (3, 3)]]), "hole 1 that is not strictly"),
    "hole that touches": (lambda: Polygon((x, y), BLOCK, holes=[[(0, 0), (0.5, 0.2), (0.5, 0.5)]]), "hole 1 that"),
    "open": (lambda: Curve({x: cos(s), y: sin(s)}, s, (0, pi)), r"is open, its ends \[1.0, 0.0\] and .* do not meet"),
    "eight": (lambda: Curve({x: sin(s), y: sin(2 * s)}, s, (0, 2 * pi)), "crosses itself, and only a smooth closed"),
    "corner": (lambda: Curve({x: sin(s), y: sin(s / 2)}, s, (0, 2 * pi)), "has a corner"),
    "cusp": (lambda: Curve({x: cos(s) ** 3, y: sin(s) ** 3}, s, (0, 2 * pi)), "stands still"),
    "pole": (lambda: Curve({x: cos(s), y: 1 / (s - pi)}, s, (0, 2 * pi)), "is not finite everywhere"),
    "expression": (lambda: Curve({x: cos(s), y: t}, s, (0, 2 * pi)), "an expression of one parameter"),
    "ends": (lambda: Curve({x: cos(s), y: sin(s)}, s, (1, 0)), "two ends with low < high"),
    "hole in a mesh": (
        lambda: Mesh((x, y, z), (OCTAHEDRON[0], OCTAHEDRON[1][1:])),
        "not watertight: 3 of its 12 edges",
    ),
    "mixed triangles": (
        lambda: Mesh((x, y, z), (OCTAHEDRON[0], [OCTAHEDRON[1][0][::-1], *OCTAHEDRON[1][1:]])),
        "do not turn the same way round",
    ),
    "no mesh": (lambda: Mesh((x, y, z), ([(0, 0)], [])), "at least four triangles"),
    "mesh in the plane": (lambda: Mesh((x, y), OCTAHEDRON), "needs 3 different symbols of space"),
    "empty": (
        lambda: UNIT & Disk({x: 5, y: 0}, 1),
        "is empty, or thinner than can be told apart, and nothing can be solved there",
    ),
    "nothing left": (lambda: UNIT - Disk({x: 0, y: 0}, 2), "is empty"),
    "touching": (lambda: shape_of(SQUARE) & spd.Box({x: (1, 2), y: (-1, 1)}), "is empty"),
    "empty in space": (lambda: CUBE & Ball({x: 5, y: 0, z: 0}, 1), "is empty"),
    "coordinates": (lambda: UNIT | Disk({y: 0, x: 0}, 1), "both need the same coordinates in the same order"),
    "space and time": (lambda: UNIT | spd.Box({t: (0, 1), x: (0, 1)}), "both need the same coordinates"),
    "shape of time": (lambda: shape_of(spd.Box({t: (0, 1), x: (0, 1)})), "no shape, which has two or three space"),
    "shape of an interval": (lambda: shape_of(spd.Interval(x, 0, 1)), "no shape, which has two or three space"),
    "points": (lambda: UNIT.distance(np.zeros((2, 3))), r"points of shape \(2, 3\)"),
    "window in time": (lambda: UNIT.during(0, 0.0, 1.0), "has no time that could be cut into windows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused(case):
    call, text = REFUSED[case]
    with pytest.raises(spd.ProblemError, match=text) as caught:
        call()
    assert str(caught.value).count(". ") == 0, "one sentence"


@pytest.mark.parametrize("radius", [0.5, 0.4999, 0.499])
def test_a_disk_that_touches_the_outline_leaves_a_cusp_with_nodes(radius):
    """The angle of the tip is zero, or so small that its two sides point back along each other."""
    crescent = UNIT - Disk({x: 1 - radius, y: 0}, radius)
    nodes = crescent.boundary(0.05)
    assert abs(len(nodes.points) - 3 * math.pi / 0.05) < 6
    np.testing.assert_allclose(np.linalg.norm(nodes.normals, axis=1), 1, rtol=1e-12)


SPELLINGS = [
    (
        spd.Disk({x: 1, y: 2}, 3, "rim"),
        spd.Disk((x, y), (1, 2), 3, "rim"),
        spd.Disk([x, y], (1, 2), radius=3, name="rim"),
    ),
    (spd.Ellipse({x: 1, y: 2}, (2, 1), angle=0.3), spd.Ellipse((x, y), (1, 2), (2, 1), angle=0.3)),
    (spd.Ball({x: 1, y: 2, z: 3}, 2), spd.Ball((x, y, z), (1, 2, 3), radius=2)),
    (spd.Box({x: (0, 1), y: (2, 3)}), spd.Box((x, y), [(0, 1), (2, 3)])),
    (spd.Polygon((x, y), [(0, 0), (1, 0), (0, 2)], name="rim"), spd.Polygon({x: [0, 1, 0], y: [0, 0, 2]}, name="rim")),
]


@pytest.mark.parametrize("same", SPELLINGS, ids=lambda same: type(same[0]).__name__)
def test_a_shape_is_given_by_coordinates_and_values_in_either_way(same):
    first, *others = same
    for other in others:
        assert (repr(other), other.bounds) == (repr(first), first.bounds)
        assert getattr(other, "sides", None) == getattr(first, "sides", None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spd.Disk((x, y), (0, 0, 0), 1), r"does not have one value for each coordinate"),
        (lambda: spd.Polygon({x: [0, 1], y: [0, 0, 1]}), "has not as many numbers for each coordinate"),
        (lambda: spd.Disk((x, y)), r"write `spd.Disk\(\{x: 0, y: 0\}"),
    ],
)
def test_either_way_is_refused_in_a_sentence(make, words):
    with pytest.raises(spd.ProblemError, match=words):
        make()
