"""Points that follow the residual: as dense as published, on the equations only, and a run on them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, exp, pi, sin

import spindle as spd
from spindle.training.precision import precision
from tests.solutions import initial

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
SMALL = {"width": 4, "hidden_layers": 1, "newton_steps": 1}


def peaked():
    """With u = 0 the residual is a ridge at x = 0.3, a tenth of the square wide."""
    data = spd.Observed(u, {x: [0.5, 0.6], y: [0.5, 0.5]}, [0.1, 0.2])
    return spd.Problem(
        spd.Box({x: (0, 1), y: (0, 1)}),
        [Eq(spd.laplacian(u), exp(-(((x - 0.3) / 0.02) ** 2)))],
        [spd.Dirichlet(u, 0), data],
    )


@pytest.fixture(scope="module")
def ridge():
    """Rule -> (points of the equation before, those after each of eleven draws, and what else was drawn)."""

    def drawn(rule):
        plan = spd.PINN(points=40, sampling=rule, hard="off", **SMALL).plan(peaked())
        with precision("float64"):
            model = jax.tree.map(jnp.zeros_like, initial(plan))
            before = plan.objective.draw(jax.random.PRNGKey(0))
            redraw, after, now = jax.jit(plan.schedule.redrawing.redrawn), [], before
            for turn in range(1, 12):
                now = redraw(model, now, jax.random.PRNGKey(turn), jnp.int32(turn))
                after.append(np.asarray(now.points[0]))
            return plan, before, after, now

    return drawn


def near(points):
    return np.mean(np.abs(points[:, 0] - 0.3) < 0.05)


def test_points_are_as_dense_as_the_residual_asks(ridge):
    plan, before, after, last = ridge("rad")
    assert near(np.asarray(before.points[0])) == pytest.approx(0.1, abs=0.01)
    # Half of them by |r| / mean |r|, half evenly, a tenth of all candidates, none of them twice: the same by NumPy.
    random = np.random.default_rng(0)
    candidates = random.uniform(size=(16_000, 2))
    size = np.exp(-(((candidates[:, 0] - 0.3) / 0.02) ** 2))
    density = size / size.mean() + 1
    chosen = random.choice(16_000, 1600, replace=False, p=density / density.sum())
    assert near(np.concatenate(after)) == pytest.approx(near(candidates[chosen]), abs=0.04)
    assert all(len(np.unique(points, axis=0)) == len(points) == 1600 for points in after)
    observed = plan.objective.names.index("observed u")
    assert observed == len(plan.objective.names) - 1
    np.testing.assert_array_equal(last.points[-1], before.points[-1])
    with precision("float64"):
        given = plan.objective.with_coefficients(last.points).coefficients
    jax.tree.map(np.testing.assert_array_equal, given, last.coefficients)


def test_rar_d_keeps_half_and_renews_the_others_one_tenth_at_a_time(ridge):
    _, before, after, _ = ridge("rar-d")
    path = [np.asarray(before.points[0]), *after]
    assert [int((a != b).any(axis=1).sum()) for a, b in itertools.pairwise(path)] == [80] * 11
    np.testing.assert_array_equal(path[-1][:800], path[0][:800])
    assert (path[10][800:] != path[0][800:]).any(axis=1).all()
    assert near(path[10][800:]) > 0.99


def test_what_is_left_open_is_decided_together():
    def decided(**settings):
        method, _ = spd.PINN(**settings).decide(peaked())
        return [getattr(method, name) for name in ("steps", "lbfgs_steps", "newton_steps", "sampling", "resample")]

    assert decided() == [0, 0, 600, "rad", 2]
    assert decided(sampling="random") == [0, 0, 600, "random", 0]
    assert decided(steps=10)[1:] == [2000, 0, "sobol", 0]
    assert decided(width=200) == decided(dtype="float32") == [2000, 2000, 0, "sobol", 0]
    assert decided(steps=10, newton_steps=20) == [10, 0, 20, "rad", 2]
    assert decided(steps=10, sampling="rar-d") == [10, 2000, 0, "rar-d", 100]


def nonlinear():
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    return spd.Problem(
        spd.Interval(x, 0, 1),
        [Eq(u.diff(x, 2) + u**2, spd.manufactured(u.diff(x, 2) + u**2, {u: sin(2 * pi * x)}))],
        [spd.Dirichlet(u, 0)],
        reference={u: sin(2 * pi * x)},
    )


def test_gauss_newton_on_such_points_reaches_four_digits_within_sixty_steps():
    method = spd.PINN(width=8, hidden_layers=2, points=150, newton_steps=60)
    solution = spd.solve(nonlinear(), method, progress=False)
    assert solution.error() < 1e-4
    assert "trained by Gauss-Newton" in " ".join(solution.choices)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path):
    method = spd.PINN(width=6, hidden_layers=1, points=40, newton_steps=12)

    def interrupt(entry, total):
        if entry.step >= 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        spd.solve(nonlinear(), method, out=tmp_path / "run", callbacks=[interrupt], progress=False)
    resumed, whole = spd.resume(tmp_path / "run", progress=False), spd.solve(nonlinear(), method, progress=False)
    assert resumed.run.iterations == whole.run.iterations == 12
    jax.tree.map(np.testing.assert_array_equal, *(jax.tree.leaves(s.model) for s in (resumed, whole)))
