"""Two materials that touch: a strip and a plate whose conductivity jumps by a thousand, a cylinder of another one.

u and the flux k du/dx are continuous across the jump, and the closed forms say so.
"""

from collections.abc import Mapping
from typing import Any

from sympy import Eq, Expr, Piecewise, Rational, Symbol, cosh, nsimplify, pi, sin, sinh

from spindle.errors import ProblemError
from spindle.geometry.domain import Box, Interval
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.problem import Problem
from spindle.symbolic.operators import div, grad
from spindle.symbolic.symbols import coordinates, unknown


def two_materials(ratio: float = 1000, at: float = 0.5) -> Problem:
    """-(k u')' = 1 on [0, 1], u = 0 at both ends, k = 1 left of x = 1/2 and 1000 right of it; closed form.

    ratio   of the conductivities, right to left
    at      where they meet
    Parabolas on either side whose values and fluxes agree where they meet.
    Source: a textbook problem; no single origin, and no published best is known.
    Raises ProblemError where the ratio is not positive, and where the materials do not meet inside.
    """
    return Problem(**strip(ratio, at))


def two_materials2d(ratio: float = 1000, at: float = 0.5) -> Problem:
    """div(k grad u) = 0 in [0, 1]^2, k = 1 left of x = 1/2 and 1000 right of it; u = sin(pi y) on x = 1, else 0.

    ratio   of the conductivities, right to left
    at      where they meet
    Closed form: sin(pi y) times hyperbolic functions of x on either side.
    Source: Carslaw & Jaeger (1959), Conduction of Heat in Solids, chapter V; no published best is known.
    Raises ProblemError where the ratio is not positive, and where the materials do not meet inside.
    """
    return Problem(**plate(ratio, at))


def inclusion(ratio: float = 5, radius: float = 0.5) -> Problem:
    """div(k grad u) = 0 in [-1, 1]^2, k = ratio in a disk around the origin and 1 outside; closed form.

    ratio    of the conductivities, inside to outside
    radius   of the disk
    A cylinder in a uniform field: inside the field is uniform, outside a dipole is added, and so it is on the boundary.
    Source: Jackson (1999), Classical Electrodynamics, chapter 4; no published best is known.
    Raises ProblemError where the ratio is not positive, and where the disk does not lie inside.
    """
    if not (ratio > 0 and 0 < radius < 1):
        raise ProblemError(
            f"`inclusion` was given ratio = {ratio:g} and radius = {radius:g}; it needs a positive ratio, and a radius "
            "between 0 and 1."
        )
    k, r = nsimplify(ratio), nsimplify(radius)
    x, y = coordinates("x y")
    u, square = unknown("u", x, y), x**2 + y**2
    inside = square < r**2
    exact = Piecewise((2 * x / (k + 1), inside), (x * (1 - (k - 1) / (k + 1) * r**2 / square), True))
    return Problem(
        domain=Box({x: (-1, 1), y: (-1, 1)}),
        equations=[Eq(div(Piecewise((k, inside), (1, True)) * grad(u)), 0)],
        conditions=[Dirichlet(u, exact)],
        reference={u: exact},
        name="inclusion",
        title="A cylinder of another material in a uniform field",
    )


def strip(ratio: float, at: float) -> Mapping[str, Any]:
    """What `Problem` takes for `two_materials`."""
    k, m = _checked("two_materials", ratio, at)
    x = coordinates("x")
    u = unknown("u", x)
    # k u' = c - x on both sides; c from u being continuous.
    c = (m**2 + (1 - m**2) / k) / (2 * (m + (1 - m) / k))
    left, right = c * x - x**2 / 2, ((1 - x**2) / 2 - c * (1 - x)) / k
    return {
        "domain": Interval(x, 0, 1),
        "equations": [Eq(-div(_step(x, m, 1, k) * grad(u)), 1)],
        "conditions": [Dirichlet(u, 0)],
        "reference": {u: _step(x, m, left, right)},
        "name": "two_materials",
        "title": "A strip of two materials",
    }


def plate(ratio: float, at: float) -> Mapping[str, Any]:
    """What `Problem` takes for `two_materials2d`."""
    k, m = _checked("two_materials2d", ratio, at)
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    # a sinh(pi x) on the left; on the right what continues its value and, over k, its flux; 1 at x = 1.

    def right(z: Expr) -> Expr:
        return sinh(pi * m) * cosh(pi * (z - m)) + cosh(pi * m) * sinh(pi * (z - m)) / k

    at_end = right(Rational(1))
    return {
        "domain": Box({x: (0, 1), y: (0, 1)}),
        "equations": [Eq(div(_step(x, m, 1, k) * grad(u)), 0)],
        "conditions": [
            Dirichlet(u, sin(pi * y), on=Eq(x, 1), name="warm side"),
            Dirichlet(u, 0, on=[Eq(x, 0), Eq(y, 0), Eq(y, 1)], name="cold sides"),
        ],
        "reference": {u: _step(x, m, sinh(pi * x), right(x)) * sin(pi * y) / at_end},
        "name": "two_materials2d",
        "title": "A plate of two materials",
    }


def _step(x: Symbol, place: Expr, left, right) -> Piecewise:
    return Piecewise((left, x < place), (right, True))


def _checked(name: str, ratio: float, at: float) -> tuple[Expr, Expr]:
    """Both numbers, exactly."""
    if not (ratio > 0 and 0 < at < 1):
        raise ProblemError(
            f"`{name}` was given ratio = {ratio:g} and at = {at:g}; it needs a positive ratio, and materials that meet "
            "between 0 and 1."
        )
    return nsimplify(ratio), nsimplify(at)
