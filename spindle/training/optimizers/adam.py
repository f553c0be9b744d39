"""Adam with a learning-rate schedule, from Optax."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import optax

from spindle.errors import MethodError, nearest
from spindle.training.optimizers.base import Optimizer

SCHEDULES = {
    "constant": "",
    "cosine": "to a hundredth of the start",
    "exponential": "likewise, geometrically",
    "gentle": "times 0.9 over every 10,000 steps",
    "plateau": "times 0.95 whenever 100 steps gained less than a thousandth, down to 1e-6",
}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980), default moments.

    steps           number of steps
    learning_rate   at the start
    schedule        one of `SCHEDULES`
    final           the rate at the end, relative to that at the start, of those that fall to it
    """

    steps: int = 10_000
    learning_rate: float = 1e-3
    schedule: str = "constant"
    final: float = 1e-2
    label: ClassVar[str] = "Adam"
    resamples: ClassVar[bool] = True

    def __post_init__(self):
        if self.schedule not in SCHEDULES:
            raise MethodError(
                f"`Adam(schedule={self.schedule!r})` is not known." + nearest(str(self.schedule), SCHEDULES)
            )
        if not self.learning_rate > 0:
            raise MethodError(f"`Adam(learning_rate={self.learning_rate})` must be positive; 1e-3 is usual.")

    def _transform(self):
        if self.schedule == "plateau":
            falling = optax.contrib.reduce_on_plateau(
                0.95, patience=100, rtol=1e-3, min_scale=min(1.0, 1e-6 / self.learning_rate)
            )
            return optax.chain(optax.adam(self.learning_rate), falling)
        rates = {
            "constant": lambda: optax.constant_schedule(self.learning_rate),
            "cosine": lambda: optax.cosine_decay_schedule(self.learning_rate, max(1, self.steps), self.final),
            "gentle": lambda: optax.exponential_decay(self.learning_rate, 10_000, 0.9),
            "exponential": lambda: optax.exponential_decay(self.learning_rate, max(1, self.steps), self.final),
        }
        return optax.adam(rates[self.schedule]())

    def start(self, parameters):
        """Zero moments."""
        return self._transform().init(parameters)

    def step(self, problem, parameters, state):
        """One step along the moments of the gradient."""
        value, gradient = jax.value_and_grad(problem.loss)(parameters)
        transform = optax.with_extra_args_support(self._transform())
        updates, state = transform.update(gradient, state, parameters, value=value)
        return optax.apply_updates(parameters, updates), state, value

    def finished(self, state):
        """Never: it goes on to its last step."""
        return jnp.asarray(False)
