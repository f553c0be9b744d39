"""Sizes of unknowns and residuals: they follow the units, and nothing else does."""

import numpy as np
import pytest
from sympy import Eq, exp, pi, sin

import spindle as spd
from spindle.gallery.registry import GALLERY, gallery
from spindle.lowering.scales import scales_of
from spindle.problem.families import with_parameter_axes

t, x = spd.coordinates("t x")
c = spd.unknown("c", t, x)


def film(length=1.0, end=1.0, size=1.0, factor=1.0):
    """Diffusion through a film, D t / L^2 = 1, in any units."""
    diffusivity = length**2 / end
    return spd.Problem(
        domain=spd.Box({t: (0, end), x: (0, length)}),
        equations=[Eq(factor * c.diff(t), factor * diffusivity * c.diff(x, 2))],
        conditions=[
            spd.Initial(c, size * sin(pi * x / (2 * length))),
            spd.Dirichlet(c, 0, on=Eq(x, 0)),
            spd.Neumann(c, 0, on=Eq(x, length)),
        ],
        name="film",
    )


# Coefficients or data of these are a thousand, or times are.
LARGE = {"van_der_pol", "gray_scott", "lorenz_inverse", "helmholtz_high"}


@pytest.mark.parametrize("name", sorted(set(GALLERY) - LARGE))
def test_problems_in_sensible_units_stay_as_they_are(name):
    assert not scales_of(with_parameter_axes(gallery(name))).sentence


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1e4, 1e9])
def test_unknowns_are_measured_by_their_data(size):
    scales = scales_of(film(size=size))
    assert 0.1 < scales.of(c) / size < 10
    assert 0.01 < scales.residual("equation") / size < 100
    assert 0.01 < scales.residual("initial c") / size < 100


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_a_factor_on_an_equation_scales_its_residual_alone(factor):
    plain, scaled = scales_of(film()), scales_of(film(factor=factor))
    assert scaled.fields == plain.fields
    assert 0.01 < scaled.residual("equation") / factor < 100
    assert scaled.residual("initial c") == plain.residual("initial c")


def test_metres_and_millimetres_are_one():
    """In scaled terms the condition on the slope weighs what it does at length one."""
    for length in (1e-6, 1e6):
        scales = scales_of(film(length=length, end=500.0))
        assert 0.01 < scales.residual("neumann c") * length < 100
        assert 0.1 < scales.of(c) < 10


def test_without_data_a_size_follows_from_the_source():
    y = spd.coordinates("y")
    u = spd.unknown("u", x, y)
    for source in (1e-9, 1e9):
        problem = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [Eq(spd.laplacian(u), source)], [spd.Dirichlet(u, 0)])
        assert 0.01 < scales_of(problem).of(u) / source < 10


def test_measurements_count_as_data_and_keep_their_noise():
    k = spd.parameter("k", 1, unknown=True)
    points = np.array([[0.5, 0.25], [0.5, 0.75]])
    seen = spd.Observed(c, points, np.array([2e6, 1e6]), noise=1e4)
    conditions = [spd.Dirichlet(c, 0), seen]
    problem = spd.Problem(spd.Box({t: (0, 1), x: (0, 1)}), [Eq(c.diff(t), k * c.diff(x, 2))], conditions)
    scales = scales_of(problem)
    assert scales.of(c) == 1e6
    assert not any("observed" in name for name in scales.residuals), "the noise is their size"


def solved(problem):
    solution = spd.solve(problem, spd.SPINN(width=12, refine=0), progress=False)
    (_, end), (_, length) = problem.domain.bounds
    return solution.grid(t=np.linspace(0, end, 7), x=np.linspace(0, length, 9)), solution


def test_the_same_film_in_any_units_is_the_same_solution():
    plain, _ = solved(film())
    size = 1e9
    values, solution = solved(film(length=1e-3, end=500.0, size=size, factor=1e-9))
    np.testing.assert_allclose(values / size, plain, atol=1e-9)
    assert solution.run.residuals["initial c"] < 1e-8 * size, "residuals are in the user's units"
    assert solution.choices[-1].startswith("scaled: c in units of") or "scaled" in " ".join(solution.choices)


def test_paper_recipes_are_left_as_published():
    problem = film(size=1e9)
    assert spd.PINN(recipe="paper").plan(problem).constraints.scales.fields == {}
    assert spd.PINN().plan(problem).constraints.scales.of(c) > 1e8
    assert spd.PINN(scales="off").plan(problem).constraints.scales.fields == {}


def test_a_source_of_any_function_has_a_size():
    source = exp(-((x - 0.5) ** 2) * 1e4) * 1e7
    problem = film()
    heated = spd.Problem(problem.domain, [Eq(c.diff(t), c.diff(x, 2) + source)], problem.conditions)
    assert scales_of(heated).residual("equation") > 1e3


@pytest.mark.parametrize("re", [1.0, 100.0, 3000.0])
def test_a_flow_is_measured_by_its_speed_whatever_its_viscosity(re):
    """Two of three fields have no data: what is carried along is of the size of what carries it."""
    assert not scales_of(gallery("lid_driven_cavity", re=re, lid="regularised")).sentence
