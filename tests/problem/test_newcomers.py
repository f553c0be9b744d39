"""What a newcomer types: calls of a wrong form, symbols of the same name, functions of numbers, values without end.

Each is refused in one sentence that says what to write, or is understood; nothing here trains.
"""

import inspect
import math
import pickle
import re

import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import Eq, cos, sin

import spindle as spd
from spindle.errors import SpindleError, nearest, shown
from spindle.problem.serialize import problem_from_data, problem_to_data
from spindle.symbolic.words import shown as shown_mathematics

t, x, y, z = spd.coordinates("t x y z")
X, Y = sympy.symbols("x y")  # what people write who know SymPy
REAL = sympy.Symbol("x", real=True)
u, v = spd.unknown("u v", x, y)
U = sympy.Function("u")(X, Y)
k = spd.parameter("k", 1.0)
BOX = spd.Box({x: (0, 1), y: (0, 1)})
DISK = spd.Disk({x: 0, y: 0}, 1)
EQUATIONS, CONDITIONS = [Eq(spd.laplacian(u), 1)], [spd.Dirichlet(u, 0)]
PROBLEM = spd.Problem(BOX, EQUATIONS, CONDITIONS)


def on(part, domain=BOX):
    return spd.Problem(domain, EQUATIONS, [spd.Dirichlet(u, 0, on=part)])


