"""Problems as data and back; and what reading does with data that nobody wrote."""

import contextlib
import json

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sympy import Eq, Float, Piecewise, Rational, exp, pi, sin

import spindle as spd
from spindle.problem.publication import StoredSettings
from spindle.problem.serialize import decode, encode, problem_from_data, problem_to_data

t, x, y = spd.coordinates("t x y")
u, v = spd.unknown("u v", t, x)
w = spd.unknown("w", x, y)
nu = spd.parameter("nu", 0.01, unknown=True)
kappa = spd.given("kappa", lambda x, y: x * y, x, y)


def through_json(data):
    return json.loads(json.dumps(data, allow_nan=False))


def again(problem, functions=None):
    data, arrays = problem_to_data(problem)
    return problem_from_data(through_json(data), arrays, functions)


# ---------------------------------------------------------------------------------------------------- expressions

LEAVES = st.one_of(
    st.sampled_from([x, y, pi, sympy.E, w, w.diff(x), w.diff(x, 2, y), nu, spd.parameter("beta", range=(0, 1)), kappa]),
    st.integers(-9, 9).map(sympy.Integer),
    st.fractions(-3, 3, max_denominator=7).map(lambda q: Rational(q.numerator, q.denominator)),
    st.floats(-1e6, 1e6).map(Float),
    st.floats(-3, 3).map(lambda number: Float(number, 30) / 3),
)
ONE_ARGUMENT = ["sin", "cos", "tanh", "atan", "asinh", "exp", "Abs", "sign", "Heaviside", "erf", "floor", "sech"]


def grow(smaller):
    return st.one_of(
        st.tuples(smaller, smaller).map(lambda pair: pair[0] + pair[1]),
        st.tuples(smaller, smaller).map(lambda pair: pair[0] * pair[1]),
        st.tuples(smaller, st.sampled_from([2, 3, -1, Rational(1, 2)])).map(lambda pair: pair[0] ** pair[1]),
        st.tuples(st.sampled_from(ONE_ARGUMENT), smaller).map(lambda pair: getattr(sympy, pair[0])(pair[1])),
        st.tuples(smaller, smaller).map(lambda pair: sympy.Max(x * y, sympy.cos(x)) * pair[0] + pair[1]),
        smaller.map(lambda e: Piecewise((e, (x > 0) & (y < Rational(1, 2))), (1, sympy.Ne(x, y)), (e**2, True))),
    )


@settings(max_examples=80)
@given(st.recursive(LEAVES, grow, max_leaves=6))
@example(sympy.Mul(2, x + y, evaluate=False) + sympy.Pow(4, Rational(1, 2), evaluate=False))
@example(Float("0.1", 40))
@example(Eq(w, 0, evaluate=False))
@example(sympy.besselj(0, x))
def test_expressions_come_back_equal(expression):
    assume(not expression.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I))
    back = decode(through_json(encode(expression)), {"kappa": kappa.func.given})
    assert back == expression
    assert sympy.srepr(back) == sympy.srepr(expression)


def test_what_cannot_be_written_is_named():
    with pytest.raises(spd.RunError, match=r"`Integral` in `Integral\(x, x\)` cannot be written to a file"):
        encode(sympy.Integral(x))


def test_code_is_stored_by_name_and_handed_in_again():
    stored = through_json(encode(kappa.subs(x, 0) + kappa.diff(x)))
    back = decode(stored, {"kappa": kappa.func.given})
    assert back == kappa.subs(x, 0) + kappa.diff(x)
    with pytest.raises(spd.RunError, match=r"uses the coded function `kappa`.*hand it in, `given="):
        decode(stored)


# ------------------------------------------------------------------------------------------------------- problems

