"""The equations of a slab of time, pointwise in space: what they need, what they contain linearly, and their slopes.

Functions of time are polynomials that know the state at the start; equations are taken at Gauss points of the slab.
"""

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
from spindle.training.precision import precision

_MORE = 1  # instants than functions of time that are solved for


@dataclass(frozen=True, eq=False)
class SlabEquations:
    """The equations of a problem in a slab of time.

    rows       of the problem
    unknowns   how many, m
    during     the functions of a slab of time, as columns of Legendre coefficients
    """

    rows: SlabRows
    unknowns: int
    during: np.ndarray

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
        return tuple(constant_slopes(row, len(self.rows.others)) for row in self.inside)

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
        rate = max((self._order(n) for n in self.needs if self.is_rate(n)), default=0)
        ruling = max((self._order(n) for n in linear), default=0)
        varying = max((self._order(n) for n in self.products), default=0)
        timed = any(self.is_rate(need) for need in self.products)
        return not timed and (varying < ruling or varying <= rate + 1)

    def is_rate(self, need: DifferentialOperator) -> bool:
        """Whether an operator contains derivatives by time."""
        return any(p.orders[self.time] for p, _ in need.terms)

    def _order(self, need: DifferentialOperator) -> int:
        return max(sum(p.orders[k] for k in self.rows.others) for p, _ in need.terms)

    @cached_property
    def values_in_time(self) -> np.ndarray:
        """The functions of time at the instants, (instants, T)."""
        return polynomials.values(self.nodes[0], len(self.during) - 1) @ self.during

    def tables(self, length) -> dict[int, Any]:
        """The functions of time (instants, T), differentiated as often as the equations ask for."""
        orders = {p.orders[self.time] for need in self.needs for p, _ in need.terms}
        degree = len(self.during) - 1
        return {n: polynomials.values(self.nodes[0], degree, n) @ self.during * (2 / length) ** n for n in orders}

    # ---------------------------------------------------------------------------------------------- values and slopes

    def instants(self, begins, length):
        """The instants at which equations are taken."""
        return begins + length * (self.nodes[0] + 1) / 2

    def coordinates(self, instants, axes) -> list:
        """Instants and points of each axis as coordinate arrays in the order of the problem, which broadcast."""
        d = len(axes)
        arrays = {self.time: jnp.reshape(instants, (-1, *(1,) * d))}
        for k, (axis, nodes) in enumerate(zip(self.rows.others, axes, strict=True)):
            arrays[axis] = jnp.reshape(nodes, (1, *(-1 if j == k else 1 for j in range(d))))
        return [jnp.asarray(arrays[k]) for k in sorted(arrays)]

    def given(self, coordinates) -> list:
        """What of each equation depends on the coordinates alone."""
        return [row.function.coefficients(coordinates) for row in self.inside]

    def value(self, number: int, given, taken, coordinates, points: tuple[int, ...]):
        """An equation on a grid of so many points, (instants, M_1, .., M_d); operators left out are zero."""
        function = self.inside[number].function
        nothing = jnp.zeros((1,) * (1 + len(points)))
        known = {need: taken.get(need, nothing) for need in function.needs}
        value = function.combine(given[number], coordinates, known, {})
        return jnp.broadcast_to(value, (len(self.nodes[0]), *points))

    def means(self, number: int, given, taken, coordinates, points: tuple[int, ...]) -> dict[DifferentialOperator, Any]:
        """The slope of an equation by each operator, averaged over the grid, (instants, 1) or a number."""
        means: dict[DifferentialOperator, Any] = dict(self.constants[number])
        varying = [need for need in self.inside[number].function.needs if need not in means]

        def value(values):
            known = {**taken, **dict(zip(varying, values, strict=True))}
            others = {need: v for need, v in known.items() if need not in means}
            return jnp.sum(self.value(number, given, others, coordinates, points))

        slopes = jax.grad(value)([taken[need] for need in varying]) if varying else []
        for need, slope in zip(varying, slopes, strict=True):
            means[need] = jnp.mean(slope, axis=tuple(range(1, 1 + len(points))))[:, None]
        return means

    def start(self, local: np.ndarray, begins: float, length: float, axes) -> np.ndarray:
        """Local coefficients (.., m, T) on a grid, zero so far, with the state that the initial conditions set."""
        coordinates, points = self.coordinates(np.array([begins]), axes), local.shape[:-2]
        for row in self.rows.at(SlabPart.START):
            ((partial, factor),) = [pair for need in row.function.needs for pair in need.terms]
            need, order = row.function.needs[0], partial.orders[self.time]
            given = row.function.coefficients([jnp.asarray(c) for c in coordinates])
            zero, one = (
                row.function.combine(given, coordinates, {need: jnp.full((1, *points), v)}, {}) for v in (0.0, 1.0)
            )
            value = np.broadcast_to(np.asarray(-zero / (one - zero)) / factor, (1, *points))[0]
            local[..., partial.unknown, order] = value * (length / 2) ** order / np.prod(range(1, order + 1))
        return local


def constant_slopes(row: Rows, axes: int) -> dict[DifferentialOperator, float]:
    """The operators that an expression contains linearly with constant coefficients, and these.

    axes   of space
    """
    needs, one = row.function.needs, np.ones((1,) * (1 + axes))
    coordinates, values = [one] * (1 + axes), [one] * len(needs)

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


def _depends(jaxpr) -> bool:
    """Whether what a program returns depends on what it is given, by what it does: never no where it does."""
    dependent = set(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not isinstance(v, Literal) and v in dependent for v in equation.invars):
            dependent.update(equation.outvars)
    return any(not isinstance(v, Literal) and v in dependent for v in jaxpr.outvars)
