"""Fully connected bodies: the plain and the modified multilayer perceptron, on (n, width) arrays and on jets."""

import math
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks.activations import activation


class Dense(eqx.Module):
    """`z = h W + b`, W of shape (inputs, outputs).

    bound     W starts uniform in +-bound, a number or (inputs, 1) of them, and b in +-pi
    initial   without a bound: "glorot" and "spread", W normal and b zero; "uniform", both in +-1 / sqrt(inputs)
    """

    weight: jax.Array
    bias: jax.Array

    def __init__(
        self, inputs: int, outputs: int, *, key, bound: float | np.ndarray | None = None, initial: str = "glorot"
    ):
        weight_key, bias_key = jax.random.split(key)
        if bound is None and initial == "uniform":
            limit = 1 / math.sqrt(inputs)
            self.weight = jax.random.uniform(weight_key, (inputs, outputs), minval=-limit, maxval=limit)
            self.bias = jax.random.uniform(bias_key, (outputs,), minval=-limit, maxval=limit)
        elif bound is None:
            scale = math.sqrt(2.0 / (inputs + outputs))
            self.weight = scale * jax.random.normal(weight_key, (inputs, outputs))
            self.bias = jnp.zeros(outputs)
        else:
            self.weight = jax.random.uniform(weight_key, (inputs, outputs), minval=-bound, maxval=bound)
            self.bias = jax.random.uniform(bias_key, (outputs,), minval=-math.pi, maxval=math.pi)

    def __call__(self, h):
        return h @ self.weight + self.bias


def _first(inputs, width, *, name, frequency, key, initial):
    """The first layer: for sine networks frequencies up to `frequency` (Sitzmann et al. 2020), else as the others.

    With the start "spread" the slopes of others go up to `frequency`, too, and each neuron has its centre, where its
    argument vanishes, at random in the box [-1, 1] of its inputs. Smooth monotonous features are all alike otherwise.
    `frequency` may be one for each input.
    """
    frequency = frequency if np.ndim(frequency) == 0 else np.reshape(frequency, (inputs, 1))
    if name == "sin" or initial != "spread":
        return Dense(inputs, width, key=key, bound=frequency if name == "sin" else None, initial=initial)
    slope_key, centre_key = jax.random.split(key)
    layer = Dense(inputs, width, key=slope_key, bound=frequency)
    centres = jax.random.uniform(centre_key, (inputs, width), minval=-1, maxval=1)
    return eqx.tree_at(lambda d: d.bias, layer, -jnp.sum(layer.weight * centres, axis=0))


class MLP(eqx.Module):
    """Multilayer perceptron: `hidden` hidden layers of one width, linear output.

    frequency   half-width of the first layer's random frequencies, sine networks only
    """

    is_basis: ClassVar[bool] = False
    meaning: ClassVar[str] = "a multilayer perceptron"
    layers: tuple[Dense, ...]
    act: Callable = eqx.field(static=True)

    def __init__(self, inputs, outputs, *, width, hidden, act="tanh", frequency=1.0, initial="glorot", key):
        keys = jax.random.split(key, hidden + 1)
        layers = [_first(inputs, width, name=act, frequency=frequency, key=keys[0], initial=initial)]
        layers += [Dense(width, width, key=k, initial=initial) for k in keys[1:-1]]
        self.layers = (*layers, Dense(width, outputs, key=keys[-1], initial=initial))
        self.act = activation(act)

    @property
    def output(self) -> Dense:
        """The linear layer that gives the outputs."""
        return self.layers[-1]

    def __call__(self, h):
        for layer in self.layers[:-1]:
            h = self.act(layer(h))
        return self.layers[-1](h)


class ModifiedMLP(eqx.Module):
    """Modified multilayer perceptron: two encodings U, V of the input gate every hidden layer.

    H_1 = act(A_1 x), Z_k = act(W_k H_k), H_{k+1} = (1 - Z_k) U + Z_k V for k = 1..`hidden`, linear output.
    Source: Wang, Teng & Perdikaris (2021), SIAM J. Sci. Comput. 43(5), section 2.6.
    """

    is_basis: ClassVar[bool] = False
    meaning: ClassVar[str] = "its gated variant (Wang, Teng & Perdikaris 2021)"
    encoders: tuple[Dense, Dense]
    first: Dense
    gates: tuple[Dense, ...]
    last: Dense
    act: Callable = eqx.field(static=True)

    def __init__(self, inputs, outputs, *, width, hidden, act="tanh", frequency=1.0, initial="glorot", key):
        keys = jax.random.split(key, hidden + 4)
        u, v, first = (_first(inputs, width, name=act, frequency=frequency, key=k, initial=initial) for k in keys[:3])
        self.encoders, self.first = (u, v), first
        self.gates = tuple(Dense(width, width, key=k, initial=initial) for k in keys[3:-1])
        self.last = Dense(width, outputs, key=keys[-1], initial=initial)
        self.act = activation(act)

    @property
    def output(self) -> Dense:
        """The linear layer that gives the outputs."""
        return self.last

    def __call__(self, x):
        u, v = (self.act(encode(x)) for encode in self.encoders)
        difference, h = v - u, self.act(self.first(x))
        for gate in self.gates:
            h = u + self.act(gate(h)) * difference
        return self.last(h)
