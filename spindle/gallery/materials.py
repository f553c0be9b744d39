"""Conduction through layers of different materials: the coefficient jumps, and the flux does not."""

from sympy import Eq, Piecewise, nsimplify

from spindle.errors import ProblemError
from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.problem import Problem
from spindle.symbolic.operators import div, grad
from spindle.symbolic.symbols import coordinates, unknown


def two_materials(ratio: float = 1000.0, place: float = 0.5) -> Problem:
    """(k u_x)_x = -1 on [0, 1], k = 1 below `place` and `ratio` above it; u is continuous, its slope is not.

    The flux k u_x = c - x is continuous: u = c x - x^2/2 below, and above the same divided by `ratio` and shifted.
    Source: LeVeque & Li (1994), SIAM J. Numer. Anal. 31, on elliptic equations with discontinuous coefficients.
    """
    if not (ratio > 0 and 0 < place < 1):
        raise ProblemError(
            f"`two_materials` was given ratio = {ratio:g} and place = {place:g}; it needs a positive ratio, and a place "
            f"between 0 and 1."
        )
    x = coordinates("x")
    u = unknown("u", x)
    k, a = nsimplify(ratio, rational=True), nsimplify(place, rational=True)
    c = (a**2 + (1 - a**2) / k) / (a + (1 - a) / k) / 2
    below = c * x - x**2 / 2
    above = below.subs(x, a) + (below - below.subs(x, a)) / k
    return Problem(
        domain=Box({x: (0, 1)}),
        equations=[Eq(div(Piecewise((1, x < a), (k, True)) * grad(u)), -1)],
        conditions=[Dirichlet(u, 0)],
        reference={u: Piecewise((below, x < a), (above, True))},
        name="two_materials",
        title="Conduction through two materials",
        citation="LeVeque & Li (1994), The immersed interface method, SIAM J. Numer. Anal. 31",
    )
