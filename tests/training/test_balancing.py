"""Weights that adapt: what each rule computes, and that points are where its weights belong."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sympy

import spindle as spd
from spindle.objective.balancing import kernel_traces
from spindle.objective.least_squares import LeastSquares
from spindle.training.optimizers.adam import Transformed
from spindle.training.optimizers.pointwise import WeighedPoints

t, x = spd.coordinates("t x")
f = spd.unknown("f", x)
LINE = spd.Problem(spd.Interval(x, 0, 1), [f.diff(x, 2) + 1], [spd.Dirichlet(f)], name="line")
QUICK = spd.PINN(points=6, width=4, hidden_layers=1, steps=3, lbfgs_steps=0, hard="off")


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def posed():
    with jax.enable_x64(True):
        plan = QUICK.plan(LINE)
        model = plan.build(jax.random.PRNGKey(0))
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        drawn = plan.objective.draw(jax.random.PRNGKey(0))
        weights = {name: jnp.asarray(1.0 + k) for k, name in enumerate(plan.objective.names)}
        return plan.objective, model, arrays, drawn, LeastSquares(plan.objective, static, drawn, weights)


@pytest.mark.slow
def test_traces_of_the_kernel_are_those_of_the_jacobian(posed):
    """Random signs are exact on average; the mean over many keys is compared with the sum of squares of J."""
    objective, model, arrays, drawn, problem = posed
    keys = jax.random.split(jax.random.PRNGKey(1), 200)
    mean = jax.tree.map(jnp.mean, jax.jit(jax.vmap(lambda key: kernel_traces(objective, model, drawn, key)))(keys))
    jacobian = jax.jacfwd(problem.named_rows)(arrays)
    for name in objective.names:
        exact = sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(jacobian[name]))
        assert float(mean[name]) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("rule", ["attention", "self-adaptive"])
def test_weights_at_points_are_those_of_the_papers(posed, rule):
    _, _, arrays, _, problem = posed
    rows = {name: [np.asarray(r) for r in each] for name, each in problem.named_rows(arrays).items()}
    shapes = {name: [r.shape for r in each] for name, each in rows.items()}
    still = Transformed(optax.set_to_zero())
    optimizer = WeighedPoints(still, rule, lambda: shapes)
    _, state, loss = optimizer.step(problem, arrays, optimizer.start(arrays))
    total = 0.0
    for k, (name, each) in enumerate(rows.items()):
        largest = max(np.abs(r).max() for r in each)
        for r, found in zip(each, state.weights[name], strict=True):
            if rule == "attention":
                np.testing.assert_allclose(found, 0.001 * np.abs(r) / largest)
            else:  # the first step of Adam is as long as its rate, upwards wherever there is a residual
                np.testing.assert_allclose(found, np.where(np.abs(r) > 1e-3 * largest, 1.01, found), rtol=1e-3)
            total += (1.0 + k) * float(np.sum((found * r) ** 2))
    assert float(loss) == pytest.approx(total)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"balancing": "attention", "sampling": "random", "resample": 10}, "needs points that stay"),
        ({"balancing": "attention", "steps": 0, "lbfgs_steps": 5}, "adapts weights in steps of Adam"),
        ({"balancing": "norms"}, "is not known. There are|Did you mean"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, text):
    with pytest.raises(spd.MethodError, match=text):
        spd.PINN(**settings).plan(LINE)


def test_measurements_weigh_by_their_noise_alone():
    k = spd.parameter("k", 1.0, unknown=True)
    places = np.linspace(0.1, 0.9, 5)
    observed = spd.Observed(f, {x: places}, places, noise=0.1)
    inverse = spd.Problem(spd.Interval(x, 0, 1), [k * f.diff(x, 2) + 1], [spd.Dirichlet(f), observed], name="inverse")
    plan = spd.PINN(points=6, width=4, hidden_layers=1, balancing="attention", hard="off").plan(inverse)
    (stage, _) = plan.schedule.stages
    assert set(stage.optimizer.shapes()) == {"equation", "dirichlet f"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
@pytest.mark.parametrize("rule", ["gradient norms", "ntk", "attention", "self-adaptive"])
def test_every_rule_solves(rule, tmp_path):
    u = spd.unknown("u", t, x)
    exact = sympy.exp(-t) * sympy.sin(sympy.pi * x)
    rate = spd.manufactured(u.diff(t) - u.diff(x, 2) / 10, {u: exact})
    problem = spd.Problem(
        spd.Box({t: (0, 1), x: (0, 1)}), [u.diff(t) - u.diff(x, 2) / 10 - rate],
        [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, 0)], {u: exact}, name="heat",
    )  # fmt: skip
    method = spd.PINN(
        points=12, width=16, hidden_layers=2, steps=300, lbfgs_steps=200, balancing=rule, hard="off", balance=20
    )
    solution = spd.solve(problem, method, progress=False, out=tmp_path / "run")
    assert solution.error() < 1e-2
    assert spd.load(tmp_path / "run")(t=0.5, x=0.5) == solution(t=0.5, x=0.5)
