"""Stencils that cross no interface."""

import numpy as np
import pytest

from spindle.derivatives.rbf_fd.one_sided import one_sided
from spindle.errors import MethodError

LAPLACIAN, SLOPE = {(2, 0): 1.0, (0, 2): 1.0}, {(1, 0): 1.0}
SCHEME = {"degree": 3, "size": None, "exponent": 7}


def cloud(count=400):
    """Random nodes, some of them on x = 0.1."""
    points = np.random.default_rng(0).uniform(-1, 1, size=(count, 2))
    points[: count // 10, 0] = 0.1
    return points, np.sign(points[:, :1] - 0.1).astype(int)


def bent(points, sides):
    """A cubic on each side, with a kink in between."""
    x, y = points.T
    return np.where(sides[:, 0] < 0, x**2 * y + 3 * (x - 0.1), 0.01 * y + (x - 0.1) * (y**2 - 50))


def test_cubics_on_either_side_are_differentiated_exactly():
    points, sides = cloud()
    inner = np.flatnonzero(sides[:, 0])
    idx, (laplacian, slope) = one_sided((points, sides), (points[inner], sides[inner]), [LAPLACIAN, SLOPE], SCHEME)
    crossing = sides[idx, 0] * sides[inner] < 0
    assert not crossing.any()
    values, (x, y) = bent(points, sides), points[inner].T
    below = sides[inner, 0] < 0
    assert np.abs((laplacian * values[idx]).sum(axis=1) - np.where(below, 2 * y, 2 * (x - 0.1))).max() < 1e-6
    assert np.abs((slope * values[idx]).sum(axis=1) - np.where(below, 2 * x * y + 3, y**2 - 50)).max() < 1e-7


@pytest.mark.parametrize("side", [-1, 1])
def test_on_the_interface_each_side_has_a_slope_of_its_own(side):
    points, sides = cloud()
    met = np.flatnonzero(sides[:, 0] == 0)
    idx, (slope,) = one_sided((points, sides), (points[met], np.full((len(met), 1), side)), [SLOPE], SCHEME)
    values, y = bent(points, np.where(sides == 0, side, sides)), points[met, 1]
    exact = 0.2 * y + 3 if side < 0 else y**2 - 50
    assert np.abs((slope * values[idx]).sum(axis=1) - exact).max() < 1e-7


def test_a_side_with_too_few_nodes_is_refused():
    points, sides = cloud()
    points, sides = points[sides[:, 0] <= 0], sides[sides[:, 0] <= 0]
    with pytest.raises(MethodError, match=r"One side of an interface has \d+ nodes, .*; raise `nodes`, or lower"):
        one_sided((points, sides), (points[:1], np.array([[1]])), [LAPLACIAN], {**SCHEME, "degree": 8})
