"""Flow mixing: a front wound up by a vortex, whose solution has no finite separable rank."""

from sympy import Eq, Piecewise, cos, cosh, sin, sqrt, tanh

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import coordinates, unknown


def flow_mixing3d(v_max: float = 0.385) -> Problem:
    """u_t + a u_x + b u_y = 0 on [0, 4] x [-4, 4]^2, (a, b) = w (-y, x), w = tanh(r) / (v_max r cosh(r)^2).

    Source: Tamamidis & Assanis (1993), J. Comput. Phys.; as a PINN Chiu et al. (2022), CMAME 395.
    """
    t, x, y = coordinates("t x y")
    u = unknown("u", t, x, y)
    r = sqrt(x**2 + y**2)
    # tanh(r)/r tends to 1 at the centre, where the formula itself is 0/0.
    w = Piecewise((1 / v_max, x**2 + y**2 < 1e-20), (tanh(r) / (v_max * r * cosh(r) ** 2), True))
    exact = -tanh(y / 2 * cos(w * t) - x / 2 * sin(w * t))
    return Problem(
        domain=Box({t: (0, 4), x: (-4, 4), y: (-4, 4)}),
        equations=[Eq(u.diff(t) - w * y * u.diff(x) + w * x * u.diff(y), 0)],
        conditions=[Initial(u, -tanh(y / 2)), Dirichlet(u, exact)],
        reference={u: exact},
        name="flow_mixing3d",
        title="Flow mixing by a vortex",
        citation="Chiu et al. (2022), CAN-PINN, CMAME 395",
        published="flow_mixing3d",
    )
