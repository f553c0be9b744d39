"""The classical solution: published floors, orders of convergence for every boundary condition, time, Newton."""

import re

import numpy as np
import pytest
from sympy import Eq, cos, exp, lambdify, sin, sympify

import spindle as spd
from spindle.classical.nodal_solver import NoClassical, solve_nodal
from spindle.gallery.registry import gallery
from spindle.symbolic.symbols import normal
from spindle.training.precision import precision

x, y, t = spd.coordinates("x y t")


def classical(problem, **settings):
    with precision("float64"):
        # With a frequency that is given the plan need not look at a classical solution of its own.
        plan = spd.DTPINN(frequency=1.0, **settings).plan(problem)
        return plan.problem, solve_nodal(plan.objective)


def error(problem, found, points=2000):
    """Relative L2 error at random points of the domain."""
    low, high = np.array(problem.domain.bounds).T
    where = low + (high - low) * np.random.default_rng(5).uniform(size=(points, len(low)))
    where = where[problem.domain.contains(where)]
    (u,) = problem.unknowns

    exact = lambdify(problem.coordinates, problem.reference[u], "numpy")(*where.T)
    return np.linalg.norm(found.at(where)[:, 0] - exact) / np.linalg.norm(exact)


# Errors of the direct solution on other quasi-uniform nodes of the same numbers, kernel r^5, orders 2 to 5.
FLOORS = {(737, 91): (2.2e-3, 1.6e-4, 3.2e-5, 5.8e-6), (2077, 159): (8.2e-4, 1.9e-5, 1.8e-6, 2.0e-7)}


@pytest.mark.parametrize("nodes", FLOORS)
def test_disk_is_as_accurate_as_elsewhere(nodes):
    for order, floor in zip((2, 3, 4, 5), FLOORS[nodes], strict=True):
        found = error(*classical(gallery("poisson_disk"), nodes=nodes, order=order, exponent=5))
        assert floor / 6 < found < 3 * floor


def ring(kind):
    u = spd.unknown("u", x, y)
    exact = exp(x) * sin(2 * y) + x
    flux = spd.dot(spd.grad(exact, over=(x, y)), normal(x, y))
    conditions = {
        "Dirichlet": [spd.Dirichlet(u, exact)],
        "Neumann": [spd.Neumann(u, flux, on="inner"), spd.Dirichlet(u, exact, on="outer")],
        "Robin": [spd.Robin(u, 2, 1, 2 * exact + flux)],
    }
    operator = spd.div((2 + x) * spd.grad(u)) + 3 * u.diff(x) - u
    return spd.Problem(
        domain=spd.Disk({x: 0, y: 0}, 1, name="outer") - spd.Disk({x: 0.2, y: 0}, 0.4, name="inner"),
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=conditions[kind],
        reference={u: exact},
    )


