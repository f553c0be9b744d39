"""Functions of one member over many: so many at a time that what they need stays in the caches, or in memory."""

from collections.abc import Callable

import jax

from spindle.networks.lowrank import FamilyField

_BATCH, _NEURONS = 64, 4096  # members at a time, and neurons


def together(wide: FamilyField) -> int:
    """The number of members that are computed at a time."""
    return max(1, min(_BATCH, _NEURONS // wide.network.first.weight.shape[1]))


def over_members(function: Callable, wide: FamilyField) -> Callable:
    """A compiled function of rows (q, p), made of a function of one member's parameters (p,)."""
    return jax.jit(lambda rows: jax.lax.map(function, rows, batch_size=together(wide)))
