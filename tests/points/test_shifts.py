"""Shifted grids: rotated copies of one uniform grid."""

import jax
import numpy as np
import pytest

import spindle as spd
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
    method = spd.SPINN(recipe="paper", points=6, width=4, rank=2)
    lattice = method.plan(gallery("poisson_lshape")).objective.derivatives.points
    pools = [jax.jit(lattice.turned)(jax.random.PRNGKey(0), turn) for turn in range(10)]
    for turn, (x, y) in enumerate(pools):
        shift = lattice.shifts.parts[turn % 9, 0]
        for support, cuts in zip(lattice.supports, lattice.slices, strict=True):
            low, high = support.bounds[0]
            inner = low + (high - low) * (1 + np.arange(6) + shift) / 7
            np.testing.assert_allclose(x[cuts[0], 0], inner if low < high else [low], rtol=1e-5, atol=1e-6)
        assert len(x) == 6 + 6 + 6 + 3
        assert set(np.asarray(y[:, 0]).round(6)) >= {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(pools[0][0], pools[9][0])
    assert [support.measure for support in lattice.supports[:2]] in ([2.0, 1.0], [1.0, 2.0]), "two rectangles"
    assert all(w is None for w in lattice.weights(0))
