"""Problems whose equations do not separate: a non-polynomial term, and a coefficient that is no product."""

from sympy import Eq, cos, exp, pi, sin, sympify

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.problem import Problem
from spindle.symbolic.operators import div, grad, manufactured
from spindle.symbolic.symbols import coordinates, unknown


def sine_gordon2d(k: float = 2) -> Problem:
    """u_tt - u_xx + sin u = f on [0, 2] x [-1, 1], Dirichlet; u = sin(pi x) cos(k t) + x^2 exp(-t), of CP rank 2.

    Source: manufactured; the equation is that of Scott (1969), Amer. J. Phys. 37.
    """
    t, x = coordinates("t x")
    u = unknown("u", t, x)
    exact = sin(pi * x) * cos(sympify(k) * t) + x**2 * exp(-t)
    operator = u.diff(t, 2) - u.diff(x, 2) + sin(u)
    return Problem(
        domain=Box({t: (0, 2), x: (-1, 1)}),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[Initial(u, exact.subs(t, 0)), Initial(u.diff(t), exact.diff(t).subs(t, 0)), Dirichlet(u, exact)],
        reference={u: exact},
        name="sine_gordon2d",
        title="Sine-Gordon equation",
    )


def variable_coefficient2d(m: int = 2, n: int = 3) -> Problem:
    """-div(a grad u) = f in [0, 1]^2, a = exp(sin(pi x y)), u = sin(m pi x) sin(n pi y) exp(x y), zero on the boundary.

    Source: manufactured; neither the coefficient nor the solution is a finite sum of products.
    """
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact = sin(m * pi * x) * sin(n * pi * y) * exp(x * y)
    operator = -div(exp(sin(pi * x * y)) * grad(u))
    return Problem(
        domain=Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[Dirichlet(u, 0)],
        reference={u: exact},
        name="variable_coefficient2d",
        title="Elliptic equation with a coefficient that does not separate",
    )
