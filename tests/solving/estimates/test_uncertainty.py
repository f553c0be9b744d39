"""What noise leaves open of estimated parameters, against the textbook's formula."""

import numpy as np
import pytest
from sympy import Eq

import spindle as spd

t = spd.coordinates("t")
u = spd.unknown("u", t)
TIMES, TRUE, NOISE = np.linspace(0.1, 3, 40), 0.7, 0.02


def decay(*conditions, seed=0):
    """u' = -k u with noisy measurements of u."""
    k = spd.parameter("k", 0.5, unknown=True)
    values = np.exp(-TRUE * TIMES) + NOISE * np.random.default_rng(seed).normal(size=len(TIMES))
    measured = spd.Observed(u, {"t": TIMES}, values, noise=NOISE)
    return spd.Problem(spd.Interval(t, 0, 3), [Eq(u.diff(t), -k * u)], [*conditions, measured], name="decay")


@pytest.fixture(scope="module")
def solution():
    return spd.solve(decay(spd.Initial(u, 1)), spd.SPINN(width=12), progress=False, estimate=True)


def test_the_deviation_of_a_parameter_is_that_of_linear_least_squares(solution):
    k, deviation = solution.parameters["k"], solution.run.error_estimate["parameters"]["k"]
    assert deviation == pytest.approx(NOISE / np.linalg.norm(TIMES * np.exp(-k * TIMES)), rel=0.05)
    assert abs(k - TRUE) < 4 * deviation
    assert f"k = {k:.6g} ± {deviation:.2g}" in solution.summary()


def test_the_estimated_error_contains_it(solution):
    grid = np.linspace(0, 3, 301)
    deviation = solution.run.error_estimate["parameters"]["k"]
    spread = np.linalg.norm(grid * np.exp(-TRUE * grid)) * deviation / np.linalg.norm(np.exp(-TRUE * grid))
    assert solution.run.error_estimate["errors"]["u"] == pytest.approx(spread, rel=0.3)
    true = np.linalg.norm(solution(t=grid) - np.exp(-TRUE * grid)) / np.linalg.norm(np.exp(-TRUE * grid))
    assert true < 4 * solution.run.error_estimate["errors"]["u"]


def test_where_measurements_stand_in_for_conditions_nothing_is_promised():
    solution = spd.solve(decay(), spd.SPINN(width=12), progress=False, estimate=True)
    assert solution.verdict.word == "doubtful"
    assert "there is no estimate of the error" in str(solution.verdict)
