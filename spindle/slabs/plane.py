"""Piecewise polynomials on a tensor mesh of two axes, at rest: the Gauss-Newton steps of one problem.

u(x, y) = sum over i, j of  c[i, j]  X_i(x)  Y_j(y),  X_i and Y_j of local support, with continuous derivatives up to
one order less than the equation's along their axis. The loss is the integral of the squared residuals by Gauss
quadrature, so that J^T J is a sum over elements; the unknowns inside an element are eliminated there, and those that
elements share by dense fronts (`fronts`). One compiled program does a few elements at a time, wherever they lie.

A column of elements is halved along x, and a row along y, where the last coefficients of one of its elements along
that axis are large. They count by the root of the area of their element, so that the corner of a jump, where they stay
as large as the jump on any mesh, does not take all refinement.

Source of the least-squares form: Jiang (1998), The Least-Squares Finite Element Method; of static condensation: Guyan
(1965), AIAA J. 3; of the joined functions on rectangles: Bogner, Fox & Schmit (1965), Proc. Conf. Matrix Methods.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve

from spindle.lowering.partials import Partial
from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.networks.plane import PlaneField
from spindle.slabs import fronts
from spindle.slabs.lines import ElementLine, moved
from spindle.slabs.plane_joints import PlaneJoints, homotopic
from spindle.slabs.rows import SIDES, Rows, SlabPart, SlabRows
from spindle.slabs.space import Slab, SlabSpace, Solved, Step

_TOGETHER = 8  # elements that the compiled program does at once
_MARKED = 0.02, 0.2, 0.9  # of the largest last coefficients: those above are refined, or fewer where room is short
_NARROWEST = 1e-7  # of an axis
_LEAST_DAMPING = 1e-13  # pressures are known up to a constant only


def mesh_of(lines: Sequence[np.ndarray]) -> np.ndarray:
    """The mesh (2, n) of the break points of both axes, the shorter one filled up with NaN."""
    mesh = np.full((2, max(map(len, lines))), np.nan)
    for row, line in zip(mesh, lines, strict=True):
        row[: len(line)] = line
    return mesh


def lines_of(mesh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The break points of both axes of a mesh."""
    first, second = (row[np.isfinite(row)] for row in mesh)
    return first, second


class _Tile(NamedTuple):
    """One element as the compiled program takes it, a pair of the axes each.

    left, width   where it lies
    share         of the lengths of the axes
    ends          1.0 where the lower and the upper end of the axis are its own, else 0.0: (2, 2), axes first
    nonlinear     see `Slab`; the same for all
    """

    left: Any
    width: Any
    share: Any
    ends: Any
    nonlinear: Any


class _Condensed(NamedTuple):
    """What is left of an element once its inner unknowns are eliminated: x = inner - inner_by_ends @ shared."""

    matrix: Any
    right: Any
    inner_by_ends: Any
    inner: Any
    loss: Any


