"""Exponential time differencing of fourth order for c' = linear c + N(c), linear diagonal and real.

Source: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26; Cox & Matthews (2002), J. Comput. Phys. 176.
"""

from collections.abc import Callable

import numpy as np


def etdrk4(linear: np.ndarray, step: float) -> tuple[np.ndarray, ...]:
    """Weights of ETDRK4 for `c' = linear c + N(c)`, each the mean of its formula over a circle around `linear step`.

    linear   of any shape; what occurs more than once is computed once
    returns  six arrays of that shape

    The formulas cancel badly near zero; the mean over 32 points of the upper half circle is exact to rounding and,
    `linear` being real, its real part is that over the whole circle.
    """
    distinct, where = np.unique(linear, return_inverse=True)
    r = step * distinct[:, None] + np.exp(1j * np.pi * (np.arange(32) + 0.5) / 32)
    e = np.exp(r)
    weights = (
        np.exp(step * distinct),
        np.exp(step * distinct / 2),
        step * ((np.exp(r / 2) - 1) / r).real.mean(axis=1),
        step * ((-4 - r + e * (4 - 3 * r + r**2)) / r**3).real.mean(axis=1),
        step * ((2 + r + e * (r - 2)) / r**3).real.mean(axis=1),
        step * ((-4 - 3 * r - r**2 + e * (4 - r)) / r**3).real.mean(axis=1),
    )
    return tuple(weight[where].reshape(linear.shape) for weight in weights)


def etdrk4_step(c: np.ndarray, weights: tuple[np.ndarray, ...], reaction: Callable) -> np.ndarray:
    """c after one step with N = `reaction`, in the letters of Kassam & Trefethen."""
    full, half, q, f1, f2, f3 = weights
    n_c = reaction(c)
    a = half * c + q * n_c
    n_a = reaction(a)
    b = half * c + q * n_a
    n_b = reaction(b)
    n_d = reaction(half * a + q * (2 * n_b - n_c))
    return full * c + f1 * n_c + 2 * f2 * (n_a + n_b) + f3 * n_d
