"""Time in windows: the same solution as at once, seams, exact continuation, and what cannot be cut."""

import re
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, cos, exp, pi, sin

import spindle as spd
from spindle.errors import DivergenceError, MethodError, ProblemError, RunError
from spindle.problem.windows import by_window, window

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)
SMALL = {"points": 6, "width": 8, "hidden_layers": 1, "lbfgs_steps": 0, "balance": 0}


def decay(**changes):
    """u = exp(-t) sin(x), periodic."""
    parts = {
        "domain": spd.Box({t: (0, 1), x: (0, 2 * pi)}),
        "equations": [Eq(u.diff(t), u.diff(x, 2))],
        "conditions": [spd.Initial(u, sin(x)), spd.Periodic(u, x)],
        "reference": {u: exp(-t) * sin(x)},
        "quantities": {"square": u**2},
        "name": "decay",
    }
    return spd.Problem(**(parts | changes))


def solve(problem, method, **options):
    return spd.solve(problem, method, progress=False, **options)


@pytest.fixture(scope="module")
def marched(tmp_path_factory):
    """Three windows in a directory, by the default method."""
    path = tmp_path_factory.mktemp("runs") / "marched"
    return solve(decay(), spd.SPINN(windows=3, width=11, refine=0), out=path), path


def test_windows_add_up_to_the_solution(marched):
    solution, _ = marched
    assert len(solution.windows) == len(solution.run.windows) == 3
    assert solution.error() < 1e-8
    assert solution.run.iterations == sum(own["steps"] for own in solution.run.windows)
    assert [own["to"] for own in solution.run.windows] == pytest.approx([1 / 3, 2 / 3, 1])
    assert solution.size == sum(own.model.field.parameters for own in solution.windows)
    assert solution.record()["settings"]["windows"] == 3
    assert solution.choices[0] == "time in 3 windows, each starting where the last one ended"


def test_each_window_starts_where_the_last_one_ended(marched):
    solution, _ = marched
    assert solution.run.windows[0]["seam"] == {}
    assert all(own["seam"]["u"] < 1e-14 for own in solution.run.windows[1:]), "exact by construction"
    first, second, _ = solution.windows
    nodes = np.linspace(0, 6, 50)
    for derivative in (u, u.diff(x), u.diff(x, 2)):
        np.testing.assert_allclose(second(derivative, t=1 / 3, x=nodes), first(derivative, t=1 / 3, x=nodes), atol=1e-7)


def test_a_mean_over_space_is_that_of_the_closed_form(marched):
    solution, _ = marched
    found = solution.run.averages
    assert len(found["t"]) == 11
    np.testing.assert_allclose(found["square"], np.exp(-2 * np.array(found["t"])) / 2, atol=1e-8)


def test_points_and_grids_fall_into_their_windows(marched):
    solution, _ = marched
    instants = np.array([0.9, 0.1, 1 / 3, 0.5, 1.0, 0.0, 2 / 3])
    grid = solution.grid(t=instants, x=[1.0, 2.0])
    np.testing.assert_allclose(grid, np.exp(-instants)[:, None] * np.sin([1.0, 2.0]), atol=1e-8)
    np.testing.assert_allclose(solution(t=instants, x=1.0), grid[:, 0], atol=1e-12)
    assert np.isnan(solution(t=1.1, x=1.0))


@pytest.mark.slow
def test_what_is_loaded_is_what_was_saved(marched, tmp_path):
    solution, path = marched
    nodes = {"t": np.linspace(0, 1, 13), "x": np.linspace(0, 6, 9)}
    loaded = spd.load(path)
    np.testing.assert_array_equal(loaded.grid(**nodes), solution.grid(**nodes))
    assert loaded.run.windows == solution.run.windows
    again = spd.load(solution.save(tmp_path / "copy"))
    np.testing.assert_array_equal(again.grid(**nodes), solution.grid(**nodes))


def test_a_finished_run_is_read_and_another_run_refused(marched):
    solution, path = marched
    again = solve(decay(), spd.SPINN(windows=3, width=11, refine=0), out=path)
    assert again.run.windows == solution.run.windows
    with pytest.raises(RunError, match="holds another run"):
        solve(decay(), spd.SPINN(windows=3, width=13, refine=0), out=path)


