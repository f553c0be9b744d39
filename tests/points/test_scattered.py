"""Scattered nodes: counts, quality, density, ghosts; clouds of one's own."""

import math

import numpy as np
import pytest
import sympy
from scipy.spatial import cKDTree
from sympy import cos, pi, sin

import spindle as spd
from spindle.geometry.shapes import Ball, Curve, Disk, Mesh, Polygon, shape_of
from spindle.points.node_arrays import from_cloud
from spindle.points.scattered import scatter

x, y, z = spd.coordinates("x y z")
s = sympy.Symbol("s", real=True)

DISK = Disk({x: 0, y: 0}, 1)
BALL = Ball({x: 0, y: 0, z: 0}, 1)
SQUARE = spd.Box({x: (-1, 1), y: (-1, 1)})
CUBE = spd.Box({x: (0, 1), y: (0, 1), z: (0, 1)})
STAR = 1 + sin(5 * s) / 4
SHAPES = {
    "disk": DISK,
    "star": Curve({x: STAR * cos(s), y: STAR * sin(s)}, s, (0, 2 * pi)),
    "polygon with a hole": Polygon((x, y), [(0, 0), (4, 0), (4, 3), (0, 3)], holes=[[(1, 1), (2, 1), (2, 2)]]),
    "L": shape_of(SQUARE - spd.Box({x: (0, 1), y: (0, 1)})),
    "square minus disks": shape_of(SQUARE) - Disk({x: 0.5, y: 0.5}, 0.2) - Disk({x: -0.4, y: -0.4}, 0.4),
    "half a disk": DISK & shape_of(spd.Box({x: (-2, 2), y: (0, 2)})),
    "squares that share a side": shape_of(SQUARE) | spd.Box({x: (1, 2), y: (-1, 1)}),
    "ball": BALL,
    "cube": shape_of(CUBE),
    "cube minus balls": shape_of(CUBE) - Ball({x: 0.5, y: 0.5, z: 0.5}, 0.25) - Ball({x: 0, y: 0, z: 0}, 0.4),
    "octahedron": Mesh(
        (x, y, z),
        (
            [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)],
            [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)],
        ),
    ),
}


def gaps(nodes):
    points = np.concatenate([nodes.interior, nodes.boundary])
    return cKDTree(points).query(points, 2)[0][:, 1]


@pytest.mark.parametrize("name", SHAPES)
def test_quality(name):
    shape = SHAPES[name]
    nodes = scatter(shape, total=1500)
    assert len(nodes.interior) + len(nodes.boundary) == pytest.approx(1500, rel=0.02)
    gap = gaps(nodes)
    assert nodes.spacing == pytest.approx(gap.mean())
    assert gap.min() > 0.6 * gap.mean()
    assert shape.distance(nodes.interior).min() > 0.5 * nodes.spacing
    # No holes: nowhere in the domain is the next node much farther than in a triangular lattice.
    low, high = np.array(shape.bounds).T
    points = low + (high - low) * np.random.default_rng(0).random((20_000, len(low)))
    points = points[shape.contains(points)]
    every = np.concatenate([nodes.interior, nodes.boundary])
    assert cKDTree(every).query(points)[0].max() < (1.3 if len(low) == 2 else 1.5) * nodes.spacing
    assert nodes.sides == shape.sides
    assert nodes.normals.shape == nodes.boundary.shape == (len(nodes.labels), len(low))


@pytest.mark.parametrize("name", SHAPES)
def test_ghosts_lie_outside_next_to_their_nodes(name):
    shape = SHAPES[name]
    nodes = scatter(shape, total=800)
    assert len(nodes.ghosts) > 0.9 * len(nodes.boundary)
    assert (shape.distance(nodes.ghosts) < 0).all()
    steps = nodes.ghosts - nodes.boundary[nodes.owners]
    length = np.linalg.norm(steps, axis=1)
    np.testing.assert_allclose(steps / length[:, None], nodes.normals[nodes.owners], atol=1e-9)
    assert 0.15 * nodes.spacing < length.min() and length.max() < 0.35 * nodes.spacing
    every = np.concatenate([nodes.interior, nodes.boundary, nodes.ghosts])
    assert cKDTree(every).query(every, 2)[0][:, 1].min() > 0.08 * nodes.spacing


@pytest.mark.parametrize(
    ("shape", "interior", "boundary"),
    [(DISK, 506, 76), (DISK, 737, 91), (DISK, 4737, 240), (BALL, 566, 244), (BALL, 2423, 657), (SHAPES["L"], 601, 103)],
)
def test_published_counts_are_met(shape, interior, boundary):
    nodes = scatter(shape, interior=interior, boundary=boundary)
    assert (len(nodes.interior), len(nodes.boundary)) == (interior, boundary)
    assert gaps(nodes).min() > 0.6 * nodes.spacing
    assert shape.distance(nodes.interior).min() > 0.5 * nodes.spacing


@pytest.mark.parametrize("name", ["disk", "L", "ball", "cube"])
@pytest.mark.parametrize("given", ["interior", "boundary"])
def test_one_count_determines_the_other(name, given):
    """Such that both spacings agree."""
    nodes = scatter(SHAPES[name], **{given: 300})
    assert len(getattr(nodes, given)) == 300
    near = cKDTree(nodes.boundary).query(nodes.boundary, 2)[0][:, 1].mean()
    assert near == pytest.approx(cKDTree(nodes.interior).query(nodes.interior, 2)[0][:, 1].mean(), rel=0.25)


