"""Points of the plane where interfaces cross: the solution may be singular there.

Around the point u = r^g m(angle), with r^(g - 1) in its gradient. With the conductivity k of one quadrant after the
other, (u, k times the derivative of u by the angle, over g) turns within a quadrant by the matrix
[[c, s/k], [-k s, c]], c and s of g pi/2, and comes back to itself after four of them where the trace of their product
is two. At g = 1 the trace is q + 1/q, q = k1 k3/(k2 k4): the exponent is below one unless q is one.

Source: Kellogg (1974), Applicable Analysis 4, On the Poisson equation with intersecting interfaces.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np
import scipy.optimize
import sympy

from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.linear import values_at
from spindle.symbolic.symbols import is_space, unknowns_in

_BESIDE = 1e-6  # of the axes: where the conductivities are taken
_REGULAR = 1e-6  # relative difference of the products of opposite quadrants that is none
_ISOTROPIC = 1e-6
_LEAST = 1e-3  # exponents below are as good as none


class Crossing(NamedTuple):
    """A point where interfaces cross.

    place      in words
    exponent   g of the singularity; NaN where it is not known
    """

    place: str
    exponent: float


def crossings(problem) -> list[Doubt]:
    """A doubt where interfaces cross at singular points."""
    singular = singular_crossings(problem)
    if not singular:
        return []
    places = listed([c.place for c in singular], 2)
    known = [c.exponent for c in singular if np.isfinite(c.exponent)]
    how = f", like r^{min(known):.2g} at the distance r" if known else ""
    return [
        Doubt(
            f"interfaces cross at {places}, where the solution is singular{how}, and least squares of residuals, which "
            f"are infinite there, end near it at best: smooth the coefficient around that point, or make it a product "
            f"of functions of one coordinate each",
            fatal=False,
        )
    ]


def singular_crossings(problem) -> list[Crossing]:
    """The points where interfaces across two axes of space cross and the solution is singular, as far as is known."""
    inner = [
        i for i in problem.interfaces if problem.domain.bounds[i.axis][0] < i.left < problem.domain.bounds[i.axis][1]
    ]
    pairs = [(a, b) for a, b in itertools.combinations(inner, 2) if a.axis != b.axis]
    crossed = [
        Crossing(_place(problem, a, b), exponent)
        for a, b in pairs
        for name in sorted(set(a.fluxes) & set(b.fluxes))
        if (exponent := _exponent(problem, a, b, name)) != 1.0
    ]
    return list({c.place: c for c in crossed}.values())


def _place(problem, a, b) -> str:
    return ", ".join(f"{problem.coordinates[i.axis].name} = {i.left:.4g}" for i in sorted((a, b), key=lambda i: i.axis))


def _exponent(problem, a, b, name: str) -> float:
    """The exponent at a crossing; 1 where the solution is regular, NaN where nothing is known."""
    points = np.array([_quadrant(problem, a, b, signs) for signs in ((1, 1), (-1, 1), (-1, -1), (1, -1))])
    first, second = (_conductivities(problem, i, name, points) for i in (a, b))
    if first is None or second is None:
        return float("nan")
    if not np.allclose(first, second, rtol=_ISOTROPIC, atol=0) or not (first * first[0] > 0).all():
        return float("nan")
    return exponent(first)


def exponent(conductivities) -> float:
    """The exponent where four quadrants of these conductivities meet, in order; 1 where the solution is regular."""
    k = np.abs(np.asarray(conductivities, float)) / np.exp(np.mean(np.log(np.abs(conductivities))))
    quotient = k[0] * k[2] / (k[1] * k[3])
    if abs(quotient - 1) < _REGULAR:
        return 1.0

    def gap(g: float) -> float:
        c, s = np.cos(g * np.pi / 2), np.sin(g * np.pi / 2)
        turns = [np.array([[c, s / q], [-q * s, c]]) for q in k]
        return float(np.trace(functools.reduce(np.matmul, turns))) - 2

    # Below the first root the trace is less than two.
    return float(scipy.optimize.brentq(gap, _LEAST, 1.0)) if gap(_LEAST) < 0 else _LEAST


def _quadrant(problem, a, b, signs) -> np.ndarray:
    """A point beside a crossing, in the middle of all other axes."""
    point = np.array([(float(low) + float(high)) / 2 for low, high in problem.domain.bounds])
    for interface, sign in zip((a, b), signs, strict=True):
        point[interface.axis] = interface.left + sign * _BESIDE * np.ptp(problem.domain.bounds[interface.axis])
    return point


def _conductivities(problem, interface, name: str, points: np.ndarray) -> np.ndarray | None:
    """The factor of the slope in a flux at some points; None where the flux is none of a single unknown."""
    x, flux = problem.coordinates[interface.axis], interface.fluxes[name]
    unknowns = unknowns_in(flux)
    if len(unknowns) != 1 or len(problem.unknowns) != 1:
        return None
    slope, symbol = unknowns[0].diff(x), sympy.Dummy("slope", real=True)
    factor = flux.xreplace({slope: symbol}).diff(symbol)
    if factor.has(symbol) or any(is_space(c) and factor.has(unknowns[0].diff(c)) for c in problem.coordinates):
        return None
    values = values_at(factor.xreplace({unknowns[0]: sympy.S.One}), problem, points)
    return values if np.isfinite(values).all() and (values != 0).all() else None
