"""Diffusion: a nonlinear equation in 2+1 dimensions, the heat equation in 5+1, and over a long time."""

from sympy import Eq, cos, exp, pi, sin, sqrt, sympify

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.problem import Problem
from spindle.reference.diffusion import diffusion
from spindle.symbolic.operators import dot, grad, laplacian
from spindle.symbolic.symbols import coordinates, parameter, unknown


def diffusion3d() -> Problem:
    """u_t = a (|grad u|^2 + u Lap u) on [0, 1] x [-1, 1]^2, a = 0.05, from three Gaussians; reference computed.

    The initial bumps reach 9e-3 on the wall x = -1, where the boundary value is 0 from the first instant on.
    Source: Cho et al. (2023), arXiv 2306.15969, section 4.
    """
    t, x, y = coordinates("t x y")
    a = parameter("a", 0.05)
    u = unknown("u", t, x, y)
    start = (
        exp(-10 * ((x - 0.3) ** 2 + (y - 0.2) ** 2)) / 4
        + 2 * exp(-15 * ((x + 0.5) ** 2 + (y + 0.1) ** 2)) / 5
        + 3 * exp(-20 * (x**2 + (y + 0.5) ** 2)) / 10
    )
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1), y: (-1, 1)}),
        equations=[Eq(u.diff(t), a * (dot(grad(u), grad(u)) + u * laplacian(u)))],
        conditions=[Initial(u, start), Dirichlet(u, 0)],
        reference={u: diffusion()},
        name="diffusion3d",
        title="Nonlinear diffusion of three bumps",
        citation="Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS",
    )


def diffusion6d() -> Problem:
    """u_t = Lap u on [0, 1] x [-1, 1]^5; u = |x|^2 + 10 t, of CP rank 6.

    Source: Cho et al. (2023), arXiv 2306.15969, appendix (8 points an axis).
    """
    t = coordinates("t")
    space = coordinates("x1:6")
    u = unknown("u", t, *space)
    exact = sum(x**2 for x in space) + 10 * t
    return Problem(
        domain=Box({t: (0, 1)} | {x: (-1, 1) for x in space}),
        equations=[Eq(u.diff(t), laplacian(u))],
        conditions=[Initial(u, exact.subs(t, 0)), Dirichlet(u, exact)],
        reference={u: exact},
        name="diffusion6d",
        title="Heat equation in 5+1 dimensions",
        citation="Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS",
        published="diffusion6d",
    )


def heat_long(end: float = 100) -> Problem:
    """u_t = u_xx on [0, end] x [0, 1], a hundred periods of heating at one end after a start that is gone at t = 1.

    end   the last instant, in periods
    u = exp(-a x) cos(2 pi t - a x) + exp(-pi^2 t) sin(pi x), a = sqrt(pi): a thermal wave, and what the start leaves.
    Source: Carslaw & Jaeger (1959), Conduction of Heat in Solids, section 2.6; no published best is known.
    """
    t, x = coordinates("t x")
    u = unknown("u", t, x)
    depth = sqrt(pi) * x
    exact = exp(-depth) * cos(2 * pi * t - depth) + exp(-(pi**2) * t) * sin(pi * x)
    return Problem(
        domain=Box({t: (0, sympify(end)), x: (0, 1)}),
        equations=[Eq(u.diff(t), u.diff(x, 2))],
        conditions=[Initial(u, exact.subs(t, 0)), Dirichlet(u, exact)],
        reference={u: exact},
        name="heat_long",
        title="Heat equation over a long time",
        citation="Carslaw & Jaeger (1959), Conduction of Heat in Solids",
    )
