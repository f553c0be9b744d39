"""The estimated error against the true one, for solutions that are good, poor and wrong."""

import dataclasses
import re

import numpy as np
import pytest
from sympy import Eq, cos, exp, pi, prod, sin

import spindle as spd
from spindle.lowering.scales import scales_of
from spindle.results.summary import estimate_in_words
from spindle.solving.estimates.error_estimate import _by_size
from spindle.solving.estimates.shift import Shift
from spindle.storage.records import ErrorEstimate
from tests.solutions import untrained
from tests.solving.estimates.closed_forms import solution_of

t, x, y = spd.coordinates("t x y")
u, v = spd.unknown("u", t, x), spd.unknown("v", t, x)
ROUGH = {"network": "mlp", "width": 12, "hidden_layers": 1, "points": 12, "newton_steps": 0, "hard": "off"}


def heat(**changes):
    """Two coupled fields, one equation nonlinear, with all kinds of conditions."""
    exact = {u: exp(-t) * sin(x), v: cos(t) * cos(x)}
    operators = u.diff(t) - u.diff(x, 2) + u * v, v.diff(t) - v.diff(x, 2) / 2
    parts = {
        "domain": spd.Box({t: (0, 1), x: (0, pi)}),
        "equations": [Eq(e, spd.manufactured(e, exact)) for e in operators],
        "conditions": [
            spd.Initial(u, exact[u].subs(t, 0)),
            spd.Initial(v, exact[v].subs(t, 0)),
            spd.Dirichlet(u, 0),
            spd.Robin(v, 2, 1, 2 * exact[v], on=[Eq(x, 0), Eq(x, pi)]),
        ],
        "reference": exact,
        "quantities": {"product": u * v},
        "name": "heat",
    }
    return spd.Problem(**(parts | changes))


def solve(problem, method, **options):
    return spd.solve(problem, method, progress=False, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "hard"), [(5, "off"), (300, "all")], ids=["poor", "fair"])
def test_the_estimate_is_the_error(steps, hard):
    solution = solve(heat(), spd.SPINN(**(ROUGH | {"steps": steps, "hard": hard, "rank": 4})))
    whole = spd.estimate(solution)
    found = whole["errors"]
    assert not whole["bound"] and whole["left"] < 0.1
    true = {name: measures["rel_l2"] for name, measures in solution.errors().items()}
    assert set(found) == {"u", "v", "product"}
    for name in found:
        assert found[name] == pytest.approx(true[name], rel=0.1), "both by quadrature, but on other points"


def carried(sharpness, width):
    """A bump that is carried along y, by so many features an axis, and its estimate."""
    front = exp(-sharpness * (x - 0.4) ** 2)
    w = spd.unknown("w", x, y)
    problem = spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}),
        [Eq(w.diff(y), 0)],
        [spd.Dirichlet(w, front, on=Eq(y, 0))],
        reference={w: front},
    )
    solution = solve(problem, spd.SPINN(rank="full", width=width, refine=0, hard="off", newton_steps=5))
    return solution, spd.estimate(solution)


def test_what_the_estimate_can_see_is_the_error():
    solution, found = carried(sharpness=20, width=6)
    assert found["errors"]["w"] == pytest.approx(solution.error(), rel=0.05)
    assert solution.error() > 1e-4
    assert not found["bound"]


@pytest.mark.slow
def test_what_is_sharper_than_the_features_of_the_estimate_is_seen_by_its_points():
    solution, found = carried(sharpness=5000, width=28)
    assert 0.3 < found["errors"]["w"] / solution.error() < 3
    assert solution.verdict.word == "not solved"


def test_a_lower_bound_is_called_one():
    found = ErrorEstimate(errors={"w": 0.01}, left=0.9, bound=True, seconds=1.0, upper={"w": 0.1})
    assert re.search(
        r"^error at least w .* relative L2, which explains \d+% of the residuals only and might be w .*, by the eq",
        estimate_in_words(found),
    )


@pytest.mark.slow
def test_a_pointwise_network_and_measurements():
    rate = spd.parameter("rate", 0.5, unknown=True)
    w = spd.unknown("w", x, y)
    exact = sin(x) * exp(-2 * y)
    places = np.random.default_rng(0).uniform(size=(40, 2))
    values = np.sin(places[:, 0]) * np.exp(-2 * places[:, 1])
    problem = spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}),
        [Eq(w.diff(y), -4 * rate * w)],
        [spd.Dirichlet(w, sin(x), on=Eq(y, 0)), spd.Observed(w, places, values)],
        reference={w: exact},
    )
    solution = solve(problem, spd.PINN(width=8, hidden_layers=1, points=8, steps=30, lbfgs_steps=60, balance=0))
    (found,) = spd.estimate(solution)["errors"].values()
    assert found > 0.2 * solution.error(), "that the estimated parameter is off is seen by the measurements alone"


