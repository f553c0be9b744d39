"""What is known of the errors of marches whose spaces tell nothing by one step."""

import math
import time

import numpy as np
import pytest
from sympy import Eq, Rational, cos, pi, sin

import spindle as spd
from spindle.methods.elements import on_elements
from spindle.slabs.accumulated import accumulated, apart
from spindle.slabs.march import March

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)


def reacting(growth, end):
    """Manufactured, small errors grow about as exp(growth t): u_t + u_xxx / 10 = growth u - u^2 / 10 + ..."""
    exact = 2 + cos(x - t) + sin(2 * x + t) / 2
    operator = u.diff(t) + u.diff(x, 3) / 10 - growth * u + u**2 / 10
    return spd.Problem(
        domain=spd.Box({t: (0, end), x: (0, 2 * pi)}),
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Periodic(u, x)],
        reference={u: exact},
    )


def spreading(growth, end):
    """The same where what spreads is not linear: u_t + (u u_xxx)_x / 10 = growth u - u^2 / 10 + ..."""
    exact = 2 + cos(x - t) + sin(2 * x + t) / 2
    operator = u.diff(t) + (u * u.diff(x, 3)).diff(x) / 10 - growth * u + u**2 / 10
    return spd.Problem(
        domain=spd.Box({t: (0, end), x: (0, 2 * pi)}),
        equations=[Eq(operator.doit(), spd.manufactured(operator, {u: exact}))],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Periodic(u, x)],
        reference={u: exact},
    )


def unstable(growth):
    """Manufactured, between the states 1 and -1: what leaves it by an error never comes back."""
    exact = (cos(x - t) + sin(2 * x + t) / 2) / 2
    operator = u.diff(t) + u.diff(x, 3) / 10 - growth * (u - u**3)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Periodic(u, x)],
        reference={u: exact},
    )


def marched(problem, number=1):
    """Its marching, and the field of a march by the rougher one of its ways."""
    marching = on_elements(problem, spd.SPINN(network="elements").resolved(problem), ()).march
    space, mesh, aim = marching.ways[number]
    march = March(space, marching.time, mesh, aim)
    while not march.whole:
        march.advance()
    return marching, space, march.slabs


def error(slabs):
    """Relative to the closed form, at the ends of the slabs."""
    gaps, sizes = [], []
    for slab in slabs:
        (n,) = slab.mesh
        where, when = 2 * np.pi * np.arange(n) / n, slab.ends
        exact = 2 + np.cos(where - when) + np.sin(2 * where + when) / 2
        gaps.append(np.mean((slab.series.sum(axis=-1)[:, 0] - exact) ** 2))
        sizes.append(np.mean(exact**2))
    return math.sqrt(np.mean(gaps) / np.mean(sizes))


@pytest.mark.parametrize("growth", [Rational(1, 2), 4])
def test_what_residuals_add_up_to_is_the_error(growth, float64):
    marching, space, slabs = marched(reacting(growth, 1))
    (size,) = accumulated(marching, 1, space.laid(slabs), 0.0, math.inf)
    assert size == pytest.approx(error(slabs), rel=0.3)


def test_a_rougher_march_bounds_the_error(float64):
    marching, space, slabs = marched(spreading(4, Rational(1, 4)))
    assert space.of_errors() is None
    (bound,) = accumulated(marching, 1, space.laid(slabs), 0.0, math.inf)
    assert error(slabs) < bound < 1e-2


def test_a_solution_that_cannot_be_predicted_is_wrong_and_said_to_be(float64):
    """Rounding errors would do: they grow by e^30."""
    problem = unstable(60)
    marching, space, slabs = marched(problem, 1)
    (size,) = accumulated(marching, 1, space.laid(slabs), 0.0, math.inf)
    assert size > 0.3
    last, exact = slabs[-1], problem.reference[u]
    where = 2 * np.pi * np.arange(*last.mesh) / np.array(last.mesh)
    gap = last.series.sum(axis=-1)[:, 0] - np.array([float(exact.subs({t: 1, x: place})) for place in where])
    assert np.abs(gap).max() > 0.3


def test_where_there_is_no_time_it_is_known_to_be_unknown(float64):
    marching, space, slabs = marched(reacting(4, 1))
    said = accumulated(marching, 1, space.laid(slabs), 1.0, time.perf_counter())
    assert said is None if len(slabs) > 12 else said == []


def test_two_solutions_are_as_far_apart_as_they_were_moved(float64):
    _, space, slabs = marched(reacting(4, Rational(1, 2)))
    moved = [slab._replace(series=1.05 * slab.series) for slab in slabs]
    assert apart(space, slabs, moved) == pytest.approx([0.05], rel=1e-12)
    assert apart(space, slabs, slabs) == [0.0]


def test_a_field_of_waves_tells_of_which_slabs_it_was_made(float64):
    _, space, slabs = marched(reacting(4, Rational(1, 2)))
    finest = max(slab.mesh for slab in slabs)
    for slab, again in zip(slabs, space.slabs(space.laid(slabs)), strict=True):
        np.testing.assert_allclose(again.series, space.moved(slab.series, slab.mesh, finest), atol=1e-12)
        assert again.mesh == finest
        np.testing.assert_allclose(again.begins, slab.begins, atol=1e-15)
