"""The unit disk and ball of the DT-PINN paper: Poisson's equation, a nonlinear one, the heat equation."""

from sympy import Eq, Expr, cos, exp, pi, sin

from spindle.geometry.domain import Interval
from spindle.geometry.shapes import Ball, Disk
from spindle.problem.conditions.boundary import Robin
from spindle.problem.conditions.initial import Initial
from spindle.problem.problem import Problem
from spindle.symbolic.operators import dot, grad, laplacian, manufactured
from spindle.symbolic.symbols import coordinates, normal, unknown

_CITATION = (
    "Sharma & Shankar (2022), Accelerated Training of Physics-Informed Neural Networks (PINNs) using Meshless "
    "Discretizations, NeurIPS"
)


def _robin(u, exact, space):
    """u + du/dn as the exact solution has it."""
    return Robin(u, 1, 1, dot(grad(exact, over=space), normal(*space)) + exact)


def poisson_disk() -> Problem:
    """Lap u = f in the unit disk, u + du/dn = g on the circle; u = 1 + sin(pi x) cos(pi y).

    Source: Sharma & Shankar (2022), arXiv 2205.09332, section 4.1.
    """
    return _stationary("poisson_disk", "Poisson's equation in a disk", lambda u: laplacian(u))


def nonlinear_poisson_disk() -> Problem:
    """Lap u = exp(u) + f in the unit disk, u + du/dn = g on the circle; u = 1 + sin(pi x) cos(pi y).

    Source: Sharma & Shankar (2022), arXiv 2205.09332, section 4.2.
    """
    return _stationary(
        "nonlinear_poisson_disk", "A nonlinear Poisson equation in a disk", lambda u: laplacian(u) - exp(u)
    )


def _stationary(name, title, operator) -> Problem:
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact: Expr = 1 + sin(pi * x) * cos(pi * y)
    return Problem(
        domain=Disk({x: 0, y: 0}, 1),
        equations=[Eq(operator(u), manufactured(operator(u), {u: exact}))],
        conditions=[_robin(u, exact, (x, y))],
        reference={u: exact},
        name=name,
        title=title,
        citation=_CITATION,
        published=name,
    )


def heat_disk() -> Problem:
    """u_t = Lap u + f in the unit disk, u + du/dn = g, u = 1 at t = 0; u = 1 + sin(pi x) cos(pi y) sin(pi t), t <= 1.

    Source: Sharma & Shankar (2022), arXiv 2205.09332, section 4.3.
    """
    x, y, t = coordinates("x y t")
    u = unknown("u", x, y, t)
    exact: Expr = 1 + sin(pi * x) * cos(pi * y) * sin(pi * t)
    operator = u.diff(t) - laplacian(u)
    return Problem(
        domain=Disk({x: 0, y: 0}, 1) * Interval(t, 0, 1),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[_robin(u, exact, (x, y)), Initial(u, 1)],
        reference={u: exact},
        name="heat_disk",
        title="The heat equation in a disk",
        citation=_CITATION,
        published="heat_disk",
    )


def poisson_ball() -> Problem:
    """Lap u = f in the unit ball, u + du/dn = g on the sphere; u = 1 + sin(pi x) cos(pi y) cos(pi z).

    Source: code beside Sharma & Shankar (2022), arXiv 2205.09332; no result was published.
    """
    x, y, z = coordinates("x y z")
    u = unknown("u", x, y, z)
    exact: Expr = 1 + sin(pi * x) * cos(pi * y) * cos(pi * z)
    return Problem(
        domain=Ball({x: 0, y: 0, z: 0}, 1),
        equations=[Eq(laplacian(u), manufactured(laplacian(u), {u: exact}))],
        conditions=[_robin(u, exact, (x, y, z))],
        reference={u: exact},
        name="poisson_ball",
        title="Poisson's equation in a ball",
        citation=_CITATION,
        published="poisson_ball",
    )
