"""Residuals on tensor grids in a slab of time, and what the linear part of the equations makes of them.

Each unknown has an equation of its own, that of its rate. Of that, second derivatives along single axes, the value and
the rates, with slopes averaged over the grid, are inverted mode by mode; all else is left to the next round. Values at
walls follow from those inside, so that conditions hold in every round.

Source of the method: Canuto, Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapters 3 and 4.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.special

from spindle.lowering.partials import DifferentialOperator
from spindle.networks.series import AxisSeries
from spindle.slabs.equations import SlabEquations
from spindle.slabs.grid_lines import GridLine, Wall, along, unknown_at
from spindle.slabs.rows import SIDES

_LEAST = 1e-14  # of what is inverted, added to it
Lines = tuple[tuple[GridLine, ...], ...]  # of each unknown, along each axis


@dataclass(frozen=True, eq=False)
class GridRows:
    """The rows of a problem on tensor grids, for local coefficients (m, T, n_1, .., n_d).

    series   the functions of each axis of space
    """

    equations: SlabEquations
    series: tuple[AxisSeries, ...]

    @cached_property
    def walls(self) -> Mapping[tuple[int, int], tuple[Wall, Wall]]:
        """{(unknown, number of the axis of space): its walls}, of axes that are not periodic."""
        rows, found = self.equations.rows, {}
        for k, axis in enumerate(rows.others):
            if self.series[k].periodic:
                continue
            low, high = (
                {unknown_at(row): Wall.of(row, axis, len(rows.others)) for row in rows.at(side)} for side in SIDES[k]
            )
            found.update({(u, k): (low[u], high[u]) for u in range(self.equations.unknowns)})
        return found

    @cached_property
    def of_rates(self) -> tuple[int, ...]:
        """For each unknown the number of the equation of its rate."""
        rates = [{n.unknown for n in constants if self.equations.is_rate(n)} for constants in self.equations.constants]
        matched = rates_matched(rates, self.equations.unknowns)
        assert matched is not None, "else the problem would not fit"
        return matched

    def lines(self, points: tuple[int, ...]) -> Lines:
        """All lines of a grid of so many points, made once."""
        if points not in self._lines:
            axes = list(enumerate(zip(self.series, points, strict=True)))
            self._lines[points] = tuple(
                tuple(GridLine.of(s, n, self.walls.get((u, k))) for k, (s, n) in axes)
                for u in range(self.equations.unknowns)
            )
        return self._lines[points]

    @cached_property
    def _lines(self) -> dict[tuple[int, ...], Lines]:
        return {}

    def axes(self, points) -> list[np.ndarray]:
        """The points of a grid along each axis."""
        return [s.points(n) for s, n in zip(self.series, points, strict=True)]

    # ------------------------------------------------------------------------------------------------------- residuals

    def coordinates(self, lines: Lines, begins, length) -> list:
        """The coordinates of the grid at all instants."""
        points = tuple(len(line.extend) for line in lines[0])
        return self.equations.coordinates(self.equations.instants(begins, length), self.axes(points))

    def taken(self, local, needs, lines: Lines, tables) -> dict[DifferentialOperator, Any]:
        """Operators at the points of the grid, (instants, n_1, .., n_d)."""
        time, others = self.equations.time, self.equations.rows.others

        def partial(u, orders):
            value = jnp.tensordot(tables[orders[time]], local[u], 1)
            for k, axis in enumerate(others):
                if orders[axis]:
                    value = along(lines[u][k].slopes[orders[axis]], value, 1 + k)
            return value

        return {need: sum(c * partial(need.unknown, p.orders) for p, c in need.terms) for need in needs}

    def values(self, local, given, lines: Lines, begins, length) -> list:
        """The equations at the points inside, (instants, N_1, .., N_d) each."""
        equations, points = self.equations, local.shape[2:]
        taken = self.taken(local, equations.needs, lines, equations.tables(length))
        coordinates = self.coordinates(lines, begins, length)
        return [
            equations.value(self.of_rates[u], given, taken, coordinates, points)[self._inside(lines[u])]
            for u in range(equations.unknowns)
        ]

    def _inside(self, lines) -> tuple[slice, ...]:
        return (slice(None), *(line.inside for line in lines))

    # ----------------------------------------------------------------------------------------------------- linear part

    def linear_part(self, local, given, lines: Lines, begins, length) -> list:
        """For each unknown what its free coefficients make of the residual of its rate: (N_1 .., instants, F)."""
        equations, points = self.equations, local.shape[2:]
        tables = equations.tables(length)
        taken = self.taken(local, equations.products, lines, tables)
        coordinates, parts = self.coordinates(lines, begins, length), []
        for u in range(equations.unknowns):
            matrix = jnp.zeros(())
            for need, mean in equations.means(self.of_rates[u], given, taken, coordinates, points).items():
                if need.unknown == u:
                    matrix = matrix + self._on_modes(need, mean, lines[u], tables)
            matrix = matrix[..., equations.rows.given[u] :]
            parts.append(jnp.broadcast_to(matrix, (*(len(line.numbers) for line in lines[u]), *matrix.shape[-2:])))
        return parts

    def inverted(self, part) -> np.ndarray:
        """The least-squares inverse (N_1 .., F, instants) of a linear part.

        On the host: two batches of triangular systems in one program of XLA may wait for each other's threads for ever.
        """
        weights = np.sqrt(self.equations.nodes[1])
        matrix = np.asarray(part) * weights[:, None]
        adjoint = matrix.conj().swapaxes(-1, -2)
        square = adjoint @ matrix
        largest = np.abs(square).max(axis=(-1, -2), keepdims=True)
        return np.linalg.solve(square + _LEAST * largest * np.eye(square.shape[-1]), adjoint * weights)

    def _on_modes(self, need: DifferentialOperator, mean, lines, tables):
        """What is inverted of an operator, (N_1 .., instants, T); zero of all else."""
        total = jnp.zeros(())
        for p, c in need.terms:
            orders = [p.orders[k] for k in self.equations.rows.others]
            table = c * mean * tables[p.orders[self.equations.time]]
            if not any(orders):
                total = total + table
            elif sum(orders) == 2 and max(orders) == 2:
                k = orders.index(2)
                shape = [-1 if j == k else 1 for j in range(len(lines))] + [1, 1]
                total = total + lines[k].numbers.reshape(shape) * table
        return total

    def change(self, local, given, inverses, lines: Lines, begins, length):
        """What the linear part makes of the residuals, a change of local coefficients, and the loss."""
        values, changes = self.values(local, given, lines, begins, length), []
        rows, weights = self.equations.inside, self.equations.nodes[1]
        loss = jnp.zeros(())
        for u, value in enumerate(values):
            mean = jnp.mean(value**2, axis=tuple(range(1, value.ndim)))
            loss += rows[self.of_rates[u]].weight * jnp.sum(weights * mean)
            for k, line in enumerate(lines[u]):
                value = along(line.inverse, value, 1 + k)
            wanted = -jnp.moveaxis(jnp.einsum("...fq,q...->...f", inverses[u], value), -1, 0)
            for k, line in enumerate(lines[u]):
                wanted = along(line.modes, wanted, 1 + k)
            wanted = jnp.real(wanted)
            for k, line in enumerate(lines[u]):
                wanted = along(line.extend, wanted, 1 + k)
            known = self.equations.rows.given[u]
            changes.append(jnp.concatenate([jnp.zeros((known, *wanted.shape[1:])), wanted]))
        return jnp.stack(changes), loss

    # ----------------------------------------------------------------------------------------------------------- walls

    def filled(self, local, lines: Lines, begins, length):
        """Local coefficients whose values at walls fulfil the conditions there."""
        instants, results = self.equations.instants(begins, length), []
        for u, mine in enumerate(local):
            known = self.equations.rows.given[u]
            inside = mine[known:][self._inside(lines[u])]
            for k, line in enumerate(lines[u]):
                inside = along(line.extend, inside, 1 + k)
                if len(line.walls):
                    data = self._data(u, k, mine[:known], lines[u], instants)
                    inside = inside + along(line.lift, data, 1 + k)
            results.append(jnp.concatenate([mine[:known], inside]))
        return jnp.stack(results)

    def _data(self, u: int, k: int, known, lines, instants):
        """The free coefficients (F, .., 2, ..) of what the walls of an axis ask for, beside what the start gives."""
        table, count = self.equations.values_in_time, self.equations.rows.given[u]
        at_walls = along(lines[k].walls, known, 1 + k)
        wanted = self._asked(u, k, lines, instants) - jnp.tensordot(table[:, :count], at_walls, 1)
        weights = np.sqrt(self.equations.nodes[1])
        fit = np.linalg.pinv(table[:, count:] * weights[:, None]) * weights
        cut = [slice(None), *(slice(None) if j <= k else line.inside for j, line in enumerate(lines))]
        return jnp.tensordot(fit, wanted, 1)[tuple(cut)]

    def _asked(self, u: int, k: int, lines, instants):
        """g of the walls of an axis, (instants, .., 2, ..)."""
        axes = self.axes([len(line.extend) for line in lines])
        parts = []
        for wall, end in zip(self.walls[u, k], (0, -1), strict=True):
            places = [axis[[end]] if j == k else axis for j, axis in enumerate(axes)]
            coordinates = self.equations.coordinates(instants, places)
            function = wall.row.function
            nothing = dict.fromkeys(function.needs, jnp.zeros((1,) * (1 + len(axes))))
            value = function.combine(function.coefficients(coordinates), coordinates, nothing, {})
            parts.append(jnp.broadcast_to(-value, (len(instants), *map(len, places))))
        return jnp.concatenate(parts, axis=1 + k)

    def met(self, local: np.ndarray, lines: Lines, begins: float, layers: float) -> np.ndarray:
        """Local coefficients (n_1, .., n_d, m, T) at the start, with layers by which walls of stretched axes are met.

        They are those that diffusion makes of a jump, or of a slope that jumps, within a time that is left out.

        layers   their thickness, by that of the thinnest ones that an axis holds
        """
        for u, mine in enumerate(lines):
            for k, (axis, line) in enumerate(zip(self.series, mine, strict=True)):
                if axis.periodic or not axis.stretch:
                    continue
                value = np.moveaxis(local[..., u, 0], k, 0)
                asked = np.moveaxis(np.asarray(self._asked(u, k, mine, np.array([begins])))[0], k, 0)
                gap = asked - np.tensordot(line.walls, value, 1)
                shapes = np.stack(
                    [layer(axis, len(value), wall, end, layers) for end, wall in enumerate(self.walls[u, k])], 1
                )
                value += np.tensordot(shapes, gap, 1)
        return local


def layer(axis: AxisSeries, count: int, wall: Wall, end: int, layers: float = 1.0) -> np.ndarray:
    """(count,) a layer at one end of an axis, in which the condition a u + b u' of the wall there is one."""
    points, thickness = axis.points(count), layers * axis.length * math.exp(-2 * axis.stretch)
    distance = (points - points[0] if end == 0 else points[-1] - points) / thickness
    if not wall.slope:
        return scipy.special.erfc(distance) / wall.value
    integral = np.exp(-(distance**2)) / math.sqrt(math.pi) - distance * scipy.special.erfc(distance)
    slope = wall.slope if end else -wall.slope
    return thickness * integral / (wall.value * thickness / math.sqrt(math.pi) + slope)


def rates_matched(rates: list[set[int]], unknowns: int) -> tuple[int, ...] | None:
    """For each unknown an equation that contains its rate, each equation once; None where there is no such choice.

    rates   of each equation, the unknowns whose rates it contains
    """

    def matched(u: int, taken: tuple[int, ...]) -> tuple[int, ...] | None:
        if u == unknowns:
            return taken
        tries = (k for k, mine in enumerate(rates) if u in mine and k not in taken)
        return next((m for k in tries if (m := matched(u + 1, (*taken, k))) is not None), None)

    return matched(0, ())
