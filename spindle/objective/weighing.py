"""How much pieces, points and measurements count in a mean square."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from spindle.lowering.residuals import ResidualForm
from spindle.problem.conditions.base import Measurement

_NOISY = 1e-3  # most weight of measurements of known noise


def shares_of(form: ResidualForm, *, summed: bool) -> tuple[float, ...]:
    """The weight of each piece in the mean over a residual: by its size, or one each where their means are summed."""
    return tuple(1.0 if summed else size / sum(form.sizes) for size in form.sizes)


def weighed(roots: Sequence | None, value, count: int | None = None):
    """The value times the square roots of the quadrature weights (of sum one) of the grid or cloud.

    count   of the rows, where they are not as many as the values
    """
    if roots is None or all(r is None for r in roots):
        return value * (1.0 / np.sqrt(count or value.size))
    for axis, root in enumerate(roots):
        if root is None:
            value = value * (1.0 / np.sqrt(value.shape[axis]))
        else:
            value = value * jnp.asarray(root, value.dtype).reshape([-1 if k == axis else 1 for k in range(value.ndim)])
    return value


def trust(measured: Measurement, conditions: float) -> float:
    """The weight of measurements of known noise, in units of which the true solution leaves a mean square of 1.

    Equations weigh 1 and hold exactly. Measurements that weighed as much would bend the field towards their noise: the
    error of u is 10 times larger then, and 30 times where they weigh 100 as conditions do. Where the noise is so small
    that a condition would count less, they are one.
    """
    size = np.sqrt(np.mean(np.square(measured.values)))
    return min(_NOISY, conditions * (measured.noise / max(size, measured.noise)) ** 2)
