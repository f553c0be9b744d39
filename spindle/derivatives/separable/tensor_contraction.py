"""Partials of a field with a full tensor of coefficients: one axis after the other is summed over.

With R_d[p] the core, times the coefficient of the partial p in what is wanted,

    R_{k-1}[q] = sum over orders a of  R_k[(q, a)] x_k Phi_k^(a),

where q holds the orders on the axes before k; R_0 is the combination of all its partials. Partials that agree on the
axes done so far share their sums, and those that agree on the axes left are added before these are done.
"""

from collections import defaultdict
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from spindle.lowering.partials import DifferentialOperator


def contract(
    features: Sequence, core: jax.Array, needs: Sequence[DifferentialOperator]
) -> dict[DifferentialOperator, jax.Array]:
    """Partials, and combinations of partials, on the tensor grid of the axes.

    features   features[k][a] is the a-th derivative on axis k, (N_k, unknowns, M_k)
    core       (unknowns, M_1, .., M_d)
    returns    arrays (N_1, .., N_d); one costs about 2 prod N_k (M_1 + M_2 + ..) operations
    """

    def along(tensor, k, matrix):
        return jnp.moveaxis(jnp.tensordot(tensor, matrix, axes=((k,), (1,))), -1, k)

    return _summed(features, core, needs, along)


def contract_rows(
    features: Sequence, core: jax.Array, needs: Sequence[DifferentialOperator]
) -> dict[DifferentialOperator, jax.Array]:
    """Partials, and combinations of partials, at scattered points: arrays (n,); one costs 2 n prod M_k operations."""
    last = core.ndim - 2

    def along(tensor, k, matrix):
        if k == last:
            return jnp.moveaxis(jnp.tensordot(tensor, matrix, axes=((k,), (1,))), -1, 0)
        return jnp.einsum("n...m,nm->n...", tensor, matrix)

    return _summed(features, core, needs, along)


def _summed(features, core, needs, along):
    done: dict = {}

    def rest(unknown, k, terms):
        """R_{k-1} of partials that agree on the axes before k, given as (orders from axis k on, coefficient) pairs."""
        key = unknown, k, terms
        if key not in done:
            done[key] = added(unknown, k, terms)
        return done[key]

    def added(unknown, k, terms):
        if k == len(features):
            return sum(c for _, c in terms) * core[unknown]
        groups = defaultdict(list)
        for orders, c in sorted(terms):
            groups[orders[0]].append((orders[1:], c))
        parts = [along(rest(unknown, k + 1, frozenset(g)), k, features[k][a][:, unknown]) for a, g in groups.items()]
        return sum(parts[1:], start=parts[0])

    return {need: rest(need.unknown, 0, frozenset((p.orders, c) for p, c in need.terms)) for need in needs}
