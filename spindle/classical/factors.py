"""Solutions of sparse linear systems of any shape: LU of those that are square and regular, else least squares."""

from typing import Protocol

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

_SINGULAR = 1e-13  # ratio of the pivots of a matrix that has no inverse to speak of
_DAMPING = 1e-6  # relative to rows of norm one
_REFINEMENTS = 8


class Factors(Protocol):
    """What solves a linear system again and again; `note` says how, nothing where it is LU."""

    note: str

    def solve(self, f: np.ndarray) -> np.ndarray:
        """x with A x = f, or the x of least norm among those that come nearest."""


class DirectFactors:
    """LU factors of a square matrix; RuntimeError where it is singular."""

    note = ""

    def __init__(self, matrix: scipy.sparse.csc_matrix):
        # Rows are of very different size, second derivatives beside values, and their pivots would tell nothing.
        self._size = _row_norms(matrix)
        self._lu = splu((scipy.sparse.diags(1 / self._size) @ matrix).tocsc())
        pivots = np.abs(self._lu.U.diagonal())
        if pivots.min() < _SINGULAR * pivots.max():
            raise RuntimeError("the matrix is singular")

    def solve(self, f):
        """x with A x = f."""
        return self._lu.solve(f / self._size)


class LeastSquaresFactors:
    """Least squares of rows of norm one, and of all solutions that of least norm.

    The augmented system [[1, A], [A', -d^2]] has the accuracy of A where A' A has lost half of the digits. Its damping
    d is taken out again by iteration, for all singular values well above it.
    """

    def __init__(self, matrix: scipy.sparse.csc_matrix, why: str):
        self._size = _row_norms(matrix)
        self._matrix = (scipy.sparse.diags(1 / self._size) @ matrix).tocsr()
        m, n = matrix.shape
        augmented = scipy.sparse.bmat(
            [
                [scipy.sparse.identity(m), self._matrix],
                [self._matrix.T, -(_DAMPING**2) * scipy.sparse.identity(n)],
            ],
            format="csc",
        )
        self._lu, self.note = splu(augmented), f"least squares of least norm, since {why}"

    def solve(self, f):
        """The x of least norm among those that come nearest."""
        f = f / self._size
        x, m = np.zeros(self._matrix.shape[1]), len(f)
        for _ in range(_REFINEMENTS):
            x += self._lu.solve(np.concatenate([f - self._matrix @ x, np.zeros(len(x))]))[m:]
        return x


def factors(matrix: scipy.sparse.csc_matrix) -> Factors:
    """The factors that fit a matrix."""
    m, n = matrix.shape
    if m != n:
        return LeastSquaresFactors(matrix, f"{m:,} equations for {n:,} unknowns make no square system")
    try:
        return DirectFactors(matrix)
    except RuntimeError:
        why = "the linear system is singular: its equations and conditions leave something open, such as a level"
        return LeastSquaresFactors(matrix, why)


def misfit(matrix: scipy.sparse.csc_matrix, f: np.ndarray, scale: np.ndarray) -> float:
    """Root mean square of F at a solution x, in rows of norm one and relative to the root mean square of x."""
    rows = f / _row_norms(matrix)
    return float(np.sqrt(np.mean(rows**2)) / max(np.sqrt(np.mean(scale**2)), 1e-300))


def _row_norms(matrix) -> np.ndarray:
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return np.where(norms > 0, norms, 1.0)
