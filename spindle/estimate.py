"""An estimate of the error of any solution, from its equations alone.

Of one coordinate, SciPy integrates the same equations; on boxes, the equations for what is missing are solved in a
coarse space.
"""

from spindle.budget import Budget
from spindle.errors import ProblemError, shown, usage
from spindle.estimates.nodal import by_nodes
from spindle.estimates.ordinary import by_integration
from spindle.estimates.spectral import WIDTHS, by_features
from spindle.solution import Solution
from spindle.training.deadline import Late, in_time

_TOO_LATE = "the budget was spent before"


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
    try:
        return in_time(lambda: _estimated(solution, budget), budget.ends)
    except Late:
        return {"reason": _TOO_LATE}


def _estimated(solution: Solution, budget: Budget) -> dict:
    """By the way that fits the domain."""
    problem = solution.problem
    if len(problem.coordinates) == 1:
        return by_integration(solution, budget)
    if solution.windows:
        return {"reason": "it is not made across windows in time"}
    if len(problem.domain.boxes) != 1:
        return by_nodes(solution, budget)
    if len(problem.coordinates) not in WIDTHS:
        most = max(WIDTHS)
        return {"reason": f"it is made in up to {most} coordinates, parameters of families included"}
    return by_features(solution, budget)
