"""Unknowns of fewer coordinates: what they are taken for, what is stored, and fronts and bodies with closed forms."""

import json

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf as erf_of
from sympy import Eq, Rational, erf, exp, sin, sqrt

import spindle as spd
from spindle.problem.serialize import problem_from_data, problem_to_data
from tests.solutions import untrained

t, x = spd.coordinates("t x")
u, S = spd.unknown("u", t, x), spd.unknown("S", t)


def stefan():
    """Neumann's similarity solution of a melting front, of Stefan number 1, in a coordinate that fixes the front."""
    root = brentq(lambda k: np.sqrt(np.pi) * k * np.exp(k * k) * erf_of(k) - 1, 0.1, 2, xtol=1e-15)
    exact, front, first = 1 - erf(root * x) / erf(root), 2 * root * sqrt(t), Rational(1, 10)
    return spd.Problem(
        domain=spd.Box({t: (first, 1), x: (0, 1)}),
        equations={"heat": Eq(S**2 * u.diff(t) - x * S * S.diff(t) * u.diff(x), u.diff(x, 2))},
        conditions=[
            spd.Initial(u, exact),
            spd.Initial(S, front.subs(t, first)),
            spd.Dirichlet(u, 1, on=Eq(x, 0)),
            spd.Dirichlet(u, 0, on=Eq(x, 1)),
            spd.Dirichlet(S * S.diff(t) + u.diff(x), 0, on=Eq(x, 1), name="front"),
        ],
        reference={u: exact, S: front},
        quantities={"square": S**2},
    )


def body_on_a_rod():
    """A rod with a body of heat capacity 1 at its end: u = exp(-m^2 t) sin(m x), m tan m = 1, S = u(t, 1)."""
    m = brentq(lambda k: k * np.tan(k) - 1, 0.1, 1.5, xtol=1e-15)
    exact = exp(-(m**2) * t) * sin(m * x)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), u.diff(x, 2))],
        conditions=[
            spd.Initial(u, exact.subs(t, 0)),
            spd.Initial(S, exact.subs({t: 0, x: 1})),
            spd.Dirichlet(u, 0, on=Eq(x, 0)),
            spd.Dirichlet(u - S, 0, on=Eq(x, 1), name="contact"),
            spd.Dirichlet(S.diff(t) + u.diff(x), 0, on=Eq(x, 1), name="body"),
        ],
        reference={u: exact, S: exact.subs(x, 1)},
    )


def test_it_is_an_unknown_of_all_coordinates_that_is_constant():
    problem = stefan()
    (spread,) = problem.spread.values()
    assert problem.spread == {S: spread}
    assert problem.unknowns == (spread, u)
    assert spread.args == (t, x)
    assert [e.name for e in problem.equations] == ["heat", "S is constant in x"]
    assert problem.equations[1].residual == spread.diff(x)
    assert problem.quantities == {"square": spread**2}
    assert set(problem.reference) == {u, spread}


@pytest.mark.parametrize("build", [stefan, body_on_a_rod])
def test_it_comes_back_from_a_file(build):
    problem = build()
    data, arrays = problem_to_data(problem)
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert str(again) == str(problem)
    assert again.spread == problem.spread
    assert len(problem.without([problem.conditions[-1].name]).equations) == 2


def test_a_complex_one_has_parts_of_fewer_coordinates():
    psi = spd.unknown("psi", t, complex=True)
    problem = spd.Problem(spd.Box({t: (0, 1), x: (0, 1)}), [Eq(psi.diff(t), u), Eq(u.diff(x, 2), 0)])
    assert [str(w) for w in problem.unknowns] == ["psi_im(t, x)", "psi_re(t, x)", "u(t, x)"]
    assert {str(w) for w in problem.spread} == {"psi_im(t)", "psi_re(t)"}


def test_its_values_need_its_coordinates_alone():
    solution = untrained(stefan())
    times = np.array([0.2, 0.7])
    values = solution(S, t=times)
    np.testing.assert_allclose(values, solution(S, t=times, x=0.5))
    with pytest.raises(spd.ProblemError, match="x was not given"):
        solution(S * u, t=times)


@pytest.mark.slow
@pytest.mark.parametrize("build", [stefan, body_on_a_rod])
def test_closed_forms_are_found_by_default(build):
    solution = spd.solve(build(), spd.SPINN(), progress=False)
    assert solution.run.errors["S"]["rel_l2"] < 1e-8
    assert solution.verdict.word == "solved", str(solution)
