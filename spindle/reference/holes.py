"""Laplace's equation in a square with four round holes, by functions that are harmonic exactly."""

import numpy as np
from numpy.typing import ArrayLike

from spindle.reference.tabulated import OnDemand, OnGrid, nodes

CENTRES = np.array([-0.3 - 0.3j, -0.3 + 0.3j, 0.3 - 0.3j, 0.3 + 0.3j])
RADIUS = 0.1
HALF = 0.5
# Reflected at the edges and corners of the square, the holes are singularities of the continued solution.
_PLACES = (-0.7, -0.3, 0.3, 0.7)
IMAGES = np.array([a + 1j * b for a in _PLACES for b in _PLACES if max(abs(a), abs(b)) > HALF])


def holes(*, x: ArrayLike | None = None, y: ArrayLike | None = None, powers: int = 40, poles: int = 16) -> OnGrid:
    """`u_xx + u_yy = 0` in [-1/2, 1/2]^2 without four disks of radius 1/10 at (+-0.3, +-0.3); u = 1 outside, 0 on them.

    x, y     (n,), (m,) places in [-1/2, 1/2]; 201 equally spaced when left out
    powers   degree of the polynomials Re z^k, Im z^k
    poles    highest order of Re (z - c)^-k, Im (z - c)^-k at each centre c and its images, beside log |z - c|
    returns  axes x, y; NaN in the holes

    Least squares on the boundary. Across each edge of the square u - 1 continues as an odd function, so no corner is
    singular; with poles at the images of the holes as well all series converge geometrically. The error is harmonic:
    by the maximum principle it is at most what is left on the boundary, taken at three times as many points as the
    fit. It is 2e-11 at the default. Cost 0.7 s (two cores).
    Source of the problem: Hao et al. (2023), PINNacle, arXiv 2306.08827, Poisson2d-C.
    """
    x, y = nodes("x", x, -HALF, HALF, 201), nodes("y", y, -HALF, HALF, 201)
    places, data = boundary(120)

    def solved():
        functions = harmonic(places, powers, poles)
        scale = np.linalg.norm(functions, axis=0)
        coefficients = np.linalg.lstsq(functions / scale, data, rcond=1e-15)[0] / scale
        check, wanted = boundary(361)
        residual = float(np.max(np.abs(harmonic(check, powers, poles) @ coefficients - wanted)))
        z = x[:, None] + 1j * y
        inside = np.min(np.abs(z[..., None] - CENTRES), axis=-1) >= RADIUS * (1 - 1e-12)
        values = np.full(z.shape, np.nan)
        values[inside] = harmonic(z[inside], powers, poles) @ coefficients
        return values, residual / float(np.sqrt(np.nanmean(values**2)))

    count = harmonic(places[:1], powers, poles).shape[1]
    source = f"Boundary collocation with {count} harmonic functions, geometric convergence."
    return OnDemand({"x": x, "y": y}, solved, source)


def boundary(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on the four edges and the four circles, `count` on each, clustered at the corners; u there."""
    along = -HALF * np.cos(np.pi * (np.arange(count) + 0.5) / count)
    edges = np.concatenate([along + HALF * 1j, along - HALF * 1j, HALF + along * 1j, -HALF + along * 1j])
    circles = (CENTRES[:, None] + RADIUS * np.exp(2j * np.pi * np.arange(count) / count)).ravel()
    return np.concatenate([edges, circles]), np.repeat([1.0, 0.0], [len(edges), len(circles)])


def harmonic(z: np.ndarray, powers: int, poles: int) -> np.ndarray:
    """The functions (n, count) at points (n,) of the complex plane."""
    growing = (z[:, None] / HALF) ** np.arange(1, powers + 1)
    centres = np.concatenate([CENTRES, IMAGES])
    away = ((RADIUS / (z[:, None] - centres))[..., None] ** np.arange(1, poles + 1)).reshape(len(z), -1)
    logarithms = np.log(np.abs(z[:, None] - centres))
    return np.concatenate([np.ones((len(z), 1)), growing.real, growing.imag, logarithms, away.real, away.imag], axis=1)
