"""A stage of training in which some residuals weigh more than in the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from spindle.training.optimizers.base import Optimizer


@dataclass(frozen=True)
class Reweighted(Optimizer):
    """An optimizer whose loss weighs some residuals differently.

    inner     the optimizer
    weights   {name of a residual: its weight in this stage}

    Measurements of known noise weigh little, so that equations hold nearly exactly and noise does not bend the field.
    From a first guess that is far off, the way of Gauss-Newton then leads along solutions of the wrong equations, where
    it gets stuck: a film that cools a hundred times too fast is cold whatever its diffusivity is. Where measurements
    weigh as much as equations first, the field comes to fit them, and the parameters follow.
    """

    inner: Optimizer
    weights: Mapping[str, float]

    @property
    def steps(self) -> int:
        """At most so many."""
        return self.inner.steps

    @property
    def resamples(self) -> bool:
        """As the inner optimizer."""
        return self.inner.resamples

    @property
    def label(self) -> str:
        """That of the inner optimizer."""
        return self.inner.label

    def start(self, parameters) -> Any:
        """As the inner optimizer."""
        return self.inner.start(parameters)

    def step(self, problem, parameters, state) -> tuple[Any, Any, jax.Array]:
        """One step of the inner optimizer on the other loss."""
        return self.inner.step(problem.weighing(self.weights), parameters, state)

    def finished(self, state) -> jax.Array:
        """As the inner optimizer."""
        return self.inner.finished(state)
