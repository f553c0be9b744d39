"""Integrals of unknowns in equations: against closed forms, by every method that takes them."""

import json

import numpy as np
import pytest
from sympy import Eq, Integral, Symbol, cos, exp, sin

import spindle as spd
from spindle.problem.integrals import nodes_of, weights_of
from spindle.problem.serialize import problem_from_data, problem_to_data

x, y, t = spd.coordinates("x y t")
s, u, v = Symbol("s"), spd.unknown("u", x), spd.unknown("v", x)
at_s = u.subs(x, s)
LINE = spd.Interval(x, 0, 2)


def posed(equation, exact, *conditions, domain=LINE):
    return spd.Problem(domain=domain, equations=[equation], conditions=conditions, reference={u: exact})


CASES = {
    # u(x) = exp(x) on (0, 1): the integral of exp(x s) exp(s) is (exp(x + 1) - 1)/(x + 1)
    "Fredholm": posed(
        Eq(u, exp(x) - (exp(x + 1) - 1) / (x + 1) + Integral(exp(x * s) * at_s, (s, 0, 1))), exp(x), domain=LINE
    ),
    # u'' + u = 0 in other words: u(x) = x - integral of (x - s) u(s)
    "Volterra": posed(Eq(u, x - Integral((x - s) * at_s, (s, 0, x))), sin(x)),
    # integro-differential and not linear: u = cos, for which the integral of u^2 is x/2 + sin(2 x)/4
    "nonlinear": posed(
        Eq(u.diff(x), -sin(x) + x / 2 + sin(2 * x) / 4 - Integral(at_s**2, (s, 0, x))),
        cos(x),
        spd.Value(u, 1, at={x: 0}),
    ),
}


@pytest.mark.parametrize(
    "name", ["nonlinear", *(pytest.param(n, marks=pytest.mark.slow) for n in ("Fredholm", "Volterra"))]
)
def test_solutions_are_right_to_rounding(name):
    solution = spd.solve(CASES[name], spd.SPINN(width=24, refine=0), progress=False)
    assert solution.error() < 1e-10
    assert solution.verdict.word == "solved"


@pytest.mark.slow
def test_networks_take_them():
    method = spd.PINN(width=12, hidden_layers=2, steps=200, lbfgs_steps=500, newton_steps=20)
    assert spd.solve(CASES["Volterra"], method, progress=False).error() < 1e-3


@pytest.mark.parametrize(("low", "high"), [(0, x), (x, 2), (x / 2, x), (0, 2), (0.5, 1.5)])
def test_weights_integrate_products_to_any_limit(low, high):
    """The integral of (1 + x s) cos(3 s) against SymPy."""
    kernel, inner = 1 + x * s, cos(3 * s)
    problem = posed(Eq(u, Integral(kernel * at_s, (s, low, high))), x)
    (one, two) = problem.equations[0].integrals
    nodes = nodes_of(problem)
    got = (weights_of(one, problem) + weights_of(two, problem)) @ np.cos(3 * nodes)
    closed = Integral(kernel * inner, (s, low, high)).doit()
    assert -got == pytest.approx(np.array([float(closed.subs(x, node)) for node in nodes]), abs=1e-12)


def test_they_come_back_from_files(tmp_path):
    data, arrays = problem_to_data(CASES["nonlinear"])
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert again.equations == CASES["nonlinear"].equations
    (tmp_path / "volterra.toml").write_text(
        'unknowns = "u"\ncoordinates = { x = [0, 2] }\nequations = ["u = x - integral((x - s)*u, s, 0, x)"]\n'
    )
    problem, wanted = spd.read_problem(tmp_path / "volterra.toml"), CASES["Volterra"]
    weights = [sum(weights_of(t, p) for t in p.equations[0].integrals) for p in (problem, wanted)]
    assert weights[0] == pytest.approx(weights[1], abs=1e-14)
    assert problem.equations[0].residual == wanted.equations[0].residual


SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
w = spd.unknown("w", x, y)
k = spd.parameter("k", 1, unknown=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spd.Problem(SQUARE, [Eq(w, Integral(w.subs(x, s), (s, 0, 1)))]), "in problems of one coordinate"),
        (lambda: posed(Eq(u, sin(Integral(at_s, (s, 0, x)))), x), "can only be added with known factors"),
        (lambda: posed(Eq(1, u * Integral(at_s, (s, 0, x))), x), "can only be added with known factors"),
        (lambda: posed(Eq(u, Integral(sin(x * at_s), (s, 0, 1))), x), "is no product of a known kernel"),
        (lambda: posed(Eq(u, Integral(u * s, (s, 0, 1))), x), "is no product of a known kernel"),
        (lambda: posed(Eq(u, Integral(at_s)), x), "one variable of its own and two limits"),
        (lambda: posed(Eq(u, Integral(k * at_s, (s, 0, x))), x), "contains the parameter `k`"),
        (lambda: posed(Eq(u, Integral(Symbol("q") * at_s, (s, 0, x))), x), "contains `q`, which has no value"),
        (lambda: spd.SPINN().plan(posed(Eq(u, Integral(at_s, (s, 0, 2 * x))), x)), "leaves the domain"),
        (lambda: spd.SPINN().plan(posed(Eq(u, Integral(at_s / (x - s), (s, 0, x))), x)), "is not finite everywhere"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises((spd.ProblemError, spd.MethodError), match=words):
        make()
