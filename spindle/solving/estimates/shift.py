"""The equations and conditions of a problem posed for the error of a solution."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import equinox as eqx
import sympy
from sympy.core.function import AppliedUndef

from spindle.lowering.partials import Partial, partial_of
from spindle.points.drawing import without_constant_folding
from spindle.problem.conditions.base import Approximation
from spindle.problem.problem import Problem
from spindle.results.solution import Solution
from spindle.solving.estimates.stretched import Stretch
from spindle.symbolic.symbols import given, is_given, unknown


class Shift(Approximation):
    """A problem with u = u_h + e inserted, u_h the solution at hand.

    stretched   {axis: stretch}: coordinates that stretched ones replace, under the same symbols
    parameters  {name: value} of those that are to be estimated; None: as they were estimated

    errors      {unknown: its error e, an unknown}
    """

    def __init__(
        self,
        solution: Solution,
        stretched: Mapping[int, Stretch] = MappingProxyType({}),
        parameters: Mapping[str, float] | None = None,
    ):
        self.solution, self.coordinates = solution, solution.problem.coordinates
        values = solution.parameters | dict(parameters or {})
        self._fixed = {p: sympy.Float(values[p.name], 17) for p in solution.problem.tunable}
        self.stretched = stretched
        self.errors = {u: unknown(f"error_{u.func.__name__}", *self.coordinates) for u in solution.problem.unknowns}
        self._old = {
            self.coordinates[k]: given(f"stretched {self.coordinates[k]}", stretch.old, self.coordinates[k])
            for k, stretch in stretched.items()
        }
        self._given: dict[sympy.Expr, sympy.Expr] = {}

    def problem(self, *, measured: bool = True) -> Problem:
        """The problem for the errors e; conditions that u_h fulfils exactly are homogeneous.

        measured   whether measurements are among them; without, the error is that for the estimated parameters
        """
        given_problem = self.solution.problem
        exact = self.solution.plan.constraints.enforced
        return Problem(
            domain=given_problem.domain,
            equations={e.name: sympy.Eq(self.beyond(e.residual), 0, evaluate=False) for e in given_problem.equations},
            conditions=[
                c.exchanged(self.errors).homogeneous()
                if c.name in exact and not c.symbols() & self._fixed.keys()
                else c.shifted(self)
                for c in given_problem.conditions
                if measured or c.role.measurement is None
            ],
            name=f"error of {given_problem.name}",
        )

    def beyond(self, expression) -> sympy.Expr:
        """The expression with u_h + e inserted for u."""
        problem = self.solution.problem
        nodes = sympy.sympify(expression).atoms(AppliedUndef, sympy.Derivative)
        partials = {node: partial_of(node, problem.unknowns, problem.coordinates) for node in nodes}
        swap = {node: self._value(node) + self._error(node, p) for node, p in partials.items() if p is not None}
        return self._moved(sympy.sympify(expression), swap).xreplace(self._fixed)

    def moved(self, data) -> sympy.Expr:
        """Data at the old coordinates."""
        return self._moved(data, {}).xreplace(self._fixed)

    def values(self, points, expression):
        """The values (n,) of an expression of u_h at points (n, d)."""
        return self.solution.evaluate(points, expression)

    def _moved(self, expression, swap: Mapping) -> sympy.Expr:
        """The expression with its partials swapped, and all else taken at the old coordinates."""
        if not self._old:
            return expression.xreplace(swap)
        masks = {node: sympy.Dummy(real=True) for node in swap}
        masked = expression.xreplace(masks)
        # A derivative of code is by the old coordinate: SymPy would differentiate by a function of the new one.
        given_nodes = [
            d for d in masked.atoms(sympy.Derivative, sympy.Subs) if any(map(is_given, d.atoms(AppliedUndef)))
        ]
        masks |= {self._value(node): sympy.Dummy(real=True) for node in given_nodes}
        masked = masked.xreplace({node: masks[self._value(node)] for node in given_nodes}).xreplace(self._old)
        back = {mask: swap.get(node, node) for node, mask in masks.items()}
        return masked.xreplace(back)

    def _error(self, node, partial: Partial) -> sympy.Expr:
        """The partial of e that corresponds to a partial of u, by the old coordinates."""
        if not self._old:
            return node.xreplace(self.errors)
        error = list(self.errors.values())[partial.unknown]
        for c, n in zip(self.coordinates, partial.orders, strict=True):
            for _ in range(n):
                error = error.diff(c) / self._old[c].diff(c) if c in self._old else error.diff(c)
        return error

    def _value(self, node) -> sympy.Expr:
        """A function of the new coordinates for a node known at the old ones, such as a partial of u_h."""
        if node not in self._given:
            function = self._at_old(self._traced(node))
            self._given[node] = given(f"known {node}", function, *self.coordinates)
        return self._given[node]

    def _traced(self, node) -> Callable:
        """A partial of u_h, whose weights are no constants of the program that it is a part of."""
        arrays, static = eqx.partition(self.solution.model, eqx.is_inexact_array)

        def partial(*where):
            return self.solution.traced(node, eqx.combine(without_constant_folding(arrays), static))(*where)

        return partial

    def _at_old(self, function: Callable) -> Callable:
        if not self.stretched:
            return function

        def moved(*where):
            return function(*(self.stretched[k].old(x) if k in self.stretched else x for k, x in enumerate(where)))

        return moved
