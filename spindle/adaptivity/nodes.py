"""How a lattice becomes finer where a learned network has found its way between the nodes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.objective.objective import Objective
from spindle.training.stages import Refinement

_FAITHFUL = (
    2.0  # the residual on finer nodes, relative to that on those it was trained on, that is no cause for concern
)


@dataclass(frozen=True)
class FinerNodes(Refinement):
    """A finer lattice, where residuals on it are much larger than on the one so far.

    A network that oscillates faster than its nodes drives the residual to zero at the nodes only. One that does not has
    about the same residual on any lattice that resolves it.

    finer     () -> the objective on the finer lattice
    weights   of its residuals
    """

    finer: Callable[[], Objective]
    weights: Mapping[str, float]

    def decide(self, model, reached: float) -> float | None:
        """The residual on the finer lattice, relative to that of the zero field; None where it is about `reached`."""
        objective, (arrays, static) = self.finer(), eqx.partition(model, eqx.is_inexact_array)
        weights = {name: jnp.asarray(weight) for name, weight in self.weights.items()}

        @jax.jit
        def loss(arrays):
            drawn = objective.draw(jax.random.PRNGKey(0))
            return objective.loss(eqx.combine(arrays, static), drawn, weights)

        zero = loss(jax.tree.map(jnp.zeros_like, arrays))
        between = float(jnp.sqrt(jnp.abs(loss(arrays)) / zero))
        return between if between > _FAITHFUL * reached else None

    def apply(self, model, between: float):
        """The model as it is."""
        return model

    def objective(self, model) -> Objective:
        """That on the finer lattice."""
        return self.finer()

    def describe(self, between: float) -> str:
        """For the record."""
        return f"half as many nodes again on each axis: residuals between those before were {between:.1g} of the data"
