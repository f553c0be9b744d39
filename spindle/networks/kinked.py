"""Fields that are continuous, and whose slopes jump where given levels vanish."""

import math
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.networks.fields import JetField
from spindle.networks.taylor import Jet, closure, concatenate

Level = Callable[[jax.Array, tuple[int, ...]], jax.Array]
"""Points (n, d) and the orders of a partial derivative -> its values (n, 1)."""


class KinkedField(JetField):
    """u = body(embedding(x), |g_1(x)|, |g_2(x)|, ..), g_k the levels: about one in size.

    levels    their partial derivatives
    outputs   how many u there are

    On one side of a level the same formula with +g_k or -g_k is smooth across it, and tells one-sided derivatives.

    Source: Tseng, Lin, Hu & Lai (2023), J. Comput. Phys. 491, A cusp-capturing PINN for elliptic interface problems.
    """

    embedding: Callable
    body: Callable
    levels: tuple[Level, ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def __call__(self, points):
        """Values (n, outputs) at points (n, d), or their jet at the jet of points themselves, `Jet.variables`."""
        return self._with_signs(points, {})

    def beside(self, level: int, points: jax.Array, orders: Sequence[tuple[int, ...]]) -> dict:
        """Partial derivatives (n, 2 outputs), {orders: values}: where a level is negative, then where it is positive.

        points   near the zeros of that level
        """
        indices = closure(orders, points.shape[1])
        variables = Jet.variables(points, indices) if len(indices) > 1 else points
        sides = [self._with_signs(variables, {level: sign}) for sign in (-1.0, 1.0)]
        return {
            order: jnp.concatenate([s.derivative(order) if isinstance(s, Jet) else s for s in sides], axis=1)
            for order in orders
        }

    def _with_signs(self, points, signs: Mapping[int, float]):
        """The field where some levels have given signs, and all others those at the points."""
        values = points.lanes[0] if isinstance(points, Jet) else points
        kinks: list = []
        for k, level in enumerate(self.levels):
            here = level(values, (0,) * values.shape[1])
            sign = signs.get(k, jnp.where(here < 0, -1.0, 1.0))
            if isinstance(points, Jet):
                lanes = [sign * level(values, i) / math.prod(map(math.factorial, i)) for i in points.indices]
                kinks.append(Jet(tuple(lanes), points.indices))
            else:
                kinks.append(sign * here)
        return self.body(concatenate([self.embedding(points), *kinks]))
