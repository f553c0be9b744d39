"""Fronts and layers: moving ones, two that meet, and layers of a given thickness at a wall or inside."""

from typing import Literal

from sympy import Eq, Expr, Rational, Symbol, cos, erf, exp, pi, sin, sqrt, sympify, tanh

from spindle.errors import ProblemError
from spindle.geometry.domain import Box, Interval
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.reference.burgers import burgers as burgers_reference
from spindle.symbolic.operators import laplacian
from spindle.symbolic.symbols import coordinates, parameter, unknown

# Below, the cube of exp(0.41/nu), which the second derivatives of the two fronts contain, overflows.
LEAST_VISCOSITY = 2e-3


def burgers_moving(nu: float = 0.01 / 3.141592653589793, speed: float = 0.5) -> Problem:
    """u_t + u u_x = nu u_xx on [0, 1] x [-1, 1], periodic, u(0) = speed - sin(pi x); the front moves at that speed.

    nu      viscosity, from 1e-3 to 1
    speed   of the front
    The solution is speed + w(t, x - speed t), w that of a front at rest. Reference: Cole-Hopf quadrature, to 1e-11.
    Source: a Galilean image of Basdevant et al. (1986), Computers & Fluids 14; no published best is known.
    """
    t, x = coordinates("t x")
    viscosity = parameter("nu", nu)
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1)}),
        equations=[Eq(u.diff(t) + u * u.diff(x), viscosity * u.diff(x, 2))],
        conditions=[Initial(u, sympify(speed) - sin(pi * x)), Periodic(u, x)],
        reference={u: burgers_reference(viscosity=nu, speed=speed)},
        name="burgers_moving",
        title="Burgers' equation, a moving front",
        citation="Basdevant et al. (1986), Computers & Fluids 14",
    )


def burgers_two_fronts(nu: float = 0.003) -> Problem:
    """u_t + u u_x = nu u_xx on [0, 1]^2; a front of speed 3/4 overtakes one of speed 3/10 at t = 5/9. Closed form.

    nu   viscosity, at least 2e-3
    By Cole and Hopf the solution is the mean of 1, 1/2 and 1/10, weighted by exponentials that solve the heat equation.
    Source: Whitham (1974), Linear and Nonlinear Waves, section 4.6; with these numbers Verwer, Blom, Furzeland &
    Zegeling (1989), A moving grid method for one-dimensional PDEs. No published best is known.
    Raises ProblemError for a smaller viscosity.
    """
    if not nu >= LEAST_VISCOSITY:
        raise ProblemError(
            f"`burgers_two_fronts` was given nu = {nu:g}, but the derivatives of its closed form overflow below "
            f"{LEAST_VISCOSITY:g}; choose a larger viscosity."
        )
    t, x = coordinates("t x")
    viscosity = parameter("nu", nu)
    u = unknown("u", t, x)
    # The weight of the speed a is exp(-(a x - a^2 t / 2 + b)/(2 nu)).
    phases = {
        Rational(1): x - t / 2 - Rational(3, 8),
        Rational(1, 2): x / 2 - t / 8 - Rational(1, 4),
        Rational(1, 10): x / 10 - t / 200 - Rational(1, 20),
    }
    exact = _weighted_mean({a: -phase / (2 * viscosity) for a, phase in phases.items()})
    return Problem(
        domain=Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t) + u * u.diff(x), viscosity * u.diff(x, 2))],
        conditions=[Initial(u, exact.subs(t, 0)), Dirichlet(u, exact)],
        reference={u: exact},
        name="burgers_two_fronts",
        title="Burgers' equation, two fronts that meet",
        citation="Whitham (1974), Linear and Nonlinear Waves",
    )


def _weighted_mean(exponents: dict[Rational, Expr]) -> Expr:
    """The mean of the keys, weighted by exp(value); as sums of quotients whose numerators are one, free of 0/0."""
    return sum(
        value / sum(exp((other - exponent).expand()) for other in exponents.values())
        for value, exponent in exponents.items()
    )


