"""Empirical cubature integrates what it was built for."""

import numpy as np
import pytest

from spindle.reduction.cubature import empirical_cubature

NODES = np.random.default_rng(0).uniform(-1, 1, 400)


@pytest.mark.parametrize("degree", [3, 7])
def test_polynomials_are_integrated_with_as_many_points_as_there_are_conditions(degree):
    functions = np.polynomial.legendre.legvander(NODES, degree).T
    indices, weights = empirical_cubature(functions, degree + 2)
    assert len(indices) <= degree + 2 and weights.min() > 0 and abs(weights.sum() - 1) < 1e-12
    np.testing.assert_allclose(functions[:, indices] @ weights, functions.mean(axis=1), atol=1e-12)


def test_more_points_integrate_better():
    functions = np.exp(np.outer(np.linspace(-3, 3, 40), NODES))
    errors = []
    for count in (3, 5, 8):
        indices, weights = empirical_cubature(functions, count)
        errors.append(np.abs(functions[:, indices] @ weights / functions.mean(axis=1) - 1).max())
    assert errors[2] < 0.1 * errors[1] < 0.01 * errors[0]
