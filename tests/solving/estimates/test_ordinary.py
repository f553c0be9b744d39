"""Solutions in one coordinate whose errors are known: the estimate is the error, or it is said why there is none."""

import time

import numpy as np
import pytest
from sympy import Eq, Piecewise, cos, cosh, exp, log, pi, sin, tanh

import spindle as spd
from spindle.results.summary import estimate_in_words
from spindle.training.budget import Budget
from tests.solving.estimates.closed_forms import solution_of

t, x = spd.coordinates("t x")
a, b = spd.unknown("a b", t)
y = spd.unknown("y", x)
SPHERE = Piecewise((1 - x**2 / 6 + x**4 / 120, x < 0.01), (sin(x) / x, True))


def in_time(end, equations, conditions, **more):
    return spd.Problem(spd.Interval(t, 0, end), equations, conditions, **more)


def in_space(low, high, equations, conditions, **more):
    return spd.Problem(spd.Interval(x, low, high), equations, conditions, **more)


rate = spd.parameter("rate", 3.0)
TABLE = spd.tabulated("table", {t: np.linspace(0, 2, 60)}, -np.exp(-np.linspace(0, 2, 60)))
CODE = spd.given("code", lambda time: -(2.718281828459045 ** (-time)), t)
# name -> problem, exact solution, what the solution at hand has too much
CASES = {
    "decay": (in_time(2, [Eq(a.diff(t), -a)], [spd.Initial(a, 1)]), {a: exp(-t)}, {a: t * exp(-t) / 1000}),
    "system": (
        in_time(6, [Eq(a.diff(t), b), Eq(b.diff(t), -a)], [spd.Initial(a, 1), spd.Initial(b, 0)]),
        {a: cos(t), b: -sin(t)},
        {a: t * 1e-4, b: t**2 * 1e-5},
    ),
    "second order": (
        in_time(6, [Eq(a.diff(t, 2), -a)], [spd.Initial(a, 1), spd.Initial(a.diff(t), 0)]),
        {a: cos(t)},
        {a: t * 1e-6},
    ),
    "stiff": (
        in_time(1, [Eq(a.diff(t), -1e6 * (a - cos(t)) - sin(t))], [spd.Initial(a, 1)]),
        {a: cos(t)},
        {a: t * 1e-3},
    ),
    "algebraic": (
        in_time(1, [Eq(a.diff(t), -b), Eq(2 * b, 2 * a)], [spd.Initial(a, 1)]),
        {a: exp(-t), b: exp(-t)},
        {a: t * 1e-3, b: t * 1e-2},
    ),
    "parameter": (in_time(1, [Eq(a.diff(t), rate * a)], [spd.Initial(a, 1)]), {a: exp(3 * t)}, {a: t * 1e-2}),
    "table": (in_time(2, [Eq(a.diff(t), TABLE)], [spd.Initial(a, 1)]), {a: exp(-t)}, {a: t * 1e-3}),
    "code": (in_time(2, [Eq(a.diff(t), CODE)], [spd.Initial(a, 1)]), {a: exp(-t)}, {a: t * 1e-3}),
    "backwards": (in_space(0, 1, [y.diff(x) + y], [spd.Dirichlet(y, 1, on=Eq(x, 1))]), {y: exp(1 - x)}, {y: 1e-4}),
    "boundary": (in_space(0, 1, [y.diff(x, 2) - y], [spd.Dirichlet(y, cosh(x))]), {y: cosh(x)}, {y: x * 1e-3}),
    "flux": (
        in_space(
            0,
            1,
            [y.diff(x, 2) + 2 * y * y.diff(x)],
            [spd.Dirichlet(y, 0, on=Eq(x, 0)), spd.Robin(y, 1, 1, tanh(1) + 1 / cosh(1) ** 2, on=Eq(x, 1))],
        ),
        {y: (exp(x) - exp(-x)) / (exp(x) + exp(-x))},
        {y: x * 1e-3},
    ),
    "periodic": (
        in_space(0, 2 * pi, [y.diff(x, 2) - y + 2 * sin(x)], [spd.Periodic(y, x)]),
        {y: sin(x)},
        {y: cos(x) * 1e-3},
    ),
    "pole": (
        in_space(
            0,
            3,
            [x * y.diff(x, 2) + 2 * y.diff(x) + x * y],
            [spd.Neumann(y, 0, on=Eq(x, 0)), spd.Dirichlet(y, sin(3) / 3, on=Eq(x, 3))],
        ),
        {y: SPHERE},
        {y: x**2 * 1e-3},
    ),
}


