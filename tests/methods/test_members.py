"""Members of the families on which nothing was tuned, with untouched options: exact solutions are met."""

import pytest
from sympy import Eq, cos, exp, pi, sin

import spindle as spd

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
EXACT = sin(2 * x + 1) * exp(y / 2) + cos(pi * y) * x
BOX = {x: (0.3, 2.1), y: (-1, 0.5)}


def problem(conditions, equation, exact=EXACT):
    return spd.Problem(
        domain=spd.Box(BOX), equations=[equation], conditions=conditions, reference={u: exact}, name="member"
    )


def laplace(exact=EXACT):
    return exact.diff(x, 2) + exact.diff(y, 2)


@pytest.mark.slow
def test_neumann_faces_and_values_on_a_box_that_is_not_symmetric():
    conditions = [
        spd.Dirichlet(u, EXACT, on=Eq(x, 0.3)),
        spd.Neumann(u, EXACT.diff(x), on=Eq(x, 2.1)),
        spd.Neumann(u, -EXACT.diff(y), on=Eq(y, -1)),
        spd.Dirichlet(u, EXACT, on=Eq(y, 0.5)),
    ]
    found = problem(conditions, Eq(spd.laplacian(u) + 3 * u, laplace() + 3 * EXACT))
    assert spd.solve(found, progress=False).error() < 1e-9


@pytest.mark.slow
def test_a_coefficient_that_does_not_separate():
    coefficient = exp(sin(x * y))
    flux = coefficient * EXACT.diff(x, 2) + coefficient.diff(x) * EXACT.diff(x) + EXACT.diff(y, 2)
    equation = Eq(coefficient * u.diff(x, 2) + coefficient.diff(x) * u.diff(x) + u.diff(y, 2), flux)
    assert spd.solve(problem([spd.Dirichlet(u, EXACT)], equation), progress=False).error() < 1e-8
