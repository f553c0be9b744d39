"""Starting from another solution: weights where networks are alike, else a fit; and what is refused."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import exp

import spindle as spd
from spindle.objective.fitting import DistanceToValues

t, x = spd.coordinates("t x")
f = spd.unknown("f", t)
TIMES = np.linspace(0, 1, 9)
METHOD = spd.PINN(points=8, width=6, hidden_layers=1, steps=0, lbfgs_steps=60)
BRIEF = replace(METHOD, steps=1, learning_rate=1e-9, lbfgs_steps=0)


def decay(rate=1.0, **options):
    return spd.Problem(
        spd.Interval(t, 0, 1), [f.diff(t) + rate * f], [spd.Initial(f, 1)], {f: exp(-rate * t)}, name="decay", **options
    )


@pytest.fixture(scope="module")
def solved():
    return spd.solve(decay(), METHOD, progress=False)


def test_weights_are_taken_where_networks_are_alike(solved):
    again = spd.solve(decay(), BRIEF, start=solved, progress=False)
    assert again.error() < 2 * solved.error() < 1e-3
    assert "started with the weights of the other solution" in again.choices
    other = spd.solve(decay(1.1), BRIEF, start=solved, progress=False)
    assert other.run.history[0].loss < 0.1, "the network of a near rate is near"


@pytest.mark.slow
def test_another_network_is_fitted(solved, tmp_path):
    wider = replace(BRIEF, width=10)
    again = spd.solve(decay(), wider, start=solved, out=tmp_path / "run", progress=False)
    assert again.error() < 2 * solved.error()
    assert any("fitted at 400 points" in choice for choice in again.choices)
    assert spd.resume(tmp_path / "run", progress=False)(t=0.4) == again(t=0.4)
    assert spd.load(tmp_path / "run").choices == again.choices
    with pytest.raises(spd.RunError, match="holds another run"):
        spd.solve(decay(), wider, out=tmp_path / "run", progress=False)


@pytest.mark.slow
def test_estimates_begin_where_they_ended(solved):
    k = spd.parameter("k", 5.0, unknown=True)
    given = spd.Observed(f, {t: TIMES}, np.exp(-TIMES), noise=0.01)
    inverse = spd.Problem(spd.Interval(t, 0, 1), [f.diff(t) + k * f], [spd.Initial(f, 1), given], name="inverse")
    known = spd.parameter("k", 1.25)
    start = spd.solve(
        spd.Problem(spd.Interval(t, 0, 1), [f.diff(t) + known * f], [spd.Initial(f, 1)], name="known"),
        BRIEF,
        start=solved,
        progress=False,
    )
    seen = []
    spd.solve(
        inverse, BRIEF, start=start, progress=False,
        callbacks=[lambda moment, total: seen.append(moment.parameters["k"])],
    )  # fmt: skip
    assert seen[0] == pytest.approx(1.25)


def test_what_is_no_start_is_refused(solved):
    with pytest.raises(spd.MethodError, match=r"start=3\)` needs a solution to start from"):
        spd.solve(decay(), BRIEF, start=3, progress=False)
    u = spd.unknown("u", t, x)
    heat = spd.Problem(
        spd.Box({t: (0, 1), x: (0, 1)}), [u.diff(t) - u.diff(x, 2)], [spd.Initial(u, 0), spd.Dirichlet(u)], name="heat"
    )
    with pytest.raises(spd.MethodError, match="whose unknowns f depend on t, and it needs u of t, x"):
        spd.solve(heat, BRIEF, start=solved, progress=False)
    later = spd.Problem(spd.Interval(t, 2, 3), [f.diff(t) + f], [spd.Initial(f, 1)], name="later")
    with pytest.raises(spd.MethodError, match="is known at 0 of 400 random points of this domain"):
        spd.solve(later, BRIEF, start=solved, progress=False)
    with pytest.raises(spd.MethodError, match="windows of time follow one"):
        spd.solve(decay(), replace(BRIEF, windows=2), start=solved, progress=False)


def test_gauss_newton_on_the_distance_is_linear_least_squares():
    """One undamped step fits what depends linearly on its parameters; the normal matrix is that of the rows."""

    class Line(eqx.Module):
        slope: jax.Array
        field: None = None

    with jax.enable_x64(True):
        points = np.linspace(0, 1, 300)[:, None]
        objective = DistanceToValues(lambda model, p: model.slope * p, points, 3 * points)
        matrix = objective.normal(Line(jnp.asarray(1.0)), None, {})
        np.testing.assert_allclose(matrix, [[1 / 9]])
        squares = objective.mean_squares(Line(jnp.asarray(1.0)), objective.draw(None))
        np.testing.assert_allclose(squares["distance"], 4 / 9)
