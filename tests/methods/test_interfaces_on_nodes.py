"""Interfaces that are shapes: DTPINN puts nodes on them, and its stencils cross none."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Eq, Heaviside, Matrix, Piecewise, Rational, exp, lambdify

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.methods.choose import fitting_method

x, y, t = spd.coordinates("x y t")
u, w = spd.unknown("u", x, y), spd.unknown("w", t, x, y)
SQUARE = spd.Box({x: (-1, 1), y: (-1, 1)})
SMALL = {"width": 4, "hidden_layers": 1, "newton_steps": 1, "approach": False, "scales": "off"}


def classical(problem, nodes, order, **more):
    """The relative error of the solution of the discrete equations at random points of the domain."""
    plan = spd.DTPINN(nodes=nodes, order=order, **SMALL, **more).plan(problem)
    solution = plan.classical()
    assert solution.exists, solution
    low, high = np.array(problem.domain.bounds).T
    points = low + (high - low) * np.random.default_rng(0).uniform(size=(2000, len(low)))
    points = points[problem.domain.contains(points)]
    ((_, closed),) = problem.closed_forms.items()
    exact = lambdify(problem.coordinates, closed, "numpy")(*points.T)
    return float(np.linalg.norm(solution.at(points)[:, 0] - exact) / np.linalg.norm(exact))


def bowl(disk, square, ratio, domain=SQUARE):
    """div(k grad u) = 4 around the origin of a disk: u = r^2/k inside, continued by its value and its flux."""
    k = Piecewise((1, disk), (ratio, True))
    exact = Piecewise((square, disk), (Rational(1, 4) + (square - Rational(1, 4)) / ratio, True))
    return spd.Problem(
        domain, [Eq(spd.div(k * spd.grad(u)), 4)], [spd.Dirichlet(u, exact)], reference={u: exact}, name="bowl"
    )


ROUND = x**2 + y**2
DISK = sympy.StrictLessThan(ROUND, Rational(1, 4))


@pytest.mark.parametrize("ratio", [1000, Rational(1, 1000)])
def test_what_is_a_parabola_on_either_side_is_exact(ratio):
    assert classical(bowl(DISK, ROUND, ratio), 300, 3) < 1e-9


def test_the_domain_may_be_a_shape_and_the_interface_straight():
    """u = x on the left of x = 1/10, and the same flux on the right."""
    place, k = Rational(1, 10), 1 + 9 * Heaviside(x - Rational(1, 10))
    exact = Piecewise((x, x < place), (place + (x - place) / 10, True))
    disk = spd.Disk({x: 0, y: 0}, 1)
    problem = spd.Problem(disk, [spd.div(k * spd.grad(u))], [spd.Dirichlet(u, exact)], reference={u: exact})
    assert classical(problem, 300, 2) < 1e-9


def test_a_wall_may_meet_an_interface_and_tell_the_slope():
    """Insulated walls along an interface from wall to wall."""
    k = Piecewise((1, y < x / 4), (7, True))
    across = y - x / 4
    exact = Piecewise((across, y < x / 4), (across / 7, True))
    slopes = spd.Neumann(u, spd.dot(Matrix([exact.diff(x), exact.diff(y)]), spd.normal(x, y)), on=[Eq(x, -1), Eq(x, 1)])
    conditions = [slopes, spd.Dirichlet(u, exact, on=[Eq(y, -1), Eq(y, 1)])]
    problem = spd.Problem(SQUARE, [spd.div(k * spd.grad(u))], conditions, reference={u: exact})
    assert classical(problem, 300, 2) < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("order", [2, 4])
def test_a_cylinder_converges_by_the_order_of_the_stencils(order):
    errors = [classical(gallery("inclusion"), nodes, order) for nodes in (400, 1600, 6400)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])  # the spacing is halved
    assert slopes.mean() > order - 0.6, errors


@pytest.mark.slow
def test_heat_in_two_materials():
    """w = exp(-t) (1 + bowl): the flux is continuous at all times."""
    ratio = 20
    k = Piecewise((1, DISK), (ratio, True))
    shape = Piecewise((ROUND, DISK), (Rational(1, 4) + (ROUND - Rational(1, 4)) / ratio, True))
    exact = exp(-t) * (1 + shape)
    box = spd.Box({t: (0, 1), x: (-1, 1), y: (-1, 1)})
    problem = spd.Problem(
        box,
        [Eq(w.diff(t) - spd.div(k * spd.grad(w)), -exact - 4 * exp(-t))],
        [spd.Initial(w, exact.subs(t, 0)), spd.Dirichlet(w, exact)],
        reference={w: exact},
    )
    assert classical(problem, 400, 3, times=9) < 1e-5


@pytest.mark.slow
def test_a_network_with_a_kink_comes_near():
    solution = spd.solve(gallery("inclusion"), spd.DTPINN(nodes=600), progress=False)
    assert solution.error() < 5e-3
    slope, (place, other) = solution.problem.unknowns[0].diff(solution.problem.coordinates[0]), (0.499, 0.501)
    inside, outside = solution(slope, x=np.array([place, other]), y=np.zeros(2))
    assert abs(inside / outside - 1 / 5) < 0.05


def test_interfaces_that_cross_are_refused():
    quarter = Piecewise((1, (x < Rational(1, 10)) & (y < x)), (2, True))
    problem = spd.Problem(SQUARE, [spd.div(quarter * spd.grad(u)) - 1], [spd.Dirichlet(u)])
    with pytest.raises(spd.MethodError, match=r"cross or nearly touch; keep them apart, or smooth one jump\."):
        spd.DTPINN().plan(problem)


def test_a_method_that_is_not_named_is_the_one_with_nodes_on_the_curve():
    assert fitting_method(gallery("inclusion"))[0] == "dtpinn"
    assert fitting_method(gallery("two_materials2d"))[0] == "spinn"
    smooth = replace(gallery("inclusion"), equations=[spd.laplacian(gallery("inclusion").unknowns[0])], reference={})
    assert fitting_method(smooth)[0] == "spinn"
