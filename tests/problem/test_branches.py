"""Functions that switch outside the domain are the branch that holds in it, before derivatives as anywhere."""

import numpy as np
import pytest
import sympy
from sympy import (
    Abs,
    Eq,
    Heaviside,
    Max,
    Min,
    Mod,
    Piecewise,
    Rational,
    ceiling,
    cos,
    floor,
    frac,
    sign,
    sin,
    sqrt,
    tanh,
)

import spindle as spd
from spindle.problem.branches import in_one_branch
from spindle.problem.consistency.checks import doubts
from spindle.symbolic.functions import evaluate

t, x, y, z = spd.coordinates("t x y z")
RING = spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0, y: 0}, Rational(1, 2))
CORNER = spd.Box({x: (0, 1), y: (0, 1)}) - spd.Box({x: (0.5, 1), y: (0.5, 1)})
# domain, what is positive in it and zero just outside of its boundary, or on it
DOMAINS = {
    "interval": (spd.Interval(x, 0, 1), 1.01 - x),
    "edge of an interval": (spd.Interval(x, 0, 1), x),
    "far away": (spd.Interval(x, 0, 1), x + 5),
    "box": (spd.Box({x: (-1, 1), y: (0, 2)}), y + 0.1),
    "slanted": (spd.Box({x: (-1, 1), y: (0, 2)}), 4 - x - y),
    "corner": (CORNER, 1.6 - x - y),
    "disk": (spd.Disk({x: 0, y: 0}, 1), 1.45 - x - y),
    "ring": (RING, x**2 + y**2 - 0.2),
    "ball": (spd.Ball({x: 0, y: 0, z: 0}, 1), 1.8 - x - y - z),
    "later": (spd.Box({t: (0, 2), x: (0, 1)}), 2.5 - t),
    "cylinder": (spd.Disk({x: 0, y: 0}, 1) * spd.Interval(t, 0, 2), 1.45 - x - y),
    "curved": (spd.Box({x: (0, 1), y: (0, 1)}), 3 + sin(5 * x) + cos(y)),
}
# g -> a function that switches where g is zero, or where it is 100; for each what it is where g lies between
SWITCHES = {
    "Heaviside": lambda g: (1 + Heaviside(g), 2),
    "Heaviside beyond": lambda g: (1 + Heaviside(g - 100), 1),
    "sign": lambda g: (2 + sign(-g), 1),
    "Abs": lambda g: (Abs(-g), g),
    "Max": lambda g: (Max(g, 0, -1), g),
    "Min": lambda g: (Min(g, 100), g),
    "floor": lambda g: (2 + floor(g / 100), 2),
    "ceiling": lambda g: (2 + ceiling(g / 100), 3),
    "frac": lambda g: (frac(g / 100), g / 100),
    "Mod": lambda g: (Mod(g, 100), g),
    "pieces": lambda g: (Piecewise((1 + g, g < 0), (2 * g, g <= 100), (7, True)), 2 * g),
    "an outer piece": lambda g: (Piecewise((7, (g < 0) | (g > 100)), (g, True)), g),
    "within": lambda g: (Max(Abs(g), Mod(-g, 100) - 200), g),
}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("where", DOMAINS)
def test_a_switch_outside_the_domain_is_not_there(where, name):
    domain, g = DOMAINS[where]
    switching, branch = SWITCHES[name](g)
    assert same(in_one_branch(switching, domain, closed=False), branch)
    u = spd.unknown("u", *domain.coordinates)
    for c in [c for c in domain.coordinates if c.name != "t"]:
        problem = posed(domain, u, (switching * u.diff(c)).diff(c))
        (equation,) = problem.equations
        assert same(equation.residual - 1, (branch * u.diff(c)).diff(c))
        assert not any("jump" in said or "kink" in said for said in doubts(problem))


def same(one, other):
    """Whether two expressions are equal but for the rounding of the numbers in them."""
    difference = sympy.expand(one - other)
    return all(abs(number) < 1e-13 for number in difference.as_coefficients_dict().values())


def posed(domain, u, left):
    starts = [spd.Initial(u, 0)] if t in domain.coordinates else []
    return spd.Problem(domain, [Eq(left, -1)], [spd.Dirichlet(u, 0), *starts])


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_inside_is_left(name):
    switching, _ = SWITCHES[name](x - 0.5 if name not in ("Heaviside beyond", "Min") else x + 99.5)
    left = in_one_branch(switching, spd.Interval(x, 0, 1), closed=False)
    at = {x: np.linspace(0, 1, 10)}
    np.testing.assert_array_equal(evaluate(left, at), evaluate(switching, at))
    assert left.has(sympy.Heaviside, sympy.Abs, sympy.Max, sympy.Piecewise, sympy.sign, Min, Mod, floor, ceiling, frac)


def test_the_boundary_counts_where_it_belongs_to_the_domain():
    step, line = Heaviside(x), spd.Interval(x, 0, 1)
    assert in_one_branch(step, line, closed=True) == step
    assert in_one_branch(step, line, closed=False) == 1
    # Zero on more than the boundary is no touch: the step is 1/2 there.
    assert in_one_branch(Heaviside(Max(x - 0.5, 0)), line, closed=False).has(Heaviside)


def test_parameters_are_taken_over_their_ranges():
    line = spd.Interval(x, 0, 1)
    known, ranged = spd.parameter("a", 3.0), spd.parameter("b", range=(2, 4))
    assert in_one_branch(Max(x, known), line) == known
    assert in_one_branch(Max(x, ranged), line) == ranged
    for stray in (spd.parameter("c", 3.0, unknown=True), spd.parameter("d", range=(0.5, 4)), spd.unknown("u", x)):
        assert in_one_branch(Max(x, stray), line) == Max(x, stray)


def test_all_of_many_branches_are_dropped_that_others_exceed():
    line = spd.Interval(x, 0, 1)
    assert in_one_branch(Max(x, 1 - x, -x, x - 2), line) == Max(x, 1 - x)
    assert in_one_branch(Min(x + 2, 3 * x, 5), line) == Min(x + 2, 3 * x, 5).func(x + 2, 3 * x)


def test_a_guard_around_a_removable_singularity_stays():
    """The set where it holds is tiny, and a node of a lattice may lie in it."""
    u, r = spd.unknown("u", x, y), sqrt(x**2 + y**2)
    guarded = Piecewise((1, x**2 + y**2 < 1e-20), (tanh(r) / r, True))
    problem = spd.Problem(
        domain=spd.Box({x: (-4, 4), y: (-4, 4)}),
        equations=[Eq(guarded * u.diff(x) + u, 0)],
        conditions=[spd.Dirichlet(u, 0, on=Eq(x, -4))],
    )
    assert problem.equations[0].residual.has(Piecewise)
