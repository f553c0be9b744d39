"""Clouds of points for networks of all coordinates."""

import numpy as np
import pytest

import spindle as spd
from spindle.geometry.supports import PointSet, Region
from spindle.points.cloud import RULES, Cloud

x, y, z = spd.coordinates("x y z")
BOX = spd.Box({x: (0, 2), y: (-1, 1), z: (3, 4)})
ROOM = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Box({x: (0, 1), y: (0, 1)})
SCATTER = PointSet(np.array([[0.5, 0.25, 3.5]]), np.array([1.0]))


def cloud(domain, rule, *, interior=48, boundary=16, equations=1, extra=()):
    places = [r.support for _ in range(equations) for r in domain.regions]
    places += [f.support for f in domain.faces] + list(extra)
    return Cloud(places, range(len(places)), interior=interior, boundary=boundary, rule=rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("domain", [BOX, ROOM, spd.Interval(x, 0, 1)], ids=["box", "room", "interval"])
def test_points_lie_in_their_places(domain, rule, getkey):
    made = cloud(domain, rule)
    drawn = made.draw(getkey())
    for place, points, found in zip(made.supports, drawn, made.coordinates(drawn), strict=True):
        low, high = np.array(place.bounds).T
        assert (points >= low - 1e-6).all()
        assert (points <= high + 1e-6).all()
        np.testing.assert_array_equal(np.stack(found, axis=1), points)
        if place.free:
            assert len(np.unique(np.asarray(points), axis=0)) == len(points)


@pytest.mark.parametrize("rule", ["random", "sobol"])
@pytest.mark.parametrize("interior", [7, 48])
def test_counts_are_as_asked(rule, interior, getkey):
    made = cloud(BOX, rule, interior=interior, extra=[SCATTER])
    assert [len(points) for points in made.draw(getkey())] == [interior, *[16] * 6, 1]


@pytest.mark.parametrize("rule", ["uniform", "midpoint"])
def test_grids_round_up(rule, getkey):
    drawn = cloud(BOX, rule).draw(getkey())
    assert [len(points) for points in drawn] == [64, *[16] * 6]


@pytest.mark.parametrize("rule", ["sobol", "random"])
def test_time_is_told_from_space_where_their_bounds_are_the_same(rule, getkey):
    x, y, t = spd.coordinates("x y t")
    for domain in (spd.Interval(t, -1, 1) * spd.Disk({x: 0, y: 0}), spd.Disk({x: 0, y: 0}) * spd.Interval(t, -1, 1)):
        places = [domain.regions[0], domain.part()[0], domain.faces[0].support]
        inside, wall, start = Cloud(places, [0, 1, 2], interior=300, boundary=50, rule=rule).draw(getkey())
        assert domain.contains(np.asarray(inside)).all() and domain.contains(np.asarray(start)).all()
        space = np.delete(np.asarray(wall)[:, :3], domain.time, axis=1)
        np.testing.assert_allclose(np.linalg.norm(space, axis=1), 1, rtol=1e-6)
        assert [place.measure for place in places] == pytest.approx([2 * np.pi, 4 * np.pi, np.pi])


@pytest.mark.parametrize("rule", ["random", "sobol"])
def test_boxes_share_points_by_volume(rule, getkey):
    drawn = cloud(ROOM, rule).draw(getkey())
    assert sorted(len(points) for points in drawn[: len(ROOM.boxes)]) == [16, 32]


def test_each_equation_gets_all_points(getkey):
    made = cloud(BOX, "random", equations=3)
    assert [len(points) for points in made.draw(getkey())[:3]] == [48, 48, 48]


def test_an_end_of_an_interval_is_one_point(getkey):
    drawn = cloud(spd.Interval(x, 0, 1), "sobol").draw(getkey())
    assert [points.tolist() for points in drawn[1:]] == [[[0.0]], [[1.0]]]


@pytest.mark.parametrize("rule", RULES)
def test_faces_of_a_periodic_piece_share_their_free_coordinates(rule, getkey):
    u = spd.unknown("u", x, y, z)
    piece, other = (c.pieces(BOX)[0] for c in spd.Periodic(u, y))
    places = [face.support for p in (piece, other) for face, _ in p.terms]
    made = Cloud(places, [0, 0, 1, 1], interior=8, boundary=16, rule=rule)
    upper, lower, next_upper, _ = made.draw(getkey())
    np.testing.assert_array_equal(np.asarray(upper)[:, [0, 2]], np.asarray(lower)[:, [0, 2]])
    assert (set(np.asarray(upper)[:, 1].tolist()), set(np.asarray(lower)[:, 1].tolist())) == ({1.0}, {-1.0})
    assert np.array_equal(upper, next_upper) == (rule in ("uniform", "midpoint"))


def test_sobol_points_are_even():
    """Each eighth of the box holds an eighth of the points, which random points do not achieve."""
    made = Cloud([Region(((0.0, 1.0),) * 3)], [0], interior=512, boundary=1, rule="sobol")
    (points,) = made.draw(None)
    counts, _ = np.histogramdd(np.asarray(points), bins=2, range=[(0, 1)] * 3)
    assert (counts == 64).all()


@pytest.mark.parametrize("rule", RULES)
def test_only_random_points_move(rule, getkey):
    made = cloud(BOX, rule)
    one, other = made.draw(getkey()), made.draw(getkey())
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)) == (rule != "random")
    assert made.weights(0) is None


def test_unknown_rules_are_refused():
    with pytest.raises(spd.MethodError, match="`sampling='gauss'` is no known rule"):
        cloud(BOX, "gauss")
