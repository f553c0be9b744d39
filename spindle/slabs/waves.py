"""Waves along periodic axes, times polynomials in a slab of time: the Gauss-Newton steps of one slab.

u(t, x) = sum over k, j of  c[k, j]  e^(i k x)  T_j(t), held by its values on the grid that these waves go through. The
loss is the mean square of the residuals on a grid half as fine again and on Gauss points of the slab. J is not formed:
a product with it is a few Fourier transforms, and conjugate gradients solve the normal equations. Their
preconditioner is the linear part: slopes of the residuals, averaged over the grid, have constant coefficients, so that
each wave k has a small matrix of its own, (D_t - L(k) T)^H W (D_t - L(k) T) for an equation u_t = L u + .., which is
inverted once a step. Where the linear part rules, as in stiff and dispersive equations, a few iterations suffice.

Source of the transforms: Canuto, Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapter 2.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spindle.lowering.partials import DifferentialOperator
from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.networks.waves import WavesField
from spindle.slabs.rows import Rows, SlabPart, SlabRows
from spindle.slabs.space import Slab, SlabSpace, Solved, Step

_FORCING = 1e-4  # conjugate gradients end when the residual of the normal equations has fallen so far
_MOST = 400  # iterations
_FINER = 3 / 2  # points of the grid of residuals by waves: products of two do not fold back
_LAST = 0.15  # share of the waves on each axis that count as the last ones
_FEWEST = 17


@dataclass(frozen=True, eq=False)
class Waves(SlabSpace):
    """The space of the slabs of a problem that is periodic along all axes of space; its mesh are the points on each.

    lengths   of the axes of space
    lows      where they begin
    """

    rows: SlabRows
    unknowns: int
    duration: int
    lengths: tuple[float, ...]
    lows: tuple[float, ...]

    @property
    def time(self) -> int:
        """The axis of time, which there is."""
        assert self.rows.time is not None
        return self.rows.time

    # ----------------------------------------------------------------------------------------------- series and meshes

    def enriched(self, degrees: int) -> "Waves":
        """The same of a higher degree in time; how many waves there are is the matter of meshes."""
        return replace(self, duration=self.duration + degrees)

    def of_errors(self) -> None:
        """None: a step takes as many iterations as those by which a slab was solved."""
        return

    def nothing(self, mesh) -> np.ndarray:
        """Zeros (n_1, .., n_d, m, T)."""
        return np.zeros((*mesh, self.unknowns, self.duration + 1))

    def series(self, local: np.ndarray) -> np.ndarray:
        """Legendre coefficients in time, at the points of the grid."""
        return local @ self.during.T

    def local(self, series: np.ndarray, mesh) -> np.ndarray:
        """The coefficients of the functions of time."""
        return series @ np.linalg.inv(self.during).T

    def largest(self, series: np.ndarray) -> np.ndarray:
        """(m,) the largest values of the unknowns."""
        return np.abs(series).sum(axis=-1).reshape(-1, self.unknowns).max(axis=0)

    def changes(self, series: np.ndarray, mesh) -> np.ndarray:
        """(m,) the largest coefficients."""
        return self.largest_coefficients(series)

    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(d,) the largest of the last waves along each axis, relative to the size of their unknown."""
        d, found = len(self.lengths), []
        spectrum = np.abs(np.fft.fftn(series, axes=range(d))) / math.prod(series.shape[:d])
        for axis in range(d):
            n = series.shape[axis]
            numbers = np.abs(np.fft.fftfreq(n, 1 / n))
            last = np.take(spectrum, np.flatnonzero(numbers > (1 - _LAST) * (n // 2)), axis=axis)
            found.append((last.max(axis=(*range(d), d + 1)) / sizes).max())
        return np.array(found)

    def finer(self, mesh, tails: np.ndarray, tolerance: float, most: int):
        """The mesh with half as many points again on the axes that are not resolved; None where all are."""
        wanted = tuple(_good(3 * n // 2) if tail > tolerance else n for n, tail in zip(mesh, tails, strict=True))
        return None if wanted == tuple(mesh) or math.prod(wanted) > most else wanted

    def coarser(self, mesh, tails: np.ndarray, tolerance: float):
        """The same mesh: what waves need once, they mostly need again."""
        return mesh

    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """The series on another grid, exactly where that is a finer one."""
        for axis, n in enumerate(other):
            series = _resampled(series, axis, n)
        return series

    def sizes(self, slabs: Sequence[Solved]) -> dict[str, Any]:
        """The number of slabs, and the most points on each axis."""
        d = len(self.lengths)
        points = [max((s.series.shape[k] for s in slabs), default=_FEWEST) for k in range(d)]
        return {"slabs": max(len(slabs), 1), "points": points}

    def empty(self, sizes: Mapping[str, Any]) -> WavesField:
        """A field of zeros."""
        *points, last = sizes["points"]
        shape = (sizes["slabs"], 2, *points, last // 2 + 1, self.unknowns, self.duration + 1)
        return self._field(np.zeros(sizes["slabs"] + 1), np.zeros(shape))

    def laid(self, slabs: Sequence[Solved]) -> WavesField:
        """The waves of all slabs."""
        points, d = tuple(self.sizes(slabs)["points"]), len(self.lengths)
        finest = [self.moved(s.series, s.mesh, points) for s in slabs]
        spectra = np.stack([np.fft.rfftn(series, axes=range(d)) for series in finest]) / math.prod(points)
        instants = np.array([slabs[0].begins, *(s.begins + s.length for s in slabs)])
        return self._field(instants, np.stack([spectra.real, spectra.imag], axis=1))

    def slabs(self, field: Field) -> list[Solved]:
        """The values of all slabs on the grid of the finest one."""
        assert isinstance(field, WavesField)
        instants, parts = np.asarray(field.instants), np.asarray(field.coefficients)
        points, d = (*parts.shape[2:-3], 2 * parts.shape[-3] - 1), len(self.lengths)
        spectra = (parts[:, 0] + 1j * parts[:, 1]) * math.prod(points)
        slabs = []
        for begins, ends, spectrum in zip(instants[:-1], instants[1:], spectra, strict=True):
            series = np.fft.irfftn(spectrum, points, axes=range(d))
            slabs.append(Solved(float(begins), float(ends - begins), points, series, math.nan))
        return slabs

    def _field(self, instants, coefficients) -> WavesField:
        return WavesField(
            jnp.asarray(instants), jnp.asarray(coefficients), self.time, self.rows.others, self.lows, self.lengths
        )

    def described(self, slabs: Sequence[Solved], names: Sequence[str]) -> str:
        """How many waves on each axis."""
        points = self.sizes(slabs)["points"]
        return ", ".join(f"{n // 2} waves along {name}" for n, name in zip(points, names, strict=True))

    # -------------------------------------------------------------------------------------------------------- one step

    def start(self, slab: Slab) -> np.ndarray:
        """The local coefficients of the state at the start, by its conditions, point by point."""
        local = self.nothing(slab.mesh)
        coordinates = self._coordinates(np.array([slab.begins]), self._grid(slab.mesh))
        for row in self.rows.at(SlabPart.START):
            ((partial, factor),) = [pair for need in row.function.needs for pair in need.terms]
            need, order = row.function.needs[0], partial.orders[self.time]
            given = row.function.coefficients([jnp.asarray(c) for c in coordinates])
            zero, one = (
                row.function.combine(given, coordinates, {need: jnp.full((1, *slab.mesh), v)}, {}) for v in (0.0, 1.0)
            )
            value = np.broadcast_to(np.asarray(-zero / (one - zero)) / factor, (1, *slab.mesh))[0]
            local[..., partial.unknown, order] = value * (slab.length / 2) ** order / math.factorial(order)
        return local

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs on this mesh, once."""
        shape = self.nothing(slab.mesh).shape
        if shape not in self._programs:
            number = jax.ShapeDtypeStruct((), float)
            lowered = jax.jit(self._stepped).lower(jax.ShapeDtypeStruct(shape, float), number, number, number)
            self._programs[shape] = lowered.compile()

    def step(self, begins: bool, local: np.ndarray, slab: Slab, damping: float) -> Step:
        """One Gauss-Newton step from the state at the start, whose coefficients stay; or that state itself."""
        if begins:
            return Step(self.start(slab) - local, 0.0)
        self.compile(slab)
        change, loss = self._programs[local.shape](local, float(slab.begins), float(slab.length), float(damping))
        return Step(np.asarray(change), float(loss))

    @cached_property
    def _programs(self) -> dict[tuple[int, ...], Any]:
        """What was compiled, by the shapes of the coefficients."""
        return {}

    def _stepped(self, local, begins, length, damping):
        axes = tuple(range(len(self.lengths)))
        grid = _Grid.of(local.shape[: len(axes)], self.lengths)
        tables = self._tables(length)
        free = jnp.asarray(self._free)

        def residual(local):
            return self._residual(local, grid, tables, begins, length)

        value, forward = jax.linearize(residual, local)
        backward = jax.linear_transpose(forward, local)
        inverse = self._linear_part(local, grid, tables, begins, length, damping)

        def product(v):
            return backward(forward(v * free))[0] * free

        def precondition(r):
            spectrum = jnp.fft.rfftn(r * free, axes=axes)
            flat = spectrum.reshape(*spectrum.shape[: len(axes)], -1, 1)
            solved = (inverse @ flat).reshape(spectrum.shape)
            return jnp.fft.irfftn(solved, local.shape[: len(axes)], axes=axes) * free

        right = -backward(value)[0] * free
        return _conjugate_gradients(product, precondition, right), jnp.sum(value**2)

    @cached_property
    def _free(self) -> np.ndarray:
        """(m, T) which coefficients are solved for: 0.0 of those that the state at the start gives."""
        known = np.array(self.rows.given)[:, None]
        return (np.arange(self.duration + 1)[None, :] >= known).astype(float)

    def _residual(self, local, grid: "_Grid", tables, begins, length):
        """All rows, weighted, one after the other."""
        taken = self._taken(local, grid, tables)
        coordinates = self._coordinates(begins + length * (self._instants[0] + 1) / 2, self._grid(grid.fine))
        parts = [self._row(row, taken, coordinates, grid) for row in self.rows.at(SlabPart.INSIDE)]
        return jnp.concatenate([part.ravel() for part in parts])

    def _row(self, row: Rows, taken, coordinates, grid: "_Grid"):
        weights = np.sqrt(row.weight * self._instants[1] / math.prod(grid.fine))
        value = self._value(row, taken, coordinates, grid)
        return value * weights.reshape(-1, *(1 for _ in grid.fine))

    def _value(self, row: Rows, taken, coordinates, grid: "_Grid"):
        known = {need: taken[need] for need in row.function.needs}
        value = row.function.combine(row.function.coefficients(coordinates), coordinates, known, {})
        return jnp.broadcast_to(value, (len(self._instants[0]), *grid.fine))

    @cached_property
    def _instants(self) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = polynomials.gauss(self.duration + 3)
        return nodes, weights / 2

    @cached_property
    def _needs(self) -> tuple[DifferentialOperator, ...]:
        rows = self.rows.at(SlabPart.INSIDE)
        return tuple(dict.fromkeys(need for row in rows for need in row.function.needs))

    def _symbols(self, need: DifferentialOperator, grid: "_Grid", tables) -> list[tuple[Any, Any]]:
        """An operator on one wave: pairs of a factor for each wave (waves ..) and a table of time (instants, T)."""
        by_order: dict[int, Any] = defaultdict(lambda: 0.0)
        for p, c in need.terms:
            by_order[p.orders[self.time]] += c * grid.symbol(tuple(p.orders[k] for k in self.rows.others))
        return [(symbol, tables[order]) for order, symbol in by_order.items()]

    def _taken(self, local, grid: "_Grid", tables) -> dict[DifferentialOperator, Any]:
        """All operators at the points of the fine grid, (instants, M_1, .., M_d): one transform for each."""
        spectrum = jnp.fft.rfftn(local, axes=range(len(self.lengths)))
        taken = {}
        for need in self._needs:
            mine = spectrum[..., need.unknown, :]
            image = sum(symbol[..., None] * (mine @ table.T) for symbol, table in self._symbols(need, grid, tables))
            taken[need] = jnp.moveaxis(grid.values(image), -1, 0)
        return taken

    def _tables(self, length) -> dict[int, Any]:
        """The functions of time (instants, T), differentiated as often as the equations ask for."""
        orders = {p.orders[self.time] for need in self._needs for p, _ in need.terms}
        return {
            n: polynomials.values(self._instants[0], self.duration, n) @ self.during * (2 / length) ** n for n in orders
        }

    def _linear_part(self, local, grid: "_Grid", tables, begins, length, damping):
        """The inverse of the matrix (m T, m T) of each wave, from slopes that are averaged over the grid."""
        taken = self._taken(local, grid, tables)
        coordinates = self._coordinates(begins + length * (self._instants[0] + 1) / 2, self._grid(grid.fine))
        total: Any = 0.0
        for row in self.rows.at(SlabPart.INSIDE):
            needs = row.function.needs
            given = [taken[need] for need in needs]

            def value(given, row=row):
                return jnp.sum(self._value(row, dict(zip(row.function.needs, given, strict=True)), coordinates, grid))

            slopes = dict(zip(needs, jax.grad(value)(given), strict=True))
            columns: list[Any] = [0.0] * self.unknowns
            for need, slope in slopes.items():
                mean = jnp.mean(slope, axis=tuple(range(1, 1 + len(grid.fine))))
                for symbol, table in self._symbols(need, grid, tables):
                    columns[need.unknown] += symbol[..., None, None] * (mean[:, None] * table)
            shape = (*grid.waves, len(self._instants[0]), self.duration + 1)
            rows = jnp.stack([jnp.broadcast_to(c, shape) for c in columns], axis=-2) * self._free
            rows = rows.reshape(*shape[:-1], -1) * np.sqrt(row.weight * self._instants[1])[:, None]
            total += jnp.einsum("...qa,...qb->...ab", rows.conj(), rows)
        diagonal = jnp.real(jnp.diagonal(total, axis1=-2, axis2=-1))
        empty = jnp.where(diagonal > 0, 0.0, 1.0) + (damping + 1e-13) * jnp.maximum(diagonal, 1e-300)
        matrix = total + jnp.eye(diagonal.shape[-1]) * empty[..., None, :]
        return jnp.linalg.inv(matrix) * math.prod(grid.points)

    def _grid(self, counts) -> list[np.ndarray]:
        """The points of a grid along each axis."""
        return [low + length * np.arange(n) / n for low, length, n in zip(self.lows, self.lengths, counts, strict=True)]

    def _coordinates(self, instants, axes) -> list:
        """Coordinate arrays in the order of the problem, which broadcast together."""
        d = len(axes)
        arrays = {self.time: instants.reshape(-1, *(1,) * d)}
        for k, (axis, nodes) in enumerate(zip(self.rows.others, axes, strict=True)):
            arrays[axis] = nodes.reshape(1, *(-1 if j == k else 1 for j in range(d)))
        return [jnp.asarray(arrays[k]) for k in sorted(arrays)]


class _Grid(NamedTuple):
    """A grid of points on periodic axes, and a finer one on which residuals are taken.

    points   on each axis, odd numbers
    fine     likewise
    numbers  the wave numbers along each axis, those of the last axis not negative
    """

    points: tuple[int, ...]
    fine: tuple[int, ...]
    numbers: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, points, lengths) -> "_Grid":
        last = len(points) - 1
        numbers = [
            2 * np.pi / length * (np.fft.rfftfreq(n, 1 / n) if k == last else np.fft.fftfreq(n, 1 / n))
            for k, (n, length) in enumerate(zip(points, lengths, strict=True))
        ]
        return cls(tuple(points), tuple(_good(math.ceil(_FINER * n)) for n in points), tuple(numbers))

    @property
    def waves(self) -> tuple[int, ...]:
        """The shape of a spectrum."""
        return tuple(map(len, self.numbers))

    def symbol(self, orders) -> Any:
        """(i k)^orders for each wave."""
        d, total = len(orders), 1.0
        for axis, (numbers, order) in enumerate(zip(self.numbers, orders, strict=True)):
            total = total * ((1j * numbers) ** order).reshape([-1 if j == axis else 1 for j in range(d)])
        return jnp.broadcast_to(total, self.waves)

    def values(self, spectrum):
        """The values of a spectrum (waves .., any) at the points of the fine grid."""
        d = len(self.points)
        for axis in range(d - 1):  # the middle is where positive and negative wave numbers meet
            n, wanted = self.points[axis], self.fine[axis]
            positive, negative = jnp.split(spectrum, [n // 2 + 1], axis=axis)
            gap = [(0, wanted - n) if j == axis else (0, 0) for j in range(spectrum.ndim)]
            spectrum = jnp.concatenate([jnp.pad(positive, gap), negative], axis=axis)
        scale = math.prod(self.fine) / math.prod(self.points)
        return jnp.fft.irfftn(spectrum, self.fine, axes=range(d)) * scale


def _conjugate_gradients(product, precondition, right):
    """x with product(x) = right."""

    def unfinished(state):
        _, _, _, _, now, first, count = state
        return (now > _FORCING**2 * first) & (count < _MOST) & (now > 1e-300)

    def advance(state):
        x, r, p, _, now, first, count = state
        image = product(p)
        step = now / jnp.sum(p * image)
        x, r = x + step * p, r - step * image
        z = precondition(r)
        following = jnp.sum(r * z)
        return x, r, z + following / now * p, z, following, first, count + 1

    z = precondition(right)
    first = jnp.sum(right * z)
    return jax.lax.while_loop(unfinished, advance, (jnp.zeros_like(right), right, z, z, first, first, 0))[0]


def _good(n: int) -> int:
    """The least odd number of at least n, and `_FEWEST`, whose prime factors are 3, 5 and 7: transforms are fast."""
    n = max(n, _FEWEST) | 1
    while True:
        rest = n
        for prime in (3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 2


def _resampled(series: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Values on a periodic axis of an odd number of points at n points, another odd number."""
    old = series.shape[axis]
    if n == old:
        return series
    spectrum = np.fft.rfft(series, axis=axis)
    return np.fft.irfft(spectrum, n, axis=axis) * (n / old)
