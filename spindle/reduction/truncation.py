"""Coefficients that no member uses are dropped, with their columns of the bases."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from spindle.networks.lowrank import FamilyField, HyperNetwork, LowRankLayer, LowRankNetwork


def used_coefficients(field: FamilyField, members: np.ndarray, tolerance: float) -> list[np.ndarray]:
    """For each layer the indices of the coefficients that matter at some of the members (q, p).

    tolerance   relative to the layer's largest contribution, a coefficient times the lengths of its two columns
    Source: Cho et al. (2024), section 3.1, with a tolerance of zero.
    """
    indices = []
    for layer, s in zip(field.network.hidden, field.coefficients_at(jnp.asarray(members)), strict=True):
        lengths = jnp.linalg.norm(layer.left, axis=0) * jnp.linalg.norm(layer.right, axis=0)
        largest = np.asarray(jnp.max(s, axis=0) * lengths)
        kept = np.flatnonzero(largest > tolerance * largest.max())
        indices.append(kept if kept.size else np.array([0]))
    return indices


def truncated(field: FamilyField, kept: Sequence[np.ndarray]) -> FamilyField:
    """The field with the kept coefficients of each layer only, and their columns of the bases."""
    network, hyper = field.network, field.hyper
    hidden = tuple(
        LowRankLayer(
            layer.left[:, chosen],
            layer.right[:, chosen],
            layer.bias,
            None if layer.shift is None else layer.shift[chosen],
        )
        for layer, chosen in zip(network.hidden, kept, strict=True)
    )
    heads = tuple(
        eqx.tree_at(lambda d: (d.weight, d.bias), head, (head.weight[:, chosen], head.bias[chosen]))
        for head, chosen in zip(hyper.heads, kept, strict=True)
    )
    smaller = LowRankNetwork(network.first, hidden, network.last, network.act)
    lighter: HyperNetwork = eqx.tree_at(lambda h: h.heads, hyper, heads)
    return eqx.tree_at(lambda f: (f.network, f.hyper), field, (smaller, lighter))
