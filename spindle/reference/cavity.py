"""Stationary flow in a square cavity with a sliding lid: published centre lines, and a solver that checks them."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial, chebyshev, polynomial
from numpy.typing import ArrayLike
from scipy.special import roots_jacobi

from spindle.reference.tabulated import OnGrid, nodes, together

# Ghia, Ghia & Shin (1982), tables I and II.
_TABLES = {
    "y": (
        *(0, 0.0547, 0.0625, 0.0703, 0.1016, 0.1719, 0.2813, 0.4531, 0.5),
        *(0.6172, 0.7344, 0.8516, 0.9531, 0.9609, 0.9688, 0.9766, 1),
    ),
    "x": (
        *(0, 0.0625, 0.0703, 0.0781, 0.0938, 0.1563, 0.2266, 0.2344, 0.5),
        *(0.8047, 0.8594, 0.9063, 0.9453, 0.9531, 0.9609, 0.9688, 1),
    ),
    "u100": (
        *(0, -0.03717, -0.04192, -0.04775, -0.06434, -0.10150, -0.15662, -0.21090, -0.20581),
        *(-0.13641, 0.00332, 0.23151, 0.68717, 0.73722, 0.78871, 0.84123, 1),
    ),
    "v100": (
        *(0, 0.09233, 0.10091, 0.10890, 0.12317, 0.16077, 0.17507, 0.17527, 0.05454),
        *(-0.24533, -0.22445, -0.16914, -0.10313, -0.08864, -0.07391, -0.05906, 0),
    ),
    "u400": (
        *(0, -0.08186, -0.09266, -0.10338, -0.14612, -0.24299, -0.32726, -0.17119, -0.11477),
        *(0.02135, 0.16256, 0.29093, 0.55892, 0.61756, 0.68439, 0.75837, 1),
    ),
    "v400": (
        *(0, 0.18360, 0.19713, 0.20920, 0.22965, 0.28124, 0.30203, 0.30174, 0.05186),
        *(-0.38598, -0.44993, -0.23827, -0.22847, -0.19254, -0.15663, -0.12146, 0),
    ),
}
# Ghia et al. at 1000 and 3200, in the same order.
_TABLES |= {
    "u1000": (
        *(0, -0.18109, -0.20196, -0.22220, -0.29730, -0.38289, -0.27805, -0.10648, -0.06080),
        *(0.05702, 0.18719, 0.33304, 0.46604, 0.51117, 0.57492, 0.65928, 1),
    ),
    "v1000": (
        *(0, 0.27485, 0.29012, 0.30353, 0.32627, 0.37095, 0.33075, 0.32235, 0.02526),
        *(-0.31966, -0.42665, -0.51550, -0.39188, -0.33714, -0.27669, -0.21388, 0),
    ),
    "u3200": (
        *(0, -0.32407, -0.35344, -0.37827, -0.41933, -0.34323, -0.24427, -0.86636, -0.04272),
        *(0.07156, 0.19791, 0.34682, 0.46101, 0.46547, 0.48296, 0.53236, 1),
    ),
    "v3200": (
        *(0, 0.39560, 0.40917, 0.41906, 0.42768, 0.37119, 0.29030, 0.28188, 0.00999),
        *(-0.31184, -0.37401, -0.44307, -0.54053, -0.52357, -0.47425, -0.39017, 0),
    ),
}
# Terms Re(P(theta) exp(i k theta)) of a profile, by k; the coefficients of P begin with the constant.
Profile = Mapping[int, np.ndarray]
# How fast the lid moves at x.
LIDS: dict[str, Polynomial] = {
    "uniform": Polynomial([1.0]),
    "parabolic": Polynomial([0.0, 4.0, -4.0]),
    "regularised": Polynomial([0.0, 0.0, 16.0, -32.0, 16.0]),
}
LARGEST = 3200


def ghia(reynolds: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The published velocities on the centre lines, lid speed 1, as printed: (y, u at x = 1/2) and (x, v at y = 1/2).

    reynolds  100, 400, 1000 or 3200
    returns   two pairs of arrays (17,), the places increasing

    Two entries are misprints: v = -0.23827 at x = 0.9063 for 400, where the flow has -0.38969, and u = -0.86636 at
    y = 0.4531 for 3200, a digit too many before the point; compare without them.
    Another stands out: u = -0.04775 at y = 0.0703 for 100, where the flow has -0.04662 and the entries beside it are
    right to 1e-4. But for the misprint the tables differ from `cavity` by at most 0.0051 in u and 0.0093 in v for 100,
    by 0.0030 and 0.0063 for 400, by 0.0063 and 0.019 for 1000, by 0.033 and 0.049 for 3200, most near the walls.
    Source: Ghia, Ghia & Shin (1982), J. Comput. Phys. 48, tables I and II.
    Raises ValueError for any other Reynolds number.
    """
    if reynolds not in (100, 400, 1000, 3200):
        raise ValueError(
            f"`ghia()` got reynolds = {reynolds}; the tables kept here are for 100, 400, 1000 and 3200. For another "
            "number use `cavity()`."
        )
    y, u, x, v = (np.array(_TABLES[name], float) for name in ("y", f"u{reynolds:g}", "x", f"v{reynolds:g}"))
    return (y, u), (x, v)


