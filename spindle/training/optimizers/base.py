"""What the training loop asks of an optimizer."""

from abc import ABC, abstractmethod
from typing import Any

import jax

from spindle.objective.least_squares import LeastSquares


class Optimizer(ABC):
    """Steps of one kind, at most `steps` of them, from parameters to better ones."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Number of steps."""

    @property
    @abstractmethod
    def resamples(self) -> bool:
        """Whether the points may change from step to step."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A word for progress lines and tables."""

    @abstractmethod
    def start(self, parameters) -> Any:
        """The optimizer's state at its first step."""

    @abstractmethod
    def step(self, problem: LeastSquares, parameters, state) -> tuple[Any, Any, jax.Array]:
        """One step: new parameters, new state, and the loss before the step."""

    @abstractmethod
    def finished(self, state) -> jax.Array:
        """Whether further steps would gain nothing."""
