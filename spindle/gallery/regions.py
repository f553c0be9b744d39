"""Domains with holes and curved boundaries: a star, a ring, a plate with holes, a part read from a mesh file."""

from pathlib import Path

from sympy import Eq, Expr, cos, exp, log, pi, sin, sqrt, symbols

from spindle.geometry.domain import Box
from spindle.geometry.shape import Shape
from spindle.geometry.shapes import Curve, Disk, Mesh, shape_of
from spindle.problem.conditions.boundary import Dirichlet, Neumann
from spindle.problem.problem import Problem
from spindle.reference.holes import holes
from spindle.symbolic.operators import dot, grad, laplacian, manufactured
from spindle.symbolic.symbols import coordinates, normal, unknown

_PART = Path(__file__).parent / "data" / "bracket.stl"


def poisson_star(k: float = 1.0) -> Problem:
    """-Lap u = f in a star, du/dn = g on its two holes; u = exp(x/2) sin(k pi x) cos(k pi y).

    Source: manufactured; the star r = 1 + 0.2 sin 5 s is a common test of meshless methods.
    """
    x, y = coordinates("x y")
    s = symbols("s", real=True)
    u = unknown("u", x, y)
    exact: Expr = exp(x / 2) * sin(k * pi * x) * cos(k * pi * y)
    radius = 1 + sin(5 * s) / 5
    star = Curve({x: radius * cos(s), y: radius * sin(s)}, s, (0, 2 * pi), name="star")
    holes = [
        Disk({x: 0.35, y: 0.25}, 0.2, name="upper hole"),
        Disk({x: -0.35, y: -0.25}, 0.15, name="lower hole"),
    ]
    flux = dot(grad(exact, over=(x, y)), normal(x, y))
    return Problem(
        domain=star - holes[0] - holes[1],
        equations=[Eq(-laplacian(u), manufactured(-laplacian(u), {u: exact}))],
        conditions=[Dirichlet(u, exact, on="star"), Neumann(u, flux, on=["upper hole", "lower hole"])],
        reference={u: exact},
        name="poisson_star",
        title="Poisson's equation in a star with holes",
    )


def advection_diffusion_annulus(peclet: float = 20.0) -> Problem:
    """a . grad u = Lap u / Pe between two circles, a = (-y, x); u is a rotating Gaussian hill, made exact by a source.

    Source: manufactured.
    """
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact: Expr = exp(-4 * ((x - 0.5) ** 2 + (y - 0.3) ** 2)) + log(sqrt(x**2 + y**2)) / 4
    operator = -y * u.diff(x) + x * u.diff(y) - laplacian(u) / peclet
    return Problem(
        domain=Disk({x: 0, y: 0}, 1, name="outer") - Disk({x: 0, y: 0}, 0.4, name="inner"),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[
            Dirichlet(u, exact, on="inner"),
            Neumann(u, dot(grad(exact, over=(x, y)), normal(x, y)), on="outer"),
        ],
        reference={u: exact},
        name="advection_diffusion_annulus",
        title="Advection and diffusion between two circles",
    )


def poisson_cad() -> Problem:
    """-Lap u = f in a bracket with a bore, read from an STL file; u given on the surface.

    The file is made of triangles, and they are the domain: the solution is manufactured on it.
    Source: manufactured.
    """
    x, y, z = coordinates("x y z")
    u = unknown("u", x, y, z)
    exact: Expr = sin(pi * x) * cos(pi * y / 2) * exp(z / 2)
    return Problem(
        domain=Mesh((x, y, z), _PART),
        equations=[Eq(-laplacian(u), manufactured(-laplacian(u), {u: exact}))],
        conditions=[Dirichlet(u, exact)],
        reference={u: exact},
        name="poisson_cad",
        title="Poisson's equation in a bracket",
    )


def poisson_holes() -> Problem:
    """Lap u = 0 in a square with four round holes; u = 1 outside, u = 0 on the holes.

    Reference: boundary collocation in series of multipoles, converged. The published finite-element values are coarser.
    Source: Hao et al. (2023), PINNacle, arXiv 2306.08827, Poisson2d-C.
    """

    x, y = coordinates("x y")
    u = unknown("u", x, y)
    domain: Shape = shape_of(Box({x: (-0.5, 0.5), y: (-0.5, 0.5)}))
    names = [f"hole {k}" for k in range(1, 5)]
    for name, (a, b) in zip(names, [(-0.3, -0.3), (-0.3, 0.3), (0.3, -0.3), (0.3, 0.3)], strict=True):
        domain = domain - Disk({x: a, y: b}, 0.1, name=name)
    sides = [name for name in domain.sides if name not in names]
    return Problem(
        domain=domain,
        equations=[Eq(laplacian(u), 0)],
        conditions=[Dirichlet(u, 1, on=sides), Dirichlet(u, 0, on=names)],
        reference={u: holes()},
        name="poisson_holes",
        title="Laplace's equation in a square with four holes",
        citation="Hao et al. (2023), PINNacle, arXiv 2306.08827, Poisson2d-C",
    )
