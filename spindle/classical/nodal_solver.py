"""The classical solution on the nodes of a DT-PINN: the same discrete equations, solved for the values at the nodes.

Stationary problems take Newton's method with sparse LU, or with sparse least squares where the equations and the values
make no square system or a singular one: an unknown without a condition at a part of the boundary, such as a pressure at
a wall, is continued to the ghosts there, and what is left over or missing is met in the sense of least squares.
Problems of first order in time are differential-algebraic: equations at the nodes hold at every moment, conditions are
constraints, and the values at ghosts follow. They are integrated by the Radau IIA method of three stages: its stages
meet the constraints, and their own order of three keeps data on the boundary that vary in time from spoiling its order
of five much.

Source of the method: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, table IV.5.6.
"""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

from spindle.classical.factors import DirectFactors, Factors, factors, misfit
from spindle.derivatives.rbf_fd.nodal import NodalField, RBFFDDerivatives
from spindle.networks.model import Model
from spindle.objective.objective import Objective
from spindle.training.precision import precision

_ITERATIONS = 30
_SUBSTEPS = 2  # between two instants
_ROOT = math.sqrt(6)
_NODES = np.array([(4 - _ROOT) / 10, (4 + _ROOT) / 10, 1.0])
_RADAU = np.array(
    [
        [(88 - 7 * _ROOT) / 360, (296 - 169 * _ROOT) / 1800, (-2 + 3 * _ROOT) / 225],
        [(296 + 169 * _ROOT) / 1800, (88 + 7 * _ROOT) / 360, (-2 - 3 * _ROOT) / 225],
        [(16 - _ROOT) / 36, (16 + _ROOT) / 36, 1 / 9],
    ]
)


@dataclass(frozen=True)
class ClassicalSolution:
    """Values at the nodes, (M, T, outputs), T the instants; without time a single one.

    seconds   of assembly, factorisation and solves; the weights are not counted, the network needs them too
    note      how it was solved where that was not by LU, and how well; else nothing
    """

    values: np.ndarray
    seconds: float
    steps: int
    derivatives: RBFFDDerivatives
    note: str = ""

    exists: ClassVar[Literal[True]] = True

    def at(self, points: np.ndarray) -> np.ndarray:
        """Values (n, outputs) at points (n, d) of the domain: local interpolation in space, polynomials in time."""
        cloud = self.derivatives.points
        if cloud.axis is None:
            idx, weights = self.derivatives.interpolation(points)
            return np.einsum("nk,nko->no", weights, self.values[idx, 0])
        idx, weights = self.derivatives.interpolation(np.delete(points, cloud.axis, axis=1))
        near, shares = _in_time(points[:, cloud.axis], cloud.times)
        values = np.zeros((len(points), self.values.shape[-1]))
        for column, share in zip(near.T, shares.T, strict=True):
            values += share[:, None] * np.einsum("nk,nko->no", weights, self.values[idx, column[:, None]])
        return values


@dataclass(frozen=True)
class NoClassical:
    """There is no classical solution.

    reason   why, a sentence without its full stop
    """

    reason: str

    exists: ClassVar[Literal[False]] = False


class _UnsolvedError(Exception):
    """The discrete equations cannot be solved; the message says why."""


