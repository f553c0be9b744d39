"""The equations of time and one coordinate of space as ordinary ones: values on lines of constant x, one state.

Derivatives in x are differences on nodes, dense matrices that are small. Equations are solved numerically for the
highest derivatives in time, node by node. Conditions at an end take the place of an equation there: B = 0 is followed
as dB/dt = -k B, so that data that do not fit the initial values are met after a time of 1/k.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
import sympy

from spindle.lowering.compile import ArrayFunction, array_function
from spindle.lowering.partials import Partial, partials_in, replace_partials
from spindle.problem.problem import Problem
from spindle.solving.estimates.first_order import NoSystem
from spindle.symbolic.symbols import is_time, unknowns_in
from spindle.training.deadline import Late

_STENCIL = 5  # nodes of a difference, and one more for each order above the second


class Lines:
    """A problem in time and one coordinate of space as y' = f(t, y).

    fixed    {parameter: number} of those that were estimated
    nodes    (n,) from one end to the other; on a periodic axis equidistant, the last of them is left out
    follow   k of the conditions at the ends
    ends     an instant after which evaluations raise Late

    Raises NoSystem where the equations are no such system.
    """

    def __init__(self, problem: Problem, fixed: dict, nodes: np.ndarray, follow: float, ends: float):
        self.problem, self._fixed, self._ends, self._follow = problem, fixed, ends, follow
        (self.time,) = (k for k, c in enumerate(problem.coordinates) if is_time(c))
        self.periodic = bool(problem.periodic)
        self.nodes = nodes[:-1] if self.periodic else nodes
        residuals = [equation.residual for equation in problem.equations]
        self.orders = self._orders(residuals)
        highest = max(p.orders[1 - self.time] for p in self._partials(problem.expressions()))
        self._differences = _differences(nodes, highest, periodic=self.periodic)
        self._residuals = [self.function(r) for r in residuals]
        self._ends_of = self._conditions()
        self._rate, self._slope = jax.jit(self.rate), jax.jit(jax.jacfwd(self.rate, argnums=1))

    def _partials(self, expressions):
        return partials_in(expressions, self.problem.unknowns, self.problem.coordinates)

    def _orders(self, residuals) -> list[int]:
        """The highest derivative in time of each unknown."""
        problem, partials = self.problem, self._partials(residuals)
        orders = [max(p.orders[self.time] for p in partials if p.unknown == k) for k in range(len(problem.unknowns))]
        highest = [p for p in partials if p.orders[self.time] == orders[p.unknown]]
        if len(residuals) != len(orders) or min(orders) < 1 or max(orders) > 2:
            raise NoSystem("its equations do not say how each unknown goes on in time")
        if any(p.orders[1 - self.time] for p in highest):
            raise NoSystem("its highest derivatives in time are differentiated in space too")
        for residual in residuals:
            replaced, symbols = replace_partials(residual, problem.unknowns, problem.coordinates)
            highest_symbols = [s for p, s in symbols.items() if p in highest]
            if any(replaced.diff(s).has(*highest_symbols) for s in highest_symbols):
                raise NoSystem("its equations are not linear in the highest derivatives in time")
        return orders

    def _conditions(self) -> list[tuple[int, int, ArrayFunction]]:
        """(node, number of the unknown whose equation gives way, residual) of the conditions at the ends."""
        taken: dict[tuple[int, int], ArrayFunction] = {}
        for condition in self.problem.conditions:
            role = condition.role
            if role.starts or role.periodic or role.measurement:
                continue
            pieces = self.problem.pieces[condition.name]
            if any(len(piece.on_faces) < len(piece.terms) for piece in pieces):
                raise NoSystem("a condition holds elsewhere than at its ends")
            for face, expression in (term for piece in pieces for term in piece.on_faces):
                if face.axis == self.time:
                    raise NoSystem("a condition holds at the end of time")
                node = 0 if face.outward < 0 else len(self.nodes) - 1
                numbers = [self.problem.unknowns.index(u) for u in unknowns_in(expression)]
                free = [k for k in numbers if (node, k) not in taken]
                if not free or any(p.orders[self.time] for p in self._partials([expression])):
                    raise NoSystem("more conditions hold at an end than there are equations, or contain rates")
                taken[node, free[0]] = self.function(expression)
        return [(*key, function) for key, function in taken.items()]

    def function(self, expression) -> ArrayFunction:
        """The compiled expression, with the estimated numbers written in."""
        expression = sympy.sympify(expression).xreplace(self._fixed)
        return array_function(expression, self.problem.coordinates, self.problem.unknowns)

    def start(self) -> np.ndarray:
        """The state (size,) that the initial conditions ask for.

        Raises NoSystem where they are on other expressions than the unknowns and their rates, or are too few.
        """
        t, low = self.problem.coordinates[self.time], self.problem.domain.bounds[self.time][0]
        wanted = {
            u.diff(t, k) if k else u: (number, k)
            for number, u in enumerate(self.problem.unknowns)
            for k in range(self.orders[number])
        }
        lanes = {}
        for expression, initial in self.problem.starts.values():
            if expression not in wanted:
                raise NoSystem("its initial conditions are on other expressions than the unknowns")
            value = self.function(initial)(self._where(low), {})
            lanes[wanted[expression]] = np.broadcast_to(np.asarray(value, float), len(self.nodes))
        if len(lanes) != len(wanted):
            raise NoSystem("it has not as many initial conditions as derivatives in time")
        return np.concatenate([lanes[key] for key in wanted.values()])

    def _where(self, t):
        where = [jnp.asarray(t, float), jnp.asarray(self.nodes)]
        return tuple(where if self.time == 0 else reversed(where))

    def lanes(self, state) -> list[list]:
        """For each unknown its derivatives in time below the highest, (n,) each."""
        rows, first = state.reshape(-1, len(self.nodes)), 0
        lanes = []
        for order in self.orders:
            lanes.append([rows[first + k] for k in range(order)])
            first += order
        return lanes

    def value(self, function: ArrayFunction, t, lanes, highest):
        """The values (n,) of a compiled expression at all nodes."""

        def partial(p: Partial):
            derivatives = [*lanes[p.unknown], highest[p.unknown]][p.orders[self.time]]
            order = p.orders[1 - self.time]
            return self._differences[order] @ derivatives if order else derivatives

        known = {need: sum(factor * partial(p) for p, factor in need.terms) for need in function.needs}
        return jnp.broadcast_to(jnp.asarray(function(self._where(t), known), float), self.nodes.shape)

    def highest(self, t, lanes):
        """The highest derivatives in time by the equations, (unknowns, n)."""
        count, zero = len(self.orders), jnp.zeros((len(self.orders), len(self.nodes)))

        def residual(highest):
            return jnp.stack([self.value(f, t, lanes, highest) for f in self._residuals])

        left = residual(zero)
        slopes = jnp.stack([residual(zero.at[k].set(1.0)) - left for k in range(count)], axis=1)
        solved = jnp.linalg.solve(jnp.moveaxis(slopes, -1, 0), -left.T[:, :, None])
        return solved[:, :, 0].T

    def rate(self, t, state):
        """y' at one instant."""
        lanes = self.lanes(state)
        highest = self.highest(t, lanes)
        rates = [row for k, lane in enumerate(lanes) for row in (*lane[1:], highest[k])]
        rates = jnp.stack(rates)
        if not self._ends_of:
            return rates.ravel()
        first = np.concatenate([[0], np.cumsum(self.orders)]).astype(int)
        rows, columns = [first[k] for _, k, _ in self._ends_of], [node for node, _, _ in self._ends_of]
        rates = rates.at[jnp.asarray(rows), jnp.asarray(columns)].set(0.0)

        def missed(t, state):
            derivatives = self.lanes(state)
            return jnp.stack([self.value(f, t, derivatives, highest)[node] for node, _, f in self._ends_of])

        shape = rates.shape
        values, drift = jax.jvp(missed, (t, state), (jnp.ones_like(t), rates.ravel()))
        units = [jnp.zeros(shape).at[r, c].set(1.0).ravel() for r, c in zip(rows, columns, strict=True)]
        slopes = jnp.stack([jax.jvp(lambda s: missed(t, s), (state,), (unit,))[1] for unit in units], axis=1)
        at_ends = jnp.linalg.solve(slopes, -(drift + self._follow * values))
        return rates.at[jnp.asarray(rows), jnp.asarray(columns)].set(at_ends).ravel()

    def rate_at(self, t: float, state) -> np.ndarray:
        """f (size,) at one instant, for SciPy."""
        return self._watched(self._rate, t, state)

    def slope_at(self, t: float, state) -> scipy.sparse.csc_matrix:
        """The Jacobian df/dy at one instant, for SciPy: a band, as differences have few neighbours."""
        return scipy.sparse.csc_matrix(self._watched(self._slope, t, state))

    def along(self, function: ArrayFunction, times, states) -> np.ndarray:
        """The values (T, n) of an expression at all nodes, of states (size, T).

        Raises NoSystem where the expression contains higher derivatives than states and differences give.
        """
        partials = [p for need in function.needs for p, _ in need.terms]
        if any(p.orders[self.time] > self.orders[p.unknown] for p in partials):
            raise NoSystem("it contains higher derivatives")
        if any(p.orders[1 - self.time] >= len(self._differences) for p in partials):
            raise NoSystem("it contains higher derivatives")

        def at(t, state):
            lanes = self.lanes(state)
            return self.value(function, t, lanes, self.highest(t, lanes))

        return np.asarray(jax.jit(jax.vmap(at))(jnp.asarray(times), jnp.asarray(states.T)))

    def _watched(self, function: Callable, t, state) -> np.ndarray:
        if time.perf_counter() > self._ends:
            raise Late
        return np.asarray(function(jnp.asarray(t, float), state))


def _differences(nodes: np.ndarray, highest: int, *, periodic: bool) -> list[np.ndarray]:
    """Matrices of the derivatives up to an order, number 0 being the identity."""
    count = len(nodes) - periodic
    size = _STENCIL + max(0, highest - 2)
    size += 1 - size % 2
    matrices = [np.eye(count), *(np.zeros((count, count)) for _ in range(highest))]
    for row in range(count):
        first = row - size // 2 if periodic else min(max(row - size // 2, 0), count - size)
        chosen = np.arange(first, first + size)
        step = nodes[1] - nodes[0]
        places = (chosen - row) * step if periodic else nodes[chosen] - nodes[row]
        scale = np.abs(places).max()
        weights = np.linalg.inv(np.vander(places / scale, increasing=True).T)
        for order in range(1, highest + 1):
            matrices[order][row, chosen % count] = weights[:, order] * np.prod(np.arange(1, order + 1)) / scale**order
    return matrices