@pytest.mark.slow
def test_a_wrong_solution_with_a_small_loss_is_seen():
    """Without weight on the initial data anything of small residual passes."""
    method = spd.SPINN(**(ROUGH | {"steps": 400, "rank": 4, "conditions": 1e-6}))
    solution = solve(heat(), method)
    assert solution.run.loss < 0.05
    assert solution.error() > 0.3
    assert spd.estimate(solution)["errors"]["u"] > 0.2
    assert any("is hardly fulfilled" in sentence for sentence in solution.run.warnings)


@pytest.mark.slow
def test_solving_estimates_when_asked_and_keeps_the_estimate(tmp_path):
    problem = dataclasses.replace(heat(), quantities={})
    solution = solve(problem, spd.SPINN(**ROUGH, steps=5, rank=2), out=tmp_path / "run", estimate=True)
    assert set(solution.run.error_estimate["errors"]) == {"u", "v"}
    assert spd.load(tmp_path / "run").run.error_estimate == solution.run.error_estimate
    assert solution.record()["error_estimate"] == solution.run.error_estimate


def test_conditions_that_hold_exactly_are_homogeneous_for_the_error():
    solution = untrained(heat(), method=spd.SPINN(**(ROUGH | {"steps": 1, "rank": 2, "hard": "all"})))
    posed = {c.name: c for c in Shift(solution).problem().conditions}
    assert posed["initial u"].value == 0
    assert posed["dirichlet u"].value == 0
    assert "known" in str(posed["robin v"].expression)


def test_where_there_is_no_estimate_it_says_why():
    names = "p q r s z g h"
    axes = spd.coordinates(names)
    f = spd.unknown("f", *axes)
    cube = spd.Problem(spd.Box({c: (0, 1) for c in axes}), [spd.laplacian(f) - f], [spd.Dirichlet(f, 1)])
    found = spd.estimate(solution_of(cube, {f: axes[0]}))
    assert estimate_in_words(found) == ("no error: it is made in up to 6 coordinates, parameters of families included")


@pytest.mark.slow
def test_five_coordinates():
    axes = spd.coordinates("p q r s z")
    f, true = spd.unknown("f", *axes), prod(sin(pi * c) for c in axes) + sum(axes) / 5
    source = spd.manufactured(-spd.laplacian(f), {f: true})
    box = spd.Problem(spd.Box({c: (0, 1) for c in axes}), [Eq(-spd.laplacian(f), source)], [spd.Dirichlet(f, true)])
    found = spd.estimate(solution_of(box, {f: 1.01 * true}))
    assert found["errors"]["f"] == pytest.approx(0.01, rel=0.2) and not found["bound"]


def test_words_of_what_is_not_explained():
    seen = ErrorEstimate(errors={"u": 0.1}, left=0.9, bound=True, upper={"u": 1.0}, seconds=1.0)
    assert estimate_in_words(seen) == (
        "error at least u 1.0e-01 relative L2, which explains 10% of the residuals only and might be u 1e+00, by the "
        "equations for the error (1.0 s)"
    )
    assert estimate_in_words(dataclasses.replace(seen, left=1.1)).startswith(
        "error perhaps u 1.0e-01 relative L2, which explains 0%"
    )


@pytest.mark.parametrize("size", [1e-9, 1, 1e9])
def test_errors_of_what_vanishes_are_relative_to_what_the_problem_makes_of_it(size):
    """Beside w of that size v is zero but for rounding errors, in any units."""
    v, w = spd.unknown("v w", x, y)
    box = spd.Box({x: (0, 1), y: (0, 1)})
    beside = [spd.Dirichlet(w, size * y * (1 - y)), spd.Dirichlet(v, 0)]
    problem = spd.Problem(box, [Eq(spd.laplacian(w), v), Eq(spd.laplacian(v), 0)], beside)
    found = ErrorEstimate(errors={"v": 0.7, "w": 1e-6}, left=0.0, bound=False)

    def errors(share):
        exact, scales = {v: share * size * sin(pi * x), w: size * y * (1 - y)}, scales_of(problem)
        whole = solution_of(problem, {field: formula / scales.of(field) for field, formula in exact.items()})
        return _by_size(found, whole)["errors"]

    assert errors(1e-15)["v"] < 1e-8
    assert errors(1e-2) == found["errors"], "what is small and no rounding error has its own error"
    assert errors(1e-15)["w"] == 1e-6
