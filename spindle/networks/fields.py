"""Fields: what a method trains. A field knows its inputs, its outputs and the factor that makes conditions exact."""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax

from spindle.networks.embeddings import FourierFeatures
from spindle.networks.taylor import Jet, concatenate

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

    @property
    def parameters(self) -> int:
        """Number of trainable numbers; the frequencies of random Fourier features are drawn, not trained."""
        nodes = jax.tree.leaves(self, is_leaf=lambda node: isinstance(node, FourierFeatures))
        return sum(node.size for node in nodes if eqx.is_inexact_array(node))


def _times_factors(value, factors, points):
    """Multiply each output (n, m) by its own factors; `factors[m][k]` belongs to coordinate k."""
    columns = []
    for m, own in enumerate(factors):
        column = value[:, m : m + 1]
        for k, factor in enumerate(own):
            if factor.roots:
                column = column * factor(points[:, k : k + 1])
        columns.append(column)
    return columns


class PointwiseField(Field):
    """One network of all coordinates: `u = factor(x) * body(embedding(x))`."""

    embedding: Callable
    body: Callable
    factors: tuple[tuple[BoundaryFactor, ...], ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def __call__(self, points):
        value = self.body(self.embedding(points))
        if not any(f.roots for own in self.factors for f in own):
            return value
        columns = _times_factors(value, self.factors, points)
        return concatenate(columns)


class SeparableField(Field):
    """One body network an axis, merged by a product over axes and a sum over the separable rank.

    u_m(x_1 .. x_d) = sum over j of  prod over k of  h_mk(x_k) f_mj^(k)(x_k)

    Source: Cho et al. (2023), arXiv 2306.15969, equation 3. Component m has r features of its own, r the
    separable rank.
    """

    embeddings: tuple[Callable, ...]
    bodies: tuple[Callable, ...]
    factors: tuple[tuple[BoundaryFactor, ...], ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)

    def features(self, axis: int, x):
        """Features (n, outputs * rank) of one axis at x (n, 1), array or jet, boundary factor included."""
        value = self.bodies[axis](self.embeddings[axis](x))
        if not any(own[axis].roots for own in self.factors):
            return value
        width = value.lanes[0].shape[1] if isinstance(value, Jet) else value.shape[1]
        blocks, rank = [], width // self.outputs
        for m, own in enumerate(self.factors):
            block = value[:, m * rank : (m + 1) * rank]
            blocks.append(block * own[axis](x) if own[axis].roots else block)
        return concatenate(blocks)

    def __call__(self, points):
        product = math.prod(
            (self.features(k, points[:, k : k + 1]) for k in range(1, len(self.bodies))),
            start=self.features(0, points[:, :1]),
        )

        def merged(lane):
            return lane.reshape(len(lane), self.outputs, -1).sum(-1)

        return product.each(merged) if isinstance(product, Jet) else merged(product)
