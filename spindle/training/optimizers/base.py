"""What the training loop asks of an optimizer."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import jax

from spindle.objective.least_squares import LeastSquares


class Optimizer(Protocol):
    """A phase of training: at most `steps` steps of one optimizer."""

    @property
    def steps(self) -> int:
        """Number of steps."""

    @property
    def resamples(self) -> bool:
        """Whether the points may change from step to step."""

    @property
    def label(self) -> str:
        """A word for progress lines and tables."""

    def start(self, parameters) -> Any:
        """The optimizer's state at its first step."""

    def step(self, problem: LeastSquares, parameters, state) -> tuple[Any, Any, jax.Array]:
        """One step: new parameters, new state, and the loss before the step."""

    def finished(self, state) -> jax.Array:
        """Whether further steps would gain nothing."""


class WrappedOptimizer(ABC):
    """A phase that is another one, `inner`, but for what happens around its steps."""

    inner: Any

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

    @abstractmethod
    def step(self, problem: LeastSquares, parameters, state) -> tuple[Any, Any, jax.Array]:
        """One step of the inner optimizer."""

    def finished(self, state) -> jax.Array:
        """As the inner optimizer."""
        return self.inner.finished(state)
