"""Parameters to be estimated: of size one for whoever trains them, in any units, from guesses that are far off."""

import jax
import numpy as np
import pytest
from sympy import Eq, pi, sin

import spindle as spd
from spindle.objective.estimated import first_guesses
from spindle.problem.consistency.signs import parameters_of_known_sign

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)


def film(guess=0.2, *, length=1.0, duration=1.0, size=1.0, noise=0.01, measurements=40):
    """Diffusion through a film with k T / L^2 = 0.1, measured."""
    k = spd.parameter("k", guess * length**2 / duration, unknown=True)
    random = np.random.default_rng(0)
    instants, places = random.uniform(size=(2, measurements))
    exact = size * np.exp(-0.1 * np.pi**2 * instants) * np.sin(np.pi * places)
    values = exact + noise * size * random.normal(size=measurements)
    observed = spd.Observed(u, {t: duration * instants, x: length * places}, values, noise=noise * size)
    return spd.Problem(
        domain=spd.Box({t: (0, duration), x: (0, length)}),
        equations=[Eq(u.diff(t), k * u.diff(x, 2))],
        conditions=[spd.Initial(u, size * sin(pi * x / length)), spd.Dirichlet(u, 0), observed],
        name="film",
    )


def estimated(problem):
    solution = spd.solve(problem, spd.SPINN(width=18, points=28), progress=False)
    return solution, solution.parameters["k"]


@pytest.mark.parametrize(
    ("equation", "names"),
    [
        (lambda k: Eq(u.diff(t), k * u.diff(x, 2)), {"k"}),
        (lambda k: Eq(u.diff(t), -k * u.diff(x, 2)), set()),
        (lambda k: Eq(u.diff(t), u.diff(x, 2) + k * u), set()),
        (lambda k: Eq(u.diff(t) + k * u.diff(x), u.diff(x, 2)), set()),
        (lambda k: Eq(u.diff(t), u.diff(x, 2) / k), {"k"}),
    ],
    ids=["diffusivity", "its negative", "rate", "velocity", "resistance"],
)
def test_the_sign_of_what_makes_heat_flow_forwards_is_known(equation, names):
    k = spd.parameter("k", 2.0, unknown=True)
    conditions = [spd.Initial(u, sin(pi * x)), spd.Dirichlet(u, 0), spd.Observed(u, {t: [0.5], x: [0.5]}, [0.1])]
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[equation(k)], conditions=conditions, name="inverse"
    )
    assert parameters_of_known_sign(problem) == names


@pytest.mark.parametrize("known", [(), ("k",)])
@pytest.mark.parametrize("guess", [1e-7, -3.0, 0.0, 2e9])
def test_training_starts_at_the_guess_and_its_slope_is_the_derivative(guess, known):
    k = spd.parameter("k", guess, unknown=True)
    with jax.enable_x64(True):
        start = first_guesses([k], known if guess else ())["k"]
        assert start.number == pytest.approx(guess) and float(start.value) == pytest.approx(guess)
        slope = jax.grad(lambda theta: type(start)(theta, start.size, start.signed).value)(start.theta)
        assert float(slope) == pytest.approx(float(start.slope))
        assert abs(float(start.theta)) <= 1


@pytest.mark.parametrize("units", [{}, {"length": 1e-2, "duration": 10.0, "size": 300.0}], ids=["plain", "SI"])
def test_a_first_guess_two_hundred_times_too_large_is_no_trap(units):
    solution, k = estimated(film(20.0, **units))
    true = 0.1 * units.get("length", 1.0) ** 2 / units.get("duration", 1.0)
    assert k == pytest.approx(true, rel=5e-3) and solution.verdict.word != "not solved", solution.verdict
    assert solution.run.misfits["observed u"] < 1.2


def test_measurements_that_are_missed_are_no_solution():
    k = spd.parameter("k", 20.0)  # not to be estimated: heat is gone long before it is measured
    problem = film()
    wrong = spd.Problem(
        domain=problem.domain, equations=[Eq(u.diff(t), k * u.diff(x, 2))], conditions=problem.conditions, name="wrong"
    )
    solution, _ = estimated(wrong)
    assert solution.verdict.word == "not solved"
    assert "the measurements `observed u` are missed by" in str(solution.verdict)
