"""Interfaces, where coefficients jump under an outer derivative: elements join by values and fluxes."""

import numpy as np
import pytest
import sympy
from sympy import Eq, Heaviside, Matrix, Piecewise, Rational, cos, exp, pi, sign, sin

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.problem_files.read import read_problem
from spindle.slabs.joints import Joints
from spindle.slabs.rows import Joint, SlabRows

t, x = spd.coordinates("t x")
f, g = spd.unknown("f g", x)
u = spd.unknown("u", t, x)
LINE = spd.Interval(x, 0, 1)
ODD = Rational(377, 1000)  # at no node of equal elements


def solved(problem):
    return spd.solve(problem, spd.SPINN(), progress=False)


def layers(values, ends):
    """A coefficient with a value in each layer, the ends of all layers but the last one given."""
    return Piecewise(*((k, x < end) for k, end in zip(values, ends, strict=False)), (values[-1], True))


def resistance(values, ends, place=x):
    """The integral of 1/k from 0, continuous, piecewise linear."""
    total, start, pieces = sympy.S.Zero, sympy.S.Zero, []
    for k, end in zip(values, [*ends, None], strict=True):
        line = total + (place - start) / k
        pieces.append((line, place < end if end is not None else True))
        if end is not None:
            total, start = line.subs(place, end), end
    return Piecewise(*pieces)


def test_two_materials_to_rounding_errors():
    """The flux is c - x whatever k is, so that u is its integral over k."""
    solution = solved(gallery("two_materials", ratio=1000, at=0.377))
    assert solution.error() < 1e-8
    slope, places = solution.problem.unknowns[0].diff(x), np.linspace(0.01, 0.99, 41)
    coefficient = np.where(places < 0.377, 1.0, 1000.0)
    flux = coefficient * solution(slope, x=places)
    assert np.ptp(flux + places) < 1e-8


@pytest.mark.parametrize("values", [(1, 10, 1000), (1000, 1, 10)])
def test_three_strips_in_any_order(values):
    """Without a source the flux is constant: u is the share of the resistance up to x."""
    ends = (ODD, Rational(71, 100))
    whole = resistance(values, ends)
    exact = whole / whole.subs(x, 1)
    problem = spd.Problem(
        LINE,
        [spd.div(layers(values, ends) * spd.grad(f))],
        [spd.Dirichlet(f, 0, on=Eq(x, 0)), spd.Dirichlet(f, 1, on=Eq(x, 1))],
        reference={f: exact},
    )
    assert [round(i.left, 12) for i in problem.interfaces] == [0.377, 0.71]
    assert solved(problem).error() < 1e-8


def test_a_nonlinear_flux():
    """Kirchhoff's transformation f + f^3/3 makes ((1 + f^2) k f')' = 0 linear."""
    values, ends = (1, 50), (ODD,)
    problem = spd.Problem(
        LINE,
        [spd.div(layers(values, ends) * (1 + f**2) * spd.grad(f))],
        [spd.Dirichlet(f, 0, on=Eq(x, 0)), spd.Dirichlet(f, 1, on=Eq(x, 1))],
    )
    solution = solved(problem)
    whole = resistance(values, ends)
    places = np.array([0.1, 0.377, 0.5, 0.9])
    exact = [float(Rational(4, 3) * (whole / whole.subs(x, 1)).subs(x, place)) for place in places]
    assert np.abs(solution(f + f**3 / 3, x=places) - exact).max() < 1e-8


def test_materials_of_different_nonlinearity():
    """A formula of its own on each side: k = 1 + f below, 2 exp(f) above; the integral of k over f is linear in x."""
    k = Piecewise((1 + f, x < ODD), (2 * exp(f), True))
    problem = spd.Problem(
        LINE, [spd.div(k * spd.grad(f))], [spd.Dirichlet(f, 0, on=Eq(x, 0)), spd.Dirichlet(f, 1, on=Eq(x, 1))]
    )
    solution = solved(problem)
    low, high = 0.05 * 0.377, 0.377 * 0.999
    fluxes = solution(f + f**2 / 2, x=np.array([low, high])) / [low, high]
    flux = fluxes[0]
    assert np.ptp(fluxes) < 1e-8
    above = solution(2 * exp(f), x=np.array([0.4, 0.9]))
    assert abs((above[1] - above[0]) / 0.5 - flux) < 1e-7


def heat(length=1, seconds=1, size=1):
    """Two layers that cool, u = exp(-t) (resistance + (x - a)^2 cos 3x), in units of length, time and temperature."""
    s, r = x / length, t / seconds
    a, values = ODD, (1, 1000)
    place = a * length
    k = Piecewise((values[0], x < place), (values[1], True)) * sympy.Float(length) ** 2 / seconds
    z = sympy.Symbol("z", real=True)
    shape = resistance(values, (a,), z) + (z - a) ** 2 * cos(3 * z)
    pieces = [(e.subs(z, s), x < place if c != True else True) for e, c in sympy.piecewise_fold(shape).args]  # noqa: E712
    exact = size * exp(-r) * Piecewise(*pieces)
    box = spd.Box({t: (0, seconds), x: (0, length)})
    source = spd.manufactured(u.diff(t) - spd.div(k * spd.grad(u)), {u: exact})
    return spd.Problem(
        box,
        [Eq(u.diff(t) - spd.div(k * spd.grad(u)), source)],
        [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact)],
        reference={u: exact},
    )


