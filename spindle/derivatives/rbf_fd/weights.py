"""Weights of linear differential operators at scattered nodes: polyharmonic splines with polynomials (RBF-FD)."""

import itertools
import math
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, lru_cache

import numpy as np
from scipy.spatial import cKDTree
from threadpoolctl import ThreadpoolController

from spindle.errors import MethodError

Orders = tuple[int, ...]
"""Multi-index of a partial derivative: how often to differentiate along each coordinate."""

Operator = Mapping[Orders, float | np.ndarray]
"""Sum of coefficient times partial; a coefficient is a number, or an array (m,) with one number a centre."""

# Matrices of the stencils solved together: many enough to hide the calls, few enough for the cache.
CHUNK_BYTES = 2**22
# Inverses of healthy local matrices stay below 1e8, and below 1e11 where two nodes are as close as 1e-4 radii; those of
# singular ones reach 1e15 in double precision.
SINGULAR = 1e12


def polynomial_terms(degree: int, dimensions: int) -> int:
    """Number of monomials of total degree up to `degree`: C(degree + dimensions, dimensions)."""
    return math.comb(degree + dimensions, dimensions)


def stencil_size(degree: int, dimensions: int) -> int:
    """Usual number of nodes in a stencil, one more than twice the number of monomials."""
    return 2 * polynomial_terms(degree, dimensions) + 1


def definite_exponent(exponent: int, degree: int) -> int:
    """The exponent that is used with polynomials of degree l, given `exponent`: at most 2l + 1.

    Up to there r**m is conditionally definite. Beyond, a few of many stencils come out close to singular, with weights
    up to 10**4 times the usual (first derivatives, l = 2, m = 7, 3300 nodes in space).
    """
    return min(exponent, 2 * degree + 1)


def neighbours(nodes: np.ndarray, centres: np.ndarray, size: int) -> np.ndarray:
    """Indices (m, size) int32 of the nodes (n, d) closest to each centre (m, d), nearest first.

    Raises MethodError where there are fewer nodes than one stencil needs.
    """
    nodes, centres = _checked_points(nodes, centres)
    if len(nodes) < size:
        raise MethodError(
            f"`neighbours` was given {len(nodes)} nodes but needs {size} for one stencil, so no centre has enough "
            f"neighbours; give more nodes, lower the order, or take smaller stencils."
        )
    nearest = cKDTree(nodes).query(centres, k=np.arange(1, size + 1), workers=-1)[1]
    return nearest.astype(np.int32)


