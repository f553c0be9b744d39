"""Solutions in space and time whose errors are known, smooth ones and fronts, on boxes and on shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, Float, atan2, cos, exp, pi, sin, tanh

import spindle as spd
from spindle.results.summary import estimate_in_words
from spindle.solving.estimates.marched import lines_estimate
from spindle.solving.estimates.stretched import around
from spindle.training.budget import Budget
from tests.solving.estimates.closed_forms import solution_of

t, x, y = spd.coordinates("t x y")
u, v = spd.unknown("u v", t, x)
w = spd.unknown("w", x, y)
BOX = spd.Box({t: (0, 1), x: (0, pi)})


def posed(domain, operator, unknown, exact, conditions, **more):
    equation = Eq(operator, spd.manufactured(operator, {unknown: exact}))
    return spd.Problem(domain, [equation], conditions, reference={unknown: exact}, **more)


def heat():
    exact = {u: exp(-t) * sin(x), v: cos(t) * cos(x)}
    operators = u.diff(t) - u.diff(x, 2) + u * v, v.diff(t) - v.diff(x, 2) / 2
    starts = [spd.Initial(u, sin(x)), spd.Initial(v, cos(x))]
    return spd.Problem(
        BOX,
        [Eq(e, spd.manufactured(e, exact)) for e in operators],
        [*starts, spd.Dirichlet(u, 0), spd.Robin(v, 2, 1, 2 * exact[v])],
        reference=exact,
        quantities={"product": u * v, "slope": u.diff(x)},
    )


SIGMOID = tanh((x - 1 - t) / 0.02)
MOVING = u.diff(t) + u.diff(x) - u.diff(x, 2) / 50
SPIN = spd.Box({x: (0, 2 * pi), t: (0, 1)})
r = spd.unknown("r", x, t)
LINES = {
    "system": (heat(), {u: exp(-t) * sin(x) + t * sin(2 * x) / 1000, v: cos(t) * cos(x) + t / 1000}),
    "wave": (
        posed(BOX, u.diff(t, 2) - u.diff(x, 2), u, sin(x) * cos(t),
              [spd.Initial(u, sin(x)), spd.Initial(u.diff(t), 0), spd.Dirichlet(u, 0)]),
        {u: sin(x) * cos(t) + t * sin(2 * x) / 1000},
    ),
    "periodic": (
        posed(SPIN, r.diff(t) + 3 * r.diff(x), r, sin(x - 3 * t), [spd.Initial(r, sin(x)), spd.Periodic(r, x)]),
        {r: sin(x - 3 * t) + t * sin(2 * x) / 1000},
    ),
    "inflow": (
        posed(BOX, u.diff(t) + u.diff(x), u, sin(x - t),
              [spd.Initial(u, sin(x)), spd.Dirichlet(u, -sin(t), on=Eq(x, 0))]),
        {u: sin(x - t) + t * sin(2 * x) / 1000},
    ),
    "third order": (
        posed(SPIN, r.diff(t) + r.diff(x, 3), r, sin(x + t), [spd.Initial(r, sin(x)), spd.Periodic(r, x)]),
        {r: sin(x + t) + t * sin(2 * x) / 1000},
    ),
    "front": (
        posed(BOX, MOVING, u, SIGMOID, [spd.Initial(u, SIGMOID.subs(t, 0)), spd.Dirichlet(u, SIGMOID)]),
        {u: SIGMOID.subs(x, x - t / 100)},
    ),
}  # fmt: skip
FAST = ("wave", "periodic", "inflow")


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in LINES])
def test_along_lines_the_estimate_is_the_error(name):
    problem, formulas = LINES[name]
    solution = solution_of(problem, formulas)
    found = lines_estimate(solution, None, Budget())
    for quantity, measures in solution.errors().items():
        assert found["errors"][quantity] == pytest.approx(measures["rel_l2"], rel=0.03)


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ([spd.Initial(u**2, 1), spd.Dirichlet(u, 1)], "initial conditions are on other expressions"),
        ([spd.Dirichlet(u, 1)], "not as many initial conditions"),
        ([spd.Initial(u, 1), spd.Dirichlet(u, 1), spd.Neumann(u, 0)], "more conditions hold at an end"),
    ],
)
def test_what_lines_cannot_follow_is_said(conditions, reason):
    problem = spd.Problem(BOX, [u.diff(t) - u.diff(x, 2)], conditions)
    assert reason in lines_estimate(solution_of(problem, {u: x}), None, Budget())["reason"]


def test_a_stretched_axis_keeps_its_ends_and_its_derivatives(float64):
    nodes = np.linspace(-1, 2, 801)
    seen = np.exp(-(((nodes[1:] + nodes[:-1]) / 2 - 0.3) ** 2) / 1e-4)
    stretch = around(nodes, seen)
    new = jnp.linspace(-1, 2, 41)
    old = stretch.old(new)
    np.testing.assert_allclose(old[jnp.array([0, -1])], [-1, 2], atol=1e-12)
    np.testing.assert_allclose(stretch.new(old), new, atol=1e-12)
    assert np.mean(np.abs(old - 0.3) < 0.1) > 0.5
    rates = jax.vmap(jax.grad(stretch.old))(new) * jax.vmap(stretch.rate)(old)
    np.testing.assert_allclose(rates, 1, atol=1e-12)
    again = jax.vmap(jax.grad(jax.grad(stretch.old)))(new)
    expected = jax.vmap(jax.grad(lambda a: 1 / stretch.rate(stretch.old(a))))(new)
    np.testing.assert_allclose(again, expected, rtol=1e-9)
    assert around(nodes, np.ones(800)) is None


DISK = spd.Disk({x: 0, y: 0}, 1)
CORNER = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Box({x: (0, 1), y: (0, 1)})
SMOOTH = exp(x) * sin(2 * y) + 1


@pytest.mark.parametrize(
    ("domain", "size"), [(DISK, 1e-6), pytest.param(CORNER, 1e-3, marks=pytest.mark.slow)], ids=["disk", "corner"]
)
def test_on_shapes_the_estimate_is_the_error(domain, size):
    squares = {"square": w**2}
    problem = posed(domain, spd.laplacian(w) + w**2, w, SMOOTH, [spd.Dirichlet(w, SMOOTH)], quantities=squares)
    solution = solution_of(problem, {w: SMOOTH + size * cos(3 * x) * sin(y + 1)})
    found = spd.estimate(solution)
    for name, measures in solution.errors().items():
        assert found["errors"][name] == pytest.approx(measures["rel_l2"], rel=0.05)
    assert "on scattered nodes" in estimate_in_words(found)


@pytest.mark.slow
def test_a_shape_in_time_and_what_is_too_sharp_for_nodes():
    q = spd.unknown("q", x, y, t)
    exact = exp(-t) * (x**2 + y) + 1
    start = spd.Initial(q, exact.subs(t, 0))
    disk = DISK * spd.Interval(t, 0, 1)
    problem = posed(disk, q.diff(t) - spd.laplacian(q), q, exact, [spd.Dirichlet(q, exact), start])
    solution = solution_of(problem, {q: exact + (1 + t) * cos(3 * x) * sin(y + 1) / 1000})
    assert spd.estimate(solution)["errors"]["q"] == pytest.approx(solution.error(), rel=0.05)
    still = posed(DISK, spd.laplacian(w) + w**2, w, SMOOTH, [spd.Dirichlet(w, SMOOTH)])
    assert (
        "sharper than their distances" in spd.estimate(solution_of(still, {w: SMOOTH + sin(60 * x) / 1000}))["reason"]
    )


SINGULAR = (x**2 + y**2) ** Float(1 / 3) * sin(2 * atan2(y, -x) / 3 + pi / 3)  # its cut is in the quarter cut out
NOTCHED = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Box({x: (0, 1), y: (-1, 0)})


@pytest.mark.parametrize("size", [1, pytest.param(1e-3, marks=pytest.mark.slow)])
def test_at_a_corner_an_error_that_is_all_singularity_is_seen(size):
    """r^(2/3) sin(2 phi / 3) is harmonic; a solution that knows nothing of it misses nothing but that."""
    exact = x * y + size * SINGULAR
    problem = spd.Problem(NOTCHED, [Eq(spd.laplacian(w), 0)], [spd.Dirichlet(w, exact)], reference={w: exact})
    solution = solution_of(problem, {w: x * y})
    found = spd.estimate(solution)
    assert found["errors"]["w"] == pytest.approx(solution.error(), rel=0.05), "both by quadrature, but on other points"
    assert found["left"] < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("domain", "exact"), [(DISK, SMOOTH), (NOTCHED, x * y + SINGULAR)], ids=["disk", "corner"])
@pytest.mark.parametrize("size", [1e-2, 1e-6], ids=["a large error", "one below that of nodes"])
def test_what_is_too_rough_for_equations_of_the_error_is_compared_with_a_solution(domain, exact, size):
    """Linear equations are solved anew; what that is exact to is part of the estimate where it is most of it."""
    source = spd.manufactured(spd.laplacian(w), {w: exact}) if domain is DISK else 0
    problem = spd.Problem(domain, [Eq(spd.laplacian(w), source)], [spd.Dirichlet(w, exact)], reference={w: exact})
    solution = solution_of(problem, {w: exact + size * sin(60 * x) * cos(50 * y)})
    found = spd.estimate(solution)
    error, estimated = solution.error(), found["errors"]["w"]
    assert found["by"] == "differences on scattered nodes" and not found["bound"]
    assert estimated == pytest.approx(error, rel=0.1) if size == 1e-2 else 0.9 * error < estimated < 5e-3
    assert estimated > 0.5 * found["own"]


@pytest.mark.slow
def test_windows_are_compared_as_a_whole():
    problem = spd.Problem(
        BOX,
        [Eq(u.diff(t), u.diff(x, 2))],
        [spd.Initial(u, sin(x)), spd.Dirichlet(u, 0)],
        reference={u: exp(-t) * sin(x)},
    )
    method = spd.PINN(width=8, hidden_layers=1, points=8, steps=60, lbfgs_steps=0, balance=0, windows=2)
    solution = spd.solve(problem, method, progress=False)
    assert spd.estimate(solution)["errors"]["u"] == pytest.approx(solution.error(), rel=0.05)
