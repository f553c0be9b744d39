"""Decaying two-dimensional turbulence on a periodic square, by Fourier series and exponential Runge-Kutta steps.

The initial states lie in `navier_stokes.npz`: `vorticity`, complex (3, 21, 11), row n made by `random_vorticity(n)`.
They are Gaussian random fields as in JAX-CFD (Kochkov et al. 2021, PNAS 118), for the set-up of Cho et al. (2023),
Separable physics-informed neural networks, arXiv 2306.15969: period 2 pi, largest speed 5, viscosity 0.01.

A real field is kept as its Fourier coefficients c, (2m + 1, m + 1): `f = sum c[kx, ky] exp(i (kx x + ky y))` over
|kx|, |ky| <= m, where the rows are kx = 0 .. m, -m .. -1, the columns ky = 0 .. m, and c[-kx, -ky] = conj c[kx, ky].
"""

from collections.abc import Callable
from functools import cache, lru_cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from spindle.reference.etdrk4 import etdrk4, etdrk4_step
from spindle.reference.tabulated import OnGrid, nodes, together

_STORED = Path(__file__).with_name("navier_stokes.npz")
SPEED = 5.0

# ---------------------------------------------------------------------------------------------------- initial states


def random_vorticity(seed: int, peak: float = 3, modes: int = 10) -> np.ndarray:
    """Coefficients of a random vorticity, 0 < |k| <= modes, whose velocity has the largest speed 5; (2m + 1, m + 1).

    The velocity is that of `filtered_velocity_field` in JAX-CFD: white noise times a log-normal density in |k|, of mode
    `peak` and logarithmic variance 1/4, over |k|, made free of divergence; here without |k| > modes. The vorticity then
    is complex Gaussian noise times the density. The generator is the one whose stream NumPy keeps for ever. The largest
    speed is taken on 512 nodes an axis, where it is right to about 1e-4.
    """
    kx, ky = wavenumbers(modes)
    k = np.hypot(kx, ky)
    kept = (k > 0) & (k <= modes)
    noise = np.random.RandomState(seed).standard_normal((2, *k.shape))
    distance = np.log(np.where(kept, k, 1) / peak) - 0.25
    density = np.where(kept, np.exp(-2 * distance**2) / np.where(kept, k, 1), 0)
    series = density * (noise[0] + 1j * noise[1])
    series[:modes:-1, 0] = series[1 : modes + 1, 0].conj()
    u, v = (to_grid(c, 512) for c in velocity_series(series))
    return series * (SPEED / np.sqrt(np.max(u**2 + v**2)))


def initial_series(number: int) -> np.ndarray:
    """Coefficients of the vorticity of the stored initial state `number`; (21, 11).

    Raises ValueError where there is none of that number.
    """
    stored = _stored()
    if number not in range(len(stored)):
        raise ValueError(
            f"There is no stored initial state of number {number}; they are numbered 0 to {len(stored) - 1}. "
            "`random_vorticity()` makes others."
        )
    return stored[number]


@cache
def _stored() -> np.ndarray:
    with np.load(_STORED) as file:
        series = file["vorticity"]
    series.setflags(write=False)
    return series


def initial_vorticity(number: int, points: int) -> np.ndarray:
    """The vorticity of the stored initial state `number`, from 0 to 2, on the nodes 2 pi k / points; axes x, y."""
    return on_nodes(initial_series(number), points)


@cache
def initial_functions(number: int) -> tuple[Callable, Callable, Callable, Callable]:
    """Stream function psi0, velocity u0, v0 and vorticity w0 of the stored initial state `number`, exactly.

    They are functions of JAX arrays x, y; u0 = d psi0 / dy, v0 = -d psi0 / dx. Each takes two arrays that broadcast
    together and gives their broadcast shape, in their precision, and can be differentiated any number of times: made
    for `spd.given`. On axes of a tensor grid, (1, n, 1) and (1, 1, m), it
    costs 22 cosines and sines a node of each axis and a product of matrices (n, 22) and (22, m).
    """
    w = initial_series(number)
    series = (stream_series(w), *velocity_series(w), w)
    psi0, u0, v0, w0 = (partial(trigonometric_sum, real_weights(c)) for c in series)
    return psi0, u0, v0, w0


