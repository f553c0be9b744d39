"""Equations of one coordinate as a system of first order, s' = f(x, s), compiled for SciPy's integrators.

The state s holds each unknown and its derivatives below the highest. The equations are solved for the highest ones
numerically, at every point: they are linear in them, or there is no such system. Unknowns without any derivative
follow from the same linear system, and are no part of the state.
"""

import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from spindle.lowering.compile import ArrayFunction, array_function
from spindle.lowering.partials import Partial, partials_in, replace_partials
from spindle.problem.problem import Problem
from spindle.training.deadline import Late


class NoSystem(Exception):
    """Raised where equations cannot be integrated; the reason is the end of a sentence."""


class FirstOrder:
    """A problem in one coordinate as s' = f(x, s), with its conditions at the two ends.

    fixed   {parameter: number} of those that were estimated
    ends    an instant after which evaluations raise Late
    margin  share of the interval at either end within which equations are taken at its inner end: where they are
            singular at an end, as `u.diff(x)/x` at 0

    orders  how many derivatives of each unknown, its value included, are part of the state
    size    numbers in the state
    inner   the two ends without the margins
    sides   the ends at which conditions hold: of 0 (the lower) and 1
    Raises NoSystem where the equations are no such system.
    """

    def __init__(self, problem: Problem, fixed: dict, ends: float, margin: float = 0.0):
        self.problem, self._fixed, self._ends = problem, fixed, ends
        low, high = problem.domain.bounds[0]
        self.inner = low + margin * (high - low), high - margin * (high - low)
        residuals = [equation.residual for equation in problem.equations]
        partials = partials_in(residuals, problem.unknowns, problem.coordinates)
        count = len(problem.unknowns)
        self.orders = [max((p.total for p in partials if p.unknown == k), default=0) for k in range(count)]
        self._first = np.concatenate([[0], np.cumsum(self.orders)]).astype(int)
        self.size = int(self._first[-1])
        if len(residuals) != count:
            raise NoSystem(f"{len(residuals)} equations for {count} unknowns do not say how each of them goes on")
        if not self.size:
            raise NoSystem("its equations contain no derivative")
        self._refuse_unless_linear(residuals)
        self._residuals = [self.function(r) for r in residuals]
        self._conditions = self._at_ends()
        self.sides = {side for terms in self._conditions for side, _ in terms}
        self._rate = jax.jit(self.rate)
        self._slope = jax.jit(jax.jacfwd(self.rate, argnums=1))
        self._rates = jax.jit(jax.vmap(self.rate))
        self._slopes = jax.jit(jax.vmap(jax.jacfwd(self.rate, argnums=1)))

    def _refuse_unless_linear(self, residuals) -> None:
        unknowns, coordinates = self.problem.unknowns, self.problem.coordinates
        for residual in residuals:
            replaced, symbols = replace_partials(residual, unknowns, coordinates)
            highest = [s for p, s in symbols.items() if p.total == self.orders[p.unknown]]
            if any(replaced.diff(s).has(*highest) for s in highest):
                raise NoSystem("its equations are not linear in the highest derivatives")

    def function(self, expression) -> ArrayFunction:
        """The compiled expression, with the estimated numbers written in."""
        expression = sympy.sympify(expression).xreplace(self._fixed)
        return array_function(expression, self.problem.coordinates, self.problem.unknowns)

    def reaches(self, function: ArrayFunction) -> bool:
        """Whether state and highest derivatives suffice for the partials of a function."""
        partials = [p for need in function.needs for p, _ in need.terms]
        return all(p.total <= self.orders[p.unknown] for p in partials)

    def _at_ends(self) -> list[list[tuple[int, ArrayFunction]]]:
        """Each condition as functions at the ends (0: the lower) whose sum vanishes; measurements are left out."""
        high, conditions = self.problem.domain.bounds[0][1], []
        for piece in (piece for pieces in self.problem.pieces.values() for piece in pieces):
            terms = [(int(face.value == high), self.function(expression)) for face, expression in piece.on_faces]
            if not terms:
                continue
            if not all(self.reaches(function) for _, function in terms):
                raise NoSystem("a condition contains derivatives that are higher than those of the equations")
            conditions.append(terms)
        return conditions

    def value(self, function: ArrayFunction, x, state, highest):
        """The value of a compiled expression at one point."""

        def partial(p: Partial):
            return highest[p.unknown] if p.total == self.orders[p.unknown] else state[self._first[p.unknown] + p.total]

        known = {need: sum(factor * partial(p) for p, factor in need.terms) for need in function.needs}
        return jnp.asarray(function((x,), known), float)

    def highest(self, x, state):
        """The highest derivatives (unknowns,) at one point, from the equations."""
        x = jnp.clip(x, *self.inner)

        def residual(highest):
            return jnp.stack([self.value(f, x, state, highest) for f in self._residuals])

        zero = jnp.zeros(len(self.orders))
        return -jnp.linalg.solve(jax.jacfwd(residual)(zero), residual(zero))

    def rate(self, x, state):
        """s' (size,) at one point."""
        highest, parts = self.highest(x, state), []
        for k, order in enumerate(self.orders):
            first = self._first[k]
            parts += [state[first + 1 : first + order], highest[k : k + 1]] if order else []
        return jnp.concatenate(parts)

    def missed(self, lower, upper):
        """The residual of each condition, from the states at both ends."""
        bounds, states = self.problem.domain.bounds[0], (lower, upper)
        highest = [self.highest(x, state) for x, state in zip(bounds, states, strict=True)]
        rows = [sum(self.value(f, bounds[s], states[s], highest[s]) for s, f in terms) for terms in self._conditions]
        return jnp.stack(rows) if rows else jnp.zeros(0)

    # ------------------------------------------------------------------------------------- what SciPy calls

    def slope_at(self, x: float, state) -> np.ndarray:
        """The Jacobian df/ds (size, size) at one point."""
        return np.asarray(self._watched(self._slope, float(x), state))

    def rate_at(self, x: float, state) -> np.ndarray:
        """f (size,) at one point."""
        return np.asarray(self._watched(self._rate, float(x), state))

    def rates_at(self, x, states) -> np.ndarray:
        """f (size, m) at m points."""
        return self._padded(self._rates, x, states).T

    def slopes_at(self, x, states) -> np.ndarray:
        """The Jacobians df/ds (size, size, m) at m points."""
        return np.moveaxis(self._padded(self._slopes, x, states), 0, -1)

    def along(self, expression: ArrayFunction, x, states) -> np.ndarray:
        """The values of an expression at m points of states (size, m)."""

        def at(x, state):
            return self.value(expression, x, state, self.highest(x, state))

        return np.asarray(jax.jit(jax.vmap(at))(jnp.asarray(x), jnp.asarray(states.T)))

    def _padded(self, function: Callable, x, states) -> np.ndarray:
        """The function at points padded to a power of two, so that few numbers of points are compiled."""
        count = len(x)
        chosen = np.minimum(np.arange(1 << (count - 1).bit_length()), count - 1)
        return np.asarray(self._watched(function, x[chosen], states.T[chosen]))[:count]

    def _watched(self, function: Callable, *arguments):
        if time.perf_counter() > self._ends:
            raise Late
        return function(*arguments)


def states_of(values: Callable, unknowns: Sequence, orders: Sequence[int], coordinate) -> np.ndarray:
    """The states (size, m) of a field; `values` evaluates expressions of its unknowns."""
    pairs = [(u, k) for u, order in zip(unknowns, orders, strict=True) for k in range(order)]
    return np.stack([values(u.diff(coordinate, k) if k else u) for u, k in pairs])
