"""Domains of many parts: they are what set algebra says, and each part costs the same however many there are."""

import itertools
import operator

import jax
import numpy as np
import pytest

import spindle as spd
from spindle.errors import ProblemError
from spindle.geometry import arcs, outlines
from spindle.points.cloud import Cloud
from spindle.points.lattice import Lattice
from spindle.points.nodes import NodeCloud
from spindle.points.scattered import scatter

x, y, z = spd.coordinates("x y z")
SQUARE = spd.Box({x: (-1, 1), y: (-1, 1)})
DISK = spd.Disk({x: 0, y: 0}, 1)


def plate(count):
    """A plate with named round holes in a row."""
    domain = spd.Box({x: (0, 1), y: (0, 1 / count)})
    for k in range(count):
        domain = domain - spd.Disk({x: (k + 0.5) / count, y: 0.5 / count}, 0.3 / count, name=f"h{k}")
    return domain


def polygon(*corners, name="outline"):
    return spd.Polygon((x, y), corners, name=name)


LEFT = polygon((-2, -2), (0, -2), (0, 2), (-2, 2), name="left")
RIGHT = polygon((0, -2), (2, -2), (2, 2), (0, 2), name="right")
PARTS = {
    "disk": spd.Disk({x: 0.5, y: 0.2}, 0.6),
    "ellipse": spd.Ellipse({x: -0.4, y: 0}, (0.9, 0.5), angle=0.4),
    "triangle": polygon((-0.5, -0.9), (0.9, -0.4), (0, 0.8)),
    "ring": spd.Disk({x: 0, y: 0}, 0.8) - spd.Disk({x: 0.1, y: 0}, 0.3),
}
JOINED = {"|": operator.or_, "-": operator.sub, "&": operator.and_}
RULES = {"|": np.logical_or, "-": lambda a, b: a & ~b, "&": np.logical_and}


@pytest.mark.parametrize("operations", list(itertools.product("|-&", repeat=2)), ids="".join)
@pytest.mark.parametrize("names", [("disk", "ellipse"), ("triangle", "ring"), ("ring", "disk")], ids="-".join)
def test_contains_is_set_algebra(operations, names):
    points = np.random.default_rng(3).uniform(-1.2, 1.2, (3000, 2))
    domain, expected = SQUARE, SQUARE.contains(points)
    for operation, name in zip(operations, names, strict=True):
        part = PARTS[name]
        domain = JOINED[operation](domain, part)
        expected = RULES[operation](expected, part.distance(points) >= 0)
    np.testing.assert_array_equal(domain.contains(points), expected)
    np.testing.assert_array_equal(domain.distance(points) >= 0, expected)


@pytest.mark.parametrize(
    "domain",
    [
        LEFT | RIGHT,
        (SQUARE - LEFT) | (SQUARE - RIGHT),
        (DISK & LEFT) | (DISK & RIGHT),
        (SQUARE - spd.Disk({x: 0, y: 0}, 0.5)) | spd.Disk({x: 0, y: 0}, 0.5),
    ],
    ids=["polygons", "halves that are left", "halves of a disk", "a disk put back"],
)
def test_a_seam_between_joined_shapes_is_inside(domain):
    seam = np.stack([np.zeros(9), np.linspace(-0.4, 0.4, 9)], 1)
    assert domain.contains(seam).all()
    assert domain.contains(np.array([[0.5, 0.0], [0.0, 0.5]])).all()


def test_measures_and_crossings_stay_exact():
    joined = DISK | spd.Disk({x: 1, y: 0}, 1)
    lens = 2 * np.pi / 3 - np.sqrt(3) / 2
    assert joined.volume == pytest.approx(2 * np.pi - lens, rel=1e-13)
    assert joined.surface == pytest.approx(8 * np.pi / 3, rel=1e-13)
    holed = plate(7)
    assert holed.volume == pytest.approx(1 / 7 - np.pi * 0.09 / 7, rel=1e-13)
    assert holed.surface == pytest.approx(2 + 2 / 7 + 0.6 * np.pi, rel=1e-13)


@pytest.mark.parametrize("step", [0.5, 0.02, 2e-3, 1e-4])
@pytest.mark.parametrize("nested", ["first", "last"])
def test_joined_disks_are_measured_exactly_however_small_the_angle_at_which_they_cross(step, nested):
    """Disks in a row, each moved by a step: two half disks and, of each in between, the middle strip."""
    count = 4
    parts = [spd.Disk({x: k * step, y: 0}, 1) for k in range(count)]
    row = parts if nested == "first" else parts[::-1]
    domain = row[0]
    for part in row[1:]:
        domain = domain | part if nested == "first" else part | domain
    half = step / 2
    strips = 2 * (count - 1) * (half * np.sqrt(1 - half**2) + np.arcsin(half))
    assert domain.volume == pytest.approx(np.pi + strips, rel=1e-12)
    assert domain.surface == pytest.approx(2 * np.pi + 4 * (count - 1) * np.arcsin(half), rel=1e-12)
    (loop,) = domain.loops
    assert len(loop) == 2 * count - 1 or len(loop) == 2 * count  # the first arc may begin within one


def test_joined_boxes_are_measured_as_a_union_of_boxes_is():
    boxes = [spd.Box({x: (0.9 * k, 0.9 * k + 1.1), y: (0.1 * (k % 3), 1 + 0.1 * (k % 2))}) for k in range(12)]
    disk = spd.Disk({x: 0.5, y: 0.5}, 0.1)  # makes shapes of them
    union, shapes = boxes[0], boxes[0] | disk
    for box in boxes[1:]:
        union, shapes = union | box, shapes | box
    assert shapes.volume == pytest.approx(union.volume, rel=1e-13)
    assert shapes.surface == pytest.approx(sum(face.support.measure for face in union.faces), rel=1e-13)


