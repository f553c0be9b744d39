"""Poisson's equation on a square, and on an L-shape."""

from sympy import Eq, pi, sin

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.problem import Problem
from spindle.reference.lshape import lshape
from spindle.symbolic.operators import laplacian, manufactured
from spindle.symbolic.symbols import coordinates, unknown


def poisson2d(m: int = 1, n: int = 1) -> Problem:
    """-Lap u = f on [0, 1]^2, u = 0 on the boundary; u = sin(m pi x) sin(n pi y).

    Source: a textbook problem; no single origin.
    """
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact = sin(m * pi * x) * sin(n * pi * y)
    return Problem(
        domain=Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(-laplacian(u), manufactured(-laplacian(u), {u: exact}))],
        conditions=[Dirichlet(u, 0)],
        reference={u: exact},
        name="poisson2d",
        title="Poisson's equation on a square",
    )


def poisson_lshape() -> Problem:
    """-Lap u = 1 on [-1, 1]^2 without [0, 1]^2, u = 0 on the boundary; the gradient is singular at the inner corner.

    Reference: method of particular solutions. The file that is usually compared with is off by 10 % in relative L2.
    Source: Cho et al. (2023), arXiv 2306.15969, appendix; the domain goes back to Fox, Henrici & Moler (1967).
    """
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    return Problem(
        domain=Box({x: (-1, 0), y: (-1, 1)}) | Box({x: (0, 1), y: (-1, 0)}),
        equations=[Eq(-laplacian(u), 1)],
        conditions=[Dirichlet(u, 0)],
        reference={u: lshape()},
        name="poisson_lshape",
        title="Poisson's equation on an L-shape",
        citation="Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS",
        published="poisson_lshape",
    )
