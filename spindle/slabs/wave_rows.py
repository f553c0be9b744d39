"""Residuals of sums of waves times polynomials in a slab of time, and the linear part of the equations.

Residuals are taken on a grid half as fine again as that of the waves, and on Gauss points of the slab. What operators
the equations contain linearly, with constant coefficients, is never taken to points: it stays a spectrum.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from spindle.lowering.partials import DifferentialOperator
from spindle.slabs.equations import SlabEquations
from spindle.slabs.wave_grid import WaveGrid


@dataclass(frozen=True, eq=False)
class WaveRows:
    """The rows of a problem inside, of spectra (m, T, K_1, .., K_d): of each unknown and each function of time.

    lengths    of the axes of space
    lows       where they begin
    """

    equations: SlabEquations
    lengths: tuple[float, ...]
    lows: tuple[float, ...]

    # ------------------------------------------------------------------------------------------------------- operators

    def symbols(self, need: DifferentialOperator, grid: WaveGrid, tables) -> list[tuple[np.ndarray, Any]]:
        """An operator on one wave: pairs of a factor for each wave (waves ..) and a table of time (instants, T)."""
        by_order: dict[int, Any] = defaultdict(lambda: 0.0)
        for p, c in need.terms:
            by_order[p.orders[self.equations.time]] += c * grid.symbol(
                tuple(p.orders[k] for k in self.equations.rows.others)
            )
        return [(symbol, tables[order]) for order, symbol in by_order.items()]

    def image(self, spectrum, need: DifferentialOperator, grid: WaveGrid, tables):
        """The spectrum of an operator at all instants, (instants, waves ..)."""
        mine = spectrum[need.unknown]
        return sum(symbol * jnp.tensordot(table, mine, 1) for symbol, table in self.symbols(need, grid, tables))

    def taken(self, spectrum, needs, grid: WaveGrid, tables) -> dict[DifferentialOperator, Any]:
        """Operators at the points of the fine grid, (instants, M_1, .., M_d)."""
        return {need: grid.fine_values(self.image(spectrum, need, grid, tables)) for need in needs}

    # ------------------------------------------------------------------------------------------------------- residuals

    def places(self, grid: WaveGrid, begins, length) -> list:
        """The coordinates of the fine grid at all instants, arrays as of `SlabEquations.coordinates`."""
        return self.equations.coordinates(self.equations.instants(begins, length), self.axes(grid.fine))

    def axes(self, counts) -> list[np.ndarray]:
        """The points of a grid along each axis."""
        return [low + length * np.arange(n) / n for low, length, n in zip(self.lows, self.lengths, counts, strict=True)]

    def at_points(self, spectrum, grid: WaveGrid, begins, length):
        """All residuals at all points, weighted, one after the other: the loss is the sum of their squares."""
        equations = self.equations
        taken = self.taken(spectrum, equations.needs, grid, equations.tables(length))
        coordinates = self.places(grid, begins, length)
        given, parts = equations.given(coordinates), []
        for number, row in enumerate(equations.inside):
            weights = np.sqrt(row.weight * equations.nodes[1] / math.prod(grid.fine))
            value = equations.value(number, given, taken, coordinates, grid.fine)
            parts.append(value * weights.reshape(-1, *(1 for _ in grid.fine)))
        return jnp.concatenate([part.ravel() for part in parts])

    def in_waves(self, spectrum, given, grid: WaveGrid, begins, length):
        """The part of all residuals that the waves hold, (equations, instants, waves ..), and the loss."""
        equations = self.equations
        tables, coordinates = equations.tables(length), self.places(grid, begins, length)
        taken = self.taken(spectrum, equations.products, grid, tables)
        parts, loss = [], jnp.zeros(())
        for number, (row, constants) in enumerate(zip(equations.inside, equations.constants, strict=True)):
            others = {need: value for need, value in taken.items() if need not in constants}
            held, rest = grid.of_fine(equations.value(number, given, others, coordinates, grid.fine))
            for need, slope in constants.items():
                held += slope * self.image(spectrum, need, grid, tables)
            loss += row.weight * jnp.sum(equations.nodes[1] * (rest + grid.mean_square(held)))
            parts.append(held)
        return jnp.stack(parts), loss

    # ----------------------------------------------------------------------------------------------------- linear part

    def linear_part(self, spectrum, given, grid: WaveGrid, begins, length):
        """What slopes, averaged over the grid, make of each wave: a matrix (waves .., equations instants, m T)."""
        equations = self.equations
        tables, coordinates = equations.tables(length), self.places(grid, begins, length)
        taken = self.taken(spectrum, equations.products, grid, tables)
        shape = (*grid.waves, len(equations.nodes[0]), len(equations.during))
        blocks = []
        for number, row in enumerate(equations.inside):
            columns: list[Any] = [0.0] * equations.unknowns
            for need, mean in equations.means(number, given, taken, coordinates, grid.fine).items():
                for symbol, table in self.symbols(need, grid, tables):
                    columns[need.unknown] += symbol[..., None, None] * (mean * table)
            block = jnp.stack([jnp.broadcast_to(c, shape) for c in columns], axis=-2) * equations.free
            weights = np.sqrt(row.weight * equations.nodes[1])
            blocks.append(block.reshape(*shape[:-1], -1) * weights[:, None])
        return jnp.concatenate(blocks, axis=-2)
