"""What the training loop asks of an optimizer."""

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
