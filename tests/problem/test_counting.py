"""Conditions counted against equations: each problem with and without the fault, and in other words."""

import pytest
import sympy
from sympy import Eq, cos, exp, pi, sin

import spindle as spd
from spindle.problem.consistency.checks import doubts, fatal

t, x, y, z = spd.coordinates("t x y z")
u, v = spd.unknown("u v", t, x)
w = spd.unknown("w", t, x, y)
f, g = spd.unknown("f g", x)
p, q, r = spd.unknown("p q r", x, y)
LINE = spd.Interval(x, 0, 1)
STRIP = spd.Box({t: (0, 1), x: (0, 1)})
SLAB = spd.Box({t: (0, 1), x: (0, 1), y: (0, 2)})
SQUARE = spd.Box({x: (0, 1), y: (0, 2)})
L_SHAPE = SQUARE - spd.Box({x: (0.5, 1), y: (1, 2)})
DISK, ELBOW = spd.Disk({x: 0, y: 0}, 1), spd.Polygon((x, y), [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
START = spd.Initial(u, sin(pi * x))
WALLS, LEFT, RIGHT = spd.Dirichlet(u), spd.Dirichlet(u, 0, on="x=0"), spd.Dirichlet(u, 0, on="x=1")
u_t, u_x, u_xx = u.diff(t), u.diff(x), u.diff(x, 2)


def posed(domain, equations, conditions, **more):
    return spd.Problem(domain=domain, equations=equations, conditions=conditions, **more)


# Domain, equations, conditions that suffice, how many of them to take away, and what is said of the rest.
MISSING = {
    "heat, start": (STRIP, [u_t - u_xx], [WALLS, START], 1, "u has no initial value"),
    "heat, side": (STRIP, [u_t - u_xx], [START, LEFT, RIGHT], 1, "across x=1"),
    "nonlinear heat": (
        STRIP,
        [u_t - ((1 + u**2) * u_x).diff(x)],
        [START, RIGHT, spd.Neumann(u, on="x=0")],
        1,
        "across x=0",
    ),
    "heat, periodic": (STRIP, [u_t - u_xx], [spd.Periodic(u, x), START], 1, "u has no initial value"),
    "wave, velocity": (STRIP, [u_t.diff(t) - u_xx], [START, WALLS, spd.Initial(u_t)], 1, "no initial velocity"),
    "wave, value": (STRIP, [u_t.diff(t) - u_xx], [spd.Initial(u_t), WALLS, START], 1, "no initial value"),
    "transport": (STRIP, [u_t + 2 * u_x], [START, LEFT], 1, "flows in at x=0"),
    "transport to the left": (STRIP, [-u_t + (1 + x) * u_x], [START, RIGHT], 1, "flows in at x=1"),
    "wave as a system": (
        STRIP,
        [u_t - v.diff(x), v.diff(t) - u_x],
        [START, WALLS, spd.Initial(v)],
        1,
        "v has no initial",
    ),
    "two heats": (
        STRIP,
        [u_t - u_xx + v, v.diff(t) - v.diff(x, 2)],
        [START, WALLS, spd.Initial(v), spd.Dirichlet(v)],
        1,
        "ask for 4 conditions in x|across|no initial",
    ),
    "ends of an ODE": (
        LINE,
        [f.diff(x, 2) + 1],
        [spd.Dirichlet(f, on="x=0"), spd.Dirichlet(f, on="x=1")],
        1,
        "2 conditions in x",
    ),
    "started ODE": (LINE, [f.diff(x) - f], [spd.Dirichlet(f, 1, on="x=0")], 1, "no condition"),
    "beam": (LINE, [f.diff(x, 4) - 1], [spd.Dirichlet(f), spd.Dirichlet(f.diff(x, 2))], 1, "4 conditions in x"),
    "plate": (SQUARE, [spd.laplacian(spd.laplacian(p)) - 1], [spd.Dirichlet(p), spd.Neumann(p)], 1, "order 4 across"),
    "KdV": (
        STRIP,
        [u_t + u * u_x + u_xx.diff(x)],
        [START, WALLS, spd.Neumann(u, on="x=1")],
        1,
        "ask for 3 conditions in x",
    ),
    "plane, side": (
        SQUARE,
        [spd.laplacian(p)],
        [spd.Dirichlet(p, on=["x=0", "x=1", "y=0"]), spd.Neumann(p, on="y=2")],
        1,
        "across y=2",
    ),
    "L-shape": (
        L_SHAPE,
        [spd.laplacian(p)],
        [spd.Dirichlet(p, on=["x=0", "x=1", "y=0", "y=1", "y=2"]), spd.Dirichlet(p, on="x=0.5")],
        1,
        "across x=0.5",
    ),
    "disk": (
        DISK,
        [spd.laplacian(p)],
        [spd.Dirichlet(p, on=x > 0), spd.Robin(p, 1, 1, on=x <= 0)],
        1,
        "50% of the boundary",
    ),
    "polygon": (
        ELBOW,
        [spd.div((2 + x) * spd.grad(p)) - 1],
        [spd.Dirichlet(p, on=y < 0.5), spd.Neumann(p, on=y >= 0.5)],
        1,
        "of the boundary",
    ),
    "plate with a hole": (
        DISK - spd.Disk({x: 0, y: 0}, 0.5, name="hole"),
        [spd.laplacian(p)],
        [spd.Dirichlet(p, on="circle"), spd.Neumann(p, on="hole")],
        1,
        "the side `hole` has no condition",
    ),
    "pipe in time": (
        spd.Interval(t, 0, 1) * spd.Disk({x: 0, y: 0}, 1),
        [w.diff(t) - spd.laplacian(w)],
        [spd.Dirichlet(w), spd.Initial(w)],
        1,
        "w has no initial",
    ),
    "equations": (SQUARE, [spd.laplacian(p) - q, spd.laplacian(q)], [spd.Dirichlet(p), spd.Dirichlet(q)], 0, ""),
    "Stokes": (
        SQUARE,
        [spd.laplacian(p) - r.diff(x), spd.laplacian(q) - r.diff(y), p.diff(x) + q.diff(y)],
        [spd.Dirichlet(p), spd.Dirichlet(q)],
        0,
        "",
    ),
    "Schroedinger": (
        STRIP,
        [u_t + v.diff(x, 2), v.diff(t) - u_xx],
        [START, spd.Initial(v), WALLS, spd.Dirichlet(v)],
        2,
        "ask for 4",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_condition_is_named(name):
    domain, equations, conditions, taken, said = MISSING[name]
    assert doubts(posed(domain, equations, conditions)) == []
    if taken:
        found = fatal(posed(domain, equations, conditions[: len(conditions) - taken]))
        assert len(found) == 1
        assert any(part in found[0] for part in said.split("|")), found


SUPERFLUOUS = {
    "two at a wall": (STRIP, [u_t - u_xx], [START, WALLS, spd.Neumann(u, 1, on="x=0")], "all hold on x=0"),
    "a start too many": (STRIP, [u_t - u_xx], [START, WALLS, spd.Initial(u_t)], "of order 1 in t"),
    "outflow": (STRIP, [u_t + u_x], [START, WALLS], "flows out at x=1"),
    "outflow of two speeds": (STRIP, [u_t + (x - 2) * u_x], [START, WALLS], "flows out at x=0"),
    "two equations": (SQUARE, [spd.laplacian(p), p.diff(x, 2) - 1], [spd.Dirichlet(p)], "2 equations for the single"),
}


@pytest.mark.parametrize("name", SUPERFLUOUS)
def test_what_is_too_much_is_a_light_doubt(name):
    domain, equations, conditions, said = SUPERFLUOUS[name]
    problem = posed(domain, equations, conditions)
    assert fatal(problem) == []
    assert [said in sentence for sentence in doubts(problem)] == [True]


LONG = spd.Interval(t, 0, 2000)
a, b = spd.unknown("a b", t)
FAST_AND_SLOW = {
    "van der Pol": (
        lambda size: [a.diff(t, 2) - size * (1 - a**2) * a.diff(t) + a],
        [spd.Initial(a, 2), spd.Initial(a.diff(t))],
    ),
    "small mass": (
        lambda size: [size**-2 * a.diff(t, 3) + size * a.diff(t) + size**2 * a],
        [spd.Initial(a, 1), spd.Initial(a.diff(t)), spd.Initial(a.diff(t, 2))],
    ),
    "two reactions": (
        lambda size: [size**-1 * a.diff(t) + size * (a - b), size * b.diff(t) - size**-1 * (a - 2 * b)],
        [spd.Initial(a, 1), spd.Initial(b)],
    ),
    "an invariant": (  # the sum of both is constant: terms that cancel leave no order, whatever their size
        lambda size: [size * (a.diff(t) + b.diff(t)), a.diff(t) + b.diff(t) + size * (a - 2 * b)],
        [spd.Initial(a, 1)],
    ),
}


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("name", FAST_AND_SLOW)
def test_a_small_coefficient_before_the_highest_derivative_is_one(name, size):
    equations, conditions = FAST_AND_SLOW[name]
    assert doubts(posed(LONG, equations(size), conditions)) == []
    without = posed(LONG, equations(size), conditions[:-1])
    assert any("no initial" in said or "no condition" in said for said in fatal(without))


def test_values_that_a_known_solution_has_are_never_too_many():
    exact = sin(x - t)
    conditions = [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact), spd.Neumann(u, cos(x - t), on="x=1")]
    assert doubts(posed(STRIP, [u_t + u_x], conditions, reference={u: exact})) == []


UNCLEAR = {
    "inviscid Burgers": (STRIP, [u_t + u * u_x], [START]),
    "both sides are outflow": (STRIP, [u_t + (x - sympy.Rational(1, 2)) * u_x], [START]),
    "a speed that turns": (STRIP, [u_t + sin(8 * t) * u_x], [START, WALLS]),
    "a speed given as code": (STRIP, [u_t + spd.given("c", lambda a: a, x) * u_x], [START, WALLS]),
    "degenerate at the side": (STRIP, [u_t - x**2 * u_xx - x * u_x], [START, RIGHT]),
    "polar": (LINE, [x * f.diff(x, 2) + f.diff(x) + x], [spd.Dirichlet(f, on="x=1")]),
    "measured inside": (STRIP, [u_t - u_xx], [WALLS, spd.Observed(u, [[0.1, 0.2]], [1.0])]),
    "initial value of an ODE": (
        LINE,
        [f.diff(x, 2) + f],
        [spd.Dirichlet(f, on="x=0"), spd.Dirichlet(f.diff(x), 1, on="x=0")],
    ),
    "a type that changes": (
        SQUARE,
        [(y - 1) * p.diff(x, 2) + p.diff(y, 2)],
        [spd.Dirichlet(p, 0, on=["x=0", "x=1", "y=2"])],
    ),
    "an equation and its derivative": (LINE, [f.diff(x, 2) - sin(x), f.diff(x, 3) - cos(x)], [spd.Dirichlet(f)]),
    "algebra": (LINE, [f - sin(x)], []),
    "gradient": (SQUARE, [p.diff(x) - y, p.diff(y) - x], [spd.Dirichlet(p, 0, on="x=0")]),
    "velocity and pressure at an outlet": (
        SQUARE,
        [
            p * p.diff(x) + q * p.diff(y) + r.diff(x) - spd.laplacian(p),
            p * q.diff(x) + q * q.diff(y) + r.diff(y) - spd.laplacian(q),
            p.diff(x) + q.diff(y),
        ],
        [
            spd.Dirichlet(p, 1, on="x=0"),
            spd.Dirichlet(q, on="x=0"),
            spd.Dirichlet(p, on=["y=0", "y=2"]),
            spd.Dirichlet(q, on=["y=0", "y=2"]),
            spd.Dirichlet(r, on="x=1"),
        ],
    ),
    "stream function and vorticity": (
        SQUARE,
        [spd.laplacian(p) + q, spd.laplacian(q)],
        [spd.Dirichlet(p), spd.Neumann(p)],
    ),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_nothing_is_said_where_the_count_is_not_certain(name):
    assert doubts(posed(*UNCLEAR[name])) == []


BACKWARD = {
    "heat": (STRIP, [u_t + u_xx], [u_t - u_xx], [START, WALLS]),
    "scaled": (STRIP, [-2 * exp(x) * u_t - u_xx], [2 * exp(x) * u_t - u_xx], [START, WALLS]),
    "plane": (SLAB, [w.diff(t) + spd.laplacian(w)], [w.diff(t) - spd.laplacian(w)], [spd.Initial(w), spd.Dirichlet(w)]),
    "fourth order": (STRIP, [u_t - u_xx.diff(x, 2)], [u_t + u_xx.diff(x, 2)], [START, WALLS, spd.Neumann(u)]),
    "given at the end": (STRIP, [u_t - u_xx], [u_t + u_xx], [WALLS, spd.Dirichlet(u, sin(pi * x), on="t=1")]),
    "Laplace in time": (STRIP, [u_t.diff(t) + u_xx], [u_t.diff(t) - u_xx], [START, spd.Initial(u_t), WALLS]),
}


@pytest.mark.parametrize("name", BACKWARD)
def test_diffusion_against_time_is_fatal(name):
    domain, wrong, right, conditions = BACKWARD[name]
    (said,) = fatal(posed(domain, wrong, conditions))
    assert "the smallest error" in said
    assert doubts(posed(domain, right, conditions)) == []


@pytest.mark.parametrize("name", MISSING)
def test_the_count_depends_on_no_order_and_no_factor(name):
    domain, equations, conditions, taken, _ = MISSING[name]
    kept = conditions[: len(conditions) - taken]
    expected = fatal(posed(domain, equations, kept))
    assert fatal(posed(domain, [(2 + x) * e for e in equations], kept)) == expected
    assert fatal(posed(domain, [Eq(0, -3 * e) for e in equations], kept)) == expected
    assert len(fatal(posed(domain, equations[::-1], kept[::-1]))) == len(expected)
    if domain.boxes and len(domain.boxes) == 1:
        turned = spd.Box(dict(reversed(list(zip(domain.coordinates, domain.bounds, strict=True)))))
        swap = {a: a.func(*a.args) for a in posed(domain, equations, kept).unknowns}
        assert len(fatal(posed(turned, [e.xreplace(swap) for e in equations], kept))) == len(expected)


def test_a_doubt_about_counts_is_printed_and_kept_out_of_the_one_line():
    problem = posed(STRIP, [u_t - u_xx], [WALLS])
    assert str(problem).splitlines()[-1].split() == ["doubts", *doubts(problem)[0].split()]
    assert "\n" not in repr(problem)
    assert "initial" not in problem._repr_latex_()


def test_what_is_there_is_not_asked_for_again():
    """Of fourth order, with the values given on both sides: the slopes are missing."""
    u = spd.unknown("u", x)
    problem = spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 4), 1)], [spd.Dirichlet(u, 0)])
    (said,) = doubts(problem)
    assert "add `spd.Neumann(u, 0, on=Eq(x, 1))`" in said


