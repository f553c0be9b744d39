"""Van der Pol's oscillator and Lorenz's equations: periods, other integrators, and honest estimates."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spindle.reference.ordinary import LORENZ_START, lorenz, van_der_pol


def test_a_weak_oscillator_is_nearly_a_circle():
    """mu = 0 is u'' = -u; of mu, the first correction grows no faster than mu t."""
    t = np.linspace(0, 10, 101)
    still = van_der_pol(0, 10, t=t)
    np.testing.assert_allclose(still.values, 2 * np.cos(t), atol=1e-9)
    assert np.abs(van_der_pol(1e-4, 10, t=t).values - 2 * np.cos(t)).max() < 2e-3


def test_the_stiff_period_is_that_of_the_asymptotic_series():
    """Dorodnitsyn (1947): (3 - 2 ln 2) mu + 3 alpha mu**(-1/3) - (2/3) ln(mu)/mu + ..., alpha = 2.338107."""
    mu = 1000.0
    stiff = van_der_pol()
    t, u = stiff.axes["t"], stiff.values
    assert stiff.relative_error < 1e-9
    falls = t[:-1][(u[:-1] > 0) & (u[1:] <= 0)]
    rises = t[:-1][(u[:-1] < 0) & (u[1:] >= 0)]
    period = (3 - 2 * np.log(2)) * mu + 3 * 2.338107 * mu ** (-1 / 3) - 2 / 3 * np.log(mu) / mu
    # One jump down and one up lie half a period apart; the grid of a whole second sees them to one.
    assert rises[0] - falls[0] == pytest.approx(period / 2, abs=1)
    assert np.abs(u).max() == pytest.approx(2, abs=1e-3)


def test_lorenz_agrees_with_backward_differences():
    times = np.linspace(0, 3, 31)
    fields = lorenz(t=times)

    def slope(_, s):
        return [10 * (s[1] - s[0]), s[0] * (15 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    other = solve_ivp(slope, (0, 3), LORENZ_START, "LSODA", times, rtol=1e-11, atol=1e-12).y
    for name, values in zip("xyz", other, strict=True):
        np.testing.assert_allclose(fields[name].values, values, atol=1e-7)
        assert fields[name].relative_error < 1e-9


def test_lorenz_rests_where_it_should():
    """(sqrt(beta (rho - 1)), the same, rho - 1) is a rest point, stable at rho = 15: the motion decays towards one."""
    fields = lorenz(t=[3.0])
    rest = np.sqrt(8 / 3 * 14)
    late = [np.abs(fields[name].values[0]) for name in "xy"]
    assert all(value < 3 * rest for value in late)
