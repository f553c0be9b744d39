"""Partials of a network of all coordinates by one forward pass on a jet (Taylor-mode automatic differentiation).

The jet carries exactly the multi-indices at or below those asked for, so a Laplacian in three dimensions costs seven
lanes of a forward pass, and a mixed partial only the lanes at or below it.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from spindle.derivatives.base import FormingJacobians
from spindle.derivatives.linearised import LinearisedResidual, gram, summed
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
    return _combined(field.partials(points, _orders(needs)), needs)


def _orders(needs: Sequence[DifferentialOperator]) -> tuple[tuple[int, ...], ...]:
    """The orders of the partials that are needed, each once."""
    return tuple(dict.fromkeys(p.orders for need in needs for p, _ in need.terms))


def _combined(
    taken: dict[tuple[int, ...], jax.Array], needs: Sequence[DifferentialOperator]
) -> dict[DifferentialOperator, jax.Array]:
    """Combinations (n,) of the partials (n, outputs), by their orders."""
    return {need: jnp.asarray(sum(c * taken[p.orders][:, p.unknown] for p, c in need.terms)) for need in needs}


def _values(field: Field, points: jax.Array, needs: Sequence[DifferentialOperator], level: int | None):
    """As `pointwise_values`; on a level, by its number, of the fields on its first side and then on its second."""
    if level is None:
        return pointwise_values(field, points, needs)
    assert isinstance(field, KinkedField), "a smooth field has one side"
    return _combined(field.beside(level, points, _orders(needs)), needs)


class PointwiseTaylor(FormingJacobians):
    """Derivatives of any field on a cloud.

    needs     the partials that each support of the cloud needs
    together  supports that need partials of the same orders are evaluated at once, as faces are: the program is then
              smaller, and compiled sooner
    """

    points: PointwisePoints

    def __init__(
        self, cloud: PointwisePoints, needs: Sequence[Sequence[DifferentialOperator]], *, together: bool = False
    ):
        self.points, self.needs, self.together = cloud, needs, together
        levels = list(dict.fromkeys(s.level for s in cloud.supports if isinstance(s, LevelPart)))
        self._levels = [levels.index(s.level) if isinstance(s, LevelPart) else None for s in cloud.supports]

    def prepare(self, field: Field, drawn):
        """The field and, for each support, its points and the partials that are known there, as `at` takes them."""
        points = self.points.without_normals(drawn)
        return field, points, self._known(field, points) if self.together else {}

    def at(self, shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support, (n,) each."""
        field, drawn, known = shared
        if support in known:
            return _combined(known[support], self.needs[support])
        return _values(field, drawn[support], self.needs[support], self._levels[support])

    def _known(self, field: Field, points) -> dict[int, dict[tuple[int, ...], jax.Array]]:
        """For each support the partials (n, outputs) at its points, by their orders."""
        alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for support, needs in enumerate(self.needs):
            if self._levels[support] is None:
                alike.setdefault(_orders(needs), []).append(support)
        known: dict[int, dict[tuple[int, ...], jax.Array]] = {}
        for orders, supports in alike.items():
            ends = np.cumsum([len(points[support]) for support in supports])[:-1]
            taken = field.partials(jnp.concatenate([points[support] for support in supports]), orders)
            parts = {order: jnp.split(values, ends) for order, values in taken.items()}
            known |= {support: {o: parts[o][k] for o in orders} for k, support in enumerate(supports)}
        return known

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
        if self._sums(piece):
            return gram(self._rows(field, drawn, piece))
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

    def _sums(self, piece) -> bool:
        return any(self.points.supports[support].sums is not None for support, _ in piece.slopes)

    def _rows(self, field, drawn, piece):
        points, (by_need, by_parameter) = self._flat(drawn, piece)
        if not self._sums(piece):
            return self._block(field, piece, points, (by_need, by_parameter))
        total = 0.0
        for entry, where, slopes in zip(piece.slopes, points, by_need, strict=True):
            rows = self._block(field, LinearisedResidual((entry,), ()), [where], ([slopes], []))
            total += summed(self.points.supports[entry[0]], rows)
        return jnp.concatenate([total, *(column[:, None] for column in by_parameter)], axis=1)

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
