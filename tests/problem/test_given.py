"""Coefficients given as code are looked at: what jumps before the highest derivatives loses its flux."""

import jax.numpy as jnp
import pytest
from sympy import Eq

import spindle as spd
from spindle.problem.consistency.checks import fatal

x, y = spd.coordinates("x y")
u, w = spd.unknown("u", x), spd.unknown("w", x, y)
STEP = spd.given("k", lambda q: jnp.where(q < 0.5, 1.0, 10.0), x)


def on_a_line(k, factor=1):
    flux = k * u.diff(x)
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(factor * flux.diff(x), 0)], [spd.Dirichlet(u, x)])


def in_the_plane(k, domain):
    return spd.Problem(domain, [Eq(spd.div(k * spd.grad(w)), 1)], [spd.Dirichlet(w, 0)])


@pytest.mark.parametrize("factor", [1e-12, 1, 1e12])
def test_a_jump_is_found_in_any_units(factor):
    assert any("`k`, given as code, jumps from 1 to 10 at x = 0.5" in s for s in fatal(on_a_line(STEP, factor)))


@pytest.mark.parametrize(
    ("function", "jumps"),
    [
        (lambda q: 1 + (q > 0.123), True),
        (lambda q: 2 + jnp.floor(4 * q), True),
        (lambda q: jnp.sign(q - 0.7) + 3, True),
        (lambda q: jnp.tanh((q - 0.3) / 1e-7) + 2, True),
        (lambda q: jnp.tanh((q - 0.3) / 1e-3) + 2, False),
        (lambda q: 1 + jnp.abs(q - 0.3), False),
        (lambda q: 2 + jnp.sin(300 * q), False),
        (lambda q: 3.0, False),
        (lambda q: jnp.sqrt(jnp.abs(q - 0.3)) + 1, False),
    ],
)
def test_jumps_are_told_from_what_is_steep(function, jumps):
    assert bool(fatal(on_a_line(spd.given("k", function, x)))) == jumps


@pytest.mark.parametrize("domain", [spd.Box({x: (0, 1), y: (0, 1)}), spd.Disk({x: 0, y: 0}, 1)], ids=["box", "disk"])
def test_jumps_along_a_curve_are_found(domain):
    k = spd.given("k", lambda q, r: jnp.where(q**2 + r**2 < 0.5, 1.0, 10.0), x, y)
    (said,) = fatal(in_the_plane(k, domain))
    assert "`k`, given as code, jumps from" in said


def test_a_source_may_jump_and_what_is_said_to_be_smooth_is_believed():
    source = spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), STEP)], [spd.Dirichlet(u, 0)])
    assert not fatal(source)
    believed = spd.given("k", lambda q: jnp.where(q < 0.5, 1.0, 10.0), x, smooth=True)
    assert not fatal(on_a_line(believed))


def test_code_that_cannot_be_called_there_is_no_doubt():
    def refuses(q):
        raise ValueError("never")

    assert not fatal(on_a_line(spd.given("k", refuses, x)))
