"""Compiled expressions against SymPy's own evaluation, on clouds and on tensor grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import And, Eq, Max, Min, Ne, Not, Or, Piecewise, Rational, cos, exp, pi, sin, sqrt

import spindle as spd
from spindle.lowering.compile import array_function

x, y = spd.coordinates("x y")
u, v = spd.unknown("u v", x, y)
EXACT = {u: exp(x * y / 2) + sin(3 * x) * y, v: x**3 * y - cos(y)}
nu = spd.parameter("nu", 0.3)
a, b = spd.parameter("a", 1.0, unknown=True), spd.parameter("b", range=(1, 3))
TUNED = {"a": 0.7, "b": 2.5}

# Coded functions with their closed forms, which the truth is computed from.
kappa = spd.given("kappa", lambda x, y: jnp.exp(-x) * y**2, x, y)
gauss = spd.given("lambda", lambda y: jnp.exp(-(y**2)), y)
twin = spd.given("lambda", lambda x: 1 / (1 + x**2), x)
CODED = {kappa: exp(-x) * y**2, gauss: exp(-(y**2)), twin: 1 / (1 + x**2)}


def truth(expression, points):
    """Every coded function and unknown replaced by its closed form; then SymPy in 30 digits, point by point."""
    for applied, value in (CODED | EXACT).items():
        expression = expression.replace(applied.func, sympy.Lambda(applied.args, value))
    constants = {nu: Rational(3, 10), a: Rational(7, 10), b: Rational(5, 2)}
    expression = expression.doit().xreplace(constants)
    return np.array([float(expression.subs({x: p, y: q}).evalf(30)) for p, q in points])


def compiled(expression, coordinates):
    """Our value, given the partials of the exact solution at the same places."""
    unknowns = [u, v]
    function = array_function(expression, (x, y), unknowns, (a, b))

    def value_of(need):
        total = 0
        for partial, coefficient in need.terms:
            exact = sympy.diff(EXACT[unknowns[partial.unknown]], x, partial.orders[0], y, partial.orders[1])
            total = total + coefficient * sympy.lambdify((x, y), exact, "numpy")(*map(np.asarray, coordinates))
        return jnp.asarray(total)

    parameters = {name: jnp.asarray(value) for name, value in TUNED.items()}
    known = [value_of(need) for need in function.needs]
    return jax.jit(lambda *a: function(a[0], dict(zip(function.needs, a[1], strict=True)), a[2]))(
        coordinates, known, parameters
    )


EXPRESSIONS = [
    spd.laplacian(u) + u - sin(pi * x) * y,
    u * u.diff(x) + v * u.diff(y) - nu * spd.laplacian(u),
    spd.div((1 + u**2) * spd.grad(u)),
    spd.curl(sympy.Matrix([u, v])) + spd.laplacian(spd.laplacian(v)),
    a * u.diff(x, y) + b * v.diff(y, 2) + a * b * nu * sin(x),
    2 * u.diff(x) - u.diff(y) / 3 + 4 * (u.diff(x) - v) * (u.diff(x) + 2 * u.diff(y)),
    exp(-u) * sin(v.diff(x)) + sqrt(1 + u.diff(x) ** 2),
    spd.div(kappa * spd.grad(u)) - kappa.diff(x, y) + kappa.diff(y, 2) * v,
    gauss + twin + gauss.diff(y) * twin.diff(x, 2),
    kappa.subs(x, Rational(1, 2)) * u,
    Piecewise((u, x < Rational(1, 2)), (v.diff(x), True)),
    Piecewise((x, y > Rational(1, 2)), (u, True)),
    Piecewise(
        (u, And(x > Rational(1, 4), y > Rational(1, 2), u > 0)),
        (v, Or(x < Rational(1, 3), y < Rational(1, 3))),
        (3, True),
    ),
    Piecewise((sin(x), Not(x > y)), (cos(y), Ne(x, y)), (u, True)) * v,
    Max(u, x) + Min(v, y, Rational(1, 2)) + abs(u.diff(y)),
    sympy.Integer(7),
    x + 0 * y,
    nu + a,
    sympy.erf(u) + sympy.Heaviside(x - Rational(1, 2)) * v + sympy.sign(v),
    sympy.Mul(2, x + u, evaluate=False) + sympy.Add(u, u, evaluate=False),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_compiled_equals_sympy_on_a_cloud(expression, float64, tolerance):
    points = np.random.default_rng(0).uniform(0.05, 0.95, size=(12, 2))
    value = jnp.broadcast_to(compiled(expression, tuple(jnp.asarray(points).T)), (12,))
    np.testing.assert_allclose(value, truth(expression, points), rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_compiled_equals_sympy_on_a_grid(expression, float64, tolerance):
    """Coordinates of shape (n, 1) and (1, m) broadcast, whatever the expression is made of."""
    random = np.random.default_rng(1)
    first, second = random.uniform(0.05, 0.95, size=3), random.uniform(0.05, 0.95, size=4)
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), -1).reshape(-1, 2)
    value = compiled(expression, (jnp.asarray(first)[:, None], jnp.asarray(second)[None, :]))
    expected = truth(expression, grid).reshape(3, 4)
    np.testing.assert_allclose(jnp.broadcast_to(value, (3, 4)), expected, rtol=10 * tolerance, atol=10 * tolerance)


FUNCTIONS = [
    *(
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "atanh",
        "exp",
        "log",
        "Abs",
        "sign",
    ),
    *("erf", "sech", "csch", "coth", "sec", "csc", "cot", "Heaviside", "floor", "ceiling"),
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions(name, float64, tolerance):
    test_compiled_equals_sympy_on_a_grid(getattr(sympy, name)(x * y), float64, tolerance)


@pytest.mark.parametrize("expression", [sympy.atan2(x, y), sympy.acosh(1 + x * y), x**y, Max(x, y, 0.5)], ids=str)
def test_functions_of_two_arguments(expression, float64, tolerance):
    test_compiled_equals_sympy_on_a_grid(expression, float64, tolerance)


def test_what_depends_on_points_alone_is_computed_once():
    """The coefficients hold the source and the variable coefficient; `combine` needs no coordinates for them."""
    calls = []

    def counted(x):
        calls.append(1)
        return x

    source = spd.given("source", counted, x)
    function = array_function(u * sin(x) * cos(y) - source, (x, y), [u])
    points = (jnp.array([0.1, 0.2]), jnp.array([0.3, 0.4]))
    coefficients = function.coefficients(points)
    before = len(calls)
    (need,) = function.needs
    for value in (1.0, 2.0):
        result = function.combine(coefficients, points, {need: jnp.full(2, value)}, {})
        np.testing.assert_allclose(result, value * np.sin(points[0]) * np.cos(points[1]) - points[0], rtol=1e-6)
    assert len(calls) == before


def test_estimated_parameters_are_differentiable(float64, tolerance):
    function = array_function(a * u.diff(x) - a**2 * x, (x, y), [u], (a,))
    points = (jnp.array([0.5]), jnp.array([0.25]))
    known = {function.needs[0]: jnp.array([3.0])}
    slope = jax.grad(lambda value: function(points, known, {"a": value})[0])(0.7)
    assert slope == pytest.approx(3 - 2 * 0.7 * 0.5, rel=tolerance)


def test_what_jax_does_not_have_is_named():
    with pytest.raises(
        spd.ProblemError, match=r"uses `bessely`, which has no counterpart in JAX.*`spd.given\(\"bessely\""
    ):
        array_function(sympy.bessely(0, x), (x,))


def test_equalities_are_conditions_too(float64):
    value = array_function(Piecewise((1, Eq(x, y)), (2, True)), (x, y))(
        (jnp.array([0.0, 1.0]), jnp.array([0.0, 2.0])), {}
    )
    assert list(value) == [1, 2]
