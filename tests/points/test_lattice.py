"""Tensor lattices: one pool an axis, places as slices of the pools."""

import itertools

import numpy as np
import pytest

import spindle as spd
from spindle.geometry.supports import PointSet, Region
from spindle.points.lattice import Lattice
from spindle.points.rules import RULES

t, x, y = spd.coordinates("t x y")
BOX = spd.Box({t: (0, 2), x: (-1, 1), y: (3, 4)})
ROOM = BOX - spd.Box({t: (0, 2), x: (0, 1), y: (3.5, 4)})
SCATTER = PointSet(np.array([[0.5, 0.25, 3.5], [1.5, -0.5, 3.25]]), np.array([1.0, 2.0]))
COUNTS = (3, 4, 5)
PLACES = {
    "box": [*BOX.regions, *(face.support for face in BOX.faces), SCATTER],
    "room": [*ROOM.regions, *(face.support for face in ROOM.faces), SCATTER, *ROOM.regions],
}


def drawn(places, rule, key, counts=COUNTS):
    lattice = Lattice(PLACES[places], counts, rule)
    pools = lattice.draw(key)
    return lattice, pools, lattice.coordinates(pools)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("places", PLACES)
def test_coordinates_lie_in_their_places(places, rule, getkey):
    lattice, _, coordinates = drawn(places, rule, getkey())
    assert lattice.dimensions == 3
    for place, found in zip(PLACES[places], coordinates, strict=True):
        if not isinstance(place, Region):
            np.testing.assert_allclose(np.stack(found, axis=1), place.points)
            continue
        for k, ((low, high), values) in enumerate(zip(place.bounds, found, strict=True)):
            size = COUNTS[k] if low < high else 1
            assert values.shape == tuple(size if j == k else 1 for j in range(3))
            assert len(np.unique(values)) == size, "no node is taken twice"
            assert low - 1e-6 <= values.min()
            assert values.max() <= high + 1e-6
        grid = np.broadcast_shapes(*(f.shape for f in found))
        assert np.prod(grid) == np.prod([n for n, (a, b) in zip(COUNTS, place.bounds, strict=True) if a < b])


def test_an_axis_evaluates_each_interval_once(getkey):
    """Interior, faces and repeated boxes share the nodes; fixed ends and measurements add their own."""
    _, pools, coordinates = drawn("box", "random", getkey())
    assert [pool.shape for pool in pools] == [(n + 2 + 2, 1) for n in COUNTS]
    interior = coordinates[0]
    for place, found in zip(PLACES["box"], coordinates, strict=True):
        if isinstance(place, Region):
            for k, (low, high) in enumerate(place.bounds):
                if low < high:
                    np.testing.assert_array_equal(found[k], interior[k])


@pytest.mark.parametrize("rule", RULES)
def test_only_random_points_move(rule, getkey):
    one, other = (drawn("room", rule, getkey())[1] for _ in range(2))
    same = [np.array_equal(a, b) for a, b in zip(one, other, strict=True)]
    assert all(same) == (rule != "random")
    key = getkey()
    for a, b in zip(drawn("room", rule, key)[1], drawn("room", rule, key)[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_axes_draw_different_points(getkey):
    box = spd.Box({x: (0, 1), y: (0, 1)})
    lattice = Lattice([box.regions[0].support], (6, 6), "random")
    first, second = lattice.draw(getkey())
    assert not np.array_equal(first, second)


def test_gauss_weights_average_polynomials_exactly(getkey, float64, tolerance):
    """Of degree 2n - 1 on an axis with n nodes, whichever part of the axis a place covers."""
    lattice, _, coordinates = drawn("room", "gauss", getkey())
    for k, place in enumerate(PLACES["room"]):
        if not isinstance(place, Region):
            continue
        for axis, ((low, high), weights) in enumerate(zip(place.bounds, lattice.weights(k), strict=True)):
            power = 2 * COUNTS[axis] - 1
            mean = np.average(np.ravel(coordinates[k][axis]) ** power, weights=weights)
            whole = (high ** (power + 1) - low ** (power + 1)) / (power + 1)
            exact = whole / (high - low) if low < high else low**power
            assert mean == pytest.approx(exact, rel=100 * tolerance, abs=tolerance)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "gauss"])
def test_points_of_other_rules_weigh_the_same(rule):
    lattice = Lattice(PLACES["room"], COUNTS, rule)
    assert all(lattice.weights(k) == [None] * 3 for k in range(len(PLACES["room"])))


def test_opposite_faces_share_their_free_coordinates(getkey):
    """So that periodicity compares the same points."""
    u = spd.unknown("u", t, x, y)
    (piece,) = spd.Periodic(u, x)[0].pieces(BOX)
    lattice = Lattice([face.support for face, _ in piece.terms], COUNTS, "random")
    upper, lower = lattice.coordinates(lattice.draw(getkey()))
    assert (upper[1].item(), lower[1].item()) == (1.0, -1.0)
    for k in (0, 2):
        np.testing.assert_array_equal(upper[k], lower[k])


def test_unknown_rules_are_refused():
    with pytest.raises(spd.MethodError, match="`sampling='sobol'` is no known rule"):
        Lattice(PLACES["box"], COUNTS, "sobol")


def test_places_measure_their_free_axes():
    assert [f.support.measure for f in BOX.faces] == [2, 2, 2, 2, 4, 4]
    assert [f.support.free for f in BOX.faces] == [2] * 6
    assert BOX.regions[0].support.measure == 4
    assert SCATTER.support is SCATTER
    assert sum(f.support.measure for f in itertools.chain(ROOM.faces)) == pytest.approx(
        sum(f.support.measure for f in ROOM.faces)
    )
