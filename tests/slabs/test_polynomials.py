"""Bases that know their ends, against their definitions."""

import numpy as np
import pytest
from numpy.polynomial import legendre

from spindle.networks import polynomials


@pytest.mark.parametrize(("degree", "smoothness"), [(1, 0), (4, 0), (5, 1), (8, 1), (10, 2), (12, 3), (3, -1)])
def test_functions_of_an_element_have_one_derivative_at_one_end(degree, smoothness):
    basis, ends = polynomials.joining(degree, smoothness), smoothness + 1
    taken = [polynomials.values([end], degree, j)[0] @ basis for end in (-1.0, 1.0) for j in range(ends)]
    if ends:
        np.testing.assert_allclose(taken, np.eye(2 * ends, degree + 1), atol=1e-8)
    assert np.linalg.matrix_rank(basis) == degree + 1


@pytest.mark.parametrize(("degree", "given"), [(0, 0), (6, 0), (8, 1), (8, 2)])
def test_functions_of_a_slab_know_value_and_rate_at_its_start(degree, given):
    basis = polynomials.starting(degree, given)
    taken = [polynomials.values([-1.0], degree, j)[0] @ basis for j in range(given)]
    np.testing.assert_allclose(np.reshape(taken, (given, degree + 1)), np.eye(given, degree + 1), atol=1e-12)
    assert np.linalg.matrix_rank(basis) == degree + 1


def test_derivatives_are_those_of_legendre_series():
    points, series = np.linspace(-1, 1, 7), np.random.default_rng(0).standard_normal(9)
    for order in range(5):
        expected = legendre.legval(points, legendre.legder(series, order) if order else series)
        np.testing.assert_allclose(polynomials.values(points, 8, order) @ series, expected, rtol=1e-10, atol=1e-9)


def test_too_few_functions_join_nothing():
    with pytest.raises(ValueError, match="degree 2 has 3 functions, fewer than the 4 values at both ends"):
        polynomials.joining(2, 1)
