"""Causal weights against the definition in plain NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from sympy import Eq, sin

import spindle as spd
from spindle.errors import MethodError
from spindle.objective.causal import causal_loss

t, x = spd.coordinates("t x")
u, v = spd.unknown("u", t, x), spd.unknown("v", t, x)
PROBLEM = spd.Problem(
    domain=spd.Box({t: (1, 3), x: (0, 1)}),
    equations={"a": Eq(u.diff(t), v * u.diff(x)), "b": Eq(v.diff(t), u + x)},
    conditions=[spd.Initial(u, sin(x)), spd.Dirichlet(v, t)],
)
SMALL = {"width": 6, "hidden_layers": 1, "dtype": "float64", "hard": "off", "weights": {"a": 3.0, "initial u": 7.0}}
METHODS = [
    spd.SPINN(network="mlp", rank=3, points=8, sampling="uniform", newton_steps=0, steps=1, fade=False, **SMALL),
    spd.SPINN(network="mlp", rank=3, points=9, sampling="gauss", newton_steps=0, steps=1, fade=False, **SMALL),
    spd.PINN(points=8, sampling="random", **SMALL),
]


def prepared(method):
    plan = method.plan(PROBLEM)
    model = plan.build(jax.random.PRNGKey(1))
    return plan.objective, model, jax.jit(plan.objective.draw)(jax.random.PRNGKey(2)), plan.weights


def by_hand(objective, model, points, weights, tolerance, slabs, shares=None, from_start=False):
    """The loss and the causal weights."""
    rows = eqx.filter_jit(objective.rows)(model, points)
    energies, rest, start = np.zeros(slabs), 0.0, 0.0
    for residual in objective.residuals:
        term, (row,) = residual.pieces[0][0], rows[residual.name][:1]
        if residual.name not in ("a", "b"):
            misfit = weights[residual.name] * sum(np.sum(np.square(r)) for r in rows[residual.name])
            rest, start = rest + misfit, start + (misfit if residual.name == "initial u" and from_start else 0)
            continue
        instants = np.asarray(objective.derivatives.points.coordinates(points.points)[term.support][0])
        instants = np.broadcast_to(instants, row.shape).ravel()
        for slab in range(slabs):
            low, high = 1 + 2 * slab / slabs, 1 + 2 * (slab + 1) / slabs
            inside = (instants >= low) & ((instants < high) | (slab == slabs - 1))
            energies[slab] += weights[residual.name] * np.sum(np.asarray(row).ravel()[inside] ** 2)
    if shares is None:
        shares = np.exp(-tolerance * (start + slabs * np.array([energies[:k].sum() for k in range(slabs)])))
    return rest + np.sum(shares * energies), shares


@pytest.mark.parametrize("method", METHODS, ids=["lattice", "gauss", "cloud"])
@pytest.mark.parametrize("tolerance", [pytest.param(0.0, marks=pytest.mark.slow), 0.05, 2.0])
def test_the_loss_is_the_definition(method, tolerance, float64):
    objective, model, points, weights = prepared(method)
    loss = eqx.filter_jit(lambda m, p: causal_loss(objective, m, p, weights, tolerance, 4))
    found, least = loss(model, points)
    wanted, shares = by_hand(objective, model, points, weights, tolerance, 4)
    assert found == pytest.approx(wanted, rel=1e-10)
    assert least == pytest.approx(shares.min(), rel=1e-10)
    if tolerance == 0:
        assert found == pytest.approx(float(objective.loss(model, points, weights)), rel=1e-10)
        assert least == 1


def test_the_initial_state_may_count_as_the_earliest_time(float64):
    objective, model, points, weights = prepared(METHODS[0])
    loss = eqx.filter_jit(lambda m, p: causal_loss(objective, m, p, weights, 0.05, 4, from_start=True))
    found, least = loss(model, points)
    wanted, shares = by_hand(objective, model, points, weights, 0.05, 4, from_start=True)
    assert shares[0] < 1
    assert found == pytest.approx(wanted, rel=1e-10)
    assert least == pytest.approx(shares.min(), rel=1e-10)


@pytest.mark.slow
def test_the_weights_are_not_differentiated(float64):
    objective, model, points, weights = prepared(METHODS[0])
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(arrays)

    def loss(w):
        return causal_loss(objective, eqx.combine(unravel(w), static), points, weights, 0.5, 4)[0]

    _, shares = by_hand(objective, model, points, weights, 0.5, 4)
    slope = jax.grad(loss)(vector)
    direction = jnp.asarray(np.random.default_rng(0).normal(size=vector.shape))
    step = 1e-5 * direction

    def frozen(w):
        return by_hand(objective, eqx.combine(unravel(w), static), points, weights, 0.5, 4, shares)[0]

    wanted = (frozen(vector + step) - frozen(vector - step)) / 2e-5
    assert float(slope @ direction) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.slow
def test_training_goes_on_to_the_next_tolerance_once_all_weights_are_one():
    method = spd.CausalPINN(points=6, width=8, hidden_layers=1, steps=30, lbfgs_steps=0, causal=(1e-9, 1e9), hard="off")
    solution = spd.solve(PROBLEM, method, progress=False)
    labels = [record.phase for record in solution.run.history]
    assert labels[0] == "Adam, causal 1e-09"
    assert labels[-1] == "Adam, causal 1e+09"
    assert solution.run.iterations == 31, "one step was enough where no time is held back, none of 30 where all are"


@pytest.mark.parametrize("method", [spd.CausalPINN(), spd.SPINN(causal=(0.1,), steps=5)])
def test_without_time_they_are_refused(method):
    y = spd.coordinates("y")[0] if isinstance(spd.coordinates("y"), tuple) else spd.coordinates("y")
    w = spd.unknown("w", x, y)
    problem = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [w.diff(x) + w.diff(y)], [spd.Dirichlet(w, 1)], name="still")
    with pytest.raises(MethodError, match="weighs later times by earlier ones, and `still` has no time"):
        spd.solve(problem, method, progress=False)


def test_tolerances_are_positive_numbers():
    with pytest.raises(MethodError, match="needs positive tolerances"):
        spd.solve(PROBLEM, spd.CausalPINN(causal=(0.1, -1)), progress=False)
