"""Least squares over a tensor mesh of elements, solved by dense fronts: the mesh is halved again and again.

Each rectangle of elements is two smaller ones. What is left of their equations is added, the unknowns that no element
outside knows are eliminated by a dense Cholesky factor, and what remains is handed to the rectangle around. N elements
with b unknowns at each side cost N^(3/2) b^3 operations, nearly all of them in products of dense matrices.

Source of the order: George (1973), SIAM J. Numer. Anal. 10; of the fronts: Duff & Reid (1983), ACM TOMS 9.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular


class Front(NamedTuple):
    """Equations, such as those that are left of a rectangle.

    numbers          (B,) of the unknowns, each once; of a rectangle those that elements outside know, too
    matrix, right    (B, B) and (B,)
    """

    numbers: np.ndarray
    matrix: np.ndarray
    right: np.ndarray


class _Eliminated(NamedTuple):
    """Unknowns that were eliminated: factor^T x = alone - joined @ others."""

    numbers: np.ndarray
    others: np.ndarray
    factor: np.ndarray
    joined: np.ndarray
    alone: np.ndarray


def solve(
    numbers: np.ndarray,
    matrices: np.ndarray,
    rights: np.ndarray,
    damping: float,
    beside: Mapping[tuple[int, int], Sequence[Front]] = MappingProxyType({}),
) -> np.ndarray:
    """The x of (A + damping D) x = b, A and b the sums over elements, D the diagonal of A.

    numbers    (N_x, N_y, B) which unknown, 0 .. n - 1, stands at each place of each element; each only once in one
    matrices   (N_x, N_y, B, B) symmetric and not negative; rights (N_x, N_y, B)
    damping    above 0 where A may be singular
    beside     {(i, j): further equations that A and b count in, of unknowns of that element and of any other ones}
    returns    (n,)

    Raises numpy.linalg.LinAlgError where rounding errors leave no positive definite matrix.
    """
    count = int(numbers.max()) + 1
    diagonal, touched = np.zeros(count), np.bincount(numbers.ravel(), minlength=count)
    np.add.at(diagonal, numbers, np.diagonal(matrices, axis1=-2, axis2=-1))
    for more in (front for fronts in beside.values() for front in fronts):
        touched[more.numbers] += 1
        diagonal[more.numbers] += np.diagonal(more.matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    added = np.where(diagonal > 0, damping, 1.0)
    steps: list[_Eliminated] = []

    def reduced(low: tuple[int, int], high: tuple[int, int]) -> tuple[Front, np.ndarray]:
        """The front of a rectangle, and which unknowns its elements know how often."""
        sizes = high[0] - low[0], high[1] - low[1]
        if sizes == (1, 1):
            front, times = _scaled(Front(numbers[low], matrices[low], rights[low]), scale)
            for more in beside.get(low, ()):
                front, times = _joined((front, times), _scaled(more, scale))
        else:
            k = int(sizes[1] > sizes[0])
            middle = (low[k] + high[k]) // 2
            first = reduced(low, (middle, high[1]) if k == 0 else (high[0], middle))
            second = reduced((middle, low[1]) if k == 0 else (low[0], middle), high)
            front, times = _joined(first, second)
        return _without(front, times, touched, added, steps)

    reduced((0, 0), numbers.shape[:2])
    x = np.zeros(count)
    for e in reversed(steps):
        x[e.numbers] = solve_triangular(e.factor, e.alone - e.joined @ x[e.others], lower=True, trans=1)
    return x * scale


def _scaled(front: Front, scale: np.ndarray) -> tuple[Front, np.ndarray]:
    """A front in unknowns that are divided by their scales, each met once."""
    by = scale[front.numbers]
    return Front(front.numbers, front.matrix * by[:, None] * by, front.right * by), np.ones(len(by), int)


def _joined(first, second) -> tuple[Front, np.ndarray]:
    """The sum of two fronts, and how often each unknown was met."""
    fronts: Sequence[Front] = (first[0], second[0])
    numbers = np.union1d(fronts[0].numbers, fronts[1].numbers)
    matrix, right = np.zeros((len(numbers), len(numbers))), np.zeros(len(numbers))
    times = np.zeros(len(numbers), int)
    for front, met in (first, second):
        at = np.searchsorted(numbers, front.numbers)
        matrix[np.ix_(at, at)] += front.matrix
        right[at] += front.right
        times[at] += met
    return Front(numbers, matrix, right), times


def _without(front: Front, times, touched, added, steps: list[_Eliminated]) -> tuple[Front, np.ndarray]:
    """A front without the unknowns that are met nowhere else; `steps` gains what these were."""
    done = times == touched[front.numbers]
    if not done.any():
        return front, times
    order = np.concatenate([np.flatnonzero(done), np.flatnonzero(~done)])
    few = int(done.sum())
    matrix, right, numbers = front.matrix[np.ix_(order, order)], front.right[order], front.numbers[order]
    factor = cholesky(matrix[:few, :few] + np.diag(added[numbers[:few]]), lower=True)
    solved = solve_triangular(factor, np.column_stack([matrix[:few, few:], right[:few]]), lower=True)
    joined, alone = solved[:, :-1], solved[:, -1]
    steps.append(_Eliminated(numbers[:few], numbers[few:], factor, joined, alone))
    left = Front(numbers[few:], matrix[few:, few:] - joined.T @ joined, right[few:] - joined.T @ alone)
    return left, times[order[few:]]
