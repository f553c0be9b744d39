"""What training asks of an objective, and what some objectives offer besides."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import jax


class TrainingObjective(ABC):
    """A weighted sum of squares |r|^2 of a model on points that are drawn."""

    @property
    @abstractmethod
    def count(self) -> int:
        """The number m of rows of r."""

    @property
    @abstractmethod
    def rounded(self) -> bool:
        """Whether some square is taken as a difference of squares, so that half its digits are lost near zero."""

    @property
    @abstractmethod
    def carried_values(self) -> dict:
        """The arrays that the present window in time got from the one before; see `Carried`."""

    @abstractmethod
    def draw(self, key, carried: Mapping | None = None, turn=0) -> Any:
        """Points, and what depends on them alone; `turn`: how often they were drawn before."""

    @abstractmethod
    def mean_squares(self, model, drawn) -> dict[str, jax.Array]:
        """The mean square of each residual, before weighting."""

    @abstractmethod
    def loss(self, model, drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """The weighted sum of squares, a scalar."""

    @abstractmethod
    def assembles(self, model) -> bool:
        """Whether `normal` is offered for this model."""

    @abstractmethod
    def normal(self, model, drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J^T J, J = dr / dtheta, parameters in the order of `jax.flatten_util.ravel_pytree`."""


class ResidualObjective(TrainingObjective):
    """An objective that offers its residuals as vectors, and J where rows are few."""

    @property
    @abstractmethod
    def has_jacobian(self) -> bool:
        """Whether `jacobian` is offered."""

    @abstractmethod
    def rows(self, model, drawn) -> dict[str, list[jax.Array]]:
        """Residual arrays by name, scaled so that the sum of their squares is the mean square of the residual."""

    @abstractmethod
    def jacobian(self, model, drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J (m, P) of the weighted residuals."""
