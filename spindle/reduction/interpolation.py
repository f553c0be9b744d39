"""Hyper-reduction of low-rank networks: between two coefficient multiplications only some neurons are evaluated.

A hidden state z in R^M lies near the span of the columns of Xi (POD of snapshots). Its entries at some indices P give
it back,

    z ~ Xi (P^T Xi)^+ P^T z,

the empirical interpolation. An activation acts entry by entry, so P^T z needs the rows P of the layer before only, and
the lift Xi (P^T Xi)^+ is multiplied into the layer after: the reduced network is a low-rank network again, of as many
neurons as there are indices, and takes the same coefficients.

Source: Cho et al. (2024), arXiv 2410.04001, equations 2.6 to 2.8; in SIAM J. Sci. Comput. Chaturantabut & Sorensen
(2010) for DEIM, Drmac & Gugercin (2016) for Q-DEIM, Peherstorfer, Drmac & Gugercin (2020) for oversampling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.linalg import qr

from spindle.networks.lowrank import LowRankLayer, LowRankNetwork


@dataclass(frozen=True)
class Selection:
    """Some neurons of a hidden state, and how to compute all others from them.

    indices   of the neurons that are evaluated, (n,)
    lift      Xi (P^T Xi)^+, (M, n): from their values to all
    """

    indices: np.ndarray
    lift: np.ndarray


def pod(snapshots: np.ndarray, tolerance: float = 0.0, most: int | None = None) -> np.ndarray:
    """Orthonormal columns (M, k) that span snapshots (M, n) up to a relative error in the Frobenius norm."""
    tall = snapshots.shape[1] > 4 * snapshots.shape[0]
    # The triangle of a QR factorisation has the same left singular vectors, and loses no digits as S S^T would.
    matrix = np.asarray(np.linalg.qr(snapshots.T, mode="r")).T if tall else snapshots
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    tails = np.sqrt(np.cumsum(values[::-1] ** 2)[::-1])
    rank = int(np.sum(tails > max(tolerance, np.finfo(float).eps) * tails[0]))
    return left[:, : max(1, min(rank, most or rank))]


def deim(basis: np.ndarray, count: int | None = None) -> np.ndarray:
    """One index for each column of the basis: where the columns before interpolate it worst (DEIM)."""
    chosen = [int(np.argmax(np.abs(basis[:, 0])))]
    for k in range(1, basis.shape[1]):
        weights = np.linalg.solve(basis[chosen, :k], basis[chosen, k])
        chosen.append(int(np.argmax(np.abs(basis[:, k] - basis[:, :k] @ weights))))
    return np.array(chosen)


def qdeim(basis: np.ndarray, count: int | None = None) -> np.ndarray:
    """One index for each column of the basis: the pivots of a QR factorisation of its transpose (Q-DEIM)."""
    return qr(basis.T, mode="r", pivoting=True)[1][: basis.shape[1]]


def oversampled(basis: np.ndarray, count: int | None = None) -> np.ndarray:
    """`count` indices (one and a half a column): those of Q-DEIM, then what raises the smallest singular value most.

    The bound on the gain follows from the last singular vector (Peherstorfer et al. 2020, section 4.2).
    """
    size, k = basis.shape
    chosen = list(qdeim(basis))
    count = min(size, max(k, count or int(np.ceil(1.5 * k))))
    while len(chosen) < count:
        _, values, right = np.linalg.svd(basis[chosen], full_matrices=False)
        gap = values[-2] ** 2 - values[-1] ** 2 if k > 1 else 0.0
        along = (basis @ right[-1]) ** 2
        shift = gap + np.sum(basis**2, axis=1)
        gains = shift - np.sqrt(np.maximum(shift**2 - 4 * gap * along, 0)) if k > 1 else along
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
    return np.array(chosen)


SELECTIONS: dict[str, Callable[..., np.ndarray]] = {"deim": deim, "qdeim": qdeim, "oversampled": oversampled}


def select(basis: np.ndarray, rule: str, count: int | None = None) -> Selection:
    """The indices that a rule chooses, and the lift from values there to all neurons."""
    indices = SELECTIONS[rule](basis, count)
    return Selection(indices, basis @ np.linalg.pinv(basis[indices]))


def reduced_network(network: LowRankNetwork, selections: Sequence[Selection]) -> LowRankNetwork:
    """The network on the selected neurons: one selection for each hidden state, the first layer's first."""
    first, last = network.first, network.last
    rows, lift = selections[0].indices, selections[0].lift
    small_first = eqx.tree_at(lambda d: (d.weight, d.bias), first, (first.weight[:, rows], first.bias[rows]))
    hidden = []
    for layer, chosen in zip(network.hidden, selections[1:], strict=True):
        rows = chosen.indices
        bias = None if layer.bias is None else layer.bias[rows]
        hidden.append(LowRankLayer(layer.left[rows], jnp.asarray(lift.T) @ layer.right, bias, layer.shift))
        lift = chosen.lift
    small_last = eqx.tree_at(lambda d: d.weight, last, jnp.asarray(lift.T) @ last.weight)
    return LowRankNetwork(small_first, tuple(hidden), small_last, network.act, jnp.asarray(lift))
