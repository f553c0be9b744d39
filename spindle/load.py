"""`load`: a solution from its run directory."""

from collections.abc import Mapping
from dataclasses import replace

import jax

from spindle.family import Family
from spindle.problem.families import spanned
from spindle.rundir import RunDirectory
from spindle.solution import Run, Solution, restored
from spindle.training.checkpoint import reading
from spindle.training.precision import precision


def load(directory, given: Mapping | None = None) -> Solution:
    """The solution that `Solution.save`, `solve(out=...)` or the command line wrote; of a family, the `Family`.

    given   {name: function} for problems that use `sp.given`, since no file can hold code
    """
    source = RunDirectory.at(directory)
    problem, method, seed = source.read(given)
    arrays, numbers = source.read_result()
    with reading(source.solution):
        run = Run(**numbers)
    plan = replace(method.plan(spanned(problem)), choices=tuple(source.read_info()["choices"]))
    with precision(plan.dtype):
        model = restored(plan, plan.build(jax.random.PRNGKey(seed)), arrays, run.grown)
    solution = Solution(problem, method, plan, model, run)
    return Family.stored(solution, source) if source.reduction.exists() else solution
