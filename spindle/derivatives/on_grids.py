"""Values of fields that are cheap on tensor grids, and derivatives of such fields on a lattice."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from spindle.derivatives.base import Derivatives
from spindle.derivatives.linearised import LinearisedResidual
from spindle.derivatives.separable.jets import axis_jets, highest_orders, merge
from spindle.lowering.partials import DifferentialOperator
from spindle.networks.fields import AxisField, Field, GriddedField
from spindle.points.lattice import Lattice


def is_cheap_on_grids(field: Field) -> bool:
    """Whether a field on a tensor grid costs far less than at as many points."""
    return isinstance(field, (AxisField, GriddedField))


def values_on_grid(field, axes: Sequence[jax.Array], needs: Sequence[DifferentialOperator]) -> dict:
    """Partials, and combinations of partials, on the tensor grid of axes (n_k,): arrays (n_1, .., n_d)."""
    if isinstance(field, GriddedField):
        orders = tuple(dict.fromkeys(p.orders for need in needs for p, _ in need.terms))
        taken = field.on_grid(axes, orders)
        return {need: sum(c * taken[p.orders][p.unknown] for p, c in need.terms) for need in needs}
    highest = highest_orders(needs, len(axes))
    jets = [axis_jets(field, k, nodes[:, None], highest[k]) for k, nodes in enumerate(axes)]
    return merge(jets, needs, field.core)


class OnLattice(Derivatives):
    """Derivatives on a lattice of regions, of fields that are looked at and not trained by gradients."""

    points: Lattice

    def __init__(self, lattice: Lattice, needs: Sequence[Sequence[DifferentialOperator]]):
        self.points, self.needs = lattice, needs

    def prepare(self, field, drawn):
        """The field, and the pools of the axes."""
        return field, drawn

    def at(self, shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support, on its grid."""
        field, pools = shared
        cut = [jnp.ravel(pool)[s] for pool, s in zip(pools, self.points.slices[support], strict=True)]
        return values_on_grid(field, cut, self.needs[support])

    def assembles(self, field) -> bool:
        """False."""
        return False

    def normal(self, field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """Nothing; see `assembles`."""
        raise NotImplementedError("a field that is looked at only has no normal matrix")