def weights(
    nodes: np.ndarray,
    centres: np.ndarray,
    operators: Sequence[Operator],
    *,
    degree: int,
    size: int | None = None,
    exponent: int = 7,
    idx: np.ndarray | None = None,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Weights that apply linear operators at centres from the values at their nearest nodes.

    nodes      (N, d) in the units of the domain
    centres    (m, d), nodes or any other points
    operators  for example `{(2, 0): 1.0, (0, 2): 1.0}`, the Laplacian in two dimensions
    degree     total degree l of the polynomials for which the weights are exact
    size       nodes in a stencil, `stencil_size(degree, d)` by default; C(l+d, d) of them would interpolate polynomials
    exponent   odd m of the kernel r**m, above the order of every operator; no more than 2l + 1 is used
    idx        (m, n) known stencils; by default the nearest nodes
    returns    stencils (m, n) int32, and for each operator weights (m, n) float64 that carry length**-order

    Error O(h**(l + 1 - order)) for smooth functions, so order p of accuracy wants l = p + order - 1. Costs one LU
    factorisation of size n + C(l+d, d) a stencil, shared by all operators.

    Source: Bayona, Flyer, Fornberg & Barnett (2017), J. Comput. Phys. 332; Flyer, Fornberg, Bayona & Barnett (2016),
    J. Comput. Phys. 321.

    >>> idx, (second,) = weights(np.arange(5.0)[:, None], np.array([[2.0]]), [{(2,): 1.0}], degree=2, size=3)
    >>> dict(zip(idx[0].tolist(), second[0].round(12).tolist())) == {1: 1.0, 2: -2.0, 3: 1.0}
    True
    """
    nodes, centres = _checked_points(nodes, centres)
    checked = _checked_operators(operators, centres, degree, exponent)
    idx = _checked_stencils(nodes, centres, degree, size, idx)
    exponent = definite_exponent(exponent, degree)

    n, terms = idx.shape[1], polynomial_terms(degree, nodes.shape[1])
    count = max(1, CHUNK_BYTES // (8 * (n + terms) ** 2))
    parts = [slice(first, first + count) for first in range(0, len(centres), count)]

    def of_part(part: slice) -> np.ndarray:
        restricted = [{orders: c[part] if c.ndim else c for orders, c in operator.items()} for operator in checked]
        return _solve(nodes, centres[part], idx[part], restricted, degree, exponent)

    assembled = np.empty((len(operators), len(centres), n))
    with _one_blas_thread() as alone, ThreadPoolExecutor(_cores() if alone or n + terms < 64 else 1) as pool:
        for part, values in zip(parts, pool.map(of_part, parts), strict=True):
            assembled[:, part] = values
    return idx, list(assembled)


def local_matrices(nodes: np.ndarray, centres: np.ndarray, idx: np.ndarray, *, degree: int, exponent: int = 7):
    """The symmetric matrices (m, n+M, n+M) that `weights` solves, one a stencil: kernel and polynomial blocks."""
    return _assemble(_local_coordinates(nodes, centres, idx)[0], degree, definite_exponent(exponent, degree))


# ---- One chunk of stencils.
#
# At a centre x0 with stencil radius s, xi_j = (x_j - x0)/s, the weights c of an operator L solve
#
#     [ K   P ] [ c ]   [ L phi(x - xi_j) at x = 0 ]        K_ij = |xi_i - xi_j|^m,   P_jk = q_k(xi_j)
#     [ P^T 0 ] [ . ] = [ L q_k           at x = 0 ]
#
# with all monomials q_k of total degree up to l. Shift and scale make the matrix independent of the node spacing; each
# partial of order |alpha| takes the factor s^-|alpha| on the right. LU with pivoting (2.25 n^3 operations at
# n = 2M) is preferred to a Cholesky factorisation in the null space of P (0.9 n^3): it needs no choice of M good rows
# and no conditional definiteness.


def _solve(nodes, centres, idx, operators, degree, exponent):
    """Weights (operators, m, n) of a few stencils."""
    local, radius = _local_coordinates(nodes, centres, idx)
    matrices = _assemble(local, degree, exponent)
    n, terms = idx.shape[1], matrices.shape[1] - idx.shape[1]
    right = np.zeros((len(local), n + terms, len(operators) + 1))
    for k, operator in enumerate(operators):
        for orders, coefficient in operator.items():
            factor = coefficient * radius ** -float(sum(orders))
            right[:, :n, k] += factor[:, None] * _kernel_partial(local, orders, exponent)
            right[:, n + _monomials(degree, len(orders))[orders], k] += factor * math.prod(map(math.factorial, orders))
    # One right-hand side more, without any structure: its solution is as large as the inverse, and so tells singular
    # matrices from healthy ones for the price of a back substitution.
    right[:, :, -1] = np.random.default_rng(0).standard_normal(n + terms)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            solved = np.linalg.solve(matrices, right)
        size = np.abs(solved[:, :, -1]).max(1)
    except np.linalg.LinAlgError:
        size = np.full(len(local), np.inf)
    if not (size < SINGULAR).all():
        _refuse(centres, local, matrices, ~(size < SINGULAR), degree, exponent)
    return np.moveaxis(solved[:, :n, :-1], 2, 0)


def _local_coordinates(nodes, centres, idx):
    """Nodes of each stencil (m, n, d) seen from the centre in units of the stencil radius, and these radii (m,)."""
    local = nodes[idx] - centres[:, None]
    radius = np.sqrt((local**2).sum(-1).max(-1))
    radius[radius == 0] = 1.0
    return local / radius[:, None, None], radius


def _assemble(local, degree, exponent):
    m, n, d = local.shape
    matrices = np.zeros((m, n + polynomial_terms(degree, d), n + polynomial_terms(degree, d)))
    squares = _squared_distances(local)
    # Products and one square root: a general power costs ten times as much.
    kernel = np.sqrt(squares)
    for _ in range(exponent // 2):
        kernel *= squares
    matrices[:, :n, :n] = kernel
    polynomials = _polynomials(local, degree)
    matrices[:, n:, :n] = polynomials
    matrices[:, :n, n:] = polynomials.swapaxes(1, 2)
    return matrices


def _squared_distances(local):
    squares = np.zeros((len(local), local.shape[1], local.shape[1]))
    for k in range(local.shape[2]):
        difference = local[:, :, None, k] - local[:, None, :, k]
        difference *= difference
        squares += difference
    return squares


@lru_cache
def _monomials(degree: int, dimensions: int) -> dict[Orders, int]:
    """Exponents of all monomials up to a total degree, and their places, lower degrees first."""
    every = itertools.product(range(degree + 1), repeat=dimensions)
    return {e: k for k, e in enumerate(sorted((e for e in every if sum(e) <= degree), key=lambda e: (sum(e), e)))}


def _polynomials(local, degree):
    """All monomials (m, M, n), each from one of lower degree."""
    m, n, d = local.shape
    places = _monomials(degree, d)
    values = np.empty((m, len(places), n))
    for exponents, place in places.items():
        axis = next((k for k in range(d) if exponents[k]), None)
        if axis is None:
            values[:, place] = 1.0
        else:
            lower = tuple(e - (k == axis) for k, e in enumerate(exponents))
            np.multiply(values[:, places[lower]], local[:, :, axis], out=values[:, place])
    return values


def _kernel_partial(local, orders, exponent):
    """Partial derivative of x -> |x - xi|^m at x = 0, for xi (m, n, d).

    With q = |y|^2 at y = x - xi and f(q) = q^(m/2), Faa di Bruno's formula has one term for each way to take j_k pairs
    of derivatives along axis k, since the third derivative of q along any axis is zero; with b_k = alpha_k - 2 j_k,

        d^alpha f(|y|^2) = sum_j  prod_k alpha_k! / (j_k! b_k!) (2 y_k)^(b_k)  f^(|alpha|-|j|)(q)

    Every term has degree m - |alpha| > 0 in y, so the limit at y = 0 is zero.
    """
    distances = np.sqrt((local**2).sum(-1))
    apart = distances > 0
    safe = np.where(apart, distances, 1.0)
    total = np.zeros(distances.shape)
    for pairs in itertools.product(*(range(a // 2 + 1) for a in orders)):
        left = [a - 2 * j for a, j in zip(orders, pairs, strict=True)]
        times = sum(orders) - sum(pairs)
        ways = math.prod(
            math.factorial(a) // (math.factorial(j) * math.factorial(b))
            for a, j, b in zip(orders, pairs, left, strict=True)
        )
        term = ways * math.prod(exponent / 2 - k for k in range(times)) * safe ** (exponent - 2 * times)
        for k, power in enumerate(left):
            term = term * (-2 * local[:, :, k]) ** power if power else term
        total += term
    return np.where(apart, total, 0.0)


# ---- Threads: one chunk on each core.


def _cores() -> int:
    """Cores this process may use; linear algebra leaves the interpreter lock, so threads share them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_BLAS = threading.Lock()


@contextmanager
def _one_blas_thread():
    """Keep linear algebra from splitting small matrices among threads; yields whether it obeys.

    Library threads and ours would wait for each other: ten times slower at n + M = 106 on two cores. The number is one
    for the whole process, so only one call at a time may change it.
    """
    libraries = _linear_algebra()
    with _BLAS, libraries.limit(limits=1):
        counts = [library.num_threads for library in libraries.lib_controllers]
        yield bool(counts) and max(counts) == 1


@cache
def _linear_algebra() -> ThreadpoolController:
    """The libraries behind NumPy and SciPy; to look for them among all that is loaded takes 20 milliseconds."""
    return ThreadpoolController().select(user_api="blas")


# ---- Refusals.


def _checked_points(nodes, centres):
    nodes, centres = (np.ascontiguousarray(a, dtype=np.float64) for a in (nodes, centres))
    if nodes.ndim != 2 or centres.ndim != 2 or nodes.shape[1] != centres.shape[1] or not nodes.shape[1]:
        raise MethodError(
            f"RBF-FD was given nodes of shape {nodes.shape} and centres of shape {centres.shape}, which are not points "
            f"of one space; pass arrays (N, d) and (m, d) with the same d."
        )
    for name, points in (("nodes", nodes), ("centres", centres)):
        bad = np.flatnonzero(~np.isfinite(points).all(1))
        if len(bad):
            raise MethodError(
                f"RBF-FD was given {name} with NaN or Inf, first in row {bad[0]}: {_place(points[bad[0]])}, which have "
                f"no neighbours; remove such rows or see where they come from."
            )
    return nodes, centres


def _checked_operators(operators, centres, degree, exponent) -> list[dict[Orders, np.ndarray]]:
    m, d = centres.shape
    if degree != int(degree) or degree < 0:
        raise MethodError(
            f"`weights` was called with degree={degree}, which is no total degree of polynomials; give a whole number "
            f"from 0 on, usually order of accuracy + order of the operator - 1."
        )
    checked = []
    for operator in operators:
        factors = {}
        for orders, coefficient in operator.items():
            if len(orders) != d or any(a != int(a) or a < 0 for a in orders):
                raise MethodError(
                    f"`weights` was asked for the partial {orders} of functions of {d} coordinates, which does not "
                    f"exist; give one order, 0 or more, for each coordinate."
                )
            values = np.asarray(coefficient, dtype=np.float64)
            if values.shape not in ((), (m,)) or not np.isfinite(values).all():
                raise MethodError(
                    f"`weights` was given a coefficient of shape {values.shape} for the partial {orders} that does not "
                    f"fit {m} centres or is not finite; give a number, or an array ({m},) with a number for each one."
                )
            factors[tuple(map(int, orders))] = values
        checked.append(factors)
    highest = max((sum(orders) for operator in checked for orders in operator), default=0)
    if exponent != int(exponent) or exponent < 1 or exponent % 2 == 0 or exponent <= highest:
        raise MethodError(
            f"`weights` was called with exponent={exponent} for an operator of order {highest}, but r**m is a kernel "
            f"for odd m only and has that many derivatives only if m is larger; take exponent="
            f"{max(7, highest + 1 + highest % 2)}."
        )
    if degree < highest:
        raise MethodError(
            f"`weights` was called with degree={degree} for an operator of order {highest}, which turns all these "
            f"polynomials to zero and so would not be approximated at all; take degree={highest + 1} or more."
        )
    return checked


def _checked_stencils(nodes, centres, degree, size, idx):
    d = nodes.shape[1]
    terms = polynomial_terms(degree, d)
    if idx is not None:
        idx = np.ascontiguousarray(idx, dtype=np.int32)
        if idx.ndim != 2 or len(idx) != len(centres) or (idx.size and not 0 <= idx.min() <= idx.max() < len(nodes)):
            raise MethodError(
                f"`weights` was given stencils of shape {idx.shape} that do not fit {len(centres)} centres and "
                f"{len(nodes)} nodes; pass one row of node numbers for each centre, or leave `idx` out."
            )
    count = idx.shape[1] if idx is not None else stencil_size(degree, d) if size is None else size
    if count < terms:
        raise MethodError(
            f"`weights` was called with stencils of {count} nodes for polynomials of degree {degree} in {d} "
            f"coordinates, which have {terms} terms that cannot all be matched; take "
            f"{stencil_size(degree, d)} or a lower order."
        )
    if idx is not None:
        return idx
    if len(nodes) < count:
        raise MethodError(
            f"`weights` was given {len(nodes)} nodes but needs stencils of {count} for degree {degree} in {d} "
            f"coordinates, so no centre has enough neighbours; give more nodes or lower the order."
        )
    return neighbours(nodes, centres, count)


def _refuse(centres, local, matrices, suspects, degree, exponent):
    """Say why the first singular stencil among some is singular: equal nodes, or nodes on a curve of low degree."""
    n = local.shape[1]
    for k in np.flatnonzero(suspects):
        squares = _squared_distances(local[k : k + 1])[0] + np.eye(n)
        i, j = np.unravel_index(squares.argmin(), squares.shape)
        if squares[i, j] < 1e-16:
            raise MethodError(
                f"RBF-FD was given the same node twice in the stencil of the centre {_place(centres[k])}, which leaves "
                f"its weights undetermined; remove duplicates, for example with `np.unique(nodes, axis=0)`."
            )
        values = np.linalg.svd(matrices[k, n:, :n], compute_uv=False)
        rank = int((values > 1e-11 * values[0]).sum())
        if rank < len(values):
            raise MethodError(
                f"RBF-FD cannot find weights at the centre {_place(centres[k])}, because its {n} neighbours lie on a "
                f"curve or surface and tell apart only {rank} of the {len(values)} polynomials of degree {degree}; "
                f"give more or less regular nodes around it, lower the order, or take larger stencils."
            )
    # The matrices of a chunk fail together, so that a suspect may be innocent, but not all of them.
    sizes = np.linalg.cond(matrices[suspects])
    k = np.flatnonzero(suspects)[sizes.argmax()]
    raise MethodError(
        f"RBF-FD cannot find weights at the centre {_place(centres[k])}, because its local matrix for the kernel "
        f"r**{exponent} and degree {degree} is singular (condition {sizes.max():.0e}); take larger "
        f"stencils, a lower order or more regular nodes."
    )


def _place(point) -> str:
    return "(" + ", ".join(f"{x:.6g}" for x in point) + ")"


# ---- Weights that were computed before.
