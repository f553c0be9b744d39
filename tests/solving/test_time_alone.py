"""Problems in time alone: windows as long as the solution allows, in any units, saved and continued."""

import itertools
import signal

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Eq, Piecewise, cos, exp, pi, sin, sqrt

import spindle as spd

pytestmark = pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
t = spd.coordinates("t")
TIMES = np.linspace(0, 10, 201)


def predators(time=1.0, size=1.0):
    """Prey and predators over ten years, in any units; no single polynomial resolves them."""
    r, p = spd.unknown("r p", t)
    return spd.Problem(
        domain=spd.Interval(t, 0, 10 * time),
        equations=[
            Eq(r.diff(t), (2 * r - 0.04 / size * r * p) / time),
            Eq(p.diff(t), (0.02 / size * r * p - 1.06 * p) / time),
        ],
        conditions=[spd.Initial(r, 100 * size), spd.Initial(p, 15 * size)],
    )


WINDOWS = spd.SPINN(network="spectral")


def solve(problem, method, **options):
    return spd.solve(problem, method, progress=False, **options)


def integrated(side, start, times):
    found = solve_ivp(lambda now, z: side(now, *z), times[[0, -1]], start, "Radau", times, rtol=1e-11, atol=1e-13)
    return found.y


@pytest.fixture(scope="module")
def marched(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alone") / "run"
    return solve(predators(), WINDOWS, out=directory, estimate=True), directory


def test_windows_follow_the_solution(marched):
    solution, _ = marched
    true = integrated(lambda _, r, p: (2 * r - 0.04 * r * p, 0.02 * r * p - 1.06 * p), [100, 15], TIMES)
    for u, values in zip(solution.problem.unknowns[::-1], true, strict=True):  # sorted by name
        assert np.linalg.norm(solution(u, t=TIMES) - values) < 1e-7 * np.linalg.norm(values)
    lengths = [own["to"] - own["from"] for own in solution.run.windows]
    assert solution.run.windows[0]["from"] == 0
    assert solution.run.windows[-1]["to"] == 10
    assert max(lengths) > 1.2 * min(lengths)
    assert solution.verdict.word == "solved"
    assert any("windows as long as their features resolve" in sentence for sentence in solution.choices)


def test_rates_are_those_of_the_time_of_the_problem(marched):
    solution, _ = marched
    p, r = solution.problem.unknowns
    where = {"t": TIMES[1:-1] + 0.0123}
    rate, values = solution(r.diff(t), **where), (solution(r, **where), solution(p, **where))
    np.testing.assert_allclose(rate, 2 * values[0] - 0.04 * values[0] * values[1], atol=1e-4)


def test_units_change_nothing(marched):
    solution, _ = marched
    other = solve(predators(3.15e7, 1e-12), WINDOWS)
    np.testing.assert_allclose(other(t=3.15e7 * TIMES) / 1e-12, solution(t=TIMES), rtol=1e-8)
    assert len(other.windows) == len(solution.windows)


def test_windows_of_any_length_are_read_again(marched):
    solution, directory = marched
    read = spd.load(directory)
    np.testing.assert_array_equal(read(t=TIMES), solution(t=TIMES))
    assert read.run.windows == solution.run.windows


def test_a_march_that_was_interrupted_goes_on_to_the_same_numbers(marched, tmp_path):
    whole, _ = marched

    def stop(look, total):
        if len(list((tmp_path / "run").glob("window*/solution.npz"))) == 3:
            signal.raise_signal(signal.SIGINT)

    first = solve(predators(), WINDOWS, out=tmp_path / "run", callbacks=[stop])
    assert first.run.stopped_by == "interrupted"
    assert len(first.windows) < len(whole.windows)
    again = spd.resume(tmp_path / "run", progress=False)
    np.testing.assert_array_equal(again(t=TIMES), whole(t=TIMES))


def test_rates_at_the_start_and_forces_that_name_the_time():
    u = spd.unknown("u", t)
    exact = sin(3 * t) + 0.1 * t
    problem = spd.Problem(
        domain=spd.Interval(t, 2, 30),
        equations=[Eq(u.diff(t, 2) + 9 * u, spd.manufactured(u.diff(t, 2) + 9 * u, {u: exact}))],
        conditions=[spd.Initial(u, exact), spd.Initial(u.diff(t), 3 * cos(3 * t) + 0.1)],
        reference={u: exact},
    )
    solution = solve(problem, WINDOWS)
    assert len(solution.windows) > 1
    assert solution.error() < 1e-8
    assert not any("reference" in doubt for doubt in solution.run.doubts), "it is that of the whole, not of a window"


def test_a_force_that_jumps():
    u = spd.unknown("u", t)
    after = 1 - exp(-(t - pi))
    problem = spd.Problem(
        domain=spd.Interval(t, 0, 4),
        equations=[Eq(u.diff(t), -u + Piecewise((0, t < pi), (1, True)))],
        conditions=[spd.Initial(u, 1)],
        reference={u: exp(-t) + Piecewise((0, t < pi), (after, True))},
    )
    assert solve(problem, spd.SPINN()).error() < 1e-6


def test_what_has_no_end_says_until_when_it_goes():
    u = spd.unknown("u", t)
    problem = spd.Problem(spd.Interval(t, 0, 2), [Eq(u.diff(t), u**2)], [spd.Initial(u, 1)])
    solution = solve(problem, spd.SPINN())
    assert solution.verdict.word == "not solved"
    assert solution.run.reached["to"] == pytest.approx(1, abs=1e-2)
    assert np.isnan(solution(t=1.5))


@pytest.mark.slow
def test_an_interval_needs_no_windows():
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    problem = spd.Problem(
        domain=spd.Interval(x, 0, 1),
        equations=[Eq(-u.diff(x, 2) / 400 + u.diff(x), 1)],
        conditions=[spd.Dirichlet(u, 0)],
        reference={u: x - (exp(400 * (x - 1)) - exp(-400)) / (1 - exp(-400))},
    )
    solution = solve(problem, spd.SPINN())
    assert solution.error() < 1e-8
    assert not solution.windows


@pytest.mark.parametrize(
    ("shape", "width"),
    [
        ("strip", 1e-4),
        ("bell", 1e-6),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in itertools.product(["strip", "bell"], [1e-2, 1e-5])),
    ],
)
def test_no_pulse_is_stepped_over(shape, width):
    """Each is of unit area and falls between the points of any ordinary grid."""
    u, at = spd.unknown("u", t), 7.1234
    strip = Piecewise((1 / width, (t > at) & (t < at + width)), (0, True))
    pulse = strip if shape == "strip" else exp(-(((t - at) / width) ** 2)) / (width * sqrt(pi))
    problem = spd.Problem(spd.Interval(t, 0, 10), [Eq(u.diff(t) + u / 100, pulse)], [spd.Initial(u, 0)])
    solution = solve(problem, spd.SPINN(), estimate=True)
    middle = at + (width / 2 if shape == "strip" else 0)
    assert solution(t=9.0) == pytest.approx(np.exp(-(9 - middle) / 100), rel=1e-8)
    assert solution(t=7.0) == pytest.approx(0, abs=1e-10)
    assert solution.verdict.word == "solved"
