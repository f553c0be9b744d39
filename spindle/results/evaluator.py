"""`Evaluator`: the values of expressions and their errors, for any model of a plan, while it trains and afterwards."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from spindle.errors import ProblemError, nearest
from spindle.methods.base import Plan
from spindle.networks.model import Model
from spindle.objective.errors import error_measures
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.problem.windows import time_axis
from spindle.results.expression import CompiledExpression
from spindle.results.references import contained, references
from spindle.storage.records import Measures
from spindle.symbolic.complex_parts import of_both_parts
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.symbols import Parameter, by_name
from spindle.symbolic.words import shown
from spindle.training.precision import precision


@dataclass(frozen=True)
class TimeFrame:
    """The time of a plan against that of the problem as it was given: of a window, they differ.

    begins   the instant at which the time of the plan is 0
    pace     how fast it goes, in units of the time of the problem
    """

    begins: float = 0.0
    pace: float = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Evaluator:
    """Expressions of any model of a plan, in the coordinates of the problem that a user sees.

    given      the problem as it was given to `solve`
    plan       whose compiled expressions are shared by all that evaluate by it
    frame      of a window in time
    carried    likewise: what the window before handed over
    compared   `references(problem)` where they are known already; None: they are computed when first asked for
    """

    given: Problem
    plan: Plan
    frame: TimeFrame = TimeFrame()
    carried: Mapping[str, Any] = field(default_factory=dict)
    compared: dict | None = None

    @cached_property
    def problem(self) -> Problem:
        """The problem with the parameters of a family as its last coordinates."""
        return with_parameter_axes(self.given)

    @cached_property
    def references(self) -> dict:
        """Where each unknown or quantity with a reference is compared, and the reference there; see `references`."""
        return references(self.problem) if self.compared is None else self.compared

    def values(self, model: Model, expression, where) -> np.ndarray:
        """Values at points (n, d) or on the grid of a list of axes, wherever these lie.

        expression   of the unknowns; None: the first unknown. Values of a complex one are complex
        Raises ProblemError where the expression is none of this problem.
        """
        with precision(self.plan.dtype):
            moved = self._in_time_of_plan(where)
            return of_both_parts(self.meant(expression), lambda e: self.compiled(e).at(model, moved, self.carried))

    def inside(self, model: Model, expression, where) -> np.ndarray:
        """As `values`, NaN outside the domain: nothing is known of the field there."""
        return inside(self.problem, where, self.values(model, expression, where))

    def errors(self, model: Model) -> dict[str, Measures]:
        """`{unknown or quantity: {"rel_l2", "rmse", "max"}}` against the reference; see `Solution.errors`."""
        errors = {}
        for u, (nodes, reference) in self.references.items():
            values = self.values(model, u, nodes)
            if self.plan.march is not None:  # of times that were not reached nothing is known
                reference = np.where(np.isfinite(values), reference, np.nan)
            errors[self.problem.name_of(u)] = measured(values, reference)
        return errors

    def meant(self, expression):
        """An expression that was asked for; None stands for the first unknown as users know it."""
        if expression is not None:
            return self._checked(expression)
        first, whole = self.problem.unknowns[0], self.problem.complex_unknowns
        return next((psi for psi, parts in whole.items() if first in parts), first)

    def relative_errors(self, model: Model) -> dict[str, float]:
        """Relative L2 errors, where the reference is not zero everywhere."""
        errors = {name: measures["rel_l2"] for name, measures in self.errors(model).items()}
        return {name: error for name, error in errors.items() if error is not None}

    def compiled(self, expression) -> CompiledExpression:
        """The program of an expression, compiled once a plan; of a window in time, its time is that of the plan.

        Raises ProblemError where it is no expression of this problem.
        """
        expression = self.meant(expression)
        known = self.plan.evaluators
        if expression not in known:
            known[expression] = CompiledExpression(
                self.plan.problem, self.plan.constraints, self.plan.posed(expression)
            )
        return known[expression]

    def _in_time_of_plan(self, where):
        """Points (n, d) or a list of axes in the time of the plan."""
        begins, pace = self.frame.begins, self.frame.pace
        if not begins and pace == 1:
            return where
        axis = time_axis(self.problem)
        if isinstance(where, np.ndarray):
            moved = pace * (where[:, axis] - begins)
            return np.concatenate([where[:, :axis], moved[:, None], where[:, axis + 1 :]], axis=1)
        return [pace * (nodes - begins) if k == axis else nodes for k, nodes in enumerate(where)]

    @cached_property
    def _of_family(self) -> dict[sympy.Expr, sympy.Expr]:
        """{unknown as it was written: the same with the parameters of the family as arguments}."""
        return dict(zip(self.given.unknowns, self.problem.unknowns, strict=True))

    def _checked(self, expression):
        call = f"solution({shown(expression)})"
        if isinstance(expression, (numbers.Number, np.ndarray)):
            names = ", ".join(f"{c}=..." for c in self.problem.coordinates)
            raise ProblemError(
                f"`{call}` was given a number where an expression belongs; coordinates go by name, `solution({names})`."
            )
        if isinstance(expression, sympy.MatrixBase):
            raise ProblemError(
                f"`{call}` asks for {len(expression)} components at once; ask for one after the other, "
                f"`[solution(e, ...) for e in v]`."
            )
        real = not self.problem.complex_unknowns
        checked = by_name(expression_of(expression, call, real=real), self.problem.coordinates)
        checked = checked.xreplace({**self._of_family, **self.problem.spread})
        known = [*self.problem.coordinates, *self.problem.parameters]
        constants = {p for p in checked.atoms(Parameter) if p.value is not None}
        for stray in sorted(checked.free_symbols - set(known) - constants, key=str):
            raise ProblemError(
                f"`{call}` contains `{stray}`, which is neither a coordinate nor a parameter of `{self.problem.name}`; "
                f"put a number in its place." + nearest(str(stray), map(str, known))
            )
        return checked


def inside(problem: Problem, where, values: np.ndarray) -> np.ndarray:
    """Values at points (n, d) or on the grid of a list of axes, NaN outside the domain."""
    return np.where(contained(problem, where), values, np.nan)


def measured(values: np.ndarray, reference: np.ndarray) -> Measures:
    """Error measures, without a relative one where the reference is zero everywhere."""
    with np.errstate(over="ignore", invalid="ignore"):  # of a field that is on its way to divergence
        measures: dict[str, float | None] = {**error_measures(values, reference)}
    known = np.any(reference[np.isfinite(reference)])
    return Measures(rel_l2=measures["rel_l2"] if known else None, rmse=measures["rmse"], max=measures["max"])
