"""What every estimate by one of SciPy's integrators shares: its precision, its seconds, and what may go wrong in it."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy

from spindle.budget import Budget
from spindle.errors import SpindleError
from spindle.estimates.first_order import NoSystem
from spindle.records import ErrorEstimate
from spindle.solution import Solution
from spindle.training.deadline import Late
from spindle.training.precision import precision


def integrated(
    solution: Solution, budget: Budget, longest: float, work: Callable[[dict, float], ErrorEstimate]
) -> ErrorEstimate:
    """The estimate that some work makes, with its seconds; a reason where the equations cannot be integrated.

    longest   seconds that it may take
    work      ({parameter: its estimated value}, instant after which to raise Late) -> estimate
    Raises Late where the budget is spent before.
    """
    began, values = time.perf_counter(), solution.parameters
    fixed = {p: sympy.Float(values[p.name], 17) for p in solution.problem.tunable}
    try:
        with precision("float64"), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # SciPy's on overflow: what comes of it is looked at
            found = work(fixed, min(budget.ends, began + longest))
            return replace(found, seconds=time.perf_counter() - began)
    except (NoSystem, SpindleError) as reason:
        return ErrorEstimate(reason=str(reason))
    except (ValueError, np.linalg.LinAlgError):  # SciPy's, where a matrix is not finite or singular
        return ErrorEstimate(reason="its equations are not finite where their integration leads")
    except Late:
        if time.perf_counter() > budget.ends:
            raise
        return ErrorEstimate(reason=f"to integrate its equations takes more than {longest:g} s")
