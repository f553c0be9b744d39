"""An estimate of the error of any solution on a box: the same equations, solved again for what is missing.

With u = u_h + e, u_h the solution at hand, the equations and conditions are posed for the error e and solved by least
squares in a coarse space of its own: products of Legendre polynomials or waves, on points that training never saw. What
that space cannot hold of the error is not seen: errors that are sharp in space are underestimated. Then most of the
residuals is still there afterwards, which is looked at: such an estimate is a lower bound.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.budget import Budget
from spindle.errors import DivergenceError, ProblemError, shown, usage
from spindle.lowering.partials import partial_of
from spindle.methods.spinn import SPINN
from spindle.problem.conditions import AcrossAxis, AtPoints, AtStart, Condition, OnBoundary
from spindle.problem.problem import Problem
from spindle.problem.symbols import given, unknown
from spindle.references import scattered_points
from spindle.solution import Solution
from spindle.train import Terms, train
from spindle.training.deadline import Late, in_time

_WIDTHS = {2: 32, 3: 20, 4: 10}  # features an axis, by the number of axes
_DENSE = 2000  # features of several unknowns together in two dimensions, whose matrix is formed
_STEPS = 5
_POINTS = 5000
_LEFT = 0.3  # share of the residuals left, above which the estimate is a lower bound; 0.1 and less where it is good
_TOO_LATE = "the budget was spent before"
_ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # errors, below which residuals are noise that nothing explains


@usage("sp.estimate(solution)")
def estimate(solution: Solution, budget: Budget | None = None) -> dict:
    """`{"errors": {name: relative L2 error}, "left", "bound", "seconds"}`, or `{"reason"}` where there is no estimate.

    budget   of the call that it belongs to; None: as long as it takes

    Names are those of unknowns and quantities. `left` is the share of the residuals that the estimated error does not
    explain; above 0.3 it is sharper than the estimate can see, which then is a lower `bound`, unless all is rounding
    errors. It takes some seconds, most of them to compile.
    """
    if not isinstance(solution, Solution):
        raise ProblemError(
            f"`sp.estimate` was given {shown(solution)}, and the error is that of a solution; write "
            f"`sp.estimate(sp.solve(problem))`."
        )
    budget = budget or Budget()
    reason = _impossible(solution)
    if reason:
        return {"reason": reason}
    try:
        return in_time(lambda: _estimated(solution, budget), budget.ends)
    except Late:
        return {"reason": _TOO_LATE}


def _estimated(solution: Solution, budget: Budget) -> dict:
    began, problem = time.perf_counter(), solution.problem
    shift = Shift(solution)
    width = _WIDTHS[len(problem.coordinates)]
    if len(problem.coordinates) == 2:
        width = min(width, int((_DENSE / len(shift.errors)) ** 0.5))
    method = SPINN(rank="full", width=width, refine=0, hard="zero", newton_steps=_STEPS)
    try:
        found = train(shift.problem(), method, Terms(seed=1, budget=budget.left()))
    except DivergenceError:
        return {"reason": "the equations for it are not finite everywhere"}
    if found.run.stopped_by == "budget":
        return {"reason": _TOO_LATE}
    points = scattered_points(problem)[:_POINTS]
    points = points[problem.domain.contains(points)]
    measured = {}
    for name, expression in problem.shown.items():
        better = found.evaluate(points, shift.beyond(expression))
        gap = np.linalg.norm(better - solution.evaluate(points, expression))
        measured[name] = float(gap / max(np.linalg.norm(better), np.finfo(float).tiny))
    left = _left(solution.run.residuals, found.run.residuals)
    bound = left > _LEFT and max(measured.values()) > _ROUNDING[solution.plan.dtype]
    return {"errors": measured, "left": left, "bound": bound, "seconds": time.perf_counter() - began}


def _left(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The share of the residuals that is left."""
    both = [name for name in after if name in before]
    size = math.hypot(*(before[name] for name in both))
    return math.hypot(*(after[name] for name in both)) / size if size > 0 else 0.0


def _impossible(solution: Solution) -> str:
    """Why there is no estimate; empty where there is one."""
    problem = solution.problem
    if len(problem.domain.boxes) != 1:
        return "it is made on boxes only"
    if solution.windows:
        return "it is not made across windows in time"
    if len(problem.coordinates) not in _WIDTHS:
        return f"it is made in {min(_WIDTHS)} to {max(_WIDTHS)} coordinates, parameters of families included"
    return ""


class Shift:
    """A problem with u = u_h + e inserted, u_h the solution at hand.

    errors   {unknown: its error e, an unknown}
    """

    def __init__(self, solution: Solution):
        self.solution, coordinates = solution, solution.problem.coordinates
        self.errors = {u: unknown(f"error_{u.func.__name__}", *coordinates) for u in solution.problem.unknowns}
        self._given: dict[sympy.Expr, sympy.Expr] = {}

    def problem(self) -> Problem:
        """Equations and conditions for the errors; conditions that u_h fulfils exactly are homogeneous."""
        given_problem = self.solution.problem
        exact = self.solution.plan.constraints.enforced
        return Problem(
            domain=given_problem.domain,
            equations={e.name: sympy.Eq(self.beyond(e.residual), 0, evaluate=False) for e in given_problem.equations},
            conditions=[
                self._homogeneous(c) if c.name in exact else self._inserted(c) for c in given_problem.conditions
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
