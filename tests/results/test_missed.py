"""Sources that no training point sees are named; where points were put, there is no doubt."""

import re

import jax
import numpy as np
import pytest
from sympy import Eq, Piecewise, exp, sin

import spindle as spd
from spindle.results.missed_sources import missed

x, y, t = spd.coordinates("x y t")
u = spd.unknown("u", x, y)
STRIP = Piecewise((10000, (x > 0.5137) & (x < 0.5138)), (0, True))
POINT = exp(-((x - 0.5137) ** 2 + (y - 0.3) ** 2) / 1e-8)
BOX, DISK = spd.Box({x: (0, 1), y: (0, 1)}), spd.Disk({x: 0.5, y: 0.5}, 0.5)


def objective(source, domain, method):
    problem = spd.Problem(
        domain=domain, equations=[Eq(-u.diff(x, 2) - u.diff(y, 2), source)], conditions=[spd.Dirichlet(u, 0)]
    )
    return problem, method.plan(problem).objective


SMALL = {"width": 8, "points": (20, 20)}


@pytest.mark.parametrize("source", [STRIP, POINT], ids=["strip", "point"])
@pytest.mark.parametrize(
    ("domain", "method"),
    [
        (BOX, spd.SPINN(sampling="uniform", **SMALL)),
        (BOX, spd.PINN(sampling="uniform", **SMALL)),
        (DISK, spd.DTPINN(nodes=200)),
        (DISK, spd.PINN(**SMALL)),
    ],
    ids=["lattice", "grid", "nodes", "cloud"],
)
def test_what_lies_between_points_is_named(source, domain, method):
    (sentence,) = missed(*objective(source, domain, method))
    assert sentence.startswith("the source `")
    # One of these points lies in the strip by chance, and stands for far more than its width.
    assert re.search(
        "has (100% of its integral where no point|an integral of which the points make [2-9][0-9])", sentence
    )


@pytest.mark.parametrize("source", [STRIP, POINT, sin(x)], ids=["strip", "point", "smooth"])
@pytest.mark.parametrize(
    "method", [spd.SPINN(), spd.SPINN(sampling="random"), spd.PINN()], ids=["gauss", "random", "sobol"]
)
def test_points_go_where_sources_are(source, method):
    assert missed(*objective(source, BOX, method)) == []


def test_a_pulse_in_initial_data_is_seen_or_named():
    v = spd.unknown("v", t, x)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[Eq(v.diff(t), v.diff(x, 2))],
        conditions=[spd.Initial(v, exp(-(((x - 0.4137) / 1e-4) ** 2))), spd.Dirichlet(v, 0)],
    )  # fmt: skip
    assert missed(problem, spd.SPINN(hard="off").plan(problem).objective) == []
    (sentence,) = missed(problem, spd.SPINN(sampling="uniform", hard="off", **SMALL).plan(problem).objective)
    assert "of `initial v`" in sentence


@pytest.mark.parametrize("method", [spd.SPINN(sampling="gauss"), spd.SPINN(sampling="random"), spd.PINN()])
def test_a_mean_over_the_points_is_that_over_the_domain(method):
    """The mean square of the strip is 1e8 times its width, however many points lie in it."""
    problem, made = objective(STRIP, BOX, method)
    points = made.derivatives.points
    coordinates = points.coordinates(points.draw(jax.random.PRNGKey(0)))[0]
    along = points.weights(0)
    values = np.where((coordinates[0] > 0.5137) & (coordinates[0] < 0.5138), 1e4, 0.0) ** 2
    share = np.asarray(along[0]).reshape(values.shape)
    assert share.sum() == pytest.approx(1)
    assert float(np.sum(values * share)) == pytest.approx(1e4, rel=1e-6)
    assert problem.equations[0].name == "equation"
