"""The functions of problems: the same values in NumPy and in JAX, or one sentence for all methods."""

import cProfile
import sys

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import pytest
import sympy
from sympy import Derivative, DiracDelta, Eq, Integer, Integral, Mod, Rational, Sum, exp, floor, oo, pi, sin
from sympy.codegen import cfunctions

import spindle as spd
from spindle.symbolic.evaluated import plain
from spindle.symbolic.functions import NUMPY, TABLE, Library, evaluate, without_values
from spindle.symbolic.time_limit import within_limit

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
z, n = sympy.symbols("z n")
JAX = Library(jnp, jax.scipy.special)
POINTS = {x: np.array([0.2, 0.45, 0.8]), y: np.array([0.3, 0.5, 0.9])}

# Functions that are not what they are called with alone.
ARGUMENTS = {
    sympy.atan2: (x, y),
    sympy.Max: (x, y),
    sympy.Min: (x, y),
    sympy.Mod: (3 * x, Rational(1, 2)),
    sympy.erf2: (x, y),
    sympy.polygamma: (2, x),
    sympy.lowergamma: (Rational(5, 2), x),
    sympy.uppergamma: (Rational(5, 2), x),
    sympy.beta: (x, y),
    sympy.zeta: (3 + x, y),
    sympy.expint: (2, x),
    sympy.besselj: (2, 9 * x),
    sympy.besseli: (3, 5 * x),
    sympy.acosh: (1 + x,),
    sympy.asec: (1 + x,),
    sympy.acsc: (1 + x,),
    sympy.acoth: (1 + x,),
    cfunctions.hypot: (x, y),
}

# What SymPy does not evaluate to digits, by what it does.
WITHOUT_DIGITS = {
    sympy.erf2: sympy.erf(y) - sympy.erf(x),
    sympy.erfcinv: sympy.erfinv(1 - x),
    sympy.UnevaluatedExpr: x,
}


def called(function):
    return function(*map(sympy.sympify, ARGUMENTS.get(function, (x,))))


@pytest.mark.parametrize("function", TABLE, ids=lambda f: f.__name__)
def test_both_libraries_have_the_values_of_sympy(function, float64):
    expression = called(function)
    places = [{s: sympy.Float(values[k], 30) for s, values in POINTS.items()} for k in range(3)]
    exact = WITHOUT_DIGITS.get(function, expression)
    truth = [complex(sympy.N(exact.subs(place), 20)).real for place in places]
    np.testing.assert_allclose(evaluate(expression, POINTS), truth, rtol=1e-11)
    np.testing.assert_allclose(evaluate(expression, POINTS, JAX), truth, rtol=1e-9)


SMOOTH = [f for f in TABLE if not called(f).diff(x).has(Derivative, DiracDelta, sympy.Subs, sympy.Heaviside)]


@pytest.mark.parametrize("function", SMOOTH, ids=lambda f: f.__name__)
def test_derivatives_are_in_the_table_too(function):
    """What conditions hold by construction is differentiated: it must not lead out of the table."""
    slope = called(function).diff(x)
    assert not without_values(slope, "It") or function is sympy.zeta
    at = {s: np.asarray(v) for s, v in POINTS.items()}
    near = [evaluate(called(function), at | {x: at[x] + h}) for h in (1e-6, -1e-6)]
    np.testing.assert_allclose(evaluate(slope, at), (near[0] - near[1]) / 2e-6, rtol=1e-4)


@pytest.mark.parametrize("order", [0, 1, 5])
def test_bessel_functions_are_exact_as_far_as_they_have_values(order, float64):
    far = np.array([0.0, 1e-8, 3.0, 77.7, 440.0])
    expected = evaluate(sympy.besselj(order, x), {x: far}, NUMPY)
    np.testing.assert_allclose(expected, [float(sympy.besselj(order, float(v)).evalf()) for v in far], atol=1e-12)
    np.testing.assert_allclose(evaluate(sympy.besselj(order, x), {x: far}, JAX), expected, atol=1e-12)
    assert np.isnan(evaluate(sympy.besselj(order, x), {x: np.array([500.0])}, JAX)).all()


