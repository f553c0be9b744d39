"""How elements of a tensor mesh of two axes join at interfaces: by their values, and by rows of fluxes.

Across an interface the functions of an axis share but the first half of their derivatives, see `ElementLine`, so that
u is continuous exactly. Where two elements meet at an interface, the difference of their fluxes at Gauss points of the
edge is a row of the least squares; it knows the functions of that end of both, and no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.slabs.fronts import Front
from spindle.slabs.lines import ElementLine
from spindle.slabs.rows import Joint, SlabRows

_TOGETHER = 8  # edges that a compiled program does at once


class _Edge(NamedTuple):
    """One edge of an interface as the compiled program takes it.

    widths             of the elements below and above, across the interface
    left, width        where it lies, along the interface
    share              of the length of the axis
    nonlinear          see `Slab`
    """

    widths: Any
    left: Any
    width: Any
    share: Any
    nonlinear: Any


@dataclass(frozen=True, eq=False)
class PlaneJoints:
    """The interfaces of one problem of two axes.

    lines   how elements join along both axes, away from interfaces
    """

    rows: SlabRows
    unknowns: int
    degree: int
    lines: tuple[ElementLine, ElementLine]

    def numbers(self, number: int, breaks: np.ndarray) -> tuple[np.ndarray, int]:
        """The functions along the first or second axis, see `ElementLine.numbers`."""
        joints = self.rows.joints_across(self.rows.others[number])
        return self.lines[number].numbers(len(breaks) - 1, [_above(joint, breaks) for joint in joints])

    def fronts(self, local: np.ndarray, slab, lines, numbers: np.ndarray) -> tuple[dict, float]:
        """The rows of all edges as equations beside those of the elements below, see `fronts.solve`, and their loss.

        local     (N_x, N_y, degree + 1, degree + 1, m, 1)
        lines     the break points of both axes
        numbers   (N_x, N_y, (degree + 1)^2 m) of the unknowns that elements share; of others anything
        """
        beside: dict[tuple[int, int], list[Front]] = {}
        total = 0.0
        for joint, program in zip(self.rows.joints, self._programs, strict=True):
            number = self.rows.others.index(joint.axis)
            pairs = _pairs(joint, number, lines)
            sides, met = self._sides(local[..., 0], number, pairs), self._met(numbers, number, pairs)
            residuals, slopes = _in_parts(program, sides, _edges(number, lines, pairs, slab.nonlinear))
            slopes = slopes * self._factors(number, lines, pairs)[:, None, :]
            total += float(np.sum(residuals**2))
            for (below, _), mine, residual, slope in zip(pairs, met, residuals, slopes, strict=True):
                beside.setdefault(below, []).append(_front(mine, residual, slope))
        return beside, total

    # ------------------------------------------------------------------------------------- both sides of the edges

    def _ends(self, number: int) -> tuple[slice, slice]:
        """The functions that an element has at its upper and at its lower end."""
        ends = self.lines[number].smoothness + 1
        return slice(ends, 2 * ends), slice(0, ends)

    def _sides(self, table: np.ndarray, number: int, pairs) -> np.ndarray:
        """(edges, 2, ends, degree + 1, m) what a table of all functions holds of those at the edges, both sides."""
        both = [
            [np.moveaxis(table[e], number, 0)[end] for e, end in zip(pair, self._ends(number), strict=True)]
            for pair in pairs
        ]
        return np.array(both)

    def _met(self, numbers: np.ndarray, number: int, pairs) -> np.ndarray:
        """(edges, columns) the numbers of the unknowns at the edges."""
        functions = self.degree + 1
        table = numbers.reshape(*numbers.shape[:2], functions, functions, self.unknowns)
        return self._sides(table, number, pairs).reshape(len(pairs), -1)

    def _factors(self, number: int, lines, pairs) -> np.ndarray:
        """(edges, columns) by which unknowns become coefficients on the reference elements, see `ElementLine`."""
        first, second = (line.factors(np.diff(b) / 2) for line, b in zip(self.lines, lines, strict=True))
        table = (first[:, None, :, None] * second[None, :, None, :])[..., None]
        table = np.broadcast_to(table, (*table.shape[:4], self.unknowns))
        return self._sides(table, number, pairs).reshape(len(pairs), -1)

    # ------------------------------------------------------------------------------------------------ the program

    @cached_property
    def _programs(self) -> list:
        """What returns residuals (edges, rows) and slopes (edges, rows, columns), for each interface."""

        def linearised(joint):
            def each(sides, edge):
                def differences(sides):
                    return homotopic(lambda s: self._differences(joint, s, edge), sides, edge.nonlinear)

                slopes = jax.jacfwd(differences)(sides)
                return differences(sides), slopes.reshape(len(slopes), -1)

            return jax.jit(jax.vmap(each))

        return [linearised(joint) for joint in self.rows.joints]

    def _differences(self, joint: Joint, sides, edge: _Edge):
        """The weighted differences of fluxes (fluxes * points,) at one edge, from (2, ends, degree + 1, m)."""
        nodes, weights = polynomials.gauss(self.degree + 2)
        root, places = jnp.sqrt(weights * edge.share / 2), (joint.left, joint.right)
        differences = []
        for *functions, weight in joint.fluxes:
            below, above = (
                self._flux(functions[k], joint, (sides[k], (1.0, -1.0)[k], places[k], edge.widths[k]), edge, nodes)
                for k in range(2)
            )
            differences.append(np.sqrt(weight) * root * (above - below))
        return jnp.concatenate(differences)

    def _flux(self, function, joint: Joint, side, edge: _Edge, nodes):
        """A flux (points,) on one side: (coefficients (ends, degree + 1, m), end, place, width)."""
        coefficients, end, place, width = side
        number = self.rows.others.index(joint.axis)
        (across, along), other = (self.lines[number], self.lines[1 - number]), self.rows.others[1 - number]
        at_end = self._ends(number)[end < 0]

        def value(partial):
            order, beside = partial.orders[joint.axis], partial.orders[other]
            normal = (polynomials.values([end], self.degree, order) @ across.along)[0, at_end] / (width / 2) ** order
            table = polynomials.values(nodes, self.degree, beside) @ along.along / (edge.width / 2) ** beside
            return table @ (normal @ coefficients[..., partial.unknown])

        where = {joint.axis: jnp.full(len(nodes), place), other: edge.left + edge.width * (nodes + 1) / 2}
        known = {need: sum(c * value(p) for p, c in need.terms) for need in function.needs}
        return jnp.broadcast_to(function([where[k] for k in self.rows.others], known), (len(nodes),))


def homotopic(whole, taken, nonlinear):
    """`whole(taken)` where what is nonlinear counts by a share only, see `Slab`."""
    nothing = jax.tree.map(jnp.zeros_like, taken)
    start, slope = jax.jvp(whole, (nothing,), (taken,))
    # Where the slope at zero has no value the whole has to do alone.
    linear = start + slope
    usable = (nonlinear < 1) & jnp.isfinite(linear)
    share = jnp.where(usable, nonlinear, 1.0)
    return share * whole(taken) + (1 - share) * jnp.where(usable, linear, 0.0)


def _above(joint: Joint, breaks: np.ndarray) -> int:
    """The number of the element that begins at an interface."""
    return int(np.abs(breaks[:-1] - joint.right).argmin())


def _below(joint: Joint, breaks: np.ndarray) -> int:
    """The number of the element that ends there."""
    return int(np.abs(breaks[1:] - joint.left).argmin())


def _pairs(joint: Joint, number: int, lines) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The elements below and above each edge of an interface."""
    below, above = _below(joint, lines[number]), _above(joint, lines[number])
    along = range(len(lines[1 - number]) - 1)
    return [((below, j), (above, j)) if number == 0 else ((j, below), (j, above)) for j in along]


