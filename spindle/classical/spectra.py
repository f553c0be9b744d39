"""Eigenpairs of discrete operators, however these were made."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, eigs, splu

from spindle.errors import MethodError

_DENSE = 900  # rows up to which all eigenvalues of a matrix are computed
_SPARE = 6  # eigenvalues beyond those that are wanted, so that none of several equal ones is missed


class Eigenfunction(ABC):
    """A field that is known up to a factor."""

    @abstractmethod
    def at(self, points: np.ndarray, unknown: int = 0) -> np.ndarray:
        """Values (n,) of one unknown at points (n, d) inside the domain; complex where the eigenvalue is."""


@dataclass(frozen=True)
class Spectrum:
    """Some eigenpairs of a problem, sorted.

    values      (k,) real, or complex where some are
    functions   one each
    residuals   (k,) of L u - lambda M u on points of their own, relative to the sizes of both terms
    estimates   (k,) errors of the eigenvalues, by comparison with a coarser discretisation, relative as by `sizes_of`
    choices     sentences: how they were computed
    """

    values: np.ndarray
    functions: tuple[Eigenfunction, ...]
    residuals: np.ndarray
    estimates: np.ndarray
    choices: tuple[str, ...]


def nearest_pairs(operator, mass, near: float, count: int, rounding: float = 1e-9) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues (k,) of `operator v = lambda mass v` that are nearest to a number, and the vectors (n, k).

    operator, mass   (n, n), sparse or dense; the mass may be singular
    rounding         imaginary parts, relative to the modulus, up to which eigenvalues are taken for real
    Shift and invert: the largest eigenvalues of (operator - near mass)^-1 mass, by Arnoldi iteration on LU factors, or
    all of them where the matrices are small. Symmetric pairs of small matrices are taken by Cholesky's factors.
    Source: Saad (2011), Numerical Methods for Large Eigenvalue Problems, SIAM.
    Raises MethodError where there are not as many, or `near` is an eigenvalue.
    """
    size = operator.shape[0]
    wanted = min(count + _SPARE, size - 2)
    if size <= max(_DENSE, 2 * wanted):
        dense = [m.toarray() if scipy.sparse.issparse(m) else m for m in (operator, mass)]
        inverse, vectors = _all_pairs(dense[0], dense[1], near)
    else:
        inverse, vectors = _by_arnoldi(operator, mass, near, wanted)
    finite = np.abs(inverse) > 1e-14 * np.max(np.abs(inverse))
    inverse, vectors = inverse[finite], vectors[:, finite]
    order = np.argsort(-np.abs(inverse), kind="stable")[:wanted]
    if len(order) < count:
        raise MethodError(
            f"`spd.eigenpairs(count={count})` asks for more eigenpairs than the {len(order)} that this discretisation "
            f"has; ask for fewer, or for more nodes or functions."
        )
    return _sorted(near + 1 / inverse[order], vectors[:, order], near, count, rounding)


def _all_pairs(operator, mass, near: float) -> tuple[np.ndarray, np.ndarray]:
    shifted = operator - near * mass
    if _symmetric(shifted) and _symmetric(mass) and np.all(np.diag(shifted)):
        scale = 1 / np.sqrt(np.abs(np.diag(shifted)))
        a, b = (scale[:, None] * matrix * scale for matrix in (shifted, mass))
        try:
            inverse, vectors = scipy.linalg.eigh((b + b.T) / 2, (a + a.T) / 2)
            return inverse, scale[:, None] * vectors
        except np.linalg.LinAlgError:
            pass  # not definite
    rows = 1 / np.maximum(np.linalg.norm(shifted, axis=1), 1e-300)
    try:
        inverse, vectors = scipy.linalg.eig(scipy.linalg.solve(rows[:, None] * shifted, rows[:, None] * mass))
    except (np.linalg.LinAlgError, ValueError):
        raise _singular(near) from None
    return inverse, vectors


def _symmetric(matrix) -> bool:
    size = np.linalg.norm(matrix)
    return math.isfinite(size) and bool(np.linalg.norm(matrix - matrix.T) <= 1e-9 * size)


def _by_arnoldi(operator, mass, near: float, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    if scipy.sparse.issparse(operator):
        shifted = (operator - near * mass).tocsr()
        # Rows are of very different size, second derivatives beside values.
        rows = 1 / np.maximum(np.sqrt(np.asarray(shifted.multiply(shifted).sum(axis=1)).ravel()), 1e-300)
        try:
            solve = splu((scipy.sparse.diags(rows) @ shifted).tocsc()).solve
        except RuntimeError:
            raise _singular(near) from None
    else:
        shifted = operator - near * mass
        rows = 1 / np.maximum(np.linalg.norm(shifted, axis=1), 1e-300)
        factors = scipy.linalg.lu_factor(rows[:, None] * shifted)
        solve = lambda v: scipy.linalg.lu_solve(factors, v)  # noqa: E731
    inverted = LinearOperator(operator.shape, matvec=lambda v: solve(rows * (mass @ v)), dtype=float)
    start = np.random.default_rng(0).standard_normal(operator.shape[0])
    return eigs(inverted, k=wanted, which="LM", v0=start, ncv=max(2 * wanted + 1, 40), tol=1e-13)


def _singular(near: float) -> MethodError:
    return MethodError(
        f"`spd.eigenpairs(near={near:g})` is an eigenvalue itself, or the conditions leave more than the "
        f"eigenfunctions open; look near another number, such as {near - 1:g}, and check the conditions."
    )


def _sorted(values, vectors, near: float, count: int, rounding: float) -> tuple[np.ndarray, np.ndarray]:
    """The pairs in ascending order, real where they are; of two complex ones that are equal but for rounding, both."""
    if np.all(np.abs(np.imag(values)) <= rounding * sizes_of(values)):
        chosen = np.argsort(np.abs(np.real(values) - near), kind="stable")[:count]
        order = chosen[np.argsort(np.real(values)[chosen], kind="stable")]
        return np.real(values)[order], _real_vectors(np.imag(values)[order], vectors[:, order])
    chosen = np.argsort(np.abs(values - near), kind="stable")[:count]
    order = chosen[np.lexsort((np.imag(values)[chosen], np.real(values)[chosen]))]
    return values[order], vectors[:, order]


def _real_vectors(imaginary, vectors) -> np.ndarray:
    """Real eigenvectors; the two of a pair of complex ones span the same space as their parts."""
    turned = vectors * np.exp(-1j * np.angle(np.sum(vectors**2, axis=0)) / 2)
    return np.where(imaginary < 0, np.imag(turned), np.real(turned))


def sizes_of(values: np.ndarray) -> np.ndarray:
    """What errors of eigenvalues are relative to: themselves, or a thousandth of the largest where they are smaller."""
    moduli = np.abs(values)
    return np.maximum(moduli, max(1e-3 * float(moduli.max()), 1e-300))
