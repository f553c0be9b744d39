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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve

from spindle.lowering.partials import Partial
from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.networks.piecewise import PiecewiseField
from spindle.slabs import blocks
from spindle.slabs.joints import Joints
from spindle.slabs.lines import moved
from spindle.slabs.rows import Rows, SlabPart, SlabRows
from spindle.slabs.space import Slab, SlabSpace, Solved, Step

_TOGETHER = 16  # elements that the compiled program does at once
_NARROWEST = 1e-9  # of the axis: no element is halved below, as those at a kink would be without an end
_FAR = 1e-3  # of the tolerance: two such elements may be one


class _Element(NamedTuple):
    """One element of a slab as the compiled program takes it.

    left, width   where it lies
    share         of the length of the axis
    is_first      1.0 where the lower end of the axis is its own, else 0.0; `is_last` likewise
    """

    left: Any
    width: Any
    share: Any
    is_first: Any
    is_last: Any


class _Condensed(NamedTuple):
    """What is left of an element once its inner unknowns are eliminated: x = inner - inner_by_ends @ ends.

    matrix, right   of its two ends, (2 B, 2 B) and (2 B,)
    """

    matrix: Any
    right: Any
    inner_by_ends: Any
    inner: Any
    loss: Any


@dataclass(frozen=True, eq=False)
class Elements(SlabSpace):
    """The space of the slabs of one problem, and its compiled programs; its mesh are the break points (N + 1,).

    rows       what is to be small
    unknowns   how many, m
    degree     along the axis of space
    duration   the degree in time
    span       the length of all of time. What residuals r leave in a slab of length h is h r, so that conditions at
               the ends, which leave what they are, weigh (span / h)^2 times as much as in the whole
    fixed      break points that stay whatever the solution is: where data jump, bend or rise to a narrow peak, which
               points of wide elements may miss
    """

    rows: SlabRows
    unknowns: int
    degree: int
    duration: int
    span: float = 1.0
    fixed: tuple[float, ...] = ()

    @cached_property
    def smoothness(self) -> int:
        """Continuous derivatives at the nodes; -1 without an axis of space."""
        return max(self.rows.order - 1, 0) if self.rows.space is not None else -1

    @cached_property
    def along(self) -> np.ndarray:
        """The functions of an element, as columns of Legendre coefficients."""
        return polynomials.joining(self.degree, self.smoothness)

    @cached_property
    def joints(self) -> Joints:
        """How elements join."""
        return Joints(self.rows, self.smoothness, self.during, self.span)

    def enriched(self, degrees: int) -> "Elements":
        """The same with polynomials of higher degrees along each axis that there is."""
        along = degrees if self.rows.space is not None else 0
        during = degrees if self.rows.time is not None else 0
        return replace(self, degree=self.degree + along, duration=self.duration + during)

    def of_errors(self) -> "Elements":
        """One degree more."""
        return self.enriched(1)

    def mesh_of_errors(self, mesh) -> np.ndarray:
        """The mesh itself: degrees are higher."""
        return mesh

    def nothing(self, mesh) -> np.ndarray:
        """Zeros (N, degree + 1, m, T)."""
        return np.zeros((len(mesh) - 1, self.degree + 1, self.unknowns, self.duration + 1))

    def largest(self, series: np.ndarray) -> np.ndarray:
        """(m,) bounds by the sums of the coefficients of each element."""
        return np.abs(series).sum(axis=1).max(axis=(0, 2))

    def changes(self, series: np.ndarray, mesh) -> np.ndarray:
        """(m,) the largest coefficients."""
        return self.largest_coefficients(series)

    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(N,) the last two coefficients of each element along the axis."""
        if self.rows.space is None:
            return np.zeros(len(series))
        return (np.abs(series[:, -2:]).max(axis=(1, 3)) / sizes).max(axis=1)

    def finer(self, mesh, tails: np.ndarray, tolerance: float, most: int) -> np.ndarray | None:
        """The break points with those elements halved that are not resolved."""
        wide = np.diff(mesh) > 2 * _NARROWEST * (mesh[-1] - mesh[0])
        bad = (tails > tolerance) & wide
        if self.rows.space is None or not bad.any() or len(tails) >= most:
            return None
        return np.sort(np.concatenate([mesh, ((mesh[:-1] + mesh[1:]) / 2)[bad]]))

    def coarser(self, slab: Solved, tails: np.ndarray, sizes: np.ndarray, tolerance: float) -> np.ndarray:
        """The break points without those between two elements far below the tolerance; fixed ones stay."""
        mesh = slab.mesh
        small, kept, k = tails < _FAR * tolerance, np.ones(len(mesh), bool), 1
        staying = np.isin(mesh, [*self.fixed, *(joint.left for joint in self.rows.joints)])
        while k < len(mesh) - 1:
            if small[k - 1] and small[k] and kept[k - 1] and not staying[k]:
                kept[k] = False
            k += 1
        return mesh[kept]

    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """The polynomials on other break points: exact where these only add to the old ones."""
        return moved(series, mesh, other)

    def sizes(self, slabs: Sequence[Solved]) -> dict[str, Any]:
        """The number of slabs, and the most elements of one."""
        return {"slabs": max(len(slabs), 1), "elements": max((len(s.series) for s in slabs), default=1)}

    def empty(self, sizes: Mapping[str, Any]) -> PiecewiseField:
        """A field of zeros."""
        slabs, elements = sizes["slabs"], sizes["elements"]
        shape = (slabs, elements, self.degree + 1, self.unknowns, self.duration + 1)
        instants, breaks = jnp.zeros(slabs + 1), jnp.zeros((slabs, elements + 1))
        return PiecewiseField(instants, breaks, jnp.zeros(shape), self.rows.time, self.rows.space)

    def laid(self, slabs: Sequence[Solved]) -> PiecewiseField:
        """The polynomials of all slabs."""
        empty = self.empty(self.sizes(slabs))
        count, most = empty.coefficients.shape[:2]
        breaks, coefficients = np.zeros((count, most + 1)), np.zeros(empty.coefficients.shape)
        for k, slab in enumerate(slabs):
            number = len(slab.series)
            breaks[k] = slab.mesh[-1]
            breaks[k, : number + 1], coefficients[k, :number] = slab.mesh, slab.series
        instants = np.array([slabs[0].begins, *(s.begins + s.length for s in slabs)])
        return PiecewiseField(
            jnp.asarray(instants), jnp.asarray(breaks), jnp.asarray(coefficients), self.rows.time, self.rows.space
        )

    def slabs(self, field: Field) -> list[Solved]:
        """The polynomials of each slab, on the elements that it has."""
        assert isinstance(field, PiecewiseField)
        instants, breaks, series = (np.asarray(a) for a in (field.instants, field.breaks, field.coefficients))
        slabs = []
        for begins, ends, at, coefficients in zip(instants[:-1], instants[1:], breaks, series, strict=True):
            count = int(np.sum(np.diff(at) > 0)) if field.space is not None else 1
            mesh = at[: count + 1] if field.space is not None else np.array([0.0, 1.0])
            length = ends - begins if field.time is not None else 1.0
            slabs.append(Solved(float(begins), float(length), mesh, coefficients[:count], math.nan))
        return slabs

    def described(self, slabs: Sequence[Solved], names: Sequence[str]) -> str:
        """How many elements."""
        counts = [len(s.series) for s in slabs] or [1]
        few, most = min(counts), max(counts)
        along = f"{few} elements" if few == most else f"{few} to {most} elements"
        return f"{along} of degree {self.degree} along {names[0]}" if names else ""

    def series(self, local: np.ndarray) -> np.ndarray:
        """Legendre coefficients in space and time (N, degree + 1, m, T) of local ones."""
        return np.einsum("px,exut,st->epus", self.along, local, self.during, optimize=True)

    def local(self, series: np.ndarray, mesh) -> np.ndarray:
        """The coefficients of the functions of each element; where two elements differ at their node, their mean."""
        inverse = np.linalg.inv(self.along), np.linalg.inv(self.during)
        local = np.einsum("xp,epus,ts->exut", inverse[0], series, inverse[1], optimize=True)
        ends = self.smoothness + 1
        factors = self._factors(np.diff(mesh))[..., None, None]
        low, high = local[:, :ends] / factors, local[:, ends : 2 * ends] / factors
        counts = self.joints.at_nodes(np.ones_like(low), np.ones_like(high), mesh)
        nodes = self.joints.at_nodes(low, high, mesh) / np.maximum(counts, 1)
        at_ends = np.tile(factors, (1, 2, 1, 1)) * self.joints.of_elements(nodes, mesh)
        return np.concatenate([at_ends, local[:, 2 * ends :]], axis=1)

    def _factors(self, widths: np.ndarray) -> np.ndarray:
        """(N, smoothness + 1) of the derivatives at nodes, which become those on the reference interval."""
        return (widths / 2)[:, None] ** np.arange(self.smoothness + 1)

    # ------------------------------------------------------------------------------------------------- one step

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs, on a slab that is thrown away."""
        for begins in (True, False) if self.rows.time is not None else (False,):
            self._condensed(begins, self.nothing(slab.mesh), self.nothing(slab.mesh), slab, 0.0)
        self.joints.compile(slab)

    def step(
        self, begins: bool, local: np.ndarray, slab: Slab, damping: float, carried: np.ndarray | None = None
    ) -> Step:
        """One Gauss-Newton step, see `SlabSpace`."""
        first, last = self._free(begins)
        carried = np.zeros(local.shape) if carried is None else carried
        condensed = self._condensed(begins, local, carried, slab, damping)
        at_ends, loss = np.zeros((len(local), 0)), float(condensed.loss.sum())
        if self.joints.ends:
            # In terms of derivatives by x, which neighbours share.
            scales = np.tile(self._factors(np.diff(slab.mesh)), 2)
            factors = np.repeat(scales, self.unknowns * (last - first), axis=1)
            matrices = np.asarray(condensed.matrix) * factors[:, :, None] * factors[:, None, :]
            equations = self.joints.with_room(matrices, np.asarray(condensed.right) * factors, slab.mesh)
            if self.rows.joints and not begins:
                slopes, kept = (c[:, : 2 * self.joints.ends] / scales[..., None, None] for c in (local, carried))
                fixed = self._fixed(begins)
                loss += self.joints.add_fluxes(equations, slopes, kept, slab, slice(first, last), fixed)
            nodes = blocks.solve(*equations, damping, ring=bool(self.rows.periodic))
            nodes = nodes.reshape(len(nodes), self.joints.room, -1)
            at_ends = factors * self.joints.of_elements(nodes, slab.mesh).reshape(len(local), -1)
        inner = condensed.inner - np.einsum("eia,ea->ei", condensed.inner_by_ends, at_ends)
        solved = np.concatenate([at_ends, inner], axis=1)
        change = np.zeros(local.shape)
        change[..., first:last] = -solved.reshape(*local.shape[:3], last - first)
        return Step(change, loss)

    def _condensed(
        self, begins: bool, local: np.ndarray, carried: np.ndarray, slab: Slab, damping: float
    ) -> _Condensed:
        """All elements condensed, as many at a time as the program takes; the last ones are filled up with copies."""
        count, widths = len(local), np.diff(slab.mesh)
        numbers = np.arange(count)
        elements = _Element(
            slab.mesh[:-1], widths, widths / (slab.mesh[-1] - slab.mesh[0]), numbers == 0, numbers == count - 1
        )
        parts = []
        for start in range(0, count, _TOGETHER):
            chosen = np.minimum(np.arange(start, start + _TOGETHER), count - 1)
            some = _Element(*(np.asarray(part, float)[chosen] for part in elements))
            parts.append(self._program(begins, local[chosen], carried[chosen], some, slab.begins, slab.length, damping))
        return _Condensed(*(np.concatenate([np.asarray(p) for p in part])[:count] for part in zip(*parts, strict=True)))

    @cached_property
    def _program(self):
        over_elements = jax.vmap(self._condense, in_axes=(None, 0, 0, 0, None, None, None))
        return jax.jit(over_elements, static_argnums=0)

    def _condense(self, begins, local, carried, element: _Element, start, length, damping) -> _Condensed:
        """One element without its inner unknowns."""
        residual, rest, slopes = self._linearised(begins, local, carried, element, start, length)
        matrix, gradient = slopes.T @ slopes, slopes.T @ rest
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

    def _linearised(self, begins, local, carried, element: _Element, start, length):
        """The rows of an element, weighted, those beside what is carried, and their slopes in free coefficients."""
        instants, weights = self._instants(begins)
        if self.rows.space is None:
            inside, in_weights = np.zeros(1), np.full(1, 2.0)
        else:
            inside, in_weights = polynomials.gauss(self.degree + 2)
        places = {
            SlabPart.START if begins else SlabPart.INSIDE: (inside, in_weights * element.share / 2),
            **(
                {}
                if begins
                else {SlabPart.LOW: ([-1.0], element.is_first[None]), SlabPart.HIGH: ([1.0], element.is_last[None])}
            ),
        }
        residuals, rests, slopes = [], [], []
        for place, (points, shares) in places.items():
            root = jnp.sqrt(weights[:, None] * shares)
            if place in (SlabPart.LOW, SlabPart.HIGH) and self.rows.time is not None:
                root = root * (self.span / length)
            for row in self.rows.at(place):
                value, rest, slope = self._row(
                    row, begins, (local, carried), element, (start, length), (instants, points)
                )
                weight = np.sqrt(row.weight) * root
                if row.materials is not None:
                    weight = weight * row.materials.at([element.left + element.width / 2])
                residuals.append((weight * value).ravel())
                rests.append((weight * rest).ravel())
                slopes.append((weight[..., None] * slope).reshape(weight.size, -1))
        return jnp.concatenate(residuals), jnp.concatenate(rests), jnp.concatenate(slopes)

    def _instants(self, begins: bool) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights in time, of sum 1: the start alone, or Gauss points of the slab."""
        if begins or self.rows.time is None:
            return np.array([-1.0]), np.array([1.0])
        nodes, weights = polynomials.gauss(self.duration + 3)
        return nodes, weights / 2

    def _row(self, row: Rows, begins, coefficients, element: _Element, slab, points):
        """A residual at points (instants, places), also beside what is carried, to first order; and its slopes.

        coefficients   (degree + 1, m, T) of the solution, and of what is carried
        The slopes are those in the free coefficients, (.., (degree + 1) m T).
        """
        (start, length), (instants, places), half = slab, points, element.width / 2
        where = element.left + half * (np.asarray(places) + 1)
        when = start + length * (np.asarray(instants) + 1) / 2
        coordinates = self._coordinates(when[:, None], where[None, :])
        partials = {p for need in row.function.needs for p, _ in need.terms}
        tables = {p: self._tables(p, length, half, instants, places) for p in partials}
        taken, change = (
            {p: tables[p][0] @ part[:, p.unknown].T @ tables[p][1].T for p in partials} for part in coefficients
        )
        given = row.function.coefficients(coordinates)

        def residual(taken):
            known = {need: sum(c * taken[p] for p, c in need.terms) for need in row.function.needs}
            value = row.function.combine(given, coordinates, known, {})
            return jnp.broadcast_to(value, (len(instants), len(places)))

        by_partial = jax.grad(lambda taken: jnp.sum(residual(taken)))(taken)
        rest = residual(taken) + sum(slope * change[p] for p, slope in by_partial.items())
        return residual(taken), rest, self._slopes(by_partial, tables, begins)

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
        shape = (*next(iter(by_partial.values())).shape, self.degree + 1, last - first)
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
