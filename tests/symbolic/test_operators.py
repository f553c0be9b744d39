"""Vector calculus: identities, products, and sources of manufactured solutions."""

import pytest
import sympy
from sympy import Eq, Matrix, Rational, cos, exp, pi, sin, sqrt, zeros

import spindle as spd

t, x, y, z = spd.coordinates("t x y z")
u2, u3, moving = spd.unknown("u", x, y), spd.unknown("u", x, y, z), spd.unknown("u", t, x, y)
v2, v3 = spd.vector("v", x, y), spd.vector("v", x, y, z)

IDENTITIES = {
    "curl grad = 0 in 3-D": (spd.curl(spd.grad(u3)), zeros(3, 1)),
    "curl grad = 0 in 2-D": (spd.curl(spd.grad(u2)), 0),
    "div curl = 0": (spd.div(spd.curl(v3)), 0),
    "laplacian = div grad": (spd.laplacian(u3), spd.div(spd.grad(u3))),
    "curl curl = grad div - laplacian": (spd.curl(spd.curl(v3)), spd.grad(spd.div(v3)) - spd.laplacian(v3)),
    "curl in 2-D": (spd.curl(v2), v2[1].diff(x) - v2[0].diff(y)),
    "dot": (spd.dot(spd.grad(u2), spd.grad(u2)), u2.diff(x) ** 2 + u2.diff(y) ** 2),
    "time is left out of grad": (spd.grad(moving), Matrix([moving.diff(x), moving.diff(y)])),
    "time is left out of laplacian": (spd.laplacian(moving), moving.diff(x, 2) + moving.diff(y, 2)),
    "over names other axes": (spd.grad(moving, over=(t, x)), Matrix([moving.diff(t), moving.diff(x)])),
    "over makes a closed form differentiable": (spd.laplacian(x**2 * y**3, over=(x, y)), 2 * y**3 + 6 * x**2 * y),
    "composite flux expands": (
        spd.div((1 + u2**2) * spd.grad(u2)),
        (1 + u2**2) * spd.laplacian(u2) + 2 * u2 * spd.dot(spd.grad(u2), spd.grad(u2)),
    ),
    "variable coefficient expands": (
        spd.div(sin(x) * spd.grad(u2)),
        sin(x) * spd.laplacian(u2) + cos(x) * u2.diff(x),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity(name):
    left, right = IDENTITIES[name]
    assert (left - right).expand() in (0, zeros(3, 1), zeros(2, 1))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: spd.grad(sympy.Integer(5)), "contains no unknown field"),
        (lambda: spd.div(v3, over=(x, y)), "needs a column vector of 2 components.* got 3"),
        (lambda: spd.div(u2), "needs a column vector of 2 components.* got no"),
        (lambda: spd.curl(Matrix([moving]), over=(x,)), "curl exists in two or three"),
        (lambda: spd.dot(v2, v3), "vectors of 2 and 3 components"),
    ],
)
def test_operators_explain_what_does_not_fit(call, text):
    with pytest.raises(spd.ProblemError, match=text):
        call()


SOLVED = {
    "helmholtz": (spd.laplacian(u3) + u3, {u3: sin(4 * pi * x) * sin(4 * pi * y) * sin(3 * pi * z)}),
    "nonlinear": (spd.div((1 + u2**2) * spd.grad(u2)) - exp(u2), {u2: sqrt(1 + x**2) * cos(y)}),
    "wave": (
        moving.diff(t, 2) - spd.laplacian(moving) + moving**2,
        {moving: (x + y) * cos(2 * t) + x * y * sin(2 * t)},
    ),
    "constant": (spd.laplacian(u2) + 3 * u2, {u2: sympy.Integer(2)}),
    "stokes": (spd.laplacian(v2) - spd.grad(u2), {v2[0]: x**2 * y, v2[1]: -x * y**2, u2: x + y}),
}


@pytest.mark.parametrize("name", SOLVED)
def test_manufactured_source_leaves_no_residual(name):
    """SymPy's own substitution of the solution into `operator - source` vanishes."""
    operator, solution = SOLVED[name]
    source = spd.manufactured(operator, solution)
    names = {field.func for field in solution}
    assert not {applied.func for applied in Matrix([source]).atoms(sympy.core.function.AppliedUndef)} & names
    inserted = Matrix([operator - source])
    for field, value in solution.items():
        inserted = inserted.replace(field.func, sympy.Lambda(field.args, value))
    assert inserted.doit().applyfunc(sympy.simplify) == zeros(*inserted.shape)


def test_manufactured_source_is_the_published_one():
    """Cho et al. (2023): q = (1 - 41 pi^2) u for the Helmholtz problem with (4, 4, 3)."""
    operator, solution = SOLVED["helmholtz"]
    assert sympy.expand(spd.manufactured(operator, solution) - (1 - 41 * pi**2) * solution[u3]) == 0


def test_manufactured_takes_vectors_and_keeps_other_unknowns():
    w = spd.unknown("w", x, y)
    assert spd.manufactured(spd.grad(u2), {u2: x * y}) == Matrix([y, x])
    assert spd.manufactured(w * u2.diff(x), {u2: Rational(1, 2) * x**2}) == x * w


def test_manufactured_solution_must_be_closed():
    with pytest.raises(spd.ProblemError, match="still unknown afterwards"):
        spd.manufactured(spd.laplacian(u2), {u2: u2**2})


def test_operators_read_like_an_equation():
    equation = Eq(spd.laplacian(u2), 0)
    assert equation.lhs == u2.diff(x, 2) + u2.diff(y, 2)
