"""Nodes on an interval."""

from itertools import pairwise

import numpy as np
import pytest

import spindle as spd
from spindle.points.rules import FIXED, RULES, check_rule, fixed_nodes, random_nodes, spread


def mean(rule, power, n, low=-1.0, high=2.0):
    nodes, weights = fixed_nodes(rule, low, high, n)
    return np.average(nodes**power, weights=weights)


def exact_mean(power, low=-1.0, high=2.0):
    return (high ** (power + 1) - low ** (power + 1)) / (power + 1) / (high - low)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_gauss_is_exact_up_to_degree_2n_minus_1(n):
    for power in range(2 * n):
        assert mean("gauss", power, n) == pytest.approx(exact_mean(power), rel=1e-12), power
    assert mean("gauss", 2 * n, n) != pytest.approx(exact_mean(2 * n), rel=1e-6)


@pytest.mark.parametrize("rule", FIXED)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_fixed_nodes_increase_inside_the_interval(rule, n):
    nodes, weights = fixed_nodes(rule, -1.0, 2.0, n)
    assert nodes.shape == (n,)
    assert (np.diff(nodes) > 0).all()
    assert nodes.min() >= -1
    assert nodes.max() <= 2
    assert weights is None or np.sum(weights) == pytest.approx(1)


def test_uniform_nodes_include_the_ends_and_midpoints_do_not():
    np.testing.assert_allclose(fixed_nodes("uniform", 0.0, 1.0, 3)[0], [0, 0.5, 1])
    np.testing.assert_allclose(fixed_nodes("midpoint", 0.0, 1.0, 2)[0], [0.25, 0.75])


@pytest.mark.parametrize("rule", FIXED)
def test_a_degenerate_interval_is_one_point(rule, getkey):
    assert fixed_nodes(rule, 0.5, 0.5, 9) == (np.array([0.5]), None)
    assert random_nodes(getkey(), 0.5, 0.5, 9).tolist() == [0.5]


def test_random_nodes_fill_the_interval(getkey):
    key = getkey()
    nodes = random_nodes(key, -1.0, 2.0, 4000)
    assert -1 <= nodes.min() < -0.99
    assert 1.99 < nodes.max() <= 2
    assert nodes.mean() == pytest.approx(0.5, abs=5 * 3 / np.sqrt(12 * 4000))  # five standard errors
    assert (nodes == random_nodes(key, -1.0, 2.0, 4000)).all()
    assert (nodes != random_nodes(getkey(), -1.0, 2.0, 4000)).any()


def test_misspelt_rules_are_explained():
    with pytest.raises(spd.MethodError, match=r"`sampling='gaus'` is no known rule.*Did you mean `gauss`\?"):
        check_rule("gaus")
    for rule in RULES:
        check_rule(rule)


def test_points_spread_over_cells_see_the_small_and_weigh_as_the_large():
    ends = np.array([0.0, 0.5, 0.5 + 1e-6, 0.5 + 2e-6, 1.0])
    low, high, weights = spread(ends[:-1, None], ends[1:, None], 1000)
    counts = [np.sum((low[:, 0] == a) & (high[:, 0] == b)) for a, b in pairwise(ends)]
    np.testing.assert_allclose(counts, [375, 125, 125, 375], atol=2)
    points = low + (high - low) * np.random.default_rng(0).uniform(size=low.shape)
    assert weights.sum() == pytest.approx(1.0)
    assert np.sum(weights * (points[:, 0] < 0.5)) == pytest.approx(0.5, abs=2e-3)
    peak = np.abs(points[:, 0] - 0.5 - 1e-6) < 1e-6  # a millionth of the axis
    assert np.sum(weights * peak) == pytest.approx(2e-6, rel=0.02)
