"""Shifted grids: rotated copies of one uniform grid."""

import jax
import numpy as np
import pytest

import spindle as sp
from spindle.gallery.registry import gallery
from spindle.points.shifts import ShiftedGrids

CELL = 2.0 / 9  # eight nodes between -1 and 1, ends left out


def test_the_first_copy_is_the_uniform_grid_without_its_ends():
    nodes = ShiftedGrids(8, 0).nodes(1, -1.0, 1.0, 8, 0)
    np.testing.assert_allclose(nodes, np.linspace(-1, 1, 10)[1:-1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("copies", [8, 9])
def test_copies_are_shifted_by_parts_of_a_cell_and_go_round(copies):
    grids = ShiftedGrids(copies, 0)

    def of_axis(axis):
        return np.array([grids.nodes(axis, -1.0, 1.0, 8, turn) for turn in range(2 * copies)])

    time, first, second = of_axis(0), of_axis(1), of_axis(2)
    np.testing.assert_array_equal(first, second)
    for nodes in (time, first):
        shifts = (nodes - nodes[0])[:copies] / CELL
        np.testing.assert_allclose(np.ptp(shifts, axis=1), 0, atol=1e-5)
        assert shifts[0, 0] == 0
        assert (shifts[1:] > 0).all()
        assert (shifts[1:] < 1).all()
        assert len(np.unique(shifts[:, 0])) == copies
        np.testing.assert_array_equal(nodes[copies:], nodes[:copies])
        assert nodes.max() < 1
    assert (time[1:copies] != first[1:copies]).all()


def test_a_lattice_takes_them_on_all_intervals_and_faces():
    method = sp.SPINN(recipe="paper", points=6, width=4, rank=2)
    lattice = method.plan(gallery("poisson_lshape")).objective.derivatives.points
    pools = [jax.jit(lattice.turned)(jax.random.PRNGKey(0), turn) for turn in range(10)]
    (left, right) = lattice.supports[:2]
    for turn, (x, y) in enumerate(pools):
        nodes = np.asarray(x[lattice.slices[0][0], 0])
        shift = lattice.shifts.parts[turn % 9, 0]
        np.testing.assert_allclose(nodes, -1 + (1 + np.arange(6) + shift) / 7, rtol=1e-6)
        assert len(x) == 6 + 6 + 6 + 3
        assert set(np.asarray(y[:, 0]).round(6)) >= {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(pools[0][0], pools[9][0])
    assert left.bounds[0] == (-1.0, 0.0)
    assert right.bounds[0] == (0.0, 1.0)
    assert all(w is None for w in lattice.weights(0))


def test_training_turns_to_the_next_copy_when_points_are_due():
    """Each copy alone is fitted well only by its own points: the points of the last step are those of its turn."""
    x, y = sp.coordinates("x y")
    u = sp.unknown("u", x, y)
    problem = sp.Problem(sp.Box({x: (0, 1), y: (0, 1)}), [sp.laplacian(u) + 1], [sp.Dirichlet(u)])
    method = sp.SPINN(
        network="mlp", sampling="shifted", copies=3, resample=2, steps=9, newton_steps=0, points=5, width=4, rank=2
    )
    plan, seen = method.plan(problem), []
    lattice = plan.objective.derivatives.points
    turned = lattice.turned

    def watched(key, turn):
        jax.debug.callback(lambda t: seen.append(int(t)), turn)
        return turned(key, turn)

    lattice.turned = watched
    trained(plan)
    assert seen == [0, 1, 2, 3, 4]
