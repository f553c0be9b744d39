"""Terms of a loss that look at the trained field alone: what regularises low-rank families."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from spindle.networks.fields import Field
from spindle.networks.lowrank import FamilyField


@dataclass(frozen=True)
class Penalty:
    """One named term of the loss that depends on the field alone.

    rows     field -> array (size,)
    size     number of rows
    weight   of the term in the loss
    norms    None: the term is the sum of the squares of the rows; else the lengths of consecutive groups of rows, and
             the term is the sum of the groups' norms, which no Gauss-Newton method can take
    """

    name: str
    rows: Callable[[Any], jax.Array]
    size: int
    weight: float
    norms: tuple[int, ...] | None = None

    def value(self, field: Field) -> jax.Array:
        """The term, before weighting."""
        rows = self.rows(field)
        if self.norms is None:
            return jnp.sum(rows**2)
        ends = [sum(self.norms[:k]) for k in range(1, len(self.norms))]
        # The norm has no slope at zero; this one has the slope zero there.
        tiny = jnp.finfo(rows.dtype).tiny
        return jnp.sum(jnp.stack([jnp.sqrt(jnp.sum(group**2) + tiny) for group in jnp.split(rows, ends)]))


def orthogonality(ranks, weight: float, *, squared: bool) -> Penalty:
    """The penalty sum over layers of |U^T U - I| + |V^T V - I| (Cho et al. 2024, equation 3.3), or of the squares."""
    groups = tuple(r * r for r in ranks for _ in range(2))

    def rows(field: FamilyField):
        bases = [basis for layer in field.network.hidden for basis in (layer.left, layer.right)]
        return jnp.concatenate([(b.T @ b - jnp.eye(b.shape[1], dtype=b.dtype)).ravel() for b in bases])

    return Penalty("orthogonality", rows, sum(groups), weight, None if squared else groups)


def decay(ranks, samples: jax.Array, weight: float, *, gamma: float, squared: bool) -> Penalty:
    """The penalty sum over layers of the mean over mu of |max(gamma s_{i+1} - s_i, 0)|, or of its square.

    The penalty vanishes where s_{i+1} <= s_i / gamma: coefficients then decay along the rank.
    samples   parameters mu, (k, p)
    Source: Cho et al. (2024), equation 3.3.
    """
    count = len(samples)
    groups = tuple(r - 1 for r in ranks for _ in range(count))

    def rows(field: FamilyField):
        coefficients = field.coefficients_at(samples)
        scaled = [jax.nn.relu(gamma * s[:, 1:] - s[:, :-1]).ravel() for s in coefficients]
        return jnp.concatenate(scaled) / (count**0.5 if squared else count)

    return Penalty("decay", rows, sum(groups), weight, None if squared else groups)


def shrinkage(ranks, samples: jax.Array, weight: float, *, gamma: float, repeats: int) -> Penalty:
    """The norm of sum over layers of max(gamma s[n+1] - s[n], 0), n counting points: what the published code minimises.

    A member's points follow one another, `repeats` of each, and have the same coefficients; so in effect the
    coefficients themselves shrink, by gamma - 1.
    Source: the code beside Cho et al. (2024), which differs from their equation 3.3.
    """
    rank = min(ranks)

    def rows(field: FamilyField):
        coefficients = [s[:, :rank] for s in field.coefficients_at(samples)]
        within = jnp.sum(jnp.stack([jax.nn.relu((gamma - 1) * s) for s in coefficients]), 0) * (repeats - 1) ** 0.5
        across = jnp.sum(jnp.stack([jax.nn.relu(gamma * s[1:] - s[:-1]) for s in coefficients]), 0)
        return jnp.concatenate([within.ravel(), across.ravel()])

    size = rank * (2 * len(samples) - 1)
    return Penalty("shrinkage", rows, size, weight, (size,))
