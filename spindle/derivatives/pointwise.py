"""Partials of a network of all coordinates by one forward pass on a jet (Taylor-mode automatic differentiation).

The jet carries exactly the multi-indices at or below those asked for, so a Laplacian in three dimensions costs seven
lanes of a forward pass, and a mixed partial no more than its own lanes.
"""

from collections.abc import Sequence

import jax

from spindle.lowering.partials import Need, terms_of
from spindle.networks.fields import Field
from spindle.networks.taylor import Jet, closure
from spindle.points.cloud import Cloud


def pointwise_values(field: Field, points: jax.Array, needs: Sequence[Need]) -> dict[Need, jax.Array]:
    """Each partial, or combination of partials, at each of the points (n, d), as arrays (n,)."""
    terms = {need: terms_of(need) for need in needs}
    indices = closure([p.orders for pairs in terms.values() for p, _ in pairs], points.shape[1])
    if len(indices) == 1:
        value = field(points)
        return {need: sum(c * value[:, p.unknown] for p, c in pairs) for need, pairs in terms.items()}
    jet = field(Jet.variables(points, indices))
    return {need: sum(c * jet.derivative(p.orders)[:, p.unknown] for p, c in pairs) for need, pairs in terms.items()}


class PointwiseTaylor:
    """Derivatives of any field on a cloud; `needs` lists what each place of the cloud needs."""

    def __init__(self, cloud: Cloud, needs: Sequence[Sequence[Need]]):
        self.points, self.needs = cloud, needs

    def values(self, field: Field, drawn) -> list[dict[Need, jax.Array]]:
        """For each place what it needs."""
        return [pointwise_values(field, cloud, need) for cloud, need in zip(drawn, self.needs, strict=True)]
