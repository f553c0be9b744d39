"""`load`: a solution from its run directory."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import equinox as eqx
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
        # Where nothing was enlarged on the way, the shapes of a new model say where the arrays go: nothing is compiled.
        build = plan.build if run.grown else partial(eqx.filter_eval_shape, plan.build)
        model = restored(plan, build(jax.random.PRNGKey(seed)), arrays, run.grown)
        reduced = None
        if source.reduction.exists():
            stored = load_arrays(source.reduction)
            with reading(source.reduction):
                reduced = reduced_from_data(model.field, *stored)
    return Solution(problem, method, plan, model, run, reduced)
