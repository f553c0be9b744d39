"""Waves: exact for what they hold, preconditioned by the linear part, and evaluated alike on grids and at points."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, Rational, cos, exp, pi, sin

import spindle as spd
from spindle.methods.elements import on_elements
from spindle.slabs.fit import prefers_waves
from spindle.slabs.march import March
from spindle.training.precision import precision

t, x, y = spd.coordinates("t x y")


def travelling(speed=3):
    """u_t + c u_x + d u_xxx + 0 u^2 = 0: a wave of number k moves by (c - d k^2) t."""
    u, dispersion = spd.unknown("u", t, x), Rational(1, 10)
    exact = sum(cos(k * (x - (speed - dispersion * k**2) * t)) for k in (1, 3))
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + speed * u.diff(x) + dispersion * u.diff(x, 3) + 0 * u**2, 0)],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Periodic(u, x)],
        reference={u: exact},
    )


def spreading():
    """Manufactured: two unknowns that react and spread in the plane."""
    u, v = spd.unknown("u v", t, x, y)
    known = {u: exp(-t) * (2 + sin(x) * cos(2 * y)), v: (1 + t) * (2 + cos(x - y))}
    operators = {"u": u.diff(t) - spd.laplacian(u) + u * v**2, "v": v.diff(t) - spd.laplacian(v) / 2 - u * v**2}
    return spd.Problem(
        domain=spd.Box({t: (0, Rational(1, 5)), x: (0, 2 * pi), y: (0, 2 * pi)}),
        equations={name: Eq(o, spd.manufactured(o, known)) for name, o in operators.items()},
        conditions=[
            *(spd.Initial(f, known[f].subs(t, 0)) for f in (u, v)),
            *(spd.Periodic(f, axis) for f in (u, v) for axis in (x, y)),
        ],
        reference=known,
    )


def march_of(problem):
    return on_elements(problem, spd.SPINN(network="elements").resolved(problem), ()).march


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A function: the solution of one of these problems, and its directory."""

    @functools.cache
    def of(problem):
        directory = tmp_path_factory.mktemp("waves") / "run"
        method = spd.SPINN(network="elements")
        return spd.solve(problem(), method, progress=False, out=directory), directory

    return of


@pytest.mark.parametrize(("problem", "most"), [(travelling, 1e-8), (spreading, 1e-6)])
def test_solutions_that_waves_hold_are_right(solved, problem, most):
    assert prefers_waves(problem())
    solution, _ = solved(problem)
    assert solution.verdict.word == "solved" and solution.error() < most
    assert "waves along x" in solution.choices[-1]


def test_the_linear_part_is_the_whole_of_a_linear_equation_with_constant_coefficients():
    """One step of conjugate gradients, preconditioned by the inverse itself, then ends them: J^T J P = 1."""
    problem = travelling()
    space, mesh, _ = march_of(problem).ways[0]
    with precision("float64"):
        march = March(space, (0.0, 0.1), mesh, march_of(problem).ways[0].aim)
        march.advance()
    # A Gauss-Newton step solves a linear problem; the second one finds nothing left to do.
    assert march.steps <= 6


def test_grids_and_points_agree(solved):
    solution, _ = solved(spreading)
    field, orders = solution.model.field, [(0, 0, 0), (1, 0, 0), (0, 2, 1)]
    axes = [np.array([0.01, 0.15]), np.array([0.3, 4.0, 6.2]), np.array([1.0])]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    with precision("float64"):
        grid = field.on_grid(list(map(jnp.asarray, axes)), orders)
        scattered = field.partials(jnp.asarray(points), orders)
    for order in orders:
        np.testing.assert_allclose(
            np.asarray(grid[order]).reshape(2, -1), np.asarray(scattered[order]).T, rtol=1e-9, atol=1e-9
        )


def test_a_file_gives_the_same_waves_back(solved):
    solution, directory = solved(travelling)
    again = spd.load(directory)
    assert np.array_equal(again.grid(t=3, x=5), solution.grid(t=3, x=5))


def test_one_axis_that_is_not_periodic_is_no_matter_of_waves():
    u = spd.unknown("u", t, x, y)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(t), spd.laplacian(u) - u**3)],
        conditions=[spd.Initial(u, sin(2 * pi * x)), spd.Periodic(u, x), spd.Dirichlet(u, 0, on=[Eq(y, 0), Eq(y, 1)])],
    )
    assert not prefers_waves(problem)
