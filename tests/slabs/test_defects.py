"""What the residuals of a march add up to is its error, wherever the equations carry it."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Eq, cos, exp, sin, tanh

import spindle as sp
from spindle.methods.elements import on_elements
from spindle.networks.model import Model
from spindle.results.evaluator import Evaluator
from spindle.slabs.defects import corrected, relative_sizes
from spindle.slabs.march import March

t, x = sp.coordinates("t x")
a, b = sp.unknown("a b", t)
u = sp.unknown("u", t, x)
f = sp.unknown("f", x)


def manufactured(operator, unknowns, exact, conditions, domain):
    equations = [Eq(each, sp.manufactured(each, exact)) for each in operator]
    return sp.Problem(domain=domain, equations=equations, conditions=conditions, reference=exact)


LAYER = exp(-30 * x) + x**2
FRONT = (1 - tanh((x - t / 2 - sympy.Rational(3, 10)) * 20)) / 2
PROBLEMS = {
    "growth": manufactured(
        [a.diff(t) - 3 * a], [a], {a: exp(3 * t) + sin(5 * t)}, [sp.Initial(a, 1)], sp.Interval(t, 0, 3)
    ),
    "two of second order": manufactured(
        [a.diff(t, 2) + a * b, b.diff(t) - a**2],
        [a, b],
        {a: cos(3 * t), b: exp(-t)},
        [sp.Initial(a, 1), sp.Initial(a.diff(t)), sp.Initial(b, 1)],
        sp.Interval(t, 0, 4),
    ),
    "front": manufactured(
        [u.diff(t) + u * u.diff(x) - u.diff(x, 2) / 50],
        [u],
        {u: FRONT},
        [sp.Initial(u, FRONT.subs(t, 0)), sp.Dirichlet(u, FRONT)],
        sp.Box({t: (0, 1), x: (0, 1)}),
    ),
    "layer at rest": manufactured(
        [f.diff(x, 2) / 1000 - f],
        [f],
        {f: exp(-30 * x) + x**2},
        [sp.Dirichlet(f, exp(-30 * x) + x**2)],
        sp.Interval(x, 0, 1),
    ),
}


def marched(problem, tolerance):
    """The evaluator of a march to some tolerance, its space, and its slabs."""
    plan = on_elements(problem, sp.SPINN(network="elements").resolved(problem), ())
    space, mesh, aim = plan.march.ways[0]
    if space.rows.space is None:  # low enough that there is an error to be seen
        space = replace(space, duration=4)
    running = March(space, plan.march.time, mesh, replace(aim, tolerance=tolerance))
    while not running.slabs or not running.whole:
        running.advance()
    return Evaluator(problem, plan), space, running.slabs


@pytest.mark.parametrize("name", PROBLEMS)
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


def test_a_field_tells_of_which_slabs_it_was_made(float64):
    _, space, slabs = marched(PROBLEMS["front"], 1e-2)
    for slab, again in zip(slabs, space.slabs(space.laid(slabs)), strict=True):
        np.testing.assert_array_equal(again.series, slab.series)
        np.testing.assert_array_equal(again.mesh, slab.mesh)
        np.testing.assert_allclose([again.begins, again.ends], [slab.begins, slab.ends], rtol=0, atol=1e-15)
