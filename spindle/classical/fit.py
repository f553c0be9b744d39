"""A network beside the classical solution of the same discrete equations: how fine it has to be, and how near it comes.

Least squares of residuals weigh an error by the square of the operator: where the solution bends sharply, at small
holes, the truncation error of the differences outweighs everything else, and a network of few parameters is far from
the classical solution although its loss can fall no further. The rows A^-1 r, A the matrix of the discrete equations,
weigh errors evenly; for linear equations they are the distance from the classical solution at the nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.classical.nodal_solver import ClassicalSolution, NoClassical
from spindle.derivatives.linearised import gram_by_points
from spindle.errors import MethodError
from spindle.objective.base import TrainingObjective
from spindle.objective.objective import Objective
from spindle.problem.problem import Problem
from spindle.training.stages import Refinement

FAR, NEAR = 1e-5, 3e-6  # relative distances from the classical solution: where training goes on, and where it ends
_MOST = 6000  # parameters for which a normal matrix is affordable
_BLOCK = 1024  # points whose slopes are held at once
_ROWS = 2  # for every parameter, so that the network does not swing between the nodes
_DEGREE = 8
_MISFIT = 0.02

ClassicalSolver = Callable[[], ClassicalSolution | NoClassical]


def polynomial_misfit(classical: ClassicalSolution) -> float | None:
    """How far the solution is from polynomials of degree 8 where that is far, relative to its variation; else None."""
    nodes = classical.derivatives.points.nodes
    places = np.concatenate([nodes.interior, nodes.boundary])
    low, high = places.min(0), places.max(0)
    basis = _polynomials((2 * places - low - high) / (high - low))
    if basis.shape[1] > len(places) / 2:
        return None
    values = classical.values[: len(places)].reshape(len(places), -1)
    apart = values - basis @ np.linalg.lstsq(basis, values)[0]
    misfit = float(np.linalg.norm(apart) / max(np.linalg.norm(values - values.mean(0)), np.finfo(float).tiny))
    return misfit if misfit > _MISFIT else None


def _polynomials(points) -> np.ndarray:
    """Products of Chebyshev polynomials of total degree up to 8, (n, count), on [-1, 1]^d."""
    alone = [np.polynomial.chebyshev.chebvander(column, _DEGREE) for column in points.T]
    degrees = [k for k in np.ndindex((_DEGREE + 1,) * len(alone)) if sum(k) <= _DEGREE]
    return np.stack([np.prod([a[:, d] for a, d in zip(alone, k, strict=True)], axis=0) for k in degrees], axis=1)


@dataclass(frozen=True)
class ClassicalFit(Refinement):
    """Further training on the distance from the classical solution, of networks that are far from it.

    problem     says what the domain is
    inner       the objective of the training before
    classical   () -> the classical solution, or why there is none
    better      () -> that of one order more on the same nodes
    """

    problem: Problem
    inner: Objective
    classical: ClassicalSolver
    better: ClassicalSolver

    def decide(self, model, reached: float) -> float | None:
        """The relative distance, where that is more than the error of the classical solution explains."""
        classical = self.classical()
        # Of a system that is not square or has no inverse it is one solution of many, or none.
        if model.field.parameters > _MOST or not classical.exists or classical.note:
            return None
        distance = self.objective(model)
        apart = float(np.sqrt(eqx.filter_jit(distance.loss)(model, None, {})))
        return apart if apart > FAR and apart > self._error(classical) / 2 else None

    def _error(self, classical: ClassicalSolution) -> float:
        """The relative error of the classical solution at the nodes, as far as one order more tells it; else 0."""
        try:
            better = self.better()
        except MethodError:  # too few nodes for its stencils
            return 0.0
        if not better.exists:
            return 0.0
        size = np.maximum(np.linalg.norm(classical.values), np.finfo(float).tiny)
        return float(np.linalg.norm(better.values - classical.values) / size)

    def apply(self, model, decision):
        """The network as it is."""
        return model

    def objective(self, model) -> "DistanceToClassical":
        """The distance from the classical solution.

        Raises ValueError where there is none, though a file tells of one.
        """
        classical = self.classical()
        if not classical.exists:
            raise ValueError(classical.reason)
        return DistanceToClassical(
            self.inner, classical, _between(self.problem, classical, _ROWS * model.field.parameters)
        )

    def describe(self, decision) -> str:
        """For the record."""
        return (
            f"least squares of residuals left the network {decision:.1e} from the classical solution, and it was "
            f"trained on towards that"
        )


def _between(problem: Problem, classical: ClassicalSolution, rows: int) -> np.ndarray:
    """Random points of the domain (n, d), so many that there are that many rows together with the nodes."""
    missing = -(-(rows - classical.values.size) // classical.values.shape[-1])
    low, high = np.array(problem.domain.bounds).T
    random, kept = np.random.default_rng(0), np.zeros((0, len(low)))
    while len(kept) < missing:
        points = low + (high - low) * random.uniform(size=(2 * missing, len(low)))
        kept = np.concatenate([kept, points[problem.domain.contains(points)]])
    return kept[: max(missing, 0)]


class DistanceToClassical(TrainingObjective):
    """The mean square distance of a network from the classical solution at all nodes and instants, relative to it.

    beside   further points (n, d), where the classical solution is interpolated

    Residuals are reported as by the objective before, so that losses of runs with and without it can be compared.
    """

    def __init__(self, inner: Objective, classical: ClassicalSolution, beside: np.ndarray):
        self.inner = inner
        cloud = classical.derivatives.points
        points, values = cloud.positions, classical.values
        if cloud.times is not None and cloud.axis is not None:
            points = np.repeat(points, len(cloud.times), axis=0)
            points = np.insert(points, cloud.axis, np.tile(cloud.times, len(cloud.positions)), axis=1)
        values = values.reshape(len(points), -1)
        if len(beside):
            points, values = np.concatenate([points, beside]), np.concatenate([values, classical.at(beside)])
        size = np.maximum(np.linalg.norm(values, axis=0), np.finfo(float).tiny)
        self.points, self.values, self.size = points, values, size

    @property
    def count(self) -> int:
        """Values at nodes and instants, and beside them."""
        return self.values.size

    @property
    def rounded(self) -> bool:
        """Every square is taken by itself."""
        return False

    @property
    def carried_values(self) -> dict:
        """As by the objective before."""
        return self.inner.carried_values

    def draw(self, key, carried=None, turn=0):
        """As by the objective before, for the residuals."""
        return self.inner.draw(key, carried, turn)

    def mean_squares(self, model, drawn) -> dict[str, jax.Array]:
        """The residuals of the objective before."""
        return self.inner.mean_squares(model, drawn)

    def loss(self, model, drawn, weights) -> jax.Array:
        """The sum over unknowns."""
        return jnp.sum(((model.field(jnp.asarray(self.points)) - self.values) / self.size) ** 2)

    def assembles(self, model) -> bool:
        """`normal` is offered for every network."""
        return True

    def normal(self, model, drawn, weights) -> jax.Array:
        """J^T J, added up in blocks of points."""

        def values(model, point):
            return model.field(point[None])[0] / self.size

        return gram_by_points(values, model, self.points, _BLOCK)
