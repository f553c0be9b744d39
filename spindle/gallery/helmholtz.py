"""Helmholtz equation with homogeneous walls and a manufactured solution: in a cube, and at a high frequency."""

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


def helmholtz_high(a: int = 24) -> Problem:
    """Lap u + k^2 u = -k^2 u0 in [0, 1]^2, u = 0 on the boundary, k = a pi = 24 pi; u = u0 = sin(k x) sin(k y).

    Published best: 7.9e-3 in 11 s on an RTX 4090, Xiong et al. (2025), arXiv 2508.00628; 2.6e-12 by least squares with
    random Fourier features, Yang & He (2026), arXiv 2605.31027.
    Source: manufactured, with the wave number of Xiong et al.
    """
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact = sin(a * pi * x) * sin(a * pi * y)
    operator = laplacian(u) + (a * pi) ** 2 * u
    return Problem(
        domain=Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[Dirichlet(u, 0)],
        reference={u: exact},
        name="helmholtz_high",
        title="Helmholtz equation at a high frequency",
        citation="Xiong et al. (2025), Separated-variable spectral neural networks, arXiv 2508.00628",
    )
