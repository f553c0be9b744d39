"""Limited-memory BFGS: with a zoom line search, from Optax, or of constant rate; wants fixed points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import optax

from spindle.training.optimizers.base import Optimizer
from spindle.training.optimizers.constant_rate import BLOCK, advanced, begun


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS (Liu & Nocedal 1989) with a line search that meets the strong Wolfe conditions.

    steps    number of iterations
    memory   number of curvature pairs kept
    rate     constant step length in place of the line search, as DT-PINNs were published; see `constant_rate`
    fresh    random key -> the parameters of another network, with which a run of constant rate that is lost begins
             anew; None: with those it began with
    """

    steps: int = 1000
    memory: int = 20
    rate: float | None = None
    fresh: Callable | None = None
    label: ClassVar[str] = "L-BFGS"
    resamples: ClassVar[bool] = False

    def start(self, parameters):
        """No curvature yet."""
        if self.rate is not None:
            return begun(parameters, self.memory)
        return optax.lbfgs(memory_size=self.memory).init(parameters)

    def step(self, problem, parameters, state):
        """One line search along the quasi-Newton direction; the value and gradient found there are reused.

        Of a constant rate, one step along it.
        """
        if self.rate is not None:
            return advanced(problem, parameters, state, self.rate, self.fresh)
        value, gradient = optax.value_and_grad_from_state(problem.loss)(parameters, state=state)
        updates, state = optax.lbfgs(memory_size=self.memory).update(
            gradient, state, parameters, value=value, grad=gradient, value_fn=problem.loss
        )
        return optax.apply_updates(parameters, updates), state, value

    def finished(self, state):
        """Of a constant rate, whether it would stay in place or has ended as many blocks as there are in its steps."""
        if self.rate is None:
            return jnp.asarray(False)
        return state.stays | (state.block >= -(-self.steps // BLOCK))
