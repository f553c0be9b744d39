"""One-dimensional classics in time: Burgers, Allen-Cahn, convection."""

from sympy import Eq, Rational, cos, pi, sin

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.reference.allen_cahn import allen_cahn as allen_cahn_reference
from spindle.reference.burgers import burgers as burgers_reference
from spindle.symbolic.symbols import coordinates, parameter, unknown


def burgers(nu: float = 0.01 / 3.141592653589793) -> Problem:
    """u_t + u u_x = nu u_xx on [0, 1] x [-1, 1], u(0) = -sin(pi x), u = 0 at both ends; a shock forms at x = 0.

    Reference: Cole-Hopf quadrature. Source: Basdevant et al. (1986), Computers & Fluids 14; Raissi et al. (2019).
    """
    t, x = coordinates("t x")
    viscosity = parameter("nu", nu)
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1)}),
        equations=[Eq(u.diff(t) + u * u.diff(x), viscosity * u.diff(x, 2))],
        conditions=[Initial(u, -sin(pi * x)), Dirichlet(u, 0)],
        reference={u: burgers_reference(viscosity=nu)},
        name="burgers",
        title="Burgers' equation",
        citation="Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378",
    )


def allen_cahn() -> Problem:
    """u_t = 1e-4 u_xx - 5 u^3 + 5 u on [0, 1] x [-1, 1], periodic, u(0) = x^2 cos(pi x).

    Reference: Fourier spectral in space, exponential time differencing. Source: Raissi et al. (2019).
    """
    t, x = coordinates("t x")
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1)}),
        equations=[Eq(u.diff(t) - Rational(1, 10_000) * u.diff(x, 2) + 5 * u**3 - 5 * u, 0)],
        conditions=[Initial(u, x**2 * cos(pi * x)), Periodic(u, x)],
        reference={u: allen_cahn_reference()},
        name="allen_cahn",
        title="Allen-Cahn equation",
        citation="Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378",
    )


def convection(beta: float = 30) -> Problem:
    """u_t + beta u_x = 0 on [0, 1] x [0, 2 pi], periodic, u(0) = sin x; u = sin(x - beta t).

    Source: Krishnapriyan et al. (2021), Characterizing possible failure modes in PINNs, NeurIPS (beta = 30).
    """
    t, x = coordinates("t x")
    speed = parameter("beta", beta)
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + speed * u.diff(x), 0)],
        conditions=[Initial(u, sin(x)), Periodic(u, x)],
        reference={u: sin(x - speed * t)},
        name="convection",
        title="Convection",
        citation="Krishnapriyan et al. (2021), NeurIPS",
    )
