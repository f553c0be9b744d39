"""Whatever a method can solve can be saved and read again: every method, every kind of problem."""

from functools import cache

import numpy as np
import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.errors import MethodError
from spindle.methods.registry import METHODS, method_named
from spindle.problem.families import with_parameter_axes
from spindle.results.run_record import RunRecord
from tests.solutions import around, initial

t, x, y = spd.coordinates("t x y")
SMALL = {
    "spinn": {"width": 5, "rank": 2, "points": 8},
    "spinn-mod": {"width": 4, "rank": 2, "points": 4, "hidden_layers": 1, "steps": 1},
    "dtpinn": {"width": 4, "nodes": 120, "order": 2, "approach": False, "frequency": 4.0},
    "lrpinn": {"members": 8, "points": 4, "rank": 2, "width": 6},
    "fastlrnr": {"members": 8, "points": 4, "rank": 2, "width": 6},
}
SMALLEST = {"width": 4, "points": 4, "hidden_layers": 1}


def heat(**changes):
    u = spd.unknown("u", t, x)
    parts = {
        "domain": spd.Box({t: (0, 1), x: (0, 1)}),
        "equations": [Eq(u.diff(t), u.diff(x, 2))],
        "conditions": [spd.Initial(u, x * (1 - x)), spd.Dirichlet(u, 0)],
    }
    return spd.Problem(**(parts | changes))


@cache
def problems():
    """One problem of every kind."""
    k, c = spd.parameter("k", range=(1, 2)), spd.parameter("c", 1.5, unknown=True)
    u, w, v = spd.unknown("u", t, x), spd.unknown("w", x, y), spd.unknown("v", x)
    moving = spd.unknown("u", t, x, y)
    disk = spd.Disk({x: 0, y: 0}, 1)
    kappa = spd.tabulated("kappa", {x: np.linspace(0, 1, 5)}, np.linspace(1, 2, 5))
    points = np.array([[0.5, 0.25], [0.5, 0.75]])
    seen = spd.Observed(u, points, np.array([0.1, 0.2]), noise=0.01)
    return {
        "box": spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [Eq(spd.laplacian(w), -1)], [spd.Dirichlet(w, 0)]),
        "one axis": spd.Problem(spd.Interval(x, 0, 1), [Eq(v.diff(x, 2), -1)], [spd.Dirichlet(v, 0)]),
        "time": heat(),
        "table": heat(equations=[Eq(u.diff(t), kappa * u.diff(x, 2))]),
        "family": heat(equations=[Eq(u.diff(t), k * u.diff(x, 2))]),
        "inverse": heat(
            equations=[Eq(u.diff(t), c * u.diff(x, 2))],
            conditions=[spd.Initial(u, x * (1 - x)), spd.Dirichlet(u, 0), seen],
        ),
        "shape": spd.Problem(disk, [Eq(spd.laplacian(w), -1)], [spd.Dirichlet(w, 0)]),
        "shape in time": spd.Problem(
            disk * spd.Interval(t, 0, 1),
            [Eq(moving.diff(t), spd.laplacian(moving))],
            [spd.Initial(moving, 0), spd.Dirichlet(moving, sin(t))],
        ),
    }


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", list(problems()))
def test_a_solution_that_was_saved_is_read_again(tmp_path, name, kind):
    problem, method = problems()[kind], method_named(name, SMALL.get(name, SMALLEST))
    try:
        plan = method.plan(with_parameter_axes(problem))
    except MethodError:
        return  # what it refuses it has no solution of; `test_every_kind_has_a_method` counts the others
    run = RunRecord(seed=1, iterations=0, stopped_by="steps")
    solution = around(problem, method, plan, initial(plan, seed=1), run)
    read = spd.load(solution.save(tmp_path / "run"))
    axes = {c.name: 3 for c in solution.problem.coordinates}
    np.testing.assert_array_equal(read.grid(**axes), solution.grid(**axes))
    assert read.choices == solution.choices
    assert repr(read.problem) == repr(solution.problem)


def test_every_kind_has_a_method():
    def accepted(problem):
        for name in ("spinn", "pinn", "dtpinn"):
            try:
                method_named(name, SMALL.get(name, SMALLEST)).plan(with_parameter_axes(problem))
                yield name
            except MethodError:
                pass

    assert {kind: list(accepted(problem)) for kind, problem in problems().items()} == {
        "box": ["spinn", "pinn", "dtpinn"],
        "one axis": ["spinn", "pinn"],
        "time": ["spinn", "pinn"],
        "table": ["spinn", "pinn"],
        "family": ["spinn", "pinn"],
        "inverse": ["spinn", "pinn"],
        "shape": ["pinn", "dtpinn"],
        "shape in time": ["pinn", "dtpinn"],
    }
