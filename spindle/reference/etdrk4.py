"""Exponential time differencing of fourth order for c' = linear c + N(c), linear diagonal.

Source: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26; Cox & Matthews (2002), J. Comput. Phys. 176.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np


def etdrk4(linear: np.ndarray, step: float) -> tuple[np.ndarray, ...]:
    """Weights of ETDRK4 for `c' = linear c + N(c)`, each the mean of its formula over a circle around `linear step`.

    linear   real or complex, of any shape; what occurs more than once is computed once
    returns  six arrays of that shape, real where `linear` is

    The formulas cancel badly near zero; the mean over 64 points of the circle is exact to rounding. Where `linear` is
    real, the points of the lower half are conjugate to those of the upper, and the mean is the real part over these.
    """
    distinct, where = np.unique(linear, return_inverse=True)
    real = np.isrealobj(distinct)
    circle = np.exp(1j * np.pi * (np.arange(32 if real else 64) + 0.5) / 32)
    r = step * distinct[:, None] + circle
    e = np.exp(r)

    def mean(values):
        return step * (values.real if real else values).mean(axis=1)

    weights = (
        np.exp(step * distinct),
        np.exp(step * distinct / 2),
        mean((np.exp(r / 2) - 1) / r),
        mean((-4 - r + e * (4 - 3 * r + r**2)) / r**3),
        mean((2 + r + e * (r - 2)) / r**3),
        mean((-4 - 3 * r - r**2 + e * (4 - r)) / r**3),
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


def etdrk4_frames(
    start: np.ndarray, t: np.ndarray, linear: np.ndarray, reaction: Callable, step: float, halvings: int = 0
) -> np.ndarray:
    """c at the times t, increasing from 0 or later, from `start` at 0; (t.size, *start.shape), complex.

    step      longest step
    halvings  each step is cut in two so many times: the steps of runs that differ in it are exact fractions of one
              another between any two times, as extrapolation asks
    """
    frames = np.empty((t.size, *start.shape), complex)
    series, now, weights = start, 0.0, {}
    for frame, time in zip(frames, t, strict=True):
        # The tolerance keeps rounding in equally spaced times from adding a step or renewing the weights.
        steps = int(np.ceil((time - now) / step - 1e-9)) * 2**halvings
        if steps > 0:
            length = round((time - now) / steps, 14)
            if length not in weights:
                weights = {length: etdrk4(linear, length)}
            for _ in range(steps):
                series = etdrk4_step(series, weights[length], reaction)
            now = time
        frame[:] = series
    return frames


def extrapolated(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Values extrapolated to steps of length zero, and coarser ones to estimate their error by.

    runs   values from 0, 1 and 2 halvings

    The errors of ETDRK4 in h**4 and h**5 are taken out; of the coarser values only the first of these, so that their
    difference is larger than the error by about the ratio of two steps.
    """
    once = [(16 * finer - coarser) / 15 for coarser, finer in pairwise(runs)]
    return (32 * once[1] - once[0]) / 31, once[1]
