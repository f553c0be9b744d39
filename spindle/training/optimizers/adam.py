"""First-order steps with a learning-rate schedule, from Optax: Adam, or another gradient transformation."""

from abc import abstractmethod
from collections.abc import Callable
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


class GradientSteps(Optimizer):
    """Interface of optimizers that take the steps of a gradient transformation, on points that may change."""

    resamples: ClassVar[bool] = True

    @abstractmethod
    def _transform(self) -> optax.GradientTransformation:
        """The transformation."""

    def start(self, parameters):
        """The state of the transformation."""
        return self._transform().init(parameters)

    def step(self, problem, parameters, state):
        """One step along the transformed gradient."""
        return transformed_step(self._transform(), problem, parameters, state)

    def finished(self, state):
        """Never: it goes on to its last step."""
        return jnp.asarray(False)


@dataclass(frozen=True)
class Adam(GradientSteps):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980), default moments.

    steps           number of steps
    learning_rate   at the start, or a function of the step, for which `schedule` is no matter
    schedule        one of `SCHEDULES`
    final           the rate at the end, relative to that at the start, of those that fall to it
    """

    steps: int = 10_000
    learning_rate: float | Callable = 1e-3
    schedule: str | None = "constant"
    final: float = 1e-2
    label: ClassVar[str] = "Adam"

    def __post_init__(self):
        check_schedule("Adam", self.learning_rate, self.schedule)

    def _transform(self):
        return following(optax.adam, self.learning_rate, self.schedule, self.steps, self.final)


@dataclass(frozen=True)
class Transformed(GradientSteps):
    """Steps of any gradient transformation of Optax.

    transformation   the transformation, or a function of the learning rate that returns one
    others           as of `Adam`, of such a function

    It is told the loss, the gradient and the loss as a function, as line searches and `optax.lbfgs` ask.
    """

    transformation: optax.GradientTransformation | Callable
    steps: int = 10_000
    learning_rate: float | Callable | None = 1e-3
    schedule: str | None = "constant"
    label: ClassVar[str] = "Optax"

    def __post_init__(self):
        if not isinstance(self.transformation, optax.GradientTransformation):
            check_schedule("Transformed", self.learning_rate, self.schedule)
            made = self._transform()
            if not isinstance(made, optax.GradientTransformation):
                raise MethodError(
                    f"`optimizer` is a function that returned a {type(made).__name__} for a learning rate, and not a "
                    f"gradient transformation; pass for example `optax.lion` or `optax.sgd(1e-2)`."
                )

    def _transform(self):
        if isinstance(self.transformation, optax.GradientTransformation):
            return self.transformation
        return following(self.transformation, self.learning_rate, self.schedule, self.steps)


def check_schedule(call: str, learning_rate, schedule) -> None:
    """Raise MethodError where there is no such schedule, or the rate is not positive."""
    if callable(learning_rate):
        return
    if schedule not in SCHEDULES:
        raise MethodError(f"`{call}(schedule={schedule!r})` is not known." + nearest(str(schedule), SCHEDULES))
    if not learning_rate > 0:
        raise MethodError(f"`{call}(learning_rate={learning_rate})` must be positive; 1e-3 is usual.")


def following(make: Callable, learning_rate, schedule: str | None, steps: int, final: float = 1e-2):
    """The transformation that `make` returns for a learning rate, which follows a schedule or is one."""
    if callable(learning_rate):
        return make(learning_rate)
    if schedule == "plateau":
        falling = optax.contrib.reduce_on_plateau(
            0.95, patience=100, rtol=1e-3, min_scale=min(1.0, 1e-6 / learning_rate)
        )
        return optax.chain(make(learning_rate), falling)
    rates: dict[str | None, Callable] = {
        "constant": lambda: optax.constant_schedule(learning_rate),
        "cosine": lambda: optax.cosine_decay_schedule(learning_rate, max(1, steps), final),
        "gentle": lambda: optax.exponential_decay(learning_rate, 10_000, 0.9),
        "exponential": lambda: optax.exponential_decay(learning_rate, max(1, steps), final),
    }
    return make(rates[schedule]())


def transformed_step(transformation, problem, parameters, state):
    """New parameters, new state, and the loss before the step."""
    value, gradient = jax.value_and_grad(problem.loss)(parameters)
    transformation = optax.with_extra_args_support(transformation)
    told = {"value": value, "grad": gradient, "value_fn": problem.loss}
    updates, state = transformation.update(gradient, state, parameters, **told)
    return optax.apply_updates(parameters, updates), state, value
