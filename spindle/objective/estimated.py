"""The parameters that are estimated, as training starts."""

from collections.abc import Collection, Sequence

import jax.numpy as jnp

from spindle.networks.model import Estimated
from spindle.symbolic.symbols import Parameter


def first_guesses(parameters: Sequence[Parameter], signed: Collection[str]) -> dict[str, Estimated]:
    """The parameters at the start of training, by name; `signed` names those whose sign is known."""
    return {p.name: _first_guess(float(p.value), signed=p.name in signed) for p in parameters}


def _first_guess(value: float, *, signed: bool) -> Estimated:
    if signed:
        return Estimated(jnp.zeros(()), value, signed=True)
    size = abs(value) or 1.0
    return Estimated(jnp.asarray(value / size), size, signed=False)
