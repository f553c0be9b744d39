"""Elements: exact on polynomials, of the order that theory gives, whatever the break points and units are."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Eq, Piecewise, Rational, cos, exp, pi, sin, tanh

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.methods.elements import on_elements
from spindle.networks import polynomials
from spindle.slabs.elements import Elements
from spindle.slabs.march import Aim, March
from spindle.slabs.rows import slab_rows
from spindle.training.precision import precision

x, t = spd.coordinates("x t")
u = spd.unknown("u", x)
w = spd.unknown("w", t, x)


def space_of(problem, degree, duration=0):
    """Elements of some degree for a problem."""
    method = spd.SPINN(network="elements").resolved(problem)
    plan = on_elements(problem, method, ())
    rows = slab_rows(plan.objective.forms, plan.weights)
    return Elements(rows, len(problem.unknowns), degree, duration)


def solved(space, breaks, time=(0.0, 1.0), tolerance=np.inf):
    """The slabs on break points that stay as they are."""
    with precision("float64"):
        march = March(space, time, np.asarray(breaks, float), Aim(tolerance, 1))
        while not march.slabs or not march.whole:
            march.advance()
        return march


def errors_at_nodes(space, march, exact, count=200):
    """The largest error of the last slab at its end."""
    slab = march.slabs[-1]
    inside = np.linspace(-1, 1, count)
    values = np.einsum("np,epmt->enm", polynomials.values(inside, space.degree), slab.series)
    places = slab.mesh[:-1, None] + np.diff(slab.mesh)[:, None] * (inside + 1) / 2
    return np.abs(values[..., 0] - exact(places)).max()


def stationary(exact, domain=(0, 1)):
    operator = -u.diff(x, 2) + (1 + x) * u
    source = (-exact.diff(x, 2) + (1 + x) * exact).expand()
    low, high = domain
    return spd.Problem(
        domain=spd.Interval(x, low, high),
        equations=[Eq(operator, source)],
        conditions=[
            spd.Dirichlet(u, exact.subs(x, low), on=Eq(x, low)),
            spd.Dirichlet(u, exact.subs(x, high), on=Eq(x, high)),
        ],
    )


def test_polynomials_are_exact_on_any_break_points():
    exact = 3 * x**5 - x**4 + x - Rational(1, 2)
    space = space_of(stationary(exact), degree=5)
    march = solved(space, [0.0, 0.1, 0.13, 0.6, 1.0])
    assert errors_at_nodes(space, march, lambda s: 3 * s**5 - s**4 + s - 0.5) < 1e-11


def test_polynomials_in_time_and_space_are_exact():
    exact = (1 + t + t**3) * (x**4 - x)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 2), x: (0, 1)}),
        equations=[Eq(w.diff(t) - w.diff(x, 2), exact.diff(t) - exact.diff(x, 2))],
        conditions=[spd.Initial(w, exact.subs(t, 0)), spd.Dirichlet(w, exact)],
    )
    space = space_of(problem, degree=4, duration=3)
    march = solved(space, [0.0, 0.3, 1.0], (0.0, 2.0))
    assert errors_at_nodes(space, march, lambda s: 11 * (s**4 - s)) < 1e-9


@pytest.mark.parametrize("degree", [3, 5])
def test_error_falls_with_the_power_of_the_width_that_theory_gives(degree):
    """|u - u_h| = O(h^(p + 1)) for least squares with continuous derivatives (Jiang 1998, chapter 4)."""
    exact = sin(3 * x) * exp(x)
    space = space_of(stationary(exact), degree)
    errors = [
        errors_at_nodes(space, solved(space, np.linspace(0, 1, n + 1)), lambda s: np.sin(3 * s) * np.exp(s))
        for n in (4, 8, 16)
    ]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(slopes > degree + 0.6), slopes


def test_error_falls_geometrically_with_the_degree():
    exact = sin(3 * x) * exp(x)
    errors = []
    for degree in (4, 6, 8):
        space = space_of(stationary(exact), degree)
        errors.append(errors_at_nodes(space, solved(space, np.linspace(0, 1, 3)), lambda s: np.sin(3 * s) * np.exp(s)))
    assert errors[1] < 0.05 * errors[0] and errors[2] < 0.05 * errors[1], errors


def heat(length=1.0, size=1.0, factor=1.0, offset=0.0, order=(0, 1)):
    """Nonlinear diffusion in time, in units of length and of the unknown, the equation multiplied."""
    coordinates = spd.coordinates("t x")
    time, place = coordinates
    v = spd.unknown("v", *(coordinates[k] for k in order))
    scaled = (v - offset) / size
    step = place / length
    ends = {time: (0, Rational(1, 5)), place: (0, length)}
    operator = scaled.diff(time) - length**2 * ((1 + scaled**2) * scaled.diff(place)).diff(place)
    data = sin(pi * step) + step
    return spd.Problem(
        domain=spd.Box({c: ends[c] for c in (coordinates[k] for k in order)}),
        equations=[Eq(factor * operator, 0)],
        conditions=[
            spd.Initial(v, offset + size * data),
            spd.Dirichlet(v, offset, on=Eq(place, 0)),
            spd.Dirichlet(v, offset + size, on=Eq(place, length)),
        ],
    )


@pytest.fixture(scope="module")
def plain():
    solution = spd.solve(heat(), spd.SPINN(), progress=False)
    assert solution.verdict.word == "solved"
    return solution.grid(t=[0.03, 0.2], x=np.linspace(0, 1, 41))


@pytest.mark.parametrize(
    "change",
    [
        {"length": 1000.0, "size": 20.0, "factor": 1e-9, "offset": 300.0, "order": (1, 0)},
        {"length": 1000.0},
        {"size": 1e9},
        {"factor": 1e-9},
        {"size": 20.0, "offset": 300.0},
        {"order": (1, 0)},
    ],
    ids=["all at once", "millimetres", "pascals", "equation times 1e-9", "offset", "coordinates exchanged"],
)
def test_units_and_order_change_nothing(plain, change):
    problem = heat(**change)
    solution = spd.solve(problem, spd.SPINN(), progress=False)
    length, size, offset = change.get("length", 1.0), change.get("size", 1.0), change.get("offset", 0.0)
    values = solution.grid(t=[0.03, 0.2], x=length * np.linspace(0, 1, 41))
    values = values if change.get("order") is None else values.T
    np.testing.assert_allclose((values - offset) / size, plain, atol=2e-8)


def front(middle=0.0, speed=0.0, nu=0.01):
    """Burgers' equation with a front that stands, or moves, at a place in the middle; a travelling wave."""
    exact = speed - tanh((x - middle - speed * t) / (2 * nu))
    return spd.Problem(
        domain=spd.Box({t: (0, Rational(1, 2)), x: (-1, 1)}),
        equations=[Eq(w.diff(t) + w * w.diff(x), nu * w.diff(x, 2))],
        conditions=[spd.Initial(w, exact.subs(t, 0)), spd.Dirichlet(w, exact)],
        reference={w: exact},
    )


