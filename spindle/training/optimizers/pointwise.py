"""A stage of training with a weight at each point, by how large the residual is there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from spindle.training.optimizers.base import Optimizer

_MEMORY = 0.999  # share of the weights of attention that stays in a step
_ASCENT = 1e-2  # rate of self-adaptive weights
_TINY = 1e-30


class PointWeights(NamedTuple):
    """The optimizer's state.

    weights   {residual: one for each of its points}
    ascent    the state of the steps that self-adaptive weights take; None: they follow the residuals
    """

    inner: Any
    weights: dict[str, list[jax.Array]]
    ascent: Any


@dataclass(frozen=True)
class WeighedPoints(Optimizer):
    """An optimizer whose loss weighs each residual at each point, sum of (w_i r_i)^2 in place of r_i^2.

    inner    the optimizer
    rule     "attention": w <- 0.999 w + 0.001 |r| / max |r|, from zero on, the weights of Anagnostopoulos et al.
             (2024), Comput. Methods Appl. Mech. Eng. 421, 116805, over their bound of 10;
             "self-adaptive": w ascends the loss by Adam, from one on (McClenny & Braga-Neto 2023, J. Comput. Phys. 474)
    shapes   () -> {residual: shape of each of its arrays}, of those that are weighed

    Points must stay where they are. Later stages weigh all points alike again.
    """

    inner: Optimizer
    rule: str
    shapes: Callable[[], dict[str, list[tuple[int, ...]]]]

    @property
    def steps(self) -> int:
        """As the inner optimizer."""
        return self.inner.steps

    @property
    def resamples(self) -> bool:
        """No: each weight belongs to a point."""
        return False

    @property
    def label(self) -> str:
        """For progress lines and tables."""
        return f"{self.inner.label}, {self.rule}"

    @property
    def _ascends(self) -> bool:
        return self.rule == "self-adaptive"

    def start(self, parameters) -> PointWeights:
        """No attention yet; self-adaptive weights of one."""
        dtype = jax.tree.leaves(parameters)[0].dtype
        first = jnp.ones if self._ascends else jnp.zeros
        weights = {name: [first(shape, dtype) for shape in shapes] for name, shapes in self.shapes().items()}
        ascent = optax.adam(_ASCENT).init(weights) if self._ascends else None
        return PointWeights(self.inner.start(parameters), weights, ascent)

    def step(self, problem, parameters, state: PointWeights):
        """New weights by the residuals, and one step of the inner optimizer on the weighted loss."""
        rows = problem.named_rows(parameters)
        rows = {name: rows[name] for name in state.weights}
        if self._ascends:
            # The loss rises by 2 w r^2 with a weight: relative to the largest, so that units do not matter.
            slopes = {name: [-w * r**2 for w, r in zip(state.weights[name], rows[name], strict=True)] for name in rows}
            slopes = {name: [s / _largest(each) for s in each] for name, each in slopes.items()}
            updates, ascent = optax.adam(_ASCENT).update(slopes, state.ascent)
            weights: Any = optax.apply_updates(state.weights, updates)
        else:
            ascent, weights = None, {name: _attention(state.weights[name], rows[name]) for name in rows}
        parameters, inner, loss = self.inner.step(problem.at_points(weights), parameters, state.inner)
        return parameters, PointWeights(inner, weights, ascent), loss

    def finished(self, state: PointWeights) -> jax.Array:
        """As the inner optimizer."""
        return self.inner.finished(state.inner)


def _attention(weights, rows):
    """The weights of one residual after a step."""
    largest = _largest(rows)
    return [_MEMORY * w + (1 - _MEMORY) * jnp.abs(r) / largest for w, r in zip(weights, rows, strict=True)]


def _largest(arrays) -> jax.Array:
    """The largest modulus in all of them, and a little more, so that one may divide by it."""
    return jnp.max(jnp.stack([jnp.max(jnp.abs(a)) for a in arrays])) + _TINY
