"""Incompressible flows: the Navier-Stokes equations by vorticity, and by velocity and pressure."""

from typing import Literal

import numpy as np
from sympy import Eq, Matrix, Rational, cos, exp, pi, sin, sqrt, sympify

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.reference.cavity import cavity
from spindle.reference.navier_stokes import decaying_turbulence, initial_functions
from spindle.symbolic.operators import curl, div, grad, laplacian, manufactured
from spindle.symbolic.symbols import coordinates, given, unknown

_SPINN = "Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS"


def navier_stokes3d(field: int = 0, nu: float = 0.01, end: float = 1, stream: int = 1) -> Problem:
    """Decaying turbulence on a periodic square, w_t + v . grad w = nu Lap w, div v = 0, w = curl v; t in [0, end].

    field    number of the random initial state, 0 to 2, of largest speed 5
    nu       viscosity
    end      the last instant; the ten published windows are 0.1 long each
    stream   1: the unknown is the stream function, v = (psi_y, -psi_x), so that div v = 0 exactly; 0: the velocities
             are, and div v = 0 is an equation, as published
    The initial field of the publication is not available; this one is drawn by the same recipe. The reference is a
    Fourier solution. Source: Cho et al. (2023), arXiv 2306.15969, section 4.
    """
    nu, end = sympify(nu), sympify(end)
    t, x, y = coordinates("t x y")
    start = dict(zip(("psi", "u", "v", "w"), initial_functions(field), strict=True))
    start = {name: given(f"{name}0", f, x, y, smooth=True) for name, f in start.items()}
    psi = unknown("psi", t, x, y)
    v = Matrix([psi.diff(y), -psi.diff(x)] if stream else [unknown("u", t, x, y), unknown("v", t, x, y)])
    w = curl(v)
    equations = {"vorticity": Eq(w.diff(t) + v.dot(grad(w)), nu * laplacian(w))}
    conditions = [Initial(psi, start["psi"]), Periodic(psi, x), Periodic(psi, y)]
    if not stream:
        equations["divergence"] = Eq(div(v), 0)
        fields = {"u": v[0], "v": v[1], "w": w}
        conditions = [Initial(e, start[name], name=f"initial {name}") for name, e in fields.items()]
        conditions += [Periodic(v, x), Periodic(v, y)]
    frames = max(2, round(float(end) * 100) + 1)
    solved = decaying_turbulence(field, [float(end) * k / (frames - 1) for k in range(frames)], 65, float(nu))
    return Problem(
        domain=Box({t: (0, end), x: (0, 2 * pi), y: (0, 2 * pi)}),
        equations=equations,
        conditions=conditions,
        reference={v[0]: solved["u"], v[1]: solved["v"], w: solved["w"]},
        quantities=({"u": v[0], "v": v[1]} if stream else {}) | {"w": w, "energy": v.dot(v) / 2, "enstrophy": w**2 / 2},
        name="navier_stokes3d",
        title="Decaying turbulence in 2+1 dimensions",
        citation=_SPINN,
        published="navier_stokes3d" if stream else "navier_stokes3d, velocities",
    )


def navier_stokes4d(nu: float = 0.05) -> Problem:
    """Manufactured flow of Taylor-Green type in 3+1 dimensions: vorticity equation, div v = 0, vorticity on the walls.

    w_t + (v . grad) w = (w . grad) v + nu Lap w + F on [0, 5] x [0, 2 pi]^3; each component is of separable rank 1.
    Source: Cho et al. (2023), arXiv 2306.15969, section 4; walls at 0 and 2 pi.
    """
    nu = sympify(nu)
    t, x, y, z = coordinates("t x y z")
    space = (x, y, z)
    v = Matrix([unknown(name, t, *space) for name in "uvw"])
    decay = exp(-9 * nu * t)
    exact = decay * Matrix(
        [
            2 * cos(2 * x) * sin(2 * y) * sin(z),
            -sin(2 * x) * cos(2 * y) * sin(z),
            -2 * sin(2 * x) * sin(2 * y) * cos(z),
        ]
    )
    closed = dict(zip(v, exact, strict=True))
    omega = curl(v)
    turning = manufactured(omega, closed)
    operator = omega.diff(t) + _along(v, omega, space) - _along(omega, v, space) - nu * laplacian(omega)
    # The rate of decay is that of diffusion, so that only the products of velocity and vorticity are left to force.
    force = 6 * decay**2 * Matrix([-sin(4 * y) * sin(2 * z), -sin(4 * x) * sin(2 * z), sin(4 * x) * sin(4 * y)])
    return Problem(
        domain=Box({t: (0, 5)} | {c: (0, 2 * pi) for c in space}),
        equations={"vorticity": Eq(operator, force), "divergence": Eq(div(v), 0)},
        conditions=[
            *(Initial(v[k], exact[k].subs(t, 0), name=f"initial velocity {k + 1}") for k in range(3)),
            *(Initial(omega[k], turning[k].subs(t, 0), name=f"initial vorticity {k + 1}") for k in range(3)),
            *(Dirichlet(omega[k], turning[k], name=f"wall vorticity {k + 1}") for k in range(3)),
        ],
        reference=closed,
        quantities={f"vorticity {k + 1}": omega[k] for k in range(3)},
        name="navier_stokes4d",
        title="Navier-Stokes equations in 3+1 dimensions, a manufactured flow",
        citation=_SPINN,
        published="navier_stokes4d",
    )


