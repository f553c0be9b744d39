"""Linear waves: two scales of a string, and fast advection."""

from sympy import Eq, cos, pi, sin

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import coordinates, parameter, unknown


def wave_multiscale(c: float = 10, a: int = 2) -> Problem:
    """u_tt = c^2 u_xx on [0, 1]^2, u = 0 at both ends; u = sin(pi x) cos(c pi t) + sin(a pi x) cos(a c pi t).

    c   speed
    a   the ratio of the two scales
    Published best: 1.2e-15 in 635 s on an H100, DSGNAR (2026), arXiv 2607.02194.
    Source: Wang, Wang & Perdikaris (2021), CMAME 384 (c = 10, a = 2).
    """
    t, x = coordinates("t x")
    speed = parameter("c", c)
    u = unknown("u", t, x)
    exact = sin(pi * x) * cos(speed * pi * t) + sin(a * pi * x) * cos(a * speed * pi * t)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t, 2), speed**2 * u.diff(x, 2))],
        conditions=[Initial(u, exact.subs(t, 0)), Initial(u.diff(t), 0), Dirichlet(u, 0)],
        reference={u: exact},
        name="wave_multiscale",
        title="Wave equation with two scales",
        citation="Wang, Wang & Perdikaris (2021), On the eigenvector bias of Fourier feature networks, CMAME 384",
    )


def advection_fast(c: float = 80) -> Problem:
    """u_t + c u_x = 0 on [0, 1] x [0, 2 pi], periodic, u(0) = sin x, c = 80; u = sin(x - c t).

    Published best: 6.9e-4 in the source; for c = 40, 8.4e-9 in 0.7 s, Datar et al. (2024), arXiv 2405.20836.
    Source: Wang, Sankaran, Wang & Perdikaris (2023), An expert's guide to training PINNs, arXiv 2308.08468.
    """
    t, x = coordinates("t x")
    speed = parameter("c", c)
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + speed * u.diff(x), 0)],
        conditions=[Initial(u, sin(x)), Periodic(u, x)],
        reference={u: sin(x - speed * t)},
        name="advection_fast",
        title="Fast advection",
        citation="Wang, Sankaran, Wang & Perdikaris (2023), arXiv 2308.08468",
    )
