"""Fields: what a method trains. A field knows its inputs, its outputs and the factor that makes conditions exact."""

import abc
import math
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import numpy as np

from spindle.networks.embeddings import FourierFeatures
from spindle.networks.taylor import Jet, closure, concatenate, linear, value_of

Roots = tuple[tuple[float, int], ...]


class BoundaryFactor(eqx.Module):
    """A polynomial of one coordinate that vanishes where conditions are imposed, of size about one in between.

    roots   (position, multiplicity) pairs; none: the factor is 1
    scale   the largest distance from a root inside the interval
    """

    roots: Roots = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __call__(self, x):
        factor = None
        for root, multiplicity in self.roots:
            for _ in range(multiplicity):
                distance = (x + (-root)) * (1 / self.scale)
                factor = distance if factor is None else factor * distance
        return factor


class Field(eqx.Module):
    """Interface of all fields (never built itself): `field(points)` maps (n, d), array or jet, to (n, outputs)."""

    @abc.abstractmethod
    def __call__(self, points):
        """Values (n, outputs) at points (n, d), or their jet at a jet of points."""

    @abc.abstractmethod
    def partials(self, points, orders: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], jax.Array]:
        """Partial derivatives (n, outputs) at points (n, d), {orders: values}."""

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """Number of trained numbers."""


class MarchedField(Field):
    """Interface of fields with coefficients that a march solves for (never built itself)."""

    coefficients: eqx.AbstractVar[jax.Array]

    @property
    def parameters(self) -> int:
        """The number of coefficients."""
        return self.coefficients.size

    @property
    def holds(self) -> bool:
        """Whether anything was solved."""
        return bool(np.any(np.asarray(self.coefficients)))

    def __call__(self, points):
        """Values (n, outputs) at points (n, d), or their jet at the jet of points themselves, `Jet.variables`."""
        if not isinstance(points, Jet):
            zero = (0,) * points.shape[1]
            return self.partials(points, [zero])[zero]
        taken = self.partials(points.lanes[0], points.indices)
        return Jet(tuple(taken[i] / math.prod(map(math.factorial, i)) for i in points.indices), points.indices)

    @abc.abstractmethod
    def last_shares(self) -> dict[int, float]:
        """{axis: share of the root mean square that the last coefficients along it hold}, of the worst unknown."""


class GriddedField(MarchedField):
    """Interface of such fields that cost far less on tensor grids than at as many points (never built itself)."""

    @abc.abstractmethod
    def on_grid(self, axes, orders) -> dict[tuple[int, ...], jax.Array]:
        """Partial derivatives on the tensor grid of axes (n_k,), {orders: (outputs, n_1, .., n_d)}."""


class JetField(Field):
    """Interface of fields whose derivatives come from one pass on a jet (never built itself)."""

    def partials(self, points, orders: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], jax.Array]:
        """Partial derivatives (n, outputs) at points (n, d), {orders: values}, by one forward pass on a jet."""
        indices = closure(orders, points.shape[1])
        if len(indices) == 1:
            return dict.fromkeys(orders, self(points))
        jet = self(Jet.variables(points, indices))
        return {order: jet.derivative(order) for order in orders}

    @property
    def parameters(self) -> int:
        """Number of trainable numbers; the frequencies of random Fourier features are drawn, not trained."""
        nodes = jax.tree.leaves(self, is_leaf=lambda node: isinstance(node, FourierFeatures))
        return sum(node.size for node in nodes if eqx.is_inexact_array(node))


def with_factors(value, factors, points):
    """The outputs (n, m), each times its boundary factors; `factors[m][k]` belongs to coordinate k."""
    if not any(f.roots for of_output in factors for f in of_output):
        return value
    columns = []
    for m, of_output in enumerate(factors):
        column = value[:, m : m + 1]
        for k, factor in enumerate(of_output):
            if factor.roots:
                column = column * factor(points[:, k : k + 1])
        columns.append(column)
    return concatenate(columns)


class PointwiseField(JetField):
    """One network of all coordinates: `u = factor(x) * body(embedding(x))`."""

    embedding: Callable
    body: Callable
    factors: tuple[tuple[BoundaryFactor, ...], ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def __call__(self, points):
        return with_factors(self.body(self.embedding(points)), self.factors, points)


class AxisField(JetField):
    """Interface of fields that are made of features of one coordinate each (never built itself)."""

    embeddings: tuple[Callable, ...]
    bodies: tuple[Callable, ...]
    factors: tuple[tuple[BoundaryFactor, ...], ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def features(self, axis: int, x):
        """Features (n, outputs * columns) of one axis at x (n, 1), array or jet, boundary factor included."""
        value = self.bodies[axis](self.embeddings[axis](x))
        if not any(of_output[axis].roots for of_output in self.factors):
            return value
        blocks, columns = [], value_of(value).shape[1] // self.outputs
        for m, of_output in enumerate(self.factors):
            block = value[:, m * columns : (m + 1) * columns]
            blocks.append(block * of_output[axis](x) if of_output[axis].roots else block)
        return concatenate(blocks)

    @property
    @abc.abstractmethod
    def core(self) -> jax.Array | None:
        """The coefficients of products of features, (outputs, columns of each axis); None: see `SeparableField`."""


class SeparableField(AxisField):
    """One body network an axis, merged by a product over axes and a sum over the separable rank.

    u_m(x_1 .. x_d) = sum over j of  prod over k of  h_mk(x_k) f_mj^(k)(x_k)

    Source: Cho et al. (2023), arXiv 2306.15969, equation 3. Each component m has its r features, r the
    separable rank.
    """

    @property
    def core(self) -> None:
        """None: a feature is multiplied by features of the same number only."""

    def __call__(self, points):
        product = math.prod(
            (self.features(k, points[:, k : k + 1]) for k in range(1, len(self.bodies))),
            start=self.features(0, points[:, :1]),
        )

        def merged(lane):
            return lane.reshape(len(lane), self.outputs, -1).sum(-1)

        return linear(product, merged)


class TensorField(AxisField):
    """Sums of all products of frozen features of the axes, with one coefficient for each product.

    u_m(x_1 .. x_d) = sum over i_1 .. i_d of  c_m[i_1, .., i_d]  prod over k of  h_mk(x_k) phi_{i_k}^(k)(x_k)

    It holds every sum of products of those features, whatever its separable rank, and depends linearly on what is
    trained; the price are prod M_k numbers.

    coefficients   (outputs, M_1, .., M_d)
    """

    coefficients: jax.Array

    @property
    def core(self) -> jax.Array:
        """The coefficients (outputs, M_1, .., M_d)."""
        return self.coefficients

    def __call__(self, points):
        features = [self.features(k, points[:, k : k + 1]) for k in range(len(self.bodies))]
        return concatenate([self._value(m, features) for m in range(self.outputs)])

    def _value(self, m, features):
        """One component (n, 1): the axes are summed over one after the other, the last first."""
        widths = self.coefficients.shape[1:]
        matrices = [f[:, m * width : (m + 1) * width] for f, width in zip(features, widths, strict=True)]
        rest = matrices[-1] @ self.coefficients[m].reshape(-1, widths[-1]).T
        for width, feature in zip(widths[-2::-1], matrices[-2::-1], strict=True):
            split = linear(rest, lambda lane, width=width: lane.reshape(len(lane), -1, width))
            rest = linear(split * linear(feature, lambda lane: lane[:, None, :]), lambda lane: lane.sum(-1))
        return rest
