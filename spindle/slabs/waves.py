"""Waves along periodic axes, times polynomials in a slab of time.

u(t, x) = sum over k, j of  c[k, j]  e^(i k x)  T_j(t), held by its values on the grid that these waves go through.

Source of the transforms: Canuto, Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapter 2.
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
from spindle.networks.waves import WavesField
from spindle.slabs.equations import SlabEquations
from spindle.slabs.rows import SlabRows
from spindle.slabs.space import Slab, Solved, Step
from spindle.slabs.tensor import LAST, TensorSpace
from spindle.slabs.wave_grid import WaveGrid, good_number, resampled
from spindle.slabs.wave_rows import WaveRows
from spindle.slabs.wave_solvers import Rounds, change, fixed_point, gauss_newton, inverse_of_linear_part

_BEYOND = 7 / 6  # points by which errors are looked for
_SMALLER = 0.01  # of the changes that are small enough: where errors grow, what is left is more than the last change


@dataclass(frozen=True, eq=False)
class Waves(TensorSpace):
    """The space of the slabs of a problem that is periodic along all axes of space; its mesh are the points on each.

    lengths   of the axes of space
    lows      where they begin
    """

    rows: SlabRows
    unknowns: int
    duration: int
    lengths: tuple[float, ...]
    lows: tuple[float, ...]

    @cached_property
    def inside(self) -> WaveRows:
        """The equations."""
        return WaveRows(SlabEquations(self.rows, self.unknowns, self.during), self.lengths, self.lows)

    @cached_property
    def _programs(self) -> dict[tuple[int, ...], tuple]:
        return {}

    # ----------------------------------------------------------------------------------------------- series and meshes

    def enriched(self, degrees: int) -> "Waves":
        """The same of a higher degree in time; how many waves there are is the matter of meshes."""
        return replace(self, duration=self.duration + degrees)

    def of_errors(self) -> "Waves | None":
        """Two degrees more, on a finer mesh; None where steps take as many iterations as those of the solution."""
        return self.enriched(2) if self.inside.equations.semilinear else None

    def good_number(self, axis: int, count: float) -> int:
        """An odd one, of which transforms are fast."""
        return good_number(math.ceil(count))

    def mesh_of_errors(self, mesh) -> tuple[int, ...]:
        """A sixth more points on each axis, so that the last waves of a solution are not those of its error."""
        return tuple(good_number(math.ceil(_BEYOND * n)) for n in mesh)

    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(d,) the largest of the last waves along each axis, relative to the size of their unknown."""
        d, found = len(self.lengths), []
        spectrum = np.abs(np.fft.fftn(series, axes=range(d))) / math.prod(series.shape[:d])
        for axis in range(d):
            n = series.shape[axis]
            numbers = np.abs(np.fft.fftfreq(n, 1 / n))
            last = np.take(spectrum, np.flatnonzero(numbers > (1 - LAST) * (n // 2)), axis=axis)
            found.append((last.max(axis=(*range(d), d + 1)) / sizes).max())
        return np.array(found)

    def coarser(self, slab: Solved, tails: np.ndarray, sizes: np.ndarray, tolerance: float):
        """The same mesh: what waves need once, they mostly need again."""
        return slab.mesh

    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """The series on another grid, exactly where that is a finer one."""
        for axis, n in enumerate(other):
            series = resampled(series, axis, n)
        return series

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
        axes = self.inside.axes(slab.mesh)
        return self.inside.equations.start(self.nothing(slab.mesh), slab.begins, slab.length, axes)

    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs on this mesh, once."""
        grid = WaveGrid.of(slab.mesh, self.lengths)
        if grid.points in self._programs:
            return
        number = jax.ShapeDtypeStruct((), float)
        spectrum = jax.ShapeDtypeStruct((*self.inside.equations.free.shape, *grid.waves), complex)
        if not self.inside.equations.semilinear:
            stepped = partial(gauss_newton, self.inside, grid=grid)
            self._programs[grid.points] = (_compiled(stepped, spectrum, begins=number, length=number, damping=number),)
            return
        prepared = partial(inverse_of_linear_part, self.inside, grid=grid)
        first = _compiled(prepared, spectrum, begins=number, length=number, damping=number)
        changed = partial(change, self.inside, grid=grid)
        second = _compiled(changed, spectrum, *first.out_info, begins=number, length=number)
        self._programs[grid.points] = first, second

    def step(
        self, begins: bool, local: np.ndarray, slab: Slab, damping: float, carried: np.ndarray | None = None
    ) -> Step:
        """The state at the start; from it, whose coefficients stay, the solution, or one Gauss-Newton step to it.

        What is carried is added before: a fixed point has no linearisation that it could be kept out of.
        """
        if begins:
            return Step(self.start(slab) - local, 0.0)
        local = local if carried is None else local + carried
        self.compile(slab)
        axes, programs = range(len(slab.mesh)), self._programs[tuple(slab.mesh)]
        spectrum = np.moveaxis(np.fft.rfftn(local, axes=axes), (-2, -1), (0, 1))
        place = {"begins": float(slab.begins), "length": float(slab.length)}
        if len(programs) == 1:
            step, loss = programs[0](spectrum, **place, damping=float(damping))
            return Step(self._on_grid(np.asarray(step), slab.mesh), float(loss))
        rounds = self._rounds(spectrum, slab, place, damping)
        if rounds is None:
            return Step(np.full(local.shape, np.nan), math.nan)
        step = self._on_grid(rounds.point - spectrum, slab.mesh)
        return Step(step, rounds.loss, settled=True, rounds=rounds.rounds)

    def _rounds(self, spectrum: np.ndarray, slab: Slab, place: dict[str, float], damping: float) -> Rounds | None:
        first, second = self._programs[tuple(slab.mesh)]
        given, inverse = first(spectrum, **place, damping=float(damping))
        grid, enough = WaveGrid.of(slab.mesh, self.lengths), np.array(slab.enough)

        def changed(spectrum):
            found, loss = second(spectrum, given, inverse, **place)
            return np.asarray(found), float(loss)

        def size(spectrum):
            return float((np.sqrt(grid.mean_square(spectrum).sum(axis=1)) / enough).max())

        return fixed_point(changed, spectrum, size, _SMALLER, self.patience)

    def _on_grid(self, spectrum: np.ndarray, mesh) -> np.ndarray:
        return np.fft.irfftn(np.moveaxis(spectrum, (0, 1), (-2, -1)), mesh, axes=range(len(mesh)))


def _compiled(function, *arguments, **named):
    return jax.jit(function).lower(*arguments, **named).compile()
