"""A phase that starts by enlarging the model, if the phase before it left something to gain."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from spindle.training.optimizers.gauss_newton import GaussNewton


@dataclass(frozen=True)
class Growing(GaussNewton):
    """Gauss-Newton on a model that was made larger first.

    grow        trained arrays -> larger ones; what they represent changes little
    tolerance   residual, relative to that at the first step, below which there is nothing to gain
    """

    grow: Callable = lambda arrays: arrays
    tolerance: float = 1e-8

    def enter(self, arrays):
        """The larger model."""
        return self.grow(arrays)

    def needed(self, loss: jax.Array, before) -> bool:
        """Whether the phase before, from its last loss and its state, ended above the tolerance."""
        return not bool(jnp.sqrt(jnp.abs(loss) / before.first) < self.tolerance)
