"""Partials at scattered nodes: RBF-FD in space, Taylor mode or finite differences in time.

The field is evaluated once at all nodes, ghosts included, with its time derivatives; every space derivative is a sparse
product with these values. For Gauss-Newton the Jacobian of a residual is the same sparse product with the Jacobian of
the values, which needs no derivative of the field in space.

Source: Sharma & Shankar (2022), Accelerated Training of Physics-Informed Neural Networks using Meshless
Discretizations, arXiv 2205.09332.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax.flatten_util import ravel_pytree

from spindle.derivatives.base import FormingJacobians
from spindle.derivatives.linearised import LinearisedResidual, gram
from spindle.derivatives.pointwise import PointwiseTaylor, pointwise_values
from spindle.derivatives.rbf_fd.kernels import kernel_exponent
from spindle.derivatives.rbf_fd.one_sided import one_sided
from spindle.derivatives.rbf_fd.sparse import Blocks, Stencils
from spindle.derivatives.rbf_fd.time_differences import Differences
from spindle.errors import MethodError
from spindle.geometry.levels import LevelPart
from spindle.lowering.partials import DifferentialOperator
from spindle.networks.fields import Field, JetField
from spindle.networks.taylor import Jet, closure
from spindle.points.drawing import without_constant_folding
from spindle.points.nodes import NodeCloud
from spindle.points.query import QueryPoints

_BLOCK = 128  # rows of J that are made by one dense product, and so many products
_GROUP = 4  # before they are used: J^T J wants more rows than its factors


class NodalField(JetField):
    """A field known by its values at the nodes instead of by a network: what a classical solver looks for.

    lanes   (time derivatives, M nodes, T instants, outputs); without time one instant
    """

    lanes: jax.Array

    def __call__(self, points):
        """Raises NotImplementedError: between the nodes nothing is known."""
        raise NotImplementedError("values at nodes are known at the nodes only")


@dataclass(frozen=True)
class _Part:
    """A summand of a need: a factor times operator `number` (0: the value) of time derivative `lane` of an unknown."""

    lane: int
    unknown: int
    number: int
    factor: float


class RBFFDDerivatives(FormingJacobians):
    """Derivatives of any field at nodes.

    points     nodes and instants
    needs      for each support the partials, and combinations of partials, that its residuals contain
    order      p, the order of accuracy of every residual
    exponent   m of the kernel r^m, or one of `KERNEL_RULES`
    size       nodes in a stencil; None: twice the number of polynomials, and one
    instants   whether derivatives in time are differences of order p between the instants; else they are exact

    Raises MethodError where there are too few instants for their differences.
    """

    points: NodeCloud

    def __init__(
        self,
        points: NodeCloud,
        needs: Sequence[Sequence[DifferentialOperator]],
        *,
        order: int,
        exponent: int | str = 7,
        size: int | None = None,
        instants: bool = False,
    ):
        self.points, self.needs = points, needs
        self._scheme = (order, exponent, size)
        self._parts: list[dict[DifferentialOperator, list[_Part]]] = []
        self.stencils: list[Stencils] = []
        for needed in needs:
            parts, operators = self._analysed(needed, points.supports[len(self.stencils)])
            self._parts.append(parts)
            self.stencils.append(self._weights(len(self.stencils), operators))
        self.lanes = 1 + max((p.lane for parts in self._parts for ps in parts.values() for p in ps), default=0)
        self._differences = _differences(points.times, self.lanes, order) if instants else None
        nowhere = np.zeros((0, 0))
        chosen = [(nowhere if s.measured is None else s.measured, None) for s in points.supports]
        self._between = PointwiseTaylor(QueryPoints(points.supports, chosen, ()), needs)  # measurements lie there

    def _analysed(self, needs, support):
        """The summands of each need, by time derivative and unknown, and the space operators that occur in them.

        An operator is a pair of the side that it is taken on, None away from interfaces, and its coefficients.
        """
        parts, operators = {}, []
        outputs = support.unknowns if isinstance(support, LevelPart) else None
        axis = self.points.axis
        for need in needs:
            combined = defaultdict(lambda: defaultdict(float))
            for term, factor in need.terms:
                lane = 0 if axis is None else term.orders[axis]
                space = tuple(n for k, n in enumerate(term.orders) if k != axis)
                combined[lane, term.unknown][space] += factor
            parts[need] = []
            for (lane, number), operator in combined.items():
                side, unknown = (None, number) if outputs is None else divmod(number, outputs)
                value = operator.pop((0,) * self.points.positions.shape[1], 0.0)
                if value:
                    parts[need].append(_Part(lane, unknown, 0, value))
                if operator:
                    sided = side, dict(operator)
                    operators += [sided] if sided not in operators else []
                    parts[need].append(_Part(lane, unknown, 1 + operators.index(sided), 1.0))
        return parts, operators

    def _weights(self, support: int, operators) -> Stencils:
        """The operators at some nodes: polynomials of degree p + theta - 1 make operators of order theta accurate to p.

        Without operators, a table of the nodes themselves.
        """
        rows, count = self.points.rows[support], len(self.points.positions)
        if not operators or not len(rows):
            return Stencils.of(rows[:, None], np.zeros((0, len(rows), 1)), count)
        order, exponent, size = self._scheme
        highest = max(sum(orders) for _, operator in operators for orders in operator)
        degree = order + highest - 1
        scheme = {"degree": degree, "size": size, "exponent": kernel_exponent(exponent, degree, highest)}
        centres, parts = self.points.positions[rows], []
        for side in dict.fromkeys(side for side, _ in operators):
            chosen = [k for k, (where, _) in enumerate(operators) if where == side]
            sides = self._on_side(support, side)
            idx, one_side = one_sided(
                (self.points.positions, self.points.sides), (centres, sides), [operators[k][1] for k in chosen], scheme
            )
            weights = np.zeros((len(operators), *idx.shape))
            weights[chosen] = one_side
            parts.append((idx, weights))
        return Stencils.of(
            np.concatenate([idx for idx, _ in parts], axis=1), np.concatenate([w for _, w in parts], axis=2), count
        )

    def _on_side(self, support: int, side: int | None) -> np.ndarray:
        """(m, levels) the sides of a support's nodes; on its own level that which is given, the first 0, else 1."""
        where, sides = self.points.supports[support], self.points.sides[self.points.rows[support]]
        if isinstance(where, LevelPart):
            sides = sides.copy()
            sides[:, [part.level for part in self.points.levels].index(where.level)] = 1 if side else -1
        return sides

    def prepare(self, field: Field, drawn):
        """The field at all nodes and instants, with its time derivatives: (lanes, M, T, outputs)."""
        if isinstance(field, NodalField):
            return field.lanes, field
        nodes, times = self.points.positions, self.points.times
        spread = np.repeat(nodes, 1 if times is None else len(times), axis=0)
        if times is not None and self.points.axis is not None:
            spread = np.insert(spread, self.points.axis, np.tile(times, len(nodes)), axis=1)
        points = without_constant_folding(jnp.asarray(spread))
        if self._differences is not None:
            values = field(points).reshape(len(nodes), len(self._differences.nearest), -1)
            # A dense product: its transpose, in the backward pass, is one too, and no scattered addition.
            return jnp.einsum("lkt,mto->lmko", self._differences.matrices(), values), field
        lanes = self._time_lanes(field, points)
        return lanes.reshape(self.lanes, len(nodes), -1, lanes.shape[-1]), field

    def _time_lanes(self, field, points):
        """(lanes, n, outputs) at points (n, d)."""
        if self.lanes == 1:
            return field(points)[None]
        d, axis = points.shape[1], self.points.axis
        orders = [tuple(lane * (k == axis) for k in range(d)) for lane in range(self.lanes)]
        jet = field(Jet.variables(points, closure(orders[-1:], d)))
        return jnp.stack([jet.derivative(o) for o in orders])

    def at(self, shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support: (m,), or (m, T) where the support extends over time."""
        lanes, field = shared
        where = self.points.supports[support]
        if where.measured is not None:
            return pointwise_values(field, jnp.asarray(where.measured), self.needs[support])
        rows, instant, operators = self.points.rows[support], self.points.instant(where), self.stencils[support]
        chosen = lanes if instant is None else lanes[:, :, instant : instant + 1]
        applied = {}

        def value(part: _Part):
            at_nodes = chosen[part.lane, :, :, part.unknown]
            if part.number == 0:
                return part.factor * at_nodes[rows]
            if (part.lane, part.unknown) not in applied:
                applied[part.lane, part.unknown] = operators(at_nodes)
            return part.factor * applied[part.lane, part.unknown][part.number - 1]

        values = {need: sum(map(value, parts)) for need, parts in self._parts[support].items()}
        flat = self.points.times is None or instant is not None
        return {need: v[:, 0] if flat else v for need, v in values.items()}

    def assembles(self, field: Field) -> bool:
        """True: `normal` is offered for every field."""
        return True

    @cached_property
    def _blocks(self) -> list[Blocks]:
        return [
            Blocks.of(rows, stencils, max(1, min(_BLOCK, len(rows))), _GROUP)
            for rows, stencils in zip(self.points.rows, self.stencils, strict=True)
        ]

    def normal(self, field: Field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """J^T J, added up instant by instant and in blocks of rows, so that J is never held whole."""

        def add(total, j):
            return total + gram(j), None

        columns = ravel_pytree(eqx.filter(field, eqx.is_inexact_array))[0].size + len(pieces[0].parameters)
        return self._each_instant(field, drawn, pieces, add, jnp.zeros((columns, columns)))[0]

    def jacobian(self, field: Field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """J (rows, P + parameters), rows in the order of the residuals."""
        blocks = []
        for piece in pieces:
            _, ((slopes, count),) = self._each_instant(field, drawn, [piece], lambda total, j: (total, j), 0.0)
            # (instants, rows, P), padded -> node by node, at each its instants
            flat = slopes.reshape(len(slopes), -1, slopes.shape[-1])[:, :count]
            blocks.append(jnp.swapaxes(flat, 0, 1).reshape(-1, slopes.shape[-1]))
        return jnp.concatenate(blocks)

    def _each_instant(self, field, drawn, pieces, use, total):
        """`use(total, rows of J)` over all pieces, instants and groups of rows.

        returns   the total, and for each piece, in groups of equal instants, what was returned and how many rows it has
        """
        arrays, static = eqx.partition(field, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)
        nodes, axis = jnp.asarray(self.points.positions), self.points.axis
        times = np.zeros(1) if self.points.times is None else self.points.times

        def values(vector, node, instant):
            net = eqx.combine(unravel(vector), static)
            if self._differences is None:
                point = node if axis is None else jnp.insert(node, axis, jnp.asarray(times)[instant])
                return self._time_lanes(net, point[None])[:, 0].ravel()
            moments = jnp.asarray(times[self._differences.nearest])[instant]
            points = jnp.insert(jnp.broadcast_to(node, (len(moments), len(node))), axis, moments, axis=1)
            return (jnp.asarray(self._differences.weights)[:, instant] @ net(points)).ravel()

        def at_instant(together, total, chosen):
            number, instant = chosen
            jacobians = jax.vmap(jax.jacrev(values), in_axes=(None, 0, None))(vector, nodes, instant)
            kept = []
            for piece in together:
                total, rows = self._blockwise(jacobians, piece, number, use, total)
                kept.append(rows)
            return total, kept

        kept = []
        for instants, together in self._by_instants(pieces):
            if instants is None:
                for piece in together:
                    total, rows = use(total, self._between.jacobian(field, self._between.points.draw(()), [piece]))
                    kept.append((None if rows is None else rows[None], self.points.size(piece.slopes[0][0])))
                continue
            chosen = jnp.arange(len(instants)), jnp.asarray(instants)
            total, rows = jax.lax.scan(partial(at_instant, together), total, chosen)
            kept += [(r, len(self.points.rows[p.slopes[0][0]])) for r, p in zip(rows, together, strict=True)]
        return total, kept

    def _by_instants(self, pieces):
        """(numbers of instants, pieces that are taken there); None for measurements, which lie between nodes."""
        every = 1 if self.points.times is None else len(self.points.times)
        groups = defaultdict(list)
        for piece in pieces:
            where = self.points.supports[piece.slopes[0][0]]
            instant = self.points.instant(where)
            numbers = tuple(range(every)) if instant is None else (instant,)
            groups[numbers if where.measured is None else None].append(piece)
        return [(None if numbers is None else np.array(numbers), members) for numbers, members in groups.items()]

    def _blockwise(self, values, piece: LinearisedResidual, number, use, total):
        """`use` on each group of rows of one piece at the instant of that number; `values` (M, lanes * outputs, P)."""
        ((support, slopes),) = piece.slopes
        columns, entries = self._blocks[support]
        blocks, count, size, _ = entries.shape
        local_slopes = self._slopes(support, slopes, number, values.shape[1], blocks * size)
        beside = [self._padded(self._at_instant(p, number), blocks * size) for p in piece.parameters]
        by_block = (
            jnp.asarray(columns),
            jnp.asarray(entries),
            local_slopes.reshape(count, -1, blocks, size).transpose(2, 0, 1, 3),
            jnp.stack(beside, -1).reshape(blocks, size, -1) if beside else jnp.zeros((blocks, size, 0)),
        )

        def block(parts):
            touched, entry, slope, parameters = parts
            mixed = jnp.einsum("kru,klr->rul", entry, slope).reshape(size, -1)
            rows = mixed @ values[touched].reshape(mixed.shape[1], -1)
            return jnp.concatenate([rows, parameters], axis=1)

        def group(total, parts):
            rows = jax.lax.map(block, parts)
            return use(total, rows.reshape(-1, rows.shape[-1]))

        together = min(_GROUP, blocks)
        grouped = [a.reshape(blocks // together, together, *a.shape[1:]) for a in by_block]
        return jax.lax.scan(group, total, grouped)

    def _slopes(self, support, slopes, number, lanes, size):
        """d residual / d (operator of lane): (operators + 1, lanes * outputs, padded rows)."""
        operators = self.stencils[support]
        outputs = lanes // self.lanes
        summed = {}
        for need, slope in slopes.items():
            for part in self._parts[support][need]:
                key = (part.number, part.lane * outputs + part.unknown)
                summed[key] = summed.get(key, 0.0) + part.factor * self._at_instant(slope, number)
        zero = jnp.zeros(size)
        count = 1 + len(operators.weights)
        return jnp.stack(
            [
                jnp.stack(
                    [self._padded(summed[k, lane], size) if (k, lane) in summed else zero for lane in range(lanes)]
                )
                for k in range(count)
            ]
        )

    @staticmethod
    def _at_instant(array, number):
        return array.reshape(len(array), -1)[:, number]

    @staticmethod
    def _padded(rows, size):
        return jnp.concatenate([rows, jnp.zeros(size - len(rows), rows.dtype)])

    def matrices(self, support: int, slopes: Sequence, outputs: int) -> list[scipy.sparse.csr_matrix]:
        """For each time derivative the matrix d residual / d values at the nodes, (m, M * outputs), at one instant.

        slopes   d residual / d need, in the order of the support's needs
        """
        rows, size = self.points.rows[support], len(self.points.positions)
        blocks = [[scipy.sparse.csr_matrix((len(rows), size)) for _ in range(outputs)] for _ in range(self.lanes)]
        unit = scipy.sparse.csr_matrix((np.ones(len(rows)), (np.arange(len(rows)), rows)), (len(rows), size))
        for need, slope in zip(self.needs[support], slopes, strict=True):
            scaled = np.asarray(slope).reshape(len(rows))
            for part in self._parts[support][need]:
                operator = unit if part.number == 0 else self.stencils[support].matrix(part.number - 1)
                blocks[part.lane][part.unknown] += scipy.sparse.diags(part.factor * scaled) @ operator
        return [scipy.sparse.hstack(row, format="csr") for row in blocks]

    def interpolation(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Stencils (n, k) and weights that take values at the nodes to points (n, s), with the residuals' accuracy."""
        sides = self.points.sides_of(points)
        # On a level both sides tell the same.
        return self._values((self.points.positions, self.points.sides), (points, np.where(sides == 0, 1, sides)))

    def extrapolation(self) -> tuple[np.ndarray, np.ndarray]:
        """Stencils (g, k) and weights that take values at inner and boundary nodes to the g ghosts."""
        ghosts, cloud = self.points.nodes.ghosts, self.points
        first = len(cloud.positions) - len(ghosts)
        return self._values((cloud.positions[:first], cloud.sides[:first]), (ghosts, cloud.sides[first:]))

    def _values(self, nodes, points):
        order, exponent, _ = self._scheme
        value = {(0,) * points[0].shape[1]: 1.0}
        m = kernel_exponent(exponent, order + 1, 0)
        idx, weights = one_sided(nodes, points, [value], {"degree": order + 1, "size": None, "exponent": m})
        return idx, weights[0]


def _differences(times: np.ndarray | None, lanes: int, order: int) -> Differences | None:
    """The differences between instants; None without time. Raises MethodError where there are too few instants."""
    if times is None:
        return None
    least = order + lanes - 1
    if len(times) < least:
        raise MethodError(
            f'`spd.DTPINN(in_time="differences", order={order}, times={len(times)})` has too few instants for '
            f"differences of that order, which take {least}; raise `times`."
        )
    return Differences.of(times, lanes, order)