REFUSED = {
    "point source": (DiracDelta(x - 0.5), "`DiracDelta(x - 0.5)`, which has no values at points"),
    "integral": (Integral(exp(-(z**2)) / (2 + sin(z**5)), (z, 0, x)), "for which SymPy finds no closed form"),
    "integral of an unknown": (Integral(u, (x, 0, 1)), "integrals of unknowns are taken in problems of one coordinate"),
    "series": (Sum(sin(n**2 * x) / n, (n, 1, oo)), "for which SymPy finds no closed form"),
    "elliptic": (sympy.elliptic_k(x / 2), "uses `elliptic_k`, which has no counterpart in JAX"),
    "polylogarithm": (sympy.polylog(2, x), "uses `polylog`"),
    "Bessel function of broken order": (sympy.besselj(Rational(1, 3), x), "uses `besselj`"),
    "Bessel function of the second kind": (sympy.bessely(0, x), "uses `bessely`"),
    "Lambert": (sympy.LambertW(x + 1), "uses `LambertW`"),
    "Airy": (sympy.airyai(x), "uses `airyai`"),
    "of an unknown": (sympy.airybi(u), "uses `airybi`"),
    "derivative of a jump": (Derivative(floor(3 * x), x), "differentiates `floor"),
    "derivative of a saw tooth": (Mod(2 * x, 1).diff(x) * u, "differentiates `Mod"),
    "number too large": (Integer(10) ** 400 * x, "which is larger than any number of a computer, above 1.8e308"),
    "tower": (exp(exp(exp(20))) * x + y, "larger than any number of a computer"),
    "no real value": (sympy.acosh(Rational(1, 3)) * x, "has no real value"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_values_is_refused_when_the_problem_is_made(name):
    source, text = REFUSED[name]
    box = spd.Box({x: (0, 1), y: (0, 1)})
    with pytest.raises(spd.ProblemError) as refused:
        spd.Problem(box, [Eq(spd.laplacian(u), source, evaluate=False)], [spd.Dirichlet(u, 0)])
    assert text in str(refused.value)
    assert str(refused.value).count(". ") == 0


# what is written, what it becomes
PLAIN = [
    (Derivative(sin(x) ** 2, x), 2 * sin(x) * sympy.cos(x)),
    (Derivative(x * u, x), x * u.diff(x) + u),
    (Derivative(u, x), u.diff(x)),
    (Integral(exp(-(z**2)), (z, 0, x)), sympy.sqrt(pi) * sympy.erf(x) / 2),
    (1 + y * Integral(z, (z, 0, x)), 1 + y * x**2 / 2),
    (Sum(x**n, (n, 1, 3)), x + x**2 + x**3),
    (sympy.Limit(sin(z * x) / z, z, 0), x),
    (Integer(10) ** 30 * x, Integer(10) ** 30 * x),
    (floor(exp(600)) * x, None),
    (floor(sin(Integer(10) ** 39)) + x, None),
    (pi / 3 * sympy.sqrt(2) * x, pi / 3 * sympy.sqrt(2) * x),
    (sympy.zeta(3) * x, None),
    (sympy.elliptic_k(Rational(1, 2)) * x, None),
    (sympy.Mul(2, x + y, evaluate=False), sympy.Mul(2, x + y, evaluate=False)),
]


@pytest.mark.parametrize(("written", "meant"), PLAIN, ids=lambda e: type(e).__name__)
def test_formulas_are_made_plain(written, meant):
    found = plain(written, "It")
    if meant is not None:
        assert found == meant
    else:
        assert not found.atoms(sympy.Function)
    str(found), sympy.latex(found)


VAST = [Rational(131846099, 136906082), Rational(10**9, 7), Integer(10**6), -Integer(10**30), Rational(-1, 10**12 + 1)]


@pytest.mark.parametrize("exponent", VAST, ids=str)
def test_powers_of_vast_exponents_keep_nobody_busy(exponent):
    """SymPy takes such powers of the numbers in a sum as soon as it asks for the sign of one: 3**136906082 is long."""
    base = (Rational(43775324, 20029587) * x / 10**7 + 929 * y / 7000) ** 2 + 1
    formula = plain(y * base**exponent, "It")
    with cProfile.Profile() as profile:
        slope = formula.diff(x, 2)
        assert slope.is_positive in (None, True)
        slope.as_numer_denom()
    assert sum(entry.callcount for entry in profile.getstats()) < 500_000
    at = {x: np.array([0.2, 0.7]), y: np.array([0.5, 0.9])}
    power = float(exponent)
    inner = evaluate(base, at)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(evaluate(formula, at), at[y] * np.power(inner, power), rtol=1e-9)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize(
    "expression",
    [
        Integer(10) ** 20 * x,
        Integer(3) ** 60 * x / Integer(7) ** 50,
        Rational(10**40 + 1, 10**39) * x,
        x ** Integer(2) ** 12,
        x / Integer(2**33),
        2**33 + x,
        (x + 1) ** Rational(10**20, 3 * 10**20 + 1),
    ],
    ids=str,
)
def test_whole_numbers_of_any_size_are_floats(expression, dtype, float64):
    value = evaluate(expression, {x: jnp.asarray([0.5, 1.0], dtype)}, JAX)
    truth = [float(sympy.N(expression.subs(x, Rational(k, 2)), 20)) for k in (1, 2)]
    assert value.dtype == dtype
    np.testing.assert_allclose(value, truth, rtol=1e-5)


@pytest.mark.parametrize("calls", range(100, 107))
def test_a_bound_that_is_reached_while_python_throws_a_generator_away_is_kept(calls):
    """Of these calls some belong to the closing of a generator, where Python passes an exception to a hook only."""

    def closed():
        try:
            yield
        finally:
            str(calls)
            within()

    def within():
        pass

    def endless():
        for _ in range(200_000):
            for _ in closed():
                break
        return "without a bound"

    hook = sys.unraisablehook
    assert within_limit(endless, calls) is None
    assert sys.unraisablehook is hook
    assert sys.getprofile() is None


def test_a_profiler_that_runs_sees_what_comes_after_the_bound_of_closed_forms():
    """Before Python 3.12 cProfile is no function, so that `sys.setprofile` cannot take it back."""

    def after():
        return 1

    seen, profiler = [], cProfile.Profile()
    profiler.enable()
    assert within_limit(after) == 1
    after()
    profiler.disable()
    assert after.__code__ in [entry.code for entry in profiler.getstats()]
    sys.setprofile(lambda frame, event, argument: seen.append(frame.f_code))
    assert within_limit(lambda: 1) == 1
    after()
    sys.setprofile(None)
    assert after.__code__ in seen
