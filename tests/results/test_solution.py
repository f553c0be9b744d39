"""What a user does with a solution: evaluate, differentiate, tabulate, compare, save and load."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sympy import Symbol, cos, exp

import spindle as spd
from spindle.methods.spinn import SPINN
from spindle.results.directory import RunDirectory
from tests.solutions import untrained

x, t = spd.coordinates("x t")
u, v = spd.unknown("u", x, t), spd.unknown("v", x, t)


@pytest.fixture(scope="module")
def solution():
    """A system, not trained at all: what is tested here holds for any weights."""
    exact = {u: exp(-t) * cos(x), v: x + t}
    equations = [u.diff(t) + v.diff(x) - (1 - exp(-t) * cos(x)), v.diff(t) - 1]
    problem = spd.Problem(
        domain=spd.Box({x: (0, 2), t: (0, 1)}), equations=equations, conditions=[spd.Dirichlet(u, exact[u])],
        reference=exact, name="pair",
    )  # fmt: skip
    bare = untrained(problem, method=SPINN(steps=5, lbfgs_steps=0, width=8, points=8))
    return bare.with_record(iterations=5, stopped_by="steps", loss=0.5, errors=bare.errors())


def test_points_grids_and_tables_agree(solution):
    xs, ts = np.linspace(0, 2, 5), np.linspace(0, 1, 4)
    for w in (u, v):
        grid = solution.grid(w, x=xs, t=ts)
        np.testing.assert_allclose(solution(w, x=xs[:, None], t=ts[None, :]), grid, rtol=1e-12, atol=1e-14)
        table = solution.to_xarray(x=5, t=4)
        np.testing.assert_array_equal(table[w.func.__name__].sel(x=2.0, t=1.0), grid[-1, -1])
    np.testing.assert_allclose(table["u_exact"], np.exp(-ts)[None, :] * np.cos(xs)[:, None], rtol=1e-14)


def test_derivatives_are_those_of_the_values(solution):
    points, step = np.random.default_rng(0).uniform(0.2, 0.8, (20, 2)), 1e-5
    right, left = points + np.array([step, 0]), points - np.array([step, 0])
    difference = (solution.evaluate(right, u) - solution.evaluate(left, u)) / (2 * step)
    np.testing.assert_allclose(solution.evaluate(points, u.diff(x)), difference, rtol=1e-7, atol=1e-8)
    product = solution.evaluate(points, u * v.diff(t) + x)
    expected = solution.evaluate(points, u) * solution.evaluate(points, v.diff(t)) + points[:, 0]
    np.testing.assert_allclose(product, expected, rtol=1e-12)


def test_error_is_the_relative_distance_to_the_closed_form(solution):
    xs, ts = np.linspace(0, 2, 201), np.linspace(0, 1, 201)
    exact = np.exp(-ts)[None, :] * np.cos(xs)[:, None]
    distance = np.linalg.norm(solution.grid(u, x=xs, t=ts) - exact) / np.linalg.norm(exact)
    assert solution.errors()["u"]["rel_l2"] == pytest.approx(distance, rel=1e-10)
    assert solution.error() == max(m["rel_l2"] for m in solution.errors().values())


def test_nothing_is_known_outside_the_domain(solution):
    values = solution(x=[0.5, 2.5, np.nan, np.inf, 2], t=[0.5, 0.5, 0.5, 0.5, 1])
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, True, False])
    for grid in (solution.grid(x=[-1, 0.5], t=[0.5, 2]), solution.to_xarray(x=[-1, 0.5], t=[0.5, 2])["u_exact"]):
        np.testing.assert_array_equal(np.isnan(grid), [[True, True], [False, True]])
    assert solution.evaluate(np.zeros((0, 2))).shape == (0,)


def test_loaded_is_what_was_saved(solution, tmp_path):
    solution.save(tmp_path / "run")
    loaded = spd.load(tmp_path / "run")
    points = np.random.default_rng(1).uniform(0, 1, (9, 2))
    np.testing.assert_array_equal(loaded.evaluate(points, v), solution.evaluate(points, v))
    assert loaded.record() == solution.record()


def test_a_saved_run_keeps_its_settings_when_defaults_change(solution, tmp_path, monkeypatch):
    solution.save(tmp_path / "run")
    changed = {**SPINN.recipes["default"], "rank": 3, "activation": "tanh", "hard": "off"}
    monkeypatch.setattr(SPINN, "recipes", {**SPINN.recipes, "default": changed})
    loaded = spd.load(tmp_path / "run")
    assert loaded.plan.settings == solution.plan.settings
    points = np.random.default_rng(1).uniform(0, 1, (9, 2))
    np.testing.assert_array_equal(loaded.evaluate(points, u), solution.evaluate(points, u))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda s: s(x=0.5), "depends on x, t, and t was not given; pass `t=...`"),
        (lambda s: s(x=0.5, T=0.1), "`T` is no coordinate of `pair`"),
        (
            lambda s: s.evaluate(np.zeros((4, 3))),
            r"points of shape \(4, 3\); it needs \(n, 2\), the columns being x, t",
        ),
        (lambda s: s.evaluate("abc"), "asked for points = 'abc', which are no numbers"),
        (lambda s: s("u_x", x=0.5, t=0.5), "given the text 'u_x', and text is never evaluated"),
        (lambda s: s(u * Symbol("q"), x=0.5, t=0.5), "contains `q`, which is neither a coordinate nor a parameter"),
        (lambda s: s(spd.grad(u), x=0.5, t=0.5), "asks for 1 components at once"),
        (lambda s: s(x="a", t=0.5), "coordinate x = 'a', which are no numbers"),
        (lambda s: s(x=[1, 2], t=[1, 2, 3]), r"shapes \(2,\), \(3,\), which do not broadcast together"),
        (lambda s: s.grid(x=0, t=3), r"`solution.grid\(x=0\)` needs a number of nodes, at least 1"),
        (lambda s: s.grid(x=3, t=-1), r"`solution.grid\(t=-1\)` needs a number of nodes, at least 1"),
        (lambda s: s.grid(x="a", t=3), "axis x = 'a', which are no numbers"),
        (lambda s: s.grid(x=[[1]], t=3), "or a row of nodes; write `x=101`"),
        (lambda s: s(0.5, 0.5), r"was given 2 values without a name, .* write `solution\(x=0.5, y=\[0.1, 0.2\]\)`"),
        (lambda s: s(np.zeros(3), x=0.5, t=0.5), r"coordinates go by name, `solution\(x=..., t=...\)`"),
        (lambda s: s.grid(u, 101, 101), r"`solution.grid` was given 3 values without a name.* `solution.grid\(x=101"),
        (lambda s: s.to_xarray(9, 9), r"`solution.to_xarray` was given 2 values without a name, and it takes none"),
        (lambda s: s.save(), "`solution.save` was not given `directory`"),
    ],
)
def test_wrong_questions_are_answered_in_a_sentence(solution, ask, words):
    with pytest.raises(spd.ProblemError, match=words):
        ask(solution)


def test_expressions_may_use_symbols_called_as_coordinates(solution):
    np.testing.assert_array_equal(solution(u * Symbol("x"), x=0.5, t=0.5), solution(u * x, x=0.5, t=0.5))


def test_a_run_is_the_same_wherever_its_problem_comes_from(solution, tmp_path):
    directory = RunDirectory.at(solution.save(tmp_path / "run"))
    named = solution.problem.named("pair", {"k": 2})
    assert directory.prepare(named, solution.plan, 0) == directory.read_info()
    with pytest.raises(
        spd.RunError, match=r"holds another run \(seed 0 there and 1 here\), and two runs cannot share one"
    ):
        directory.prepare(named, solution.plan, 1)
    other = replace(solution.problem, conditions=[])
    with pytest.raises(spd.RunError, match=r"holds another run \(also called pair, but posed otherwise\)"):
        directory.prepare(other, solution.plan, 0)


def test_constants_may_be_evaluated_with_the_solution(solution):
    twice = solution(spd.parameter("two", 2.0) * u, x=0.5, t=0.5)
    np.testing.assert_allclose(twice, 2 * solution(u, x=0.5, t=0.5), rtol=1e-14)


def swapped(name):
    """Put another file of the run in the place of this one."""
    other = "problem.npz" if name == "solution.npz" else "solution.npz"
    return lambda run: (run / name).write_bytes((run / other).read_bytes())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: edit(run, method={}), "run.json and problem.npz in .* do not belong together"),
        (lambda run: edit(run, method=3), "written by another version"),
        (lambda run: edit(run, seed="one"), "written by another version"),
        (lambda run: edit(run, format=1), "written by another version"),
        (lambda run: (run / "run.json").write_text("[1]"), "run.json is damaged or foreign"),
        (swapped("solution.npz"), r"solution.npz is damaged or foreign .*; remove it and resume the run"),
        (swapped("problem.npz"), "do not belong together"),
        (lambda run: (run / "solution.npz").unlink(), "holds no solution yet, because its training has not ended"),
    ],
)
def test_damaged_runs_are_refused(solution, tmp_path, damage, words):
    damage(solution.save(tmp_path / "run"))
    with pytest.raises(spd.RunError, match=words):
        spd.load(tmp_path / "run")


def edit(run, **changes):
    (run / "run.json").write_text(json.dumps(json.loads((run / "run.json").read_text()) | changes))


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_place_of_a_directory_is_named(solution, tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(spd.RunError, match=f"{name} cannot be written .*; choose a directory that can"):
        solution.save(tmp_path / name)
    with pytest.raises(spd.RunError, match=f"{name} is no run directory"):
        spd.load(tmp_path / name)


@pytest.mark.parametrize("name", [None, "", 3, b"run"])
def test_a_directory_needs_a_name(solution, name):
    for call in (solution.save, spd.load, spd.resume):
        with pytest.raises(spd.RunError, match="is no directory for a run; give its path"):
            call(name)