def test_a_distance_beside_a_box_is_the_distance_up_to_a_quarter_of_the_box():
    shape = plate(6)
    low, high = np.array([[0.3, 0.0], [0.5, 0.1]])
    points = np.random.default_rng(2).uniform(low, high, (500, 2))
    beside = shape.beside(tuple(zip(low, high, strict=True)))(points)
    reach = 0.25 * 0.2
    np.testing.assert_allclose(beside, shape.distance(points).clip(-reach, reach), rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("count", [6, 12, 24])
def test_joining_a_shape_asks_for_few_distances(count, monkeypatch):
    """What it costs to join one more is a number of calls, each for many points, that does not grow."""
    parts = [spd.Disk({x: 0.9 * k, y: 0}, 0.6) for k in range(count)]
    domain = parts[0]
    for part in parts[1:-1]:
        domain = domain | part
    inner, calls = arcs.Nearest.distance, []

    def counted(nearest, points):
        calls.append(len(nearest.arcs))
        return inner(nearest, points)

    monkeypatch.setattr(arcs.Nearest, "distance", counted)
    domain | parts[-1]
    assert len(calls) < 40
    assert max(calls) < 6


@pytest.mark.parametrize("side", ["h0", "h3", "x=0", "y=0"])
def test_a_side_alone_has_the_nodes_that_it_has_in_the_whole(side):
    shape = plate(5)
    whole, alone = shape.boundary(0.01), shape.boundary(0.01, sides=[side])
    wanted, got = whole.labels == shape.sides.index(side), alone.labels == shape.sides.index(side)
    np.testing.assert_array_equal(whole.points[wanted], alone.points[got])
    np.testing.assert_array_equal(whole.normals[wanted], alone.normals[got])
    assert len(alone.points) < len(whole.points)


def test_a_side_of_a_solid_alone_lies_on_it_and_looks_outwards():
    centres = [(k, 0.0, 0.0) for k in range(4)]
    solid = spd.Box({x: (-1, 4), y: (-1, 1), z: (-1, 1)})
    for k, at in enumerate(centres):
        solid = solid - spd.Ball(dict(zip((x, y, z), at, strict=True)), 0.4, name=f"b{k}")
    alone = solid.boundary(0.1, sides=["b2"])
    gap = alone.points - np.array(centres[2])
    assert {solid.sides[k] for k in alone.labels} == {"b2"} and len(alone.points) > 100
    np.testing.assert_allclose(np.linalg.norm(gap, axis=1), 0.4, rtol=1e-12)
    np.testing.assert_allclose(alone.normals, -gap / 0.4, atol=1e-12)


@pytest.mark.parametrize("count", [2, 8, 16])
@pytest.mark.parametrize("by", ["name", "relation"])
def test_points_on_a_part_cost_no_more_where_there_are_more_parts(count, by, monkeypatch):
    domain, made = plate(count), []
    inner = outlines.nodes

    def counted(*arguments):
        nodes = inner(*arguments)
        made.append(len(nodes[0]))
        return nodes

    monkeypatch.setattr(outlines, "nodes", counted)
    radius, middle = 0.3 / count, 0.5 / count
    on = "h0" if by == "name" else (x - middle) ** 2 + (y - middle) ** 2 < (1.01 * radius) ** 2
    places = domain.part(on)
    made.clear()
    cloud = Cloud(places, [0], interior=1, boundary=500, rule="sobol")
    assert sum(made) < 8 * 500
    (points,) = cloud.draw(jax.random.PRNGKey(0))
    np.testing.assert_allclose(np.hypot(points[:, 0] - middle, points[:, 1] - middle), radius, rtol=1e-4)


def test_bounds_of_nested_solids_are_found_once(monkeypatch):
    inner, asked = spd.Ball.bounds.fget, []

    def counted(ball):
        asked.append(ball)
        return inner(ball)

    monkeypatch.setattr(spd.Ball, "bounds", property(counted))
    solid = spd.Ball({x: 0, y: 0, z: 0}, 1)
    for k in range(1, 7):
        solid = solid | spd.Ball({x: 1.5 * k, y: 0, z: 0}, 1)
    assert solid.bounds == ((-1, 10), (-1, 1), (-1, 1))
    assert len(asked) < 60


def test_a_long_row_of_shapes_is_written_short():
    assert repr(plate(3)).count("Disk") == 3 and "((" not in repr(plate(3))
    long = repr(plate(9))
    assert long.count("Disk") == 5 and "... 4 more ..." in long
    assert repr(SQUARE - (DISK - LEFT)).count("(Disk") == 1


def test_nodes_alone_are_not_cut():
    angle = 2 * np.pi * np.arange(24) / 24
    wall = np.stack([np.cos(angle), np.sin(angle)], 1)
    cloud = spd.PointCloud((x, y), 0.5 * wall, wall, wall)
    with pytest.raises(ProblemError, match=r"joins .* of which no outline is known .*; give the nodes of the whole"):
        cloud - spd.Disk({x: 0, y: 0}, 0.1)


def test_drawn_points_are_not_computed_with_at_compilation():
    region, holed = SQUARE.regions, plate(2)
    nodes = NodeCloud(holed.regions, scatter(holed, total=100))
    for points in (
        Cloud(region, [0], interior=64, boundary=1, rule="sobol"),
        Cloud(holed.part("h0"), [0], interior=1, boundary=64, rule="sobol"),
        Lattice(region, (8, 8), "gauss"),
        nodes,
    ):
        assert "optimization_barrier" in jax.jit(points.draw).lower(jax.random.PRNGKey(0)).as_text()
