"""Conditions that hold by construction: the lift meets the data, or the data are left to the loss."""

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Heaviside, Piecewise, Rational, cos, exp, pi, sin
from sympy.core.function import AppliedUndef

import spindle as spd
from spindle.lowering.constraints import hard_constraints

t, x, y, z = spd.coordinates("t x y z")


def smooth(coordinates, seed):
    """A closed form without symmetries, of which conditions can be taken."""
    random = np.random.default_rng(seed)
    total = 0
    for _ in range(2):
        wave = [Rational(int(n), 4) for n in random.integers(-6, 7, size=len(coordinates) + 1)]
        total += (
            sin(wave[-1] + sum(k * c for k, c in zip(wave, coordinates, strict=False))) + wave[0] * coordinates[-1] ** 2
        )
    return total


def on_face(expression, coordinate, value, points, coordinates):
    points = np.array(points)
    points[:, coordinates.index(coordinate)] = float(value)
    values = sympy.lambdify(coordinates, expression, "numpy")(*points.T)
    return np.broadcast_to(values, len(points))


BOX2 = spd.Box({x: (-1, 2), y: (0, pi)})
BOX3 = spd.Box({x: (-1, 2), y: (0, pi), z: (1, 3)})
STRIP = spd.Box({t: (Rational(1, 2), 2), x: (-1, 2)})
LATE = spd.Box({x: (-1, 2), t: (Rational(1, 2), 2), y: (0, 1)})
START = Rational(1, 2)

