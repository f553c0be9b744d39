"""The error on a box: the equations for it, solved by least squares in a coarse space.

With u = u_h + e, u_h the solution at hand, the equations and conditions are posed for the error e and solved by least
squares in a coarse space of its own: products of Legendre polynomials or waves, on points that training never saw. What
that space cannot hold of the error is not seen: errors that are sharp in space are underestimated. Then most of the
residuals is still there afterwards, which is looked at: such an estimate is a lower bound.
"""

import math
import time
from collections.abc import Mapping

import numpy as np

from spindle.budget import Budget
from spindle.errors import DivergenceError
from spindle.estimates.shift import Shift
from spindle.methods.spinn import SPINN
from spindle.references import scattered_points
from spindle.solution import Solution
from spindle.train import Terms, train
from spindle.training.deadline import Late

WIDTHS = {2: 32, 3: 20, 4: 10}  # features an axis, by the number of axes
_DENSE = 2000  # features of several unknowns together in two dimensions, whose matrix is formed
_STEPS = 5
_POINTS = 5000
_LEFT = 0.3  # share of the residuals left, above which the estimate is a lower bound; 0.1 and less where it is good
_ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # errors, below which residuals are noise that nothing explains


def by_features(solution: Solution, budget: Budget) -> dict:
    """An estimate as `spindle.estimate.estimate` returns it. Raises Late where the budget is spent before."""
    began, problem = time.perf_counter(), solution.problem
    shift = Shift(solution)
    width = WIDTHS[len(problem.coordinates)]
    if len(problem.coordinates) == 2:
        width = min(width, int((_DENSE / len(shift.errors)) ** 0.5))
    method = SPINN(rank="full", width=width, refine=0, hard="zero", newton_steps=_STEPS)
    try:
        found = train(shift.problem(), method, Terms(seed=1, budget=budget.left()))
    except DivergenceError:
        return {"reason": "the equations for it are not finite everywhere"}
    if found.run.stopped_by == "budget":
        raise Late
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
