"""Vector calculus: identities, products, and sources of manufactured solutions."""

import pytest
import sympy
from sympy import Eq, Matrix, Rational, cos, exp, pi, sin, sqrt, zeros

import spindle as sp

t, x, y, z = sp.coordinates("t x y z")
u2, u3, moving = sp.unknown("u", x, y), sp.unknown("u", x, y, z), sp.unknown("u", t, x, y)
v2, v3 = sp.vector("v", x, y), sp.vector("v", x, y, z)

IDENTITIES = {
    "curl grad = 0 in 3-D": (sp.curl(sp.grad(u3)), zeros(3, 1)),
    "curl grad = 0 in 2-D": (sp.curl(sp.grad(u2)), 0),
    "div curl = 0": (sp.div(sp.curl(v3)), 0),
    "laplacian = div grad": (sp.laplacian(u3), sp.div(sp.grad(u3))),
    "curl curl = grad div - laplacian": (sp.curl(sp.curl(v3)), sp.grad(sp.div(v3)) - sp.laplacian(v3)),
    "curl in 2-D": (sp.curl(v2), v2[1].diff(x) - v2[0].diff(y)),
    "dot": (sp.dot(sp.grad(u2), sp.grad(u2)), u2.diff(x) ** 2 + u2.diff(y) ** 2),
    "time is left out of grad": (sp.grad(moving), Matrix([moving.diff(x), moving.diff(y)])),
    "time is left out of laplacian": (sp.laplacian(moving), moving.diff(x, 2) + moving.diff(y, 2)),
    "over names other axes": (sp.grad(moving, over=(t, x)), Matrix([moving.diff(t), moving.diff(x)])),
    "over makes a closed form differentiable": (sp.laplacian(x**2 * y**3, over=(x, y)), 2 * y**3 + 6 * x**2 * y),
    "composite flux expands": (
        sp.div((1 + u2**2) * sp.grad(u2)),
        (1 + u2**2) * sp.laplacian(u2) + 2 * u2 * sp.dot(sp.grad(u2), sp.grad(u2)),
    ),
    "variable coefficient expands": (
        sp.div(sin(x) * sp.grad(u2)),
        sin(x) * sp.laplacian(u2) + cos(x) * u2.diff(x),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity(name):
    left, right = IDENTITIES[name]
    assert (left - right).expand() in (0, zeros(3, 1), zeros(2, 1))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: sp.grad(sympy.Integer(5)), "contains no unknown field"),
        (lambda: sp.div(v3, over=(x, y)), "needs a column vector of 2 components.* got 3"),
        (lambda: sp.div(u2), "needs a column vector of 2 components.* got no"),
        (lambda: sp.curl(Matrix([moving]), over=(x,)), "curl exists in two or three"),
        (lambda: sp.dot(v2, v3), "vectors of 2 and 3 components"),
    ],
)
def test_operators_explain_what_does_not_fit(call, text):
    with pytest.raises(sp.ProblemError, match=text):
        call()


SOLVED = {
    "helmholtz": (sp.laplacian(u3) + u3, {u3: sin(4 * pi * x) * sin(4 * pi * y) * sin(3 * pi * z)}),
    "nonlinear": (sp.div((1 + u2**2) * sp.grad(u2)) - exp(u2), {u2: sqrt(1 + x**2) * cos(y)}),
    "wave": (moving.diff(t, 2) - sp.laplacian(moving) + moving**2, {moving: (x + y) * cos(2 * t) + x * y * sin(2 * t)}),
    "constant": (sp.laplacian(u2) + 3 * u2, {u2: sympy.Integer(2)}),
    "stokes": (sp.laplacian(v2) - sp.grad(u2), {v2[0]: x**2 * y, v2[1]: -x * y**2, u2: x + y}),
}


@pytest.mark.parametrize("name", SOLVED)
def test_manufactured_source_leaves_no_residual(name):
    """SymPy's own substitution of the solution into `operator - source` vanishes."""
    operator, solution = SOLVED[name]
    source = sp.manufactured(operator, solution)
    names = {field.func for field in solution}
    assert not {applied.func for applied in Matrix([source]).atoms(sympy.core.function.AppliedUndef)} & names
    inserted = Matrix([operator - source])
    for field, value in solution.items():
        inserted = inserted.replace(field.func, sympy.Lambda(field.args, value))
    assert inserted.doit().applyfunc(sympy.simplify) == zeros(*inserted.shape)


def test_manufactured_source_is_the_published_one():
    """Cho et al. (2023): q = (1 - 41 pi^2) u for the Helmholtz problem with (4, 4, 3)."""
    operator, solution = SOLVED["helmholtz"]
    assert sympy.expand(sp.manufactured(operator, solution) - (1 - 41 * pi**2) * solution[u3]) == 0


def test_manufactured_takes_vectors_and_keeps_other_unknowns():
    w = sp.unknown("w", x, y)
    assert sp.manufactured(sp.grad(u2), {u2: x * y}) == Matrix([y, x])
    assert sp.manufactured(w * u2.diff(x), {u2: Rational(1, 2) * x**2}) == x * w


def test_manufactured_solution_must_be_closed():
    with pytest.raises(sp.ProblemError, match="still unknown afterwards"):
        sp.manufactured(sp.laplacian(u2), {u2: u2**2})


def test_operators_read_like_an_equation():
    equation = Eq(sp.laplacian(u2), 0)
    assert equation.lhs == u2.diff(x, 2) + u2.diff(y, 2)
