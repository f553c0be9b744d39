"""Coefficients that jump or bend where an equation differentiates them."""

import re

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Heaviside, Matrix, Max, Min, Piecewise, Rational, exp, floor, pi, sign, sin, tanh

import spindle as spd
from spindle.problem.consistency.checks import doubts, fatal
from spindle.problem.consistency.crossings import exponent
from spindle.problem.curves import oblique_curves
from spindle.problem.serialize import problem_from_data, problem_to_data

t, x, y = spd.coordinates("t x y")
f, g = spd.unknown("f g", x)
p, q = spd.unknown("p q", x, y)
u = spd.unknown("u", t, x)
LINE, SQUARE, STRIP = spd.Interval(x, 0, 1), spd.Box({x: (0, 1), y: (0, 2)}), spd.Box({t: (0, 1), x: (0, 1)})
HALF = Rational(1, 2)
K = Piecewise((1, x < HALF), (10, True))
NODES = np.linspace(0, 1, 11)
STEP = np.where(NODES < 0.45, 1.0, 10.0)


def posed(equation, domain=LINE):
    unknowns = {LINE: f, SQUARE: p, STRIP: u}
    field = unknowns.get(domain, p)
    conditions = [spd.Dirichlet(field)] + [spd.Initial(field)] * (domain is STRIP)
    return spd.Problem(domain=domain, equations=[equation], conditions=conditions)


def table(interpolation):
    return spd.tabulated("kappa", {x: NODES}, STEP, interpolation=interpolation)


LOST = {
    "a moving jump": lambda: posed(u.diff(t) - spd.div(Piecewise((1, x < t), (2, True)) * spd.grad(u)), STRIP),
    "transport": lambda: posed(spd.div(Matrix([K * f]))),
    "a beam": lambda: posed((K * f.diff(x, 2)).diff(x, 2)),
}
PLANE = {  # places across x and across y, and levels
    "one axis": (lambda: spd.div(K * spd.grad(p)), [HALF], [], ["x - 1/2"]),
    "the other axis": (lambda: spd.div(Piecewise((1, y > 1), (3, True)) * spd.grad(p)), [], [1], ["y - 1"]),
    "a step": (lambda: spd.div((2 + Heaviside(x - HALF)) * spd.grad(p)), [HALF], [], ["x - 1/2"]),
    "scaled": (lambda: exp(x) * spd.div(K * spd.grad(p)), [HALF], [], ["x - 1/2"]),
    "a product with something smooth": (lambda: spd.div(K * exp(x) * spd.grad(p)), [HALF], [], ["x - 1/2"]),
    "nonlinear": (lambda: spd.div(K * (1 + p**2) * spd.grad(p)), [HALF], [], ["x - 1/2"]),
    "anisotropic": (
        lambda: spd.div(Matrix([K * p.diff(x) + p.diff(y), p.diff(x) + p.diff(y)])),
        [HALF],
        [],
        ["x - 1/2"],
    ),
    "a quarter": (
        lambda: spd.div(Piecewise((1, (x < HALF) & (y < 1)), (2, True)) * spd.grad(p)),
        [HALF],
        [1],
        ["x - 1/2", "y - 1"],
    ),
    "an inclusion": (
        lambda: spd.div(Piecewise((5, x**2 + y**2 < HALF), (1, True)) * spd.grad(p)),
        [],
        [],
        ["x**2 + y**2 - 1/2"],
    ),
    "a small inclusion": (
        lambda: spd.div(Piecewise((9, (x - HALF) ** 2 + (y - 1) ** 2 < Rational(1, 2500)), (1, True)) * spd.grad(p)),
        [],
        [],
        ["x**2 - x + y**2 - 2*y + 3124/2500"],
    ),
}


@pytest.mark.parametrize("name", PLANE)
def test_interfaces_in_the_plane(name):
    written, across, beside, levels = PLANE[name]
    problem = posed(written(), SQUARE)
    for axis, places in enumerate((across, beside)):
        assert [round(i.left, 12) for i in problem.interfaces if i.axis == axis] == [float(place) for place in places]
    assert sorted(str(curve.level) for curve in problem.curves) == sorted(str(sympy.sympify(level)) for level in levels)
    assert bool(oblique_curves(problem)) == (not across and not beside)
    assert "across  " in str(problem)


def test_an_interface_on_a_shape_is_a_level():
    problem = posed(spd.div(Piecewise((5, x > 0), (1, True)) * spd.grad(p)), spd.Disk({x: 0, y: 0}, 1))
    (curve,) = oblique_curves(problem)
    assert curve.level == x
    below, above = curve.fluxes["equation"]
    assert (below.subs(p.diff(x), 1), above.subs(p.diff(x), 1)) == (1, 5)
    assert "x = 0: p and the flux along the normal are continuous" in str(problem)


