"""Burgers' equation: the published slope, a spectral solver, and the properties of the solution."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.fft import dst, idct
from scipy.integrate import solve_ivp

from spindle.reference import burgers


def test_steepest_slope_is_the_published_one():
    """Basdevant et al. (1986): |u_x| is largest at x = 0 and t = 1.6037/pi, where it is 152.00516."""
    h = 1e-4
    u = burgers(t=[1.6037 / np.pi], x=[-2 * h, -h, h, 2 * h]).values[0]
    slope = (8 * (u[2] - u[1]) - (u[3] - u[0])) / (12 * h)
    assert slope == pytest.approx(-152.00516, abs=1e-4)


@pytest.mark.parametrize(("viscosity", "n"), [(0.03, 96), (0.1, 32), (0.5, 12)])
def test_agrees_with_a_sine_series_in_time(viscosity, n):
    """u = sum b_k sin(pi k x): the equation for b_k, with the product taken on a grid, by Runge-Kutta of order 8."""
    k = np.arange(1, n)
    x = np.arange(n + 1) / n

    def values(b):
        return np.concatenate([[0.0], dst(b, type=1) / 2, [0.0]])

    def slope(t, b):
        u = values(b)
        u_x = idct(np.concatenate([[0.0], np.pi * k * b, [0.0]]), type=1) * n
        return -dst((u * u_x)[1:-1], type=1) / n - viscosity * (np.pi * k) ** 2 * b

    start = np.zeros(n - 1)
    start[0] = -1.0
    t = [0.25, 1.0]
    run = solve_ivp(slope, (0, 1), start, method="DOP853", t_eval=t, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(burgers(t=t, x=x, viscosity=viscosity).values, [values(b) for b in run.y.T], atol=1e-9)


def test_is_odd_bounded_and_zero_at_the_ends():
    u = burgers().values
    assert u.shape == (101, 513)
    np.testing.assert_allclose(u, -u[:, ::-1], atol=1e-13)
    np.testing.assert_allclose(u[0], -np.sin(np.pi * np.linspace(-1, 1, 513)), atol=1e-14)
    assert np.all(u[:, [0, -1]] == 0)
    assert np.all(np.diff(np.abs(u).max(axis=1)) <= 1e-13), "the maximum principle: |u| never grows"


def test_quadrature_converges_geometrically_and_its_estimate_is_honest():
    t, x = np.linspace(0, 1, 11), np.linspace(-1, 1, 65)
    truth = burgers(t=t, x=x, points=300).values
    tables = [burgers(t=t, x=x, points=points) for points in (24, 36, 48, 60)]
    errors = [np.linalg.norm(table.values - truth) / np.linalg.norm(truth) for table in tables]
    estimates = [table.relative_error for table in tables]
    assert all(later < earlier / 10 for earlier, later in pairwise(estimates)), estimates
    assert all(error <= estimate for error, estimate in zip(errors, estimates, strict=True)), (errors, estimates)


@pytest.mark.parametrize("viscosity", [1e-3, 0.01 / np.pi, 0.05, 1.0])
def test_estimate_is_small_over_the_range(viscosity):
    assert burgers(t=[0.5, 1.0], viscosity=viscosity).relative_error < 1e-11


@pytest.mark.parametrize("viscosity", [0.0, 1e-4, 10.0, np.nan])
def test_other_viscosities_are_refused(viscosity):
    with pytest.raises(ValueError, match=r"quadrature is accurate from 0\.001 to 1"):
        burgers(viscosity=viscosity)