WRONG = [
    # the form of a call
    ("spd.Box((0, 1), (0, 1))", "was given 2 values without a name, .*write `spd.Box({x: (0, 1)"),
    ("spd.Box(x=(0, 1))", "`spd.Box(..., x=...)` has no argument called `x`"),
    ("spd.Box()", "`spd.Box` was not given `intervals`"),
    ("spd.Interval(0, 1)", "not given `high`.*write `spd.Interval(x, 0, 1)`"),
    ("spd.Disk(x, y, 1)", "given the centre x, which names no coordinates; write `spd.Disk({x: 0, y: 0}"),
    ("spd.Disk({x: 0, y: 0}, r=1)", "no argument called `r`; write `spd.Disk({x: 0, y: 0}, radius=1)`"),
    ("spd.Disk({x: 0, y: 0}, 1, 'a', 'b')", "was given 4 values without a name, and it takes 3"),
    ("spd.Polygon([(0, 0), (1, 0), (0, 1)])", "not given `vertices`.*write `spd.Polygon((x, y), ["),
    ("spd.Mesh('part.stl')", "not given `surface`"),
    ("spd.SPINN(16)", "`spd.SPINN(16)` does not say what is set.*write `spd.SPINN(width=64)`.*There are: recipe"),
    ("spd.FastLRNR(64, 3)", "`spd.FastLRNR(64, 3)` does not say what is set"),
    ("spd.SPINN(wdth=3)", "no such setting. Did you mean `width`"),
    ("spd.Problem(BOX)", "`spd.Problem` was not given `equations`"),
    ("spd.Problem(BOX, EQUATIONS, boundary_conditions=[])", "no argument called `boundary_conditions`.*you mean `cond"),
    ("spd.Problem(BOX, equation=EQUATIONS)", "Did you mean `equations`?"),
    ("spd.Problem(EQUATIONS, BOX)", "domain=[Eq(u_xx + u_yy, 1)])` is no domain"),
    ("spd.Problem(BOX, EQUATIONS, name=3)", "`spd.Problem(name=3)` is no text"),
    ("spd.Dirichlet()", "not given `expression`.*write `spd.Dirichlet(u, 0, on=Eq(x, 1))`"),
    ("spd.Dirichlet('u', 0)", "was given the text 'u'"),
    ("spd.Dirichlet(u, 0, Eq(x, 0))", "3 values without a name, and it takes 2 and all others by name"),
    ("spd.Neumann(u, 0, where=Eq(x, 0))", "no argument called `where`.*There are: expression, value, on, name"),
    ("spd.Robin(u, 1)", "not given `b`"),
    ("spd.Initial(u, 0, on=Eq(x, 0))", "`spd.Initial(..., on=...)` has no argument"),
    ("spd.Periodic(u)", "not given `axis`.*write `spd.Periodic(u, x)`"),
    ("spd.Observed(u, [[0.5, 0.5]])", "not given `values`"),
    ("spd.Observed(u, [], [])", "no values at all"),
    ("spd.parameter('k', 1, 2, 3)", "4 values without a name"),
    ("spd.parameter('k', bounds=(1, 2))", "no argument called `bounds`"),
    ("spd.unknown()", "not given `names`"),
    ("spd.unknown('u', x, y, real=True)", "no argument called `real`"),
    ("spd.coordinates('x', 'y')", "2 values without a name.*write `x, y = spd.coordinates"),
    ("spd.vector('v', x, y, components=2)", "components=2)` needs a list"),
    ("spd.given('f', u, x)", "needs a function of the coordinates"),
    ("spd.tabulated('f', {x: [0, 1]})", "not given `values`"),
    ("spd.load()", "not given `directory`"),
    ("spd.read_problem(3)", "3, which is no path"),
    ("spd.estimate(PROBLEM)", "the error is that of a solution"),
    ("spd.GridReference(1, 2)", "the axes 1, which name no coordinates"),
    ("PROBLEM.at(1)", "`problem.at` was given 1 value without a name, and it takes none but by name"),
    # vector calculus
    ("spd.grad([u, v])", "the 2 components of [u, v], and it takes a scalar"),
    ("spd.grad('u')", "was given the text 'u'"),
    ("spd.laplacian(Eq(u, 0))", "was given the equation Eq(u, 0)"),
    ("spd.laplacian(u, x, y)", "3 values without a name"),
    ("spd.laplacian(u, 2)", "over=2)` names no coordinates"),
    ("spd.dot(u, v)", "was given u, and it takes two vectors"),
    ("spd.manufactured(u, sin(x))", "given the solution sin(x), and it needs a closed form for each unknown"),
    ("spd.manufactured(u, {'u': sin(x)})", "needs a closed form for each unknown by itself"),
    ("spd.manufactured(u, {u: np.sin})", "given the function sin where a number or a formula belongs"),
    ("u(0, 0)", "`u(0, 0)` takes a field at points.*solution(x=0.5, y=0.5)"),
    # functions of numbers
    ("np.sin(u)", "`numpy.sin(u)` asks for a number.*`sympy.sin(u)`"),
    ("np.exp(x)", "`sympy.exp(x)`"),
    ("np.arctan(k)", "`sympy.atan(k)`"),
    ("np.maximum(u, 0)", "`sympy.Max(u)`"),
    ("math.sin(x)", "`float(x)` asks for a number"),
    ("math.exp(k)", "`float(k)` asks for a number"),
    ("jnp.sin(u)", "not those of math, NumPy or JAX"),
    ("jnp.exp(x)", "not those of math, NumPy or JAX"),
    ("int(x)", "`int(x)` asks for a number"),
    # parts of the boundary
    ("on('y = 1 and x > 0.3')", "relations are joined by SymPy, `on=And(Eq(y, 1), x > 0.3, x < 0.7)`"),
    ("on(sympy.Xor(x > 0.3, y > 0))", "join such relations, `on=And(Eq(y, 1), x > 0.3, x < 0.7)`"),
    ("on(sympy.And(Eq(x, 0), x > 0.3))", "nothing of the boundary of"),
    ("on(~spd.side('hole'))", "this domain has no side `hole`"),
    ("on(~spd.side('hole'), DISK)", "the sides of this domain are circle"),
    ("on(sympy.And(x > 3, y > 0), DISK)", "nothing of the boundary of"),
    ("spd.side(3)", "`spd.side(3)` names no side"),
    ("on(x == 0)", "not `on=x == 0`"),
    ("on(lambda x, y: x == 0)", "given `on=a lambda`, and code is never asked"),
    ("on('x > 0', DISK)", "write a relation without quotes"),
    ("on('edge', DISK)", "the sides of this domain are circle"),
    ("on({x: 0})", "`on={x: 0}`, which does not name a part of the boundary"),
    # domains
    ("BOX | 3", "joins a domain with what is none"),
    ("DISK - 3", "joins a domain with what is none"),
    ("BOX * BOX", "write one box with all intervals"),
    ("DISK * spd.Interval(x, 0, 1)", "needs an interval of time"),
    ("BOX | spd.Box({X: (0, 1), Y: (0, 1)})", "symbols of the same names but of another kind"),
    # what is printed of values without end
    ("spd.Dirichlet(u, np.zeros(10**6))", "`spd.Dirichlet(u, a list of 1,000,000 items)` sets a scalar"),
    ("spd.Dirichlet(u, dict.fromkeys(range(1000)))", "given a dict of 1,000 items where"),
    ("spd.Dirichlet(u, spd.SPINN)", "given the class SPINN where"),
    ("spd.Problem(BOX, [np.zeros((9, 9))])", "given an array of shape (9, 9) where"),
    ("spd.Problem(BOX, EQUATIONS, [spd.Dirichlet])", "given the function Dirichlet, which is no condition"),
    ("spd.SPINN(activation=sin).resolved(PROBLEM)", "activation=the class sin)` needs a word"),
]


