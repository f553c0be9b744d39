"""Members that are trained to convergence, by which the estimates of queries are calibrated."""

from collections.abc import Callable

import equinox as eqx
import jax

from spindle.networks.lowrank import FamilyField
from spindle.networks.model import Model
from spindle.objective.least_squares import LeastSquares
from spindle.objective.objective import Objective
from spindle.reduction.tuning import coefficients_of, with_coefficients
from spindle.training.optimizers.gauss_newton import GaussNewton


def refining(
    full: FamilyField, objective: Objective, weights, *, bases: bool, steps: int = 12
) -> Callable[[jax.Array], FamilyField]:
    """The function mu -> the member's field after Gauss-Newton on the weights of the network.

    bases   whether those of the low-rank layers are among them; else the first and last layer and the coefficients
    """
    optimizer = GaussNewton(steps, algebra="dual", damping=1e-3)

    @eqx.filter_jit
    def refine(mu):
        field = eqx.tree_at(lambda f: f.hyper, with_coefficients(full, coefficients_of(full, mu)), None)
        model = Model(field, {})
        free = jax.tree.map(eqx.is_inexact_array, model)
        if not bases:
            free = eqx.tree_at(
                lambda m: m.field.network.hidden, free, jax.tree.map(lambda _: False, model.field.network.hidden)
            )
        arrays, static = eqx.partition(model, free)
        problem = LeastSquares(objective, static, objective.draw(mu), weights)

        def step(_, state):
            return optimizer.step(problem, *state)[:2]

        arrays, _ = jax.lax.fori_loop(0, steps, step, (arrays, optimizer.start(arrays)))
        return eqx.combine(arrays, static).field

    return refine