def real_weights(series: np.ndarray) -> np.ndarray:
    """The weight of each product of a wave of x, cos kx or sin kx, k = 0 .. m, with one of y; (2m + 2, 2m + 2)."""
    modes = series.shape[1] - 1
    halves = np.where(np.arange(modes + 1) > 0, 2, 1) * series
    plus, minus = halves[: modes + 1], np.zeros((modes + 1, modes + 1), complex)
    minus[1:] = halves[:modes:-1]
    even, odd = plus + minus, plus - minus
    return np.block([[even.real, -even.imag], [-odd.imag, -odd.real]])


def trigonometric_sum(weights: np.ndarray, x: jax.Array, y: jax.Array) -> jax.Array:
    """The sum of products of waves with the weights of `real_weights`, of the shape that x and y have together."""
    x, y = (jnp.asarray(z, jnp.result_type(float, x, y)) for z in (x, y))
    # Full precision is asked for: by default a GPU rounds the factors of products in float32 to 10 bits.
    along_x = jnp.matmul(_waves(x, len(weights)), jnp.asarray(weights, x.dtype), precision="highest")
    # Axes of length one stay out of the product, so that on a tensor grid it is one of matrices.
    return jnp.einsum("...k,...k->...", along_x, _waves(y, len(weights)), precision="highest")


def _waves(z: jax.Array, count: int) -> jax.Array:
    phases = z[..., None] * jnp.arange(count // 2, dtype=z.dtype)
    return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)], axis=-1)


# --------------------------------------------------------------------------------------------------------- the solver


def decaying_turbulence(
    number: int = 0,
    t: ArrayLike | None = None,
    points: int = 129,
    nu: float = 0.01,
    *,
    modes: int = 106,
    step: float = 1 / 300,
) -> dict[str, OnGrid]:
    """`w_t + u w_x + v w_y = nu Lap w`, u_x + v_y = 0, w = v_x - u_y on [0, 2 pi]^2, periodic, from a stored state.

    number   of the initial state, 0 to 2
    t        (n,) times, zero or later; 101 equally spaced in [0, 1] when left out
    points   nodes along x and y, both ends included: 2 pi k / (points - 1)
    nu       viscosity
    modes    Fourier modes, |kx|, |ky| <= modes
    step     longest time step
    returns  u, v and w by name, each with axes t, x, y; kept, and read-only, for the last few calls

    Products on 3 modes + 2 nodes an axis or more, hence free of aliasing (the 2/3 rule): the series is Galerkin's, and
    energy falls exactly as `d/dt mean(u^2 + v^2)/2 = -nu mean w^2`. Fourth order in `step` (ETDRK4).
    The estimate compares with three quarters of the modes and steps half as long again: 1.2e-5 for w, 6e-7 for u and v.
    Compared with 170 modes and steps of 1/800, the default is right in w to 7e-7 at every time up to 1, for each state.
    Cost 8 to 11 s (one core); 79 modes and steps of 1/200 take a third of it and are right to 2e-5.
    Source: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26; Orszag (1971), J. Atmos. Sci. 28, for the 2/3 rule.
    """
    t = np.linspace(0, 1, 101) if t is None else nodes("t", t, 0, np.inf, 1)
    return dict(_solved(number, tuple(t.tolist()), points, nu, modes, step))


