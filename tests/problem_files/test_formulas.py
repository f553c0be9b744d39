"""Formulas: what is printed is read again as the same expression, and nothing but a sentence refuses."""

import json

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sympy import Float, Matrix, Piecewise, Rational, cos, exp, pi, sin
from sympy.printing.str import StrPrinter

import spindle as spd
from spindle.problem_files.formulas import equation, formula
from spindle.problem_files.grammar import parse
from spindle.problem_files.names import Names
from spindle.problem_files.source import Entry, open_source
from spindle.symbolic.evaluated import plain

t, x, y = spd.coordinates("t x y")
u, v = spd.unknown("u v", t, x, y)
k = spd.parameter("k", 2.0)
kappa = spd.tabulated("kappa", {x: [0, 0.5, 1], y: [0, 1]}, [[1, 2], [3, 4], [5, 6.5]])
DOMAIN = spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)})


def names() -> Names:
    found = Names()
    found.known |= {"t": t, "x": x, "y": y, "u": u, "v": v, "k": k, "kappa": kappa}
    found.settle(DOMAIN)
    return found


NAMES = names()


def entry(folder, text) -> Entry:
    """A text as the value of a file."""
    path = folder / "formula.toml"
    path.write_text(f"f = {json.dumps(text)}", encoding="utf-8")
    return open_source(path).entry("f")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    return lambda text: formula(entry(tmp_path_factory.getbasetemp(), text), names(), "")


# ------------------------------------------------------------------------------------------- what formulas mean

MEANINGS = [
    ("2*x^2 - y/3", 2 * x**2 - y / 3),
    ("-x^2", -(x**2)),
    ("2^3^2", sympy.Integer(512)),
    ("2**-1", Rational(1, 2)),
    ("x - -y", x + y),
    ("- - x", x),
    ("--x*+y", x * y),
    ("x/y/2", x / y / 2),
    ("x/(2*y)", x / (2 * y)),
    ("1.5e-3*x", Float(1.5e-3) * x),
    (".5", Float(0.5)),
    ("5.", Float(5.0)),
    ("sqrt(2)/2 + pi", sympy.sqrt(2) / 2 + pi),
    ("exp(-k*t)*sin(3*x)", exp(-k * t) * sin(3 * x)),
    ("atan2(y, x) + log(1 + x)", sympy.atan2(y, x) + sympy.log(1 + x)),
    ("max(x, y, 0.5) - min(x, t)", sympy.Max(x, y, 0.5) - sympy.Min(x, t)),
    ("abs(x - 0.5) + sign(y) + heaviside(t)", sympy.Abs(x - 0.5) + sympy.sign(y) + sympy.Heaviside(t)),
    ("floor(3*x) + ceiling(y) + erf(t)", sympy.floor(3 * x) + sympy.ceiling(y) + sympy.erf(t)),
    ("diff(u, x)", u.diff(x)),
    ("diff(u, x, 2, y)", u.diff(x, 2, y)),
    ("diff(u^2, t)", 2 * u * u.diff(t)),
    ("diff(sin(x*y), x, 3)", sin(x * y).diff(x, 3)),
    ("diff([u, x^2], x)", Matrix([u.diff(x), 2 * x])),
    ("laplacian(u)", u.diff(x, 2) + u.diff(y, 2)),
    ("laplacian([u, v])", spd.laplacian(Matrix([u, v]))),
    ("div((1 + u^2)*grad(u))", spd.div((1 + u**2) * spd.grad(u))),
    ("div(kappa*grad(u))", spd.div(kappa * spd.grad(u), over=(x, y))),
    ("curl([u, v])", v.diff(x) - u.diff(y)),
    ("dot([u, v], grad(u))", u * u.diff(x) + v * u.diff(y)),
    ("[u, v]/k - 2*[x, y]", Matrix([u / k - 2 * x, v / k - 2 * y])),
    ("dot(normal, grad(u))", spd.dot(spd.normal(x, y), spd.grad(u))),
    ("piecewise(1, x < 1/2, 2)", Piecewise((1, x < Rational(1, 2)), (2, True))),
    (
        "piecewise(x, x > 0.2 and y <= 0.3, t, not t >= 0.1, 0)",
        Piecewise((x, (x > 0.2) & (y <= 0.3)), (t, t < 0.1), (0, True)),
    ),
    (" x\n + \t y ", x + y),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_formulas_mean_what_sympy_writes(read, text, meaning):
    assert read(text) == meaning


def test_both_sides_of_an_equation_are_read(tmp_path):
    assert equation(entry(tmp_path, "u = x = y".replace("= y", "")), names(), "") == (u, x)
    assert equation(entry(tmp_path, "u = manufactured"), names(), "") == (u, None)


# -------------------------------------------------------------------------------------------------- round trips


class Written(StrPrinter):
    """SymPy's own text, in the words of problem files."""

    def _print_AppliedUndef(self, e):
        return e.func.__name__

    def _print_Derivative(self, e):
        orders = ", ".join(f"{c}, {n}" if n > 1 else str(c) for c, n in e.variable_count)
        return f"diff({self._print(e.expr)}, {orders})"

    def _print_Function(self, e):
        arguments = e.args[:1] if isinstance(e, sympy.Heaviside) else e.args
        return f"{e.func.__name__.lower()}({', '.join(map(self._print, arguments))})"

    _print_Abs = _print_Max = _print_Min = _print_Heaviside = _print_Function

    def _print_Float(self, e):
        return repr(float(e))

    def _print_And(self, e):
        return " and ".join(map(self._print, e.args))

    def _print_Exp1(self, e):
        return "exp(1)"

    def _print_Piecewise(self, e):
        parts = [self._print(part) for pair in e.args for part in pair]
        return f"piecewise({', '.join(parts[:-1])})"


LEAVES = st.one_of(
    st.sampled_from([t, x, y, pi, k, u, v, u.diff(x), v.diff(x, 2, y), kappa]),
    st.integers(-9, 9).map(sympy.Integer),
    st.fractions(-3, 3, max_denominator=7).map(lambda q: Rational(q.numerator, q.denominator)),
    st.integers(-999, 999).map(lambda n: Float(n / 16)),
)
FUNCTIONS = [sin, cos, exp, sympy.tanh, sympy.atan, sympy.asinh, sympy.erf, sympy.Abs, sympy.sign, sympy.Heaviside]


def grow(smaller):
    return st.one_of(
        st.tuples(smaller, smaller).map(lambda pair: pair[0] + pair[1]),
        st.tuples(smaller, smaller).map(lambda pair: pair[0] * pair[1]),
        st.tuples(smaller, smaller).map(lambda pair: pair[0] / (1 + pair[1] ** 2)),
        st.tuples(smaller, st.sampled_from([2, 3, -1, Rational(3, 2)])).map(lambda pair: (2 + pair[0] ** 2) ** pair[1]),
        st.tuples(st.sampled_from(FUNCTIONS), smaller).map(lambda pair: pair[0](pair[1])),
        st.tuples(smaller, smaller).map(lambda pair: sympy.Max(x * y, cos(x)) * pair[0] + pair[1]),
        smaller.map(lambda e: Piecewise((e, (x > 0) & (y < Rational(1, 2))), (e**2, True))),
    )


@settings(max_examples=120)
@given(st.recursive(LEAVES, grow, max_leaves=8))
@example(-(x + y) * sin(x))
@example(2 * (x + y) * sin(x) / 3)
@example(sympy.sqrt(2) * x ** Rational(-3, 2))
def test_what_is_printed_is_read_as_the_same(read, expression):
    assume(not expression.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I))
    try:
        found = read(Written({"full_prec": True}).doprint(expression))
    except spd.ProblemError as refused:
        assume("too long here" not in str(refused) and "than any number" not in str(refused))
        raise
    # Constants of functions that SymPy does not know the values of are numbers once they are read.
    assert found == plain(expression, "text")


