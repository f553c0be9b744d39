"""Symmetric positive definite systems of blocks in a chain or a ring, by banded Cholesky factors.

What elements along an axis leave after their inner unknowns are eliminated is such a chain: node by node, each joined
to the next. On a periodic axis it is a ring, whose first node is eliminated last.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cho_solve_banded, cholesky_banded


def solve(matrices: np.ndarray, rights: np.ndarray, damping: float, *, ring: bool) -> np.ndarray:
    """The solution at the nodes, (nodes, B), NaN where the matrix is not positive definite.

    matrices   (N, 2 B, 2 B) of the elements, whose first B rows belong to their left node; they add up at each node
    rights     (N, 2 B), likewise
    damping    added to the diagonal, which is scaled to one; what has a zero there stays zero
    ring       whether the last element ends at the first node
    """
    count, block = len(matrices), matrices.shape[1] // 2
    low, high = slice(0, block), slice(block, None)
    diagonal = at_nodes(matrices[:, low, low], matrices[:, high, high], ring=ring)
    right = at_nodes(rights[:, low], rights[:, high], ring=ring)
    onward = matrices[:, low, high]
    sizes = np.diagonal(diagonal, axis1=1, axis2=2)
    fixed = sizes <= 0
    scale = 1 / np.sqrt(np.where(fixed, 1.0, sizes))
    diagonal = diagonal * scale[:, :, None] * scale[:, None, :]
    diagonal[:, np.arange(block), np.arange(block)] = 1.0 + damping
    onward = onward * scale[:count, :, None] * (np.roll(scale, -1, axis=0) if ring else scale[1:])[:, None, :]
    right = right * scale
    try:
        solved = _ring(diagonal, onward, right) if ring else _chain(diagonal, onward, right[:, :, None])[:, :, 0]
    except (LinAlgError, ValueError):  # not positive definite, or not finite
        return np.full_like(right, np.nan)
    return solved * scale


def at_nodes(left: np.ndarray, right: np.ndarray, *, ring: bool) -> np.ndarray:
    """Sums over the elements at each node, from what each element has at its two ends."""
    if ring:
        return left + np.roll(right, 1, axis=0)
    empty = np.zeros_like(left[:1])
    return np.concatenate([left, empty]) + np.concatenate([empty, right])


def _chain(diagonal: np.ndarray, onward: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution (n, B, columns) of a chain."""
    count, block = diagonal.shape[:2]
    band = np.zeros((2 * block, count * block))  # row k holds the k-th diagonal below
    rows, columns = np.tril_indices(block)
    starts = block * np.arange(count)[:, None]
    band[np.broadcast_to(rows - columns, (count, len(rows))), starts + columns] = diagonal[:, rows, columns]
    rows, columns = (index.ravel() for index in np.indices((block, block)))
    below = np.broadcast_to(block + columns - rows, (count - 1, block**2))  # of the transposed block
    band[below, starts[:-1] + rows] = onward[: count - 1].reshape(count - 1, block**2)
    factor = cholesky_banded(band[: count * block], lower=True)
    return cho_solve_banded((factor, True), right.reshape(count * block, -1)).reshape(count, block, -1)


def _ring(diagonal: np.ndarray, onward: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution (n, B) of a ring."""
    count, block = right.shape
    border = np.zeros((count - 1, block, block))  # the columns of the first node
    border[0] += onward[0].T
    border[-1] += onward[-1]
    inner = _chain(diagonal[1:], onward[1:], np.concatenate([border, right[1:, :, None]], axis=2))
    joined, alone = inner[:, :, :-1], inner[:, :, -1]
    corner = diagonal[0] - np.einsum("nab,nac->bc", border, joined)
    first = cho_solve((np.linalg.cholesky(corner), True), right[0] - np.einsum("nab,na->b", border, alone))
    return np.concatenate([first[None], alone - joined @ first])
