"""Waves on a circle, Korteweg-de Vries, Kuramoto-Sivashinsky and Schroedinger, by Fourier series and ETDRK4 steps."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from spindle.reference.etdrk4 import etdrk4_frames, extrapolated
from spindle.reference.tabulated import OnDemand, OnGrid, nodes, relative_difference, together


class Convected(NamedTuple):
    """`u_t + speed u u_x = L u` on a circle, u real, L with constant coefficients.

    symbol   k -> the factor of exp(i k x) under L, for arrays of k
    speed    factor of the convective term
    wave     the wave number of the period, 2 pi over its length
    start    {j: coefficient of exp(i j wave x)} of the initial state, j > 0; those of -j are conjugate
    """

    symbol: Callable[[np.ndarray], np.ndarray]
    speed: float
    wave: float
    start: Mapping[int, complex]


KDV = Convected(lambda k: 0.022**2 * 1j * k**3, 1.0, np.pi, {1: 0.5})
KURAMOTO_SIVASHINSKY = Convected(lambda k: 100 / 16**2 * k**2 - 100 / 16**4 * k**4, 100 / 16, 1.0, {1: 0.5, 2: -0.25j})


def kdv(*, t: ArrayLike | None = None, x: ArrayLike | None = None, modes: int = 192, step: float = 4e-4) -> OnGrid:
    """`u_t + u u_x + 0.022**2 u_xxx = 0` on [-1, 1], periodic, `u(0, x) = cos(pi x)`, for times in [0, 1].

    t        (n,) times in [0, 1]; 101 equally spaced when left out
    x        (m,) places in [-1, 1]; 513 equally spaced, both ends included, when left out
    modes    Fourier modes exp(i pi k x), |k| <= modes
    step     longest time step of the coarsest of three runs, each of half the step of the one before
    returns  axes t, x

    Products are free of aliasing. The estimate compares with the first extrapolation of the step and three quarters
    of the modes: 2e-11 at the default, where the error itself is about 5e-12. Cost 4 s (one core).
    Source: Zabusky & Kruskal (1965), Phys. Rev. Lett. 15, for the problem; Kassam & Trefethen (2005), SIAM J. Sci.
    Comput. 26, for the method.
    """
    return _convected(KDV, nodes("t", t, 0, 1, 101), nodes("x", x, -1, 1, 513), modes, step)


def kuramoto_sivashinsky(
    *, t: ArrayLike | None = None, x: ArrayLike | None = None, modes: int = 160, step: float = 2e-4
) -> OnGrid:
    """`u_t + 100/16 u u_x + 100/16**2 u_xx + 100/16**4 u_xxxx = 0` on [0, 2 pi], periodic, for times in [0, 1].

    t        (n,) times in [0, 1]; 101 equally spaced when left out
    x        (m,) places in [0, 2 pi]; 513 equally spaced, both ends included, when left out
    modes    Fourier modes exp(i k x), |k| <= modes
    step     longest time step of the coarsest of three runs, each of half the step of the one before
    returns  axes t, x

    `u(0, x) = cos(x) (1 + sin(x))`. Solutions that are close at first part by a factor of some 1e4 until t = 1, errors
    of rounding included. The estimate is that of `kdv`: 5e-10 at the default. Cost 6 s (one core).
    Source: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26.
    """
    return _convected(KURAMOTO_SIVASHINSKY, nodes("t", t, 0, 1, 101), nodes("x", x, 0, 2 * np.pi, 513), modes, step)


def _convected(equation: Convected, t: np.ndarray, x: np.ndarray, modes: int, step: float) -> OnGrid:
    def solved():
        runs = [fourier_solution(equation, t, x, modes, step, halvings) for halvings in range(3)]
        values, coarser = extrapolated(runs)
        fewer = fourier_solution(equation, t, x, 3 * modes // 4, step) - runs[0]
        # The two may cancel: their sizes are added.
        return values, relative_difference(coarser, values) + relative_difference(values + fewer, values)

    source = f"Fourier series of {modes} modes, ETDRK4 with steps of at most {step / 4:g}, extrapolated twice."
    return OnDemand({"t": t, "x": x}, solved, source)


def fourier_solution(
    equation: Convected, t: np.ndarray, x: np.ndarray, modes: int, step: float, halvings: int = 0
) -> np.ndarray:
    """The solution with a fixed number of modes, one longest step and its halvings; values (n, m)."""
    k = equation.wave * np.arange(modes + 1)
    # The 2/3 rule: on more than 3 modes points the product of two series has the coefficients of Galerkin's method.
    points = fft.next_fast_len(3 * modes + 1, real=True)
    factor = -0.5j * equation.speed * k

    def convection(c):
        u = fft.irfft(c, points, norm="forward")
        return factor * fft.rfft(u * u, norm="forward")[: modes + 1]

    start = np.zeros(modes + 1, complex)
    start[list(equation.start)] = list(equation.start.values())
    frames = etdrk4_frames(start, t, equation.symbol(k), convection, step, halvings)
    return np.real((frames * np.where(k > 0, 2, 1)) @ np.exp(1j * np.outer(k, x)))


def schroedinger(
    *, t: ArrayLike | None = None, x: ArrayLike | None = None, modes: int = 512, step: float = np.pi / 16000
) -> dict[str, OnGrid]:
    """`i h_t + h_xx / 2 + |h|**2 h = 0` on [-5, 5], periodic, `h(0, x) = 2 sech(x)`, for times in [0, pi/2].

    t        (n,) times in [0, pi/2]; 101 equally spaced when left out
    x        (m,) places in [-5, 5]; 513 equally spaced, both ends included, when left out
    modes    cosines cos(k pi x / 5), k = 0 .. modes: the solution is even, so they are the whole Fourier series
    step     longest time step
    returns  the real part `u` and the imaginary part `v` of h by name, each with axes t, x

    The initial state continued periodically has a kink at x = 5, where its slope jumps by 0.054. Nothing damps it: the
    coefficients decay as k**-2 at all times. Those of fast waves turn as in a constant potential, twice the mean of
    |h|**2, which is conserved: this is part of the linear operator here, and carries the modes beyond the last one up
    to eight times their number, exactly from their initial coefficients. What remains of the error falls as step**2.
    The estimate compares with half the modes and twice the step: 1.5e-7 at the default, where the error itself is
    below 5e-8. Cost 6 s (one core).
    Source: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378, for the problem; Kassam & Trefethen (2005),
    SIAM J. Sci. Comput. 26, for the method.
    """
    t, x = nodes("t", t, 0, np.pi / 2, 101), nodes("x", x, -5, 5, 513)

    def solved():
        fine, coarse = schroedinger_solution(t, x, modes, step), schroedinger_solution(t, x, modes // 2, 2 * step)
        return [(fine.real, coarse.real), (fine.imag, coarse.imag)]

    source = f"Cosine series of {modes} modes, ETDRK4 with steps of at most {step:.2g}."
    return together("uv", {"t": t, "x": x}, solved, source)


def schroedinger_solution(t: np.ndarray, x: np.ndarray, modes: int, step: float) -> np.ndarray:
    """The solution of `schroedinger` with a fixed number of modes and one longest step; complex values (n, m)."""
    k = np.pi / 5 * np.arange(8 * modes + 1)
    start = secant_series(modes, k.size - 1)
    mean = np.abs(start[0]) ** 2 + np.sum(np.abs(start[1:]) ** 2) / 2
    linear = 1j * (2 * mean - k**2 / 2)

    def reaction(series):
        return focusing(series) - 2j * mean * series

    frames = etdrk4_frames(start[: modes + 1], t, linear[: modes + 1], reaction, step)
    beyond = start[modes + 1 :] * np.exp(np.outer(t, linear[modes + 1 :]))
    values = np.concatenate([frames, beyond], axis=1) @ np.cos(np.outer(k, x))
    values[t == 0] = 2 / np.cosh(x)
    return values


def secant_series(modes: int, more: int) -> np.ndarray:
    """Cosine coefficients of 2 sech(x) on [0, 5], k = 0 .. more; complex.

    Up to `modes` by a Gauss rule that resolves all of them; beyond by parts, from the odd derivatives at 5, of which
    three suffice for double precision where k is above 50.
    """
    node, weight = np.polynomial.legendre.leggauss(modes + 80)
    x = 5 * (node + 1) / 2
    series = 2 * (weight / np.cosh(x)) @ np.cos(np.pi / 5 * np.outer(x, np.arange(modes + 1)))
    series[0] /= 2
    secant, tangent = 1 / np.cosh(5), np.tanh(5)
    slopes = -secant * tangent * np.array([1, 1 - 6 * secant**2, 1 - 60 * secant**2 + 120 * secant**4])
    j = np.arange(modes + 1, more + 1)
    k = np.pi / 5 * j
    beyond = 4 / 5 * (-1.0) ** j * (slopes[0] / k**2 - slopes[1] / k**4 + slopes[2] / k**6)
    return np.concatenate([series, beyond]).astype(complex)


def focusing(series: np.ndarray) -> np.ndarray:
    """Coefficients of `i |h|**2 h` for a cosine series, through its values on a grid of half as many points again."""
    points = 3 * (series.size - 1) // 2
    halved = np.zeros(points + 1, complex)
    halved[: series.size] = series
    halved[1:] /= 2
    h = fft.dct(halved, type=1)
    product = fft.dct(1j * np.abs(h) ** 2 * h, type=1) / points
    product[0] /= 2
    return product[: series.size]
