"""A stage of training with causal weights, until all times count."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from spindle.training.optimizers.base import Optimizer

_SOLVED = 0.99  # smallest weight at which the published ladder goes on to the next tolerance


class Causality(NamedTuple):
    """The optimizer's state, and the smallest causal weight so far reached."""

    inner: Any
    least: jax.Array


@dataclass(frozen=True)
class Causal(Optimizer):
    """An optimizer whose loss weighs later times by how well earlier ones are solved; see `objective.causal`.

    inner       the optimizer
    tolerance   epsilon: how sharply; larger values demand more of earlier times
    slabs       of time
    from_start  whether initial conditions count as the earliest time

    It ends when all weights exceed 0.99, or with the steps of the inner optimizer.
    """

    inner: Optimizer
    tolerance: float
    slabs: int
    from_start: bool = False
    resamples: ClassVar[bool] = True

    @property
    def steps(self) -> int:
        """At most so many."""
        return self.inner.steps

    @property
    def label(self) -> str:
        """For progress lines and tables."""
        return f"{self.inner.label}, causal {self.tolerance:g}"

    def start(self, parameters) -> Causality:
        """Nothing is solved yet."""
        return Causality(self.inner.start(parameters), jnp.zeros(()))

    def step(self, problem, parameters, state: Causality):
        """One step of the inner optimizer on the weighted loss."""
        weighted = problem.causal(self.tolerance, self.slabs, from_start=self.from_start)
        least = weighted.least(parameters)  # of the same pass through the network as the loss, once compiled
        parameters, inner, loss = self.inner.step(weighted, parameters, state.inner)
        return parameters, Causality(inner, least), loss

    def finished(self, state: Causality) -> jax.Array:
        """Whether every slab counts."""
        return state.least > _SOLVED
