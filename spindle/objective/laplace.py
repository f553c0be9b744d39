"""The Gauss-Newton matrix of a trained model, apart for equations and for measurements, and what it says of parameters.

Let r be the residuals of measurements in units of their noise, and e those of equations and conditions. Near the
minimum the posterior of all that was trained is normal (Laplace's approximation; MacKay 1992, Neural Comput. 4) with

    C^-1 = lambda E + M,      E = (de / dtheta)^T (de / dtheta),      M = (dr / dtheta)^T (dr / dtheta),

lambda so large that equations hold. Training weighs equations by less, and its minimum moves with the noise by
A^-1 (dr / dtheta)^T W, A its own Gauss-Newton matrix and W its weights of the measurements: that is as uncertain as

    S = A^-1 (dr / dtheta)^T W^2 (dr / dtheta) A^-1

(White 1982, Econometrica 50). The trace of A^-1 (dr / dtheta)^T W (dr / dtheta) is the number of parameters that the
measurements take up, by which noise that is not stated is estimated.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree

from spindle.errors import MethodError
from spindle.networks.model import Model
from spindle.objective.least_squares import weighted_rows
from spindle.objective.objective import Drawn, Objective

_MOST, _MOST_ENTRIES = 8000, 2e8  # trained numbers, and entries of J: a matrix of half a gigabyte, J of 1.6
_BLOCK = 32  # columns of J that are made at once
_RIDGE = 1e-12  # on the diagonal of matrices that are scaled to ones there
_EXACT, _LEAST, _MOST_EXACT = 1e4, 1e7, 1e10  # lambda over the square of the ratio of signal to noise, and its bounds


@dataclass(frozen=True)
class Measurements:
    """One condition that was measured, as the matrices know it.

    matrix     (P, P), of its residuals in units of the noise
    count      of values
    misfit     root mean square of these residuals
    size       of the values, in the same units
    weight     in training, of the mean square in units of the noise
    """

    matrix: np.ndarray
    count: int
    misfit: float
    size: float
    weight: float

    def in_units_of(self, noise: float) -> "Measurements":
        """The same in units of another noise."""
        return Measurements(
            self.matrix / noise**2, self.count, self.misfit / noise, self.size / noise, self.weight * noise**2
        )


@dataclass(frozen=True)
class GaussNewtonMatrix:
    """What is known of a model near the minimum that training came to.

    equations   (P, P), of all residuals but measurements, with the weights of training
    measured    {condition: what it adds}
    """

    equations: np.ndarray
    measured: Mapping[str, Measurements]

    @property
    def trained(self) -> np.ndarray:
        """A, the matrix with the weights of training."""
        return self.equations + sum(m.weight / m.count * m.matrix for m in self.measured.values())

    def taken_up(self, name: str) -> float:
        """The number of parameters that the measurements of a condition take up."""
        mine = self.measured[name]
        scaled, root = _scaled(self.trained)
        inner = mine.weight / mine.count * mine.matrix / root / root[:, None]
        return float(np.trace(scipy.linalg.cho_solve(_factor(scaled), inner)))

    def posterior(self, last: int) -> np.ndarray:
        """Of C the columns (P, last) of the last parameters."""
        count = sum(m.count for m in self.measured.values())
        signal = max(m.size**2 for m in self.measured.values())
        exact = count * float(np.clip(_EXACT * signal, _LEAST, _MOST_EXACT))
        return _columns(exact * self.equations + sum(m.matrix for m in self.measured.values()), last)

    def sampling(self, last: int) -> np.ndarray:
        """The block (last, last) of S."""
        columns = _columns(self.trained, last)
        spread = sum((m.weight / m.count) ** 2 * m.matrix for m in self.measured.values())
        return columns.T @ spread @ columns


def gauss_newton_matrix(
    objective: Objective, model: Model, drawn: Drawn, weights: Mapping[str, float]
) -> GaussNewtonMatrix:
    """The matrices of an objective at a model; measurements are in the user's units.

    Raises MethodError where the model has too many trained numbers.
    """
    size = ravel_pytree(eqx.filter(model, eqx.is_inexact_array))[0].size
    if size > _MOST or (not objective.assembles(model) and size * objective.count > _MOST_ENTRIES):
        raise MethodError(
            f"`solution.uncertainty()` needs a matrix of all trained numbers, of which there are {size:,}, with "
            f"{objective.count:,} residuals; solve with a smaller network, or ask `spd.estimate(solution)`."
        )
    conditions = {c.name: c.role.measurement for c in objective.forms.problem.conditions}
    names = [name for name in objective.names if conditions.get(name) is not None]
    others = {name: 0.0 if name in names else weights[name] for name in objective.names}
    alone = {name: {other: float(other == name) for other in objective.names} for name in names}
    matrices = _matrices(objective, model, drawn, [others, *alone.values()])
    misfits = eqx.filter_jit(objective.mean_squares)(model, drawn)
    scales = {r.name: r.scale for r in objective.residuals}
    measured = {}
    for name, matrix in zip(names, matrices[1:], strict=True):
        values = np.asarray(conditions[name].values, float)
        size_of_values = float(np.sqrt(np.mean(values**2))) * scales[name]
        misfit = float(np.sqrt(max(float(misfits[name]), 0.0)))
        one = Measurements(len(values) * matrix, len(values), misfit, size_of_values, float(weights[name]))
        measured[name] = one.in_units_of(scales[name])
    return GaussNewtonMatrix(matrices[0], measured)


def _matrices(objective: Objective, model: Model, drawn: Drawn, weightings) -> list[np.ndarray]:
    """J^T J for each of some weightings, parameters in the order of `ravel_pytree(model)`."""
    traced = [{name: jnp.asarray(w, float) for name, w in weights.items()} for weights in weightings]
    if objective.assembles(model):
        normal = eqx.filter_jit(objective.normal)
        return [np.asarray(normal(model, drawn, weights), float) for weights in traced]
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(arrays)

    @jax.jit
    def columns(vector):
        def rows(v):
            ones = dict.fromkeys(objective.names, jnp.ones(()))
            return weighted_rows(objective.rows(eqx.combine(unravel(v), static), drawn), ones)

        _, forward = jax.linearize(rows, vector)
        return jax.lax.map(forward, jnp.eye(vector.size, dtype=vector.dtype), batch_size=_BLOCK)

    j = np.asarray(columns(vector), float)
    counts = {name: sum(row.size for row in rows) for name, rows in _shapes(objective, model, drawn).items()}
    each = [np.concatenate([np.full(counts[name], weights[name]) for name in counts]) for weights in weightings]
    return [(j * of_row) @ j.T for of_row in each]


def _shapes(objective: Objective, model: Model, drawn: Drawn) -> dict:
    return eqx.filter_eval_shape(objective.rows, model, drawn)


def _scaled(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix with ones and a little more on its diagonal, and the roots that it was scaled by."""
    root = np.sqrt(np.maximum(np.diag(matrix), 1e-24 * max(float(np.diag(matrix).max()), np.finfo(float).tiny)))
    return matrix / root / root[:, None] + _RIDGE * np.eye(len(matrix)), root


def _factor(scaled: np.ndarray):
    """Its Cholesky factor; a larger multiple of one is added where rounding made it indefinite."""
    ridge = 0.0
    while True:
        try:
            return scipy.linalg.cho_factor(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            ridge = max(10 * ridge, 10 * _RIDGE)


def _columns(matrix: np.ndarray, last: int) -> np.ndarray:
    """The last columns of the inverse."""
    scaled, root = _scaled(matrix)
    unit = np.eye(len(matrix))[:, len(matrix) - last :] / root[:, None]
    return scipy.linalg.cho_solve(_factor(scaled), unit) / root[:, None]