def _edges(number: int, lines, pairs: Sequence, nonlinear: float) -> _Edge:
    """All edges of an interface, (edges, ..) each."""
    across, along = np.diff(lines[number]), lines[1 - number]
    widths = np.array([[across[e[number]] for e in pair] for pair in pairs])
    share = np.diff(along) / (along[-1] - along[0])
    return _Edge(widths, along[:-1], np.diff(along), share, np.full(len(pairs), nonlinear))


def _in_parts(program, sides: np.ndarray, edges: _Edge) -> tuple[np.ndarray, np.ndarray]:
    """A program run on all edges, as many at a time as it takes; the last ones are filled up with copies."""
    count, parts = len(sides), []
    for start in range(0, count, _TOGETHER):
        chosen = np.minimum(np.arange(start, start + _TOGETHER), count - 1)
        parts.append(program(sides[chosen], _Edge(*(part[chosen] for part in edges))))
    residuals, slopes = (np.concatenate([np.asarray(p) for p in part])[:count] for part in zip(*parts, strict=True))
    return residuals, slopes


def _front(numbers: np.ndarray, residuals: np.ndarray, slopes: np.ndarray) -> Front:
    """The normal equations of some rows; values at the edge stand among the columns twice."""
    unique, places = np.unique(numbers, return_inverse=True)
    columns = np.zeros((len(unique), len(residuals)))
    np.add.at(columns, places, slopes.T)
    return Front(unique, columns @ columns.T, columns @ residuals)
