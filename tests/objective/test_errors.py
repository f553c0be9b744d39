"""Error measures."""

import numpy as np
import pytest

from spindle.objective.errors import error_measures


def test_measures_by_hand():
    found = error_measures(np.array([[3.0, 0.0], [1.0, 2.0]]), np.array([[3.0, 4.0], [1.0, np.nan]]))
    assert found == {
        "rel_l2": pytest.approx(4 / np.sqrt(26)),
        "rmse": pytest.approx(4 / np.sqrt(3)),
        "max": pytest.approx(4.0),
    }


def test_a_vanishing_reference_gives_the_absolute_norm():
    assert error_measures(np.array([3.0, 4.0]), np.zeros(2))["rel_l2"] == pytest.approx(5.0)


def test_the_relative_error_has_no_units():
    random = np.random.default_rng(0)
    values, reference = random.normal(size=(2, 50))
    one, other = (error_measures(s * values, s * reference) for s in (1.0, 1e-6))
    assert one["rel_l2"] == pytest.approx(other["rel_l2"])
    assert one["rmse"] == pytest.approx(1e6 * other["rmse"])


def test_an_exact_solution_has_no_error():
    assert error_measures(np.ones(3), np.ones(3)) == {"rel_l2": 0.0, "rmse": 0.0, "max": 0.0}
