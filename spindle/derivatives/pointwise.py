"""Partials of a network of all coordinates by one forward pass on a jet (Taylor-mode automatic differentiation).

The jet carries exactly the multi-indices at or below those asked for, so a Laplacian in three dimensions costs seven
lanes of a forward pass, and a mixed partial only the lanes at or below it.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from spindle.derivatives.base import FormingJacobians
from spindle.derivatives.linearised import LinearisedResidual, gram
from spindle.geometry.levels import LevelPart
from spindle.lowering.partials import DifferentialOperator
from spindle.networks.fields import Field
from spindle.networks.kinked import KinkedField
from spindle.points.base import PointwisePoints

_BLOCK = 1024  # rows of J held at once


def pointwise_values(
    field: Field, points: jax.Array, needs: Sequence[DifferentialOperator]
) -> dict[DifferentialOperator, jax.Array]:
    """Each partial, or combination of partials, at each of the points (n, d), as arrays (n,)."""
    terms = {need: need.terms for need in needs}
    orders = tuple(dict.fromkeys(p.orders for pairs in terms.values() for p, _ in pairs))
    taken = field.partials(points, orders)
    return {
        need: jnp.asarray(sum(c * taken[p.orders][:, p.unknown] for p, c in pairs)) for need, pairs in terms.items()
    }


def _values(field: Field, points: jax.Array, needs: Sequence[DifferentialOperator], level: int | None):
    """As `pointwise_values`; on a level, by its number, of the fields on its first side and then on its second."""
    if level is None:
        return pointwise_values(field, points, needs)
    assert isinstance(field, KinkedField), "a smooth field has one side"
    orders = tuple(dict.fromkeys(p.orders for need in needs for p, _ in need.terms))
    taken = field.beside(level, points, orders)
    return {need: jnp.asarray(sum(c * taken[p.orders][:, p.unknown] for p, c in need.terms)) for need in needs}


class PointwiseTaylor(FormingJacobians):
    """Derivatives of any field on a cloud; `needs` lists the partials that each support of the cloud needs."""

    points: PointwisePoints

    def __init__(self, cloud: PointwisePoints, needs: Sequence[Sequence[DifferentialOperator]]):
        self.points, self.needs = cloud, needs
        levels = list(dict.fromkeys(s.level for s in cloud.supports if isinstance(s, LevelPart)))
        self._levels = [levels.index(s.level) if isinstance(s, LevelPart) else None for s in cloud.supports]

    def prepare(self, field: Field, drawn):
        """The field and, for each support, its points, as `at` takes them."""
        return field, self.points.without_normals(drawn)

    def at(self, shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support, (n,) each."""
        field, drawn = shared
        return _values(field, drawn[support], self.needs[support], self._levels[support])

    def assembles(self, field: Field) -> bool:
        """True: `normal` is offered for every field."""
        return True

    def jacobian(self, field: Field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """J (m, P + parameters) of linearised residuals: one backward pass a point."""
        return jnp.concatenate([self._rows(field, drawn, piece) for piece in pieces])

    def normal(self, field: Field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """J^T J, added up piece by piece and in blocks of rows, so that J is never held whole."""
        return sum(self._normal(field, drawn, piece) for piece in pieces)

    def _normal(self, field, drawn, piece):
        points, slopes = self._flat(drawn, piece)
        size = len(points[0])
        blocks = -(-size // _BLOCK)
        padding = blocks * -(-size // blocks) - size

        def split(array):
            # Rows that only fill a block have slopes of zero, and count for nothing.
            padded = jnp.concatenate([array, jnp.zeros((padding, *array.shape[1:]), array.dtype)])
            return padded.reshape(blocks, -1, *array.shape[1:])

        def add(total, block):
            j = self._block(field, piece, *block)
            return total + gram(j), None

        columns = ravel_pytree(eqx.filter(field, eqx.is_inexact_array))[0].size + len(piece.parameters)
        filled = [jnp.concatenate([p, jnp.broadcast_to(p[:1], (padding, p.shape[1]))]) for p in points]
        cut = ([p.reshape(blocks, -1, p.shape[1]) for p in filled], jax.tree.map(split, slopes))
        return jax.lax.scan(add, jnp.zeros((columns, columns), points[0].dtype), cut)[0]

    def _rows(self, field, drawn, piece):
        return self._block(field, piece, *self._flat(drawn, piece))

    def _flat(self, drawn, piece):
        points = [self.points.without_normals(drawn)[support] for support, _ in piece.slopes]
        by_need = [[slopes[need] for need in self.needs[support]] for support, slopes in piece.slopes]
        return points, (by_need, list(piece.parameters))

    def _block(self, field, piece, points, slopes):
        """Rows of J at some points: the gradient of what each row is made of, slopes held fixed."""
        by_need, by_parameter = slopes
        arrays, static = eqx.partition(field, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)
        supports = [support for support, _ in piece.slopes]

        def row(vector, points, by_need):
            model = eqx.combine(unravel(vector), static)
            total = 0.0
            for support, point, slopes in zip(supports, points, by_need, strict=True):
                known = _values(model, point[None], self.needs[support], self._levels[support])
                total += sum(slope * known[need][0] for need, slope in zip(self.needs[support], slopes, strict=True))
            return total

        j = jax.vmap(jax.grad(row), in_axes=(None, 0, 0))(vector, points, by_need)
        return jnp.concatenate([j, *(column[:, None] for column in by_parameter)], axis=1)