HEAT = spd.Problem(
    domain=spd.Box({t: (0, 1), x: (-pi, Rational(1, 3))}),
    equations={"heat": Eq(u.diff(t), nu * u.diff(x, 2) + Float("0.1", 25)), "other": Eq(v.diff(x), exp(-u) * sin(x))},
    conditions=[
        spd.Initial(u, sin(x)),
        spd.Initial(v.diff(t), Piecewise((1, x > 0), (x, True))),
        spd.Dirichlet(u, 0, on=["x=-pi", Eq(x, Rational(1, 3))]),
        spd.Robin(v, 2, nu, t, on=Eq(x, -pi), name="radiation"),
        spd.Periodic(v, x),
    ],
    reference={u: sin(x) * exp(-t), v: 0},
    name="heat",
    title="Heat",
    citation="Fourier (1822)",
    notes="Two unknowns.",
    published=StoredSettings({"spinn": {"points": 64, "weights": {"initial u": 10.0}}, "omit": ["initial v_t"]}),
)
ROOM = spd.Problem(
    domain=spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Box({x: (0, 1), y: (0, 1)}),
    equations=[spd.laplacian(w) + kappa * w],
    conditions=[
        spd.Dirichlet(w, 0, on=(Eq(x, 0), Eq(y, 1))),
        spd.Observed(w, {x: [-0.5, 0.5], y: [0.25, -0.5]}, [1, 2], noise=1),
        spd.Observed(w.diff(x), np.array([[-0.5, 0.5]]), [0.125]),
    ],
    reference={
        w: spd.GridReference(
            {"x": np.linspace(-1, 1, 3), "y": np.array([-1, 0.1])},
            np.array([[1, 2], [3, np.nan], [5, 6]]),
            1e-6,
            "a solver",
        )
    },
)
FAMILY = spd.Problem(spd.Interval(x, 0, 1), [spd.parameter("beta", range=(1, 3)) * spd.unknown("f", x).diff(x)])
PROBLEMS = {
    "heat": HEAT,
    "room": ROOM,
    "family": FAMILY,
    "member": FAMILY.at(beta=2),
    "named": HEAT.named("heat", {"k": 2}),
}


def same(one, other):
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, spd.GridReference):
        return same(vars(one), vars(other))
    return one == other and type(one) is type(other)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_come_back_equal(name):
    problem = PROBLEMS[name]
    back = again(problem, {"kappa": kappa.func.given})
    for words in ("name", "title", "citation", "notes", "unknowns", "parameters", "published", "origin"):
        assert getattr(back, words) == getattr(problem, words), words
    assert [(e.name, e.residual, e.written) for e in back.equations] == [
        (e.name, e.residual, e.written) for e in problem.equations
    ]
    assert back.domain.coordinates == problem.domain.coordinates
    assert back.domain.boxes == problem.domain.boxes
    assert back.domain.faces == problem.domain.faces
    assert getattr(back.domain, "symbolic_bounds", None) == getattr(problem.domain, "symbolic_bounds", None)
    assert len(back.conditions) == len(problem.conditions)
    for one, other in zip(back.conditions, problem.conditions, strict=True):
        assert type(one) is type(other)
        kept = {k: v for k, v in vars(other).items() if k != "on"}
        assert same({k: v for k, v in vars(one).items() if k != "on"}, kept), other.name
        places = [[(t[0], t[1]) for p in c.pieces(problem.domain) for t in p.terms] for c in (one, other)]
        for (where, expression), (expected, written) in zip(*places, strict=True):
            assert expression == written
            assert where == expected or same(vars(where), vars(expected)), other.name
    assert list(back.reference) == list(problem.reference)
    assert all(same(back.reference[k], problem.reference[k]) for k in problem.reference)
    assert through_json(problem_to_data(back)[0]) == through_json(problem_to_data(problem)[0])


# ------------------------------------------------------------------------------------------------ hostile data


def nested(depth):
    data = ["pi"]
    for _ in range(depth):
        data = ["sin", data]
    return data


