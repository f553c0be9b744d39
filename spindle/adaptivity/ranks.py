"""How the rank of a low-rank family grows while that pays."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.networks.lowrank import FamilyField, LowRankLayer
from spindle.training.stages import Refinement


@dataclass(frozen=True)
class MoreCoefficients(Refinement):
    """So many more coefficients of each low-rank layer, whose columns of U begin at zero: no member changes.

    Their columns of V are orthonormal, and orthogonal to those that are there; their coefficients begin like others.
    """

    more: int

    def decide(self, model, reached: float) -> int | None:
        """How many more; no more than a layer has neurons, and None where it has as many."""
        return min(self.more, *(len(layer.left) - layer.rank for layer in model.field.network.hidden)) or None

    def apply(self, model, more: int):
        """The enlarged model."""
        field: FamilyField = model.field
        keys = jax.random.split(jax.random.PRNGKey(field.network.ranks[0]), len(field.network.hidden))
        layers = [_wider(layer, more, key) for layer, key in zip(field.network.hidden, keys, strict=True)]
        heads = [_more_outputs(head, more, key) for head, key in zip(field.hyper.heads, keys, strict=True)]
        grown = eqx.tree_at(lambda f: (f.network.hidden, f.hyper.heads), field, (tuple(layers), tuple(heads)))
        return eqx.tree_at(lambda m: m.field, model, grown)

    def objective(self, model) -> None:
        """The one so far."""

    def describe(self, more: int) -> str:
        """For the record."""
        return f"{more} more coefficients of each low-rank layer"


def _wider(layer: LowRankLayer, more: int, key) -> LowRankLayer:
    basis = jnp.linalg.qr(layer.right)[0]
    drawn = jax.random.normal(key, (len(layer.right), more), layer.right.dtype)
    right = jnp.linalg.qr(drawn - basis @ (basis.T @ drawn))[0]
    left = jnp.zeros((len(layer.left), more), layer.left.dtype)
    shift = None if layer.shift is None else jnp.concatenate([layer.shift, jnp.zeros(more, layer.shift.dtype)])
    u, v = (jnp.concatenate(pair, axis=1) for pair in ((layer.left, left), (layer.right, right)))
    return LowRankLayer(u, v, layer.bias, shift)


def _more_outputs(head, more: int, key):
    """Outputs that begin at the size of the others, and depend on the parameters as little as any."""
    drawn = jax.random.normal(jax.random.fold_in(key, 1), (len(head.weight), more), head.weight.dtype)
    weight = drawn * jnp.std(head.weight)
    bias = jnp.full(more, jnp.mean(head.bias), head.bias.dtype)
    return eqx.tree_at(
        lambda d: (d.weight, d.bias),
        head,
        (jnp.concatenate([head.weight, weight], axis=1), jnp.concatenate([head.bias, bias])),
    )
