"""J^T J of a separable field on tensor grids, without J.

A residual r on the grid changes with the features of axis d by

    delta r(n) = sum over b of  K_d[n, b] (J_d[n_d] delta theta_d)[b],
    K_d[n, (a, i)] = sum over partials with order a on axis d of  dr/d(partial)(n)  prod_{e != d} f_i^(e)[n_e],

where J_d is the Jacobian of the jets of one small network at the N_d nodes of its axis. Hence

    H_dd = sum over n_d of  J_d^T M_dd[n_d] J_d,            M_dd[n_d] = sum over the other axes of K_d^T K_d,
    H_de = sum over n_d, n_e of  J_d^T M_de[n_d, n_e] J_e,  M_de likewise from K_d^T K_e.

Cost: 2 N^d B^2 for each pair of axes and 2 N B P^2, with B = orders times rank; J itself would need N^d P^2.
For plain tensors this is classical (Sorber, Van Barel & De Lathauwer 2013, SIAM J. Optim. 23).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from spindle.derivatives.linearised import LinearisedResidual
from spindle.networks.fields import AxisField

_MOST_ENTRIES = 2e7  # of all kernels together, a sixth of a gigabyte; copies of them need two or three times as much


class AxisFeatures(NamedTuple):
    """The jets of one axis and their Jacobian.

    values   (N, orders, unknowns, rank)
    slopes   (N, orders, unknowns, rank, P_d)
    """

    values: jax.Array
    slopes: jax.Array

    def cut(self, rows: slice) -> "AxisFeatures":
        """The features at the nodes of these rows."""
        return AxisFeatures(self.values[rows], self.slopes[rows])


def axis_features(field: AxisField, axis: int, x: jax.Array, orders_of, highest: int) -> AxisFeatures:
    """Jets up to order `highest` at the nodes x (N, 1), and their Jacobian in the parameters of that axis.

    orders_of   (field, axis, x, highest) -> list of arrays (n, unknowns, rank)
    """
    arrays, static = eqx.partition((field.embeddings[axis], field.bodies[axis]), eqx.is_inexact_array)
    vector, unravel = ravel_pytree(arrays)

    def jets(vector, x):
        parts = eqx.combine(unravel(vector), static)
        changed = eqx.tree_at(lambda f: (f.embeddings[axis], f.bodies[axis]), field, parts)
        return jnp.stack(orders_of(changed, axis, x, highest), axis=1)

    slopes = jax.vmap(jax.jacrev(lambda v, one: jets(v, one[None])[0]), in_axes=(None, 0))(vector, x)
    return AxisFeatures(jets(vector, x), slopes)


def places_of_parameters(field: AxisField) -> tuple[np.ndarray, int]:
    """Where the parameters of axis 0, 1, ... stand in `ravel_pytree(field)`, one after the other, and their number."""
    leaves, structure = jax.tree.flatten(eqx.filter(field, eqx.is_inexact_array))
    starts = np.cumsum([0, *(leaf.size for leaf in leaves)])
    numbered = [np.arange(start, start + leaf.size) for start, leaf in zip(starts, leaves, strict=False)]
    tree = jax.tree.unflatten(structure, numbered)
    by_axis = [jax.tree.leaves((tree.embeddings[d], tree.bodies[d])) for d in range(len(field.bodies))]
    return np.concatenate([index for axis in by_axis for index in axis]), int(starts[-1])


def grid_blocks(features: Sequence[Sequence[AxisFeatures]], piece: LinearisedResidual) -> list[list[jax.Array]]:
    """Blocks H_de of J^T J for d <= e, and the columns of the parameters last, of one piece on a tensor grid.

    features   features[term][d], cut to the piece's nodes

    Rows of J may be taken in any order and number, so that the kernels K_d of a large grid, of N^d B numbers each, are
    made for some nodes of the first axis at a time.
    """
    nodes, together = len(features[0][0].values), _together(features, piece)
    if together == nodes:
        return _blocks(features, piece)
    # Slopes stand in lists: a tree of mappings would sort the needs, which have no order.
    whole = [entry[0] for entry in features], [list(entry.values()) for _, entry in piece.slopes], piece.parameters
    parts = jax.tree.map(lambda a: a.reshape(nodes // together, together, *a.shape[1:]), whole)

    def blocks(part):
        first, slopes, parameters = part
        slab = [[f, *beside[1:]] for f, beside in zip(first, features, strict=True)]
        terms = [
            (support, dict(zip(old, new, strict=True)))
            for (support, old), new in zip(piece.slopes, slopes, strict=True)
        ]
        return _blocks(slab, LinearisedResidual(tuple(terms), parameters))

    def add(total, part):
        return jax.tree.map(jnp.add, total, blocks(part)), None

    shapes = jax.eval_shape(blocks, jax.tree.map(lambda a: a[0], parts))
    return jax.lax.scan(add, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes), parts)[0]


def _together(features, piece) -> int:
    """The number of nodes of the first axis that are taken at a time, a divisor of their number."""
    partials = [(t, p) for t, (_, slopes) in enumerate(piece.slopes) for need in slopes for p, _ in need.terms]
    slots = sum(len({(t, p.unknown, p.orders[d]) for t, p in partials}) for d in range(len(features[0])))
    nodes, *others = (len(f.values) for f in features[0])
    entries = slots * features[0][0].values.shape[-1] * math.prod(others)
    return max(n for n in range(1, nodes + 1) if nodes % n == 0 and (n == 1 or n * entries <= _MOST_ENTRIES))


def _blocks(features, piece):
    kernels = [_kernel(features, piece, d) for d in range(len(features[0]))]
    blocks = []
    for d, (k_d, j_d) in enumerate(kernels):
        row = [_diagonal(k_d, j_d, d)]
        row += [_off_diagonal(k_d, j_d, d, k_e, j_e, e) for e, (k_e, j_e) in enumerate(kernels) if e > d]
        row += [_border(k_d, j_d, d, column) for column in piece.parameters]
        blocks.append(row)
    return blocks


def symmetric(blocks: list[list[jax.Array]], parameters: Sequence[jax.Array]) -> jax.Array:
    """The whole symmetric matrix from the blocks on and above the diagonal, and the columns of the parameters."""
    axes = len(blocks)
    whole = [
        [blocks[d][e - d] if e >= d else blocks[e][d - e].T for e in range(axes)] + blocks[d][axes - d :]
        for d in range(axes)
    ]
    for k, column in enumerate(parameters):
        lower = [blocks[d][axes - d + k].T for d in range(axes)]
        whole.append(lower + [jnp.sum(column * other).reshape(1, 1) for other in parameters])
    return jnp.block(whole)


def row_blocks(features: Sequence[Sequence[AxisFeatures]], piece: LinearisedResidual) -> jax.Array:
    """J (n, P + parameters) of one piece at scattered points."""
    columns = []
    for d in range(len(features[0])):
        kernel, j = _kernel(features, piece, d)
        columns.append(jnp.einsum("nb,nbp->np", kernel, j))
    return jnp.concatenate([*columns, *(p.ravel()[:, None] for p in piece.parameters)], axis=1)


def _kernel(features, piece, d):
    """K_d (grid, B) and J_d (N_d, B, P_d) restricted to the slots that occur: term, order and unknown."""
    grid = jnp.ndim(next(iter(piece.slopes[0][1].values())))
    axes = len(features[0])
    slots = defaultdict(list)
    for term, (_, slopes) in enumerate(piece.slopes):
        for need, slope in slopes.items():
            for partial, coefficient in need.terms:
                others = [
                    _along(features[term][e].values[:, partial.orders[e], partial.unknown], e, grid)
                    for e in range(axes)
                    if e != d
                ]
                product = (coefficient * slope)[..., None]
                for other in others:
                    product = product * other
                slots[term, partial.orders[d], partial.unknown].append(product)
    kernel = jnp.concatenate([sum(products) for products in slots.values()], axis=-1)
    chosen = [features[term][d].slopes[:, order, unknown] for term, order, unknown in slots]
    return kernel, jnp.concatenate(chosen, axis=1)


def _along(values, axis, grid):
    """Features (N, R) along one axis of the grid; at scattered points rows belong together as they are."""
    if grid == 1:
        return values
    return values.reshape([len(values) if k == axis else 1 for k in range(grid)] + [values.shape[-1]])


def _diagonal(kernel, j, d):
    rows = jnp.moveaxis(kernel, d, 0).reshape(kernel.shape[d], -1, kernel.shape[-1])
    mode = jnp.einsum("nrb,nrc->nbc", rows, rows)
    half = jnp.einsum("nbc,ncp->nbp", mode, j)
    return _flat(j).T @ _flat(half)


def _off_diagonal(k_d, j_d, d, k_e, j_e, e):
    left, right = (jnp.moveaxis(k, (d, e), (0, 1)) for k in (k_d, k_e))
    left, right = (k.reshape(*k.shape[:2], -1, k.shape[-1]) for k in (left, right))
    mode = jnp.einsum("nmrb,nmrc->nbmc", left, right)
    rows, columns = mode.shape[0] * mode.shape[1], mode.shape[2] * mode.shape[3]
    return _flat(j_d).T @ (mode.reshape(rows, columns) @ _flat(j_e))


def _border(kernel, j, d, column):
    rows = jnp.moveaxis(kernel * column[..., None], d, 0)
    return jnp.einsum("nb,nbp->p", rows.reshape(rows.shape[0], -1, rows.shape[-1]).sum(1), j)[:, None]


def _flat(j):
    return j.reshape(-1, j.shape[-1])
