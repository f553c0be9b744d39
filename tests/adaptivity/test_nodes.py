"""Nodes are added where residuals between them are larger than at them, and only there."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.adaptivity.nodes import FinerNodes
from spindle.training.precision import precision

x = spd.coordinates("x")
u = spd.unknown("u", x)


def test_nodes_are_added_where_the_residual_between_them_is_larger():
    """u = a cos(w x) vanishes at the two Gauss nodes of [-1, 1] for w = pi sqrt(3) / 2, and nowhere else within."""
    problem = spd.Problem(domain=spd.Box({x: (-1, 1)}), equations=[Eq(u, sin(x) * 1e-3)], conditions=[])
    plan = spd.SPINN(network="mlp", width=1, rank=1, points=2, frequency=1.0, scales="off").plan(problem)
    refinement = next(s.refine for s in plan.schedule.stages if isinstance(s.refine, FinerNodes))
    with precision("float64"):
        model = plan.build(jax.random.PRNGKey(0))
        body = model.field.bodies[0]
        values = jnp.array([[jnp.pi * 3**0.5 / 2]]), jnp.array([jnp.pi / 2]), jnp.array([[1.0]]), jnp.array([0.0])
        wave = eqx.tree_at(
            lambda b: (b.layers[0].weight, b.layers[0].bias, b.output.weight, b.output.bias), body, values
        )
        model = eqx.tree_at(lambda m: m.field.bodies, model, (wave,))
        weights = {name: jnp.asarray(w) for name, w in plan.weights.items()}

        def relative(objective, field):
            drawn = objective.draw(jax.random.PRNGKey(0))
            return float(jnp.sqrt(objective.loss(field, drawn, weights)))

        zero = jax.tree.map(jnp.zeros_like, model)
        reached = relative(plan.objective, model) / relative(plan.objective, zero)
        assert reached == pytest.approx(1, abs=1e-6)
        between = refinement.decide(model, reached)
        finer = refinement.objective(model)
        assert between == pytest.approx(relative(finer, model) / relative(finer, zero)) and between > 100
        assert refinement.decide(model, between) is None
        assert refinement.apply(model, between) is model