def kovasznay(re: float = 40) -> Problem:
    """Stationary laminar flow behind a grid, in closed form; velocities on all sides, the pressure at the outflow.

    re   Reynolds number
    Source: Kovasznay (1948), Math. Proc. Cambridge Philos. Soc. 44(1).
    """
    re = sympify(re)
    x, y = coordinates("x y")
    u, v, p = (unknown(name, x, y) for name in "uvp")
    rate = re / 2 - sqrt(re**2 / 4 + 4 * pi**2)
    exact = {
        u: 1 - exp(rate * x) * cos(2 * pi * y),
        v: rate / (2 * pi) * exp(rate * x) * sin(2 * pi * y),
        p: (1 - exp(2 * rate * x)) / 2,
    }
    return Problem(
        domain=Box({x: (-Rational(1, 2), 1), y: (-Rational(1, 2), Rational(3, 2))}),
        equations=_stationary(Matrix([u, v]), p, re),
        conditions=[Dirichlet(u, exact[u]), Dirichlet(v, exact[v]), Dirichlet(p, exact[p], on=Eq(x, 1))],
        reference=exact,
        quantities={"vorticity": curl(Matrix([u, v]))},
        name="kovasznay",
        title="Kovasznay flow",
        citation="Kovasznay (1948), Laminar flow behind a two-dimensional grid",
    )


def lid_driven_cavity(re: float = 100, lid: Literal["uniform", "parabolic", "regularised"] = "uniform") -> Problem:
    """Stationary flow in a square whose lid moves at speed 1.

    re    Reynolds number, up to 3200
    lid   its speed: "uniform", 1; "parabolic", 4 x (1 - x); "regularised", 16 x^2 (1 - x)^2
    The velocity jumps where a uniform lid meets the walls, and pressure and stress are infinite there. The momentum
    equation and the speed of the lid are multiplied by a polynomial that vanishes at these two corners: the same
    equations, in a form whose residuals are square integrable. Where the speed is zero at the corners they are left as
    they are, but for the momentum equation of the parabolic lid, whose shear jumps.
    The reference is a Chebyshev solution, on nodes inside, right to 2e-6 for a uniform lid at 100 and 3e-4 at 3200;
    `spindle.reference.cavity.ghia` has the published tables of 100, 400, 1000 and 3200.
    Published best: 1.7e-2 at 3200 in 85 s on an RTX 3090, Scale-PINN (2026), arXiv 2602.19475; with the parabolic lid
    at 100, 1.1e-4 in 403 s on an H100, DSGNAR (2026), arXiv 2607.02194.
    Source: Ghia, Ghia & Shin (1982), J. Comput. Phys. 48; "regularised": Shen (1991), J. Comput. Phys. 95.
    """
    re = sympify(re)
    x, y = coordinates("x y")
    u, v, p = (unknown(name, x, y) for name in "uvp")
    corners = (x**2 + (1 - y) ** 2) * ((1 - x) ** 2 + (1 - y) ** 2)
    speed = {"uniform": sympify(1), "parabolic": 4 * x * (1 - x), "regularised": 16 * x**2 * (1 - x) ** 2}[lid]
    equations = _stationary(Matrix([u, v]), p, re)
    inside = np.linspace(0, 1, 65)[1:-1]
    solved = cavity(float(re), lid=lid, x=inside, y=inside)
    if lid != "regularised":
        equations["momentum"] = Eq(corners * equations["momentum"].lhs, Matrix([0, 0]))
    weight = corners if lid == "uniform" else 1
    return Problem(
        domain=Box({x: (0, 1), y: (0, 1)}),
        equations=equations,
        conditions=[
            Dirichlet(weight * u, weight * speed, on=Eq(y, 1), name="lid"),
            Dirichlet(u, 0, on=[Eq(x, 0), Eq(x, 1), Eq(y, 0)], name="walls u"),
            Dirichlet(v, 0, name="walls v"),
        ],
        reference={u: solved["u"], v: solved["v"]},
        quantities={"vorticity": curl(Matrix([u, v])), "divergence": div(Matrix([u, v]))},
        name="lid_driven_cavity",
        title="Lid-driven cavity",
        citation="Ghia, Ghia & Shin (1982), High-Re solutions for incompressible flow, J. Comput. Phys. 48",
        notes="The pressure is known up to a constant.",
    )


def _stationary(v, p, re) -> dict[str, Eq]:
    """Momentum and continuity of a stationary flow."""
    space = p.args
    return {
        "momentum": Eq(_along(v, v, space) + grad(p) - laplacian(v) / re, Matrix([0, 0])),
        "continuity": Eq(div(v), 0),
    }


def _along(velocity, field, space) -> Matrix:
    """(velocity . grad) field, for each component."""
    return Matrix([sum(a * f.diff(c) for a, c in zip(velocity, space, strict=True)) for f in field])
