"""What the residuals of a march add up to is its error, wherever the equations carry it."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp
from sympy import Eq, cos, exp, sin, tanh

import spindle as spd
from spindle.methods.elements import on_elements
from spindle.networks import polynomials
from spindle.networks.model import Model
from spindle.results.evaluator import Evaluator
from spindle.slabs.defects import corrected, relative_sizes
from spindle.slabs.march import March
from spindle.slabs.space import Slab

t, x = spd.coordinates("t x")
a, b = spd.unknown("a b", t)
u = spd.unknown("u", t, x)
f = spd.unknown("f", x)


def manufactured(operator, unknowns, exact, conditions, domain):
    equations = [Eq(each, spd.manufactured(each, exact)) for each in operator]
    return spd.Problem(domain=domain, equations=equations, conditions=conditions, reference=exact)


LAYER = exp(-30 * x) + x**2
FRONT = (1 - tanh((x - t / 2 - sympy.Rational(3, 10)) * 20)) / 2
PROBLEMS = {
    "growth": manufactured(
        [a.diff(t) - 3 * a], [a], {a: exp(3 * t) + sin(5 * t)}, [spd.Initial(a, 1)], spd.Interval(t, 0, 3)
    ),
    "two of second order": manufactured(
        [a.diff(t, 2) + a * b, b.diff(t) - a**2],
        [a, b],
        {a: cos(3 * t), b: exp(-t)},
        [spd.Initial(a, 1), spd.Initial(a.diff(t)), spd.Initial(b, 1)],
        spd.Interval(t, 0, 4),
    ),
    "front": manufactured(
        [u.diff(t) + u * u.diff(x) - u.diff(x, 2) / 50],
        [u],
        {u: FRONT},
        [spd.Initial(u, FRONT.subs(t, 0)), spd.Dirichlet(u, FRONT)],
        spd.Box({t: (0, 1), x: (0, 1)}),
    ),
    "two materials": spd.Problem(
        spd.Box({t: (0, 1), x: (0, 1)}),
        [Eq(u.diff(t), (sympy.Piecewise((1, x < sympy.Rational(1, 2)), (5, True)) * u.diff(x)).diff(x) - u**3)],
        [spd.Initial(u, sin(sympy.pi * x)), spd.Dirichlet(u, 0)],
    ),
    "layer at rest": manufactured(
        [f.diff(x, 2) / 1000 - f],
        [f],
        {f: exp(-30 * x) + x**2},
        [spd.Dirichlet(f, exp(-30 * x) + x**2)],
        spd.Interval(x, 0, 1),
    ),
}


def marched(problem, tolerance):
    """The evaluator of a march to some tolerance, its space, and its slabs."""
    plan = on_elements(problem, spd.SPINN(network="elements").resolved(problem), ())
    space, mesh, aim = plan.march.ways[0]
    if space.rows.space is None:  # low enough that there is an error to be seen
        space = replace(space, duration=4)
    running = March(space, plan.march.time, mesh, replace(aim, tolerance=tolerance))
    while not running.slabs or not running.whole:
        running.advance()
    return Evaluator(problem, plan), space, running.slabs


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "two materials"])
def test_what_residuals_add_up_to_is_the_error(name, float64):
    evaluator, space, slabs = marched(PROBLEMS[name], 1e-3)
    richer = space.of_errors()
    better = corrected(richer, slabs, 1e-3)
    errors = evaluator.relative_errors(Model(space.laid(slabs), {}))
    assert max(errors.values()) > 1e-9, "there is an error to be seen"
    for error, size in zip(errors.values(), relative_sizes(slabs, better), strict=True):
        assert size == pytest.approx(error, rel=0.3)
    right = evaluator.relative_errors(Model(richer.laid(better), {}))
    assert all(right[name] < 0.5 * error for name, error in errors.items())


def test_errors_grow_through_jumps_as_the_linearised_equations_say(float64):
    """A jump of a stiff oscillator makes 1e5 times the error of it and back; what is of second order must not stay."""
    mu, end = 100.0, 200.0
    problem = spd.Problem(
        spd.Interval(t, 0, end),
        [Eq(a.diff(t, 2), mu * (1 - a**2) * a.diff(t) - a)],
        [spd.Initial(a, 2), spd.Initial(a.diff(t), 0)],
    )
    plan = on_elements(problem, spd.SPINN(network="elements").resolved(problem), ())
    space, mesh, aim = plan.march.ways[0]
    running = March(space, plan.march.time, mesh, aim, disturbance=1e-6)
    while not running.whole:
        running.advance()
    true = solve_ivp(
        lambda _, s: [s[1], mu * (1 - s[0] ** 2) * s[1] - s[0]],
        (0, end),
        [2, 0],
        "Radau",
        rtol=1e-9,
        atol=1e-11,
        dense_output=True,
    ).sol
    nodes, weights = polynomials.gauss(space.duration + 1)
    gap = size = 0.0
    for slab in running.slabs:
        exact = true(slab.begins + slab.length * (nodes + 1) / 2)[0]
        values = slab.series[0, 0, 0] @ polynomials.values(nodes, space.duration).T
        gap += slab.length * weights @ (values - exact) ** 2
        size += slab.length * weights @ exact**2
    error = np.sqrt(gap / size)
    assert error > 1e-5, "there is an error to be seen"
    (told,) = relative_sizes(running.slabs, corrected(space.of_errors(), running.slabs, aim.tolerance))
    assert told == pytest.approx(error, rel=0.1)


@pytest.mark.parametrize("name", ["two of second order", "front", "two materials"])
def test_a_carried_change_is_a_change_to_first_order(name, float64):
    """A step beside s times a change, and one from where that change leads, differ by s^2."""
    _, space, slabs = marched(PROBLEMS[name], 1e-6)
    solved = slabs[0]
    local, slab = space.local(solved.series, solved.mesh), Slab(solved.begins, solved.length, solved.mesh)
    state = np.random.default_rng(0).normal(size=space.state(solved.series, solved.length, at=-1.0).shape)
    if space.rows.space is not None:
        state = space.state(solved.series, solved.length, at=-1.0)  # smooth along the axis
    change = space.local(space.beginning(state, solved.length), solved.mesh)
    apart = []
    for share in (1e-2, 1e-3):
        beside = space.step(False, local, slab, 1e-15, share * change).change
        after = space.step(False, local + share * change, slab, 1e-15).change
        apart.append(np.linalg.norm(beside - after) / np.linalg.norm(share * change))
    assert apart[1] < 0.15 * apart[0] < 0.15


def test_a_field_tells_of_which_slabs_it_was_made(float64):
    _, space, slabs = marched(PROBLEMS["front"], 1e-2)
    for slab, again in zip(slabs, space.slabs(space.laid(slabs)), strict=True):
        np.testing.assert_array_equal(again.series, slab.series)
        np.testing.assert_array_equal(again.mesh, slab.mesh)
        np.testing.assert_allclose([again.begins, again.ends], [slab.begins, slab.ends], rtol=0, atol=1e-15)
