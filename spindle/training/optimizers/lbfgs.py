"""Limited-memory BFGS with a zoom line search, from Optax; wants fixed points and double precision."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import optax


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS (Liu & Nocedal 1989) with a line search that meets the strong Wolfe conditions.

    steps    number of iterations
    memory   number of curvature pairs kept
    rate     constant step length in place of the line search; the first step is then min(1, 1 / |g|) times as long
    """

    steps: int = 1000
    memory: int = 20
    rate: float | None = None
    label: ClassVar[str] = "L-BFGS"
    resamples: ClassVar[bool] = False

    def _transform(self):
        if self.rate is None:
            return optax.lbfgs(memory_size=self.memory)
        return optax.lbfgs(self.rate, memory_size=self.memory, linesearch=None)

    def start(self, parameters):
        """No curvature yet."""
        return self._transform().init(parameters)

    def step(self, problem, parameters, state):
        """One line search along the quasi-Newton direction; the value and gradient found there are reused.

        Of a constant rate, one step along it.
        """
        if self.rate is None:
            value, gradient = optax.value_and_grad_from_state(problem.loss)(parameters, state=state)
        else:
            value, gradient = jax.value_and_grad(problem.loss)(parameters)
        updates, state = self._transform().update(
            gradient, state, parameters, value=value, grad=gradient, value_fn=problem.loss
        )
        return optax.apply_updates(parameters, updates), state, value

    def finished(self, state):
        """Never: it goes on to its last step."""
        return jnp.asarray(False)