@pytest.mark.parametrize("name", ["disk", "square minus disks", "cube"])
def test_distances_follow_the_density(name):
    shape = SHAPES[name]
    low, high = np.array(shape.bounds).T

    def density(points):
        return 0.3 + ((points - low) / (high - low))[:, 0]

    nodes = scatter(shape, total=2500, density=density)
    assert len(nodes.interior) + len(nodes.boundary) == 2500
    points = np.concatenate([nodes.interior, nodes.boundary])
    ratio = gaps(nodes) / density(points)
    assert ratio.min() > 0.55 * ratio.mean()
    fine, coarse = density(points) < 0.5, density(points) > 1.1
    assert ratio[fine].mean() == pytest.approx(ratio[coarse].mean(), rel=0.2)


def test_a_seed_repeats_its_nodes():
    one, same, other = (scatter(DISK, total=400, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.interior, same.interior)
    assert one.interior.shape == other.interior.shape and not np.array_equal(one.interior, other.interior)


def test_neighbours_are_close_in_memory():
    nodes = scatter(DISK, total=4000).interior
    near = cKDTree(nodes).query(nodes, 2)[1][:, 1]
    assert np.median(abs(near - np.arange(len(nodes)))) < 10


def test_no_ghosts_on_request_and_none_across_a_slit():
    assert len(scatter(DISK, total=400, ghost=0).ghosts) == 0
    slit = spd.Box({x: (-0.5, 0.5), y: (-0.001, 0.001)})
    shape = shape_of(SQUARE) - slit
    nodes = scatter(shape, total=600)
    assert (shape.distance(nodes.ghosts) < 0).all()
    inner = abs(nodes.boundary).max(1) < 0.6
    assert inner.sum() > 10 and not np.isin(np.flatnonzero(inner), nodes.owners).any()


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "needs either the number of all nodes"),
        ({"total": 100, "interior": 50}, "needs either the number of all nodes"),
        ({"total": 3}, r"would get 3 nodes \(total\), and fewer than 4 carry no differences"),
        ({"interior": 100, "boundary": 2}, r"2 nodes \(boundary\)"),
        ({"total": 100.5}, "needs a whole number of nodes"),
        ({"total": 100, "density": lambda p: p[:, 0]}, "not positive and finite"),
        ({"interior": 500, "boundary": 4000}, None),
        ({"interior": 8, "boundary": 400}, None),
    ],
)
def test_impossible_counts_are_explained(counts, text):
    if text is None:  # odd, but possible
        nodes = scatter(DISK, **counts)
        assert (len(nodes.interior), len(nodes.boundary)) == (counts["interior"], counts["boundary"])
        return
    with pytest.raises(spd.MethodError, match=text):
        scatter(DISK, **counts)


def ring(count, radius=1.0):
    angle = 2 * math.pi * np.arange(count) / count
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


INNER = np.concatenate([ring(12, 0.66), ring(6, 0.33), [[0, 0]]])


def test_a_cloud_of_ones_own():
    nodes = from_cloud(INNER, ring(18), 2 * ring(18), labels=[0] * 9 + [1] * 9, sides=("upper", "lower"))
    np.testing.assert_allclose(nodes.normals, ring(18), atol=1e-12)
    np.testing.assert_array_equal(nodes.owners, np.arange(18))
    np.testing.assert_allclose(np.linalg.norm(nodes.ghosts, axis=1), 1 + 0.25 * nodes.spacing)
    assert nodes.sides == ("upper", "lower")
    # Towards other nodes there are no ghosts.
    inwards = from_cloud(INNER, ring(18), -ring(18), ghost=1.5)
    assert len(inwards.ghosts) == 0


@pytest.mark.parametrize(
    ("cloud", "text"),
    [
        ((INNER, ring(18), ring(17)), "which do not fit"),
        ((np.zeros((9, 3)), ring(18), ring(18)), "which do not fit"),
        ((INNER[:, 0], ring(18), ring(18)), r"`interior` that is no array \(n, 2\)"),
        ((INNER * np.nan, ring(18), ring(18)), "of finite numbers"),
        ((INNER, ring(18), 0 * ring(18)), "a normal of length zero"),
        ((np.concatenate([INNER, INNER[:1]]), ring(18), ring(18)), r"the node \[0\.66, 0\.0\] twice"),
        ((INNER[:3], ring(18), ring(18)), "fewer than 4 of either"),
    ],
)
def test_bad_clouds_are_refused(cloud, text):
    with pytest.raises(spd.MethodError, match=text):
        from_cloud(*cloud)


def test_labels_must_number_the_sides():
    with pytest.raises(spd.MethodError, match="do not number the sides"):
        from_cloud(INNER, ring(18), ring(18), labels=[1] * 18)


@pytest.mark.parametrize("length", [1e3, 1e6, 1e16])
def test_a_strip_too_narrow_for_its_nodes_is_refused_at_once(length):
    """On 1e16 by 1 it took gigabytes to place three hundred nodes on the rim alone."""
    strip = shape_of(spd.Box({x: (0, length), y: (0, 1)}))
    words = rf"nodes lie .* apart where it is about 1 wide.* it takes about {15 * length:.2g}".replace("+", r"\+")
    with pytest.raises(spd.MethodError, match=words):
        scatter(strip, total=300)
