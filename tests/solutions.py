"""Solutions that nothing trained, for tests of what is made of them: pages, files and sentences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import spindle as spd
from spindle.methods.base import Method, Plan
from spindle.networks.model import Model
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.results.evaluator import Evaluator
from spindle.results.run_record import RunRecord
from spindle.training.precision import precision

SMALL = {"steps": 5, "lbfgs_steps": 0, "width": 8, "hidden_layers": 1, "points": 4, "balance": 0}


def around(problem: Problem, method: Method, plan: Plan, model: Model, run: RunRecord | None = None) -> spd.Solution:
    """The solution whose model this is; it was recorded as `run` says."""
    return spd.Solution(method, Evaluator(problem, plan), model, run or RunRecord())


def initial(plan: Plan, seed: int = 0) -> Model:
    """A model of a plan, small random numbers for its weights: unlike `plan.build`, this compiles nothing."""
    random = np.random.default_rng(seed)
    with precision(plan.dtype):
        shapes = eqx.filter_eval_shape(plan.build, jax.random.PRNGKey(seed))
        return jax.tree.map(lambda leaf: jnp.asarray(random.normal(0, 0.5, leaf.shape), leaf.dtype), shapes)


def untrained(problem: Problem, run: RunRecord | None = None, method: Method | None = None) -> spd.Solution:
    """A solution at random weights, as when training is stopped at once; by default of a small PINN."""
    method = method or spd.PINN(**SMALL)
    plan = method.plan(with_parameter_axes(problem))
    return around(problem, method, plan, initial(plan), run)
