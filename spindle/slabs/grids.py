"""Polynomials along axes between walls, waves along periodic ones, times polynomials in a slab of time.

u(t, x) = sum over k, j of  c[k, j]  f_k1(x_1) .. f_kd(x_d)  T_j(t), held by its values on a tensor grid: Chebyshev's
points of an axis with walls. A slab is solved by a fixed point (see `wave_solvers`): second derivatives, values and
rates are inverted by modes of each axis, and what is left, such as transport and reactions, by rounds, each of which
costs one residual.

Source: Canuto, Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapters 3 and 4.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks.fields import Field
from spindle.networks.series import AxisSeries, SeriesField
from spindle.slabs.equations import SlabEquations
from spindle.slabs.grid_rows import GridRows
from spindle.slabs.rows import SlabRows
from spindle.slabs.space import Slab, Solved, Step
from spindle.slabs.tensor import LAST, TensorSpace
from spindle.slabs.wave_solvers import fixed_point

_FEWEST = 17  # points on an axis
_MUCH_LESS = 0.1  # of a tolerance
_BEYOND = 7 / 6  # points by which errors are looked for
_SMALLER = 0.01  # of the changes that are small enough: where errors grow, what is left is more than the last change


@dataclass(frozen=True, eq=False)
class Grids(TensorSpace):
    """The space of the slabs of a problem in which each unknown spreads along each axis of space.

    axes     the functions of each axis of space
    layers   the thickness of layers of the first instant, by that of the thinnest ones that stretched axes hold
    """

    rows: SlabRows
    unknowns: int
    duration: int
    axes: tuple[AxisSeries, ...]
    layers: float = 1.0

    @cached_property
    def inside(self) -> GridRows:
        """The equations and walls."""
        return GridRows(SlabEquations(self.rows, self.unknowns, self.during), self.axes)

    @cached_property
    def _programs(self) -> dict[tuple[int, ...], tuple]:
        return {}

    # ----------------------------------------------------------------------------------------------- series and meshes

    def good_number(self, axis: int, count: float) -> int:
        """An odd one: of a sine for each cosine."""
        return max(math.ceil(count), _FEWEST) | 1

    def enriched(self, degrees: int) -> "Grids":
        """The same of a higher degree in time, and of layers half as thick: less time is left out at the start."""
        return replace(self, duration=self.duration + degrees, layers=self.layers / 2)

    def of_errors(self) -> "Grids":
        """Two degrees more, on a finer mesh."""
        return self.enriched(2)

    def mesh_of_errors(self, mesh) -> tuple[int, ...]:
        """A sixth more points on each axis, so that the last functions of a solution are not those of its error."""
        return tuple(self.good_number(k, _BEYOND * n) for k, n in enumerate(mesh))

    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(d,) the largest of the last coefficients along each axis, relative to the size of their unknown."""
        d, tails = len(self.axes), []
        spectrum = np.abs(self._spectrum(series))
        for k in range(d):
            n = series.shape[k]
            last = np.take(spectrum, range(math.ceil((1 - LAST) * n), n), axis=k)
            tails.append((last.max(axis=(*range(d), d + 1)) / sizes).max())
        return np.array(tails)

    def coarser(self, slab: Solved, tails: np.ndarray, sizes: np.ndarray, tolerance: float):
        """Two thirds of the points on each axis that is resolved by as many: those were compiled on the way up."""
        mesh = list(slab.mesh)
        for k, n in enumerate(slab.mesh):
            fewer = [*slab.mesh[:k], self.good_number(k, 2 * n / 3), *slab.mesh[k + 1 :]]
            if tails[k] < _MUCH_LESS * tolerance and fewer[k] < n:
                series = self.moved(slab.series, slab.mesh, fewer)
                if self.tails(series, sizes)[k] < _MUCH_LESS * tolerance:
                    mesh[k] = fewer[k]
        return tuple(mesh)

    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """The series on another grid, exactly where that is a finer one."""
        for k, (axis, old, new) in enumerate(zip(self.axes, mesh, other, strict=True)):
            if old != new:
                series = _along(axis.between(old, new) @ axis.inverse(old), series, k)
        return series

    def _spectrum(self, series: np.ndarray) -> np.ndarray:
        for k, axis in enumerate(self.axes):
            series = _along(axis.inverse(series.shape[k]), series, k)
        return series

    # ------------------------------------------------------------------------------------------------------------ field

    def empty(self, sizes: Mapping[str, Any]) -> SeriesField:
        """A field of zeros."""
        shape = (sizes["slabs"], *sizes["points"], self.unknowns, self.duration + 1)
        return self._field(np.zeros(sizes["slabs"] + 1), np.zeros(shape))

    def laid(self, slabs: Sequence[Solved]) -> SeriesField:
        """The series of all slabs."""
        points = tuple(self.sizes(slabs)["points"])
        coefficients = np.stack([self._spectrum(self.moved(s.series, s.mesh, points)) for s in slabs])
        return self._field(np.array([slabs[0].begins, *(s.ends for s in slabs)]), coefficients)

    def slabs(self, field: Field) -> list[Solved]:
        """The values of all slabs on the grid of the finest one."""
        assert isinstance(field, SeriesField)
        instants, coefficients = np.asarray(field.instants), np.asarray(field.coefficients)
        points = coefficients.shape[1:-2]
        for k, (axis, n) in enumerate(zip(self.axes, points, strict=True)):
            coefficients = _along(axis.at_points(n), coefficients, 1 + k)
        ends = zip(instants[:-1], instants[1:], coefficients, strict=True)
        return [Solved(float(a), float(b - a), points, series, math.nan) for a, b, series in ends]

    def _field(self, instants, coefficients) -> SeriesField:
        return SeriesField(jnp.asarray(instants), jnp.asarray(coefficients), self.time, self.rows.others, self.axes)

    def described(self, slabs: Sequence[Solved], names: Sequence[str]) -> str:
        """How many functions on each axis."""
        each = zip(self.sizes(slabs)["points"], self.axes, names, strict=True)
        kinds = [(n // 2, "waves", name) if axis.periodic else (n, "polynomials", name) for n, axis, name in each]
        return ", ".join(f"{n} {kind} along {name}" for n, kind, name in kinds)

    # -------------------------------------------------------------------------------------------------------- one step

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs on this mesh, once."""
        points = tuple(slab.mesh)
        if points in self._programs:
            return
        _ = self.inside.of_rates  # asked outside the programs, which could not find it out
        lines, number = self.inside.lines(points), jax.ShapeDtypeStruct((), float)
        local = jax.ShapeDtypeStruct((self.unknowns, self.duration + 1, *points), float)
        place = {"begins": number, "length": number}

        def prepared(local, begins, length):
            local = self.inside.filled(local, lines, begins, length)
            given = self.inside.equations.given(self.inside.coordinates(lines, begins, length))
            return local, given, self.inside.linear_part(local, given, lines, begins, length)

        first = jax.jit(prepared).lower(local, **place).compile()
        changed = jax.jit(partial(self.inside.change, lines=lines))
        _, given, parts = first.out_info
        inverses = [jax.ShapeDtypeStruct((*p.shape[:-2], p.shape[-1], p.shape[-2]), p.dtype) for p in parts]
        second = changed.lower(local, given, inverses, **place).compile()
        self._programs[points] = first, second

    def step(
        self, begins: bool, local: np.ndarray, slab: Slab, damping: float, carried: np.ndarray | None = None
    ) -> Step:
        """The state at the start; from it, whose coefficients stay, the solution.

        What is carried is added before: a fixed point has no linearisation that it could be kept out of.
        """
        if begins:
            axes = self.inside.axes(slab.mesh)
            start = self.inside.equations.start(self.nothing(slab.mesh), slab.begins, slab.length, axes)
            return Step(
                self.inside.met(start, self.inside.lines(tuple(slab.mesh)), slab.begins, self.layers) - local, 0.0
            )
        local = local if carried is None else local + carried
        self.compile(slab)
        first, second = self._programs[tuple(slab.mesh)]
        place = {"begins": float(slab.begins), "length": float(slab.length)}
        filled, given, parts = first(np.moveaxis(local, (-2, -1), (0, 1)), **place)
        inverses = list(map(self.inside.inverted, parts))
        enough = np.array(slab.enough)

        def changed(point):
            change, loss = second(point, given, inverses, **place)
            return np.asarray(change), float(loss)

        def size(change):
            mean = np.mean(change**2, axis=tuple(range(2, change.ndim)))
            return float((np.sqrt(mean.sum(axis=1)) / enough).max())

        rounds = fixed_point(changed, np.asarray(filled), size, _SMALLER, self.patience)
        if rounds is None:
            return Step(np.full(local.shape, np.nan), math.nan)
        change = np.moveaxis(rounds.point, (0, 1), (-2, -1)) - local
        return Step(change, rounds.loss, settled=True, rounds=rounds.rounds)


def _along(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(matrix, array, ((1,), (axis,))), 0, axis)