@pytest.mark.parametrize(("middle", "speed"), [(0.31, 0.0), (-0.2, 0.7)])
def test_fronts_are_found_wherever_they_are(middle, speed):
    solution = spd.solve(front(middle, speed), spd.SPINN(), progress=False)
    assert solution.verdict.word == "solved" and solution.error() < 1e-7


def test_break_points_moved_by_a_little_change_no_digit_that_counts():
    problem = front(0.1)
    method = spd.SPINN().resolved(problem)
    march = on_elements(problem, method, ()).march
    space, mesh, aim = march.ways[0]
    ends = []
    for shift in (0.0, 1e-3 * (mesh[1] - mesh[0])):
        moved = mesh.copy()
        moved[1:-1] += shift
        with precision("float64"):
            one = March(space, (0.0, 0.05), moved, aim)
            while not one.whole:
                one.advance()
        grid = np.linspace(-1, 1, 201)
        last = one.slabs[-1]
        with precision("float64"):
            ends.append(np.asarray(space.laid([last])(np.stack([np.full(201, 0.05), grid], axis=1))))
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-7)


def test_a_march_goes_on_exactly_where_it_was_saved():
    problem = front(0.1)
    space, mesh, aim = on_elements(problem, spd.SPINN().resolved(problem), ()).march.ways[0]
    with precision("float64"):
        whole, first = (March(space, (0.0, 0.02), mesh, aim) for _ in range(2))
        while not whole.whole:
            whole.advance()
        first.advance()
        second = March(space, (0.0, 0.02), mesh, aim)
        second.restore(first.to_arrays())
        while not second.whole:
            second.advance()
    assert len(second.slabs) == len(whole.slabs) > 1
    for one, other in zip(second.slabs, whole.slabs, strict=True):
        assert np.array_equal(one.series, other.series) and np.array_equal(one.mesh, other.mesh)


def test_systems_with_an_unknown_that_does_not_start():
    """p has no derivative by time: v_t = p_x, p = v_x + 1 is the heat equation."""
    v, p = spd.unknown("v p", t, x)
    exact = exp(-(pi**2) * t) * sin(pi * x)
    problem = spd.Problem(
        domain=spd.Box({t: (0, Rational(1, 10)), x: (0, 1)}),
        equations={"heat": Eq(v.diff(t), p.diff(x)), "flux": Eq(p, v.diff(x) + 1 + 0 * v**2)},
        conditions=[spd.Initial(v, sin(pi * x)), spd.Dirichlet(v, 0)],
        reference={v: exact, p: exact.diff(x) + 1},
    )
    solution = spd.solve(problem, spd.SPINN(network="elements"), progress=False)
    assert solution.verdict.word == "solved" and solution.error() < 1e-7


