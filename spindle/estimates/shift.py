"""The equations and conditions of a problem posed for the error of a solution."""

from dataclasses import replace

import sympy
from sympy.core.function import AppliedUndef

from spindle.lowering.partials import partial_of
from spindle.problem.conditions import AcrossAxis, AtPoints, AtStart, Condition, OnBoundary
from spindle.problem.problem import Problem
from spindle.problem.symbols import given, unknown
from spindle.solution import Solution


class Shift:
    """A problem with u = u_h + e inserted, u_h the solution at hand.

    errors   {unknown: its error e, an unknown}
    """

    def __init__(self, solution: Solution):
        self.solution, coordinates = solution, solution.problem.coordinates
        self.errors = {u: unknown(f"error_{u.func.__name__}", *coordinates) for u in solution.problem.unknowns}
        self._given: dict[sympy.Expr, sympy.Expr] = {}

    def problem(self, *, measured: bool = True) -> Problem:
        """Equations and conditions for the errors; conditions that u_h fulfils exactly are homogeneous.

        measured   whether measurements are among them; without, the error is that for the estimated parameters
        """
        given_problem = self.solution.problem
        exact = self.solution.plan.constraints.enforced
        return Problem(
            domain=given_problem.domain,
            equations={e.name: sympy.Eq(self.beyond(e.residual), 0, evaluate=False) for e in given_problem.equations},
            conditions=[
                self._homogeneous(c) if c.name in exact else self._inserted(c)
                for c in given_problem.conditions
                if measured or not isinstance(c, AtPoints)
            ],
            name=f"error of {given_problem.name}",
        )

    def beyond(self, expression) -> sympy.Expr:
        """The expression at u_h + e."""
        problem, values = self.solution.problem, self.solution.parameters
        nodes = sympy.sympify(expression).atoms(AppliedUndef, sympy.Derivative)
        own = [node for node in nodes if partial_of(node, problem.unknowns, problem.coordinates) is not None]
        swap = {node: self._value(node) + node.xreplace(self.errors) for node in own}
        fixed = {p: sympy.Float(values[p.name], 17) for p in problem.parameters if p.unknown}
        return sympy.sympify(expression).xreplace(swap).xreplace(fixed)

    def _value(self, node) -> sympy.Expr:
        """A partial of u_h, as a function of the coordinates."""
        if node not in self._given:
            coordinates = self.solution.problem.coordinates
            self._given[node] = given(f"known {node}", self.solution.traced(node), *coordinates)
        return self._given[node]

    def _homogeneous(self, condition: Condition) -> Condition:
        swapped = condition.exchanged(self.errors)
        return replace(swapped, value=sympy.S.Zero) if isinstance(swapped, (OnBoundary, AtStart)) else swapped

    def _inserted(self, condition: Condition) -> Condition:
        if isinstance(condition, AtPoints):
            points = condition.pieces(self.solution.problem.domain)[0].terms[0][0].points
            left = condition.values - self.solution.evaluate(points, condition.expression)
            return replace(condition, expression=condition.expression.xreplace(self.errors), values=left)
        assert isinstance(condition, (OnBoundary, AtStart, AcrossAxis))
        return replace(condition, expression=self.beyond(condition.expression))
