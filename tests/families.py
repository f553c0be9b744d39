"""Families and low-rank fields that several tests share."""

import json

import numpy as np
from sympy import Eq, exp, pi, sin

import spindle as spd
from spindle.problem.families import with_parameter_axes
from tests.solutions import initial

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)

SMALL = {"width": 16, "rank": 4, "points": 100, "newton_steps": 15, "members": 16, "refine_points": 80}
SMALL |= {"calibration": 1, "hyper_width": 6}
ROWS = np.array([[1.1], [1.45], [1.9]])


def convection(low=1, high=2, nu=0):
    """u_t + beta u_x = nu u_xx, periodic, u(0) = 1 + sin x, for a range of beta."""
    beta = spd.parameter("beta", range=(low, high))
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2 * pi)}),
        equations=[Eq(u.diff(t) + beta * u.diff(x), nu * u.diff(x, 2))],
        conditions=[spd.Initial(u, 1 + sin(x)), spd.Periodic(u, x)],
        reference={u: 1 + exp(-nu * t) * sin(x - beta * t)},
        name="convection",
        title="Convection <i>",
    )


def planned(problem, **settings):
    """The plan of FastLRNR, and a field that it could train."""
    plan = spd.FastLRNR(**{**SMALL, **settings}).plan(with_parameter_axes(problem))
    return plan, initial(plan).field


def trained(folder):
    """Train a small family for some steps, keep the run, and write down what it answers before it is read again."""
    solution = spd.solve(convection(), spd.FastLRNR(**SMALL), out=folder / "run", progress=False)
    members = solution.many(ROWS)
    np.savez(folder / "answers.npz", **{n: getattr(members, n) for n in ("coefficients", "residual", "estimate")})
    (folder / "reduction.json").write_text(json.dumps(solution.record()["reduction"]))