@dataclass(frozen=True, eq=False)
class PlaneElements(SlabSpace):
    """The space of one problem of two axes, and its compiled program; its mesh is that of `mesh_of`.

    Series and local coefficients are (N_x, N_y, degree + 1, degree + 1, m, 1).

    rows       what is to be small
    unknowns   how many, m
    degree     along both axes
    """

    rows: SlabRows
    unknowns: int
    degree: int
    duration: int = 0
    homotopic: ClassVar[bool] = True
    dear: ClassVar[bool] = True

    @cached_property
    def lines(self) -> tuple[ElementLine, ElementLine]:
        """How elements join along both axes."""
        first, second = (
            ElementLine(self.degree, max(self.rows.order_along(axis) - 1, 0), axis in self.rows.periodic)
            for axis in self.rows.others
        )
        return first, second

    @cached_property
    def joints(self) -> PlaneJoints:
        """How they join at interfaces."""
        return PlaneJoints(self.rows, self.unknowns, self.degree, self.lines)

    def enriched(self, degrees: int) -> "PlaneElements":
        """The same with polynomials of higher degrees along both axes."""
        return replace(self, degree=self.degree + degrees)

    def of_errors(self) -> None:
        """None: nothing adds up from slab to slab at rest."""

    def mesh_of_errors(self, mesh) -> np.ndarray:
        """The mesh itself: degrees are higher."""
        return mesh

    # ----------------------------------------------------------------------------------------------- series and meshes

    def nothing(self, mesh) -> np.ndarray:
        """Zeros."""
        counts = [len(line) - 1 for line in lines_of(mesh)]
        return np.zeros((*counts, self.degree + 1, self.degree + 1, self.unknowns, 1))

    def series(self, local: np.ndarray) -> np.ndarray:
        """Legendre coefficients along both axes."""
        return np.einsum("pi,qj,efijut->efpqut", *(line.along for line in self.lines), local, optimize=True)

    def local(self, series: np.ndarray, mesh) -> np.ndarray:
        """The coefficients of the joined functions; where elements differ at what they share, their mean."""
        inverse = [np.linalg.inv(line.along) for line in self.lines]
        local = np.einsum("ip,jq,efpqut->efijut", *inverse, series, optimize=True)
        factors, (numbers, count) = self._factors(mesh)[..., None, None], self._numbers(mesh)
        shared, times = np.zeros((count, self.unknowns, 1)), np.bincount(numbers.ravel(), minlength=count)
        np.add.at(shared, numbers, local / factors)
        return (shared / np.maximum(times, 1)[:, None, None])[numbers] * factors

    def largest(self, series: np.ndarray) -> np.ndarray:
        """(m,) bounds by the sums of the coefficients of each element."""
        return np.abs(series).sum(axis=(2, 3)).max(axis=(0, 1, 3))

    def changes(self, series: np.ndarray, mesh) -> np.ndarray:
        """(m,) root mean squares: near the corner of a jump coefficients change on any mesh."""
        widths = [np.diff(line) / (line[-1] - line[0]) for line in lines_of(mesh)]
        norms = 1 / (2 * np.arange(self.degree + 1) + 1)
        return np.sqrt(np.einsum("efpqu,e,f,p,q->u", series[..., 0] ** 2, *widths, norms, norms, optimize=True))

    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(2, N_x, N_y) the root mean squares of the last two coefficients along each axis in each element."""
        norms = 1 / np.sqrt(2 * np.arange(self.degree + 1) + 1)
        parts = (series[..., 0] / sizes * np.multiply.outer(norms, norms)[..., None]) ** 2
        return np.sqrt(np.stack([parts[:, :, -2:].sum(axis=(2, 3)), parts[:, :, :, -2:].sum(axis=(2, 3))]).max(axis=-1))

    def finer(self, mesh, tails: np.ndarray, tolerance: float, most: int) -> np.ndarray | None:
        """The mesh with columns and rows halved; None where none need it or there would be too many unknowns."""
        lines = lines_of(mesh)
        widths = [np.diff(line) / (line[-1] - line[0]) for line in lines]
        errors = tails * np.sqrt(np.multiply.outer(*widths))
        for share in _MARKED:
            marks = errors > max(tolerance, share * errors.max())
            wanted = [
                bad.any(axis=1 - k) & (width > 2 * _NARROWEST)
                for k, (bad, width) in enumerate(zip(marks, widths, strict=True))
            ]
            if not any(bad.any() for bad in wanted):
                return None
            finer = mesh_of([_halved(line, bad) for line, bad in zip(lines, wanted, strict=True)])
            if self._size(finer) <= most:
                return finer
        return None

    def coarser(self, slab: Solved, tails: np.ndarray, sizes: np.ndarray, tolerance: float) -> np.ndarray:
        """The mesh as it is: nothing follows."""
        return slab.mesh

    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """The polynomials on another mesh: exact where that only adds break points."""
        (first, second), (wanted, beside) = lines_of(mesh), lines_of(other)
        along = moved(np.moveaxis(series, 2, 1), first, wanted)  # (N_x, P, N_y, Q, ..)
        across = moved(np.moveaxis(along, (2, 3), (0, 1)), second, beside)  # (N_y, Q, N_x, P, ..)
        return np.moveaxis(across, (2, 0, 3, 1), (0, 1, 2, 3))

    def sizes(self, slabs: Sequence[Solved]) -> dict[str, Any]:
        """The numbers of columns and of rows."""
        columns, rows = slabs[-1].series.shape[:2] if slabs else (1, 1)
        return {"columns": columns, "rows": rows}

    def empty(self, sizes: Mapping[str, Any]) -> PlaneField:
        """A field of zeros."""
        counts, (first, second) = (sizes["columns"], sizes["rows"]), self.rows.others
        breaks = jnp.linspace(0.0, 1.0, counts[0] + 1), jnp.linspace(0.0, 1.0, counts[1] + 1)
        zeros = jnp.zeros((*counts, self.degree + 1, self.degree + 1, self.unknowns))
        return PlaneField(breaks=breaks, coefficients=zeros, axes=(first, second))

    def laid(self, slabs: Sequence[Solved]) -> PlaneField:
        """The polynomials."""
        first, second = lines_of(slabs[-1].mesh)
        coefficients = jnp.asarray(slabs[-1].series[..., 0])
        return PlaneField((jnp.asarray(first), jnp.asarray(second)), coefficients, tuple(self.rows.others))  # type: ignore[arg-type]

    def slabs(self, field: Field) -> list[Solved]:
        """The one slab of a field."""
        assert isinstance(field, PlaneField)
        mesh = mesh_of([np.asarray(line) for line in field.breaks])
        return [Solved(0.0, 1.0, mesh, np.asarray(field.coefficients)[..., None], math.nan)]

    def described(self, slabs: Sequence[Solved], names: Sequence[str]) -> str:
        """How many elements."""
        sizes = self.sizes(slabs)
        counts = f"{sizes['columns']} times {sizes['rows']} elements"
        return f"{counts} of degree {self.degree} along {names[0]} and {names[1]}"

    # ------------------------------------------------------------------------------------------------- one step

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs, on a mesh that is thrown away."""
        nothing = self.nothing(slab.mesh)
        self._condensed(nothing, slab, 0.0)
        self._fluxes(nothing, slab)

    def step(
        self, begins: bool, local: np.ndarray, slab: Slab, damping: float, carried: np.ndarray | None = None
    ) -> Step:
        """One Gauss-Newton step.

        begins, carried   nothing begins here, and nothing is handed over
        damping           added to the diagonal of J^T J, which is scaled to one
        """
        del begins, carried
        damping = max(damping, _LEAST_DAMPING)
        condensed = self._condensed(local, slab, damping)
        if not np.isfinite(condensed.matrix).all() or not np.isfinite(condensed.right).all():
            return Step(np.full(local.shape, np.nan), float("nan"))
        beside, loss = self._fluxes(local, slab)
        shared = _solved(self._shared_numbers(slab.mesh), condensed, beside, damping)
        inner = condensed.inner - np.einsum("eij,ej->ei", condensed.inner_by_ends, shared)
        order = np.concatenate(self._parts)
        flat = np.empty((len(inner), len(order)))
        flat[:, order] = np.concatenate([shared, inner], axis=1)
        change = -flat.reshape(local.shape) * self._factors(slab.mesh)[..., None, None]
        return Step(change, float(condensed.loss.sum()) + loss)

    def _fluxes(self, local: np.ndarray, slab: Slab) -> tuple[dict, float]:
        """The rows of fluxes at interfaces, see `PlaneJoints.fronts`."""
        if not self.rows.joints:
            return {}, 0.0
        chosen = self._shared_numbers(slab.mesh)
        numbers = np.full((*chosen.shape[:2], math.prod(local.shape[2:])), -1)
        numbers[..., self._parts[0]] = chosen
        return self.joints.fronts(local, slab, lines_of(slab.mesh), numbers)

    @cached_property
    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Which of the (degree + 1)^2 m coefficients of an element are shared with others, and which are its own."""
        ends = [np.arange(self.degree + 1) < 2 * (line.smoothness + 1) for line in self.lines]
        shared = np.repeat((ends[0][:, None] | ends[1][None, :]).ravel(), self.unknowns)
        return np.flatnonzero(shared), np.flatnonzero(~shared)

    def _factors(self, mesh) -> np.ndarray:
        """(N_x, N_y, degree + 1, degree + 1) by which shared derivatives become those on the reference element."""
        first, second = (line.factors(np.diff(b) / 2) for line, b in zip(self.lines, lines_of(mesh), strict=True))
        return first[:, None, :, None] * second[None, :, None, :]

    def _numbers(self, mesh) -> tuple[np.ndarray, int]:
        """(N_x, N_y, degree + 1, degree + 1) of the functions, shared ones alike, and how many there are."""
        (first, many), (second, more) = (self.joints.numbers(k, b) for k, b in enumerate(lines_of(mesh)))
        return first[:, None, :, None] * more + second[None, :, None, :], many * more

    def _shared_numbers(self, mesh) -> np.ndarray:
        """(N_x, N_y, shared) numbers 0, 1, .. of the unknowns that elements share."""
        numbers, _ = self._numbers(mesh)
        numbers = numbers[..., None] * self.unknowns + np.arange(self.unknowns)
        chosen = numbers.reshape(*numbers.shape[:2], -1)[..., self._parts[0]]
        return np.unique(chosen, return_inverse=True)[1].reshape(chosen.shape)

    def _size(self, mesh) -> int:
        """The number of unknowns of a mesh."""
        return self._numbers(mesh)[1] * self.unknowns

    def _condensed(self, local: np.ndarray, slab: Slab, damping: float) -> _Condensed:
        """All elements condensed, as many at a time as the program takes; the last ones are filled up with copies."""
        flat = local.reshape(-1, *local.shape[2:5])
        tiles, count, parts = _tiles(slab.mesh, slab.nonlinear), len(flat), []
        for start in range(0, count, _TOGETHER):
            chosen = np.minimum(np.arange(start, start + _TOGETHER), count - 1)
            parts.append(self._program(flat[chosen], _Tile(*(part[chosen] for part in tiles)), damping))
        return _Condensed(*(np.concatenate([np.asarray(p) for p in part])[:count] for part in zip(*parts, strict=True)))

    @cached_property
    def _program(self):
        return jax.jit(jax.vmap(self._condense, in_axes=(0, 0, None)))

    def _condense(self, local, tile: _Tile, damping) -> _Condensed:
        """One element without its inner unknowns."""
        residual, slopes = self._linearised(local, tile)
        matrix, gradient = slopes.T @ slopes, slopes.T @ residual
        ends, tall = self._parts
        first, second = (line.factors(tile.width[k] / 2) for k, line in enumerate(self.lines))
        factors = jnp.repeat((first[:, None] * second[None, :]).ravel(), self.unknowns)[ends]
        diagonal = jnp.diagonal(matrix)[tall]
        scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1.0))
        inner = matrix[tall][:, tall] / scale / scale[:, None] + jnp.diag((diagonal <= 0) + damping)
        factor = jnp.linalg.cholesky(inner)
        columns = jnp.concatenate([matrix[tall][:, ends] * factors, gradient[tall, None]], axis=1) / scale[:, None]
        solved = cho_solve((factor, True), columns)
        left = matrix[ends][:, ends] * factors * factors[:, None] - columns[:, :-1].T @ solved[:, :-1]
        right = gradient[ends] * factors - columns[:, :-1].T @ solved[:, -1]
        solved = solved / scale[:, None]
        return _Condensed((left + left.T) / 2, right, solved[:, :-1], solved[:, -1], jnp.sum(residual**2))

    def _linearised(self, local, tile: _Tile):
        """The rows of an element, weighted, and their slopes in its coefficients."""
        nodes, weights = polynomials.gauss(self.degree + 2)
        inside = [(nodes, weights * tile.share[k] / 2) for k in range(2)]
        places = {SlabPart.INSIDE: inside}
        for k, sides in enumerate(SIDES):
            for end, (side, where) in enumerate(zip(sides, (-1.0, 1.0), strict=True)):
                places[side] = [(np.array([where]), tile.ends[k, end][None]) if j == k else inside[j] for j in range(2)]
        residuals, slopes = [], []
        for place, ((along, by_x), (across, by_y)) in places.items():
            root = jnp.sqrt(by_x[:, None] * by_y)
            for row in self.rows.at(place):
                value, slope = self._row(row, local, tile, (along, across))
                weight = np.sqrt(row.weight) * root
                if row.materials is not None:
                    weight = weight * row.materials.at(tile.left + tile.width / 2)
                weight = weight * row.counts(tile.left + tile.width / 2)
                residuals.append((weight * value).ravel())
                slopes.append((weight[..., None] * slope).reshape(weight.size, -1))
        return jnp.concatenate(residuals), jnp.concatenate(slopes)

    def _row(self, row: Rows, local, tile: _Tile, points):
        """A residual at the grid of points, and its slopes (.., .., (degree + 1)^2 m)."""
        where = [tile.left[k] + tile.width[k] * (np.asarray(points[k]) + 1) / 2 for k in range(2)]
        coordinates = [where[0][:, None], where[1][None, :]]
        partials = {p for need in row.function.needs for p, _ in need.terms}
        tables = {p: self._tables(p, tile, points) for p in partials}
        taken = {p: tables[p][0] @ local[..., p.unknown] @ tables[p][1].T for p in partials}
        given, shape = row.function.coefficients(coordinates), (len(points[0]), len(points[1]))

        def whole(taken):
            known = {need: sum(c * taken[p] for p, c in need.terms) for need in row.function.needs}
            return jnp.broadcast_to(row.function.combine(given, coordinates, known, {}), shape)

        def residual(taken):
            return homotopic(whole, taken, tile.nonlinear)

        by_partial = jax.grad(lambda taken: jnp.sum(residual(taken)))(taken)
        columns = [jnp.zeros((*shape, self.degree + 1, self.degree + 1))] * self.unknowns
        for p, slope in by_partial.items():
            product = (slope[..., None] * tables[p][0][:, None, :])[..., None] * tables[p][1][None, :, None, :]
            columns[p.unknown] = columns[p.unknown] + product
        return residual(taken), jnp.stack(columns, axis=-1).reshape(*shape, -1)

    def _tables(self, partial: Partial, tile: _Tile, points):
        """The joined functions of both axes at the points, (n, degree + 1), differentiated as asked."""
        tables = []
        for k, (axis, line) in enumerate(zip(self.rows.others, self.lines, strict=True)):
            order = partial.orders[axis]
            table = polynomials.values(points[k], self.degree, order) @ line.along
            tables.append(table / (tile.width[k] / 2) ** order)
        return tables


def _solved(numbers: np.ndarray, condensed: _Condensed, beside: Mapping, damping: float) -> np.ndarray:
    """(N_x N_y, shared) what elements share, damped by more where rounding errors leave no positive definite matrix."""
    shape = numbers.shape[:2]
    matrices, rights = (part.reshape(*shape, *part.shape[1:]) for part in (condensed.matrix, condensed.right))
    while damping < 1:
        with suppress(np.linalg.LinAlgError):
            return fronts.solve(numbers, matrices, rights, damping, beside)[numbers].reshape(len(condensed.right), -1)
        damping *= 100
    return np.full((len(condensed.right), numbers.shape[2]), np.nan)


def _halved(line: np.ndarray, bad: np.ndarray) -> np.ndarray:
    return np.sort(np.concatenate([line, ((line[:-1] + line[1:]) / 2)[bad]]))


def _tiles(mesh, nonlinear: float) -> _Tile:
    """All elements of a mesh, column after column: (N_x N_y, ..) each."""
    pairs = []
    for line in lines_of(mesh):
        widths, numbers = np.diff(line), np.arange(len(line) - 1)
        ends = np.stack([numbers == 0, numbers == len(numbers) - 1], axis=1).astype(float)
        pairs.append((line[:-1], widths, widths / (line[-1] - line[0]), ends))
    along, across = (np.arange(len(pair[0])) for pair in pairs)
    first, second = np.repeat(along, len(across)), np.tile(across, len(along))
    left, width, share, ends = (np.stack([a[first], b[second]], axis=1) for a, b in zip(*pairs, strict=True))
    return _Tile(left, width, share, ends, np.full(len(first), nonlinear))