@pytest.mark.parametrize("order", [2, pytest.param(3, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("kind", ["Dirichlet", "Neumann", "Robin"])
def test_converges_at_its_order(kind, order):
    counts = (300, 600, 1200, 2400)
    errors = [error(*classical(ring(kind), nodes=n, order=order)) for n in counts]
    slope = -2 * np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope > order - 0.3


def test_newton_solves_the_nonlinear_problem():
    problem, found = classical(gallery("nonlinear_poisson_disk"), nodes=(737, 91), order=4)
    assert error(problem, found) < 5e-5


@pytest.mark.slow
def test_time_is_integrated_far_below_the_error_of_space():
    problem, found = classical(gallery("heat_disk"), nodes=(737, 91), order=3)
    assert error(problem, found) < 2e-4


def test_time_stepping_is_of_fourth_order_and_more():
    """A problem that space resolves exactly: what is left is time, with boundary data that vary in it."""
    u = spd.unknown("u", x, y, t)
    exact = (x + x * y) * cos(3 * t)
    operator = u.diff(t) - spd.laplacian(u)
    problem = spd.Problem(
        domain=spd.Disk({x: 0, y: 0}, 1) * spd.Interval(t, 0, 1),
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=[
            spd.Initial(u, exact.subs(t, 0)),
            spd.Robin(u, 1, 1, exact + spd.dot(spd.grad(exact, over=(x, y)), normal(x, y))),
        ],
        reference={u: exact},
    )
    errors = []
    for times in (2, 3, 5):
        _, found = classical(problem, nodes=120, order=2, times=times)
        cloud = found.derivatives.points
        nodes, last = cloud.positions[: -len(cloud.nodes.ghosts)], np.cos(3.0)
        wanted = (nodes[:, 0] + nodes[:, 0] * nodes[:, 1]) * last
        errors.append(np.max(np.abs(found.values[: len(nodes), -1, 0] - wanted)))
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert slopes.min() > 3.7 and errors[-1] < 1e-5


def test_first_eigenvalue_of_the_robin_disk():
    """-Lap u = k u with u + du/dn = 0: k solves z J1(z) = J0(z), z^2 = 1.57699 (tables of Bessel functions)."""
    u = spd.unknown("u", x, y)
    problem = spd.Problem(
        domain=spd.Disk({x: 0, y: 0}, 1), equations=[Eq(spd.laplacian(u), 0)], conditions=[spd.Robin(u, 1, 1, 0)]
    )
    discrete = spd.DTPINN(nodes=(737, 91), order=4).plan(problem).objective.derivatives
    inner, wall = (discrete.points.rows[k] for k in range(2))
    laplacian = discrete.stencils[0].matrix(0).toarray()
    normals = discrete.points.nodes.normals[wall - 737]
    slopes = [need.orders for need in discrete.needs[1] if sum(need.orders)]
    robin = np.eye(len(discrete.points.positions))[wall] + sum(
        normals[:, [orders.index(1)]] * discrete.stencils[1].matrix(k).toarray() for k, orders in enumerate(slopes)
    )
    # Ghosts follow from the condition: what is left is an eigenvalue problem for the values at the nodes.
    ghosts = np.linalg.solve(robin[:, 828:], -robin[:, :828])
    operator = np.zeros((828, 828))
    operator[inner] = laplacian[:, :828] + laplacian[:, 828:] @ ghosts
    found = np.linalg.eigvals(-operator)
    assert found.real.min() > 0, "diffusion is stable"
    assert found[np.argmin(found.real)] == pytest.approx(1.57699, abs=2e-5)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (
            lambda u: (
                [Eq(spd.laplacian(u), spd.parameter("k", 1, unknown=True))],
                [spd.Dirichlet(u, 0), spd.Observed(u, [[0.1, 0.1]], [0.0])],
            ),
            "measurements and unknown parameters",
        ),
    ],
    ids=["inverse"],
)
def test_where_there_is_none_a_sentence_says_why(problem, reason):

    u = spd.unknown("u", x, y)
    equations, conditions = problem(u)
    _, found = classical(
        spd.Problem(domain=spd.Disk({x: 0, y: 0}, 1), equations=equations, conditions=conditions), nodes=100, order=2
    )
    assert isinstance(found, NoClassical) and re.search(reason, found.reason)


# ------------------------------------------------------------------- systems that are not square, or have no inverse

QUADRATIC = x**2 + x * y - y
FLUX = spd.dot(spd.grad(QUADRATIC, over=(x, y)), normal(x, y))
DISK = spd.Disk({x: 0, y: 0}, 1)


def largest_error(found, exact, unknown=0):
    """At the nodes, ghosts apart, and the same after the best constant has been added."""
    nodes = found.derivatives.points.positions[: -len(found.derivatives.points.nodes.ghosts)]
    gap = found.values[: len(nodes), 0, unknown] - lambdify((x, y), exact, "numpy")(*nodes.T)
    return np.abs(gap).max(), np.ptp(gap) / 2


def plate_with_holes(count):
    domain = spd.Box({x: (0, 4), y: (0, 1)})
    for k in range(count):
        domain = domain - spd.Disk({x: (k + 0.5) * 4 / count, y: 0.5}, 0.2, name=f"h{k}")
    return domain


@pytest.mark.parametrize(
    ("domain", "conditions", "level", "words"),
    [
        (
            plate_with_holes(6),
            lambda u: (
                [spd.Robin(u, 1 + k, 1, (1 + k) * QUADRATIC + FLUX, on=f"h{k}", name=f"h{k}") for k in range(6)]
                + [spd.Dirichlet(u, QUADRATIC, on=["x=0", "x=4"]), spd.Neumann(u, FLUX, on=["y=0", "y=1"])]
            ),
            True,
            "",
        ),
        (DISK, lambda u: [spd.Neumann(u, FLUX)], False, "linear system is singular.*such as a level; they miss by"),
        (
            DISK,
            lambda u: [spd.Dirichlet(u, QUADRATIC), spd.Neumann(u, FLUX)],
            True,
            r"least squares.*\d+ equations for \d+ unknowns make no square system",
        ),
        (
            DISK,
            lambda u: [spd.Dirichlet(u, QUADRATIC, on=x > -0.5)],
            True,
            r"continued to \d+ ghosts",
        ),
        (
            plate_with_holes(3),
            lambda u: (
                [spd.Dirichlet(u, QUADRATIC, on=f"h{k}", name=f"h{k}") for k in range(3)]
                + [spd.Neumann(u, FLUX, on=["y=0", "y=1", "x=0", "x=4"]), spd.Dirichlet(u, QUADRATIC, on="x=0")]
            ),
            True,
            "least squares",
        ),
    ],
    ids=["Robin on many holes", "pure Neumann", "two conditions at once", "a part without", "two at one end"],
)
def test_what_the_order_resolves_is_met_whatever_the_shape_of_the_system(domain, conditions, level, words):
    u = spd.unknown("u", x, y)
    problem = spd.Problem(domain=domain, equations=[Eq(spd.laplacian(u), 2)], conditions=conditions(u))
    _, found = classical(problem, nodes=400, order=2)
    assert re.search(words, found.note) and bool(words) == bool(found.note)
    assert largest_error(found, QUADRATIC)[0 if level else 1] < 1e-9


@pytest.mark.parametrize("inertia", [0, 1], ids=["Stokes", "Navier-Stokes"])
def test_flow_over_a_step_needs_no_condition_on_the_pressure_at_walls(inertia):
    u, v, p = (spd.unknown(name, x, y) for name in ("u", "v", "p"))
    exact = {u: y**2, v: sympify(0), p: 2 * x + y}

    def momentum(w, direction):
        return inertia * (u * w.diff(x) + v * w.diff(y)) + p.diff(direction) - spd.laplacian(w)

    operators = [momentum(u, x), momentum(v, y), u.diff(x) + v.diff(y)]
    walls = ["x=0", "y=0", "y=1", "x=1", "y=0.5"]
    problem = spd.Problem(
        domain=spd.Box({x: (0, 3), y: (0, 1)}) - spd.Box({x: (0, 1), y: (0, 0.5)}),
        equations=[Eq(o, spd.manufactured(o, exact)) for o in operators],
        conditions=[
            *(spd.Dirichlet(w, exact[w], on=walls) for w in (u, v)),
            *(spd.Neumann(w, 0, on="x=3") for w in (u, v)),
            spd.Dirichlet(p, exact[p], on="x=3"),
        ],
    )
    solved, found = classical(problem, nodes=500, order=2)
    assert "continued to" in found.note
    for number, w in enumerate(solved.unknowns):
        assert largest_error(found, exact[w], number)[0] < 1e-7


def test_steps_in_time_name_a_system_without_an_inverse():
    u = spd.unknown("u", x, y, t)
    problem = spd.Problem(
        domain=DISK * spd.Interval(t, 0, 1),
        equations=[Eq(u.diff(t) - spd.laplacian(u), 0)],
        conditions=[spd.Initial(u, 0), spd.Dirichlet(u, 0), spd.Neumann(u, 0)],
    )
    _, found = classical(problem, nodes=60, order=2, times=2)
    assert isinstance(found, NoClassical)
    assert re.fullmatch(r"\d+ equations and \d+ unknowns make no square system", found.reason)


def test_without_a_start_there_is_nothing_to_step_from():
    u = spd.unknown("u", t, x, y)
    domain = spd.Interval(t, 0, 1) * spd.Disk({x: 0, y: 0}, 1)
    problem = spd.Problem(domain, [Eq(u.diff(t), spd.laplacian(u))], [spd.Dirichlet(u, x)])
    assert classical(problem, nodes=120, order=2)[1] == NoClassical("no condition says how it starts")
