"""`load`: a solution from its run directory."""

from collections.abc import Mapping
from dataclasses import replace

import jax

from spindle.problem.families import spanned
from spindle.reduction.stored import reduced_from_data
from spindle.rundir import RunDirectory
from spindle.solution import Run, Solution, restored
from spindle.training.checkpoint import load_arrays, reading
from spindle.training.precision import precision


def load(directory, given: Mapping | None = None) -> Solution:
    """The solution that `Solution.save`, `solve(out=...)` or the command line wrote.

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
        reduced = reduced_from_data(model.field, *load_arrays(source.reduction)) if source.reduction.exists() else None
    return Solution(problem, method, plan, model, run, reduced)
