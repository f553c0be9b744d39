"""Partials of a separable network: one jet an axis, then one contraction for each group of partials.

A partial of order (a_1 .. a_d) is the sum over j of the products of the a_k-th derivatives of the axis features
(Cho et al. 2023, section 4). The features and all their derivatives are computed once an axis, from O(d N) points, and
are shared by the interior, the boundary, the initial slice and the data; the merge is never differentiated forward.
"""

from collections import defaultdict
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from spindle.lowering.partials import Partial
from spindle.networks.fields import SeparableField
from spindle.networks.taylor import Jet
from spindle.points.lattice import Lattice
from spindle.points.places import Region


def axis_jets(field: SeparableField, axis: int, x: jax.Array, highest: int) -> list[jax.Array]:
    """Features of an axis at x (n, 1) and their derivatives up to order `highest`: arrays (n, outputs, rank)."""
    shape = (-1, field.outputs, field.rank)
    if highest == 0:
        return [field.features(axis, x).reshape(shape)]
    jet = field.features(axis, Jet.variables(x, tuple((k,) for k in range(highest + 1))))
    return [jet.derivative((k,)).reshape(shape) for k in range(highest + 1)]


def merge(features: Sequence[Sequence[jax.Array]], partials: Sequence[Partial]) -> dict[Partial, jax.Array]:
    """Partials on the tensor grid of the axes.

    features   features[k][a] is the a-th derivative on axis k, (N_k, outputs, rank)
    returns    arrays (N_1, .., N_d)

    Partials that share the order on the last axis are stacked along the rows of one matrix product, of
    2 R prod(N_k) multiplications and additions for each partial.
    """
    groups = defaultdict(list)
    for p in partials:
        groups[p.unknown, p.orders[-1]].append(p)
    shape = tuple(f[0].shape[0] for f in features)
    merged = {}
    for (unknown, last), members in groups.items():
        rows = [_khatri_rao([features[k][p.orders[k]][:, unknown] for k in range(len(shape) - 1)]) for p in members]
        stacked = jnp.concatenate(rows) @ features[-1][last][:, unknown].T
        for p, block in zip(members, jnp.split(stacked, len(members)), strict=True):
            merged[p] = block.reshape(shape)
    return merged


def _khatri_rao(factors: Sequence[jax.Array]) -> jax.Array:
    """All products of rows of the factors (N_k, R), component by component: (prod N_k, R)."""
    product = factors[0]
    for factor in factors[1:]:
        product = (product[:, None, :] * factor[None, :, :]).reshape(-1, factor.shape[-1])
    return product


def paired(features: Sequence[Sequence[jax.Array]], partials: Sequence[Partial]) -> dict[Partial, jax.Array]:
    """Partials at scattered points, row by row: arrays (n,)."""
    values = {}
    for p in partials:
        product = features[0][p.orders[0]][:, p.unknown]
        for k in range(1, len(features)):
            product = product * features[k][p.orders[k]][:, p.unknown]
        values[p] = product.sum(-1)
    return values


class SeparableJets:
    """Derivatives of a separable field on a lattice; `needs` lists the partials for each place of the lattice."""

    def __init__(self, lattice: Lattice, needs: Sequence[Sequence[Partial]]):
        self.points, self.needs = lattice, needs
        axes = range(lattice.dimensions)
        self._highest = [max((p.orders[k] for need in needs for p in need), default=0) for k in axes]

    def partials(self, field: SeparableField, drawn) -> list[dict[Partial, jax.Array]]:
        """For each place the partials it needs."""
        jets = [axis_jets(field, k, pool, self._highest[k]) for k, pool in enumerate(drawn)]
        found = []
        for place, slices, need in zip(self.points.places, self.points.slices, self.needs, strict=True):
            cut = [[order[s] for order in orders] for orders, s in zip(jets, slices, strict=True)]
            found.append((merge if isinstance(place, Region) else paired)(cut, need))
        return found
