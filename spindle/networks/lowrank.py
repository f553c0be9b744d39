"""Low-rank neural representations: wide networks whose weights are W = U diag(s) V^T, and the network that gives s.

The bases U, V and the biases are shared by a whole family of functions; a member is its coefficients s >= 0. Weights
are never multiplied out: a layer of width M and rank r costs 4 M r flops a point instead of 2 M^2.

Source: Cho, Lee, Rim & Park (2023), arXiv 2310.09528; Cho et al. (2024), arXiv 2410.04001, equations 2.1 to 2.5.
"""

import math
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.networks.activations import activation, relu, softplus, tanh
from spindle.networks.embeddings import Embedding
from spindle.networks.fields import BoundaryFactor, JetField, with_factors
from spindle.networks.layers import Dense
from spindle.networks.taylor import Jet

POSITIVE: dict[str, Callable] = {"relu": relu, "softplus": softplus}


class LowRankLayer(eqx.Module):
    """`z = U (s * (V^T h + c)) + b` for h (n, inputs) and coefficients s that broadcast to (n, r).

    left    U, (outputs, r)
    right   V, (inputs, r)
    bias    b, (outputs,), the same for all members, or None
    shift   c, (r,), the right factors of a bias U diag(s) c that is low-rank like the weights, or None
    """

    left: jax.Array
    right: jax.Array
    bias: jax.Array | None
    shift: jax.Array | None = None

    def __call__(self, h, s):
        inner = h @ self.right
        z = ((inner if self.shift is None else inner + self.shift) * s) @ self.left.T
        return z if self.bias is None else z + self.bias

    @property
    def rank(self) -> int:
        """The number of coefficients."""
        return self.left.shape[1]


class LowRankNetwork(eqx.Module):
    """Dense first layer, low-rank hidden layers, dense last layer.

    `network(h, coefficients)` takes embedded points (n, inputs), array or jet, and the s of each low-rank layer.
    lift   of a reduced network: (M, neurons), from its last hidden state to that of the whole one; else None
    Source: Cho et al. (2024), equations 2.2 and 2.8; a reduced network is one of these, with fewer neurons.
    """

    first: Dense
    hidden: tuple[LowRankLayer, ...]
    last: Dense
    act: Callable = eqx.field(static=True)
    lift: jax.Array | None = None

    def __call__(self, h, coefficients: Sequence):
        h = self.act(self.first(h))
        for layer, s in zip(self.hidden, coefficients, strict=True):
            h = self.act(layer(h, s))
        return self.last(h)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The rank of each low-rank layer."""
        return tuple(layer.rank for layer in self.hidden)


def low_rank_network(inputs, outputs, *, width, hidden, rank, act, frequency, initial, biases, key) -> LowRankNetwork:
    """A low-rank network with its initial weights.

    initial   of the bases: "uniform", entries in [0, 1 / width] as published; else orthonormal columns
    biases    of the low-rank layers: "plain", "factored" or "off"
    """
    keys = jax.random.split(key, hidden + 2)
    bound = frequency if act == "sin" else None
    return LowRankNetwork(
        Dense(inputs, width, key=keys[0], bound=bound, initial="uniform"),
        tuple(_layer(width, rank, initial, biases, k) for k in keys[1:-1]),
        Dense(width, outputs, key=keys[-1], initial="uniform"),
        activation(act),
    )


def _layer(width, rank, initial, biases, key) -> LowRankLayer:
    left, right, bias = jax.random.split(key, 3)
    if initial == "uniform":
        u, v = (jax.random.uniform(k, (width, rank), maxval=1 / width) for k in (left, right))
    else:
        u, v = (jnp.linalg.qr(jax.random.normal(k, (width, rank)))[0] for k in (left, right))
    sizes = {"plain": width, "factored": rank}
    drawn = jax.random.uniform(bias, (sizes[biases],), minval=-0.5, maxval=0.5) if biases in sizes else None
    return LowRankLayer(u, v, drawn if biases == "plain" else None, drawn if biases == "factored" else None)


class HyperNetwork(eqx.Module):
    """A tanh network from parameters of the family to the coefficients s >= 0 of each low-rank layer, one head a layer.

    `network(mu)` takes parameters (n, p), array or jet, and returns a list of (n, r).
    scale      of all coefficients, so that layers with orthonormal bases pass on signals of size one
    positive   "relu" as published, whose zeros can be truncated, or "softplus", which is smooth
    Source: Cho et al. (2024), equation 3.1.
    """

    body: tuple[Dense, ...]
    heads: tuple[Dense, ...]
    scale: float = eqx.field(static=True)
    positive: Callable = eqx.field(static=True)

    def __init__(self, inputs, ranks: Sequence[int], *, width, hidden, positive, scale, key):
        keys = jax.random.split(key, hidden + len(ranks))
        sizes = [inputs, *[width] * hidden]
        self.body = tuple(
            Dense(a, b, key=k, initial="uniform") for a, b, k in zip(sizes[:-1], sizes[1:], keys[:hidden], strict=True)
        )
        self.heads = tuple(
            Dense(sizes[-1], r, key=k, initial="uniform") for r, k in zip(ranks, keys[hidden:], strict=True)
        )
        self.scale, self.positive = scale, POSITIVE[positive]

    def __call__(self, mu):
        for layer in self.body:
            mu = tanh(layer(mu))
        return [self.positive(head(mu)) * self.scale for head in self.heads]


def coefficient_scale(width: int, rank: int) -> float:
    """The size of r coefficients that give M neurons inputs of size one, with orthonormal bases.

    V^T h has entries of the size of those of h, and U s entries of size s sqrt(r / M); 1.5 / log 2 brings softplus(0)
    to one and a half, since activations shrink.
    """
    return 1.5 / math.log(2) * math.sqrt(width / rank)


class FamilyField(JetField):
    """u(x; mu): a low-rank network of the coordinates whose coefficients a hypernetwork gives.

    axes         the columns of the coordinates, and those of the parameters
    parameter_scale   what the parameters pass through first: scaled to [-1, 1], or as they are
    coefficients one s a layer, of broadcastable shape, in place of the hypernetwork's; None: the hypernetwork's
    free_last    whether each member has its last layer, which is then tuned like its coefficients
    """

    embedding: Embedding
    network: LowRankNetwork
    hyper: HyperNetwork
    parameter_scale: Embedding
    factors: tuple[tuple[BoundaryFactor, ...], ...] = eqx.field(static=True)
    axes: tuple[tuple[int, ...], tuple[int, ...]] = eqx.field(static=True)
    coefficients: list[jax.Array] | None = None
    free_last: bool = eqx.field(static=True, default=False)

    def __call__(self, points):
        coordinates, family_parameters = (list(columns) for columns in self.axes)
        s = self.coefficients
        if s is None:
            s = self.hyper(self.parameter_scale(_parameters(points, family_parameters)))
        value = self.network(self.embedding(points[:, coordinates]), s)
        return with_factors(value, self.factors, points)

    def coefficients_at(self, mu: jax.Array) -> list[jax.Array]:
        """The hypernetwork's coefficients, one (n, r) a layer, for parameters (n, p)."""
        return self.hyper(self.parameter_scale(mu))


def _parameters(points, columns):
    """The parameters as a jet only where some lane differentiates along them: no residual does."""
    if not isinstance(points, Jet):
        return points[:, columns]
    differentiated = any(index[k] for index in points.indices for k in columns)
    return points[:, columns] if differentiated else points.lanes[0][:, columns]
