"""How uncertain estimated parameters are, by the noise of the measurements: Laplace's approximation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.special import ndtri

from spindle.errors import MethodError
from spindle.methods.base import Plan
from spindle.networks.model import Model
from spindle.objective.laplace import GaussNewtonMatrix, gauss_newton_matrix
from spindle.objective.objective import Objective
from spindle.results.evaluator import Evaluator
from spindle.storage.records import Grown
from spindle.training.precision import precision


@dataclass(frozen=True)
class Uncertainty:
    """Estimated parameters with their standard errors and correlations; `print` shows `k = 0.300 ± 0.002`.

    parameters     {name: the estimate}
    covariance     (p, p), parameters in that order
    posterior      (p, p), what the measurements would allow if the equations held exactly
    noise          {condition: standard deviation of its measurements, stated or estimated from the misfit}
    stated         whether the user stated it, by condition
    directions     (p, P): how all that was trained moves with each parameter while the equations hold
    """

    parameters: Mapping[str, float]
    covariance: np.ndarray
    posterior: np.ndarray
    noise: Mapping[str, float]
    stated: Mapping[str, bool]
    directions: np.ndarray = field(repr=False)
    evaluator: Evaluator = field(repr=False)
    model: Model = field(repr=False)

    @cached_property
    def deviations(self) -> dict[str, float]:
        """The standard error of each parameter."""
        return dict(zip(self.parameters, map(float, np.sqrt(np.diag(self.covariance))), strict=True))

    @cached_property
    def correlations(self) -> np.ndarray:
        """(p, p), from -1 to 1, parameters in their order."""
        deviations = np.sqrt(np.diag(self.covariance))
        return self.covariance / deviations / deviations[:, None]

    def interval(self, name: str, share: float = 0.9) -> tuple[float, float]:
        """The ends of the interval that holds a parameter with a probability, of a normal distribution."""
        half = float(ndtri((1 + share) / 2)) * self.deviations[name]
        return self.parameters[name] - half, self.parameters[name] + half

    def of(self, expression, points) -> np.ndarray:
        """The standard deviation (n,) of an expression at points (n, d), by what is open of the parameters."""
        points, plan = np.asarray(points, float), self.evaluator.plan
        with precision(plan.dtype):
            arrays, static = eqx.partition(self.model, eqx.is_inexact_array)
            vector, unravel = ravel_pytree(arrays)
            traced = self.evaluator.compiled(expression).traced

            def values(v):
                return traced(eqx.combine(unravel(v), static))(*points.T)

            slopes = [jax.jvp(values, (vector,), (np.asarray(d, vector.dtype),))[1] for d in self.directions]
        changes = np.stack([np.asarray(s, float) for s in slopes], axis=1)
        return np.sqrt(np.einsum("np,pq,nq->n", changes, self.covariance, changes))

    def __str__(self):
        lines = [f"{name} = {_with_error(value, self.deviations[name])}" for name, value in self.parameters.items()]
        names = list(self.parameters)
        lines += [
            f"correlation of {names[i]} and {names[j]}: {self.correlations[i, j]:.2f}"
            for i in range(len(names))
            for j in range(i)
            if abs(self.correlations[i, j]) >= 0.1
        ]
        lines += [
            f"noise of {n}: {v:.2g}, {'as stated' if self.stated[n] else 'estimated'}" for n, v in self.noise.items()
        ]
        return "\n".join(lines)


def _with_error(value: float, deviation: float) -> str:
    """A value and its standard error to the same digit, the second one of the error: 0.3000 ± 0.0021."""
    if not (math.isfinite(deviation) and deviation > 0):
        return f"{value:.6g} ± {deviation:g}"
    digits = 1 - math.floor(math.log10(deviation))
    if not -3 < digits < 12:
        return f"{value:.8g} ± {deviation:.2g}"
    return f"{value:.{max(digits, 0)}f} ± {deviation:.{max(digits, 0)}f}"


def uncertainty(evaluator: Evaluator, model: Model, grown: tuple[Grown, ...], seed: int) -> Uncertainty:
    """The uncertainty of the parameters of a model that training ended with.

    Raises MethodError where nothing is estimated from measurements, or the model has too many trained numbers.
    """
    return laplace(*_matrix(evaluator, model, grown, seed), evaluator, model)


def laplace(
    names: Mapping[str, float | None], matrix: GaussNewtonMatrix, evaluator: Evaluator, model: Model
) -> Uncertainty:
    """The uncertainty of the parameters of a model, by the matrix there.

    names   {measured condition: its noise, None where that is not stated}
    The standard error is the larger one of the posterior and of the spread of what training finds: where equations
    weigh too little to hold in spite of the noise, what it finds is worse than the measurements allow.
    """
    noise = {name: _noise(matrix, name, stated) for name, stated in names.items()}
    stated = {name: known is not None for name, known in names.items()}
    measured = {name: m.in_units_of(noise[name]) for name, m in matrix.measured.items()}
    matrix = replace(matrix, measured=measured)
    count = len(model.estimated)
    columns = matrix.posterior(count)
    posterior, sampling = columns[-count:], matrix.sampling(count)
    wider = np.sqrt(np.maximum(1.0, np.diag(sampling) / np.diag(posterior)))
    with precision("float64"):
        slopes = np.array([float(p.slope) for p in model.estimated.values()])
    return Uncertainty(
        model.numbers,
        posterior * np.outer(wider * slopes, wider * slopes),
        posterior * np.outer(slopes, slopes),
        noise,
        stated,
        np.linalg.solve(posterior, columns.T) / slopes[:, None],
        evaluator,
        model,
    )


def _matrix(evaluator: Evaluator, model: Model, grown, seed: int) -> tuple[dict[str, Any], GaussNewtonMatrix]:
    """{measured condition: its noise, None where that is not stated}, and the matrix."""
    plan, problem = evaluator.plan, evaluator.problem
    names = {c.name: c.role.measurement.noise for c in problem.conditions if c.role.measurement is not None}
    if not model.estimated or not names:
        raise MethodError(
            f"`solution.uncertainty()` tells how uncertain parameters are that were estimated from measurements, and "
            f"`{problem.name}` has none; mark them, `spd.parameter('k', 1, unknown=True)`, and give `spd.Observed`."
        )
    with precision("float64"):
        doubled = jax.tree.map(lambda a: a.astype(float) if eqx.is_inexact_array(a) else a, model)
        objective = last_objective(plan, doubled, grown)
        drawn = jax.jit(objective.draw)(jax.random.PRNGKey(seed), dict(evaluator.carried))
        return names, gauss_newton_matrix(objective, doubled, drawn, objective_weights(plan, objective))


def objective_weights(plan: Plan, objective: Objective) -> dict[str, float]:
    """The weights of training; those that were balanced on the way count as they began."""
    return {name: plan.weights.get(name, 1.0) for name in objective.names}


def last_objective(plan: Plan, model: Model, grown: tuple[Grown, ...]) -> Objective:
    """The objective that the last stage trained on."""
    objective: Any = plan.objective
    for entry in grown:
        refinement = plan.schedule.stages[entry.phase].refinement
        later = refinement.objective(model)
        objective = later if isinstance(later, Objective) else objective
    return objective


def _noise(matrix: GaussNewtonMatrix, name: str, stated: float | None) -> float:
    """The noise as stated, or as the misfit tells, with the parameters that the measurements took up."""
    if stated is not None:
        return float(stated)
    mine = matrix.measured[name]
    left = max(mine.count - matrix.taken_up(name), 1.0)
    return max(mine.misfit * math.sqrt(mine.count / left), np.finfo(float).tiny)
