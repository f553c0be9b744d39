"""Periodic waves in one dimension: Korteweg-de Vries, Kuramoto-Sivashinsky, nonlinear Schroedinger."""

from sympy import Eq, Rational, cos, cosh, pi, sin

from spindle.geometry.domain import Box
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.reference.dispersive import kdv as kdv_reference
from spindle.reference.dispersive import kuramoto_sivashinsky as kuramoto_sivashinsky_reference
from spindle.reference.dispersive import schroedinger
from spindle.symbolic.symbols import coordinates, unknown


def kdv() -> Problem:
    """u_t + u u_x + 0.022^2 u_xxx = 0 on [0, 1] x [-1, 1], periodic, u(0) = cos(pi x); a front breaks into solitons.

    Reference: Fourier series, exponential time differencing, right to 5e-12.
    Published best: 8.2e-11 in 1,210 s on an H100, DSGNAR (2026), arXiv 2607.02194.
    Source: Zabusky & Kruskal (1965), Phys. Rev. Lett. 15; as a PINN Wang et al. (2024), arXiv 2402.00326.
    """
    t, x = coordinates("t x")
    u = unknown("u", t, x)
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1)}),
        equations=[Eq(u.diff(t) + u * u.diff(x) + Rational(22, 1000) ** 2 * u.diff(x, 3), 0)],
        conditions=[Initial(u, cos(pi * x)), Periodic(u, x), Periodic(u.diff(x, 2), x)],
        reference={u: kdv_reference()},
        name="kdv",
        title="Korteweg-de Vries equation",
        citation="Zabusky & Kruskal (1965), Phys. Rev. Lett. 15",
    )


def kuramoto_sivashinsky() -> Problem:
    """u_t + 100/16 u u_x + 100/16^2 u_xx + 100/16^4 u_xxxx = 0 on [0, 1] x [0, 2 pi], periodic; chaos.

    u(0) = cos x (1 + sin x). Reference: Fourier series, exponential time differencing, right to 5e-10.
    Published best: 5.1e-7 in 5,227 s on an H100, DSGNAR (2026), arXiv 2607.02194.
    Source: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26; as a PINN Wang, Sankaran & Perdikaris (2024), CMAME 421.
    """
    t, x = coordinates("t x")
    u = unknown("u", t, x)
    terms = (u * u.diff(x) / 16, u.diff(x, 2) / 16**2, u.diff(x, 4) / 16**4)
    return Problem(
        domain=Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + 100 * sum(terms), 0)],
        conditions=[Initial(u, cos(x) * (1 + sin(x))), Periodic(u, x), Periodic(u.diff(x, 2), x)],
        reference={u: kuramoto_sivashinsky_reference()},
        name="kuramoto_sivashinsky",
        title="Kuramoto-Sivashinsky equation",
        citation="Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26",
    )


def nonlinear_schroedinger() -> Problem:
    """i h_t + h_xx / 2 + |h|^2 h = 0 on [0, pi/2] x [-5, 5], periodic, h = u + i v, h(0) = 2 sech x.

    Two solitons on top of each other, which focus to |h| = 4. The data have a kink at x = 5, of slope 0.027 on either
    side, which travels. Reference: cosine series, exponential time differencing, right to 5e-8.
    Published best: 2.0e-3 for |h|, in the paper that posed it.
    Source: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378.
    """
    t, x = coordinates("t x")
    u, v = unknown("u v", t, x)
    size = u**2 + v**2
    solved = schroedinger()
    return Problem(
        domain=Box({t: (0, pi / 2), x: (-5, 5)}),
        equations={
            "real": Eq(-v.diff(t) + u.diff(x, 2) / 2 + size * u, 0),
            "imaginary": Eq(u.diff(t) + v.diff(x, 2) / 2 + size * v, 0),
        },
        conditions=[Initial(u, 2 / cosh(x)), Initial(v, 0), Periodic(u, x), Periodic(v, x)],
        reference={u: solved["u"], v: solved["v"]},
        quantities={"density": size},
        name="nonlinear_schroedinger",
        title="Nonlinear Schroedinger equation",
        citation="Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378",
    )
