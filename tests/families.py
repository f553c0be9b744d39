"""Families and low-rank fields that several tests share."""

import jax
from sympy import Eq, exp, pi, sin

import spindle as sp
from spindle.problem.families import with_parameter_axes

t, x = sp.coordinates("t x")
u = sp.unknown("u", t, x)

SMALL = {"width": 16, "rank": 4, "points": 100, "newton_steps": 15, "members": 16, "refine_points": 80}
SMALL |= {"calibration": 1, "hyper_width": 6}


def convection(low=1, high=2, nu=0):
    """u_t + beta u_x = nu u_xx, periodic, u(0) = 1 + sin x, for a range of beta."""
    beta = sp.parameter("beta", range=(low, high))
    return sp.Problem(
        domain=sp.Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + beta * u.diff(x), nu * u.diff(x, 2))],
        conditions=[sp.Initial(u, 1 + sin(x)), sp.Periodic(u, x)],
        reference={u: 1 + exp(-nu * t) * sin(x - beta * t)},
        name="convection",
    )


def planned(problem, **settings):
    """The plan of FastLRNR, and its field before training."""
    plan = sp.FastLRNR(**{**SMALL, **settings}).plan(with_parameter_axes(problem))
    return plan, plan.build(jax.random.PRNGKey(0)).field
