"""A phase that starts by enlarging the model, if the phase before it left something to gain."""

from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from spindle.training.optimizers.base import WrappedOptimizer
from spindle.training.optimizers.gauss_newton import GaussNewton


class Growth(Protocol):
    """How a model becomes a larger one. What is decided by looking at it is plain data, so that it can be stored."""

    def decide(self, model, reached: float) -> Any:
        """What to enlarge, JSON-ready; None: nothing. `reached` is the residual relative to that of the zero field."""

    def apply(self, model, decision):
        """The larger model; what it represents changes little."""

    def objective(self, model):
        """The objective that the larger model needs; None: the one so far."""

    def describe(self, decision) -> str:
        """One sentence for the record."""


@dataclass(frozen=True)
class Growing(WrappedOptimizer):
    """An optimizer on a model that is made larger first.

    inner       the optimizer
    growth      how
    tolerance   residual, relative to that of the zero field, below which there is nothing to gain
    insists     enlarge also after a growth of the same kind that gained little
    """

    inner: GaussNewton
    growth: Growth
    tolerance: float = 3e-7
    insists: bool = False

    def step(self, problem, parameters, state):
        """As the inner optimizer."""
        return self.inner.step(problem, parameters, state)

    def decide(self, model, loss: jax.Array, before, last: float | None) -> Any:
        """What to enlarge, or None where the phase before, by its last loss and state, left nothing to gain.

        last   the loss before the growth before, where that was of the same kind; if that one did not halve it, what
               limits is no lack of such parameters
        """
        reached = float(jnp.sqrt(jnp.abs(loss) / before.size))
        useless = last is not None and not float(loss) < 0.5 * last and not self.insists
        return None if reached < self.tolerance or useless else self.growth.decide(model, reached)
