"""A weighted least-squares problem as optimizers see it: the same questions, whatever the method.

    loss(theta) = |r(theta)|^2,      r stacked from all residuals, weights absorbed,
    J = dr / dtheta,      normal matrix J^T J.

First-order methods ask for the loss; Gauss-Newton methods ask for rows, the normal matrix, the Jacobian where rows are
few, or products with it. Each way to differentiate answers by the cheapest route that its structure offers.
"""

from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from spindle.objective.base import ResidualObjective
from spindle.objective.causal import causal_loss


def weighted_rows(rows: Mapping[str, Sequence[jax.Array]], weights: Mapping[str, jax.Array]) -> jax.Array:
    """The rows of all residuals, each times the square root of its weight, as one vector."""
    return jnp.concatenate([jnp.sqrt(weights[name]) * row.ravel() for name, arrays in rows.items() for row in arrays])


class CausalLeastSquares:
    """A loss with causal weights: `evaluate` maps arrays to the loss and the smallest of the weights."""

    def __init__(self, evaluate: Callable):
        self._evaluate = evaluate

    def loss(self, arrays) -> jax.Array:
        """The weighted sum of squares, a scalar."""
        return self._evaluate(arrays)[0]

    def least(self, arrays) -> jax.Array:
        """The smallest causal weight."""
        return self._evaluate(arrays)[1]


class PointwiseLeastSquares:
    """A loss with a weight at each point: `evaluate` maps arrays to the loss."""

    def __init__(self, evaluate: Callable):
        self._evaluate = evaluate

    def loss(self, arrays) -> jax.Array:
        """The weighted sum of squares, a scalar."""
        return self._evaluate(arrays)


class LeastSquares:
    """An objective at fixed points and weights, as a function of the trained arrays alone.

    stop   int32 (1,), a flag that the host sets to 1 once no result is wanted any more; None: never
    """

    def __init__(self, objective, static, points, weights: Mapping[str, jax.Array], stop: jax.Array | None = None):
        self._objective, self._static, self._points, self._weights = objective, static, points, weights
        self._stop = stop

    def stopped(self) -> jax.Array:
        """Whether the host has set `stop`; long loops ask in each round, and may then leave with any result."""
        return jnp.asarray(False) if self._stop is None else self._stop[0] != 0

    def loss(self, arrays) -> jax.Array:
        """The sum of squares, a scalar."""
        return self._objective.loss(self._model(arrays), self._points, self._weights)

    def weighing(self, weights: Mapping[str, float]) -> "LeastSquares":
        """The same least squares with other weights of the residuals named."""
        changed = {name: jnp.asarray(weight, float) for name, weight in weights.items()}
        return LeastSquares(self._objective, self._static, self._points, {**self._weights, **changed}, self._stop)

    def causal(self, tolerance: float, slabs: int, *, from_start: bool = False) -> "CausalLeastSquares":
        """The same least squares with causal weights, for first-order methods; see `objective.causal`."""

        def evaluate(arrays):
            model, given = self._model(arrays), (self._points, self._weights, tolerance, slabs)
            return causal_loss(self._objective, model, *given, from_start=from_start)

        return CausalLeastSquares(evaluate)

    def at_points(self, multipliers: Mapping[str, Sequence[jax.Array]]) -> "PointwiseLeastSquares":
        """The same least squares with each residual of those named times the multiplier of its point."""

        def evaluate(arrays):
            rows = self.named_rows(arrays)
            weighed = {
                name: [r * m for r, m in zip(rows[name], multipliers[name], strict=True)]
                if name in multipliers
                else r_all
                for name, r_all in rows.items()
            }
            return sum(self._weights[name] * jnp.sum(r * r) for name, each in weighed.items() for r in each)

        return PointwiseLeastSquares(evaluate)

    def named_rows(self, arrays) -> dict[str, list[jax.Array]]:
        """The residuals before weighting, by name."""
        return self._objective.rows(self._model(arrays), self._points)

    def rows(self, arrays) -> jax.Array:
        """The residual vector r."""
        return weighted_rows(self.named_rows(arrays), self._weights)

    def normal(self, arrays) -> jax.Array:
        """J^T J, (P, P), parameters in the order of `jax.flatten_util.ravel_pytree`."""
        return self._objective.normal(self._model(arrays), self._points, self._weights)

    def assembles(self, arrays) -> bool:
        """Whether `normal` is offered."""
        return self._objective.assembles(self._model(arrays))

    def jacobian(self, arrays) -> jax.Array:
        """J, (m, P), rows as in `rows`."""
        return self._objective.jacobian(self._model(arrays), self._points, self._weights)

    def products(self, arrays) -> tuple[Callable, Callable]:
        """v -> J v and w -> J^T w, on trees like `arrays` and vectors like `rows`, without forming J."""
        _, forward = jax.linearize(self.rows, arrays)
        backward = jax.linear_transpose(forward, arrays)
        return forward, lambda w: backward(w)[0]

    def curvature(self, arrays, direction):
        """J^T d^2 r / dt^2 at t = 0 on the line from `arrays` along `direction`, in the order of `ravel_pytree`."""

        def second(a):
            def product(b):
                return self._objective.inner(self._model(a), self._model(b), self._points, self._weights)

            def slope(b):
                return jax.jvp(product, (b,), (direction,))[1]

            return jax.jvp(slope, (arrays,), (direction,))[1]

        return ravel_pytree(jax.grad(second)(arrays))[0]

    @property
    def has_jacobian(self) -> bool:
        """Whether `jacobian` is offered."""
        return isinstance(self._objective, ResidualObjective) and self._objective.has_jacobian

    @property
    def rounded(self) -> bool:
        """Whether the loss is a difference of large squares, so that half its digits are lost near zero."""
        return self._objective.rounded

    @property
    def count(self) -> int:
        """The number m of rows."""
        return self._objective.count

    def _model(self, arrays):
        return eqx.combine(arrays, self._static)