@pytest.mark.parametrize("time", [1e-3, 1, 1e3])
@pytest.mark.parametrize("length", [1e-6, 1, 1e6])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_conditions_are_counted_alike_in_any_units(time, length, factor):
    u, v = spd.unknown("u", t, x), spd.unknown("v", t, x)
    box = spd.Box({t: (0, time), x: (0, length)})
    diffusion = Eq(factor * time * u.diff(t), factor * length**2 * u.diff(x, 2))
    assert not doubts(spd.Problem(box, [diffusion], [spd.Initial(u, 0), spd.Dirichlet(u, 0)]))
    (said,) = doubts(spd.Problem(box, [diffusion], [spd.Dirichlet(u, 0)]))
    assert "u has no initial value" in said
    coupled = [Eq(factor * time * u.diff(t), length * v.diff(x)), Eq(time * v.diff(t), factor * length * u.diff(x))]
    ends = [spd.Initial(u, 0), spd.Initial(v, 0), spd.Dirichlet(u, 0)]
    assert not doubts(spd.Problem(box, coupled, ends))
    (said,) = doubts(spd.Problem(box, coupled, [spd.Initial(u, 0), spd.Dirichlet(u, 0)]))
    assert "v has no initial value" in said


@pytest.mark.parametrize("mu", [1.0, 1e3, 1e6])
def test_a_stiff_equation_asks_for_as_many_values_as_a_mild_one(mu):
    """Over a period of 2 mu the second derivative is smaller than the other terms by mu cubed."""
    h = spd.unknown("h", t)
    starts = [spd.Initial(h, 2), spd.Initial(h.diff(t), 0)]
    equation = h.diff(t, 2) - mu * (1 - h**2) * h.diff(t) + h
    domain = spd.Interval(t, 0, 2 * mu)
    assert doubts(posed(domain, [equation], starts)) == []
    (said,) = doubts(posed(domain, [equation], starts[:1]))
    assert "no initial velocity" in said
