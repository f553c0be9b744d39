"""Causal weights: residuals at later times count only once those at earlier times are small.

Time is cut into M slabs of equal length with mean squared residuals L_1 .. L_M, all equations added with their weights.
The loss of the equations is then

    mean over i of  w_i L_i,      w_i = exp(-tolerance * sum over k < i of  L_k),

or with the misfit L_0 of the initial conditions added to the sum, as for decaying turbulence. The w_i are not
differentiated (Wang, Sankaran & Perdikaris 2024, Comput. Methods Appl. Mech. Eng. 421).
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from spindle.networks.model import Model
from spindle.objective.objective import Objective


def causal_loss(
    objective: Objective,
    model: Model,
    points,
    weights: Mapping[str, jax.Array],
    tolerance: float,
    slabs: int,
    *,
    from_start: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """The loss with causal weights, and the smallest of these weights: one once all slabs are solved.

    slabs        M; on a lattice no more than it has instants
    from_start   whether initial conditions count as the earliest time
    """
    rows = objective.rows(model, points)
    starts = objective.forms.problem.starts
    energies, rest, start = jnp.zeros(slabs), jnp.zeros(()), jnp.zeros(())
    for residual in objective.residuals:
        for piece, row in zip(residual.pieces, rows[residual.name], strict=True):
            squares = weights[residual.name] * row**2
            if residual.name in objective.equations:
                instants = jnp.broadcast_to(objective.instants(piece[0].support, points), squares.shape)
                slab = jnp.clip((instants * slabs).astype(int), 0, slabs - 1)
                energies += jax.ops.segment_sum(squares.ravel(), slab.ravel(), slabs)
            else:
                rest += jnp.sum(squares)
                start += jnp.sum(squares) if from_start and residual.name in starts else 0.0
    # A row carries its share of the mean over all points, so that the mean over a slab is M times its sum.
    earlier = start + slabs * (jnp.cumsum(energies) - energies)
    shares = jax.lax.stop_gradient(jnp.exp(-tolerance * earlier))
    return rest + jnp.sum(shares * energies), jnp.min(shares)
