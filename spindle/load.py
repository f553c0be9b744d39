"""`load`: a solution from its run directory."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import RunError
from spindle.methods.base import Plan
from spindle.objective.objective import Model
from spindle.problem.families import spanned
from spindle.reduction.stored import reduced_from_data
from spindle.rundir import RunDirectory
from spindle.solution import Run, Solution
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
        model = _restored(plan, build(jax.random.PRNGKey(seed)), arrays, run.grown)
        reduced = None
        if source.reduction.exists():
            stored = load_arrays(source.reduction)
            with reading(source.reduction):
                reduced = reduced_from_data(model.field, *stored)
    return Solution(problem, method, plan, model, run, reduced)


def _restored(plan: Plan, model: Model, arrays: Mapping, grown: list[dict]) -> Model:
    """The model as built, as later phases enlarged it, with the stored arrays."""
    for entry in grown:
        model = plan.schedule.phases[entry["phase"]].growth.apply(model, entry["decision"])
    trainable, static = eqx.partition(
        model, lambda leaf: hasattr(leaf, "dtype") and np.issubdtype(leaf.dtype, np.inexact)
    )
    leaves, structure = jax.tree.flatten(trainable)
    names = [f"leaf{k}" for k in range(len(leaves))]
    if {n: a.shape for n, a in zip(names, leaves, strict=True)} != {n: a.shape for n, a in arrays.items()}:
        raise RunError(
            "The stored solution does not fit the problem and method beside it; start the run again in an empty "
            "directory."
        )
    return eqx.combine(jax.tree.unflatten(structure, [jnp.asarray(arrays[n]) for n in names]), static)
