"""Patterns on a periodic square: Gray-Scott, and the complex Ginzburg-Landau equation."""

from sympy import Eq, Rational, exp

from spindle.geometry.domain import Box
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.reference.patterns import ginzburg_landau as ginzburg_landau_reference
from spindle.reference.patterns import gray_scott as gray_scott_reference
from spindle.symbolic.operators import laplacian
from spindle.symbolic.symbols import coordinates, unknown

_CITATION = "Wang, Li, Chen & Perdikaris (2024), PirateNets, arXiv 2402.00326"


def gray_scott() -> Problem:
    """u_t = Lap u / 5 + 40 (1 - u) - 1000 u v^2, v_t = Lap v / 10 - 100 v + 1000 u v^2 on [0, 2] x [-1, 1]^2, periodic.

    A spot of v in a hole of u divides and grows into stripes. The data, Gaussians, disagree by 1e-4 at opposite sides.
    Reference: Fourier series, exponential time differencing, right to 2e-8.
    Published best: 3.6e-3 (the mean over u and v), in the source.
    Source: Wang, Li, Chen & Perdikaris (2024), arXiv 2402.00326; Pearson (1993), Science 261.
    """
    t, x, y = coordinates("t x y")
    u, v = unknown("u v", t, x, y)
    consumed = 1000 * u * v**2
    a, b = Rational(1, 20), Rational(1, 50)
    solved = gray_scott_reference()
    return Problem(
        domain=Box({t: (0, 2), x: (-1, 1), y: (-1, 1)}),
        equations=[
            Eq(u.diff(t), laplacian(u) / 5 + 40 * (1 - u) - consumed),
            Eq(v.diff(t), laplacian(v) / 10 - 100 * v + consumed),
        ],
        conditions=[
            Initial(u, 1 - exp(-10 * ((x + a) ** 2 + (y + b) ** 2))),
            Initial(v, exp(-10 * ((x - a) ** 2 + (y - b) ** 2))),
            *(Periodic(field, axis) for field in (u, v) for axis in (x, y)),
        ],
        reference={u: solved["u"], v: solved["v"]},
        name="gray_scott",
        title="Gray-Scott equations",
        citation=_CITATION,
    )


def ginzburg_landau() -> Problem:
    """A_t = Lap A / 250 + 10 A - 10 (1 + 1.5 i) |A|^2 A on [0, 1] x [-1, 1]^2, periodic, A = u + i v; a spiral.

    A(0) = 10 (y + i x) exp(-25 (x^2 + y^2)).
    Reference: Fourier series, exponential time differencing, right to 2e-8.
    Published best: 1.5e-2 (the mean over u and v), in the source.
    Source: Wang, Li, Chen & Perdikaris (2024), arXiv 2402.00326.
    """
    t, x, y = coordinates("t x y")
    u, v = unknown("u v", t, x, y)
    size, bump = u**2 + v**2, 10 * exp(-25 * (x**2 + y**2))
    twist = Rational(3, 2)
    solved = ginzburg_landau_reference()
    return Problem(
        domain=Box({t: (0, 1), x: (-1, 1), y: (-1, 1)}),
        equations={
            "real": Eq(u.diff(t), laplacian(u) / 250 + 10 * u - 10 * size * (u - twist * v)),
            "imaginary": Eq(v.diff(t), laplacian(v) / 250 + 10 * v - 10 * size * (v + twist * u)),
        },
        conditions=[
            Initial(u, y * bump),
            Initial(v, x * bump),
            *(Periodic(field, axis) for field in (u, v) for axis in (x, y)),
        ],
        reference={u: solved["u"], v: solved["v"]},
        quantities={"density": size},
        name="ginzburg_landau",
        title="Complex Ginzburg-Landau equation",
        citation=_CITATION,
    )