def _in_time(moments, times) -> tuple[np.ndarray, np.ndarray]:
    """The nearest instants (n, k) of each moment, k at most six, and the weights of Lagrange's polynomials there."""
    k = min(6, len(times))
    first = np.clip(np.searchsorted(times, moments) - k // 2, 0, len(times) - k)
    near = first[:, None] + np.arange(k)
    shares = np.ones(near.shape)
    for j in range(k):
        for i in range(k):
            if i != j:
                shares[:, j] *= (moments - times[near[:, i]]) / (times[near[:, j]] - times[near[:, i]])
    return near, shares


def solve_nodal(objective: Objective) -> ClassicalSolution | NoClassical:
    """The classical solution of an objective on nodes, or why there is none."""
    derivatives = objective.derivatives
    assert isinstance(derivatives, RBFFDDerivatives), "matrices are of nodes"
    if objective.tunable or any(derivatives.points.rows[p].size == 0 for p in range(len(derivatives.points.supports))):
        return NoClassical("measurements and unknown parameters make no square system")
    with precision("float64"):
        system = _System(objective, derivatives)
        began = time.perf_counter()
        solve = _stationary if derivatives.points.times is None else _stepped
        try:
            values, steps, note = solve(system)
        except _UnsolvedError as error:
            return NoClassical(str(error))
        return ClassicalSolution(values, time.perf_counter() - began, steps, derivatives, note)


def matrix_of(objective: Objective) -> scipy.sparse.csr_matrix:
    """The matrix of a linear stationary objective on nodes; unknowns without a condition are continued to ghosts."""
    derivatives = objective.derivatives
    assert isinstance(derivatives, RBFFDDerivatives), "matrices are of nodes"
    with precision("float64"):
        system = _System(objective, derivatives)
        (matrix,) = system.at(0.0, np.zeros(system.size), None, system.always)[1]
        beside = system.continued(matrix) if matrix.shape[0] < matrix.shape[1] else matrix[:0]
        return scipy.sparse.vstack([matrix, beside], format="csr")


class _System:
    """F(t, u, du/dt) = 0 at the nodes, with its matrices."""

    def __init__(self, objective: Objective, derivatives: RBFFDDerivatives):
        self.objective, self.derivatives, problem = objective, derivatives, objective.forms.problem
        self.outputs = len(problem.unknowns)
        self.size = len(self.derivatives.points.positions) * self.outputs
        cloud = self.derivatives.points
        kinds = [cloud.instant(support) for support in cloud.supports]
        self.always = [k is None for k in kinds]
        self.first = [k == 0 for k in kinds]
        self._evaluate = jax.jit(self._linearised)
        self._supports = [term.support for r in objective.residuals for (term,) in r.pieces]

    def _linearised(self, moment, lanes):
        """All rows and their slopes at one moment."""
        objective = self.objective
        cloud = self.derivatives.points
        points = objective.with_coefficients(cloud.at(None if cloud.times is None else moment[None]))
        model = Model(NodalField(lanes), {})
        weights = {name: jnp.ones(()) for name in objective.names}
        rows = [row.ravel() for rows in objective.rows(model, points).values() for row in rows]
        pieces = objective.linearised(model, points, weights)
        # Needs cannot be sorted, as the keys of what a compiled function returns have to be.
        return rows, [[slopes[need] for need in self.derivatives.needs[support]] for ((support, slopes),), _ in pieces]

    def at(self, moment: float, values, rates, wanted) -> tuple[np.ndarray, list[scipy.sparse.csr_matrix]]:
        """F of the wanted supports, and its matrices by u and du/dt; values and rates (M * outputs,)."""
        given = [values, rates][: self.derivatives.lanes]
        shape = (len(given), self.outputs, -1, 1)
        lanes = np.moveaxis(np.stack(given).reshape(shape), 1, -1)
        rows, slopes = self._evaluate(jnp.asarray(moment), jnp.asarray(lanes))
        kept = [k for k, support in enumerate(self._supports) if wanted[support]]
        matrices = [self.derivatives.matrices(self._supports[k], slopes[k], self.outputs) for k in kept]
        stacked = [scipy.sparse.vstack(row, format="csr") for row in zip(*matrices, strict=True)]
        return np.concatenate([np.asarray(rows[k]) for k in kept]), stacked

    def continued(self, matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
        """Rows that continue unknowns smoothly to those ghosts where no condition in `matrix` touches them."""
        derivatives, cloud = self.derivatives, self.derivatives.points
        ghosts, count = len(cloud.nodes.ghosts), len(cloud.positions)
        if not ghosts:
            return matrix[:0]
        owners = len(cloud.nodes.interior) + cloud.nodes.owners
        idx, weights = derivatives.extrapolation()
        numbers = np.arange(ghosts)
        known = scipy.sparse.csr_matrix(
            (weights.ravel(), (np.repeat(numbers, idx.shape[1]), idx.ravel())), (ghosts, count)
        )
        rows = (scipy.sparse.eye(ghosts, count, k=count - ghosts) - known).tocsr()
        free = ~self._touched(matrix)[:, owners]
        return scipy.sparse.block_diag([rows[untouched] for untouched in free], format="csr")

    def _touched(self, matrix) -> np.ndarray:
        """Which unknowns (outputs, M) have a condition at which nodes."""
        cloud = self.derivatives.points
        touched, start = np.zeros((self.outputs, len(cloud.positions)), bool), 0
        for support in (p for p in self._supports if self.always[p]):
            rows = cloud.rows[support]
            if cloud.supports[support].normals:
                block = abs(matrix[start : start + len(rows)])
                for o in range(self.outputs):
                    part = block[:, o * len(cloud.positions) : (o + 1) * len(cloud.positions)]
                    touched[o, rows] |= np.asarray(part.sum(axis=1)).ravel() > 0
            start += len(rows)
        return touched

    def shaped(self, values) -> np.ndarray:
        """(M * outputs,) as (M, outputs)."""
        return np.asarray(values).reshape(self.outputs, -1).T


def _newton(function: Callable, start, factorised: Callable, solver=None):
    """A root of `function(x) -> (F, matrix)`, and the last factorisation; raises _UnsolvedError where none comes out.

    factorised   matrix -> what solves with it
    """
    x, size, length, kept = start, math.inf, math.inf, None
    for _ in range(_ITERATIONS):
        f, matrix = function(x)
        with np.errstate(over="ignore"):
            norm = float(np.linalg.norm(f))
        if not np.isfinite(norm):
            raise _UnsolvedError("Newton's method met values that are not finite")
        # Where a linear system is solved by least squares F stays as large as it is, and so does the matrix.
        if solver is None or (norm > 0.5 * size and not _same(matrix, kept)):
            solver, kept = factorised(matrix.tocsc()), matrix
        step = solver.solve(f)
        x, size, last, length = x - step, norm, length, float(np.linalg.norm(step))
        scale = max(float(np.linalg.norm(x)), 1e-300)
        # Steps that are tiny and no longer shrink are rounding errors.
        if length <= 1e-12 * scale or (length <= 1e-7 * scale and length > 0.3 * last):
            return x, solver
    raise _UnsolvedError("Newton's method did not converge")


def _same(one, other) -> bool:
    return other is not None and one.nnz == other.nnz and np.array_equal(one.data, other.data)


def _square(matrix) -> Factors:
    """LU factors, and no others: steps in time take many solves of three systems at once."""
    if matrix.shape[0] != matrix.shape[1]:
        raise _UnsolvedError(f"{matrix.shape[0]} equations and {matrix.shape[1]} unknowns make no square system")
    try:
        return DirectFactors(matrix)
    except RuntimeError:
        raise _UnsolvedError(
            "the linear system of the discrete equations is singular: they leave something open, such as a level"
        ) from None


def _stationary(system: _System):
    steps = 0
    (first,) = system.at(0.0, np.zeros(system.size), None, system.always)[1]
    beside = system.continued(first) if first.shape[0] < first.shape[1] else first[:0]

    def function(x):
        nonlocal steps
        steps += 1
        f, (matrix,) = system.at(0.0, x, None, system.always)
        return np.concatenate([f, beside @ x]), scipy.sparse.vstack([matrix, beside], format="csr")

    # A linear problem is solved by the first step; the second confirms it.
    x, solver = _newton(function, np.zeros(system.size), factors)
    f, matrix = function(x)
    notes = [f"{solver.note}; they miss by {misfit(matrix, f, x):.0e}"] if solver.note else []
    if beside.shape[0]:
        notes.insert(0, f"unknowns without a condition there are continued to {beside.shape[0]:,} ghosts")
    return system.shaped(x)[:, None], steps, "; ".join(notes)


def _stepped(system: _System):
    times = system.derivatives.points.times
    if times is None or system.derivatives.lanes != 2:
        raise _UnsolvedError("only equations of first order in time are stepped")
    if not any(system.first[support] for support in system._supports):
        raise _UnsolvedError("no condition says how it starts")
    x = _initial(system, times[0])
    kept, solver, steps = [x], None, 0
    for low, high in itertools.pairwise(times):
        step = (high - low) / _SUBSTEPS
        for k in range(_SUBSTEPS):
            stages_of = partial(_stages, system, low + k * step, step, x)
            stages, solver = _newton(stages_of, np.tile(x, len(_NODES)), _square, solver)
            x = stages[-system.size :]
            steps += 1
        kept.append(x)
    return np.stack([system.shaped(x) for x in kept], axis=1), steps, ""


def _initial(system, moment):
    """Values that meet the initial conditions in the sense of least squares, continued smoothly to the ghosts."""
    zero = np.zeros(system.size)
    f, (matrix, _) = system.at(moment, zero, zero, system.first)
    normal = (matrix.T @ matrix + 1e-14 * scipy.sparse.identity(system.size)).tocsc()
    values = system.shaped(-splu(normal).solve(matrix.T @ f))
    ghosts = len(system.derivatives.points.nodes.ghosts)
    if ghosts:
        idx, weights = system.derivatives.extrapolation()
        values[-ghosts:] = np.einsum("nk,nko->no", weights, values[idx])
    return values.T.ravel()


def _stages(system, moment, step, x, stages):
    """F(t_i, u_i, u_i') = 0 at all stages, u_i' being the rates that lead from x to them."""
    inverse = np.linalg.inv(_RADAU) / step
    values = stages.reshape(len(_NODES), -1)
    rates = inverse @ (values - x)
    residuals = [
        system.at(moment + c * step, u, r, system.always) for c, u, r in zip(_NODES, values, rates, strict=True)
    ]
    blocks = [
        [by_rate * inverse[i, j] + (by_value if i == j else 0 * by_value) for j in range(len(_NODES))]
        for i, (_, (by_value, by_rate)) in enumerate(residuals)
    ]
    return np.concatenate([f for f, _ in residuals]), scipy.sparse.bmat(blocks, format="csc")
