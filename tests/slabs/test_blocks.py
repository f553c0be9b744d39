"""Chains and rings of blocks against the dense matrix."""

import numpy as np
import pytest

from spindle.slabs import blocks


@pytest.mark.parametrize("ring", [False, True])
@pytest.mark.parametrize(("count", "block"), [(3, 1), (5, 3), (2, 2)])
def test_sums_of_elements_are_solved_like_the_dense_matrix(count, block, ring):
    random = np.random.default_rng(count)
    factors = random.standard_normal((count, 2 * block + 3, 2 * block))
    matrices, rights = factors.transpose(0, 2, 1) @ factors, random.standard_normal((count, 2 * block))
    nodes = count if ring else count + 1
    dense, right = np.zeros((nodes * block, nodes * block)), np.zeros(nodes * block)
    for element in range(count):
        places = [block * (node % nodes) + k for node in (element, element + 1) for k in range(block)]
        np.add.at(dense, np.ix_(places, places), matrices[element])
        np.add.at(right, places, rights[element])
    solved = blocks.solve(matrices, rights, 0.0, ring=ring)
    np.testing.assert_allclose(solved.ravel(), np.linalg.solve(dense, right), rtol=1e-8, atol=1e-10)


def test_what_has_no_slopes_stays_zero():
    matrices, rights = np.zeros((2, 4, 4)), np.zeros((2, 4))
    matrices[:, 0, 0] = matrices[:, 2, 2] = 1.0
    rights[:, 0] = 1.0
    solved = blocks.solve(matrices, rights, 0.0, ring=False)
    assert np.all(solved[:, 1] == 0) and solved[0, 0] == 1.0


def test_a_matrix_that_is_not_definite_gives_no_numbers():
    matrices = np.array([[[1.0, 2.0], [2.0, 1.0]]])
    assert np.isnan(blocks.solve(matrices, np.ones((1, 2)), 0.0, ring=False)).all()
