"""Points on curves and surfaces that are given by a level."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sympy import cos, exp

import spindle as spd
from spindle.geometry.levels import on_level

x, y, z = spd.coordinates("x y z")
PLANE, SPACE = [(-1, 1), (-1, 1)], [(-1, 1)] * 3
CASES = {
    "circle": (x**2 + y**2 - 0.36, (x, y), PLANE, 2 * np.pi * 0.6),
    "circle, written steeply": (exp(x**2 + y**2) - exp(0.36), (x, y), PLANE, 2 * np.pi * 0.6),
    "line": (x - 0.3, (x, y), PLANE, 2.0),
    "wave": (y - cos(3 * x) / 5, (x, y), PLANE, 2.155),
}


@pytest.mark.parametrize("name", CASES)
def test_points_lie_on_a_curve_evenly(name):
    level, axes, bounds, length = CASES[name]
    points = on_level(level, axes, bounds, 0.05)
    assert np.abs([float(level.subs(dict(zip(axes, p, strict=True)))) for p in points]).max() < 1e-9
    gaps = cKDTree(points).query(points, 2)[0][:, 1]
    assert gaps.min() > 0.5 * 0.05
    assert 0.8 * length / 0.05 < len(points) < 1.35 * length / 0.05


def test_points_lie_on_a_sphere():
    points = on_level(x**2 + y**2 + z**2 - 0.25, (x, y, z), SPACE, 0.1)
    assert np.abs(np.linalg.norm(points, axis=1) - 0.5).max() < 1e-9
    assert cKDTree(points).query(points, 2)[0][:, 1].min() > 0.5 * 0.1
    # No place of the sphere is farther than a spacing from a point.
    random = np.random.default_rng(0).normal(size=(2000, 3))
    assert cKDTree(points).query(random / np.linalg.norm(random, axis=1)[:, None] / 2)[0].max() < 0.1


def test_a_level_that_passes_outside_has_no_points():
    assert len(on_level(x**2 + y**2 - 9, (x, y), PLANE, 0.05)) == 0