@pytest.mark.parametrize("units", [{}, {"length": 1e-3, "seconds": 3600.0, "size": 300.0}])
def test_two_layers_in_time_and_in_any_units(units):
    problem = heat(**units)
    assert not any("reference" in said for said in map(str, problem.doubted))
    assert solved(problem).error() < 1e-7


def test_a_period_of_two_materials():
    """Where the ends of the axis are joined k jumps, too; on each layer the flux is the integral of the source."""
    k = layers((1, 10), (Rational(1, 2),))
    periodic = spd.Problem(LINE, [spd.div(k * spd.grad(f)) - f - sin(2 * pi * x)], [spd.Periodic(f, x)])
    solution = solved(periodic)
    ends = solution(f, x=np.array([0.0, 1.0]))
    slopes = solution(f.diff(x), x=np.array([1e-12, 1 - 1e-12, 0.5 - 1e-12, 0.5]))
    assert abs(ends[1] - ends[0]) < 1e-10
    assert abs(slopes[0] - 10 * slopes[1]) < 1e-8
    assert abs(slopes[2] - 10 * slopes[3]) < 1e-8


def test_a_flux_with_a_wind_and_steps_of_any_kind():
    """[f'] = [w] f where the flux is w f - f'; for the same step written in three ways."""
    steps = (layers((1, 3), (ODD,)), 1 + 2 * Heaviside(x - ODD), 2 + sign(x - ODD))
    found = []
    for wind in steps:
        problem = spd.Problem(LINE, [spd.div(Matrix([wind * f])) - f.diff(x, 2) - 1], [spd.Dirichlet(f, 0)])
        solution = solved(problem)
        below, above = solution(f.diff(x), x=np.array([0.377 - 1e-12, 0.377]))
        found.append(float(solution(f, x=0.377)))
        assert abs((above - below) - 2 * found[-1]) < 1e-8
    assert np.ptp(found) < 1e-10


def test_a_solution_with_an_interface_is_saved_and_read(tmp_path):
    solution = solved(gallery("two_materials"))
    solution.save(tmp_path / "run")
    read = spd.load(tmp_path / "run")
    places = np.array([0.2, 0.5, 0.7])
    assert (read(x=places) == solution(x=places)).all()
    assert read.problem.interfaces == solution.problem.interfaces


def test_a_node_has_room_for_two_slopes():
    """The element above an interface takes the second slope of its node, all others the first."""
    rows = SlabRows((), None, (0,), (), (0,), 2, (Joint(0.5, 0.5, (), 0),))
    joints = Joints(rows, 1, np.eye(1), 1.0)
    breaks = np.array([0.0, 0.25, 0.5, 1.0])
    assert joints.slots(breaks).tolist() == [[0, 1], [0, 1], [0, 2]]
    low, high = np.arange(6.0).reshape(3, 2), 10 + np.arange(6.0).reshape(3, 2)
    assert joints.of_elements(joints.at_nodes(low, high, breaks), breaks)[2, :2].tolist() == [4 + 12, 5]


def test_a_problem_file_says_the_flux_by_its_divergence(tmp_path):
    path = tmp_path / "strip.toml"
    path.write_text(
        'unknowns = "u"\ncoordinates = { x = [0, 1] }\n'
        'equations = ["div(piecewise(1, x < 0.377, 1000)*grad(u)) = 1"]\nconditions = [{ dirichlet = "u = 0" }]\n'
    )
    problem = read_problem(path)
    (interface,) = problem.interfaces
    assert interface.left == 0.377
    assert not any("is taken to be continuous" in doubt.sentence for doubt in problem.doubted)


def started(w, truth):
    """The values of an unknown at both ends and at the start."""
    return spd.Dirichlet(w, truth), spd.Initial(w, truth.subs(t, 0))


@pytest.mark.slow
def test_the_estimate_of_a_system_with_an_interface_is_the_error_and_outlives_its_file(tmp_path):
    """One conductivity jumps, the other is constant; both unknowns depend on one another and on time."""
    jumping = layers((1, 20), (ODD,))
    along, beside = resistance((1, 20), (ODD,)), cos(2 * x - t)
    v = spd.unknown("v", t, x)
    # The flux is 1 - x, but for a factor in time, whatever the conductivity is.
    pieces = [(k, piece) for k, (piece, _) in zip((1, 20), along.args, strict=True)]
    start = pieces[0][1] - x**2 / 2
    beyond = pieces[1][1] - (x**2 - ODD**2) / 40 - ODD**2 / 2
    exact = Piecewise((start, x < ODD), (beyond, True)) * (1 + t / 2)
    problem = spd.Problem(
        spd.Box({t: (0, 1), x: (0, 1)}),
        [
            Eq(u.diff(t) - spd.div(jumping * spd.grad(u)) + u * v, exact.diff(t) + 1 + t / 2 + exact * beside),
            Eq(v.diff(t) - v.diff(x, 2) / 10 + u, beside.diff(t) - beside.diff(x, 2) / 10 + exact),
        ],
        [condition for w, truth in ((u, exact), (v, beside)) for condition in started(w, truth)],
        reference={u: exact, v: beside},
    )
    solution = solved(problem)
    estimated = spd.estimate(solution).errors
    errors = {name: measures["rel_l2"] for name, measures in solution.run.errors.items()}
    assert all(1e-16 < error < 10 * estimated[name] < 1e-7 for name, error in errors.items())
    solution.save(tmp_path / "solution")
    assert spd.estimate(spd.load(tmp_path / "solution")).errors == estimated
