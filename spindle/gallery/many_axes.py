"""Poisson's equation in any number of dimensions."""

from sympy import Eq, Rational, pi, prod, sin

from spindle.errors import ProblemError, shown
from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.problem import Problem
from spindle.symbolic.operators import laplacian, manufactured
from spindle.symbolic.symbols import coordinates, unknown


def poisson_nd(d: int = 10) -> Problem:
    """-Lap u = f in [0, 1]^d, u = 0 on the boundary; u = prod sin(pi x_i) + prod sin(2 pi x_i) / 2, of CP rank 2.

    d from 2 to 20. The two products are orthogonal, so that neither hides behind the other, whatever d.
    Raises ProblemError where d is no whole number from 2 to 20.
    Source: manufactured.
    """
    if not (isinstance(d, int) and 2 <= d <= 20):
        raise ProblemError(f"`poisson_nd(d={shown(d)})` needs a whole number of dimensions from 2 to 20.")
    space = coordinates(f"x1:{d + 1}")
    u = unknown("u", *space)
    exact = prod(sin(pi * x) for x in space) + Rational(1, 2) * prod(sin(2 * pi * x) for x in space)
    return Problem(
        domain=Box({x: (0, 1) for x in space}),
        equations=[Eq(-laplacian(u), manufactured(-laplacian(u), {u: exact}))],
        conditions=[Dirichlet(u, 0)],
        reference={u: exact},
        name="poisson_nd",
        title=f"Poisson's equation in {d} dimensions",
    )