def test_smooth_methods_refuse_interfaces_across_no_axis():
    problem = posed(PLANE["an inclusion"][0](), SQUARE)
    for method in (spd.SPINN(), spd.SPINN(network="spectral"), spd.PINN(), spd.CausalPINN()):
        with pytest.raises(
            spd.MethodError, match=r"lies across no axis, and `problem` has one at x\*\*2 \+ .*use `spd\.DTPINN\(\)`"
        ):
            spd.solve(problem, method, progress=False)


def test_interfaces_that_cross_are_singular_unless_the_coefficient_is_a_product():
    step = Piecewise((1, y < 1), (7, True))
    assert doubts(posed(spd.div(K * step * spd.grad(p)), SQUARE)) == []
    (said,) = doubts(posed(PLANE["a quarter"][0](), SQUARE))
    assert re.search(r"interfaces cross at x = 0\.5, y = 1, where the solution is singular, like r\^0\.\d", said)


@pytest.mark.parametrize("ratio", [3, 100, 1e4])
def test_the_exponent_of_a_checkerboard(ratio):
    """u = r^g cos(g (angle - pi/4)) and its likes in the other quadrants: tan(g pi/4)^2 = 1/ratio, or its inverse."""
    g = exponent([ratio, 1, ratio, 1])
    assert abs(np.tan(g * np.pi / 4) ** 2 * ratio - 1) < 1e-6
    assert exponent([2, 4, 6, 3]) == 1.0


@pytest.mark.parametrize("name", LOST)
def test_a_flux_that_is_lost_is_refused(name):
    with pytest.raises(
        spd.ProblemError, match=r"which jumps at .* the flux through the jump is lost.*; smooth the jump"
    ) as told:
        LOST[name]()
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


def test_the_advice_is_the_coefficient_smoothed():
    with pytest.raises(spd.ProblemError, match=r"jumps at x = 0\.5 ") as told:
        LOST["a beam"]()
    advice = sympy.sympify(re.search(r"smooth the jump, `([^`]*)`", str(told.value))[1], locals={"x": x})
    assert [round(float(advice.subs(x, place)), 6) for place in (0, 1)] == [1, 10]
    assert doubts(posed(spd.div(advice * spd.grad(f)))) == []


def test_steps_that_are_no_fluxes_are_refused_in_their_words():
    for step in (Heaviside(x - HALF), 2 + sign(x - HALF)):
        with pytest.raises(spd.ProblemError, match=r"left of a jump, .* put something smooth in the place of the jump"):
            posed(f.diff(x, 2) - step.diff(x))


KEPT = {
    "a source": lambda: posed(f.diff(x, 2) - K),
    "a source in the plane": lambda: posed(spd.laplacian(p) - Heaviside(x - HALF) * floor(3 * y), SQUARE),
    "a reaction": lambda: posed(f.diff(x, 2) - K * f),
    "a wind": lambda: posed(f.diff(x, 2) - K * f.diff(x)),
    "divided": lambda: posed(f.diff(x, 2) - 1 / K),
    "a speed of sound": lambda: spd.Problem(
        STRIP, [u.diff(t, 2) / K**2 - u.diff(x, 2)], [spd.Dirichlet(u), spd.Initial(u), spd.Initial(u.diff(t))]
    ),
    "a capacity": lambda: posed(K * u.diff(t) - u.diff(x, 2), STRIP),
    "a jump along another axis": lambda: posed(p.diff(x, 2) + K * p.diff(y, 2), SQUARE),
    "a jump in time": lambda: posed(u.diff(t) - Piecewise((1, t < HALF), (10, True)) * u.diff(x, 2), STRIP),
    "outside the domain": lambda: posed(spd.div(Piecewise((1, x < 2), (10, True)) * spd.grad(f))),
    "at the edge": lambda: posed(spd.div(Piecewise((1, x < 1), (10, True)) * spd.grad(f))),
    "pieces that agree": lambda: posed(spd.div(Piecewise((1 + (x - HALF) ** 3, x < HALF), (1, True)) * spd.grad(f))),
    "a flux as an unknown": lambda: spd.Problem(LINE, [g - K * f.diff(x), g.diff(x)], [spd.Dirichlet(f, x)]),
    "smooth": lambda: posed(spd.div((2 + tanh((x - HALF) / 0.02)) * spd.grad(f))),
    "the unknown's": lambda: posed(f.diff(x, 2) + Max(f, 0)),
    "a table": lambda: posed(spd.div(spd.tabulated("kappa", {x: NODES}, 1 + NODES**2) * spd.grad(f))),
}