@lru_cache(maxsize=4)
def _solved(number, t, points, nu, modes, step) -> dict[str, OnGrid]:
    """The fields that `decaying_turbulence` returns, kept for the last few calls."""
    times, axis = np.array(t), np.linspace(0, 2 * np.pi, points)

    def solved():
        start = initial_series(number)
        frames = sampled(evolve(start, times, nu, modes, step), points)
        coarser = sampled(evolve(start, times, nu, 3 * modes // 4, 1.5 * step), points)
        frames.setflags(write=False)
        return list(zip(frames, coarser, strict=True))

    source = f"Fourier series of {modes} modes, ETDRK4 of order 4 with steps of at most {step:g}."
    return together("uvw", {"t": times, "x": axis, "y": axis.copy()}, solved, source)


def sampled(frames: np.ndarray, points: int) -> np.ndarray:
    """u, v, w on `points` nodes an axis, both ends included, from frames of the vorticity; (3, n, points, points)."""
    values = np.empty((3, len(frames), points, points))
    wrapped = np.arange(points) % (points - 1)
    for index, w in enumerate(frames):
        for component, series in zip(values[:, index], (*velocity_series(w), w), strict=True):
            component[:] = on_nodes(series, points - 1)[np.ix_(wrapped, wrapped)]
    return values


def evolve(start: np.ndarray, t: np.ndarray, nu: float, modes: int, step: float) -> np.ndarray:
    """Coefficients of the vorticity at the times `t` from those at 0; (n, 2 modes + 1, modes + 1)."""
    kx, ky = wavenumbers(modes)
    linear = -nu * (kx**2 + ky**2)
    convection = _convection(modes)
    frames = np.empty((t.size, *linear.shape), complex)
    series, now, weights = resized(start, modes), 0.0, {}
    for frame, time in zip(frames, t, strict=True):
        steps = int(np.ceil((time - now) / step - 1e-9))
        if steps > 0:
            length = round((time - now) / steps, 14)
            if length not in weights:
                weights = {length: etdrk4(linear, length)}
            for _ in range(steps):
                series = etdrk4_step(series, weights[length], convection)
            now = time
        frame[:] = series
    return frames


def _convection(modes: int) -> Callable:
    """The function that gives `-(u w_x + v w_y)` from w, in coefficients.

    It is `-(d_xx - d_yy)(u v) - d_xy(v^2 - u^2)` for a velocity without divergence: two products in place of four.
    """
    kx, ky = wavenumbers(modes)
    points = fft.next_fast_len(3 * modes + 2, real=True)
    difference, product = kx**2 - ky**2, kx * ky

    def convection(w):
        u, v = (to_grid(c, points) for c in velocity_series(w))
        return difference * to_series(u * v, modes) + product * to_series((v - u) * (v + u), modes)

    return convection


# --------------------------------------------------------------------------------------------------- Fourier series


def wavenumbers(modes: int) -> tuple[np.ndarray, np.ndarray]:
    """kx, (2 modes + 1, 1), and ky, (modes + 1,)."""
    k = np.arange(modes + 1.0)
    return np.concatenate([k, -k[:0:-1]])[:, None], k


def stream_series(w: np.ndarray) -> np.ndarray:
    """Coefficients of the stream function, -Lap psi = w."""
    kx, ky = wavenumbers(w.shape[1] - 1)
    return w / np.maximum(kx**2 + ky**2, 1)


def velocity_series(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of u = psi_y and v = -psi_x, psi the stream function."""
    kx, ky = wavenumbers(w.shape[1] - 1)
    psi = stream_series(w)
    return 1j * ky * psi, -1j * kx * psi


def resized(series: np.ndarray, modes: int) -> np.ndarray:
    """The series of the same field with more or fewer modes, (2 modes + 1, modes + 1)."""
    both = np.arange(-min(modes, series.shape[1] - 1), min(modes, series.shape[1] - 1) + 1)
    padded = np.zeros((2 * modes + 1, modes + 1), complex)
    padded[np.ix_(both, both[both >= 0])] = series[np.ix_(both, both[both >= 0])]
    return padded


def to_grid(series: np.ndarray, points: int) -> np.ndarray:
    """Values on the nodes 2 pi k / points, more than twice the modes; (points, points)."""
    modes = series.shape[1] - 1
    # Written in full rather than padded by the transforms: fresh zeros from the system cost more than the transform.
    padded = np.empty((points, modes + 1), complex)
    padded[: modes + 1], padded[modes + 1 : -modes], padded[-modes:] = series[: modes + 1], 0, series[-modes:]
    full = np.empty((points, points // 2 + 1), complex)
    full[:, : modes + 1] = fft.ifft(padded, axis=0, norm="forward", overwrite_x=True)
    full[:, modes + 1 :] = 0
    return fft.irfft(full, points, axis=1, norm="forward")


def to_series(values: np.ndarray, modes: int) -> np.ndarray:
    """The coefficients up to `modes` of values on the nodes of `to_grid`."""
    columns = fft.rfft(values, axis=1, norm="forward")[:, : modes + 1]
    full = fft.fft(columns, axis=0, norm="forward")
    return np.concatenate([full[: modes + 1], full[-modes:]])


def on_nodes(series: np.ndarray, points: int) -> np.ndarray:
    """Values on the nodes 2 pi k / points, however few; (points, points)."""
    stride = -(-(2 * series.shape[1] - 1) // points)
    return to_grid(series, stride * points)[::stride, ::stride]
