"""The method that is chosen takes the problem, whatever its domain."""

import numpy as np
import pytest
from sympy import Eq

import spindle as spd
from spindle.errors import ProblemError
from spindle.gallery.registry import GALLERY, gallery
from spindle.methods.choose import fitting_method
from spindle.methods.registry import method_named
from spindle.problem.families import with_parameter_axes

x, y, z, t = spd.coordinates("x y z t")
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
DISK = spd.Disk({x: 0, y: 0}, 1)
SMALL = {"dtpinn": {"nodes": 120, "frequency": 4.0}}  # the plan looks for the classical solution otherwise


def poisson(domain, **more):
    u = spd.unknown("u", *domain.coordinates)
    space = [c for c in domain.coordinates if c != t]
    rate = u.diff(t) if t in domain.coordinates else 0
    start = [spd.Initial(u, 0)] if t in domain.coordinates else []
    operator = rate - sum(u.diff(c, 2) for c in space)
    return spd.Problem(domain=domain, equations=[Eq(operator, 1)], conditions=[spd.Dirichlet(u, 0), *start], **more)


def oscillator():
    u = spd.unknown("u", t)
    conditions = [spd.Initial(u, 1), spd.Initial(u.diff(t), 0)]
    return spd.Problem(domain=spd.Interval(t, 0, 1), equations=[Eq(u.diff(t, 2) + u, 0)], conditions=conditions)


def family(domain, *names):
    u = spd.unknown("u", *domain.coordinates)
    scale = sum(spd.parameter(name, range=(1, 2)) for name in names)
    operator = sum(u.diff(c, 2) for c in domain.coordinates)
    return spd.Problem(domain=domain, equations=[Eq(operator, scale)], conditions=[spd.Dirichlet(u, 0)])


def inverse(domain):
    u, k = spd.unknown("u", x, y), spd.parameter("k", 1, unknown=True)
    conditions = [spd.Dirichlet(u, 0), spd.Observed(u, np.array([[0.2, 0.2]]), [0.1])]
    return spd.Problem(domain=domain, equations=[Eq(k * spd.laplacian(u), 1)], conditions=conditions)


def cloud():
    angle = 2 * np.pi * np.arange(24) / 24
    wall = np.stack([np.cos(angle), np.sin(angle)], 1)
    inner = np.concatenate([r * wall[:: 1 if r > 0.4 else 3] for r in (0.8, 0.55, 0.25)])
    return spd.PointCloud((x, y), inner, wall, wall)


MADE_UP = {
    "interval": (lambda: poisson(spd.Interval(x, 0, 1)), "spinn"),
    "time alone": (oscillator, "spinn"),
    "square": (lambda: poisson(SQUARE), "spinn"),
    "rod in time": (lambda: poisson(spd.Box({x: (0, 1), t: (0, 1)})), "spinn"),
    "step": (lambda: poisson(SQUARE - spd.Box({x: (0, 0.5), y: (0, 0.5)})), "spinn"),
    "five axes": (
        lambda: poisson(spd.Box(dict.fromkeys([*spd.coordinates("a b c d"), t], (0, 1)))),
        "spinn",
    ),
    "disk": (lambda: poisson(DISK), "dtpinn"),
    "disk in time": (lambda: poisson(DISK * spd.Interval(t, 0, 1)), "dtpinn"),
    "plate with a hole": (lambda: poisson(SQUARE - spd.Disk({x: 0.5, y: 0.5}, 0.2)), "dtpinn"),
    "ball": (lambda: poisson(spd.Ball({x: 0, y: 0, z: 0}, 1)), "dtpinn"),
    "own nodes": (lambda: poisson(cloud()), "dtpinn"),
    "inverse in a square": (lambda: inverse(SQUARE), "spinn"),
    "inverse in a disk": (lambda: inverse(DISK), "dtpinn"),
    "family of an interval": (lambda: family(spd.Interval(x, 0, 1), "k"), "spinn"),
    "family of a square": (lambda: family(SQUARE, "k", "m"), "spinn"),
    "large family": (lambda: family(SQUARE, "k", "m", "n"), "fastlrnr"),
}


@pytest.mark.parametrize("case", MADE_UP)
def test_the_method_that_is_chosen_takes_the_problem(case):
    make, expected = MADE_UP[case]
    problem = make()
    name, reason = fitting_method(problem)
    assert name == expected and reason
    method_named(name, SMALL.get(name, {})).plan(with_parameter_axes(problem))


CHEAP = {
    "helmholtz3d": "spinn",
    "diffusion6d": "spinn",
    "poisson_lshape": "spinn",
    "poisson_disk": "dtpinn",
    "heat_disk": "dtpinn",
    "advection_diffusion_annulus": "dtpinn",
    "convection_family": "spinn",
}


@pytest.mark.parametrize("name", CHEAP)
def test_gallery_problems_get_what_fits(name):
    problem = gallery(name)
    chosen, _ = fitting_method(problem)
    assert chosen == CHEAP[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", GALLERY)
def test_every_gallery_problem_is_taken(name):
    problem = gallery(name)
    chosen, _ = fitting_method(problem)
    method_named(chosen, SMALL.get(chosen, {}) | {"nodes": 600} if chosen == "dtpinn" else {}).plan(
        with_parameter_axes(problem)
    )


def test_no_method_is_named_for_what_none_takes():
    with pytest.raises(ProblemError, match="families are solved on boxes so far"):
        fitting_method(family(DISK, "k"))
