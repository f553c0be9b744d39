"""Truncated Taylor arithmetic: a network evaluated on a `Jet` returns its value and its partial derivatives at once.

A jet carries, for a set of multi-indices alpha closed under going down, the Taylor coefficients
c_alpha = d^alpha f / alpha!. In these coefficients the product of two functions is a convolution, and a composition
y = f(z) follows from the powers of z - z_0:

    y_gamma = sum over k of  f^(k)(z_0) / k!  *  [(z - z_0)^k]_gamma .

Every lane passes through a layer's matrix once, so a jet of L lanes costs L forward passes instead of nested
differentiation (Griewank & Walther 2008, Evaluating Derivatives, chapter 13).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, singledispatch

import equinox as eqx
import jax
import jax.numpy as jnp

Index = tuple[int, ...]

# Below so many rows the lanes share one matrix product, which saves dispatch; above, stacking them would only copy.
_LARGE = 1024


def closure(orders: Iterable[Index], dimensions: int) -> tuple[Index, ...]:
    """The smallest set of multi-indices that contains `orders` and everything below them, zero first."""
    closed, stack = {(0,) * dimensions}, list(orders)
    while stack:
        index = stack.pop()
        closed.add(index)
        stack += [(*index[:k], n - 1, *index[k + 1 :]) for k, n in enumerate(index) if n]
    return tuple(sorted(closed, key=lambda i: (sum(i), tuple(-n for n in i))))


@cache
def _splits(indices: tuple[Index, ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """For each lane gamma all pairs of lanes (alpha, beta) with alpha + beta = gamma."""
    position = {index: k for k, index in enumerate(indices)}
    pairs = []
    for gamma in indices:
        rests = ((a, tuple(g - x for g, x in zip(gamma, alpha, strict=True))) for a, alpha in enumerate(indices))
        pairs.append(tuple((a, position[rest]) for a, rest in rests if min(rest, default=0) >= 0))
    return tuple(pairs)


class Jet(eqx.Module):
    """Taylor coefficients of a batch of values.

    lanes     one array (n, width) for each of `indices`; lane 0 is the value
    indices   the multi-indices, closed under going down, zero first
    """

    lanes: tuple[jax.Array, ...]
    indices: tuple[Index, ...] = eqx.field(static=True)

    @staticmethod
    def variables(points: jax.Array, indices: tuple[Index, ...]) -> "Jet":
        """The coordinates (n, d) themselves: first derivatives are the unit vectors, higher ones vanish."""
        dimensions = points.shape[1]
        units = jnp.eye(dimensions, dtype=points.dtype)
        lanes = [points]
        for index in indices[1:]:
            row = units[index.index(1)] if sum(index) == 1 else jnp.zeros(dimensions, points.dtype)
            lanes.append(jnp.broadcast_to(row, points.shape))
        return Jet(tuple(lanes), indices)

    def derivative(self, index: Index) -> jax.Array:
        """The partial derivative of that multi-index, (n, width)."""
        return self.lanes[self.indices.index(index)] * math.prod(math.factorial(n) for n in index)

    def each(self, function) -> "Jet":
        """The jet with a linear function applied to every lane."""
        return Jet(tuple(function(lane) for lane in self.lanes), self.indices)

    def __matmul__(self, matrix):
        rows = self.lanes[0].shape[0]
        if rows > _LARGE:
            return self.each(lambda lane: lane @ matrix)
        stacked = jnp.concatenate(self.lanes) @ matrix
        return Jet(tuple(stacked[k * rows : (k + 1) * rows] for k in range(len(self.lanes))), self.indices)

    def __add__(self, other):
        if isinstance(other, Jet):
            return Jet(tuple(a + b for a, b in zip(self.lanes, other.lanes, strict=True)), self.indices)
        return Jet((self.lanes[0] + other, *self.lanes[1:]), self.indices)

    def __mul__(self, other):
        if not isinstance(other, Jet):
            return self.each(lambda lane: lane * other)
        products = (_convolve(self.lanes, other.lanes, pairs) for pairs in _splits(self.indices))
        return Jet(tuple(products), self.indices)

    def __neg__(self):
        return self.each(lambda lane: -lane)

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__

    def __getitem__(self, columns):
        return self.each(lambda lane: lane[columns])

    def compose(self, taylor) -> "Jet":
        """The jet of f(z) for this jet z; `taylor(z0, K)` returns [f, f', f''/2, ..., f^(K)/K!] at z0."""
        highest = max(map(sum, self.indices))
        series = taylor(self.lanes[0], highest)
        splits = _splits(self.indices)
        shift = [None, *self.lanes[1:]]
        power, lanes = shift, [series[0], *(series[1] * lane for lane in shift[1:])] if highest else [series[0]]
        for k in range(2, highest + 1):
            power = [_convolve(power, shift, pairs) for pairs in splits]
            lanes = [lane if p is None else lane + series[k] * p for lane, p in zip(lanes, power, strict=True)]
        return Jet(tuple(lanes), self.indices)


@singledispatch
def value_of(x) -> jax.Array:
    """The value (n, width) of an array, which is itself, or of a jet, whose derivatives are left out."""
    return x


@value_of.register
def _(x: Jet) -> jax.Array:
    return x.lanes[0]


@singledispatch
def composed(x, taylor: Callable):
    """f(x) of an array or a jet; `taylor` as in `Jet.compose`."""
    return taylor(x, 0)[0]


@composed.register
def _(x: Jet, taylor: Callable) -> Jet:
    return x.compose(taylor)


@singledispatch
def linear(x, function: Callable):
    """A linear function of an array, or of every lane of a jet."""
    return function(x)


@linear.register
def _(x: Jet, function: Callable) -> Jet:
    return x.each(function)


def _convolve(a: Sequence, b: Sequence, pairs):
    """One lane of a product of jets whose absent lanes (None) are zero; None when nothing is left."""
    products = [a[i] * b[j] for i, j in pairs if a[i] is not None and b[j] is not None]
    return sum(products) if products else None


def concatenate(parts: Sequence):
    """The arrays or jets joined along their last axis."""
    if isinstance(parts[0], Jet):
        lanes = zip(*(p.lanes for p in parts), strict=True)
        return Jet(tuple(jnp.concatenate(lane, axis=-1) for lane in lanes), parts[0].indices)
    return jnp.concatenate(parts, axis=-1)
