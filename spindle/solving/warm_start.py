"""Starting from another solution: of another parameter value, mesh, method or size of the network."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import MethodError
from spindle.methods.base import Plan
from spindle.networks.model import Estimated, Model
from spindle.objective.fitting import DistanceToValues
from spindle.results.evaluator import Evaluator
from spindle.results.references import scattered_points
from spindle.results.solution import Solution
from spindle.storage.identity import identity
from spindle.training.history import Clock
from spindle.training.loop import Limits, Trainer
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.schedule import Schedule
from spindle.training.stages import Stage

_STEPS, _ENOUGH = 60, 1e-6  # of the fit, and the relative distance at which it ends
_POINTS_EACH, _LEAST, _MOST = 2, 400, 4000  # points of the fit for each trained number
_FEWEST = 10


def started_by(start: Solution) -> str:
    """What tells a solution that training starts from."""
    models = [part.model for part in start.windows or [start]]
    numbers = identity([np.asarray(a) for a in jax.tree.leaves(eqx.filter(models, eqx.is_array))]).split()[-1]
    return f"{start.problem.name} by {start.method_name} {numbers}"


def started_from(
    start: Solution, evaluator: Evaluator, model: Model, limits: Limits, clock: Clock
) -> tuple[Model, str]:
    """A model that begins as another solution ended, and a sentence on how.

    Weights are taken where the networks are alike, else the field is fitted to the values of the solution at random
    points; parameters that are estimated begin with those of the solution, where it has such.
    Raises MethodError where the solution has no such coordinates or unknowns, or lies elsewhere.
    """
    plan = evaluator.plan
    guesses = _guesses(start, model)
    _refuse_other_names(start, evaluator)
    if plan.march is not None:
        return guesses, "the other solution is no start: elements march from the initial data, or refine from the mesh"
    if _alike(start, plan, model):
        return Model(start.model.field, guesses.estimated), "started with the weights of the other solution"
    return _fitted(start, evaluator, guesses, limits, clock)


def _guesses(start: Solution, model: Model) -> Model:
    """The model with the parameters of the solution, estimated or not, as first guesses."""
    known = start.parameters
    estimated = {
        name: _with_value(parameter, known[name]) if name in known else parameter
        for name, parameter in model.estimated.items()
    }
    return Model(model.field, estimated)


def _with_value(parameter: Estimated, value: float) -> Estimated:
    ratio = value / parameter.size
    if parameter.signed and not ratio > 0:
        return parameter  # the equations forbid that sign
    theta = math.log(ratio) if parameter.signed else ratio
    return eqx.tree_at(lambda p: p.theta, parameter, jnp.asarray(theta, parameter.theta.dtype))


def _refuse_other_names(start: Solution, evaluator: Evaluator) -> None:
    names = [c.name for c in evaluator.problem.coordinates]
    there = [c.name for c in start.problem.coordinates]
    unknowns = {u.func.__name__ for u in evaluator.problem.unknowns}
    known = {u.func.__name__ for u in start.problem.unknowns}
    if set(names) != set(there) or not unknowns <= known:
        raise MethodError(
            f"`spd.solve({evaluator.problem.name}, start=...)` was given a solution of `{start.problem.name}`, whose "
            f"unknowns {', '.join(sorted(known))} depend on {', '.join(there)}, and it needs "
            f"{', '.join(sorted(unknowns))} of {', '.join(names)}; give a solution of the same unknowns."
        )


def _alike(start: Solution, plan: Plan, model: Model) -> bool:
    """Whether the weights of the solution mean the same in the model."""
    if start.windows or start.problem.coordinates != plan.problem.coordinates:
        return False
    theirs, ours = (jax.tree.leaves(m.field) for m in (start.model, model))
    one: Any = jax.tree.structure(start.model.field)
    same = one == jax.tree.structure(model.field) and all(
        np.shape(a) == np.shape(b) and a.dtype == b.dtype for a, b in zip(theirs, ours, strict=True)
    )
    return same and start.plan.constraints.scales == plan.constraints.scales


def _fitted(start: Solution, evaluator: Evaluator, model: Model, limits: Limits, clock: Clock) -> tuple[Model, str]:
    """The model fitted to the values of the solution by Gauss-Newton steps."""
    unknowns = evaluator.problem.unknowns
    size = sum(a.size for a in jax.tree.leaves(eqx.filter(model.field, eqx.is_inexact_array)))
    count = min(_MOST, max(_LEAST, _POINTS_EACH * size // len(unknowns)))
    points, values = _samples(start, evaluator, count)
    programs = [evaluator.compiled(u) for u in unknowns]

    def evaluate(model, points):
        columns = [points[:, k] for k in range(points.shape[1])]
        return jnp.stack([program.traced(model)(*columns) for program in programs], axis=1)

    objective = DistanceToValues(evaluate, points, values)
    stage = Stage(GaussNewton(_STEPS, enough=_ENOUGH, worth=0.05, patience=3))
    trainer = Trainer(objective, Schedule((stage,)), limits=limits, clock=clock)
    outcome = trainer.run(model, {objective.name: 1.0}, key=jax.random.PRNGKey(0))
    fitted = Model(outcome.model.field, model.estimated)
    distance = math.sqrt(max(outcome.loss, 0.0))
    return fitted, f"started from the other solution, fitted at {len(points)} points to {distance:.1e} of its size"


def _samples(start: Solution, evaluator: Evaluator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random points (n, d) of both domains, and the values (n, m) of all unknowns of the solution there."""
    problem = evaluator.problem
    points = scattered_points(problem)
    points = points[problem.domain.contains(points)][:count]
    at = {c.name: points[:, k] for k, c in enumerate(problem.coordinates)}
    theirs = {u.func.__name__: u for u in start.problem.unknowns}
    values = np.stack([start(theirs[u.func.__name__], **at) for u in problem.unknowns], axis=1)
    there = np.isfinite(values).all(axis=1)
    if np.sum(there) < _FEWEST:
        raise MethodError(
            f"`spd.solve({problem.name}, start=...)` was given a solution of `{start.problem.name}` that is known at "
            f"{np.sum(there)} of {len(points)} random points of this domain, so there is nothing to start from; give "
            f"one whose domain overlaps."
        )
    return points[there], values[there]