@pytest.mark.parametrize("mu", [0, 1, 50])
def test_oscillators_in_time_alone(mu):
    v = spd.unknown("v", t)
    equation = v.diff(t, 2) - mu * (1 - v**2) * v.diff(t) + v
    problem = spd.Problem(
        domain=spd.Box({t: (0, 30)}),
        equations=[Eq(equation, 0)],
        conditions=[spd.Initial(v, 2), spd.Initial(v.diff(t), 0)],
    )
    solution = spd.solve(problem, spd.SPINN(), progress=False)

    def rate(_, y):
        return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]

    times = np.linspace(0, 30, 301)
    true = solve_ivp(rate, (0, 30), [2, 0], method="Radau", rtol=1e-10, atol=1e-12, t_eval=times).y[0]
    np.testing.assert_allclose(solution(t=times), true, atol=1e-6)


def test_layers_that_the_data_do_not_show():
    eps = 1e-3
    problem = spd.Problem(
        domain=spd.Interval(x, 0, 1),
        equations=[Eq(-eps * u.diff(x, 2) + u.diff(x) + 0 * u**2, 1)],
        conditions=[spd.Dirichlet(u, 0)],
    )
    solution = spd.solve(problem, spd.SPINN(network="elements"), progress=False)
    nodes = np.concatenate([np.linspace(0, 0.99, 50), 1 - np.geomspace(1e-2, 1e-5, 50)])
    true = nodes - np.exp((nodes - 1) / eps)
    np.testing.assert_allclose(solution(x=nodes), true, atol=1e-8)


@pytest.mark.parametrize("stiffness", [1e2, 1e4, 1e6])
def test_rates_that_a_slab_hands_over_are_resolved(stiffness, float64):
    """u'' + k u' = -k from rest: the rate goes to -1 within 1 / k, of which u shows no more than 1 / k."""
    t = spd.coordinates("t")
    u = spd.unknown("u", t)
    problem = spd.Problem(
        spd.Interval(t, 0, 1),
        [Eq(u.diff(t, 2) + stiffness * u.diff(t), -stiffness)],
        [spd.Initial(u, 1), spd.Initial(u.diff(t))],
    )
    space, mesh, _ = on_elements(problem, spd.SPINN(network="elements").resolved(problem), ()).march.ways[0]
    march = March(space, (0.0, 1.0), mesh, Aim(1e-4))
    while not march.whole:
        march.advance()
    rates = [space.state(slab.series, slab.length, at=1.0)[0, 0, 0, 1] for slab in march.slabs]
    ends = np.array([slab.ends for slab in march.slabs])
    np.testing.assert_allclose(rates, np.exp(-stiffness * ends) - 1, atol=1e-4)


def test_what_time_a_budget_leaves_is_solved_and_nothing_is_said_of_the_rest():
    stopped = []

    def once(entry, total):
        stopped.append(entry)
        if len(stopped) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spd.solve(front(0.1), spd.SPINN(), progress=False, callbacks=[once])
    assert [entry.phase for entry in stopped] == ["slabs of time"] * 3


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (lambda: gallery("flow_mixing3d"), "`u` does not spread along each axis by second derivatives of its own"),
        (lambda: gallery("poisson_disk"), "its domain is not a single box"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(problem, reason):
    with pytest.raises(spd.MethodError, match=reason):
        spd.SPINN(network="elements").plan(problem())


def test_cosines_on_a_ring_stay_what_they_are():
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(w.diff(t) + w.diff(x) + 0 * w**2, 0)],
        conditions=[spd.Initial(w, cos(x)), spd.Periodic(w, x)],
        reference={w: cos(x - t)},
    )
    assert spd.solve(problem, spd.SPINN(network="elements"), progress=False).error() < 1e-7


@pytest.mark.parametrize("width", [1e-2, 1e-4])
def test_a_source_that_is_switched_on_for_a_moment_in_a_narrow_strip_is_seen(width):
    """The heat that a strip gives off is there afterwards: u integrates to width^2, whatever the points are."""
    on = (t > 0.5) & (t < 0.5 + width) & (x > 0.3) & (x < 0.3 + width)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(w.diff(t) - w.diff(x, 2) / 10 + 0 * w**2, Piecewise((1, on), (0, True)))],
        conditions=[spd.Initial(w, 0), spd.Neumann(w, 0)],
    )
    solution = spd.solve(problem, spd.SPINN(network="elements"), progress=False)
    nodes = np.linspace(0, 1, 20001)
    values = solution.grid(t=[0.4, 0.9], x=nodes)
    assert np.abs(values[0]).max() < 1e-6 * np.abs(values[1]).max()
    assert np.trapezoid(values[1], nodes) == pytest.approx(width**2, rel=1e-3)
