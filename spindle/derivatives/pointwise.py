"""Partials of a network of all coordinates by one forward pass on a jet (Taylor-mode automatic differentiation).

The jet carries exactly the multi-indices at or below those asked for, so a Laplacian in three dimensions costs seven
lanes of a forward pass, and a mixed partial no more than its own lanes.
"""

from collections.abc import Sequence

import jax

from spindle.lowering.partials import Partial
from spindle.networks.fields import Field
from spindle.networks.taylor import Jet, closure
from spindle.points.cloud import Cloud


def pointwise_partials(field: Field, points: jax.Array, partials: Sequence[Partial]) -> dict[Partial, jax.Array]:
    """Each partial at each of the points (n, d), as arrays (n,)."""
    indices = closure([p.orders for p in partials], points.shape[1])
    if len(indices) == 1:
        value = field(points)
        return {p: value[:, p.unknown] for p in partials}
    jet = field(Jet.variables(points, indices))
    return {p: jet.derivative(p.orders)[:, p.unknown] for p in partials}


class PointwiseTaylor:
    """Derivatives of any field on a cloud; `needs` lists the partials for each place of the cloud."""

    def __init__(self, cloud: Cloud, needs: Sequence[Sequence[Partial]]):
        self.points, self.needs = cloud, needs

    def partials(self, field: Field, drawn) -> list[dict[Partial, jax.Array]]:
        """For each place the partials it needs."""
        return [pointwise_partials(field, cloud, need) for cloud, need in zip(drawn, self.needs, strict=True)]
