"""Residuals of sums of waves times polynomials in a slab of time, and the linear part of the equations.

Residuals are taken on a grid half as fine again as that of the waves, and on Gauss points of the slab. What operators
the equations contain linearly, with constant coefficients, is never taken to points: it stays a spectrum.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from spindle.lowering.partials import DifferentialOperator
from spindle.networks import polynomials
from spindle.slabs.rows import Rows, SlabPart, SlabRows
from spindle.slabs.wave_grid import WaveGrid
from spindle.training.precision import precision

_MORE = 1  # instants than functions of time that are solved for


@dataclass(frozen=True, eq=False)
class WaveRows:
    """The rows of a problem inside, of spectra (m, T, K_1, .., K_d): of each unknown and each function of time.

    rows       of the problem
    unknowns   how many, m
    during     the functions of a slab of time, as columns of Legendre coefficients
    lengths    of the axes of space
    lows       where they begin
    """

    rows: SlabRows
    unknowns: int
    during: np.ndarray
    lengths: tuple[float, ...]
    lows: tuple[float, ...]

    @property
    def time(self) -> int:
        """The axis of time, which there is."""
        assert self.rows.time is not None
        return self.rows.time

    @cached_property
    def inside(self) -> tuple[Rows, ...]:
        """The equations."""
        return self.rows.at(SlabPart.INSIDE)

    @cached_property
    def free(self) -> np.ndarray:
        """(m, T) which coefficients are solved for: 0.0 of those that the state at the start gives."""
        known = np.array(self.rows.given)[:, None]
        return (np.arange(len(self.during))[None, :] >= known).astype(float)

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Gauss points of the slab, and weights of sum one."""
        nodes, weights = polynomials.gauss(len(self.during) - 1 + _MORE)
        return nodes, weights / 2

    # ------------------------------------------------------------------------------------------------------- operators

    @cached_property
    def needs(self) -> tuple[DifferentialOperator, ...]:
        """All operators."""
        return tuple(dict.fromkeys(need for row in self.inside for need in row.function.needs))

    @cached_property
    def constants(self) -> tuple[dict[DifferentialOperator, float], ...]:
        """For each equation the operators that it contains linearly, with their constant coefficients."""
        return tuple(self._constants(row) for row in self.inside)

    @cached_property
    def products(self) -> tuple[DifferentialOperator, ...]:
        """The operators that have to be known at points."""
        pairs = zip(self.inside, self.constants, strict=True)
        return tuple(dict.fromkeys(n for row, known in pairs for n in row.function.needs if n not in known))

    @cached_property
    def semilinear(self) -> bool:
        """Whether the linear part rules the more the shorter waves are, or the shorter the slab is.

        What is not linear with constant coefficients is then of lower order in space than what is; or of no higher an
        order than the first, beside that of the rates.
        """
        linear = [need for known in self.constants for need in known]
        rate = max((self._order(n) for n in self.needs if self._rates(n)), default=0)
        ruling = max((self._order(n) for n in linear), default=0)
        varying = max((self._order(n) for n in self.products), default=0)
        timed = any(self._rates(need) for need in self.products)
        return not timed and (varying < ruling or varying <= rate + 1)

    def _order(self, need: DifferentialOperator) -> int:
        return max(sum(p.orders[k] for k in self.rows.others) for p, _ in need.terms)

    def _rates(self, need: DifferentialOperator) -> bool:
        return any(p.orders[self.time] for p, _ in need.terms)

    def _constants(self, row: Rows) -> dict[DifferentialOperator, float]:
        needs, one = row.function.needs, np.ones((1,) * (1 + len(self.lows)))
        coordinates, values = [one] * (1 + len(self.lows)), [one] * len(needs)

        def slope(coordinates, values, which):
            def value(mine):
                known = dict(zip(needs, values, strict=True)) | {needs[which]: mine}
                return jnp.sum(row.function.combine(row.function.coefficients(coordinates), coordinates, known, {}))

            return jax.grad(value)(values[which])

        constants = {}
        with precision("float64"):
            for which, need in enumerate(needs):
                if not _depends(jax.make_jaxpr(partial(slope, which=which))(coordinates, values).jaxpr):
                    constants[need] = float(slope(coordinates, list(map(jnp.asarray, values)), which).item())
        return constants

    def tables(self, length) -> dict[int, Any]:
        """The functions of time (instants, T), differentiated as often as the equations ask for."""
        orders = {p.orders[self.time] for need in self.needs for p, _ in need.terms}
        degree = len(self.during) - 1
        return {n: polynomials.values(self.nodes[0], degree, n) @ self.during * (2 / length) ** n for n in orders}

    def symbols(self, need: DifferentialOperator, grid: WaveGrid, tables) -> list[tuple[np.ndarray, Any]]:
        """An operator on one wave: pairs of a factor for each wave (waves ..) and a table of time (instants, T)."""
        by_order: dict[int, Any] = defaultdict(lambda: 0.0)
        for p, c in need.terms:
            by_order[p.orders[self.time]] += c * grid.symbol(tuple(p.orders[k] for k in self.rows.others))
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
        """The coordinates of the fine grid at all instants, arrays as of `coordinates`."""
        return self.coordinates(begins + length * (self.nodes[0] + 1) / 2, self.axes(grid.fine))

    def axes(self, counts) -> list[np.ndarray]:
        """The points of a grid along each axis."""
        return [low + length * np.arange(n) / n for low, length, n in zip(self.lows, self.lengths, counts, strict=True)]

    def coordinates(self, instants, axes) -> list:
        """Instants and points as coordinate arrays in the order of the problem, which broadcast together."""
        d = len(axes)
        arrays = {self.time: jnp.reshape(instants, (-1, *(1,) * d))}
        for k, (axis, nodes) in enumerate(zip(self.rows.others, axes, strict=True)):
            arrays[axis] = nodes.reshape(1, *(-1 if j == k else 1 for j in range(d)))
        return [jnp.asarray(arrays[k]) for k in sorted(arrays)]

    def given(self, coordinates) -> list:
        """What of each equation depends on the coordinates alone."""
        return [row.function.coefficients(coordinates) for row in self.inside]

    def value(self, number: int, given, taken, coordinates, grid: WaveGrid):
        """An equation at the points of the fine grid, (instants, M_1, .., M_d); operators left out are zero."""
        function = self.inside[number].function
        nothing = jnp.zeros((1,) * (1 + len(grid.fine)))
        known = {need: taken.get(need, nothing) for need in function.needs}
        value = function.combine(given[number], coordinates, known, {})
        return jnp.broadcast_to(value, (len(self.nodes[0]), *grid.fine))

    def at_points(self, spectrum, grid: WaveGrid, begins, length):
        """All residuals at all points, weighted, one after the other: the loss is the sum of their squares."""
        taken = self.taken(spectrum, self.needs, grid, self.tables(length))
        coordinates = self.places(grid, begins, length)
        given, parts = self.given(coordinates), []
        for number, row in enumerate(self.inside):
            weights = np.sqrt(row.weight * self.nodes[1] / math.prod(grid.fine))
            value = self.value(number, given, taken, coordinates, grid)
            parts.append(value * weights.reshape(-1, *(1 for _ in grid.fine)))
        return jnp.concatenate([part.ravel() for part in parts])

    def in_waves(self, spectrum, given, grid: WaveGrid, begins, length):
        """The part of all residuals that the waves hold, (equations, instants, waves ..), and the loss."""
        tables, coordinates = self.tables(length), self.places(grid, begins, length)
        taken = self.taken(spectrum, self.products, grid, tables)
        parts, loss = [], jnp.zeros(())
        for number, (row, constants) in enumerate(zip(self.inside, self.constants, strict=True)):
            others = {need: value for need, value in taken.items() if need not in constants}
            held, rest = grid.of_fine(self.value(number, given, others, coordinates, grid))
            for need, slope in constants.items():
                held += slope * self.image(spectrum, need, grid, tables)
            loss += row.weight * jnp.sum(self.nodes[1] * (rest + grid.mean_square(held)))
            parts.append(held)
        return jnp.stack(parts), loss

    # ----------------------------------------------------------------------------------------------------- linear part

    def linear_part(self, spectrum, given, grid: WaveGrid, begins, length):
        """What slopes, averaged over the grid, make of each wave: a matrix (waves .., equations instants, m T)."""
        tables, coordinates = self.tables(length), self.places(grid, begins, length)
        taken = self.taken(spectrum, self.products, grid, tables)
        shape = (*grid.waves, len(self.nodes[0]), len(self.during))
        blocks = []
        for number, row in enumerate(self.inside):
            columns: list[Any] = [0.0] * self.unknowns
            for need, mean in self._means(number, given, taken, coordinates, grid).items():
                for symbol, table in self.symbols(need, grid, tables):
                    columns[need.unknown] += symbol[..., None, None] * (mean * table)
            block = jnp.stack([jnp.broadcast_to(c, shape) for c in columns], axis=-2) * self.free
            weights = np.sqrt(row.weight * self.nodes[1])
            blocks.append(block.reshape(*shape[:-1], -1) * weights[:, None])
        return jnp.concatenate(blocks, axis=-2)

    def _means(self, number: int, given, taken, coordinates, grid: WaveGrid) -> dict[DifferentialOperator, Any]:
        """The slope of an equation by each operator, averaged over the grid, (instants, 1) or a number."""
        means: dict[DifferentialOperator, Any] = dict(self.constants[number])
        varying = [need for need in self.inside[number].function.needs if need not in means]

        def value(values):
            known = {**taken, **dict(zip(varying, values, strict=True))}
            others = {need: v for need, v in known.items() if need not in means}
            return jnp.sum(self.value(number, given, others, coordinates, grid))

        slopes = jax.grad(value)([taken[need] for need in varying]) if varying else []
        for need, slope in zip(varying, slopes, strict=True):
            means[need] = jnp.mean(slope, axis=tuple(range(1, 1 + len(grid.fine))))[:, None]
        return means


def _depends(jaxpr) -> bool:
    """Whether what a program returns depends on what it is given, by what it does: never no where it does."""
    dependent = set(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not isinstance(v, Literal) and v in dependent for v in equation.invars):
            dependent.update(equation.outvars)
    return any(not isinstance(v, Literal) and v in dependent for v in jaxpr.outvars)