@pytest.mark.parametrize("name", KEPT)
def test_jumps_that_are_not_differentiated_are_nobodys_concern(name):
    assert doubts(KEPT[name]()) == []


KINKS = {
    "Max": lambda: spd.div(Max(x, HALF) * spd.grad(f)),
    "Min": lambda: (Min(1, x + HALF) * f.diff(x)).diff(x),
    "Abs": lambda: spd.div((1 + Abs(x - HALF)) * spd.grad(f)),
    "pieces": lambda: spd.div(Piecewise((1, x < HALF), (x + HALF, True)) * spd.grad(f)),
    "a table": lambda: spd.div(
        spd.tabulated("kappa", {x: [0, 0.5, 1]}, [1, 1, 2], interpolation="linear") * spd.grad(f)
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_light_doubts(name):
    problem = posed(KINKS[name]())
    assert fatal(problem) == []
    (said,) = doubts(problem)
    assert "has a kink at x = 0.5" in said


def test_a_kink_in_a_beam_is_lost_as_a_jump_in_a_bar_is():
    with pytest.raises(spd.ProblemError, match=r"has a kink at x = 0\.5"):
        posed((Piecewise((1, x < HALF), (x + HALF, True)) * f.diff(x, 2)).diff(x, 2))


def test_a_speed_that_jumps_may_be_a_lost_flux():
    problem = posed(u.diff(t) + K * u.diff(x), STRIP)
    assert any("if their product was differentiated, the jump is lost" in s for s in doubts(problem))
    assert all("jump" not in s for s in fatal(problem))


def test_a_spline_that_leaves_its_table_is_a_doubt():
    (said,) = doubts(posed(spd.div(table("cubic") * spd.grad(f))))
    assert re.search(
        r"the cubic spline through the table `kappa` reaches [\d.]+ at x = 0\.\d+, beyond its values from 1 to 10", said
    )
    assert not any("spline" in s for s in doubts(posed(spd.div(table("linear") * spd.grad(f)))))


@pytest.mark.parametrize("factor", [2, -1, 3 + sin(pi * x)])
def test_an_interface_is_met_whatever_the_equation_is_multiplied_by(factor):
    for box in (SQUARE, spd.Box({y: (0, 2), x: (0, 1)})):
        (interface,) = posed(factor * spd.div(K * spd.grad(p)), box).interfaces
        assert (box.coordinates[interface.axis], round(interface.left, 12)) == (x, 0.5)


STEPS = {
    "pieces": K,
    "Heaviside": 1 + 9 * Heaviside(x - HALF),
    "sign": Rational(11, 2) + Rational(9, 2) * sign(x - HALF),
}


def between(problem):
    """The places of the interfaces."""
    return [round(i.left, 12) for i in problem.interfaces]


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(
    "written", [lambda k: spd.div(k * spd.grad(f)), lambda k: (k * f.diff(x)).diff(x)], ids=["div", "by hand"]
)
def test_the_flux_of_a_step_is_known_however_it_is_written(step, written):
    problem = posed(Eq(written(step), 1))
    (flux,) = problem.interfaces[0].fluxes.values()
    assert between(problem) == [0.5]
    slope = f.diff(x)
    for place, value in ((0.25, 1), (0.75, 10)):
        assert abs(flux.subs(slope, 1).subs(x, place) - value) < 1e-12
    assert problem.equations[0].residual.atoms(sympy.DiracDelta) == set()


FLUXES = {
    "scaled": (exp(x) * spd.div(K * spd.grad(f)), K * f.diff(x)),
    "divided by a capacity": (spd.div(K * spd.grad(f)) / K, K * f.diff(x)),
    "nonlinear": (spd.div(K * (1 + f**2) * spd.grad(f)), K * (1 + f**2) * f.diff(x)),
    "transport": (spd.div(Matrix([K * f])) - 2 * f.diff(x, 2), K * f - 2 * f.diff(x)),
    "two fluxes": (spd.div(K * spd.grad(f)) + spd.div(Matrix([K * f])), K * f.diff(x) + K * f),
    "a side each": (Eq(spd.div(K * spd.grad(f)), f.diff(x, 2)), K * f.diff(x) - f.diff(x)),
}


@pytest.mark.parametrize("name", FLUXES)
def test_the_flux_of_an_equation_is_what_it_differentiates(name):
    equation, flux = FLUXES[name]
    problem = posed(equation)
    (found,) = problem.interfaces[0].fluxes.values()
    assert sympy.expand(found - flux) == 0
    assert doubts(problem) == []


def test_a_flux_that_nobody_wrote_is_a_light_doubt():
    problem = posed(K * f.diff(x, 2))
    assert between(problem) == [0.5]
    assert fatal(problem) == []
    (said,) = doubts(problem)
    assert "and the flux Piecewise((1, x < 1/2), (10, True))*f_x is taken to be continuous there: write" in said
    assert doubts(posed(spd.div(K * spd.grad(f)))) == []


def test_a_problem_says_where_its_interfaces_are_and_keeps_them():
    three = Piecewise((1, x < 0.3), (2, x < HALF), (5, True))
    problem = posed(u.diff(t) - spd.div(three * spd.grad(u)), STRIP)
    assert "across  x = 0.3: u and the flux" in str(problem)
    assert between(problem) == [0.3, 0.5]
    back = problem_from_data(*problem_to_data(problem))
    assert back.interfaces == problem.interfaces
    member = posed(spd.div(spd.parameter("c", range=(1, 4)) * K * spd.grad(f))).at(c=3)
    assert between(member) == [0.5]


def test_a_periodic_axis_is_closed_by_an_interface():
    problem = spd.Problem(LINE, [spd.div(K * spd.grad(f)) - f], [spd.Periodic(f, x)])
    assert [(i.left, i.right) for i in problem.interfaces] == [(0.5, 0.5), (1.0, 0.0)]


def test_equal_materials_have_no_interface():
    assert between(posed(spd.div(Piecewise((3, x < HALF), (3 + 0 * x, True)) * spd.grad(f)))) == []
    assert between(posed(spd.div(Piecewise((1 + (x - HALF) ** 3, x < HALF), (1, True)) * spd.grad(f)))) == []
    assert between(posed(f.diff(x, 2) - K)) == []


def test_a_reference_whose_flux_jumps_is_a_doubt():
    problem = spd.Problem(LINE, [spd.div(K * spd.grad(f))], [spd.Dirichlet(f, x)], reference={f: x})
    assert any("does not fulfil the flux of `equation` at x = 0.5" in said for said in doubts(problem))


REFUSED = {
    "moving": (
        lambda: posed(u.diff(t) - spd.div(Piecewise((1, x < t), (2, True)) * spd.grad(u)), STRIP),
        "the flux through the jump is lost, since it moves; smooth the jump",
    ),
    "a beam": (lambda: LOST["a beam"](), "since its derivatives along the axis are of an order above two; smooth"),
    "transport": (
        lambda: LOST["transport"](),
        "since no slope stands in the flux, so that the unknown itself jumps; smooth",
    ),
    "two coefficients": (
        lambda: posed(K * (2 + Heaviside(x - 0.3)) * f.diff(x, 2)),
        r"since which coefficient stands under the outer derivative cannot be seen any more; say it by `spd\.div",
    ),
    "a factor that jumps": (
        lambda: posed(K * spd.div((2 + Heaviside(x - HALF)) * spd.grad(f)) + f.diff(x, 2)),
        "since the factors of its fluxes jump, too; smooth",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_jumps_that_are_no_interfaces_are_refused_with_the_reason(name):
    pose, text = REFUSED[name]
    with pytest.raises(spd.ProblemError, match=text):
        pose()


METHODS = {
    "PINN": spd.PINN(),
    "DTPINN": spd.DTPINN(),
    "CausalPINN": spd.CausalPINN(),
    "SPINN(network='spectral')": spd.SPINN(network="spectral"),
    "SPINN(network='mlp')": spd.SPINN(network="mlp"),
}


@pytest.mark.parametrize("name", METHODS)
def test_smooth_methods_refuse_interfaces(name):
    problem = posed(spd.div(K * spd.grad(f)))
    with pytest.raises(
        spd.MethodError, match=r"is smooth everywhere, but `problem` has an interface at x = 0\.5"
    ) as told:
        spd.solve(problem, METHODS[name], progress=False)
    assert f"`spd.{name}".rstrip(")") in str(told.value)
    assert "use `spd.SPINN()`, whose elements join there by that flux" in str(told.value)


def test_elements_say_why_they_cannot_take_an_interface():
    k, c = spd.parameter("k", range=(1, 2)), spd.parameter("c", range=(1, 2))
    family = posed(spd.div(k * K * spd.grad(f)) - c * f)
    with pytest.raises(
        spd.MethodError, match=r"interfaces, such as that of `problem` at x = 0\.5, .* since it has more"
    ):
        spd.solve(family, spd.SPINN(), progress=False)
    for method in (spd.LRPINN(), spd.FastLRNR()):
        with pytest.raises(spd.MethodError, match=r"is smooth everywhere, but `problem` has an interface at x = 0\.5"):
            spd.solve(family, method, progress=False)
