"""Ordinary differential equations without a closed form: van der Pol's oscillator, and Lorenz's three equations."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from spindle.reference.tabulated import OnDemand, OnGrid, nodes, relative_difference, together

LORENZ_START = (-8.0, 7.0, 27.0)


def van_der_pol(mu: float = 1000, end: float = 2000, *, t: ArrayLike | None = None) -> OnGrid:
    """`u'' = mu (1 - u**2) u' - u`, `u(0) = 2`, `u'(0) = 0`, for times in [0, end].

    mu       stiffness, not negative
    t        (n,) times; 2001 equally spaced when left out
    returns  axis t

    Radau's method of order 5 with a relative tolerance of 1e-12. The estimate compares with LSODA, backward differences
    of variable order, at the same tolerance: 2e-10 at mu = 1000; against a tolerance of 3e-13 Radau's method is right
    to 1e-13. Cost 5 s (one core).
    Source: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, sections IV.1 and IV.8.
    """
    t = nodes("t", t, 0, end, 2001)

    def slope(_, state):
        return state[1], mu * (1 - state[0] ** 2) * state[1] - state[0]

    def jacobian(_, state):
        return [[0, 1], [-2 * mu * state[0] * state[1] - 1, mu * (1 - state[0] ** 2)]]

    def solved():
        values, other = (
            solve_ivp(slope, (0, end), (2.0, 0.0), method, t, rtol=1e-12, atol=1e-14, jac=jacobian).y[0]
            for method in ("Radau", "LSODA")
        )
        return values, relative_difference(other, values)

    return OnDemand({"t": t}, solved, "Radau's method of order 5 with a tolerance of 1e-12, beside LSODA.")


def lorenz(sigma: float = 10, rho: float = 15, beta: float = 8 / 3, *, t: ArrayLike | None = None) -> dict[str, OnGrid]:
    """`x' = sigma (y - x)`, `y' = x (rho - z) - y`, `z' = x y - beta z` from (-8, 7, 27), for times in [0, 3].

    t        (n,) times in [0, 3]; 301 equally spaced when left out
    returns  x, y and z by name, each with axis t

    Runge-Kutta of order 8 with a relative tolerance of 1e-12. The estimate compares with Radau's method at 1e-11:
    2e-12. Cost 0.5 s (one core).
    Source: Lorenz (1963), J. Atmos. Sci. 20; with these numbers Lu, Meng, Mao & Karniadakis (2021), SIAM Rev. 63.
    """
    t = nodes("t", t, 0, 3, 301)
    return together(
        "xyz", {"t": t}, lambda: _lorenz_runs(sigma, rho, beta, tuple(t.tolist())), "Runge-Kutta of order 8."
    )


@cache
def _lorenz_runs(
    sigma: float, rho: float, beta: float, times: tuple[float, ...]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each of the three fields its values, and those of another method."""

    def slope(_, state):
        x, y, z = state
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    fine, other = (
        solve_ivp(slope, (0, 3), LORENZ_START, method, times, rtol=tolerance, atol=1e-13).y
        for method, tolerance in (("DOP853", 1e-12), ("Radau", 1e-11))
    )
    return list(zip(fine, other, strict=True))