CODE = """
import spindle as spd
from spindle.training.loop import Trainer
import spindle.solving.train, functools
from tests.solving.test_windows import decay, SMALL
spindle.solving.train.Trainer = functools.partial(Trainer, save_every=0.0)
spd.solve(decay(), spd.PINN(windows=3, steps=600, **SMALL), progress=False, out={out!r})
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_in_the_middle_of_the_windows(tmp_path):
    whole = solve(decay(), spd.PINN(windows=3, steps=600, **SMALL))
    child = subprocess.Popen([sys.executable, "-c", CODE.format(out=str(tmp_path / "run"))])
    second = tmp_path / "run" / "window02" / "checkpoint.npz"
    began = time.monotonic()
    while not second.exists() and time.monotonic() - began < 120:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "run" / "window03").exists()
    resumed = spd.resume(tmp_path / "run", progress=False)
    nodes = {"t": np.linspace(0, 1, 13), "x": np.linspace(0, 6, 9)}
    np.testing.assert_array_equal(resumed.grid(**nodes), whole.grid(**nodes))


@pytest.mark.slow
def test_what_is_solved_when_the_time_is_spent_is_kept(tmp_path):
    method = spd.PINN(windows=3, steps=10**7, **SMALL)
    part = solve(decay(), method, budget=3, out=tmp_path / "run")
    assert part.run.stopped_by == "budget"
    assert len(part.windows) == 1
    assert np.isnan(part(t=0.9, x=1.0)) and np.isfinite(part(t=0.2, x=1.0))
    assert np.isfinite(part.error()), "measured where there is a solution"
    assert len(spd.load(tmp_path / "run").windows) == 1


@pytest.mark.slow
def test_curved_domains_march():
    y = spd.coordinates("x y")[1]
    w = spd.unknown("w", t, x, y)
    exact = exp(-t) * (x + y**2)
    problem = spd.Problem(
        spd.Interval(t, 0, 1) * spd.Disk({x: 0, y: 0}, 1),
        [Eq(w.diff(t), spd.laplacian(w) + spd.manufactured(w.diff(t) - spd.laplacian(w), {w: exact}))],
        [spd.Initial(w, exact.subs(t, 0)), spd.Dirichlet(w, exact)],
        reference={w: exact},
    )
    method = spd.PINN(points=6, width=10, hidden_layers=1, steps=0, lbfgs_steps=400, balance=0, windows=2)
    solution = solve(problem, method)
    assert solution.error() < 0.05
    assert 0 < solution.run.windows[1]["seam"]["w"] < 0.05


@pytest.mark.slow
def test_a_window_that_diverges_keeps_the_earlier_ones(tmp_path):
    blowing = decay(
        equations=[Eq(u.diff(t), u.diff(x, 2) + spd.given("pole", lambda t: jnp.where(t > 0.5, jnp.nan, 0.0), t))],
        reference={},
        quantities={},
    )
    with pytest.raises(DivergenceError) as caught:
        solve(blowing, spd.SPINN(windows=2, width=11, refine=0))
    assert [own.run.stopped_by for own in caught.value.solution.windows] == ["converged", "diverged"]
    assert np.isfinite(caught.value.solution(t=0.3, x=1.0))


def test_tables_are_cut_at_the_ends_of_windows():
    table = spd.GridReference({"t": np.linspace(0, 1, 11), "x": np.array([0.0, 1.0])}, np.arange(22.0).reshape(11, 2))
    (found,) = window(decay(reference={u: table}), 0.3, 0.5).reference.values()
    np.testing.assert_allclose(found.axes["t"], [0.3, 0.4, 0.5])
    np.testing.assert_array_equal(found.values, np.arange(6.0, 12).reshape(3, 2))
    assert not window(decay(reference={u: table}), 0.31, 0.39).reference


def test_beyond_the_last_window_nothing_is_known():
    found = by_window([0.5, 1.0], 0, np.array([[0.5], [0.6], [1.5]]), lambda number, own: np.full(len(own), number))
    np.testing.assert_array_equal(found, [0, 1, np.nan])


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (decay(conditions=[spd.Periodic(u, x)]), "`decay` has no initial condition; leave `windows` out"),
        (
            decay(conditions=[spd.Initial(u, 0), spd.Observed(u, [[0.5, 1.0]], [1.0])]),
            "cannot be solved in windows, one after the other: observed u speaks of all times at once",
        ),
    ],
)
def test_problems_that_cannot_be_cut_are_refused(problem, message):
    with pytest.raises(ProblemError, match=message):
        solve(problem, spd.PINN(windows=2))


def test_families_are_refused():
    nu = spd.parameter("nu", range=(1, 2))
    with pytest.raises(MethodError, match="solves one problem at a time"):
        solve(decay(equations=[Eq(u.diff(t), nu * u.diff(x, 2))], reference={}), spd.SPINN(windows=2))


def test_at_least_one_window():
    with pytest.raises(MethodError, match="whole number of at least 1"):
        solve(decay(), spd.PINN(windows=0))


def test_windows_after_the_second_compile_nothing(marched):
    solution, _ = marched
    first, second, third = (own.run.seconds for own in solution.windows)
    assert first.compile > 0
    assert second.compile > 0
    assert third.compile == 0
    assert solution.windows[2].plan is solution.windows[1].plan


@pytest.mark.slow
def test_an_equation_may_name_the_time():
    """u = x (1 - x) + sin(t)^2 from t = 1/2 on, with one half of the source in formulas and one in code."""
    beside = spd.given("beside", lambda t, x: jnp.sin(2 * t) + 0 * x, t, x)
    exact = x * (1 - x) + sin(t) ** 2
    problem = spd.Problem(
        domain=spd.Box({t: (0.5, 2), x: (0, 1)}),
        equations=[Eq(u.diff(t), u.diff(x, 2) + 2 + sin(2 * t) / 2 + beside / 2)],
        conditions=[spd.Initial(u, exact.subs(t, 0.5)), spd.Dirichlet(u, sin(t) ** 2)],
        reference={u: exact},
    )
    solution = solve(problem, spd.SPINN(windows=3, width=12, refine=0))
    assert solution.error() < 1e-9
    np.testing.assert_allclose(solution(t=1.7, x=0.5), 0.25 + np.sin(1.7) ** 2, atol=1e-8)
    np.testing.assert_allclose(solution(u * t, t=1.7, x=0.5), 1.7 * (0.25 + np.sin(1.7) ** 2), atol=1e-8)


def test_windows_of_time_alone():
    v, w = spd.unknown("v w", t)
    problem = spd.Problem(
        domain=spd.Interval(t, 0, 3),
        equations=[Eq(v.diff(t), w), Eq(w.diff(t), -v + 0 * t)],
        conditions=[spd.Initial(v, 1), spd.Initial(w, 0)],
        reference={v: cos(t), w: -sin(t)},
    )
    method = spd.PINN(windows=3, width=12, hidden_layers=1, points=16, steps=0, lbfgs_steps=0, newton_steps=40)
    solution = solve(problem, method)
    assert solution.error() < 1e-3
    assert [own["seam"] for own in solution.run.windows[1:]] == [{"v": 0.0, "w": 0.0}] * 2
    assert solution.windows[2].run.seconds.compile == 0


def test_a_march_ends_at_a_window_that_is_not_solved(tmp_path):
    solution = solve(decay(), spd.PINN(windows=3, steps=1, **SMALL), out=tmp_path / "run")
    assert len(solution.windows) == 1
    assert solution.run.reached == {"coordinate": "t", "to": pytest.approx(1 / 3), "of": 1.0}
    assert re.match(
        r"the solution reaches t = 0.333333 of 1 and is NaN beyond, because window 1, from 0 to 0.333333, is not "
        r"solved: the residual of `equation` is \d+% of its own terms; take more windows",
        solution.warnings[0],
    )
    assert np.isnan(solution(t=0.5, x=1.0))
    assert spd.load(tmp_path / "run").warnings[0] == solution.warnings[0]
