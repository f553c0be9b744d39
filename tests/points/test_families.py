"""Points of families: the same for each task, or at parameters that come with a query."""

import jax
import numpy as np

import spindle as spd
from spindle.points.query import QueryPoints
from spindle.problem.families import with_parameter_axes
from tests.families import SMALL, convection


def test_tasks_have_the_same_points():
    method = spd.LRPINN(**SMALL | {"points": 7}, tasks=3, hard="off")
    objective = method.plan(with_parameter_axes(convection())).objective
    clouds = jax.jit(objective.draw)(jax.random.PRNGKey(0))[0]
    inside = np.asarray(clouds[0]).reshape(3, 7, 3)
    np.testing.assert_array_equal(inside[0, :, :2], inside[2, :, :2])
    np.testing.assert_allclose(inside[:, :, 2], np.broadcast_to([[1.0], [1.5], [2.0]], (3, 7)))
    assert objective.count == sum(len(c) for k, c in enumerate(clouds) if k not in (3, 5))


def test_queries_bring_their_parameters():
    problem = with_parameter_axes(convection())
    place = problem.domain.regions[0].support
    points = QueryPoints([place], [(np.ones((4, 3)), np.full(4, 0.25))], [2])
    drawn = points.draw(np.array([1.6]))
    columns = points.coordinates(drawn)[0]
    assert [np.unique(c).tolist() for c in columns] == [[1.0], [1.0], [1.6]] and points.size(0) == 4
    np.testing.assert_array_equal(points.weights(0)[0], np.full(4, 0.25))