FAST = ("second order", "algebraic", "boundary", "parameter")


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_the_estimate_is_the_error(name):
    problem, exact, excess = CASES[name]
    estimated = spd.estimate(solution_of(problem, {u: f + excess[u] for u, f in exact.items()}))
    nodes = np.linspace(*problem.domain.bounds[0], 501)[:, None]
    true, wrong = solution_of(problem, exact), solution_of(problem, {u: f + excess[u] for u, f in exact.items()})
    for u in exact:
        gap = np.linalg.norm(wrong.evaluate(nodes, u) - true.evaluate(nodes, u))
        error = gap / np.linalg.norm(true.evaluate(nodes, u))
        assert estimated["errors"][u.func.__name__] == pytest.approx(error, rel=0.02)
    assert estimated.comparison_error < 1e-6 and not estimated["bound"]


def test_quantities_and_estimated_parameters():
    k = spd.parameter("k", 0.5, unknown=True)
    times = np.linspace(0, 2, 9)
    data = spd.Observed(a, times[:, None], np.exp(-times))
    problem = in_time(2, [Eq(a.diff(t), -k * a)], [spd.Initial(a, 1), data], quantities={"k a": k * a})
    found = spd.estimate(solution_of(problem, {a: 1.01 * exp(-t)}, {"k": 1.0}))
    assert found["errors"] == pytest.approx({"a": 0.01, "k a": 0.01}, rel=1e-6)
    assert "by integration, itself exact to 1e-11" in estimate_in_words(found)


REASONS = {
    "end at t = 1": (in_time(2, [Eq(a.diff(t), a**2)], [spd.Initial(a, 1)]), {a: exp(t)}),
    "not linear in the highest": (in_time(1, [Eq(a.diff(t) ** 2, a)], [spd.Initial(a, 1)]), {a: exp(t)}),
    "fix 1 of the 2 numbers": (in_space(0, 1, [y.diff(x, 2)], [spd.Dirichlet(y, 0, on=Eq(x, 0))]), {y: x}),
    "2 equations for 1": (in_time(1, [a.diff(t) - a, a.diff(t) - exp(t)], [spd.Initial(a, 1)]), {a: exp(t)}),
    "3 conditions are not as many": (
        in_space(0, 1, [y.diff(x, 2)], [spd.Dirichlet(y, 0), spd.Neumann(y, 0, on=Eq(x, 0))]),
        {y: x},
    ),
    "no state where it starts": (in_time(1, [a.diff(t) - a], [spd.Initial(a, 1), spd.Initial(2 * a, 3)]), {a: exp(t)}),
    "not finite where": (in_time(2, [Eq(a.diff(t), -log(a))], [spd.Initial(a, -1)]), {a: exp(t)}),
    "higher than those of the equations": (
        in_space(0, 1, [y.diff(x) - y], [spd.Dirichlet(y.diff(x, 2), 1, on=Eq(x, 0))]),
        {y: exp(x)},
    ),
}


@pytest.mark.parametrize("reason", REASONS)
def test_where_there_is_no_estimate_it_says_why(reason):
    problem, formulas = REASONS[reason]
    assert reason in spd.estimate(solution_of(problem, formulas)).get("reason", "").replace("ends at", "end at")


@pytest.mark.slow
def test_what_nobody_can_integrate_is_said():
    """Lorenz' equations forget after some twenty units of time where they started."""
    u, v, w = spd.unknown("u v w", t)
    equations = [Eq(u.diff(t), 10 * (v - u)), Eq(v.diff(t), u * (28 - w) - v), Eq(w.diff(t), u * v - 8 * w / 3)]
    problem = in_time(40, equations, [spd.Initial(u, 1), spd.Initial(v, 1), spd.Initial(w, 1)])
    assert "small errors grow" in spd.estimate(solution_of(problem, {u: cos(t), v: sin(t), w: 1 + t}))["reason"]


def test_the_budget_ends_an_integration():
    problem = in_time(1e4, [Eq(a.diff(t, 2), -1e6 * a)], [spd.Initial(a, 1), spd.Initial(a.diff(t), 0)])
    began = time.perf_counter()
    budget = Budget(0.5, began - 5)
    assert spd.estimate(solution_of(problem, {a: cos(1000 * t)}), budget) == {"reason": "the budget was spent before"}
    assert time.perf_counter() - began < 15