@pytest.mark.parametrize(("call", "words"), WRONG, ids=[call for call, _ in WRONG])
def test_wrong_calls_are_answered_in_a_sentence(call, words):
    with pytest.raises(SpindleError) as refused:
        eval(call)
    said = str(refused.value)
    assert re.search(".*".join(map(re.escape, words.split(".*"))), said), said
    assert "\n" not in said and len(said) < 1000 and not re.search("<class|<function|0x", said), said


CALLABLE = [
    name
    for name in spd.__all__
    if callable(getattr(spd, name))
    and not (inspect.isclass(getattr(spd, name)) and name.endswith(("Error", "Warning")))
]


@pytest.mark.parametrize("name", CALLABLE)
def test_every_public_call_of_a_wrong_form_is_a_sentence(name):
    for given, named in ([], {"nonsense_": 1}), ([1] * 30, {"nonsense_": 1}):
        with pytest.raises(SpindleError) as refused:
            getattr(spd, name)(*given, **named)
        assert f"`spd.{name}" in str(refused.value)


def test_signatures_and_other_errors_of_calls_stay():
    assert list(inspect.signature(spd.Dirichlet).parameters) == ["expression", "value", "on", "name"]
    assert list(inspect.signature(spd.Disk).parameters) == ["centre", "radius", "name"]

    def broken(*_):
        raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        spd.given("f", broken, x).func.given(1)


# --------------------------------------------------------------------------------------- what is understood instead

UNDERSTOOD = [
    ([Eq(spd.laplacian(U), X)], [spd.Dirichlet(U, sin(Y))], {U: X}),
    ([Eq(spd.laplacian(u), X)], [spd.Dirichlet(u, sin(Y))], {u: X}),
    ([Eq(u.diff(X, 2) + u.diff("y", 2), REAL)], [spd.Dirichlet(u, sin(y))], {U: REAL}),
    ([Eq(spd.laplacian(u, over=[X, Y]), x)], [spd.Dirichlet(U, sin(Y))], {u: x}),
]


@pytest.mark.parametrize(("equations", "conditions", "reference"), UNDERSTOOD)
def test_symbols_called_as_coordinates_are_these(equations, conditions, reference):
    expected = spd.Problem(BOX, [Eq(spd.laplacian(u), x)], [spd.Dirichlet(u, sin(y))], reference={u: x})
    found = spd.Problem(BOX, equations, conditions, reference=reference)
    assert (found.equations, found.conditions, found.reference) == (
        expected.equations,
        expected.conditions,
        expected.reference,
    )


@pytest.mark.parametrize("part", [Eq(X, 0), [Eq(X, 0)], Eq(0, x), Eq(0, REAL), "x = 0"])
def test_parts_are_named_by_symbols_of_the_same_name(part):
    (piece,) = on(part).pieces["dirichlet u"]
    assert piece.terms[0][0].name == "x=0"