@settings(max_examples=60)
@given(st.recursive(LEAVES, grow, max_leaves=6))
def test_samples_are_the_values_of_the_expression(expression):
    found = NAMES.limits.samples.of(expression)
    assert (found is None) == bool(expression.atoms(sympy.Function) & {u, v} or expression.has(u, v))
    if found is None:
        return
    points = [NAMES.limits.samples.points[c] for c in (t, x, y)]
    lambdified = sympy.lambdify([t, x, y], expression.subs(k, 2), [{"kappa": kappa.func.given}, "scipy", "numpy"])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, lambdified(*points) + np.zeros(len(found)), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------------------------- any text at all

WORDS = ["x", "u", "k", "sin", "exp", "diff", "laplacian", "grad", "div", "curl", "dot", "dn", "normal", "piecewise"]
WORDS += ["max", "abs", "sqrt", "(", ")", "[", "]", "+", "-", "*", "/", "^", "**", ",", "=", "<", ">=", "and", "not"]
WORDS += ["0", "1", "2", "0.5", "1e3", "9", "99", "manufactured", "kappa", "pi", " ", "\n", "é", ";", "import", "__"]


@settings(max_examples=300)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), st.text(max_size=12)))
def test_any_text_is_a_formula_or_is_refused(tmp_path_factory, text):
    refused = []

    def refuse(sentence, at):
        assert 0 <= at <= len(text)
        refused.append(sentence)
        return spd.ProblemError(sentence)

    try:
        parse(text, refuse)
    except spd.ProblemError:
        assert refused
        return
    try:
        formula(entry(tmp_path_factory.getbasetemp(), text), NAMES, "")
    except spd.ProblemError as error:
        assert ", line 1, column " in str(error)
