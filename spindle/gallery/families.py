"""Parametrised families: convection, convection with diffusion and reaction, advection and diffusion on a square."""

from collections.abc import Callable, Sequence

import numpy as np
from sympy import Eq, cos, pi, sin

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.problem.references import FamilyReference
from spindle.reference.advection import advection_diffusion
from spindle.reference.reaction import convection_diffusion_reaction as solved_reaction
from spindle.symbolic.operators import laplacian
from spindle.symbolic.symbols import coordinates, parameter, unknown

# The parameters at which Cho et al. (2024) test, as their code draws them.
CONVECTION_TESTS = (6.1470, 6.6476, 5.9060, 5.3717, 6.6356, 7.3592, 5.1406, 5.8535, 5.9561, 7.1988)
REACTION_TESTS = (
    (1.3721, 0.4510, 1.1486),
    (2.5048, 1.3227, 0.2281),
    (2.1847, 1.7691, 0.4941),
    (1.1235, 0.7791, 1.6849),
    (1.3742, 1.4944, 0.5157),
    (2.8795, 1.6482, 0.9436),
    (2.9044, 0.8518, 0.0477),
    (1.7794, 1.1514, 0.8781),
    (2.5611, 1.6267, 0.0064),
    (2.4365, 0.1075, 1.5245),
)
_ADVECTION_TESTS = ((0.1, 0.0), (0.1, 0.6), (0.1, 1.5), (0.17, 1.1), (0.25, 0.3), (0.4, 0.9), (0.7, 0.2), (1.0, 1.3))
_CITATION = "Cho et al. (2024), FastLRNR and Sparse Physics Informed Backpropagation, arXiv 2410.04001"


def _members(solver: Callable, names: str, rows: Sequence[tuple[float, ...]]) -> FamilyReference:
    """The solver's fields at some parameters."""
    values = [dict(zip(names.split(), row, strict=True)) for row in rows]
    return FamilyReference(values, [solver(**parameters) for parameters in values])


def convection_family(low: float = 5, high: float = 8) -> Problem:
    """u_t + beta u_x = 0 for beta in [5, 8] on [0, 1] x [0, 2 pi], periodic, u(0) = 1 + sin x.

    u = 1 + sin(x - beta t). The constant 1 solves the equation too, with a relative error of 0.577.
    Source: Cho et al. (2024), arXiv 2410.04001, their range D1.
    """
    t, x = coordinates("t x")
    beta = parameter("beta", range=(low, high))
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + beta * u.diff(x), 0)],
        conditions=[Initial(u, 1 + sin(x)), Periodic(u, x)],
        reference={u: 1 + sin(x - beta * t)},
        name="convection_family",
        published="convection_family",
        title="Convection at any speed of a range",
        citation=_CITATION,
    )


def convection_diffusion_reaction() -> Problem:
    """u_t + beta u_x = nu u_xx + rho u (1 - u), beta in [1, 3], nu and rho in [0, 2], periodic, u(0) = 1 + sin x.

    Reference: Fourier series, exponential time differencing, at the ten parameters of the publication's tests.
    Source: Cho et al. (2024), arXiv 2410.04001, their range D2.
    """
    t, x = coordinates("t x")
    beta, nu, rho = (parameter(name, range=ends) for name, ends in (("beta", (1, 3)), ("nu", (0, 2)), ("rho", (0, 2))))
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + beta * u.diff(x), nu * u.diff(x, 2) + rho * u * (1 - u))],
        conditions=[Initial(u, 1 + sin(x)), Periodic(u, x)],
        reference={u: _members(solved_reaction, "beta nu rho", REACTION_TESTS)},
        name="convection_diffusion_reaction",
        published="convection_diffusion_reaction",
        title="Convection, diffusion and reaction",
        citation=_CITATION,
    )


def advection_diffusion_family() -> Problem:
    """-nu Lap u + cos(theta) u_x + sin(theta) u_y = 1 on [0, 1]^2, u = 0 on the boundary, nu in [0.1, 1].

    The wind blows in any direction theta of [0, pi/2]. Reference: Chebyshev collocation at eight parameters.
    Source: a textbook problem; no single origin.
    """
    x, y = coordinates("x y")
    nu, theta = parameter("nu", range=(0.1, 1)), parameter("theta", range=(0, np.pi / 2))
    u = unknown("u", x, y)
    return Problem(
        domain=Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(-nu * laplacian(u) + cos(theta) * u.diff(x) + sin(theta) * u.diff(y), 1)],
        conditions=[Dirichlet(u, 0)],
        reference={u: _members(advection_diffusion, "nu theta", _ADVECTION_TESTS)},
        name="advection_diffusion_family",
        title="Advection and diffusion in any direction",
    )
