"""Activation functions that act on arrays and on jets alike.

Each is given by its Taylor coefficients; those with a differential equation y' = p(y) get them from its recurrence.
"""

import math
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from jax.nn import sigmoid as _sigmoid
from jax.nn import softplus as _softplus

from spindle.errors import MethodError, nearest
from spindle.networks.taylor import composed


def _tanh_series(z, highest):
    """y' = 1 - y^2 gives (k+1) y_{k+1} = [k=0] - sum_i y_i y_{k-i}."""
    y = [jnp.tanh(z)]
    for k in range(highest):
        square = sum(y[i] * y[k - i] for i in range(k + 1))
        y.append(((1.0 if k == 0 else 0.0) - square) / (k + 1))
    return y


def _sigmoid_series(z, highest):
    """y' = y - y^2 gives (k+1) y_{k+1} = y_k - sum_i y_i y_{k-i}."""
    y = [_sigmoid(z)]
    for k in range(highest):
        y.append((y[k] - sum(y[i] * y[k - i] for i in range(k + 1))) / (k + 1))
    return y


def _sin_series(z, highest):
    """Derivatives cycle through sin, cos, -sin, -cos."""
    s, c = jnp.sin(z), jnp.cos(z)
    cycle = (s, c, -s, -c)
    return [cycle[k % 4] / math.factorial(k) for k in range(highest + 1)]


def _cos_series(z, highest):
    """Derivatives cycle through cos, -sin, -cos, sin."""
    s, c = jnp.sin(z), jnp.cos(z)
    cycle = (c, -s, -c, s)
    return [cycle[k % 4] / math.factorial(k) for k in range(highest + 1)]


def _exp_series(z, highest):
    """Every derivative is exp itself."""
    e = jnp.exp(z)
    return [e / math.factorial(k) for k in range(highest + 1)]


def _softplus_series(z, highest):
    """y' is the sigmoid, so y_{k+1} = sigmoid_k / (k+1)."""
    slopes = _sigmoid_series(z, highest - 1) if highest else []
    return [_softplus(z), *(slope / (k + 1) for k, slope in enumerate(slopes))]


def _relu_series(z, highest):
    """A line on each side of zero."""
    on = (z > 0).astype(z.dtype)
    return [on * z, on, *[jnp.zeros_like(z)] * highest][: highest + 1]


def _elementwise(series) -> Callable:
    def function(z):
        return composed(z, series)

    return function


tanh = _elementwise(_tanh_series)
sin = _elementwise(_sin_series)
cos = _elementwise(_cos_series)
exp = _elementwise(_exp_series)
sigmoid = _elementwise(_sigmoid_series)
softplus = _elementwise(_softplus_series)
relu = _elementwise(_relu_series)


def swish(z):
    """`z * sigmoid(z)`."""
    return z * sigmoid(z)


def gaussian(z):
    """`exp(-z^2 / 2)`."""
    return exp(-0.5 * (z * z))


@cache  # two networks with one function are built alike
def _of_function(function: Callable) -> Callable:
    """A function of arrays, entry by entry, with Taylor coefficients from nested forward differentiation."""

    def series(z, highest):
        slope, values = function, [function(z)]
        for k in range(1, highest + 1):
            slope = _slope(slope)
            values.append(slope(z) / math.factorial(k))
        return values

    return _elementwise(series)


def _slope(function: Callable) -> Callable:
    """The derivative, entry by entry."""
    return lambda z: jax.jvp(function, (z,), (jnp.ones_like(z),))[1]


ACTIVATIONS: dict[str, Callable] = {"tanh": tanh, "sin": sin, "swish": swish, "gaussian": gaussian, "sigmoid": sigmoid}


def activation(name: str | Callable) -> Callable:
    """The activation function of that name, or a function of arrays as one of jets, too.

    Raises MethodError where there is none of that name.
    """
    if not isinstance(name, str) and callable(name):
        return _of_function(name)
    if name not in ACTIVATIONS:
        raise MethodError(f"`activation={name!r}` is not known." + nearest(str(name), ACTIVATIONS))
    return ACTIVATIONS[name]
