"""Interfaces in the plane: elements of two axes join by values, and by rows of fluxes."""

import numpy as np
import pytest
from sympy import Eq, Piecewise, Rational, cos, exp, pi, sin

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.problem.consistency.crossings import singular_crossings
from spindle.slabs import fronts
from spindle.slabs.lines import ElementLine
from spindle.slabs.materials import Materials

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
M, N = Rational(2, 5), Rational(7, 10)


def test_across_an_interface_elements_share_values_alone():
    line = ElementLine(4, 1, ring=False)
    plain, many = line.numbers(3)
    broken, more = line.numbers(3, [1])
    assert more == many + 1
    assert (broken != plain).sum() == 1
    assert (broken[1, 0], broken[1, 1]) == (broken[0, 2], many)
    assert broken[0, 3] == plain[0, 3]


def test_equations_beside_those_of_elements_count_where_they_belong():
    random, numbers = np.random.default_rng(0), np.array([[[0, 1, 2], [2, 3, 4]], [[1, 2, 5], [4, 5, 6]]])
    rows = random.normal(size=(2, 2, 5, 3))
    matrices, rights = np.einsum("xyra,xyrb->xyab", rows, rows), random.normal(size=(2, 2, 3))
    known = np.array([0, 5, 6])
    extra = random.normal(size=(2, 3))
    beside = {(0, 0): [fronts.Front(known, extra.T @ extra, extra.T @ np.ones(2))]}
    whole, right = np.zeros((7, 7)), np.zeros(7)
    for place in np.ndindex(2, 2):
        whole[np.ix_(numbers[place], numbers[place])] += matrices[place]
        right[numbers[place]] += rights[place]
    whole[np.ix_(known, known)] += extra.T @ extra
    right[known] += extra.T @ np.ones(2)
    solved = fronts.solve(numbers, matrices, rights, 0.0, beside)
    np.testing.assert_allclose(solved, np.linalg.solve(whole, right), rtol=1e-8)


def test_each_element_has_the_factor_of_its_material():
    materials = Materials((np.array([0.4]), np.array([0.2, 0.7])), np.arange(6.0).reshape(2, 3))
    assert [float(materials.at([a, b])) for a, b in ((0.3, 0.1), (0.3, 0.5), (0.5, 0.9))] == [0.0, 1.0, 5.0]


def solved(problem):
    return spd.solve(problem, spd.SPINN(), progress=False)


def layered(z, place, k, below, value, slope, more):
    """A function that continues `below` by its value and, over k, its slope."""
    return Piecewise((below, z < place), (value + slope / k * (z - place) + more * (z - place) ** 2, True))


@pytest.mark.slow
def test_a_checkerboard_of_a_product_is_solved_to_rounding_errors():
    """k = a(x) b(y), u = X(x) Y(y), the fluxes a X' and b Y' continuous: nothing is singular at the crossing."""
    a, b = Piecewise((1, x < M), (1000, True)), Piecewise((1, y < N), (50, True))
    exact = layered(x, M, 1000, sin(x), sin(M), cos(M), 1) * layered(y, N, 50, exp(y), exp(N), exp(N), 2)
    source = Piecewise((-sin(x), x < M), (2000, True)) * b * layered(y, N, 50, exp(y), exp(N), exp(N), 2)
    source += Piecewise((exp(y), y < N), (200, True)) * a * layered(x, M, 1000, sin(x), sin(M), cos(M), 1)
    problem = spd.Problem(
        SQUARE, [Eq(spd.div(a * b * spd.grad(u)), source)], [spd.Dirichlet(u, exact)], reference={u: exact}
    )
    assert singular_crossings(problem) == []
    assert solved(problem).error() < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [1000, 1e-3])
def test_a_plate_of_two_materials(ratio):
    solution = solved(gallery("two_materials2d", ratio=ratio, at=0.377))
    assert solution.error() < 1e-8
    v, places = solution.problem.unknowns[0], np.linspace(0.1, 0.9, 7)
    slope = v.diff(solution.problem.coordinates[0])
    below, above = (solution(slope, x=np.full(7, 0.377 + s), y=places) for s in (-1e-12, 1e-12))
    np.testing.assert_allclose(below, ratio * above, rtol=1e-6)


@pytest.mark.slow
def test_a_family_of_two_materials_over_one_parameter():
    """(c k f')' = 1: the flux is x + a constant, whatever c and k are, so that c f is the same for all members."""
    f, c = spd.unknown("f", x), spd.parameter("c", range=(1, 2))
    k = Piecewise((1, x < M), (1000, True))
    family = spd.Problem(spd.Interval(x, 0, 1), [Eq(spd.div(c * k * spd.grad(f)), 1)], [spd.Dirichlet(f, 0)])
    solution, places = solved(family), np.array([0.2, 0.5, 0.9])
    first, second = (value * solution(x=places, c=np.full(3, value)) for value in (1.0, 1.7))
    np.testing.assert_allclose(first, second, atol=1e-10)
    slope = solution.problem.unknowns[0].diff(x)
    flux = solution(slope, x=np.array([0.1, 0.3, 0.6]), c=np.ones(3)) * [1, 1, 1000]
    np.testing.assert_allclose(np.diff(flux), [0.2, 0.3], atol=1e-8)


@pytest.mark.slow
def test_a_nonlinear_flux_in_the_plane():
    """Kirchhoff's transformation: v = u + u^3/3 solves the linear problem."""
    k = Piecewise((1, x < M), (1000, True))
    across = layered(x, M, 1000, sin(3 * x), sin(3 * M), 3 * cos(3 * M), Rational(1, 100))
    bent = Piecewise((-9 * sin(3 * x), x < M), (20, True))
    problem = spd.Problem(
        SQUARE,
        [Eq(spd.div(k * (1 + u**2) * spd.grad(u)), (bent - k * across) * cos(y))],
        [spd.Dirichlet(u + u**3 / 3, across * cos(y))],
    )
    solution = solved(problem)
    points = np.random.default_rng(0).uniform(size=(50, 2))
    exact = [float((across * cos(y)).subs({x: a, y: b})) for a, b in points]
    np.testing.assert_allclose(solution(u + u**3 / 3, x=points[:, 0], y=points[:, 1]), exact, atol=1e-8)


@pytest.mark.slow
def test_a_ring_of_two_materials_is_closed_by_its_flux():
    """Periodic along x: a source sin(2 pi y) in two layers; halfway through each of them the flux along x vanishes."""
    k = Piecewise((1, x < M), (10, True))
    problem = spd.Problem(
        SQUARE,
        [Eq(-spd.div(k * spd.grad(u)), sin(pi * y))],
        [spd.Periodic(u, x), spd.Dirichlet(u, 0, on=[Eq(y, 0), Eq(y, 1)])],
    )
    solution = solved(problem)
    slope = solution(u.diff(x), x=np.array([0.2, 0.7]), y=np.full(2, 0.5))
    assert np.abs(slope).max() < 1e-8
    ends = solution(u.diff(x), x=np.array([1e-12, 1 - 1e-12]), y=np.full(2, 0.3))
    np.testing.assert_allclose(ends[0], 10 * ends[1], rtol=1e-6)
