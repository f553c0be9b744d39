"""Waves on a circle: solitons, what is conserved, orders of convergence, and other integrators."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spindle.reference.dispersive import (
    KDV,
    KURAMOTO_SIVASHINSKY,
    fourier_solution,
    kdv,
    kuramoto_sivashinsky,
    schroedinger,
    schroedinger_solution,
    secant_series,
)
from spindle.reference.etdrk4 import etdrk4, extrapolated

DELTA = 0.022


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("z", [0.0, 1e-8j, 0.3j, -2.5, 40j, 3 - 7j, -300 + 0j])
def test_weights_are_their_formulas(z):
    """The formulas of Cox and Matthews in 120 digits; near zero they are 0/0, so zero is taken as 1e-20."""
    with mpmath.workdps(120):
        r = mpmath.mpmathify(z) if z else mpmath.mpf("1e-20")
        e = mpmath.exp(r)
        wanted = [
            e,
            mpmath.exp(r / 2),
            (mpmath.exp(r / 2) - 1) / r,
            (-4 - r + e * (4 - 3 * r + r**2)) / r**3,
            (2 + r + e * (r - 2)) / r**3,
            (-4 - 3 * r - r**2 + e * (4 - r)) / r**3,
        ]
        wanted = np.array([complex(w) for w in wanted])
    np.testing.assert_allclose(np.array(etdrk4(np.array([z]), 1.0))[:, 0], wanted, rtol=1e-13, atol=1e-15)


def soliton(x, speed=0.6):
    return 3 * speed / np.cosh(np.sqrt(speed) / (2 * DELTA) * (np.remainder(x + 1, 2) - 1)) ** 2


def test_a_soliton_keeps_its_shape_and_speed():
    n, speed = 512, 0.6
    series = np.fft.rfft(soliton(-1 + 2 * np.arange(n) / n)) / n * np.exp(1j * np.pi * np.arange(n // 2 + 1))
    equation = KDV._replace(start=dict(enumerate(series[:193])))
    t, x = np.array([0.5, 1.0]), np.linspace(-1, 1, 101)
    found, _ = extrapolated([fourier_solution(equation, t, x, 192, 1e-3, halvings) for halvings in range(3)])
    np.testing.assert_allclose(found, [soliton(x - speed * time) for time in t], atol=1e-8)


@pytest.mark.parametrize(("equation", "step"), [(KDV, 5e-3), (KURAMOTO_SIVASHINSKY, 3e-4)])
def test_order_four_in_time(equation, step):
    t, x = np.array([0.06]), np.linspace(0, 2, 65)
    runs = [fourier_solution(equation, t, x, 64, step, halvings) for halvings in range(4)]
    differences = [np.linalg.norm(b - a) for a, b in pairwise(runs)]
    np.testing.assert_allclose(-np.diff(np.log2(differences)), 4, atol=0.25)


def test_extrapolation_takes_out_two_orders():
    """Errors in h**4 and h**5 alone are taken out to the last digit."""
    values, coarser = extrapolated([np.array([1 + 3 * 16.0**-k - 5 * 32.0**-k]) for k in range(3)])
    np.testing.assert_allclose(values, 1, rtol=1e-14)
    np.testing.assert_allclose(coarser - 1, 5 / 30 / 32, rtol=1e-10)


@pytest.fixture(scope="module")
def solitons():
    return kdv()


def test_kdv_conserves_mass_momentum_and_energy(solitons):
    u = solitons.values[:, :-1]
    k = np.pi * np.fft.fftfreq(u.shape[1], 1 / u.shape[1])
    u_x = np.fft.ifft(1j * k * np.fft.fft(u)).real
    for invariant in (u, u**2, u**3 / 3 - DELTA**2 * u_x**2):
        means = invariant.mean(axis=1)
        np.testing.assert_allclose(means, means[0], atol=1e-10)


def test_kdv_estimate_is_small_and_honest(solitons):
    assert solitons.relative_error < 1e-10
    rough = kdv(modes=128, step=2e-3)
    assert solitons.relative_error < distance(rough.values, solitons.values) < rough.relative_error


def test_kuramoto_sivashinsky_agrees_with_an_implicit_method():
    """The same Galerkin equations, convolved term by term, by backward differences of variable order."""
    modes = 32
    k = np.arange(-modes, modes + 1)
    symbol = 100 / 16**2 * k**2 - 100 / 16**4 * k**4

    def slope(_, c):
        square = np.convolve(c, c)[modes:-modes]
        return symbol * c - 100 / 32 * 1j * k * square

    start = np.zeros(2 * modes + 1, complex)
    start[[modes + 1, modes - 1]] = 0.5
    start[[modes + 2, modes - 2]] = -0.25j, 0.25j
    run = solve_ivp(slope, (0, 0.2), start, "BDF", [0.2], rtol=1e-9, atol=1e-11)
    x = np.linspace(0, 2 * np.pi, 65)
    wanted = np.real(np.exp(1j * np.outer(x, k)) @ run.y[:, -1])
    found = fourier_solution(KURAMOTO_SIVASHINSKY, np.array([0.2]), x, modes, 2e-4)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.slow
def test_kuramoto_sivashinsky_estimate_is_small_and_honest():
    best, rough = kuramoto_sivashinsky(), kuramoto_sivashinsky(modes=112, step=1e-3)
    assert best.relative_error < 1e-9
    assert best.relative_error < distance(rough.values, best.values) < rough.relative_error


def test_coefficients_beyond_the_rule_are_those_of_a_finer_rule():
    np.testing.assert_allclose(secant_series(60, 120), secant_series(120, 120), atol=1e-12)


def test_schroedinger_agrees_with_split_steps():
    """Potential and diffraction in turn, each exact, second order; extrapolated."""
    n, end = 512, np.pi / 4
    x = -5 + 10 * np.arange(n) / n
    k = 2 * np.pi / 10 * np.fft.fftfreq(n, 1 / n)

    def split(steps):
        h, length = 2 / np.cosh(x) + 0j, end / steps
        diffraction = np.exp(-0.5j * k**2 * length)
        for _ in range(steps):
            h *= np.exp(0.5j * length * np.abs(h) ** 2)
            h = np.fft.ifft(diffraction * np.fft.fft(h))
            h *= np.exp(0.5j * length * np.abs(h) ** 2)
        return h

    wanted = (4 * split(4000) - split(2000)) / 3
    found = schroedinger_solution(np.array([end]), x, 256, np.pi / 8000)[0]
    assert distance(found, wanted) < 2e-5


def test_schroedinger_conserves_mass_and_focuses_as_two_solitons_do():
    t, x = np.linspace(0, np.pi / 2, 9), np.linspace(-5, 5, 1025)
    h = schroedinger_solution(t, x, 256, np.pi / 8000)
    mass = np.mean(np.abs(h[:, :-1]) ** 2, axis=1)
    np.testing.assert_allclose(mass, mass[0], rtol=1e-6)
    # On the whole line |h| is 4 at the centre at t = pi/4; the data of the circle differ by 2.7 % of their size at 5.
    assert np.abs(h[4, 512]) == pytest.approx(4, abs=0.1)


@pytest.mark.slow
def test_schroedinger_estimate_is_small_and_honest():
    best, rough = schroedinger(), schroedinger(modes=256, step=np.pi / 4000)
    for name in "uv":
        assert best[name].relative_error < 2e-7
        assert best[name].relative_error < distance(rough[name].values, best[name].values) < rough[name].relative_error
