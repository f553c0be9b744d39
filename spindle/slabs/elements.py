"""Piecewise polynomials along one axis, times polynomials in a slab of time: the Gauss-Newton steps of one slab.

u(t, x) = sum over i, j of  c[i, j]  X_i(x)  T_j(t),  X_i of local support, with continuous derivatives up to one order
less than the equation's. The loss is the integral of the squared residuals by Gauss quadrature, so that J^T J is a sum
over elements; the unknowns inside an element are eliminated there, and those of the nodes, each joined to the next, by
banded Cholesky factors (`blocks`). One step costs N m^3 (T p)^3 operations for N elements: linear in N.

The first coefficients in time are the state at the start, which is given and not fitted. One compiled program does a
few elements at a time, wherever they lie and however long the slab is, so that it serves all slabs and break points.

Source of the least-squares form: Jiang (1998), The Least-Squares Finite Element Method; of static condensation: Guyan
(1965), AIAA J. 3.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve

from spindle.lowering.partials import Partial, terms_of
from spindle.networks import polynomials
from spindle.slabs import blocks
from spindle.slabs.joints import Joints
from spindle.slabs.rows import Place, Rows, SlabRows

_TOGETHER = 16  # elements that the compiled program does at once


class Slab(NamedTuple):
    """Where a slab lies: its start, its length, and the break points (N + 1,)."""

    begins: float
    length: float
    breaks: np.ndarray


class Step(NamedTuple):
    """A Gauss-Newton step: the change of the local coefficients (N, degree + 1, m, T), and the loss before it."""

    change: np.ndarray
    loss: float


class _Element(NamedTuple):
    """One element of a slab as the compiled program takes it.

    left, width   where it lies
    share         of the length of the axis
    is_first      1.0 where the lower end of the axis is its own, else 0.0; `is_last` likewise
    """

    left: jax.Array
    width: jax.Array
    share: jax.Array
    is_first: jax.Array
    is_last: jax.Array


class _Condensed(NamedTuple):
    """What is left of an element once its inner unknowns are eliminated: x = inner - inner_by_ends @ ends.

    matrix, right   of its two ends, (2 B, 2 B) and (2 B,)
    """

    matrix: jax.Array
    right: jax.Array
    inner_by_ends: jax.Array
    inner: jax.Array
    loss: jax.Array


@dataclass(frozen=True, eq=False)
class Elements:
    """The space of the slabs of one problem, and its compiled programs.

    rows       what is to be small
    unknowns   how many, m
    degree     along the axis of space
    duration   the degree in time
    """

    rows: SlabRows
    unknowns: int
    degree: int
    duration: int

    @cached_property
    def smoothness(self) -> int:
        """Continuous derivatives at the nodes; -1 without an axis of space."""
        return max(self.rows.order - 1, 0) if self.rows.space is not None else -1

    @cached_property
    def along(self) -> np.ndarray:
        """The functions of an element, as columns of Legendre coefficients."""
        return polynomials.joining(self.degree, self.smoothness)

    @cached_property
    def given(self) -> int:
        """The most derivatives by time that are known at the start of an unknown."""
        return max(self.rows.given, default=0)

    @cached_property
    def during(self) -> np.ndarray:
        """The functions of a slab of time, likewise."""
        return polynomials.starting(self.duration, self.given)

    @cached_property
    def joints(self) -> Joints:
        """The interfaces, where elements join by their values and fluxes."""
        return Joints(self.rows, self.smoothness, self.duration, self.during)

    def series(self, local: np.ndarray) -> np.ndarray:
        """Legendre coefficients in space and time (N, degree + 1, m, T) of local ones."""
        return np.einsum("px,exut,st->epus", self.along, local, self.during, optimize=True)

    def local(self, series: np.ndarray, breaks: np.ndarray) -> np.ndarray:
        """The coefficients of the functions of each element; where two elements differ at their node, their mean."""
        inverse = np.linalg.inv(self.along), np.linalg.inv(self.during)
        local = np.einsum("xp,epus,ts->exut", inverse[0], series, inverse[1], optimize=True)
        ends = self.smoothness + 1
        factors = self._factors(np.diff(breaks))[..., None, None]
        low, high = local[:, :ends] / factors, local[:, ends : 2 * ends] / factors
        sums, counts = (
            self._at_nodes(*pair, breaks) for pair in ((low, high), (np.ones_like(low), np.ones_like(high)))
        )
        nodes = sums / np.maximum(counts, 1)
        return np.concatenate(
            [*(factors * end for end in self._of_elements(nodes, breaks)), local[:, 2 * ends :]], axis=1
        )

    def _factors(self, widths: np.ndarray) -> np.ndarray:
        """(N, smoothness + 1) of the derivatives at nodes, which become those on the reference interval."""
        return (widths / 2)[:, None] ** np.arange(self.smoothness + 1)

    def _at_nodes(self, low: np.ndarray, high: np.ndarray, breaks: np.ndarray) -> np.ndarray:
        """Sums at the nodes of what elements have at their ends, (N, smoothness + 1, ..) each."""
        room = self.smoothness + 1 + self.joints.doubled
        left, right = (np.zeros((len(low), room, *low.shape[2:])) for _ in range(2))
        left[np.arange(len(low))[:, None], self.joints.slots(breaks)] = low
        right[:, : high.shape[1]] = high
        return blocks.at_nodes(left, right, ring=self.rows.periodic)

    def _of_elements(self, nodes: np.ndarray, breaks: np.ndarray) -> list[np.ndarray]:
        """What stands at the two ends of each element."""
        low, high = (nodes, np.roll(nodes, -1, axis=0)) if self.rows.periodic else (nodes[:-1], nodes[1:])
        return [low[np.arange(len(low))[:, None], self.joints.slots(breaks)], high[:, : self.smoothness + 1]]

    # ------------------------------------------------------------------------------------------------- one step

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs, on a slab that is thrown away."""
        shape = (len(slab.breaks) - 1, self.degree + 1, self.unknowns, self.duration + 1)
        for begins in (True, False) if self.rows.time is not None else (False,):
            self.step(begins, np.zeros(shape), slab, 1.0)

    def step(self, begins: bool, local: np.ndarray, slab: Slab, damping: float) -> Step:
        """One Gauss-Newton step.

        begins    whether the state at the start is solved for, by its conditions alone; else the slab from that state
        damping   added to the diagonal of J^T J, which is scaled to one
        """
        first, last = self._free(begins)
        condensed = self._condensed(begins, local, slab, damping)
        ends, loss = self.smoothness + 1, float(condensed.loss.sum())
        at_ends = np.zeros((len(local), 0))
        if ends:
            # In terms of derivatives by x, which neighbours share.
            factors = np.tile(np.repeat(self._factors(np.diff(slab.breaks)), self.unknowns * (last - first), axis=1), 2)
            matrices = condensed.matrix * factors[:, :, None] * factors[:, None, :]
            matrices, rights, more = self._joined(begins, local, slab, (matrices, condensed.right * factors))
            nodes = blocks.solve(matrices, rights, damping, ring=self.rows.periodic)
            nodes = nodes.reshape(len(nodes), ends + self.joints.doubled, -1)
            both = self._of_elements(nodes, slab.breaks)
            at_ends, loss = factors * np.concatenate(both, axis=1).reshape(len(local), -1), loss + more
        inner = condensed.inner - np.einsum("eia,ea->ei", condensed.inner_by_ends, at_ends)
        solved = np.concatenate([at_ends, inner], axis=1)
        change = np.zeros(local.shape)
        change[..., first:last] = -solved.reshape(*local.shape[:3], last - first)
        return Step(change, loss)

    def _joined(self, begins: bool, local: np.ndarray, slab: Slab, sums) -> tuple[np.ndarray, np.ndarray, float]:
        """The sums of the elements, at nodes with room for two slopes, with those of the fluxes; and their loss."""
        matrices, rights = sums
        if not self.rows.joints:
            return matrices, rights, 0.0
        ends, room = self.smoothness + 1, self.smoothness + 1 + self.joints.doubled
        first, last = self._free(begins)
        each = self.unknowns * (last - first)  # numbers that one derivative at a node consists of
        own = np.concatenate([self.joints.slots(slab.breaks), np.tile(room + np.arange(ends), (len(local), 1))], axis=1)
        own = (own[:, :, None] * each + np.arange(each)).reshape(len(local), -1)
        numbers = np.arange(len(local))[:, None]
        wide, right = np.zeros((len(local), 2 * room * each, 2 * room * each)), np.zeros((len(local), 2 * room * each))
        wide[numbers[:, :, None], own[:, :, None], own[:, None, :]] = matrices
        right[numbers, own] = rights
        if begins:
            return wide, right, 0.0
        below, above = self.joints.below(slab.breaks), self.joints.above(slab.breaks)
        factors = self._factors(np.diff(slab.breaks))[..., None, None]
        sides = np.stack([(local[:, ends : 2 * ends] / factors)[below], (local[:, :ends] / factors)[above]], axis=1)
        fluxes = self.joints.normal(sides, slab.begins, slab.length, self._fixed(False), slice(first, last))
        at = np.concatenate([np.arange(ends), self.joints.slots(slab.breaks)[above[0]]])
        at = (room * each + at[:, None] * each + np.arange(each)).ravel()
        for element, matrix, gradient in zip(below, fluxes[0], fluxes[1], strict=True):
            # Both sides share derivatives: their columns add up.
            np.add.at(wide[element], (at[:, None], at[None, :]), matrix)
            np.add.at(right[element], at, gradient)
        return wide, right, float(fluxes[2].sum())

    def _condensed(self, begins: bool, local: np.ndarray, slab: Slab, damping: float) -> _Condensed:
        """All elements condensed, as many at a time as the program takes; the last ones are filled up with copies."""
        count, widths = len(local), np.diff(slab.breaks)
        numbers = np.arange(count)
        elements = _Element(
            slab.breaks[:-1], widths, widths / (slab.breaks[-1] - slab.breaks[0]), numbers == 0, numbers == count - 1
        )
        parts = []
        for start in range(0, count, _TOGETHER):
            chosen = np.minimum(np.arange(start, start + _TOGETHER), count - 1)
            some = _Element(*(np.asarray(part, float)[chosen] for part in elements))
            parts.append(self._program(begins, local[chosen], some, slab.begins, slab.length, damping))
        return _Condensed(*(np.concatenate([np.asarray(p) for p in part])[:count] for part in zip(*parts, strict=True)))

    @cached_property
    def _program(self):
        over_elements = jax.vmap(self._condense, in_axes=(None, 0, 0, None, None, None))
        return jax.jit(over_elements, static_argnums=0)

    def _condense(self, begins, local, element: _Element, start, length, damping) -> _Condensed:
        """One element without its inner unknowns."""
        residual, slopes = self._linearised(begins, local, element, start, length)
        matrix, gradient = slopes.T @ slopes, slopes.T @ residual
        first, last = self._free(begins)
        block = 2 * (self.smoothness + 1) * self.unknowns * (last - first)
        ends, tall = slice(0, block), slice(block, None)
        diagonal = jnp.diagonal(matrix)[tall]
        scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1.0))
        inner = matrix[tall, tall] / scale / scale[:, None] + jnp.diag((diagonal <= 0) + damping)
        factor = jnp.linalg.cholesky(inner)
        columns = jnp.concatenate([matrix[tall, ends], gradient[tall, None]], axis=1) / scale[:, None]
        solved = cho_solve((factor, True), columns)
        left = matrix[ends, ends] - columns[:, :-1].T @ solved[:, :-1]
        right = gradient[ends] - columns[:, :-1].T @ solved[:, -1]
        solved = solved / scale[:, None]
        return _Condensed((left + left.T) / 2, right, solved[:, :-1], solved[:, -1], jnp.sum(residual**2))

    def _linearised(self, begins, local, element: _Element, start, length):
        """The rows of an element, weighted, and their slopes in the coefficients that are solved for."""
        instants, weights = self._instants(begins)
        if self.rows.space is None:
            inside, in_weights = np.zeros(1), np.full(1, 2.0)
        else:
            inside, in_weights = polynomials.gauss(self.degree + 2)
        places = {
            Place.START if begins else Place.INSIDE: (inside, in_weights * element.share / 2),
            **(
                {}
                if begins
                else {Place.LOW: ([-1.0], element.is_first[None]), Place.HIGH: ([1.0], element.is_last[None])}
            ),
        }
        residuals, slopes = [], []
        for place, (points, shares) in places.items():
            root = jnp.sqrt(weights[:, None] * shares)
            for row in self.rows.at(place):
                value, slope = self._row(row, begins, local, element, (start, length), (instants, points))
                weight = np.sqrt(row.weight) * root
                residuals.append((weight * value).ravel())
                slopes.append((weight[..., None] * slope).reshape(weight.size, -1))
        return jnp.concatenate(residuals), jnp.concatenate(slopes)

    def _instants(self, begins: bool) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights in time, of sum 1: the start alone, or Gauss points of the slab."""
        if begins or self.rows.time is None:
            return np.array([-1.0]), np.array([1.0])
        nodes, weights = polynomials.gauss(self.duration + 3)
        return nodes, weights / 2

    def _row(self, row: Rows, begins, local, element: _Element, slab, points):
        """A residual at points (instants, places), and its slopes in the free coefficients, (.., (degree + 1) m T)."""
        (start, length), (instants, places), half = slab, points, element.width / 2
        where = element.left + half * (np.asarray(places) + 1)
        when = start + length * (np.asarray(instants) + 1) / 2
        coordinates = self._coordinates(when[:, None], where[None, :])
        partials = {p for need in row.function.needs for p, _ in terms_of(need)}
        tables = {p: self._tables(p, length, half, instants, places) for p in partials}
        taken = {p: tables[p][0] @ local[:, p.unknown].T @ tables[p][1].T for p in partials}
        given = row.function.coefficients(coordinates)

        def residual(taken):
            known = {need: sum(c * taken[p] for p, c in terms_of(need)) for need in row.function.needs}
            value = row.function.combine(given, coordinates, known, {})
            return jnp.broadcast_to(value, (len(instants), len(places)))

        by_partial = jax.grad(lambda taken: jnp.sum(residual(taken)))(taken)
        return residual(taken), self._slopes(by_partial, tables, begins)

    def _slopes(self, by_partial, tables, begins):
        """(instants, places, degree + 1, m, T free), flat from the third on."""
        first, last = self._free(begins)
        columns = []
        for unknown in range(self.unknowns):
            mine = [p for p in by_partial if p.unknown == unknown]
            total = 0.0
            for in_time in sorted({self._orders(p)[0] for p in mine}):
                alike = [p for p in mine if self._orders(p)[0] == in_time]
                along = sum(by_partial[p][:, :, None] * tables[p][1][None] for p in alike)
                total += along[..., None] * tables[alike[0]][0][:, None, None, first:last]
            columns.append(total)
        shape = next(iter(by_partial.values())).shape + (self.degree + 1, last - first)
        slopes = jnp.stack([jnp.broadcast_to(c, shape) for c in columns], axis=-2) * ~self._fixed(begins)
        return slopes.reshape(*shape[:2], -1)

    def _free(self, begins: bool) -> tuple[int, int]:
        """The first and the last + 1 of the functions of time whose coefficients are solved for."""
        if self.rows.time is None:
            return 0, 1
        return (0, self.given) if begins else (min(self.rows.given), self.duration + 1)

    def _fixed(self, begins: bool) -> np.ndarray:
        """Which of them are fixed all the same, for each unknown: (m, T free)."""
        first, last = self._free(begins)
        known = np.arange(first, last)[None, :] < np.array(self.rows.given)[:, None]
        return ~known if begins else known

    def _orders(self, partial: Partial) -> tuple[int, int]:
        """The orders of a partial by time and space."""
        time, space = self.rows.time, self.rows.space
        return (0 if time is None else partial.orders[time]), (0 if space is None else partial.orders[space])

    def _tables(self, partial: Partial, length, half, instants, places):
        """The functions of time (instants, T) and of space (places, degree + 1), differentiated as asked."""
        by_time, by_space = self._orders(partial)
        during = polynomials.values(instants, self.duration, by_time) @ self.during
        along = polynomials.values(places, self.degree, by_space) @ self.along
        return during * (2 / length) ** by_time, along / half**by_space

    def _coordinates(self, when, where) -> list:
        coordinates = {self.rows.time: when, self.rows.space: where}
        return [coordinates[k] for k in sorted(k for k in coordinates if k is not None)]
