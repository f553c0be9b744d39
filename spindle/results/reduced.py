"""What reduces a family, as arrays and plain data, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from spindle.networks.fields import Field
from spindle.networks.lowrank import FamilyField, LowRankLayer, LowRankNetwork
from spindle.reduction.build import Reduced
from spindle.reduction.truncation import truncated
from spindle.reduction.tuning import Prior


def reduced_to_data(reduced: Reduced) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A reduced family as named arrays and JSON-ready data."""
    network = reduced.field.network
    arrays = {"first.weight": network.first.weight, "first.bias": network.first.bias}
    arrays |= {"last.weight": network.last.weight, "last.bias": network.last.bias}
    arrays |= {} if network.lift is None else {"lift": network.lift}
    for k, layer in enumerate(network.hidden):
        arrays |= {f"hidden{k}.{name}": array for name, array in vars(layer).items() if array is not None}
    for name in ("points", "check"):
        for k, (points, weights) in enumerate(getattr(reduced, name)):
            arrays[f"{name}{k}"] = points
            if weights is not None:
                arrays[f"{name}{k}.weights"] = weights
    arrays |= {f"kept{k}": jnp.asarray(indices) for k, indices in enumerate(reduced.kept)}
    arrays |= reduced.prior._asdict()
    meta: dict[str, Any] = {"layers": len(network.hidden), "places": len(reduced.points)}
    meta |= {"locality": reduced.locality, "factor": reduced.factor, "facts": reduced.facts}
    return {name: np.asarray(array) for name, array in arrays.items()}, meta


def reduced_from_data(trained: Field, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Reduced:
    """The reduced family that `reduced_to_data` wrote, around the trained field that it belongs to."""
    assert isinstance(trained, FamilyField)
    kept = [arrays[f"kept{k}"] for k in range(meta["layers"])]
    full = truncated(trained, kept)
    full = replace(full, free_last=len(arrays["directions"]) > sum(full.network.ranks))
    stored = {name: jnp.asarray(array) for name, array in arrays.items()}

    def dense(which, like):
        return eqx.tree_at(lambda d: (d.weight, d.bias), like, (stored[f"{which}.weight"], stored[f"{which}.bias"]))

    hidden = tuple(
        LowRankLayer(
            stored[f"hidden{k}.left"],
            stored[f"hidden{k}.right"],
            stored.get(f"hidden{k}.bias"),
            stored.get(f"hidden{k}.shift"),
        )
        for k in range(meta["layers"])
    )
    network = LowRankNetwork(
        dense("first", full.network.first),
        hidden,
        dense("last", full.network.last),
        full.network.act,
        stored.get("lift"),
    )
    points, check = (
        [(arrays[f"{name}{k}"], arrays.get(f"{name}{k}.weights")) for k in range(meta["places"])]
        for name in ("points", "check")
    )
    prior = Prior(stored["directions"], stored["sizes"])
    field = eqx.tree_at(lambda f: f.network, full, network)
    return Reduced(full, kept, field, points, check, prior, meta["locality"], meta["factor"], dict(meta["facts"]))
