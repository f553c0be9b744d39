"""Estimates of solutions by slabs of time: what a solve in a finer space sees of errors that were put in."""

import time
from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Eq, Rational, exp, tanh

import spindle as spd
from spindle.networks.model import Model
from spindle.results.summary import estimate_in_words
from spindle.solving.estimates.finer_slabs import finer_slabs_estimate
from spindle.training.budget import Budget

t, x = spd.coordinates("t x")
a, b, c = spd.unknown("a b c", t)
u = spd.unknown("u", t, x)
f = spd.unknown("f", x)
FRONT = (1 - tanh((x - t / 2 - Rational(3, 10)) * 100)) / 2
LAYER = exp(-300 * x) + x**2


def manufactured(operator, unknown, exact, conditions, domain):
    equations = [Eq(operator, spd.manufactured(operator, {unknown: exact}))]
    return spd.Problem(domain=domain, equations=equations, conditions=conditions, reference={unknown: exact})


PROBLEMS = {
    "in time": manufactured(a.diff(t) + a**2, a, 1 + exp(-t), [spd.Initial(a, 2)], spd.Interval(t, 0, 4)),
    "front": manufactured(
        u.diff(t) + u * u.diff(x) - u.diff(x, 2) / 100,
        u,
        FRONT,
        [spd.Initial(u, FRONT.subs(t, 0)), spd.Dirichlet(u, FRONT)],
        spd.Box({t: (0, Rational(1, 4)), x: (0, 1)}),
    ),
    "layer": manufactured(
        f.diff(x, 2) / 1000 - f + f**3 / 9, f, LAYER, [spd.Dirichlet(f, LAYER)], spd.Interval(x, 0, 1)
    ),
}


def solved(problem):
    return spd.solve(problem, spd.SPINN(network="elements"), progress=False)


def with_field(solution, **changes):
    field = replace(solution.model.field, **changes)
    return replace(solution, model=Model(field, solution.model.estimated))


@pytest.fixture(
    scope="module", params=[pytest.param(n, marks=pytest.mark.slow) if n == "front" else n for n in PROBLEMS]
)
def solution(request):
    return solved(PROBLEMS[request.param])


def true_error(solution):
    """Against the closed form, on a grid that is fine where the solution changes."""
    bounds = solution.problem.domain.bounds
    axes = [np.linspace(*map(float, ends), 401 if len(bounds) > 1 else 2001) for ends in bounds]
    (unknown,) = solution.problem.unknowns
    exact = sympy.lambdify(solution.problem.coordinates, solution.problem.compared[unknown].closed, "numpy")
    truth = exact(*np.meshgrid(*axes, indexing="ij"))
    return np.linalg.norm(solution.values_on(unknown, axes) - truth) / np.linalg.norm(truth)


def test_an_error_anywhere_is_seen(solution):
    found = finer_slabs_estimate(solution, Budget())
    assert not found.bound
    assert max(found.errors.values()) < 1e-6
    assert max(solution.run.accumulated.values()) < 1e-6
    assert solution.with_record(error_estimate=found).verdict.word == "solved"
    assert "by a solve in a finer space" in estimate_in_words(found)
    wrong = with_field(solution, coefficients=np.asarray(solution.model.field.coefficients) * 1.01)
    assert max(finer_slabs_estimate(wrong, Budget()).errors.values()) == pytest.approx(0.01, rel=1e-3)


def test_an_error_in_the_smallest_elements_is_seen(solution):
    field = solution.model.field
    if field.space is None:
        pytest.skip("it has no elements")
    widths = np.diff(field.breaks)
    narrow = (widths > 0) & (widths <= np.quantile(widths[widths > 0], 0.3))
    wrong = with_field(
        solution, coefficients=np.where(narrow[:, :, None, None, None], 1.1, 1.0) * np.asarray(field.coefficients)
    )
    truth = true_error(wrong)
    assert truth > 1e-4
    assert max(finer_slabs_estimate(wrong, Budget()).errors.values()) == pytest.approx(truth, rel=0.1)


def lorenz(end):
    return spd.Problem(
        domain=spd.Interval(t, 0, end),
        equations=[
            Eq(a.diff(t), 10 * (b - a)),
            Eq(b.diff(t), a * (28 - c) - b),
            Eq(c.diff(t), a * b - Rational(8, 3) * c),
        ],
        conditions=[spd.Initial(a, 1), spd.Initial(b, 1), spd.Initial(c, 1)],
    )


@pytest.mark.slow
def test_what_chaos_makes_of_small_errors_is_known_without_an_estimate():
    """An error of 1e-12 becomes one of size one after some thirty units of time: the largest exponent is 0.906."""
    near, far = solved(lorenz(5)), solved(lorenz(60))
    assert near.verdict.word == "solved"
    assert far.verdict.word == "not solved"
    assert "its residuals add up to" in far.verdict.reasons[0]
    found = spd.estimate(far)
    assert found.bound
    assert far.with_record(error_estimate=found).verdict.word == "not solved"


def test_where_the_budget_leaves_no_time_it_says_so(solution):
    assert "the budget leaves no time" in finer_slabs_estimate(solution, Budget(1e-3, time.perf_counter() - 100)).reason
