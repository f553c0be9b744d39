"""The matrices of equations and measurements: against linear algebra on a linear problem."""

import numpy as np
import pytest

from spindle.objective.laplace import GaussNewtonMatrix, Measurements

RNG = np.random.default_rng(0)
FIELD, COUNT = 6, 40
# u = coefficients c of the field, held to B p by the equations c - B p = 0, and measured by rows of A.
B = RNG.normal(size=(FIELD, 2))
A = RNG.normal(size=(COUNT, FIELD))
NOISE = 0.1
EQUATIONS = np.concatenate([np.eye(FIELD), -B], axis=1)
ROWS = np.concatenate([A, np.zeros((COUNT, 2))], axis=1)


def matrix(weight=1e-3, values=None, noise=NOISE):
    values = A @ B @ np.ones(2) if values is None else values
    measured = Measurements(ROWS.T @ ROWS / noise**2, COUNT, 1.0, float(np.sqrt(np.mean(values**2))) / noise, weight)
    return GaussNewtonMatrix(EQUATIONS.T @ EQUATIONS, {"observed": measured})


def estimated(values, weight):
    """The minimum of |e|^2 + weight mean((rows theta - values)^2 / noise^2)."""
    scale = np.sqrt(weight / COUNT) / NOISE
    stacked = np.concatenate([EQUATIONS, scale * ROWS])
    return np.linalg.lstsq(stacked, np.concatenate([np.zeros(FIELD), scale * values]), rcond=None)[0]


def test_the_posterior_is_that_of_equations_that_hold():
    """p from A B p = values: C = noise^2 (B^T A^T A B)^-1."""
    columns = matrix().posterior(2)
    exact = NOISE**2 * np.linalg.inv((A @ B).T @ (A @ B))
    np.testing.assert_allclose(columns[-2:], exact, rtol=1e-5)
    np.testing.assert_allclose(columns[:-2], B @ exact, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weight", [1e-3, 1.0])
def test_the_spread_of_estimates_is_that_of_repeated_draws(weight):
    true = A @ B @ np.array([1.0, -2.0])
    draws = [estimated(true + NOISE * RNG.normal(size=COUNT), weight)[-2:] for _ in range(4000)]
    np.testing.assert_allclose(matrix(weight).sampling(2), np.cov(np.transpose(draws)), rtol=0.12, atol=2e-5)


def test_measurements_take_up_as_many_parameters_as_the_equations_leave():
    assert matrix(1e-6).taken_up("observed") == pytest.approx(2, rel=1e-3)
    assert matrix(1e6).taken_up("observed") == pytest.approx(FIELD, rel=1e-3)


def test_units_of_the_noise_change_nothing():
    other = matrix(noise=1.0, weight=1e-3 / NOISE**2).measured["observed"].in_units_of(NOISE)
    np.testing.assert_allclose(other.matrix, matrix().measured["observed"].matrix)
    assert other.weight == pytest.approx(1e-3)
    assert other.size == pytest.approx(matrix().measured["observed"].size)


def test_what_measurements_do_not_see_is_uncertain():
    blind = GaussNewtonMatrix(np.diag([1.0, 0.0]), {"observed": Measurements(np.diag([1.0, 0.0]), 10, 1.0, 10.0, 1e-3)})
    assert blind.posterior(1)[-1, -1] > 1e6
