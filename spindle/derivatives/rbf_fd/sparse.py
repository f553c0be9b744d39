"""Sparse matrices with equally many entries in each row, applied by gathers in both directions.

    (A_k u)_i = sum over j of  w_kij u[idx_ij],      k = 1 .. K operators that share their stencils.

The transpose is applied from a second table, padded where a node belongs to fewer stencils than another, so that no
gradient ever scatters: scatters are serial on processors, slow under contention on GPUs, and not deterministic.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax.custom_derivatives import linear_call


class Stencils(NamedTuple):
    """K operators at m centres, from values at M nodes.

    idx        (m, n) node numbers, weights (K, m, n)
    backward   (M, n') centre numbers, transposed (K, M, n') weights; zeros where a node has fewer stencils
    """

    idx: np.ndarray
    weights: np.ndarray
    backward: np.ndarray
    transposed: np.ndarray

    @staticmethod
    def of(idx: np.ndarray, weights: np.ndarray, nodes: int) -> "Stencils":
        """The operators from stencils (m, n) of `nodes` nodes and weights (K, m, n), and their transposes."""
        (centres, n), flat = idx.shape, idx.ravel()
        order = np.argsort(flat, kind="stable")
        counts = np.bincount(flat, minlength=nodes)
        slots = np.arange(flat.size) - np.repeat(np.cumsum(counts) - counts, counts)
        most = counts.max(initial=0)
        backward = np.zeros((nodes, most), np.int32)
        transposed = np.zeros((len(weights), nodes, most))
        backward[flat[order], slots] = np.repeat(np.arange(centres), n)[order]
        transposed[:, flat[order], slots] = weights.reshape(len(weights), flat.size)[:, order]
        return Stencils(idx.astype(np.int32), weights, backward, transposed)

    def __call__(self, values: jax.Array) -> jax.Array:
        """The operators applied to values (M, C): (K, m, C); linear, and differentiable in both modes."""
        tables = tuple(jnp.asarray(t, values.dtype if t.dtype.kind == "f" else None) for t in self)
        return linear_call(_forward, _backward, tables, values)

    def matrix(self, k: int) -> scipy.sparse.csr_matrix:
        """Operator k as a SciPy matrix (m, M)."""
        m, n = self.idx.shape
        starts = np.arange(0, m * n + 1, n)
        return scipy.sparse.csr_matrix((self.weights[k].ravel(), self.idx.ravel(), starts), (m, len(self.backward)))


def _forward(tables, values):
    idx, weights, _, _ = tables
    return jnp.einsum("kmn,mnc->kmc", weights, values[idx])


def _backward(tables, cotangents):
    _, _, backward, transposed = tables
    return jnp.einsum("kmn,kmnc->mc", transposed, cotangents[:, backward])


class Blocks(NamedTuple):
    """Operators of `Stencils`, and the identity, as dense blocks of neighbouring rows: for products with wide matrices.

    columns   (blocks, U) node numbers; entries (blocks, K + 1, R, U), the value first; rows beyond the last are zero

    A block of R rows touches few more than R nodes, so that a product with a matrix (M, P) is a few dense products
    whose operands stay in the cache.
    """

    columns: np.ndarray
    entries: np.ndarray

    @staticmethod
    def of(rows: np.ndarray, stencils: Stencils, size: int, multiple: int = 1) -> "Blocks":
        """The blocks of `size` rows of some stencils.

        rows       node numbers of the centres, neighbours next to each other
        multiple   a divisor of the number of blocks, if they are more; the last blocks are then empty
        """
        cuts = [slice(first, min(len(rows), first + size)) for first in range(0, len(rows), size)]
        touched = [np.unique(np.append(stencils.idx[cut].ravel(), rows[cut])) for cut in cuts]
        count = len(cuts) + (-len(cuts) % multiple if len(cuts) > multiple else 0)
        columns = np.zeros((count, max(map(len, touched), default=0)), np.int32)
        entries = np.zeros((count, 1 + len(stencils.weights), size, columns.shape[1]))
        for number, (cut, neighbours) in enumerate(zip(cuts, touched, strict=True)):
            columns[number, : len(neighbours)] = neighbours
            lines = np.arange(cut.stop - cut.start)
            entries[number, 0, lines, np.searchsorted(neighbours, rows[cut])] = 1.0
            at = np.searchsorted(neighbours, stencils.idx[cut])
            # A node may stand in a stencil twice: on an interface, for either side.
            for entry, weights in zip(entries[number, 1:], stencils.weights[:, cut], strict=True):
                np.add.at(entry, (np.broadcast_to(lines[:, None], at.shape), at), weights)
        return Blocks(columns, entries)
