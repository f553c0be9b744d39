"""Coefficients that jump or bend where an equation differentiates them."""

import re

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Heaviside, Matrix, Max, Min, Piecewise, Rational, exp, floor, pi, sign, sin, tanh

import spindle as sp
from spindle.problem.consistency.checks import doubts, fatal

t, x, y = sp.coordinates("t x y")
f, g = sp.unknown("f g", x)
p, q = sp.unknown("p q", x, y)
u = sp.unknown("u", t, x)
LINE, SQUARE, STRIP = sp.Interval(x, 0, 1), sp.Box({x: (0, 1), y: (0, 2)}), sp.Box({t: (0, 1), x: (0, 1)})
HALF = Rational(1, 2)
K = Piecewise((1, x < HALF), (10, True))
NODES = np.linspace(0, 1, 11)
STEP = np.where(NODES < 0.45, 1.0, 10.0)


def posed(equation, domain=LINE):
    unknowns = {LINE: f, SQUARE: p, STRIP: u}
    field = unknowns.get(domain, p)
    conditions = [sp.Dirichlet(field)] + [sp.Initial(field)] * (domain is STRIP)
    return sp.Problem(domain=domain, equations=[equation], conditions=conditions)


def table(interpolation):
    return sp.tabulated("kappa", {x: NODES}, STEP, interpolation=interpolation)


LOST = {
    "by hand": lambda: posed((K * f.diff(x)).diff(x)),
    "by operators": lambda: posed(sp.div(K * sp.grad(f))),
    "an equation": lambda: posed(Eq(0, 1 - (K * f.diff(x)).diff(x))),
    "scaled": lambda: posed(exp(x) * (K * f.diff(x)).diff(x)),
    "three layers": lambda: posed((Piecewise((1, x < 0.3), (2, x < HALF), (1, True)) * f.diff(x)).diff(x)),
    "a product with something smooth": lambda: posed(sp.div(K * exp(x) * sp.grad(f))),
    "nonlinear": lambda: posed(sp.div(K * (1 + f**2) * sp.grad(f))),
    "in the plane": lambda: posed(sp.div(K * sp.grad(p)), SQUARE),
    "along the other axis": lambda: posed(sp.div(Piecewise((1, y > 1), (3, True)) * sp.grad(p)), SQUARE),
    "an inclusion": lambda: posed(
        sp.div(Piecewise((5, (x - HALF) ** 2 + (y - 1) ** 2 < 0.04), (1, True)) * sp.grad(p)), SQUARE
    ),
    "on a disk": lambda: posed(sp.div(Piecewise((5, x > 0), (1, True)) * sp.grad(p)), sp.Disk({x: 0, y: 0}, 1)),
    "in time": lambda: posed(u.diff(t) - sp.div(K * sp.grad(u)), STRIP),
    "anisotropic": lambda: posed(sp.div(Matrix([K * p.diff(x) + p.diff(y), p.diff(x) + p.diff(y)])), SQUARE),
    "transport": lambda: posed(sp.div(Matrix([K * f])) - f.diff(x, 2)),
    "a thin layer": lambda: posed(sp.div(Piecewise((9, (x > HALF) & (x < 0.5004)), (1, True)) * sp.grad(p)), SQUARE),
    "a small inclusion": lambda: posed(
        sp.div(Piecewise((9, (x - 0.31) ** 2 + (y - 1.7) ** 2 < 4e-4), (1, True)) * sp.grad(p)), SQUARE
    ),
    "a quarter": lambda: posed(sp.div(Piecewise((1, (x < HALF) & (y < 1)), (2, True)) * sp.grad(p)), SQUARE),
    "floor": lambda: posed((1 + floor(2 * x)) * f.diff(x, 2)),
    "sign": lambda: posed((2 + sign(x - HALF)) * f.diff(x, 2)),
    "Heaviside": lambda: posed((2 + Heaviside(x - HALF)) * f.diff(x, 2)),
    "the nearest of a table": lambda: posed(table("nearest") * f.diff(x, 2)),
    "a beam": lambda: posed((K * f.diff(x, 2)).diff(x, 2)),
}


@pytest.mark.parametrize("name", LOST)
def test_a_flux_that_is_lost_is_refused(name):
    with pytest.raises(
        sp.ProblemError, match=r"which jumps at .* the flux through the jump is lost; smooth the jump"
    ) as told:
        LOST[name]()
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


def test_the_advice_is_the_coefficient_smoothed():
    with pytest.raises(sp.ProblemError, match=r"jumps at x = 0\.5 ") as told:
        LOST["by operators"]()
    advice = sympy.sympify(re.search(r"smooth the jump, `([^`]*)`", str(told.value))[1], locals={"x": x})
    assert [round(float(advice.subs(x, place)), 6) for place in (0, 1)] == [1, 10]
    assert doubts(posed(sp.div(advice * sp.grad(f)))) == []