def test_tables_code_and_axes_go_by_name():
    f = spd.tabulated("f", {X: [0, 1], Y: [0, 1]}, [[1, 2], [3, 4]])
    g = spd.given("g", jnp.sin, X)
    found = spd.Problem(BOX, [Eq(spd.laplacian(u), f + g)], [spd.Periodic(u, X)])
    assert found.equations[0].residual.free_symbols == {x, y}
    assert found.conditions[0].axis == x


def test_a_domain_of_plain_symbols_keeps_them():
    found = spd.Problem(spd.Box({X: (0, 1), Y: (0, 1)}), EQUATIONS, CONDITIONS)
    assert found.coordinates == (X, Y) and found.unknowns == (U,)


def test_operators_of_numpy_still_build_expressions():
    assert np.pi * u == float(np.pi) * u and np.float64(2) * x == 2.0 * x
    assert list(np.array([1.0, 2.0]) * k) == [1.0 * k, 2.0 * k]
    assert np.abs(u) == sympy.Abs(u) and np.float64(2) ** x == 2.0**x


def test_coordinates_are_real_symbols_that_can_be_stored():
    assert x.is_real and isinstance(x, sympy.Symbol) and spd.coordinates("x") == x != REAL
    assert pickle.loads(pickle.dumps(x * cos(y))) == x * cos(y)
    kept = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), EQUATIONS, CONDITIONS)
    assert problem_from_data(*problem_to_data(kept)).coordinates == (x, y)
    assert str(3 * x * sin(x) + k) == str(3 * REAL * sin(REAL) + k), "the order of terms is that of SymPy's symbols"


def test_div_and_its_kin_take_lists():
    assert spd.div([u, v]) == u.diff(x) + v.diff(y)
    assert spd.curl((u, v)) == v.diff(x) - u.diff(y)
    assert spd.dot([u, v], spd.grad(u)) == u * u.diff(x) + v * u.diff(y)
    assert spd.laplacian([u, v]) == sympy.Matrix([spd.laplacian(u), spd.laplacian(v)])


# ------------------------------------------------------------------------------------------------- what is printed


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (spd.SPINN(), "SPINN()"),
        (spd.SPINN(rank=16, weights={"equation": 10}), "SPINN(weights={'equation': 10}, rank=16)"),
        (spd.FastLRNR(recipe="paper"), "FastLRNR(recipe='paper')"),
        (PROBLEM, "<Problem problem on Box({x: (0, 1), y: (0, 1)}): [Eq(u_xx + u_yy, 1)] with ['dirichlet u']>"),
        (PROBLEM.equations[0], "<equation: u_xx + u_yy = 1>"),
        (spd.Neumann(u, x, on=Eq(x, 1)), "<neumann u: d_n(u) = x on x=1>"),
        (spd.Observed(u, np.zeros((500, 2)), np.zeros(500)), "<observed u: u observed at 500 points>"),
    ],
)
def test_reprs_are_one_line(thing, text):
    assert repr(thing) == text


def test_values_are_shown_in_a_few_words():
    assert [shown(value) for value in (3, "a", None, [1, 2], np.zeros(0))] == [
        "3",
        "'a'",
        "None",
        "[1, 2]",
        "an array of shape (0,)",
    ]
    assert shown(list(range(10**5))) == "a list of 100,000 items"
    assert len(shown("a" * 10**6)) == len(shown_mathematics(sum(x**n for n in range(200)))) == 80
    assert shown_mathematics([u, Eq(u.diff(x, 2), sin(x))]) == "[u, Eq(u_xx, sin(x))]"
    assert len(str(SpindleError("a" * 10**6))) < 1300
    assert nearest("b7", [f"a{n}" for n in range(1000)]).endswith("a39 and 960 more.")
    assert "Did you mean `Dirichlet`?" in nearest("dirichlet", ["Neumann", "Dirichlet"])


def test_math_refuses_symbols_also_as_sympy_does():
    """Whoever catches the TypeError of SymPy still does."""
    with pytest.raises(TypeError):
        math.sqrt(x)
    with pytest.raises(ValueError):
        math.sqrt(x)
