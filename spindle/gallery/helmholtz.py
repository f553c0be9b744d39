"""Helmholtz equation in a cube with homogeneous walls and a manufactured solution."""

from sympy import Eq, pi, sin, sympify

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.problem import Problem
from spindle.symbolic.operators import laplacian, manufactured
from spindle.symbolic.symbols import coordinates, unknown


def helmholtz3d(a1: int = 4, a2: int = 4, a3: int = 3, k: float = 1) -> Problem:
    """Lap u + k^2 u = q in [-1, 1]^3, u = 0 on the boundary; u = sin(a1 pi x) sin(a2 pi y) sin(a3 pi z), of CP rank 1.

    Source: Cho et al. (2023), arXiv 2306.15969, section 4 (a = (4, 4, 3), k = 1).
    """
    x, y, z = coordinates("x y z")
    u = unknown("u", x, y, z)
    exact = sin(a1 * pi * x) * sin(a2 * pi * y) * sin(a3 * pi * z)
    operator = laplacian(u) + sympify(k) ** 2 * u
    return Problem(
        domain=Box({x: (-1, 1), y: (-1, 1), z: (-1, 1)}),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[Dirichlet(u, 0)],
        reference={u: exact},
        name="helmholtz3d",
        title="Helmholtz equation in a cube",
        citation="Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS",
    )