SYMBOL = ["symbol", "x", True]
DAMAGED = [
    *([], {}, None, 5, 1.5, True, "sin", "x + 1", [[]], [None], [["sin"], SYMBOL], {"sin": 1}),
    *(["nothing", SYMBOL], ["__import__", "os"], ["lambdify", SYMBOL], ["Lambda", SYMBOL, SYMBOL], ["Subs", SYMBOL]),
    *(["sin"], ["sin", "x"], ["sin", 5], ["sin", SYMBOL, SYMBOL], ["sin", ["sin", ["sin"]]], ["Add", ["Tuple"]]),
    *(["symbol"], ["symbol", 5, True], ["symbol", "", True], ["symbol", "x"], ["symbol", ["x"], True]),
    *(["integer"], ["integer", "x"], ["integer", 1.5], ["integer", "1/2"], ["integer", "9" * 5000], ["integer", True]),
    *(["rational", "1", "0"], ["rational", "1", "-2"], ["rational", "a", "b"]),
    *(
        ["float"],
        ["float", "nan", "0x1", 53],
        ["float", "0x1", "0x0", 53],
        ["float", "0x1", "0x1", "53"],
        ["float", 1.5],
    ),
    *(["parameter", "nu"], ["parameter", "nu", "1", False, None], ["parameter", "nu", None, False, None]),
    *(
        ["parameter", "nu", 1.0, "yes", None],
        ["parameter", "nu", None, False, [1.0]],
        ["parameter", 5, 1.0, False, None],
    ),
    *(["function"], ["function", "", SYMBOL], ["function", 5, SYMBOL], ["given", ["f"], SYMBOL], ["given"]),
    *(["Derivative", SYMBOL, ["integer", "2"]], ["Piecewise"], ["Piecewise", SYMBOL], ["ExprCondPair", SYMBOL, ["pi"]]),
    *(["Equality", SYMBOL], ["Pow", SYMBOL], ["And", ["pi"]], ["Max", SYMBOL, ["true"]], ["Mul", SYMBOL, ["true"]]),
    nested(100_000),
]


@pytest.mark.parametrize("data", DAMAGED, ids=[str(k) for k in range(len(DAMAGED))])
def test_damaged_expressions_are_refused(data):
    with pytest.raises(spd.RunError, match=r"unknown head|damaged|hand it in"):
        decode(data)


def texts_replaced(data, text):
    """All ways to replace one part of nested lists by a text."""
    yield text
    if isinstance(data, list):
        for k, part in enumerate(data):
            for changed in texts_replaced(part, text):
                yield [*data[:k], changed, *data[k + 1 :]]


def test_text_is_never_executed(tmp_path):
    """Code in any place of any expression is a name or an error, never run."""
    trace = tmp_path / "executed"
    code = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    seeds = [sin(x) ** 2 + Rational(1, 3), nu * w.diff(x, 2), Piecewise((1, x > 0), (Float(0.5), True)), kappa + pi]
    for seed in seeds:
        for data in texts_replaced(through_json(encode(seed)), code):
            with contextlib.suppress(spd.RunError):
                decode(data, {"kappa": kappa.func.given, code: kappa.func.given})
    assert not trace.exists()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=True), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
        st.tuples(
            st.sampled_from(
                ["sin", "Add", "Mul", "Pow", "Max", "Derivative", "Tuple", "Piecewise", "function", "Not", "LessThan"]
            ),
            inner,
            inner,
        ).map(list),
        st.just(SYMBOL),
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(JSON)
def test_anything_is_an_expression_or_refused(data):
    with contextlib.suppress(spd.RunError):
        assert isinstance(decode(data), sympy.Basic)


def without(data, key):
    return {k: v for k, v in data.items() if k != key}


@pytest.mark.parametrize(
    "damage",
    [
        *(
            lambda data, key=key: without(data, key)
            for key in ("domain", "equations", "conditions", "reference", "name")
        ),
        lambda data: data | {"domain": {"coordinates": [SYMBOL], "box": []}},
        lambda data: data | {"conditions": [["Unheard", {}]]},
        lambda data: data | {"conditions": [["AtStart", {"name": {"plain": "start"}}]]},
        lambda data: data | {"equations": [["one", SYMBOL]]},
        lambda data: data | {"reference": [[SYMBOL, {"array": "77"}]]},
        lambda data: [data],
    ],
)
def test_damaged_problems_are_refused(damage):
    data, arrays = problem_to_data(HEAT)
    with pytest.raises(spd.SpindleError, match=r"damaged|contains no unknown|which is no interval"):
        problem_from_data(damage(through_json(data)), arrays)
