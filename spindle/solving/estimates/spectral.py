"""The error on a box: the equations for it, solved by least squares in a coarse space.

With u = u_h + e, u_h the solution at hand, the equations and conditions are posed for the error e and solved by least
squares in a coarse space: products of Legendre polynomials or waves, on points that training never saw. What
that space cannot hold of the error is not seen: errors that are sharp in space are underestimated. Then most of the
residuals is still there afterwards, which is looked at: the error is looked for again on coordinates that are stretched
where the solution bends and residuals are, and where that does not help the estimate is a lower bound.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spindle.errors import DivergenceError
from spindle.methods.spinn import SPINN
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.solving.estimates.shift import Shift
from spindle.solving.estimates.stretched import Stretch, stretches
from spindle.solving.estimates.uncertainty import Values, with_uncertainty
from spindle.solving.train import RunOptions, train
from spindle.storage.records import ErrorEstimate
from spindle.training.budget import Budget
from spindle.training.deadline import Late
from spindle.training.stop_reasons import StopReason

WIDTHS = {2: 32, 3: 20, 4: 10, 5: 6, 6: 4}  # features an axis, by the number of axes
DEAR = 5  # axes from which on it takes half a minute and more
_DENSE = 2000  # features of several unknowns together in two dimensions, whose matrix is formed
_STEPS = 5
_FINER = 1.5  # times as many features on stretched axes
_MOST = 0.95  # share of residuals left, beyond which it is taken for that
_POINTS = 5000
_LEFT = 0.3  # share of the residuals left, above which the estimate is a lower bound; 0.1 and less where it is good
_ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # errors, below which residuals are noise that nothing explains


def spectral_estimate(solution: Solution, budget: Budget) -> ErrorEstimate:
    """The estimate, see `error_estimate.estimate`. Raises Late where the budget is spent before.

    `upper` is a guess of what unstretched coordinates do not show: as much error for the residuals that are left as
    for those that are explained.
    """
    began, rounding = time.perf_counter(), _ROUNDING[solution.plan.dtype]
    try:
        corrected = _solved(solution, {}, budget)
    except DivergenceError:
        return ErrorEstimate(reason="the equations for it are not finite everywhere")
    errors, left = corrected.measured(), corrected.left
    if left >= 1 and max(errors.values()) > rounding:
        return ErrorEstimate(reason="the residuals are sharper than the features of an estimate")
    bound = left > _LEFT and max(errors.values()) > rounding
    upper = None
    if bound:
        most = 1 / (1 - min(left, _MOST))
        seen = _on_stretched(solution, budget)
        errors = {name: max(error, seen.get(name, 0.0)) for name, error in errors.items()}
        upper = {name: most * error for name, error in errors.items()}
    estimated = with_uncertainty(
        ErrorEstimate(errors=errors, left=left, bound=bound, upper=upper),
        solution,
        lambda parameters: _for(solution, parameters, budget),
    )
    return replace(estimated, seconds=time.perf_counter() - began)


def _for(solution: Solution, parameters: Mapping[str, float], budget: Budget) -> Values:
    """The solution for other parameters than those that were estimated."""
    return _solved(solution, {}, budget, parameters).values


def _on_stretched(solution: Solution, budget: Budget) -> dict[str, float]:
    """The errors that coordinates show which are stretched at fronts; none where there are no fronts."""
    stretched = stretches(solution.problem, solution.values_on)
    if not stretched or budget.spent:
        return {}
    try:
        return _solved(solution, stretched, budget).measured()
    except (DivergenceError, Late):
        return {}


def _solved(
    solution: Solution,
    stretched: Mapping[int, Stretch],
    budget: Budget,
    parameters: Mapping[str, float] | None = None,
) -> "_Corrected":
    """The solution and its error; with `parameters` for these, whatever was measured."""
    shift, axes = Shift(solution, stretched, parameters), len(solution.problem.coordinates)
    widths = [WIDTHS[axes]] * axes
    if axes == 2:
        widths = [min(width, int((_DENSE / len(shift.errors)) ** 0.5)) for width in widths]
    if len(stretched) < axes:
        widths = [int(_FINER * width) if k in stretched else width for k, width in enumerate(widths)]
    method = SPINN(rank="full", width=tuple(widths), refine=0, hard="zero", newton_steps=_STEPS)
    corrected = train(shift.problem(measured=parameters is None), method, RunOptions(seed=1, budget=budget.left()))
    if corrected.run.stopped_by == StopReason.BUDGET:
        raise Late
    return _Corrected(shift, corrected)


@dataclass(frozen=True)
class _Corrected:
    """A solution u_h together with its estimated error e, in stretched coordinates."""

    shift: Shift
    error: Solution

    @property
    def left(self) -> float:
        """The share of the residuals that is left."""
        after, shares = self.error.run.residuals, self.error.run.shares
        before = math.hypot(*(after[name] / shares[name] for name in shares if shares[name] > 0))
        return math.hypot(*(after[name] for name in shares)) / before if before > 0 else 0.0

    def values(self, expression, points) -> np.ndarray:
        """An expression at u_h + e, at points (n, d)."""
        new = [self.shift.stretched[k].new(x) if k in self.shift.stretched else x for k, x in enumerate(points.T)]
        return self.error.evaluate(np.clip(np.stack(new, axis=1), *self._ends), self.shift.beyond(expression))

    def measured(self) -> dict[str, float]:
        """The relative L2 norms of e."""
        solution = self.shift.solution
        points = scattered_points(solution.problem)[:_POINTS]
        points = points[solution.problem.domain.contains(points)]
        errors = {}
        for name, expression in solution.problem.fields.items():
            better = self.values(expression, points)
            gap = np.linalg.norm(better - solution.evaluate(points, expression))
            errors[name] = float(gap / max(np.linalg.norm(better), np.finfo(float).tiny))
        return errors

    @property
    def _ends(self) -> np.ndarray:
        return np.array(self.shift.solution.problem.domain.bounds).T
