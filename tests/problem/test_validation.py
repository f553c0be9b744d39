"""Whatever is put together at random is a problem, or is refused in one sentence: never a traceback, never a NaN."""

import numpy as np
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Eq, Matrix, cos, exp, log, nan, oo, pi, sin, sqrt, zoo

import spindle as spd
from spindle.errors import SpindleError
from spindle.problem.consistency.checks import doubts
from spindle.problem.serialize import problem_from_data, problem_to_data

t, x, y, z = spd.coordinates("t x y z")
u, v = spd.unknown("u v", t, x)
w, psi = spd.unknown("w", x, y), spd.unknown("psi", x)
stranger = sympy.Function("u")(x, t)  # the same letter, other coordinates
nu, kappa = spd.parameter("nu", 0.01, unknown=True), spd.parameter("kappa", range=(1, 2))
rng = np.random.default_rng(0)

USUAL = [u, v, t, x, nu, u.diff(x), u.diff(t), u.diff(x, 2), v.diff(x), v.diff(t, x), u.diff(nu), pi, 0.1, -3]
STRAY = [w, psi, stranger, y, z, kappa, sympy.Symbol("x"), w.diff(x, y), sympy.I, oo, nan, zoo, 1e308]


def grown(smaller):
    pairs = st.tuples(smaller, smaller)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: sympy.sympify(p[0]) / (1 + sympy.sympify(p[1]) ** 2)),
        st.tuples(st.sampled_from([sin, exp, log, sqrt, abs, cos]), smaller).map(lambda p: p[0](p[1])),
        smaller.map(lambda e: sympy.diff(sympy.sympify(e), x)),
    )


def rarely(odd, usual):
    """Mostly as usual, so that one mistake is looked for beneath the others."""
    return st.integers(0, 11).flatmap(lambda k: odd if k == 0 else usual)


EXPRESSIONS = st.recursive(rarely(st.sampled_from(STRAY), st.sampled_from(USUAL)), grown, max_leaves=4)
DATA = st.recursive(st.sampled_from([t, x, pi, 2, nu]), grown, max_leaves=3)
# What people write who have not read anything.
ODD = st.sampled_from([None, "u", True, [], {}, (u, 1), Matrix([u, v]), np.ones(3), sympy.true, Eq(u, u), 1j])
WALLS = st.sampled_from([None, Eq(x, 0), Eq(x, 1), [Eq(x, 0), Eq(x, 1)]])
WHERE = rarely(st.sampled_from([Eq(t, 0), Eq(x, 0.5), Eq(y, 1), x > 0, "left", 3, Eq(x, nu), []]), WALLS)
SOUGHT = rarely(st.one_of(ODD, EXPRESSIONS), st.sampled_from([u, v, u.diff(x), Matrix([u, v])]))
KNOWN = rarely(st.one_of(ODD, EXPRESSIONS), DATA)
POINTS = st.sampled_from([rng.uniform(size=(4, 2)), rng.uniform(size=(4, 3)), {"x": [1.0]}, [[np.nan, 0.1]]])
BOUNDS = rarely(st.sampled_from([(-1, 2), (1, 0), (0, 0), (0, oo), (0, nu), (0,), "ab", 3]), st.just((0, 1)))


@st.composite
def conditions(draw):
    """What builds a condition, so that it too may be refused."""
    kind = draw(st.sampled_from(["Dirichlet", "Neumann", "Robin", "Initial", "Periodic", "Observed"]))
    sought, known, on, points = draw(SOUGHT), draw(KNOWN), draw(WHERE), draw(POINTS)
    axis = draw(rarely(KNOWN, st.just(x)))
    return {
        "Dirichlet": lambda: spd.Dirichlet(sought, known, on=on),
        "Neumann": lambda: spd.Neumann(sought, known, on=on),
        "Robin": lambda: spd.Robin(sought, known, 1, 0, on=on),
        "Initial": lambda: spd.Initial(sought, known),
        "Periodic": lambda: spd.Periodic(sought, axis),
        "Observed": lambda: spd.Observed(sought, points, [1.0, 2.0, 3.0, 4.0]),
    }[kind]


@st.composite
def problems(draw):
    """What builds a problem."""
    axes = draw(rarely(st.lists(st.sampled_from([t, x, y, z]), max_size=3, unique=True), st.just([t, x])))
    bounds = [draw(BOUNDS) for _ in axes]
    sides = st.tuples(EXPRESSIONS, KNOWN.filter(lambda side: isinstance(side, (sympy.Expr, float, int)))).map(
        lambda pair: lambda: Eq(*pair)
    )
    equations = draw(st.lists(rarely(ODD.map(lambda odd: lambda: odd), sides), min_size=1, max_size=2))
    made = draw(st.lists(conditions(), max_size=3))
    reference = draw(st.dictionaries(rarely(st.sampled_from([w, x, 3]), st.sampled_from([u, v])), KNOWN, max_size=2))
    disk = draw(rarely(st.just(True), st.just(False)))
    return lambda: spd.Problem(
        domain=spd.Disk({x: 0, y: 0}, 1) if disk else spd.Box(dict(zip(axes, bounds, strict=True))),
        equations=[make() for make in equations],
        conditions=[make() for make in made],
        reference=reference,
    )


def sentence(error) -> bool:
    return str(error).endswith(".") and "\n" not in str(error) and len(str(error)) < 1000


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_random_parts_are_a_problem_or_a_sentence(build):
    try:
        problem = build()
    except SpindleError as error:
        assert sentence(error), error
        return
    assert all(doubts(problem))
    assert str(problem)
    try:
        data, arrays = problem_to_data(problem)
    except SpindleError as error:  # derivatives of |u| contain functions that files do not know
        assert sentence(error), error
        return
    assert problem_to_data(problem_from_data(data, arrays))[0] == data
