"""Points where the user wants them: by number, by name, as arrays."""

import jax
import numpy as np
import pytest
from sympy import Eq

import spindle as spd
from spindle.points.rules import SEQUENCES

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)
HEAT = spd.Problem(
    spd.Box({t: (0, 1), x: (0, 2)}),
    [Eq(u.diff(t), u.diff(x, 2))],
    [spd.Initial(u, x), spd.Dirichlet(u, x)],
    name="heat",
)
GRID = np.stack(np.meshgrid([0.1, 0.6], [0.0, 0.7, 2.0], indexing="ij"), -1).reshape(-1, 2)
START, WALL = (c.name for c in HEAT.conditions)


def drawn(points, problem=HEAT, **settings):
    """{name of a residual: its points, one array a piece}."""
    plan = spd.PINN(points=points, hard="off", **settings).plan(problem)
    objective, key = plan.objective, jax.random.PRNGKey(0)
    clouds = objective.derivatives.points.draw(key)
    return {r.name: [np.asarray(clouds[piece[0].support]) for piece in r.pieces] for r in objective.residuals}, plan


def test_numbers_by_name_are_shared_by_size():
    taken, _ = drawn({"interior": 100, WALL: 30, "boundary": 7})
    assert {name: [len(p) for p in pieces] for name, pieces in taken.items()} == {
        "equation": [100],
        START: [7],
        WALL: [15, 15],
    }


def test_points_are_taken_as_they_are_and_fresh_ones_are_as_many():
    on_walls = np.array([[0.2, 0.0], [0.5, 2.0], [0.9, 0.0]])
    taken, plan = drawn({"interior": GRID, WALL: on_walls}, sampling="random")
    np.testing.assert_allclose(taken["equation"][0], GRID)
    np.testing.assert_allclose(np.concatenate(taken[WALL]), on_walls[[0, 2, 1]])
    assert len(taken[START][0]) == 64
    assert plan.fresh().derivatives.points.sizes[0] == len(GRID)
    np.testing.assert_allclose(drawn(GRID)[0]["equation"][0], GRID)


def test_points_in_boxes_that_make_up_a_domain():
    square, beside = spd.Box({t: (0, 1), x: (0, 1)}), spd.Box({t: (1, 3), x: (0, 2)})
    problem = spd.Problem(square | beside, [u.diff(t, 2) + u.diff(x, 2)], [spd.Dirichlet(u)], name="two boxes")
    inside = np.array([[0.5, 0.5], [1.5, 0.5], [1.2, 0.1], [2.0, 1.7]])
    pieces = drawn(inside, problem)[0]["equation"]
    assert len(pieces) > 1
    np.testing.assert_allclose(np.sort(np.concatenate(pieces), axis=0), np.sort(inside, axis=0))


@pytest.mark.parametrize(
    ("points", "text"),
    [
        ({"walls": 30}, "names `walls`, which does not exist. There are: interior, boundary, equation"),
        ({}, "needs a number of points, or an array of them, for each name"),
        (np.array([[0.5, 3.0]]), r"has 1 of 1 points of `equation` where it does not hold, the first at \[0.5 3. \]"),
        (np.array([[0.5, 3.0, 1.0]]), r"points of shape \(1, 3\) for `equation`; it needs \(n, 2\)"),
        (np.array([[0.5, np.nan]]), "needs points as an array of finite numbers"),
        ({WALL: np.array([[0.5, 0.0]])}, "leaves a part of .* without any point"),
        ({WALL: np.array([[0.5, 0.3]])}, "where it does not hold"),
        ({"interior": 0}, "needs a whole number of at least 1"),
    ],
)
def test_points_that_cannot_be_meant_are_refused(points, text):
    with pytest.raises(spd.MethodError, match=text):
        drawn(points)


def test_other_methods_refuse_them():
    with pytest.raises(spd.MethodError, match="needs a whole number of at least 2"):
        spd.SPINN(points={"interior": 100}).resolved(HEAT)
    with pytest.raises(spd.MethodError, match="this rule says where points are"):
        spd.PINN(points={"interior": 100}, sampling="sorted").plan(HEAT)


@pytest.mark.parametrize("rule", ["halton", "latin hypercube"])
def test_sequences_fill_a_box_evenly(rule):
    """Every interval of an axis holds its share of the points: of a Latin hypercube to one point."""
    low, high, n = np.array([-1.0, 2.0]), np.array([1.0, 5.0]), 128
    points = (SEQUENCES[rule](low, high, n, seed=0) - low) / (high - low)
    assert points.shape == (n, 2)
    shares = np.stack([np.histogram(column, 16, (0, 1))[0] for column in points.T])
    assert np.abs(shares - n / 16).max() <= (0 if rule == "latin hypercube" else 3)
    assert len(drawn(8, sampling=rule)[0]["equation"][0]) == 64
