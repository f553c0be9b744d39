"""The Allen-Cahn equation: finite differences, the order in time, and the properties of the solution."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spindle.reference import allen_cahn


@pytest.fixture(scope="module")
def table():
    return allen_cahn()


def finite_differences(cells, t):
    """Second differences on [0, 1], even at both ends, and a stiff solver of variable order."""
    x = np.arange(cells + 1) / cells

    def slope(time, u):
        left, right = np.append(u[1], u[:-1]), np.append(u[1:], u[-2])
        return 1e-4 * cells**2 * (left - 2 * u + right) + 5 * u - 5 * u**3

    run = solve_ivp(slope, (0, 1), x**2 * np.cos(np.pi * x), "LSODA", t, rtol=1e-9, atol=1e-11, lband=1, uband=1)
    return run.y.T


def test_finite_differences_converge_to_it_at_second_order():
    t, x = [0.2, 0.5, 1.0], np.linspace(0, 1, 257)
    truth = allen_cahn(t=t, x=x).values
    cells = (512, 1024, 2048)
    tables = [finite_differences(n, t)[:, :: n // 256] for n in cells]
    errors = [np.linalg.norm(table - truth) / np.linalg.norm(truth) for table in tables]
    slopes = -np.diff(np.log2(errors))
    np.testing.assert_allclose(slopes, 2, atol=0.1, err_msg=f"errors {errors}")
    # Two extrapolations remove h**2 and h**4.
    once = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(tables)]
    np.testing.assert_allclose((16 * once[1] - once[0]) / 15, truth, atol=1e-6)


def test_order_four_in_time():
    frames = [allen_cahn(t=[0.5, 1.0], modes=512, step=step).values for step in (0.005, 0.0025, 0.00125)]
    first, second = (np.linalg.norm(a - b) for a, b in pairwise(frames))
    assert np.log2(first / second) == pytest.approx(4, abs=0.1)


def test_modes_converge_spectrally_once_the_kink_is_damped():
    t = [0.1, 0.5, 1.0]
    truth = allen_cahn(t=t, modes=1024, step=0.01).values
    errors = [np.linalg.norm(allen_cahn(t=t, modes=modes, step=0.01).values - truth) for modes in (128, 256, 512)]
    ratios = np.divide(errors[:-1], errors[1:])
    assert np.all(ratios > 2**6) and ratios[1] > ratios[0], f"errors {errors}"


def test_estimate_is_small_and_honest(table):
    assert table.values.shape == (101, 513)
    assert table.relative_error < 1e-6
    rough = allen_cahn(modes=256, step=0.01)
    error = np.linalg.norm(rough.values - table.values) / np.linalg.norm(table.values)
    assert table.relative_error < error < rough.relative_error


def test_is_even_bounded_and_loses_energy(table):
    u, x = table.values, table.axes["x"]
    np.testing.assert_array_equal(u[0], x**2 * np.cos(np.pi * x))
    np.testing.assert_allclose(u, u[:, ::-1], atol=1e-12)
    assert np.abs(u).max() <= 1, "the maximum principle: |u| stays below one"
    h = x[1] - x[0]
    slopes, wells = np.diff(u, axis=1) / h, 5 / 4 * (1 - u**2) ** 2
    energy = h * ((0.5e-4 * slopes**2).sum(axis=1) + (wells[:, 1:] + wells[:, :-1]).sum(axis=1) / 2)
    assert np.all(np.diff(energy) < 0)


def test_uneven_times_give_the_same_frames():
    frames = allen_cahn(t=[0.013, 0.37, 0.5, 1.0], modes=256).values
    np.testing.assert_allclose(frames[2:], allen_cahn(t=[0.5, 1.0], modes=256).values, atol=1e-8)
