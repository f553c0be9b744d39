"""Limited-memory BFGS with a zoom line search, from Optax; wants fixed points and double precision."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from spindle.training.optimizers.base import Optimizer

_PATIENCE = 600  # iterations before a large loss counts: the published 30 rounds of 20
_CEILING = 500.0  # the published loss above which a run is begun anew
_HOPELESS = 1e9  # a loss that needs no patience: no published run comes back from there


class ConstantRateState(NamedTuple):
    """The state of steps of a constant rate.

    origin   the parameters that the run began with
    share    of the rate that is used: halved whenever the run is begun anew
    age      iterations since then
    """

    inner: Any
    origin: Any
    share: jax.Array
    age: jax.Array


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS (Liu & Nocedal 1989) with a line search that meets the strong Wolfe conditions.

    steps    number of iterations
    memory   number of curvature pairs kept
    rate     constant step length in place of the line search; the first step is then min(1, 1 / |g|) times as long. A
             loss that is above 1e9, or after 600 iterations above 500, begins the run anew with half the rate

    Source of the constant rate and its restarts: the published code of Sharma & Shankar (2022), arXiv 2205.09332. There
    a run begins anew with another random network; here it is the same one, since what decides is the rate.
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
        inner = self._transform().init(parameters)
        return (
            inner if self.rate is None else ConstantRateState(inner, parameters, jnp.ones(()), jnp.zeros((), jnp.int32))
        )

    def step(self, problem, parameters, state):
        """One line search along the quasi-Newton direction; the value and gradient found there are reused.

        Of a constant rate, one step along it.
        """
        if self.rate is not None:
            return self._constant(problem, parameters, state)
        value, gradient = optax.value_and_grad_from_state(problem.loss)(parameters, state=state)
        updates, state = self._transform().update(
            gradient, state, parameters, value=value, grad=gradient, value_fn=problem.loss
        )
        return optax.apply_updates(parameters, updates), state, value

    def _constant(self, problem, parameters, state: ConstantRateState):
        """One step of a constant rate, or back to the start."""
        value, gradient = jax.value_and_grad(problem.loss)(parameters)

        def go_on():
            updates, inner = self._transform().update(gradient, state.inner, parameters)
            updates = jax.tree.map(lambda u: state.share.astype(u.dtype) * u, updates)
            return optax.apply_updates(parameters, updates), state._replace(inner=inner, age=state.age + 1)

        def begin_anew():
            return state.origin, self.start(state.origin)._replace(share=state.share / 2)

        lost = ~jnp.isfinite(value) | ((value > _CEILING) & (state.age > _PATIENCE)) | (value > _HOPELESS)
        parameters, state = jax.lax.cond(lost, begin_anew, go_on)
        return parameters, state, jnp.where(jnp.isfinite(value), value, _CEILING)

    def finished(self, state):
        """Never: it goes on to its last step."""
        return jnp.asarray(False)
