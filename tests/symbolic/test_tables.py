"""Tabulated coefficients: splines against SciPy's and against the functions they stand for, and their storage."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import make_interp_spline
from sympy import Eq

import spindle as spd
from spindle.problem.serialize import problem_from_data, problem_to_data
from spindle.symbolic.tables import Table
from spindle.training.precision import precision

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
X = np.sort(np.r_[0, 1, np.random.default_rng(0).uniform(size=11)])
Y = np.linspace(0, 2, 9)
VALUES = np.sin(3 * X)[:, None] * np.cos(Y)
POINTS = np.random.default_rng(1).uniform(size=40)


def test_a_table_is_exact_at_its_nodes_and_on_cubics():
    table = Table([("x", X), ("y", Y)], VALUES)
    np.testing.assert_allclose(table(X[:, None], Y[None, :]), VALUES, atol=1e-14)
    cubic = Table([("x", X), ("y", Y)], (1 + X[:, None] ** 3) * (Y - Y**3))
    np.testing.assert_allclose(cubic(POINTS, 2 * POINTS), (1 + POINTS**3) * (2 * POINTS - 8 * POINTS**3), atol=1e-12)


def test_derivatives_under_jax_are_those_of_scipy(float64):
    table, spline = Table([("x", X)], np.sin(3 * X)), make_interp_spline(X, np.sin(3 * X))
    inside = jnp.asarray(POINTS)
    for order, function in enumerate((table, jax.grad(table), jax.grad(jax.grad(table)))):
        found = jax.jit(jax.vmap(function))(inside)
        np.testing.assert_allclose(found, spline(POINTS, order), atol=1e-10)


def test_the_error_falls_with_the_fourth_power_of_the_spacing():
    errors = []
    for n in (11, 21, 41):
        nodes = np.linspace(0, 1, n)
        errors.append(np.abs(Table([("x", nodes)], np.exp(nodes))(POINTS) - np.exp(POINTS)).max())
    assert np.log2(errors[0] / errors[1]) > 3.5
    assert np.log2(errors[1] / errors[2]) > 3.5


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_straight_lines_and_nearest_nodes_never_leave_the_values(interpolation, float64):
    table, step = Table([("x", X)], np.where(X < 0.5, 1.0, 10.0), interpolation), np.linspace(0, 1, 301)
    expected = {
        "linear": np.interp(step, X, table.values),
        "nearest": table.values[np.abs(step[:, None] - X).argmin(1)],
    }[interpolation]
    np.testing.assert_allclose(table(step), expected, atol=1e-12)
    np.testing.assert_allclose(jax.jit(table)(jnp.asarray(step)), expected, atol=1e-12)
    slope = jax.vmap(jax.grad(table))(jnp.asarray(POINTS))
    wide = np.abs(np.diff(table.values) / np.diff(X)) * (interpolation == "linear")
    np.testing.assert_allclose(slope, wide[np.searchsorted(X, POINTS) - 1], atol=1e-9)


def test_ways_to_join_mix_in_no_symbol_and_survive_storage():
    kinds = [spd.tabulated("kappa", {x: X, y: Y}, VALUES, interpolation=way) for way in ("cubic", "linear", "nearest")]
    assert len(set(kinds)) == 3
    for kappa in kinds:
        stored = spd.Problem(spd.Box({x: (0, 1), y: (0, 2)}), [Eq(spd.laplacian(u), kappa)], [spd.Dirichlet(u)])
        back = problem_from_data(*problem_to_data(stored))
        assert back.equations[0].residual == stored.equations[0].residual
    data, arrays = problem_to_data(problem())
    data["tables"] = [row[:3] for row in data["tables"]]  # as before there was a choice
    assert problem_from_data(data, arrays).equations == problem().equations
    with pytest.raises(spd.ProblemError, match="names no way to join values, which are cubic, linear, nearest"):
        spd.tabulated("kappa", {x: X}, X, interpolation="liner")


@pytest.mark.parametrize("count", [2, 3])
def test_few_nodes_lower_the_degree(count):
    nodes = np.linspace(0, 1, count)
    table = Table([("x", nodes)], nodes ** (count - 1))
    np.testing.assert_allclose(table(POINTS), POINTS ** (count - 1), atol=1e-12)


def test_points_broadcast_and_keep_their_precision():
    table = Table([("x", X), ("y", Y)], VALUES)
    for dtype in ("float32", "float64"):
        with precision(dtype):
            found = jax.jit(table)(jnp.ones((3, 1), dtype), jnp.ones((1, 4), dtype))
            assert (found.shape, found.dtype) == ((3, 4), dtype)
            assert jax.jit(lambda p: table(0, p))(jnp.ones(2, dtype)).dtype == dtype
    np.testing.assert_allclose(table(2.0, 0.5), table(np.array([2.0]), np.array([0.5]))[0])


def test_equal_data_make_equal_symbols():
    one, other = (spd.tabulated("kappa", {x: X, y: Y}, VALUES) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != spd.tabulated("kappa", {x: X, y: Y}, VALUES + 1)
    assert one != spd.tabulated("kappa", {x: X, y: 2 * Y}, VALUES)


def problem():
    kappa = spd.tabulated("kappa", {x: X, y: Y}, VALUES + 2)
    source = spd.tabulated("f", {y: Y}, Y**2)
    box = spd.Box({x: (0, 1), y: (0, 2)})
    return spd.Problem(box, [Eq(spd.div(kappa * spd.grad(u)), source)], [spd.Dirichlet(u, source, on=Eq(x, 0))])


def test_problems_are_stored_with_their_tables_and_without_code():
    data, arrays = problem_to_data(problem())
    back = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert back.equations == problem().equations
    assert back.conditions == problem().conditions
    assert "kappa(x, y) on 13 x 9 nodes" in str(back)
    coded = spd.Problem(spd.Interval(x, 0, 1), [spd.given("c", jnp.sin, x) * spd.unknown("w", x)])
    assert "tables" not in problem_to_data(coded)[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", {x: X}, X), "has no name"),
        ((3, {x: X}, X), "has no name"),
        (("k", {}, X), "needs nodes for each coordinate"),
        (("k", [X], X), "needs nodes for each coordinate"),
        (("k", {"x": X}, X), "needs nodes for each coordinate"),
        (("k", {x: X[::-1]}, X), "no row of at least two increasing numbers"),
        (("k", {x: [0, 0, 1]}, [1, 2, 3]), "no row of at least two increasing numbers"),
        (("k", {x: [1]}, [1]), "no row of at least two increasing numbers"),
        (("k", {x: [X, X]}, X), "no row of at least two increasing numbers"),
        (("k", {x: [0, np.nan]}, [1, 2]), "nodes of x of which 1 are NaN"),
        (("k", {x: ["a", "b"]}, [1, 2]), "nodes of x that are no array of numbers"),
        (("k", {x: [0, 1]}, [1, np.inf]), "values of which 1 are NaN or infinite"),
        (("k", {x: [0, 1]}, ["a", "b"]), "values that are no array of numbers"),
        (("k", {x: [0, 1]}, [1, 2, 3]), r"values of shape \(3,\), but its nodes ask for \(2,\)"),
        (("k", {x: X, y: Y}, VALUES.T), r"values of shape \(9, 13\), but its nodes ask for \(13, 9\)"),
    ],
)
def test_bad_tables_are_refused(arguments, words):
    with pytest.raises(spd.ProblemError, match=words):
        spd.tabulated(*arguments)


def test_tables_cover_the_domain_and_have_names_of_their_own():
    kappa = spd.tabulated("kappa", {x: X, y: Y}, VALUES)
    with pytest.raises(spd.ProblemError, match="tabulated for y from 0 to 2, but the domain reaches from 0 to 3"):
        spd.Problem(spd.Box({x: (0, 1), y: (0, 3)}), [kappa * u])
    other = spd.tabulated("kappa", {x: X}, X)
    with pytest.raises(spd.ProblemError, match="Two different tables are called `kappa`"):
        spd.Problem(spd.Box({x: (0, 1), y: (0, 2)}), [kappa * u + other])