def test_derivatives_of_steps_are_refused_in_their_words():
    for step in (Heaviside(x - HALF), 2 + sign(x - HALF)):
        with pytest.raises(sp.ProblemError, match=r"left of a jump, .* put something smooth in the place of the jump"):
            posed(sp.div(step * sp.grad(f)))


KEPT = {
    "a source": lambda: posed(f.diff(x, 2) - K),
    "a source in the plane": lambda: posed(sp.laplacian(p) - Heaviside(x - HALF) * floor(3 * y), SQUARE),
    "a reaction": lambda: posed(f.diff(x, 2) - K * f),
    "a wind": lambda: posed(f.diff(x, 2) - K * f.diff(x)),
    "divided": lambda: posed(f.diff(x, 2) - 1 / K),
    "a speed of sound": lambda: sp.Problem(
        STRIP, [u.diff(t, 2) / K**2 - u.diff(x, 2)], [sp.Dirichlet(u), sp.Initial(u), sp.Initial(u.diff(t))]
    ),
    "a capacity": lambda: posed(K * u.diff(t) - u.diff(x, 2), STRIP),
    "a jump along another axis": lambda: posed(p.diff(x, 2) + K * p.diff(y, 2), SQUARE),
    "a jump in time": lambda: posed(u.diff(t) - Piecewise((1, t < HALF), (10, True)) * u.diff(x, 2), STRIP),
    "outside the domain": lambda: posed(sp.div(Piecewise((1, x < 2), (10, True)) * sp.grad(f))),
    "at the edge": lambda: posed(sp.div(Piecewise((1, x < 1), (10, True)) * sp.grad(f))),
    "pieces that agree": lambda: posed(sp.div(Piecewise((1 + (x - HALF) ** 3, x < HALF), (1, True)) * sp.grad(f))),
    "a flux as an unknown": lambda: sp.Problem(LINE, [g - K * f.diff(x), g.diff(x)], [sp.Dirichlet(f, x)]),
    "smooth": lambda: posed(sp.div((2 + tanh((x - HALF) / 0.02)) * sp.grad(f))),
    "the unknown's": lambda: posed(f.diff(x, 2) + Max(f, 0)),
    "a table": lambda: posed(sp.div(sp.tabulated("kappa", {x: NODES}, 1 + NODES**2) * sp.grad(f))),
}


@pytest.mark.parametrize("name", KEPT)
def test_jumps_that_are_not_differentiated_are_nobodys_concern(name):
    assert doubts(KEPT[name]()) == []


KINKS = {
    "Max": lambda: sp.div(Max(x, HALF) * sp.grad(f)),
    "Min": lambda: (Min(1, x + HALF) * f.diff(x)).diff(x),
    "Abs": lambda: sp.div((1 + Abs(x - HALF)) * sp.grad(f)),
    "pieces": lambda: sp.div(Piecewise((1, x < HALF), (x + HALF, True)) * sp.grad(f)),
    "a table": lambda: sp.div(sp.tabulated("kappa", {x: [0, 0.5, 1]}, [1, 1, 2], interpolation="linear") * sp.grad(f)),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_light_doubts(name):
    problem = posed(KINKS[name]())
    assert fatal(problem) == []
    (said,) = doubts(problem)
    assert "has a kink at x = 0.5" in said


def test_a_kink_in_a_beam_is_lost_as_a_jump_in_a_bar_is():
    with pytest.raises(sp.ProblemError, match=r"has a kink at x = 0\.5"):
        posed((Piecewise((1, x < HALF), (x + HALF, True)) * f.diff(x, 2)).diff(x, 2))


def test_a_speed_that_jumps_may_be_a_lost_flux():
    problem = posed(u.diff(t) + K * u.diff(x), STRIP)
    assert any("if their product was differentiated, the jump is lost" in s for s in doubts(problem))
    assert all("jump" not in s for s in fatal(problem))


def test_a_spline_that_leaves_its_table_is_a_doubt():
    (said,) = doubts(posed(sp.div(table("cubic") * sp.grad(f))))
    assert re.search(
        r"the cubic spline through the table `kappa` reaches [\d.]+ at x = 0\.\d+, beyond its values from 1 to 10", said
    )
    assert not any("spline" in s for s in doubts(posed(sp.div(table("linear") * sp.grad(f)))))


@pytest.mark.parametrize("factor", [2, -1, 3 + sin(pi * x)])
def test_a_jump_is_met_whatever_the_equation_is_multiplied_by(factor):
    with pytest.raises(sp.ProblemError, match=r"jumps at x = 0\.5"):
        posed(factor * sp.div(K * sp.grad(p)), SQUARE)
    with pytest.raises(sp.ProblemError, match=r"jumps at x = 0\.5"):
        posed(factor * sp.div(K * sp.grad(p)), sp.Box({y: (0, 2), x: (0, 1)}))
