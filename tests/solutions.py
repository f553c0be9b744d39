"""Solutions that nothing trained, for tests of what is made of them: pages, files and sentences."""

import jax

import spindle as sp
from spindle.methods.base import Method, Plan
from spindle.networks.model import Model
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.results.evaluator import Evaluator
from spindle.results.run_record import RunRecord
from spindle.training.precision import precision

SMALL = {"steps": 5, "lbfgs_steps": 0, "width": 8, "hidden_layers": 1, "points": 4, "balance": 0}


def around(problem: Problem, method: Method, plan: Plan, model: Model, run: RunRecord | None = None) -> sp.Solution:
    """The solution whose model this is; it was recorded as `run` says."""
    return sp.Solution(method, Evaluator(problem, plan), model, run or RunRecord())


def initial(plan: Plan, seed: int = 0) -> Model:
    """The model of a plan before its first step."""
    with precision(plan.dtype):
        return plan.build(jax.random.PRNGKey(seed))


def untrained(problem: Problem, run: RunRecord | None = None, method: Method | None = None) -> sp.Solution:
    """A solution at its initial weights, as when training is stopped at once; by default of a small PINN."""
    method = method or sp.PINN(**SMALL)
    plan = method.plan(with_parameter_axes(problem))
    return around(problem, method, plan, initial(plan), run)
