"""A phase that starts by enlarging the model, if the phase before it left something to gain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from spindle.training.optimizers.gauss_newton import GaussNewton


@dataclass(frozen=True)
class Growing:
    """An optimizer on a model that is made larger first.

    inner       the optimizer
    grow        model -> a larger one; what it represents changes little
    tolerance   residual, relative to that of the zero field, below which there is nothing to gain
    """

    inner: GaussNewton
    grow: Callable
    tolerance: float = 3e-7
    resamples: ClassVar[bool] = False

    @property
    def steps(self) -> int:
        """At most so many."""
        return self.inner.steps

    @property
    def label(self) -> str:
        """That of the inner optimizer."""
        return self.inner.label

    def start(self, parameters):
        """As the inner optimizer."""
        return self.inner.start(parameters)

    def step(self, problem, parameters, state):
        """As the inner optimizer."""
        return self.inner.step(problem, parameters, state)

    def finished(self, state) -> jax.Array:
        """As the inner optimizer."""
        return self.inner.finished(state)

    def enter(self, model):
        """The larger model."""
        return self.grow(model)

    def needed(self, loss: jax.Array, before) -> bool:
        """Whether the phase before, from its last loss and its state, ended above the tolerance."""
        return not bool(jnp.sqrt(jnp.abs(loss) / before.size) < self.tolerance)
