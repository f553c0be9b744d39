"""Points of a tensor grid: what lies inside, what on faces, and what is refused."""

import numpy as np
import pytest

import spindle as spd
from spindle.points.grid import FixedPoints, grid_points, tensor
from spindle.problem.families import coordinate_nodes, with_parameter_axes
from tests.families import convection

FAMILY = with_parameter_axes(convection(nu=0.1))


def supports():
    faces = [where.support for c in FAMILY.conditions for piece in FAMILY.pieces[c.name] for where, _ in piece.terms]
    return [FAMILY.domain.regions[0].support, *faces]


def test_every_node_is_inside_or_on_a_face():
    nodes = coordinate_nodes(FAMILY, (5, 7), "a call")
    inside, start, upper, lower, *_ = grid_points(supports(), nodes)
    whole = {tuple(p) for p in tensor(nodes)}
    parts = [{tuple(p) for p in part} for part in (inside, start, upper, lower)]
    assert set.union(*parts) == whole and not parts[0] & set.union(*parts[1:])
    assert [len(p) for p in (inside, start, upper, lower)] == [4 * 5, 7, 5, 5]
    assert np.all(inside[:, 2] == 1) and np.all(start[:, 0] == 0)


def test_periodic_axes_end_before_their_upper_end():
    t, x, beta = coordinate_nodes(FAMILY, (3, 4), "a call", wrapped=True)
    np.testing.assert_allclose(x, [0, np.pi / 2, np.pi, 3 * np.pi / 2])
    np.testing.assert_allclose([t[-1], *beta], [1, 1])


def test_inner_nodes_are_drawn_once_each():
    nodes = coordinate_nodes(FAMILY, (30, 40), "a call")
    first, second = (grid_points(supports(), nodes, 200, seed=seed)[0] for seed in (0, 1))
    assert len({tuple(p) for p in first}) == 200 and not np.array_equal(first, second)
    np.testing.assert_array_equal(first, grid_points(supports(), nodes, 200)[0])


def test_fixed_points_are_the_same_at_every_draw():
    points = FixedPoints([supports()[0]], [np.arange(6.0).reshape(2, 3)])
    (drawn,) = points.draw(None)
    assert points.size(0) == 2 and points.weights(0) is None
    np.testing.assert_array_equal(points.without_normals((drawn,))[0], drawn)
    np.testing.assert_array_equal(points.coordinates((drawn,))[0], np.asarray(drawn).T)


def test_refusals():
    with pytest.raises(spd.MethodError, match=r"`points=100` asks for more than the 20 nodes .* 5 x 7 x 1 has inside"):
        grid_points(supports(), coordinate_nodes(FAMILY, (5, 7), "a call"), 100)
    with pytest.raises(spd.ProblemError, match=r"has 3 numbers, and `convection` has the coordinates t, x"):
        coordinate_nodes(FAMILY, (5, 7, 2), "a call")