def burgers2d(re: float = 100, end: float = 1) -> Problem:
    """u_t + u u_x + v u_y = Lap u / re, v_t + u v_x + v v_y = Lap v / re on [0, end] x [0, 1]^2; an oblique front.

    re    Reynolds number
    end   the last instant
    u = 3/4 - s, v = 3/4 + s with s = 1/4 / (1 + exp(re (4 y - 4 x - t) / 32)), by Cole and Hopf.
    Source: Fletcher (1983), Int. J. Numer. Methods Fluids 3; no published best at these settings is known.
    """
    t, x, y = coordinates("t x y")
    u, v = unknown("u v", t, x, y)
    reynolds = parameter("re", re)
    # A hyperbolic tangent in place of the quotient: nothing overflows, whatever the number.
    step = (1 - tanh(reynolds * (4 * y - 4 * x - t) / 64)) / 8
    exact = {u: Rational(3, 4) - step, v: Rational(3, 4) + step}
    return Problem(
        domain=Box({t: (0, end), x: (0, 1), y: (0, 1)}),
        equations=[Eq(f.diff(t) + u * f.diff(x) + v * f.diff(y), laplacian(f) / reynolds) for f in (u, v)],
        conditions=[*(Initial(f, exact[f].subs(t, 0)) for f in (u, v)), *(Dirichlet(f, exact[f]) for f in (u, v))],
        reference=exact,
        name="burgers2d",
        title="Burgers' equations in the plane",
        citation="Fletcher (1983), Generating exact solutions of the two-dimensional Burgers' equations",
    )


def boundary_layer(eps: float = 1e-6, side: Literal["right", "left", "middle"] = "right") -> Problem:
    """-eps u'' + u' = 1 on [0, 1], u = 0 at both ends, eps = 1e-6; a layer of width eps at one end, or one inside.

    eps    thickness
    side   "right": as above; "left": its mirror image, -eps u'' - u' = 1; "middle": -eps u'' - x u' = -eps f'' - x f',
           f = cos(pi x), on [-1, 1], u(-1) = -2, u(1) = 0: a layer of width sqrt(eps) at x = 0
    Closed forms by exponentials of negative numbers alone, and by the error function.
    Published best: of order 1e-7 for eps = 1e-6, arXiv 2603.29249 (2026).
    Source: Roos, Stynes & Tobiska (2008), Robust Numerical Methods for Singularly Perturbed Differential Equations,
    chapter I.1; "middle": Hemker (1977), A numerical study of stiff two-point boundary problems.
    Raises ProblemError where eps is not positive, and for any other side.
    """
    sides = {"right": _end_layer, "left": _end_layer, "middle": _inner_layer}
    if not eps > 0 or side not in sides:
        raise ProblemError(
            f"`boundary_layer` was given eps = {eps:g} and side = {side!r}; it needs a positive thickness, and one of "
            f"{', '.join(sides)}."
        )
    return sides[side](coordinates("x"), parameter("eps", eps), 1 if side == "right" else -1)


def _end_layer(x: Symbol, eps: Symbol, wind: int) -> Problem:
    """A layer where the wind, 1 or -1, leaves [0, 1]."""
    u = unknown("u", x)
    along = x if wind > 0 else 1 - x
    floor = exp(-1 / eps)
    return _layer(
        domain=Interval(x, 0, 1),
        equations=[Eq(-eps * u.diff(x, 2) + wind * u.diff(x), 1)],
        conditions=[Dirichlet(u, 0)],
        reference={u: along - (exp((along - 1) / eps) - floor) / (1 - floor)},
    )


def _inner_layer(x: Symbol, eps: Symbol, wind: int) -> Problem:
    """A layer at 0, where the wind -x meets."""
    u = unknown("u", x)
    smooth = cos(pi * x)
    exact = smooth + erf(x / sqrt(2 * eps)) / erf(1 / sqrt(2 * eps))

    def operator(f):
        return -eps * f.diff(x, 2) - x * f.diff(x)

    return _layer(
        domain=Interval(x, -1, 1),
        equations=[Eq(operator(u), operator(smooth))],
        conditions=[Dirichlet(u, -2, on=Eq(x, -1)), Dirichlet(u, 0, on=Eq(x, 1))],
        reference={u: exact},
    )


def _layer(**posed) -> Problem:
    return Problem(
        **posed,
        name="boundary_layer",
        title="A layer in convection and diffusion",
        citation="Roos, Stynes & Tobiska (2008), Robust Numerical Methods for Singularly Perturbed Equations",
    )
