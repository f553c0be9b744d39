"""Partials of a separable network: one jet an axis, then one contraction for each operator.

A partial of order (a_1 .. a_d) is the sum over j of the products of the a_k-th derivatives of the axis features
(Cho et al. 2023, section 4). The features and all their derivatives are computed once an axis, from O(d N) points, and
are shared by the interior, the boundary, the initial slice and the data; the merge is never differentiated forward.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spindle.derivatives.base import GridFreeSums
from spindle.derivatives.linearised import GridFreeResidual, LinearisedResidual, summed
from spindle.derivatives.separable.grid_free import GridFree, SeparatedPiece, grid_free
from spindle.derivatives.separable.normal import (
    axis_features,
    grid_blocks,
    places_of_parameters,
    row_blocks,
    symmetric,
)
from spindle.derivatives.separable.tensor_contraction import contract, contract_rows
from spindle.lowering.partials import DifferentialOperator
from spindle.networks.fields import AxisField
from spindle.networks.taylor import Jet
from spindle.points.lattice import Lattice


def axis_jets(field: AxisField, axis: int, x: jax.Array, highest: int) -> list[jax.Array]:
    """Features of an axis at x (n, 1) and their derivatives up to order `highest`: arrays (n, outputs, columns)."""
    shape = (len(x), field.outputs, -1)
    if highest == 0:
        return [field.features(axis, x).reshape(shape)]
    jet = field.features(axis, Jet.variables(x, tuple((k,) for k in range(highest + 1))))
    return [jet.derivative((k,)).reshape(shape) for k in range(highest + 1)]


def highest_orders(needs: Sequence[DifferentialOperator], axes: int) -> list[int]:
    """The highest order of differentiation on each axis."""
    partials = [p for need in needs for p, _ in need.terms]
    return [max((p.orders[k] for p in partials), default=0) for k in range(axes)]


class Shared(NamedTuple):
    """Arrays that all supports share: the jets of all axes, (pool, orders, unknowns, columns) each, and the core."""

    jets: list[jax.Array]
    core: jax.Array | None

    @property
    def separated(self) -> bool:
        """Whether the field is a sum of products over its rank, so that sums need no grid."""
        return self.core is None


def merge(
    features: Sequence, needs: Sequence[DifferentialOperator], core=None
) -> dict[DifferentialOperator, jax.Array]:
    """Partials, and combinations of partials, on the tensor grid of the axes.

    features   features[k][a] is the a-th derivative on axis k, (N_k, outputs, columns)
    core       see `AxisField.core`
    returns    arrays (N_1, .., N_d)

    Each need is one matrix product. The terms of a combination that share the order b on the last axis are added
    before it, so that its inner size is R times the number of different b: for a Laplacian 2 R, whatever d.
    """
    if core is not None:
        return contract(features, core, needs)
    shape = tuple(f[0].shape[0] for f in features)
    return {need: _merge_one(features, need).reshape(shape) for need in needs}


def _merge_one(features, need):
    rows = defaultdict(list)
    for p, coefficient in need.terms:
        before = [features[k][p.orders[k]][:, p.unknown] for k in range(len(features) - 1)]
        product = _khatri_rao(before) if before else jnp.ones_like(features[-1][0][:1, p.unknown])
        rows[p.orders[-1]].append(product if coefficient == 1.0 else coefficient * product)
    left = jnp.concatenate([sum(products) for products in rows.values()], axis=1)
    right = jnp.concatenate([features[-1][order][:, need.unknown] for order in rows], axis=1)
    return left @ right.T


def _khatri_rao(factors: Sequence[jax.Array]) -> jax.Array:
    """All products of rows of the factors (N_k, R), component by component: (prod N_k, R)."""
    product = factors[0]
    for factor in factors[1:]:
        product = (product[:, None, :] * factor[None, :, :]).reshape(-1, factor.shape[-1])
    return product


def paired(
    features: Sequence, needs: Sequence[DifferentialOperator], core=None
) -> dict[DifferentialOperator, jax.Array]:
    """Partials, and combinations of partials, at scattered points, whose features stand row by row: arrays (n,)."""
    if core is not None:
        return contract_rows(features, core, needs)

    def one(partial):
        return math.prod(features[k][order][:, partial.unknown] for k, order in enumerate(partial.orders)).sum(-1)

    return {need: sum(c * one(p) for p, c in need.terms) for need in needs}


class SeparableJets(GridFreeSums):
    """Derivatives of a separable field on a lattice.

    needs   for each support the partials, and combinations of partials, that its residuals contain
    rank    separable rank of the field, and `parameters` the number of trained numbers of one axis
    form    how sums over a grid are taken: "grid", "core", "gram", or "auto" by predicted cost
    """

    points: Lattice

    def __init__(
        self,
        lattice: Lattice,
        needs: Sequence[Sequence[DifferentialOperator]],
        *,
        rank=1,
        parameters=1,
        form: str = "grid",
    ):
        self.points, self.needs, self.form = lattice, needs, form
        self.rank, self.parameters = rank, parameters
        self._highest = highest_orders([n for need in needs for n in need], lattice.dimensions)

    def prepare(self, field: AxisField, drawn) -> Shared:
        """The jets of all axes."""
        jets = [jnp.stack(axis_jets(field, k, pool, self._highest[k]), axis=1) for k, pool in enumerate(drawn)]
        return Shared(jets, field.core)

    def at(self, shared: Shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support, on its grid."""
        cut = [jnp.moveaxis(jets[s], 1, 0) for jets, s in zip(shared.jets, self.points.slices[support], strict=True)]
        combine = merge if self.points.supports[support].is_region else paired
        return combine(cut, self.needs[support], shared.core)

    def grid_free(self, supports: Sequence[int], structures, coordinates) -> GridFree | None:
        """The way to take the sums of one residual array without its points; None where points are cheaper."""
        if self.form == "grid":
            return None
        listed = list(structures)
        if not all(s.separable and all(t.constant.is_number for t in s.terms) for s in listed):
            return None
        lengths = [s.stop - s.start for s in self.points.slices[supports[0]]]
        given = self.points.weights(supports[0])
        weights = [np.full(n, 1 / np.sqrt(n)) if w is None else np.sqrt(w) for n, w in zip(lengths, given, strict=True)]
        piece = SeparatedPiece(listed, [self.points.slices[p] for p in supports], weights, coordinates)
        return grid_free(piece, lengths, self.rank, self.parameters, self.form)

    def assembles(self, field: AxisField) -> bool:
        """Whether `normal` is offered for this field."""
        return field.core is None

    def normal(self, field: AxisField, drawn, pieces: Sequence[LinearisedResidual | GridFreeResidual]) -> jax.Array:
        """J^T J of linearised residuals, in the order of `ravel_pytree(field)`, estimated parameters last."""
        features = [axis_features(field, k, x, axis_jets, self._highest[k]) for k, x in enumerate(drawn)]
        places, size = places_of_parameters(field)
        total = sum(self._normal(features, piece) for piece in pieces)
        order = np.argsort(np.concatenate([places, np.arange(size, len(total))]))
        return total if np.array_equal(order, np.arange(len(total))) else total[order][:, order]

    def _normal(self, features, piece):
        """Blocks of J^T J of one piece, parameters axis by axis."""
        if isinstance(piece, GridFreeResidual):
            return piece.weight * symmetric(piece.form.normal(features, piece.factors), ())
        cut = []
        for support, _ in piece.slopes:
            cut.append([f.cut(s) for f, s in zip(features, self.points.slices[support], strict=True)])
        if not self.points.supports[piece.slopes[0][0]].is_region:
            alone = [LinearisedResidual((entry,), ()) for entry in piece.slopes]
            rows = [row_blocks([part], one) for part, one in zip(cut, alone, strict=True)]
            columns = [summed(self.points.supports[s], r) for (s, _), r in zip(piece.slopes, rows, strict=True)]
            j = jnp.concatenate([sum(columns), *(p.ravel()[:, None] for p in piece.parameters)], axis=1)
            return j.T @ j
        return symmetric(grid_blocks(cut, piece), piece.parameters)
