"""Interfaces in words: jumps, sources and contact resistances with closed forms, and what is refused."""

import json

import pytest
from sympy import Abs, Eq, Piecewise, Rational, exp

import spindle as spd
from spindle.problem.serialize import problem_from_data, problem_to_data

t, x, y = spd.coordinates("t x y")
u, w = spd.unknown("u", x), spd.unknown("w", t, x)
HALF, R = Rational(1, 2), Rational(1, 5)
K = Piecewise((1, x < HALF), (3, True))


def contact():
    """Two rods that touch badly: the flux q through 1/2 + R + 1/6 of resistance is that of a difference of one."""
    q = 1 / (HALF + R + Rational(1, 6))
    return spd.Problem(
        domain=spd.Box({x: (0, 1)}),
        equations=[Eq(spd.div(K * spd.grad(u)), 0)],
        conditions=[spd.Dirichlet(u, x), spd.Interface(u, Eq(x, HALF), flux=K * u.diff(x), resistance=R)],
        reference={u: Piecewise((q * x, x < HALF), (1 - q * (1 - x) / 3, True))},
    )


def heated_contact(unknown=w):
    """A jump, a contact and a source in one place, all of which decay."""
    exact = exp(-t) * Piecewise((x, x < HALF), (2 * (x - HALF) + HALF + R + 1, True))
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(unknown.diff(t), unknown.diff(x, 2) - unknown)],
        conditions=[
            spd.Initial(unknown, exact.subs(t, 0)),
            spd.Dirichlet(unknown, 0, on=Eq(x, 0)),
            spd.Dirichlet(unknown, exp(-t) * (2 + R + HALF), on=Eq(x, 1)),
            spd.Interface(
                unknown, Eq(x, HALF), jump=exp(-t), flux=unknown.diff(x), flux_jump=exp(-t), resistance=R, name="step"
            ),
        ],
        reference={unknown: exact},
    )


@pytest.mark.parametrize("build", [contact, heated_contact])
def test_it_is_told_and_comes_back_from_a_file(build):
    problem = build()
    (interface,) = problem.interfaces
    assert (interface.left, interface.fluxes) == (0.5, {})
    assert len(interface.steps) == len(interface.sources) == 1
    assert not problem.doubted, "the reference fulfils what is said"
    assert "the jump of" in str(problem)
    data, arrays = problem_to_data(problem)
    assert str(problem_from_data(json.loads(json.dumps(data)), arrays)) == str(problem)


@pytest.mark.slow
@pytest.mark.parametrize("build", [contact, heated_contact])
def test_closed_forms_are_found_by_default(build):
    solution = spd.solve(build(), spd.SPINN(), progress=False)
    assert solution.error() < 1e-10
    assert solution.verdict.word == "solved", str(solution)


def test_complex_unknowns_step_by_parts():
    psi = spd.unknown("psi", t, x, complex=True)
    problem = heated_contact(psi)
    (interface,) = problem.interfaces
    assert len(interface.steps) == len(interface.sources) == 2
    assert len(problem.conditions) == 8


def test_a_problem_file_says_it(tmp_path):
    (tmp_path / "contact.toml").write_text(
        'unknowns = "u"\ncoordinates = { x = [0, 1] }\ndefinitions = { k = "piecewise(1, x < 1/2, 3)" }\n'
        'equations = ["div(k*grad(u)) = 0"]\nconditions = [{ dirichlet = "u = x" },\n'
        '{ interface = "u", at = "x = 1/2", flux = "k*diff(u, x)", resistance = "1/5" }]\n'
    )
    read = spd.read_problem(tmp_path / "contact.toml")
    assert read.interfaces == contact().interfaces


def test_what_cannot_hold_is_refused():
    for options, words in (
        ({"resistance": 1}, "whose sign nobody knows"),
        ({"flux_jump": 1}, "whose sign nobody knows"),
    ):
        with pytest.raises(spd.ProblemError, match=words):
            spd.Interface(u, Eq(x, HALF), **options)
    with pytest.raises(spd.ProblemError, match="needs a place on an axis"):
        spd.Interface(u, x > 0)
    with pytest.raises(spd.ProblemError, match="takes an unknown itself"):
        spd.Interface(Abs(u) + 1, Eq(x, HALF))
    with pytest.raises(spd.ProblemError, match="is not inside the domain"):
        spd.Problem(spd.Box({x: (0, 1)}), [Eq(u.diff(x, 2), 0)], [spd.Dirichlet(u, x), spd.Interface(u, Eq(x, 1))])
    with pytest.raises(spd.MethodError, match=r"has an interface at x = 0.5"):
        spd.solve(contact(), spd.PINN(), progress=False)
    v = spd.unknown("v", x, y)
    square = spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}),
        [Eq(spd.laplacian(v), 0)],
        [spd.Dirichlet(v, 0), spd.Interface(v, Eq(x, HALF), jump=1)],
    )
    for method in (spd.SPINN(), spd.DTPINN(), spd.PINN()):
        with pytest.raises(spd.MethodError, match="interface"):
            spd.solve(square, method, progress=False)