# domain, faces with values, whether initial value and rate are given
CASES = {
    "2-D": (BOX2, ["x=-1", "x=2", "y=0", "y=pi"], 0),
    "2-D, one side": (BOX2, ["x=2"], 0),
    "2-D, a corner": (BOX2, ["x=-1", "y=pi"], 0),
    "2-D, three sides": (BOX2, ["x=-1", "x=2", "y=0"], 0),
    "3-D": (BOX3, ["x=-1", "x=2", "y=0", "y=pi", "z=1", "z=3"], 0),
    "3-D, mixed": (BOX3, ["x=-1", "y=0", "y=pi", "z=3"], 0),
    "start": (STRIP, [], 1),
    "start and walls": (STRIP, ["x=-1", "x=2"], 1),
    "start, rate and walls": (STRIP, ["x=-1", "x=2"], 2),
    "time in the middle": (LATE, ["x=-1", "x=2", "y=0", "y=1"], 2),
    "end of time": (STRIP, ["t=2", "x=2"], 0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_lift_meets_all_conditions(name, seed, tolerance, float64):
    domain, walls, rates = CASES[name]
    coordinates = domain.coordinates
    u, exact = spd.unknown("u", *coordinates), smooth(coordinates, seed)
    conditions = [spd.Dirichlet(u, exact, on=wall) for wall in walls]
    conditions += [spd.Initial(u.diff(t, n) if n else u, exact.diff(t, n).subs(t, START)) for n in range(rates)]
    problem = spd.Problem(domain, [sum(u.diff(c, 2) for c in coordinates)], conditions)
    found = hard_constraints(problem)
    assert set(found.enforced) == {c.name for c in problem.conditions}
    assert found.reason == ""
    lift = found.lifts[u]
    low, high = np.array(domain.bounds).T
    points = low + (high - low) * np.random.default_rng(seed).uniform(size=(20, len(low)))
    claims = [(lift, exact, coordinates[f.axis], f.value) for wall in walls for f in domain.part(wall)]
    claims += [(lift.diff(t, n), exact.diff(t, n), t, START) for n in range(rates)]
    for ours, theirs, coordinate, value in claims:
        pair = [on_face(e, coordinate, value, points, coordinates) for e in (ours, theirs)]
        np.testing.assert_allclose(*pair, atol=100 * tolerance, err_msg=f"{coordinate}={value}")
    for k, c in enumerate(coordinates):
        expected = {(f.value, 1) for wall in walls for f in domain.part(wall) if f.axis == k}
        expected |= {(0.5, rates)} if c == t and rates else set()
        assert set(found.roots[u][k]) == expected


def test_homogeneous_conditions_need_no_lift():
    u = spd.unknown("u", t, x)
    problem = spd.Problem(STRIP, [u.diff(t)], [spd.Dirichlet(u, 0), spd.Initial(u, 0), spd.Initial(u.diff(t), 0)])
    found = hard_constraints(problem)
    assert found.lifts == {u: 0}
    assert found.roots[u] == (((0.5, 2),), ((-1.0, 1), (2.0, 1)))


def test_each_unknown_has_its_own():
    u, v = spd.unknown("u v", x, y)
    problem = spd.Problem(
        BOX2, [u - v], [spd.Dirichlet(u, x, on="y=0"), spd.Dirichlet(v, y, on="x=2"), spd.Neumann(v, 1, on="y=0")]
    )
    found = hard_constraints(problem)
    assert found.lifts == {u: x, v: y}
    assert found.roots == {u: ((), ((0.0, 1),)), v: (((2.0, 1),), ())}
    assert set(found.enforced) == {"dirichlet u", "dirichlet v"}


W = spd.unknown("w", t, x)
U = spd.unknown("u", x, y)
V = spd.unknown("v", x, y)
WALLS = spd.Dirichlet(W, 0)
tuned, family = spd.parameter("a", 1.0, unknown=True), spd.parameter("b", range=(0, 1))
coded = spd.given("g", lambda x: x, x)
BUMP = (x + 1) * (2 - x)  # zero on both walls of the strip

# domain, unknowns, conditions, names of those that hold exactly
LEFT_TO_THE_LOSS = {
    "start against walls": (STRIP, [WALLS, spd.Initial(W, 1)], {"dirichlet w"}),
    "start against walls, renamed": (STRIP, [WALLS, spd.Initial(W, 1, name="begin")], {"dirichlet w"}),
    "wall with a start's name": (STRIP, [spd.Dirichlet(W, 0, name="initial"), spd.Initial(W, 1)], {"initial"}),
    "rate against walls": (STRIP, [WALLS, spd.Initial(W, BUMP), spd.Initial(W.diff(t), 1)], {"dirichlet w"}),
    "tiny data against walls": (STRIP, [WALLS, spd.Initial(W, Rational(1, 10**7))], {"dirichlet w"}),
    "compatible": (STRIP, [WALLS, spd.Initial(W, BUMP)], {"dirichlet w", "initial w"}),
    "compatible up to rounding": (
        STRIP,
        [WALLS, spd.Initial(W, sin(pi * (x + 1.0) / 3))],
        {"dirichlet w", "initial w"},
    ),
    "compatible and large": (
        STRIP,
        [spd.Dirichlet(W, 1e8 * sin(x)), spd.Initial(W, 1e8 * sin(x))],
        {"dirichlet w", "initial w"},
    ),
    "rate without value": (STRIP, [WALLS, spd.Initial(W.diff(t), BUMP)], {"dirichlet w"}),
    "walls against walls": (BOX2, [spd.Dirichlet(U, 0, on="x=-1"), spd.Dirichlet(U, 1, on="y=0")], set()),
    "two values on a wall": (BOX2, [spd.Dirichlet(U, 0, on="x=-1"), spd.Dirichlet(U, 1, on="x=-1")], set()),
    "the same value twice": (
        BOX2,
        [spd.Dirichlet(U, 1, on="x=-1"), spd.Dirichlet(U, 1)],
        {"dirichlet u", "dirichlet u 2"},
    ),
    "slope": (BOX2, [spd.Neumann(U, 0), spd.Robin(U, 1, 1, 0)], set()),
    "derivative": (BOX2, [spd.Dirichlet(U.diff(x), 0)], set()),
    "combination": (BOX2, [spd.Dirichlet(2 * U, 0)], set()),
    "another unknown": (BOX2, [spd.Dirichlet(U, V), spd.Dirichlet(V, x)], {"dirichlet v"}),
    "estimated value": (BOX2, [spd.Dirichlet(U, tuned)], set()),
    "family of values": (BOX2, [spd.Dirichlet(U, family * x)], set()),
    "coded value": (BOX2, [spd.Dirichlet(U, coded)], set()),
    "constant parameter": (BOX2, [spd.Dirichlet(U, spd.parameter("c", 2.0))], {"dirichlet u"}),
    "jump": (STRIP, [spd.Initial(W, Heaviside(x))], set()),
    "pieces": (STRIP, [spd.Initial(W, Piecewise((1, x < 0), (0, True)))], set()),
    "kink": (STRIP, [spd.Initial(W, Abs(x))], set()),
    "measurements": (BOX2, [spd.Observed(U, [[0.0, 1.0]], [2.0])], set()),
    "several boxes": (BOX2 | spd.Box({x: (2, 3), y: (0, 1)}), [spd.Dirichlet(U, 0)], set()),
}


@pytest.mark.parametrize("name", LEFT_TO_THE_LOSS)
def test_only_what_holds_is_called_exact(name):
    domain, conditions, exact = LEFT_TO_THE_LOSS[name]
    field = W if t in domain.coordinates else U
    problem = spd.Problem(domain, [field.diff(x) + (V if field is U else 0)], conditions)
    found = hard_constraints(problem)
    assert set(found.enforced) == exact
    assert not sympy.Tuple(*found.lifts.values()).atoms(AppliedUndef), "a lift is known in advance"


def test_reasons_are_given():
    def reason(name):
        domain, conditions, _ = LEFT_TO_THE_LOSS[name]
        return hard_constraints(spd.Problem(domain, [(W if t in domain.coordinates else U).diff(x)], conditions)).reason

    assert reason("start against walls") == "the initial data do not match the boundary data where both hold"
    assert reason("walls against walls").startswith("the boundary data do not match at the corners")
    assert reason("several boxes") == "the domain is not a single box"
    assert reason("compatible") == ""


RING = spd.Box({t: (0, 1), x: (0, 2 * pi)})
PERIODIC = {
    "periodic start": ([spd.Initial(W, sin(x))], {"initial w"}),
    "start with a jump": ([spd.Initial(W, x)], set()),
    "start with a kink": ([spd.Initial(W, x * (2 * pi - x))], set()),
    "no start": ([], set()),
}


@pytest.mark.parametrize("name", PERIODIC)
def test_periodic_axes(name):
    conditions, exact = PERIODIC[name]
    found = hard_constraints(spd.Problem(RING, [W.diff(t) + W.diff(x)], [*conditions, spd.Periodic(W, x)]))
    assert found.periodic == (False, True)
    assert set(found.enforced) == {"periodic w in x", "periodic w_x in x"} | exact
    lift = found.lifts[W]
    for e in (lift, lift.diff(x)):
        assert sympy.simplify(e.subs(x, 0) - e.subs(x, 2 * pi)) == 0


def test_an_axis_is_periodic_only_for_all_unknowns():
    a, b = spd.unknown("a b", t, x)
    for conditions, expected in (([spd.Periodic(a, x)], False), ([spd.Periodic(a, x), spd.Periodic(b, x)], True)):
        found = hard_constraints(spd.Problem(RING, [a - b], conditions))
        assert found.periodic == (False, expected)
        assert bool(found.enforced) == expected


def test_walls_that_are_not_periodic_are_left_to_the_loss():
    """u = x on y = 0 cannot hold exactly for a field that is periodic in x."""
    problem = spd.Problem(BOX2, [spd.laplacian(U)], [spd.Periodic(U, x), spd.Dirichlet(U, x, on="y=0")])
    found = hard_constraints(problem)
    assert found.enforced == ()
    assert "not periodic" in found.reason


def test_lifted_is_the_substitution_u_equals_lift_plus_w():
    exact = exp(-t) * sin(pi * x) + x
    box = spd.Box({t: (0, 1), x: (0, 1)})
    conditions = [spd.Dirichlet(W, x), spd.Initial(W, cos(pi * x / 2) * x * (1 - x) + x)]
    found = hard_constraints(spd.Problem(box, [W.diff(t)], conditions))
    lift = found.lifts[W]
    assert lift != 0
    expressions = [
        W.diff(t) - W.diff(x, 2) + W**3,
        W.diff(t, x) * sin(W) + x,
        exact * W.diff(x),
        spd.grad(W.diff(t))[0],
    ]
    for expression in expressions:
        rest = spd.unknown("rest", t, x)
        ours = found.lifted(expression, (t, x)).replace(W.func, sympy.Lambda((t, x), rest)).doit()
        theirs = expression.replace(W.func, sympy.Lambda((t, x), lift + rest)).doit()
        assert sympy.expand(ours - theirs) == 0


def test_lifted_leaves_other_functions_alone():
    box = spd.Box({x: (0, 1), y: (0, 1)})
    found = hard_constraints(spd.Problem(box, [U - V], [spd.Dirichlet(U, x + y)]))
    expression = coded.diff(x) * V.diff(x) + coded
    assert found.lifted(expression, (x, y)) == expression
    assert found.lifted(Eq(U, V).lhs, (x, y)) == U + x + y
