"""How ranks of learned networks grow while that pays: those of families, and those of separable fields."""

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


@dataclass(frozen=True)
class MoreProducts(Refinement):
    """More products of learned functions of one coordinate, which share the hidden layers of those that are there.

    Their factors on the first axis begin at zero, so that the field does not change; those on the others begin at
    random. The next step fits the first factors to the residual, by linear least squares.
    """

    outputs: int
    rank: int

    def decide(self, model, reached: float) -> int:
        """The rank."""
        return self.rank

    def apply(self, model, rank: int):
        """The enlarged model."""
        keys = jax.random.split(jax.random.PRNGKey(rank), len(model.field.bodies))

        def wider(axis, body):
            weight, bias = body.output.weight, body.output.bias
            old = weight.reshape(len(weight), self.outputs, -1)
            more = rank - old.shape[-1]
            new = jax.random.normal(keys[axis], (len(weight), self.outputs, more), weight.dtype) * bool(axis)
            new = new * (2 / (len(weight) + rank)) ** 0.5
            biases = jnp.pad(bias.reshape(self.outputs, -1), ((0, 0), (0, more)))
            changed = jnp.concatenate([old, new], axis=-1).reshape(len(weight), -1), biases.ravel()
            return eqx.tree_at(lambda b: (b.output.weight, b.output.bias), body, changed)

        bodies = tuple(wider(axis, body) for axis, body in enumerate(model.field.bodies))
        return eqx.tree_at(lambda m: m.field.bodies, model, bodies)

    def objective(self, model) -> None:
        """The one so far."""

    def describe(self, rank: int) -> str:
        """For the record."""
        return f"separable rank raised to {rank}"


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
