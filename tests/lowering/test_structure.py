"""Structure of equations: linear, polynomial, separable."""

import numpy as np
import pytest
import sympy
from sympy import Abs, Piecewise, cos, cosh, exp, log, sin, sqrt, tanh

import spindle as spd
from spindle.lowering.partials import Partial
from spindle.lowering.separation import separate
from spindle.lowering.structure import analyse, structure_of

x, y, z = spd.coordinates("x y z")
u, v = spd.unknown("u v", x, y)
nu = spd.parameter("nu", 0.5)
kappa = spd.given("kappa", lambda x, y: x * y, x, y)
kappa_x = spd.given("kappa", lambda x: x, x)

# expression, number of separated terms; None: it has no such form
SEPARATION = [
    (sympy.Integer(3), 1),
    (sin(x), 1),
    (4 * sin(3 * x) * exp(-y) / (1 + z**2), 1),
    (cos(x + y), 2),
    (sin(x + y + z), 4),
    (cosh(x - y), 2),
    (cos(2 * (x + 2 * y) + 1), 2),
    (sin(200 * (x + y)), 2),
    (sin(x - y) ** 3 * exp(y - x), 4),
    (exp(x - 2 * y), 1),
    (exp(-10 * ((x - sympy.Rational(3, 10)) ** 2 + y**2)), 1),
    ((x + y) * z, 2),
    ((x + y) ** 3, 4),
    (sin(x) * (y + exp(z)) * nu, 2),
    (nu * x + nu**2, 2),
    (Piecewise((1, x > 0), (x, True)) * Abs(y), 1),
    (kappa_x * sin(y), 1),
    (2 ** (x + y), 1),
    (sin(sqrt(x**2 + y**2)), None),
    (exp(x * y), None),
    (1 / (x + y), None),
    (log(1 + x**2 + y**2), None),
    (Piecewise((1, x > y), (0, True)), None),
    (kappa, None),
    (sin(x) + sqrt(x + y), None),
    (kappa - tanh(300 * x - 120), None),
    (tanh(300 * x - 120 * y), None),
]


@pytest.mark.parametrize(("expression", "count"), SEPARATION, ids=str)
def test_separation_finds_sums_of_products(expression, count):
    found = separate(expression, (x, y, z))
    if count is None:
        assert found is None
        return
    assert len(found) == count
    for constant, factors in found:
        assert not constant.free_symbols & {x, y, z}
        assert all(factor.free_symbols & {x, y, z} == {coordinate} for coordinate, factor in factors)
        assert len({coordinate for coordinate, _ in factors}) == len(factors)


@pytest.mark.parametrize("expression", [e for e, count in SEPARATION if count and e != kappa_x * sin(y)], ids=str)
def test_separated_terms_add_up(expression):
    terms = separate(expression, (x, y, z))
    total = sum(constant * sympy.prod(factor for _, factor in factors) for constant, factors in terms)
    values = [
        sympy.lambdify((x, y, z), e.xreplace({nu: sympy.Float(0.5)}), "numpy")(
            *np.random.default_rng(0).normal(size=(3, 50))
        )
        for e in (total, expression)
    ]
    np.testing.assert_allclose(*values, rtol=1e-10, atol=1e-10)


# expression, degree in the unknowns (None: no polynomial), separable
STRUCTURE = {
    "helmholtz": (spd.laplacian(u) + u - sin(x) * y, 1, True),
    "variable coefficient": (spd.div(sin(x) * cos(y) * spd.grad(u)), 1, True),
    "mixed coefficient": (spd.div(exp(x * y) * spd.grad(u)), 1, False),
    "coded coefficient": (kappa * u, 1, False),
    "coded coefficient of one coordinate": (kappa_x * u.diff(y), 1, True),
    "source that does not separate": (spd.laplacian(u) - 1 / (1 + x**2 + y**2), 1, False),
    "burgers": (u * u.diff(x) - nu * u.diff(x, 2), 2, True),
    "convection by another unknown": (v * u.diff(x) + u, 2, True),
    "porous medium": (spd.div(u**3 * spd.grad(u)), 4, True),
    "exponential": (spd.laplacian(u) + exp(u), None, False),
    "minimal surface": (sqrt(1 + u.diff(x) ** 2), None, False),
    "absolute value": (Abs(u.diff(x)), None, False),
    "quotient": (1 / u, None, False),
    "source alone": (sin(x), 0, True),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure_of_equations(name):
    expression, degree, separable = STRUCTURE[name]
    found = structure_of(name, expression, [u, v], (x, y))
    assert (found.degree, found.linear, found.separable) == (degree, degree in (0, 1), separable)


@pytest.mark.parametrize("name", [name for name, (_, degree, separable) in STRUCTURE.items() if separable])
def test_separated_residual_is_the_residual(name):
    """Constant times factors times partials, summed, is the expression again."""
    expression, _, _ = STRUCTURE[name]
    found = structure_of(name, expression, [u, v], (x, y))

    def symbolic(partial):
        return sympy.diff([u, v][partial.unknown], x, partial.orders[0], y, partial.orders[1])

    total = sum(
        term.constant * sympy.prod(f for _, f in term.factors) * sympy.prod(symbolic(p) ** n for p, n in term.powers)
        for term in found.terms
    )
    assert sympy.expand(sympy.expand_trig(total - expression)) == 0


def test_terms_of_a_linear_equation():
    found = structure_of("heat", 2 * u.diff(x, 2) - sin(x) * y * u, [u], (x, y))
    terms = {term.powers: (term.constant, dict(term.factors)) for term in found.terms}
    assert terms == {
        ((Partial(0, (2, 0)), 1),): (2, {}),
        ((Partial(0, (0, 0)), 1),): (-1, {x: sin(x), y: y}),
    }


def test_problems_are_analysed_with_their_conditions():
    problem = spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}),
        {"one": spd.laplacian(u) + u**2},
        [spd.Dirichlet(u, exp(x * y), on="x=0"), spd.Neumann(u, x, on="y=1")],
    )
    found = {s.name: (s.degree, s.separable) for s in analyse(problem)}
    assert found == {"one": (2, True), "dirichlet u": (1, False), "neumann u": (1, True)}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (spd.laplacian(u) - sin(x), "e: linear, 3 separable terms"),
        (u**2 + exp(x * y), "e: polynomial of degree 2, does not separate"),
        (exp(u), "e: not polynomial, does not separate"),
    ],
)
def test_structure_reads_as_a_sentence(expression, text):
    assert str(structure_of("e", expression, [u], (x, y))) == text
