"""Polynomials between walls: exact for what they hold, whatever walls say, and right where walls and start differ."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, Rational, cos, exp, pi, sin

import spindle as spd
from spindle.lowering.incompatible_faces import diffusivities, unmet_at_start
from spindle.methods.elements import on_elements
from spindle.networks.series import AxisSeries
from spindle.slabs.fit import misfit_of_grids, prefers_grids
from spindle.slabs.grid_lines import GridLine, Wall
from spindle.slabs.grid_rows import layer
from spindle.slabs.march import March
from spindle.training.precision import precision

t, x, y, z = spd.coordinates("t x y z")


def reacting(length=1):
    """Manufactured: two unknowns that react, carry each other along and spread, with walls of every kind."""
    u, v = spd.unknown("u v", t, x, y)
    share = x / length
    known = {u: exp(-t) * (2 + sin(2 * share) * cos(y)), v: (1 + t) * (2 + cos(2 * share - y))}
    wide = length**2
    operators = {
        "u": u.diff(t) - wide * u.diff(x, 2) - u.diff(y, 2) + u * v**2,
        "v": v.diff(t) - wide * v.diff(x, 2) / 2 - v.diff(y, 2) + length * u * v.diff(x),
    }
    conditions = [spd.Initial(f, known[f].subs(t, 0)) for f in (u, v)]
    conditions += [spd.Dirichlet(u, known[u]), spd.Neumann(v, length * known[v].diff(x) / length, on=Eq(x, length))]
    conditions += [spd.Robin(v, 2, -length, 2 * known[v] + length * known[v].diff(x), on=Eq(x, 0))]
    conditions += [spd.Dirichlet(v, known[v], on=[Eq(y, 0), Eq(y, 1)])]
    return spd.Problem(
        domain=spd.Box({t: (0, Rational(1, 10)), x: (0, length), y: (0, 1)}),
        equations={name: Eq(o, spd.manufactured(o, known)) for name, o in operators.items()},
        conditions=conditions,
        reference=known,
    )


def channel(*, start=1):
    """Waves along x, walls along y; at rest as it starts where `start` is 1, else the walls are met at once."""
    u = spd.unknown("u", t, x, y)
    begun = (1 + sin(2 * pi * x) / 2) * start
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(t), spd.laplacian(u) / 10 - u**2)],
        conditions=[
            spd.Initial(u, begun),
            spd.Periodic(u, x),
            spd.Dirichlet(u, 1 + sin(2 * pi * x) / 2, on=Eq(y, 1)),
            spd.Neumann(u, 0, on=Eq(y, 0)),
        ],
    )


def string(end=1):
    """A membrane with walls, whose equation is of second order in time."""
    u = spd.unknown("u", t, x, y)
    exact = sin(pi * x) * sin(pi * y) * cos(3 * t)
    operator = u.diff(t, 2) - spd.laplacian(u) + sin(u)
    return spd.Problem(
        domain=spd.Box({t: (0, end), x: (0, 1), y: (0, 1)}),
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Initial(u.diff(t), 0), spd.Dirichlet(u, 0)],
        reference={u: exact},
    )


def marched(problem):
    """The field of the first way of a problem, and its march."""
    marching = on_elements(problem, spd.SPINN(network="elements").resolved(problem), ()).march
    space, mesh, aim = marching.ways[0]
    with precision("float64"):
        march = March(space, marching.time, mesh, aim)
        while not march.slabs or not march.whole:
            march.advance()
        return space.laid(march.slabs), march


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A function: the solution of one of these problems, and its directory."""

    @functools.cache
    def of(problem):
        directory = tmp_path_factory.mktemp("grids") / "run"
        return spd.solve(problem(), spd.SPINN(network="elements"), progress=False, out=directory), directory

    return of


def test_walls_of_every_kind(solved):
    solution, _ = solved(reacting)
    assert solution.verdict.word == "solved"
    assert solution.error() < 1e-9
    assert "polynomials along x" in solution.choices[-1]


@pytest.mark.slow
def test_the_estimate_is_of_the_size_of_the_error(solved):
    solution, _ = solved(reacting)
    estimate = spd.estimate(solution)
    for name in ("u", "v"):
        error = solution.errors()[name]["rel_l2"]
        assert 0.1 * error < estimate.errors[name] < 1e-8


def test_another_unit_of_length_is_the_same_solution(float64):
    (first, one), (second, other) = marched(reacting()), marched(reacting(1000))
    nodes, places = [jnp.array([0.03, 0.1]), jnp.array([0.2, 0.9]), jnp.array([0.4])], [(0, 0, 0)]
    mine = first.on_grid(nodes, places)[places[0]]
    theirs = second.on_grid([nodes[0], 1000 * nodes[1], nodes[2]], places)[places[0]]
    np.testing.assert_allclose(np.asarray(theirs), np.asarray(mine), rtol=1e-9)
    assert [slab.mesh for slab in one.slabs] == [slab.mesh for slab in other.slabs]


