"""Nonlinear diffusion: Barenblatt's closed form, orders, conservation and the maximum principle."""

from itertools import pairwise

import numpy as np
import pytest

from spindle.reference import diffusion
from spindle.reference.diffusion import chebyshev_coefficients, march, three_gaussians

DIFFUSIVITY = 0.05


def barenblatt(x, y, t=0.0):
    """Barenblatt's solution of u_s = Lap(u**2), s = diffusivity t/2 + 1/32: a paraboloid of radius 0.5 that spreads."""
    s = DIFFUSIVITY * t / 2 + 1 / 32
    return np.maximum(8**-0.5 / 4 - (x**2 + y**2) / (16 * s**0.5), 0) / s**0.5


def test_converges_to_barenblatt_solution():
    """Order one at least, in the mean square: the slope of the solution jumps at its front."""
    errors = []
    for intervals in (40, 80):
        table = diffusion(t=[0.2, 1.0], intervals=intervals, initial=barenblatt)
        x = table.axes["x"]
        exact = np.stack([barenblatt(x[:, None], x, t) for t in table.axes["t"]])
        errors.append(np.linalg.norm(table.values - exact) / np.linalg.norm(exact))
    assert errors[1] < 2e-3
    assert np.log2(errors[0] / errors[1]) > 1, f"errors {errors}"


def test_order_two_in_space():
    t = np.array([0.2, 1.0])
    frames = [march(three_gaussians, DIFFUSIVITY, t, 50 * k, 0.01)[:, ::k, ::k] for k in (1, 2, 4)]
    first, second = (np.linalg.norm(a - b) for a, b in pairwise(frames))
    assert np.log2(first / second) == pytest.approx(2, abs=0.1)


def test_order_two_in_time():
    # A coarse grid, so that all three runs take the same number of stages a step: the error constant depends on it.
    frames = [march(three_gaussians, DIFFUSIVITY, np.array([1.0]), 20, step) for step in (0.01, 0.005, 0.0025)]
    first, second = (np.linalg.norm(a - b) for a, b in pairwise(frames))
    assert np.log2(first / second) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("stages", [2, 3, 7, 20])
def test_steps_are_second_order_and_stable_on_the_test_equation(stages):
    """One step of u' = z u gives R(z) = 1 + z + z**2/2 + O(z**3) and |R| < 1 for -0.65 stages**2 < z < 0."""
    first, table = chebyshev_coefficients(stages)

    def amplification(z):
        older, newer = 1.0, 1 + first * z
        for mu, nu, mu_slope, mu_first in table:
            older, newer = newer, 1 - mu - nu + mu * newer + nu * older + mu_slope * z * newer + mu_first * z
        return newer

    assert amplification(-1e-3) == pytest.approx(np.exp(-1e-3), abs=2e-10)
    z = np.linspace(-0.65 * (stages**2 - 1), -0.02, 500)
    assert np.all(np.abs(amplification(z)) < 1)


def test_mass_is_conserved_until_the_front_meets_the_boundary():
    frames = march(barenblatt, DIFFUSIVITY, np.linspace(0, 1, 5), 64, 0.02)
    mass = frames.sum(axis=(1, 2))
    np.testing.assert_allclose(mass, mass[0], rtol=1e-12)


def test_positive_bounded_and_zero_on_the_boundary():
    table = diffusion(intervals=60)
    u, x = table.values, table.axes["x"]
    assert u.shape == (101, 61, 61)
    np.testing.assert_allclose(u[0], three_gaussians(x[:, None], x), rtol=1e-14)
    assert u[0, 0].max() > 9e-3, "the first frame keeps the initial state on the boundary"
    for edge in (u[1:, 0], u[1:, -1], u[1:, :, 0], u[1:, :, -1]):
        assert not edge.any()
    assert u.min() > -table.relative_error * u.max()
    assert np.all(np.diff(u.max(axis=(1, 2))) < 0), "the maximum principle: the maximum falls"
    assert np.all(np.diff(u.sum(axis=(1, 2))) < 0), "mass leaves through the boundary only"


def test_exchanging_x_and_y_transposes():
    t = [0.5]
    one = diffusion(t=t, intervals=20)
    other = diffusion(t=t, intervals=20, initial=lambda x, y: three_gaussians(y, x))
    np.testing.assert_allclose(other.values, one.values.swapaxes(1, 2), atol=1e-14)


def test_default_is_accurate_and_its_estimate_honest():
    table, rough = diffusion(), diffusion(intervals=50)
    assert table.values.shape == (101, 101, 101)
    assert table.relative_error < 1e-4
    error = np.linalg.norm(rough.values - table.values[:, ::2, ::2]) / np.linalg.norm(rough.values)
    assert error < rough.relative_error
    # The finite-element reference of the paper has a root mean square of 0.0867 on this grid.
    assert np.sqrt(np.mean(table.values**2)) == pytest.approx(0.0867, abs=1e-4)


def test_frames_do_not_depend_on_the_other_times():
    some = diffusion(t=[0.31, 0.5], intervals=40).values[1]
    np.testing.assert_allclose(some, diffusion(t=[0.5], intervals=40).values[0], atol=1e-5)


@pytest.mark.parametrize("intervals", [51, 2])
def test_uneven_grids_are_refused(intervals):
    with pytest.raises(ValueError, match="give an even number, 4 or larger"):
        diffusion(intervals=intervals)
