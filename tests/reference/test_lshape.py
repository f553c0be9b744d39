"""Poisson's equation on the L-shape: published values, finite differences, and the bound of the maximum principle."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

from spindle.reference import lshape


@pytest.fixture(scope="module")
def table():
    return lshape()


def test_published_values(table):
    assert lshape(x=[-0.5], y=[-0.5]).values.item() == pytest.approx(0.13105, abs=5e-6)
    assert lshape(x=[-0.5], y=[0.0]).values.item() == pytest.approx(0.13575, abs=5e-6)
    assert table.values.shape == (161, 161)
    i, j = np.unravel_index(np.nanargmax(table.values), table.values.shape)
    assert table.values[i, j] == pytest.approx(0.1494, abs=5e-5)
    assert (table.axes["x"][i], table.axes["y"][j]) == pytest.approx((-0.331, -0.331), abs=0.0125)


def test_published_integral():
    """The integral, which is the energy too, is 0.214076; Gauss's rule on cells graded towards the corner."""
    cells = np.concatenate([[0.0], 0.5 ** np.arange(8, -1, -1)])
    node, weight = np.polynomial.legendre.leggauss(8)
    half = np.diff(cells)[:, None] / 2
    x, w = (cells[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()
    x, w = np.concatenate([-x[::-1], x]), np.concatenate([w[::-1], w])
    assert w @ np.nan_to_num(lshape(x=x, y=x).values) @ w == pytest.approx(0.214076, abs=5e-7)


def test_finite_differences_converge_to_it_at_order_four_thirds():
    """The rate that the singularity r**(2/3) at the re-entrant corner leaves to the five-point formula."""
    errors = []
    for n in (32, 64, 128):
        x = np.linspace(-1, 1, n + 1)
        exact = lshape(x=x, y=x).values
        inside = np.nan_to_num(exact) > 0
        second = sparse.diags_array([-np.ones(n), 2 * np.ones(n + 1), -np.ones(n)], offsets=[-1, 0, 1]) * (n / 2) ** 2
        one = sparse.eye_array(n + 1)
        laplacian = (sparse.kron(second, one) + sparse.kron(one, second)).tocsc()
        keep = np.flatnonzero(inside.ravel())
        u = spsolve(laplacian[keep][:, keep], np.ones(keep.size))
        errors.append(np.sqrt(np.mean((u - exact[inside]) ** 2)))
    np.testing.assert_allclose(-np.diff(np.log2(errors)), 4 / 3, atol=0.1, err_msg=f"errors {errors}")


@pytest.mark.parametrize("place", [(-0.5, -0.5), (-0.3, 0.8), (0.1, -0.05), (0.9, -0.9), (-0.02, 0.01)])
def test_satisfies_the_equation(place):
    h = min(2e-3, 0.02 * np.hypot(*place))
    offsets = h * np.arange(-2, 3)
    u = lshape(x=place[0] + offsets, y=place[1] + offsets).values
    second = np.array([-1, 16, -30, 16, -1]) / (12 * h**2)
    assert -(second @ u[:, 2] + u[2] @ second) == pytest.approx(1, abs=1e-6)


def test_estimate_falls_geometrically_and_bounds_the_error(table):
    """The nearest singularities outside are the re-entrant corner's images at distance 2.

    With |w| = r**(2/3) the series gains 2**(1/3)/2**(2/3) a power of w, and every other power is in it.
    """
    assert table.relative_error < 1e-11
    powers = (5, 10, 20)
    coarser = [lshape(powers=n) for n in powers]
    for other in coarser:
        error = np.sqrt(np.nanmean((other.values - table.values) ** 2) / np.nanmean(table.values**2))
        assert error < other.relative_error
    estimates = [other.relative_error for other in coarser]
    for (fewer, more), (n, m) in zip(pairwise(estimates), pairwise(powers), strict=True):
        assert more < fewer * 2 ** (-2 / 3 * (m - n)), f"estimates {estimates}"


def test_zero_on_the_edges_nan_outside_and_symmetric(table):
    u, x = table.values, table.axes["x"]
    outside = (x[:, None] > 0) & (x > 0)
    np.testing.assert_array_equal(np.isnan(u), outside)
    edge = (
        (np.abs(x[:, None]) == 1) | (np.abs(x) == 1) | ((x[:, None] == 0) & (x >= 0)) | ((x[:, None] >= 0) & (x == 0))
    )
    assert np.all(u[edge & ~outside] == 0)
    assert np.all(u[~edge & ~outside] > 0)
    np.testing.assert_allclose(u, u.T, atol=1e-13)