def test_second_order_in_time():
    field, _ = marched(string(Rational(1, 4)))
    nodes = [np.linspace(0, 0.25, 5), np.linspace(0, 1, 7), np.linspace(0, 1, 6)]
    exact = np.einsum("t,x,y->txy", np.cos(3 * nodes[0]), np.sin(np.pi * nodes[1]), np.sin(np.pi * nodes[2]))
    with precision("float64"):
        values = field.on_grid(list(map(jnp.asarray, nodes)), [(0, 0, 0)])[0, 0, 0][0]
    np.testing.assert_allclose(np.asarray(values), exact, atol=1e-9)


def test_grids_and_points_agree_and_a_file_gives_the_same_back(solved):
    solution, directory = solved(reacting)
    field, orders = solution.model.field, [(0, 0, 0), (1, 0, 0), (0, 2, 1)]
    axes = [np.array([0.01, 0.09]), np.array([0.3, 0.5, 1.0]), np.array([0.7])]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    with precision("float64"):
        grid = field.on_grid(list(map(jnp.asarray, axes)), orders)
        scattered = field.partials(jnp.asarray(points), orders)
    for order in orders:
        there = np.asarray(grid[order]).reshape(2, -1)
        np.testing.assert_allclose(there, np.asarray(scattered[order]).T, rtol=1e-9, atol=1e-9)
    assert np.array_equal(spd.load(directory).grid(t=3, x=5, y=4), solution.grid(t=3, x=5, y=4))


@pytest.mark.parametrize("stretch", [0.0, 5.0])
def test_modes_of_a_line_are_sines(float64, stretch):
    line = GridLine.of(AxisSeries(1.0, 2.0, False, stretch), 97, (Wall(None, 1.0, 0.0), Wall(None, 3.0, 0.0)))
    slowest = np.sort(-line.numbers.real)[:4]
    np.testing.assert_allclose(slowest, (np.pi / 2 * np.arange(1, 5)) ** 2, rtol=1e-6)


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("condition", [(2.0, 0.0), (0.0, 3.0), (1.0, -0.5)])
def test_a_layer_meets_its_wall_and_no_other(float64, end, condition):
    axis = AxisSeries(-1.0, 3.0, False, 3.0)
    walls = (Wall(None, *condition), Wall(None, *condition))
    line = GridLine.of(axis, 257, walls)
    np.testing.assert_allclose(line.walls @ layer(axis, 257, walls[end], end), np.eye(2)[end], atol=1e-7)


def test_where_walls_and_start_differ_axes_are_stretched():
    assert not unmet_at_start(channel()) and unmet_at_start(channel(start=2))[0].name == "y=1"
    assert diffusivities(channel(), 2) == pytest.approx((0.1, 0.1))
    spaces = [
        on_elements(p, spd.SPINN(network="elements").resolved(p), ()).march.ways[0].space
        for p in (channel(), channel(start=2))
    ]
    assert [[bool(axis.stretch) for axis in space.axes] for space in spaces] == [[False, False], [False, True]]


@pytest.mark.slow
def test_a_hot_plate_between_cold_walls():
    """A start of one, walls of zero: a product of two series of sines."""
    u, nu = spd.unknown("u", t, x, y), 0.05
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(t), nu * spd.laplacian(u))],
        conditions=[spd.Initial(u, 1), spd.Dirichlet(u, 0)],
    )
    field, _ = marched(problem)
    k, nodes = np.arange(1, 200, 2), np.linspace(0.1, 0.9, 5)

    def along(instant):
        return (4 / np.pi / k * np.exp(-((k * np.pi) ** 2) * nu * instant)) @ np.sin(np.pi * np.outer(k, nodes))

    with precision("float64"):
        values = field.on_grid([jnp.array([0.1, 1.0]), jnp.asarray(nodes), jnp.asarray(nodes)], [(0, 0, 0)])[0, 0, 0][0]
    for value, instant in zip(np.asarray(values), (0.1, 1.0), strict=True):
        np.testing.assert_allclose(value, np.outer(along(instant), along(instant)), rtol=1e-6)


def test_what_does_not_fit_is_said():
    u, v = spd.unknown("u v", t, x, y)
    box = spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)})
    starts, walls = [spd.Initial(u, 0)], [spd.Dirichlet(u, 0)]

    def misfit(equations, conditions):
        return misfit_of_grids(spd.Problem(domain=box, equations=equations, conditions=conditions))

    heat = Eq(u.diff(t), spd.laplacian(u) - u**3)
    assert misfit([heat], starts + walls) == ""
    assert "does not spread" in misfit([Eq(u.diff(t), u.diff(x, 2))], starts + walls)
    assert "not one condition on each wall" in misfit([heat], [*starts, spd.Dirichlet(u, 0, on=Eq(x, 0))])
    assert "does not say what one unknown is" in misfit([heat], [*starts, spd.Dirichlet(u**2, 0)])
    assert "its diffusivity along x goes from 1.3 to 11" in misfit(
        [Eq(u.diff(t), spd.div((1 + 10 * x) * spd.grad(u)) - u**3)], starts + walls
    )
    flow = [Eq(u.diff(t), spd.laplacian(u) + v), Eq(u.diff(x) + v.diff(y), 0)]
    assert "rate" in misfit(flow, [*starts, *walls, spd.Dirichlet(v, 0)])


def test_smooth_data_with_a_source_are_left_to_features_first():
    assert prefers_grids(string()) and spd.SPINN().plan(string()).march is None
    assert spd.SPINN().plan(channel()).march is not None