def cavity(
    reynolds: float,
    *,
    lid: str = "uniform",
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    degree: int | None = None,
) -> dict[str, OnGrid]:
    """The stationary flow (u, v) in [0, 1]^2, at rest on the walls, (speed, 0) on the lid y = 1, viscosity 1/reynolds.

    reynolds  above 0, at most 3200
    lid       its speed: "uniform", 1; "parabolic", 4 x (1 - x); "regularised", 16 x^2 (1 - x)^2
    x, y      (n,), (m,) places in [0, 1]; 65 equally spaced when left out
    degree    of the polynomials along each axis; when left out, 48 up to the number 1000, and 64 above
    returns   u and v by name, each with axes x, y; the corners (0, 1) and (1, 1) belong to the lid

    With the stream function, `u = psi_y, v = -psi_x`, the equation is
    `Lap Lap psi = reynolds (psi_y Lap psi_x - psi_x Lap psi_y)`. The velocity of the uniform lid jumps at both its
    ends; there the first two terms in powers of the distance are subtracted, and the rest is computed by Chebyshev
    collocation and Newton's method. Of the parabolic lid, whose shear jumps, the first term is; the regularised one has
    none. Convergence is algebraic, for the next terms remain.
    The estimate compares with three quarters of the degree; the error itself is a fifth of it or less. Compared with
    degree 64, u and v at the default are right to a relative L2 error of 2e-6 at 100, 3e-5 at 400 and 2e-4 at 1000,
    most of it near the ends of the lid; on the centre lines to 2e-8, 6e-6 and 8e-5; at 3200 compared with degree 72 to
    3e-4. Cost 1.2 s, 1.6 s, 4 s and 20 s (one core), once for each number and degree.
    With the parabolic lid the estimate is 9e-8 at 100, with the regularised one 2e-8.
    Source: Botella & Peyret (1998), Computers & Fluids 27, for the method and for values at 100 and 1000.
    Raises ValueError for any other Reynolds number or lid, and for nodes outside; ProblemError, when values are first
    asked for, where Newton's method does not converge.
    """
    if not 0 < reynolds <= LARGEST:
        raise ValueError(
            f"`cavity()` got reynolds = {reynolds:g}; its polynomials resolve the flow for numbers above 0 and up to "
            f"{LARGEST}."
        )
    if lid not in LIDS:
        raise ValueError(f"`cavity()` got lid = {lid!r}, and knows {', '.join(LIDS)}.")
    fine = (48 if reynolds <= 1000 else 64) if degree is None else degree
    x, y = nodes("x", x, 0, 1, 65), nodes("y", y, 0, 1, 65)

    def solved():
        return list(zip(*(velocities(float(reynolds), x, y, n, lid) for n in (fine, 3 * fine // 4)), strict=True))

    source = f"Chebyshev collocation of degree {fine} beside the singular terms at the ends of the lid."
    return together("uv", {"x": x, "y": y}, solved, source)


def velocities(
    reynolds: float, x: np.ndarray, y: np.ndarray, degree: int, lid: str = "uniform"
) -> tuple[np.ndarray, np.ndarray]:
    """u and v on the tensor grid from polynomials of one degree; (n, m) each."""
    coefficients = remainder(reynolds, degree, lid)
    _, psi_x, psi_y, *_ = corners(x[:, None], y, reynolds, lid)
    u = psi_y + rows(x, degree, 0) @ coefficients @ rows(y, degree, 1).T
    v = -psi_x - rows(x, degree, 1) @ coefficients @ rows(y, degree, 0).T
    u[:, y == 1], v[:, y == 1] = LIDS[lid](x)[:, None], 0
    return u, v


# ------------------------------------------------------------------------------------------------- the singular terms


@lru_cache
def profiles() -> tuple[Profile, Profile]:
    """The profiles f and g of the stream function `r f(theta) + reynolds r**2 g(theta)` near the left end of the lid.

    theta is 0 on the lid and pi/2 on the wall. Both vanish with their slopes at 0 and pi/2, but for f'(0) = -1, the
    speed of the lid. r f is biharmonic: `f = b sin + theta (c cos + d sin)`. Inserted in the product it gives
    `g'''' + 4 g'' = (f (f + f''))'`, whose right-hand side is in resonance with exp(2 i theta); hence alpha and beta.
    The rest of g, `p + q theta - p cos 2 theta + n sin 2 theta`, solves the equation without right-hand side.
    """
    c = 1 / (np.pi**2 / 4 - 1)
    d = c * np.pi / 2
    b = -d * np.pi / 2
    beta = (1j * (d**2 - c**2) - 2 * c * d) / 16
    alpha = (12j * beta - b * c + 1j * b * d) / 8
    value, slope = derivatives({2: np.array([0, alpha, beta])}, np.pi / 2, 2)
    q, n = -(alpha.real + slope) / 2, (slope - alpha.real) / 4
    p = -(value + q * np.pi / 2) / 2
    first = {1: np.array([-1j * b, c - 1j * d])}
    return first, {2: np.array([-p - 1j * n, alpha, beta]), 0: np.array([p, q])}


@lru_cache
def shear() -> Profile:
    """The profile of the stream function `r**2 f(theta)` near the end of a lid whose speed is 4 times the distance.

    `f = a cos 2 theta + b sin 2 theta + c theta + d` vanishes with its slope at 0 and pi/2, but for f'(0) = -4.
    """
    return {2: np.array([-np.pi / 2 + 1j]), 0: np.array([np.pi / 2, -2.0])}


def singular_terms(lid: str, reynolds: float) -> list[tuple[int, Profile, float]]:
    """(power, profile, factor) of the terms at the left end of the lid."""
    if lid == "uniform":
        first, second = profiles()
        return [(1, first, 1.0), (2, second, reynolds)]
    return [(2, shear(), 1.0)] if lid == "parabolic" else []


def derivatives(profile: Profile, theta, count: int) -> list:
    """The profile and its derivatives at theta, `count` arrays in all."""
    values = []
    for _ in range(count):
        values.append(sum((polynomial.polyval(theta, p) * np.exp(1j * k * theta)).real for k, p in profile.items()))
        profile = {k: polynomial.polyadd(polynomial.polyder(p), 1j * k * p) for k, p in profile.items()}
    return values


def corners(x: np.ndarray, y: np.ndarray, reynolds: float, lid: str = "uniform") -> np.ndarray:
    """The singular terms of both ends and their derivatives, in the order of `corner`, with respect to x and y.

    The mirror image of a flow solves the equation with the other sign of `reynolds`.
    """
    total = np.zeros((7, *np.broadcast_shapes(x.shape, y.shape)))
    for distance, side in ((x, 1), (1 - x, -1)):
        signs = np.array([1, side, -1, -side, side, -1, 1])[:, None, None]
        for power, profile, factor in singular_terms(lid, side * reynolds):
            total += signs * factor * corner(distance, 1 - y, power, profile)
    return total


def corner(x: np.ndarray, y: np.ndarray, power: int, profile: Profile) -> np.ndarray:
    """`s = r**power f(theta)` at the distances x and y from wall and lid.

    Seven arrays: s, s_x, s_y, s_xy, the derivatives of Lap s by x and by y, and Lap Lap s. Where r = 0 they are the
    limits along the lid, but for those that are infinite there, which nothing asks for.
    """
    distance, theta = np.hypot(x, y), np.arctan2(y, x)
    r, cos, sin = np.where(distance == 0, 1, distance), np.cos(theta), np.sin(theta)
    f, f1, f2, f3, f4 = derivatives(profile, theta, 5)
    along, across = power * f * cos - f1 * sin, power * f * sin + f1 * cos
    turned = (power - 1) * f1 * cos - (power * f + f2) * sin
    lap, lap1, lap2 = (power**2 * a + b for a, b in ((f, f2), (f1, f3), (f2, f4)))
    terms = (
        (power, f),
        (power - 1, along),
        (power - 1, across),
        (power - 2, (power - 1) * sin * along + cos * turned),
        (power - 3, (power - 2) * lap * cos - lap1 * sin),
        (power - 3, (power - 2) * lap * sin + lap1 * cos),
        (power - 4, (power - 2) ** 2 * lap + lap2),
    )
    return np.array([(distance if exponent > 0 else r) ** float(exponent) * factor for exponent, factor in terms])


# ------------------------------------------------------------------------------------------------ the smooth remainder


def rows(z: np.ndarray, degree: int, order: int) -> np.ndarray:
    """Derivatives at z of the Chebyshev polynomials of [0, 1] up to `degree`; (z.size, degree + 1)."""
    series = chebyshev.chebder(np.eye(degree + 1), order, scl=2, axis=0)
    return chebyshev.chebvander(2 * z - 1, degree - order) @ series


@lru_cache
def remainder(reynolds: float, degree: int, lid: str = "uniform") -> np.ndarray:
    """Chebyshev coefficients of the stream function without its singular terms; (degree + 1, degree + 1).

    A polynomial is known from its values at the inner nodes and its values and slopes at both ends. These are the
    unknowns along each axis; those of the ends are given. The inner nodes are zeros of a Jacobi polynomial, of weight
    (1 - z**2)**3 on [-1, 1]: with 3/2, the Gauss rule with double ends, errors are three to ten times as large.
    """
    z = (roots_jacobi(degree - 3, 3, 3)[0] + 1) / 2
    ends = np.array([0.0, 1.0])
    inverse = np.linalg.inv(np.concatenate([rows(z, degree, 0), rows(ends, degree, 0), rows(ends, degree, 1)]))
    slopes = [rows(z, degree, order) @ inverse for order in range(5)]
    singular = corners(z[:, None], z, reynolds, lid)
    psi = edges(z, reynolds, lid)
    if degree < 32:
        # From the Stokes flow the Reynolds number is doubled up to the one wanted.
        doublings = max(0, int(np.ceil(np.log2(reynolds / 50))))
        stages = [0.0, *(reynolds * 0.5 ** np.arange(doublings, -1, -1))]
    else:
        coarser = remainder(reynolds, 3 * degree // 4, lid)
        near = rows(z, len(coarser) - 1, 0)
        psi[: z.size, : z.size] = near @ coarser @ near.T
        stages = [reynolds]
    for stage in stages:
        newton(psi, stage, slopes, singular, 1e-10 if stage == reynolds else 1e-3)
    coefficients = inverse @ psi @ inverse.T
    coefficients.setflags(write=False)
    return coefficients


def edges(z: np.ndarray, reynolds: float, lid: str = "uniform") -> np.ndarray:
    """The boundary values and slopes of the remainder, and zeros inside; (z.size + 4, z.size + 4).

    Along each axis: values at the nodes z, at 0 and at 1, slopes at 0 and at 1.
    """
    n, speed = z.size, LIDS[lid]
    ends = np.array([0.0, 1.0])
    places = np.append(z, ends)
    value, value_x, value_y, value_xy, *_ = corners(places[:, None], places, reynolds, lid)
    psi = -np.block([[value, value_y[:, n:]], [value_x[n:], value_xy[n:, n:]]])
    psi[:n, :n] = 0
    psi[:, -1] += np.append(speed(places), speed.deriv()(ends))
    return psi


def newton(psi: np.ndarray, reynolds: float, slopes: list[np.ndarray], singular: np.ndarray, tolerance: float) -> None:
    """Solve the equation for the inner values of `psi`, in place, to a last change below `tolerance`.

    slopes    matrices from the unknowns along an axis to derivatives at the inner nodes, orders 0 to 4
    singular  the singular terms there, see `corners`
    Raises RuntimeError where Newton's method does not converge.
    """
    n = len(slopes[0])
    d0, d1, d2, d3, d4 = (matrix[:, :n] for matrix in slopes)
    bilaplacian = np.kron(d4, d0) + 2 * np.kron(d2, d2) + np.kron(d0, d4)
    lap_x, lap_y = np.kron(d3, d0) + np.kron(d1, d2), np.kron(d2, d1) + np.kron(d0, d3)
    by_x, by_y = np.kron(d1, d0), np.kron(d0, d1)

    def at_nodes(i, j):
        return slopes[i] @ psi @ slopes[j].T

    _, s_x, s_y, _, s_lap_x, s_lap_y, s_bilaplacian = singular
    for _ in range(12):
        psi_x, psi_y = s_x + at_nodes(1, 0), s_y + at_nodes(0, 1)
        psi_lap_x, psi_lap_y = s_lap_x + at_nodes(3, 0) + at_nodes(1, 2), s_lap_y + at_nodes(2, 1) + at_nodes(0, 3)
        residual = s_bilaplacian + at_nodes(4, 0) + 2 * at_nodes(2, 2) + at_nodes(0, 4)
        residual -= reynolds * (psi_y * psi_lap_x - psi_x * psi_lap_y)
        a, b, c, d = (reynolds * field.reshape(-1, 1) for field in (psi_y, psi_lap_x, psi_x, psi_lap_y))
        change = np.linalg.solve(bilaplacian - a * lap_x - b * by_y + c * lap_y + d * by_x, residual.ravel())
        psi[:n, :n] -= change.reshape(n, n)
        if np.abs(change).max() < tolerance or reynolds == 0:
            return
    raise RuntimeError(
        f"Newton's method did not converge in `cavity()` at the Reynolds number {reynolds:g}: polynomials of degree "
        f"{n + 3} do not resolve the flow. Raise `degree`."
    )
