"""Nodes are checked where they are given, and differences have a sensible size."""

import numpy as np
import pytest
from sympy import Eq

import spindle as spd
from spindle.errors import ProblemError
from spindle.problem.windows import window
from spindle.reference import allen_cahn, burgers, diffusion, lshape
from spindle.reference.tabulated import OnDemand, relative_difference


@pytest.mark.parametrize("solver", [burgers, allen_cahn, lshape])
def test_nodes_outside_the_interval_are_refused(solver):
    with pytest.raises(ValueError, match=r"The nodes of x run from -1 to 1\.5, but the problem is posed on \[-1, 1\]"):
        solver(x=[-1.0, 1.5])


@pytest.mark.parametrize("solver", [burgers, allen_cahn, diffusion])
@pytest.mark.parametrize("t", [[0.5, 0.5], [0.5, 0.2], [], [[0.0, 1.0]], [0.0, np.nan]])
def test_times_must_increase(solver, t):
    with pytest.raises(ValueError, match="must be one increasing row of numbers"):
        solver(t=t)


def test_given_nodes_become_the_axes():
    table = burgers(t=[0.0, 0.3], x=[-0.5, 0.0, 0.7])
    assert list(table.axes) == ["t", "x"]
    np.testing.assert_array_equal(table.axes["x"], [-0.5, 0.0, 0.7])
    assert table.values.shape == (2, 3)


@pytest.mark.parametrize("solver", [burgers, lshape])
def test_a_grid_on_the_boundary_alone_is_zero(solver):
    table = solver(x=[-1.0], **({"y": [0.0, 1.0]} if solver is lshape else {}))
    assert not table.values.any()


def test_relative_difference_is_the_ratio_of_norms():
    assert relative_difference(np.array([3.0, 4.1]), np.array([3.0, 4.0])) == pytest.approx(0.02)
    assert relative_difference(np.ones(3), np.ones(3)) == np.finfo(float).eps


def test_what_is_computed_on_demand_is_computed_once_and_refused_in_a_sentence():
    asked = []

    def compute():
        asked.append(True)
        return np.ones((3,)), 0.125

    table = OnDemand({"x": np.linspace(0, 1, 3)}, compute, "Nothing.")
    assert not asked
    assert (table.values.sum(), table.relative_error, table.source) == (3, 0.125, "Nothing.")
    assert len(asked) == 1
    wrong = OnDemand({"x": np.linspace(0, 1, 3)}, lambda: (np.ones((2,)), 0.0), "Nothing.")
    with pytest.raises(ProblemError, match=r"values of shape \(2,\)"):
        _ = wrong.values
    singular = OnDemand({"x": np.linspace(0, 1, 3)}, lambda: np.linalg.inv(np.zeros((2, 2))), "A solver.")
    with pytest.raises(
        ProblemError, match=r"reference of the problem \(A solver\) cannot be computed, Singular matrix;"
    ):
        _ = singular.values


def test_what_is_computed_on_demand_is_cut_into_windows():
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    axes = {"t": np.linspace(0, 1, 11), "x": np.linspace(0, 1, 3)}
    table = OnDemand(axes, lambda: (np.arange(33.0).reshape(11, 3), 0.0), "Nothing.")
    box = spd.Box({t: (0, 1), x: (0, 1)})
    posed = spd.Problem(box, [Eq(u.diff(t), 0)], [spd.Initial(u, 0)], reference={u: table})
    (part,) = window(posed, 0.5, 1.0).reference.values()
    np.testing.assert_array_equal(part.axes["t"], axes["t"][5:])
    np.testing.assert_array_equal(part.values, table.values[5:])
