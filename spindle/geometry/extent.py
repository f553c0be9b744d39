"""How large, how small and how flat a domain may be: one check, wherever a domain is made."""

import math
import sys

import numpy as np

from spindle.errors import ProblemError

FARTHEST, SMALLEST = 1e30, 1e-30  # ends and lengths beyond which squares leave the numbers of single precision
_FINEST = 1e-10  # length of an interval relative to its distance from zero, below which its nodes cannot be told apart
_THINNEST = 1e-12  # share of the box around a shape that it must fill


def check_extent(domain) -> None:
    """Raise ProblemError where a domain is too large, too small, or too thin for computers to find points inside."""
    for coordinate, (low, high) in zip(domain.coordinates, domain.bounds, strict=True):
        length, farthest = high - low, max(abs(low), abs(high))
        if not (length >= SMALLEST and farthest <= FARTHEST and length >= _FINEST * farthest):
            raise ProblemError(
                f"The domain reaches from {coordinate} = {low:.6g} to {high:.6g}, where numbers of a computer are too "
                f"far apart or too close to their limits, {SMALLEST:g} and {FARTHEST:g}; choose another unit for "
                f"{coordinate}, or count it from another zero."
            )
    with np.errstate(all="ignore"):
        volume, around = float(domain.volume), math.prod(high - low for low, high in domain.bounds)
    if not (sys.float_info.min < around < math.inf and _THINNEST * around <= volume < math.inf):
        raise ProblemError(
            f"The domain has the volume {volume:.3g} in a box of {around:.3g}, and nothing can be solved where there "
            f"is no room; check that its parts are not flat and do not coincide, or choose other units."
        )
