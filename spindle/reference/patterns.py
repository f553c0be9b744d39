"""Patterns on a periodic square, Gray-Scott and Ginzburg-Landau, by Fourier series and ETDRK4 steps."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from spindle.reference.etdrk4 import etdrk4_frames, extrapolated
from spindle.reference.tabulated import OnGrid, nodes, together


def gray_scott(
    *,
    t: ArrayLike | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    modes: int = 56,
    step: float = 0.002,
) -> dict[str, OnGrid]:
    """`u_t = Lap u / 5 + 40 (1 - u) - 1000 u v**2`, `v_t = Lap v / 10 - 100 v + 1000 u v**2` on [-1, 1]^2, periodic.

    t, x, y  times in [0, 2], places in [-1, 1]; 101, 65 and 65 equally spaced when left out
    modes    Fourier modes exp(i pi (k x + l y)), |k|, |l| < modes
    step     longest time step of the coarsest of three runs, each of half the step of the one before
    returns  u and v by name, each with axes t, x, y

    `u(0) = 1 - exp(-10 ((x + 0.05)**2 + (y + 0.02)**2))`, `v(0) = exp(-10 ((x - 0.05)**2 + (y - 0.02)**2))`. Continued
    periodically they jump by 1e-4 at the sides of the square: their coefficients are taken exactly, and diffusion makes
    every later frame smooth; the frame t = 0 holds the data themselves. Products are taken on 2 modes points an axis.
    The estimate compares with the first extrapolation of the step and six sevenths of the modes: 2e-6
    in v at the default, where the error itself is about 2e-8. Cost 18 s (one core).
    Source: Wang, Li, Chen & Perdikaris (2024), arXiv 2402.00326, for the problem; Kassam & Trefethen (2005), SIAM J.
    Sci. Comput. 26, for the method.
    """
    t, x, y = nodes("t", t, 0, 2, 101), nodes("x", x, -1, 1, 65), nodes("y", y, -1, 1, 65)
    return _fields("uv", gray_scott_frames, (t, x, y), modes, step)


def gray_scott_frames(t: np.ndarray, x, y, modes: int, step: float, halvings: int = 0) -> np.ndarray:
    """u and v with a fixed number of modes, one longest step and its halvings; (2, t.size, x.size, y.size)."""
    k, n = np.pi * fft.fftfreq(2 * modes, 1 / (2 * modes)), 2 * modes
    squares = k[:, None] ** 2 + k[: modes + 1] ** 2
    start = np.array([-gaussian(n, 0.05, 0.02), gaussian(n, -0.05, -0.02)])[:, :, : modes + 1]
    start[0, 0, 0] += 1

    def reaction(c):
        u, v = fft.irfft2(c, (n, n), norm="forward", overwrite_x=True)
        consumed = 1000 * fft.rfft2(u * v**2, norm="forward")
        rates = np.array([-consumed, consumed])
        rates[0, 0, 0] += 40
        return rates

    linear = np.array([-squares / 5 - 40, -squares / 10 - 100])
    series = etdrk4_frames(start, t, linear, reaction, step, halvings)
    series[..., 1:] *= 2
    values = np.real(_waves(x, k) @ series @ _waves(y, k[: modes + 1]).T)
    x, y = x[:, None], y
    hole = np.exp(-10 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))
    values[t == 0] = [1 - hole, np.exp(-10 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))]
    return values.swapaxes(0, 1)


def ginzburg_landau(
    *,
    t: ArrayLike | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    modes: int = 96,
    step: float = 0.005,
) -> dict[str, OnGrid]:
    """`A_t = Lap A / 250 + 10 A - 10 (1 + 1.5 i) |A|**2 A` on [-1, 1]^2, periodic, A complex, for times in [0, 1].

    t, x, y  times in [0, 1], places in [-1, 1]; 101, 65 and 65 equally spaced when left out
    modes    Fourier modes exp(i pi (k x + l y)), |k|, |l| < modes
    step     longest time step of the coarsest of three runs, each of half the step of the one before
    returns  the real part `u` and the imaginary part `v` of A by name, each with axes t, x, y

    `A(0) = 10 (y + i x) exp(-25 (x**2 + y**2))`, of which 1e-10 is left at the sides of the square. Products are taken
    on 2 modes points an axis. The estimate compares with the first extrapolation of the step and eleven twelfths of the
    modes: 1.4e-7 at the default, where the error itself is about 2e-8. Cost 12 s (one core).
    Source: Wang, Li, Chen & Perdikaris (2024), arXiv 2402.00326, for the problem; Kassam & Trefethen (2005), SIAM J.
    Sci. Comput. 26, for the method.
    """
    t, x, y = nodes("t", t, 0, 1, 101), nodes("x", x, -1, 1, 65), nodes("y", y, -1, 1, 65)
    return _fields("uv", ginzburg_landau_frames, (t, x, y), modes, step)


def ginzburg_landau_frames(t: np.ndarray, x, y, modes: int, step: float, halvings: int = 0) -> np.ndarray:
    """Real and imaginary part as `gray_scott_frames` gives u and v."""
    k = np.pi * fft.fftfreq(2 * modes, 1 / (2 * modes))
    even = coefficients(lambda z: np.exp(-25 * z**2), 2 * modes)
    odd = coefficients(lambda z: 10 * z * np.exp(-25 * z**2), 2 * modes)

    def reaction(c):
        a = fft.ifft2(c, norm="forward")
        return -10 * (1 + 1.5j) * fft.fft2((a.real**2 + a.imag**2) * a, norm="forward", overwrite_x=True)

    start = np.outer(even, odd) + 1j * np.outer(odd, even)
    linear = 10 - (k[:, None] ** 2 + k**2) / 250
    values = _waves(x, k) @ etdrk4_frames(start, t, linear, reaction, step, halvings) @ _waves(y, k).T
    return np.array([values.real, values.imag])


def _fields(names: str, frames: Callable, axes: tuple, modes: int, step: float) -> dict[str, OnGrid]:
    """The fields that `frames` gives, extrapolated, with fewer modes beside them for their estimate."""

    def solved():
        runs = [frames(*axes, modes, step, halvings) for halvings in range(3)]
        values, coarser = extrapolated(runs)
        coarser += frames(*axes, modes - 8, step) - runs[0]
        return list(zip(values, coarser, strict=True))

    source = f"Fourier series of {modes} modes an axis, ETDRK4 with steps of at most {step / 4:g}, extrapolated twice."
    return together(names, dict(zip("txy", axes, strict=True)), solved, source)


def coefficients(function: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """Fourier coefficients of a smooth function on [-1, 1], whether or not its ends agree; in the order of `fftfreq`.

    By a Gauss rule that resolves every mode: samples on a grid would be off by what the ends disagree.
    """
    z, weight = np.polynomial.legendre.leggauss(count + 64)
    return (weight / 2 * function(z)) @ np.exp(-1j * np.pi * np.outer(z, fft.fftfreq(count, 1 / count)))


def gaussian(count: int, a: float, b: float) -> np.ndarray:
    """Coefficients of `exp(-10 ((x + a)**2 + (y + b)**2))`, (count, count)."""

    def along(shift):
        return coefficients(lambda z: np.exp(-10 * (z + shift) ** 2), count)

    return np.outer(along(a), along(b))


def _waves(z: np.ndarray, k: np.ndarray) -> np.ndarray:
    return np.exp(1j * np.outer(z, k))
