"""Conditions on values at points, means and integrals: what they are, what they set, and that solutions are right."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import E, Eq, Integer, cos, exp, integrate, pi

import spindle as spd
from spindle.problem.consistency.checks import doubts
from spindle.problem.serialize import problem_from_data, problem_to_data

t, x, y = spd.coordinates("t x y")
u, v, w = spd.unknown("u", x, y), spd.unknown("v", x), spd.unknown("w", t, x)
SQUARE, LINE, STRIP = spd.Box({x: (0, 1), y: (0, 2)}), spd.Interval(x, 0, 1), spd.Box({t: (0, 1), x: (0, 1)})
EXACT = cos(pi * x) * cos(pi * y)
CURVE = exp(x) + x**2
BASIS = spd.SPINN(network="spectral", width=14, rank="full", refine=0)


def neumann(*more, domain=SQUARE):
    equation = Eq(spd.laplacian(u), spd.manufactured(spd.laplacian(u), {u: EXACT}))
    return spd.Problem(domain=domain, equations=[equation], conditions=[spd.Neumann(u, 0), *more], reference={u: EXACT})


def on_a_line(*conditions):
    return spd.Problem(
        domain=LINE, equations=[Eq(v.diff(x, 2), CURVE.diff(x, 2))], conditions=conditions, reference={v: CURVE}
    )


def quadrature(problem):
    """(points, weights) of the last condition, and what it is taken of."""
    (piece,) = problem.pieces[problem.conditions[-1].name]
    ((place, expression),) = piece.terms
    return place, expression


@pytest.mark.parametrize(
    ("on", "measure", "mean"),
    [(None, 2, 7 / 3), (Eq(x, 1), 2, 4.5), ((x > 0.5), 2 + 0.5 + 0.5, None), ([Eq(y, 0), Eq(y, 2)], 2, 3.0)],
)
def test_means_over_boxes_and_their_sides_are_exact(on, measure, mean):
    """Of 2x + 3y - 2 ... against SymPy, on the domain, sides and parts of sides."""
    form = 3 * x * y + x if on is None else 3 * y + 2 * x - Integer(1) / 2
    place, _ = quadrature(neumann(spd.Total(u, 1, on=on)))
    values = sympy.lambdify((x, y), form)(*place.points.T)
    places = SQUARE.regions if on is None else SQUARE.part(on)
    whole = sum(_integral(form, (p.support if on is not None else p).bounds) for p in places)
    assert measure * (place.sums @ values)[0] == pytest.approx(float(whole), rel=1e-12)


def _integral(form, bounds):
    for c, (low, high) in zip((x, y), bounds, strict=True):
        form = form.subs(c, low) if low == high else integrate(form, (c, low, high))
    return form


def test_means_over_shapes_and_walls_are_near():
    disk = spd.Disk({x: 0, y: 0}, 2)
    place, _ = quadrature(neumann(spd.Mean(u, 0), domain=disk))
    assert (place.sums @ (place.points**2).sum(1))[0] == pytest.approx(2, rel=2e-3)
    place, _ = quadrature(neumann(spd.Total(u, 1, on=x > 0), domain=disk))
    assert (place.sums @ place.points[:, 0])[0] == pytest.approx(2 * 2 / np.pi, rel=1e-3)


def test_means_at_all_times():
    problem = spd.Problem(
        domain=STRIP,
        equations=[Eq(w.diff(t), w.diff(x, 2))],
        conditions=[spd.Initial(w, x), spd.Neumann(w, 0, on=Eq(x, 0)), spd.Total(w, exp(t))],
    )
    place, _ = quadrature(problem)
    moments = place.sums @ place.points[:, 0]
    assert moments[0] == pytest.approx(0) and moments[-1] == pytest.approx(1)
    assert place.sums @ (place.points[:, 1] ** 3) == pytest.approx(np.full(len(moments), 0.25), rel=1e-12)
    assert doubts(problem) == []  # the mean stands in for the condition at x = 1


SETS_LEVEL = [spd.Mean(u, 0), spd.Value(u, 1, at={x: 0, y: 0}), spd.Total(u, 0, on=Eq(x, 0))]


@pytest.mark.parametrize("condition", SETS_LEVEL, ids=repr)
def test_sums_set_the_level_of_what_only_slopes_are_known_of(condition):
    assert any("fixed up to a constant" in said for said in doubts(neumann()))
    assert doubts(neumann(condition)) == []


def test_no_level_helps_where_fluxes_do_not_balance():
    posed = spd.Problem(
        domain=SQUARE, equations=[Eq(spd.laplacian(u), 1)], conditions=[spd.Neumann(u, 0), SETS_LEVEL[0]]
    )
    assert any("no solution exists" in said for said in doubts(posed))


def test_sums_are_counted_along_a_line():
    left = spd.Dirichlet(v, 1, on=Eq(x, 0))
    assert any("ask for 2 conditions" in said for said in doubts(on_a_line(left)))
    assert doubts(on_a_line(left, spd.Mean(v, E - 1 + sympy.Rational(1, 3)))) == []
    assert doubts(on_a_line(left, spd.Linked(v - CURVE, {x: 0.5}, {x: 1}))) == []


CASES = {
    "mean": neumann(spd.Mean(u, 0)),
    "nonlocal": on_a_line(spd.Dirichlet(v, 1, on=Eq(x, 0)), spd.Linked(v - CURVE, {x: 0.25}, {x: 1})),
    "total": on_a_line(spd.Neumann(v, E + 2, on=Eq(x, 1)), spd.Total(v, E - 1 + sympy.Rational(1, 3))),
}


@pytest.mark.parametrize("name", ["nonlocal", *(pytest.param(n, marks=pytest.mark.slow) for n in ("mean", "total"))])
def test_solutions_by_features_are_right(name):
    method = replace(BASIS, width=22) if name == "mean" else BASIS
    assert spd.solve(CASES[name], method, progress=False, estimate=False).error() < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nonlocal", "total"])
def test_solutions_by_networks_are_right(name):
    method = spd.PINN(width=16, hidden_layers=2, newton_steps=150)
    assert spd.solve(CASES[name], method, progress=False, estimate=False).error() < 1e-4


def test_sums_come_back_from_files():
    problem = neumann(*SETS_LEVEL, spd.Linked(u, {x: 0, y: 0}, {x: 1, y: 2}), spd.Mean(u, 0.5, noise=0.1))
    data, arrays = problem_to_data(problem)
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert list(map(repr, again.conditions)) == list(map(repr, problem.conditions))
    for name, pieces in problem.pieces.items():
        for one, other in zip(pieces, again.pieces[name], strict=True):
            assert [e for _, e in one.terms] == [e for _, e in other.terms]
    assert "total" in spd.SPINN().plan(neumann(SETS_LEVEL[2])).objective.names[-1]


def test_a_file_is_what_python_says(tmp_path):
    (tmp_path / "sums.toml").write_text(
        'unknowns = "u"\ncoordinates = { x = [0, 1], y = [0, 2] }\n'
        'equations = ["laplacian(u) = point_source(0.1, x - 1/2, y - 1)"]\nconditions = [{ neumann = "dn(u) = 0" },'
        '{ mean = "u = 0" }, { value = "u = 1", at = { x = 0, y = 0 } }, { total = "u = 0", on = "x = 0" },'
        '{ linked = "u", at = { x = 0, y = 0 }, to = { x = 1, y = 2 } }, { mean = "u = 1/2", noise = 0.1 }]\n'
    )
    problem = spd.read_problem(tmp_path / "sums.toml")
    wanted = [*SETS_LEVEL, spd.Linked(u, {x: 0, y: 0}, {x: 1, y: 2}), spd.Mean(u, sympy.Rational(1, 2), noise=0.1)]
    assert [c.texts(str) for c in problem.conditions[1:]] == [c.texts(str) for c in wanted]
    source = spd.point_source({x: sympy.Rational(1, 2), y: 1}, 0.1)
    assert (problem.equations[0].residual - (spd.laplacian(u) - source)).simplify() == 0


def test_a_point_source_has_strength_one_and_its_width():
    source = sympy.lambdify((x, y), spd.point_source({x: 0.3, y: -0.4}, 0.05))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    a, b = np.meshgrid(nodes, nodes, indexing="ij")
    mass = np.multiply.outer(weights, weights) * source(a, b)
    assert mass.sum() == pytest.approx(1)
    assert (mass * (a - 0.3) ** 2).sum() == pytest.approx(0.05**2)


def test_derivatives_are_measured():
    """A slope at a point, and a temperature, tell a diffusivity: k = 2 of k u'' = -2."""
    k = spd.parameter("k", 1, unknown=True)
    slope = spd.Observed(v.diff(x), {x: np.array([0.25])}, [0.25])
    conditions = [spd.Dirichlet(v, 0), slope]
    problem = spd.Problem(domain=LINE, equations=[Eq(k * v.diff(x, 2), -2)], conditions=conditions)
    solution = spd.solve(problem, spd.SPINN(width=6, refine=0), progress=False, estimate=False)
    assert solution.parameters["k"] == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spd.Value(u, 0, at=3), "names no place"),
        (lambda: spd.Value(u, 0, at={x: "a"}), "names no place"),
        (lambda: neumann(spd.Value(u, 0, at={x: 1})), "needs a number for each of x, y"),
        (lambda: neumann(spd.Value(u, 0, at={x: 1, y: 3})), "lies outside the domain"),
        (lambda: spd.Linked(u, {x: 1}, {y: 1}), "no two different points"),
        (lambda: spd.Mean(u, 0, noise=0), "positive standard deviation"),
        (lambda: spd.Mean(u, x, noise=0.1), "is no number"),
        (lambda: spd.Total(x, 1), "contains no unknown"),
        (lambda: spd.DTPINN().plan(neumann(spd.Mean(u, 0))), "takes conditions at one point at a time"),
        (lambda: spd.point_source({}, 1), "names no place"),
        (lambda: spd.point_source({x: 0}, -1), "needs a positive width"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises((spd.ProblemError, spd.MethodError), match=words):
        make()
