"""Patterns on a square: coefficients, states that stay uniform, other integrators, symmetry, and honest estimates."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import wofz

from spindle.reference.patterns import (
    coefficients,
    ginzburg_landau,
    ginzburg_landau_frames,
    gray_scott,
    gray_scott_frames,
)

AXIS = np.linspace(-1, 1, 17)


def test_coefficients_of_a_gaussian_are_its_closed_form():
    """By the error function of a complex argument, erf(z) = 1 - exp(-z**2) w(i z)."""

    def erf(z):
        return 1 - np.exp(-(z**2)) * wofz(1j * z)

    found, k = coefficients(lambda z: np.exp(-10 * z**2), 32), np.pi * np.fft.fftfreq(32, 1 / 32)
    root, shift = np.sqrt(10), 1j * k / (2 * np.sqrt(10))
    wanted = np.sqrt(np.pi) / (4 * root) * np.exp(shift**2) * (erf(root + shift) - erf(-root + shift))
    np.testing.assert_allclose(found, wanted, atol=1e-14)


def lines(frames, side, count, t, start):
    """The same fields by second differences on `count` cells an axis and a Runge-Kutta method of order 8."""
    h = 2 / count
    x = -1 + h * np.arange(count)

    def slope(_, state):
        fields = state.reshape(2, count, count)
        around = sum(np.roll(fields, s, axis) for s in (-1, 1) for axis in (1, 2))
        return side(fields, (around - 4 * fields) / h**2).ravel()

    run = solve_ivp(slope, (0, t), start(x[:, None], x).ravel(), "RK45", [t], rtol=1e-7, atol=1e-9)
    values = run.y[:, -1].reshape(2, count, count)
    return values[:, :: count // 16, :: count // 16]


def gray_scott_side(fields, laplacians):
    u, v = fields
    used = 1000 * u * v**2
    return np.array([laplacians[0] / 5 + 40 * (1 - u) - used, laplacians[1] / 10 - 100 * v + used])


def gray_scott_start(x, y):
    return np.array(
        [
            1 - np.exp(-10 * ((x + 0.05) ** 2 + (y + 0.02) ** 2)),
            np.exp(-10 * ((x - 0.05) ** 2 + (y - 0.02) ** 2)),
        ]
    )


def ginzburg_landau_side(fields, laplacians):
    a = fields[0] + 1j * fields[1]
    rate = 10 * a - 10 * (1 + 1.5j) * np.abs(a) ** 2 * a
    return laplacians / 250 + np.array([rate.real, rate.imag])


def ginzburg_landau_start(x, y):
    bump = 10 * np.exp(-25 * (x**2 + y**2))
    return np.array([y * bump, x * bump])


CASES = {
    "gray_scott": (gray_scott_frames, gray_scott_side, gray_scott_start, 32, 0.002, 0.05),
    "ginzburg_landau": (ginzburg_landau_frames, ginzburg_landau_side, ginzburg_landau_start, 48, 0.005, 0.2),
}


@pytest.mark.parametrize("name", CASES)
def test_second_differences_converge_to_it(name):
    frames, side, start, modes, step, t = CASES[name]
    truth = frames(np.array([t]), AXIS[:-1], AXIS[:-1], modes, step, 1)[:, 0]
    errors = [np.abs(lines(truth, side, n, t, start) - truth).max() for n in (48, 96)]
    assert 1.7 < np.log2(errors[0] / errors[1]) < 2.3, errors


def test_the_first_frame_is_the_data():
    for frames, start, modes, step in (
        (gray_scott_frames, gray_scott_start, 32, 0.002),
        (ginzburg_landau_frames, ginzburg_landau_start, 80, 0.005),
    ):
        found = frames(np.array([0.0]), AXIS, AXIS, modes, step)[:, 0]
        np.testing.assert_allclose(found, start(AXIS[:, None], AXIS), atol=1e-9)


def test_the_spiral_turns_into_itself():
    """A(-x, -y) = -A(x, y), and a quarter of a turn of the square multiplies A by i, at all times."""
    u, v = ginzburg_landau_frames(np.array([0.4]), AXIS, AXIS, 32, 0.005)[:, 0]
    a = u + 1j * v
    np.testing.assert_allclose(a[::-1, ::-1], -a, atol=1e-10)
    turned = a.T[::-1]
    ratio = turned[2, 3] / a[2, 3]
    assert ratio in (pytest.approx(1j, abs=1e-8), pytest.approx(-1j, abs=1e-8))
    np.testing.assert_allclose(turned, ratio * a, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "modes", "step", "limit"), [(gray_scott, 48, 0.004, 3e-6), (ginzburg_landau, 72, 0.01, 2e-7)]
)
def test_estimates_are_small_and_honest(solver, modes, step, limit):
    best, rough = solver(), solver(modes=modes, step=step)
    for name in "uv":
        error = np.linalg.norm(rough[name].values - best[name].values) / np.linalg.norm(best[name].values)
        assert best[name].relative_error < limit
        assert best[name].relative_error < error < rough[name].relative_error
