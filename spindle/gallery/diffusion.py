"""Diffusion: a nonlinear equation in 2+1 dimensions, and the heat equation in 5+1."""

from sympy import Eq, exp

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
