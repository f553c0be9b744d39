"""Rates that a slab hands over: their size, and how well a slab resolves them in time.

Equations of second order in time hand over a rate besides a value, and that rate may have a layer that the value does
not show.
"""

import numpy as np

from spindle.networks import polynomials
from spindle.slabs.space import SlabSpace

_ROUNDING = 1e-13  # of an unknown: smaller coefficients say nothing of rates


def no_rates(space: SlabSpace) -> np.ndarray:
    """(given - 1, m) zeros: the largest rates of each order before any slab."""
    return np.zeros((max(space.given - 1, 0), space.unknowns))


def largest_rates(space: SlabSpace, series: np.ndarray, length: float, before: np.ndarray) -> np.ndarray:
    """(given - 1, m) the largest rates of each order, of a slab and of those before."""
    now = [space.largest(_rates(series, order, length)) for order in range(1, len(before) + 1)]
    return np.maximum(before, np.reshape(now, before.shape))


def last_of_rates(
    space: SlabSpace, series: np.ndarray, length: float, sizes: np.ndarray, before: np.ndarray, whole: float
) -> float:
    """The largest of the last coefficients in time of what a slab hands over but for values, relative to its size.

    sizes   (m,) of the unknowns
    whole   all of time: of no rate is asked more than of one by which its unknown becomes another in it
    """
    tails = [0.0]
    clean = np.where(np.abs(series) > _ROUNDING * sizes[:, None], series, 0.0)
    for order, largest in enumerate(largest_rates(space, series, length, before), 1):
        last = space.largest_coefficients(_rates(clean, order, length)[..., -2 - order : -order])
        known = np.array(space.rows.given) > order
        tails.append(float((known * last / np.maximum(largest, sizes / whole**order)).max()))
    return max(tails)


def _rates(series: np.ndarray, order: int, length: float) -> np.ndarray:
    """The derivatives in time of a series of a slab."""
    return series @ polynomials.slopes(series.shape[-1] - 1, order).T * (2 / length) ** order
