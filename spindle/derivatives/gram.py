"""Sums of squares over tensor grids without the grid.

A residual that is polynomial in the partials of a separable field, with separable coefficients, is itself a sum of
products of functions of one coordinate,

    r(n) = sum over tau of  c_tau  prod over d of  Psi_d[n_d, tau],

so that its weighted square sum needs the Gram matrices of the columns on each axis only:

    |r|^2 = c^T (G_1 * G_2 * ... * G_D) c,      G_d = Psi_d^T W_d Psi_d      (* entry by entry),

at a cost that grows with N d instead of N^d. A monomial of degree g in the partials has products of g features as its
columns. The Gauss-Newton matrix follows from the same sums: with U_d = (d Psi_d / d theta_d)^T W_d Psi_d,

    H_de = sum over tau, tau' of  U_d[tau, tau'] c_tau c_tau' prod_{f != d, e} G_f[tau, tau'] U_e[tau', tau]^T.

The square is a difference of numbers of size |source|^2: below 1e-8 |source| the residual drowns in their rounding. The
triangular factors of Psi_d carry the same residual without that loss, as a tensor of size prod min(N_d, K_d).
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from spindle.derivatives.separable_normal import AxisFeatures
from spindle.lowering.compile import array_function
from spindle.lowering.partials import Partial
from spindle.lowering.structure import Structure


@dataclass(frozen=True)
class Monomial:
    """`constant * product of factors * product of partials` at one of the places of a piece.

    factors    index of the coefficient function on each axis, -1 for none
    partials   with repetition, sorted; empty for a piece of the source
    """

    term: int
    constant: float
    factors: tuple[int, ...]
    partials: tuple[Partial, ...]

    def column(self, axis: int) -> tuple:
        """What its columns on an axis are made of; equal keys mean equal columns."""
        slots = tuple((p.unknown, p.orders[axis]) for p in self.partials)
        return self.term, self.factors[axis], slots, self.pattern

    @property
    def pattern(self) -> tuple[int, ...]:
        """How often each different partial occurs: equal partials need only unordered choices of features."""
        return tuple(Counter(self.partials).values())


def choices(pattern: Sequence[int], rank: int) -> tuple[np.ndarray, np.ndarray]:
    """All choices of one feature a factor, (factors, n), and how many orderings each stands for, (n,)."""
    groups = [list(itertools.combinations_with_replacement(range(rank), n)) for n in pattern]
    index, count = [], []
    for choice in itertools.product(*groups):
        index.append([i for group in choice for i in group])
        orderings = (math.factorial(len(g)) // math.prod(map(math.factorial, Counter(g).values())) for g in choice)
        count.append(math.prod(orderings))
    return np.array(index, int).reshape(len(index), -1).T, np.array(count, float)


class SeparatedPiece:
    """One residual array as a sum of products of columns.

    structures    the separated structure of each of its terms, a term being an expression at a place
    slices        for each term the rows of each axis' pool
    weights       square roots of the quadrature weights on each axis
    """

    def __init__(self, structures: Sequence[Structure], slices, weights, coordinates, rank: int):
        self.slices, self.rank = slices, rank
        self._roots = [np.asarray(w) for w in weights]
        self._functions: list[list[sympy.Expr]] = [[] for _ in coordinates]
        self.monomials = [
            self._monomial(number, term, coordinates)
            for number, structure in enumerate(structures)
            for term in structure.terms or ()
        ]
        self._coordinates = tuple(coordinates)
        own = [choices(m.pattern, rank) for m in self.monomials]
        self._choices = dict(zip((m.pattern for m in self.monomials), (c[0] for c in own), strict=True))
        self.constants = np.concatenate([m.constant * c[1] for m, c in zip(self.monomials, own, strict=True)])
        self._sizes = [len(c[1]) for c in own]
        self._blocks = [list(dict.fromkeys(m.column(d) for m in self.monomials)) for d in range(len(coordinates))]
        self.columns_of = [self._places(d) for d in range(len(coordinates))]

    @property
    def terms(self) -> int:
        """Number T of products."""
        return len(self.constants)

    def widths(self) -> list[int]:
        """Number K_d of different columns on each axis."""
        return [sum(self._choices[b[3]].shape[1] for b in blocks) for blocks in self._blocks]

    def coefficients(self, pools) -> list[list[jax.Array]]:
        """The values of all coefficient functions on each axis, for each term: depends on the points alone."""
        found = []
        for axis, functions in enumerate(self._functions):
            compiled = [array_function(f, self._coordinates) for f in functions]
            rows = [pools[axis][cut[axis], 0] for cut in self.slices]
            point = [[jnp.zeros_like(x)] * len(self._coordinates) for x in rows]
            for x, p in zip(rows, point, strict=True):
                p[axis] = x
            found.append([[jnp.broadcast_to(f(p, {}), p[axis].shape) for f in compiled] for p in point])
        return found

    def columns(self, values: Sequence[jax.Array], coefficients) -> list[jax.Array]:
        """Psi_d (N_d, K_d), weighted by the roots of the quadrature weights; values[d] is (pool, orders, unknowns, R)."""
        return [
            self._weighted(d, [self._block(d, b, v, coefficients) for b in self._blocks[d]])
            for d, v in enumerate(values)
        ]

    def square(self, columns: Sequence[jax.Array]) -> jax.Array:
        """|r|^2 from Gram matrices; by rounding it may be a little negative."""
        product = jnp.asarray(self.constants[:, None] * self.constants, columns[0].dtype)
        for columns_of, psi in zip(self.columns_of, columns, strict=True):
            product = product * (psi.T @ psi)[columns_of][:, columns_of]
        return jnp.sum(product)

    def core(self, columns: Sequence[jax.Array]) -> jax.Array:
        """A tensor with the norm of r, of size prod min(N_d, K_d), from triangular factors of the columns."""
        factors = [triangular(psi)[:, own] for psi, own in zip(columns, self.columns_of, strict=True)]
        left = factors[0] * jnp.asarray(self.constants, factors[0].dtype)
        for factor in factors[1:-1]:
            left = (left[:, None, :] * factor[None, :, :]).reshape(-1, factor.shape[-1])
        return left @ factors[-1].T

    def normal(self, features: Sequence[AxisFeatures], coefficients) -> list[list[jax.Array]]:
        """Blocks H_de of J^T J for d <= e."""
        axes = range(len(features))
        psi = self.columns([f.values for f in features], coefficients)
        grams = [(p.T @ p)[own][:, own] for p, own in zip(psi, self.columns_of, strict=True)]
        tangents = [self._tangents(d, features[d], coefficients) for d in axes]
        mixed = [jnp.einsum("nkp,nl->klp", t, p) for t, p in zip(tangents, psi, strict=True)]
        outer = jnp.asarray(self.constants[:, None] * self.constants, psi[0].dtype)
        blocks = []
        for d in axes:
            weights = math.prod((grams[f] for f in axes if f != d), start=outer)
            row = [self._diagonal(d, weights, tangents[d])]
            for e in range(d + 1, len(features)):
                weights = math.prod((grams[f] for f in axes if f not in (d, e)), start=outer)
                row.append(self._off_diagonal(d, e, weights, mixed))
            blocks.append(row)
        return blocks

    def _diagonal(self, d, weights, tangents):
        spread = _one_hot(self.columns_of[d], tangents.shape[1])
        mode = spread.T @ weights @ spread
        half = jnp.einsum("kl,nlp->nkp", mode, tangents)
        size = tangents.shape[-1]
        return tangents.reshape(-1, size).T @ half.reshape(-1, size)

    def _off_diagonal(self, d, e, weights, mixed):
        # Only terms with parameters have tangents; those that agree on both axes are added first.
        moving = np.repeat([bool(m.partials) for m in self.monomials], self._sizes)
        pairs = np.stack([self.columns_of[d], self.columns_of[e]], axis=1)[moving]
        unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
        spread = _one_hot(inverse.ravel(), len(unique))
        weights = spread.T @ weights[moving][:, moving] @ spread
        on_d, on_e = unique.T
        left = weights[:, :, None] * mixed[d][on_d][:, on_d]
        right = jnp.swapaxes(mixed[e][on_e][:, on_e], 0, 1)
        return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])

    def _monomial(self, number, term, coordinates):
        factors = []
        given = dict(term.factors)
        for axis, x in enumerate(coordinates):
            functions = self._functions[axis]
            if x in given and given[x] not in functions:
                functions.append(given[x])
            factors.append(functions.index(given[x]) if x in given else -1)
        partials = tuple(sorted(p for p, n in term.powers for _ in range(n)))
        return Monomial(number, float(term.constant), tuple(factors), partials)

    def _places(self, axis) -> np.ndarray:
        """For each product the number of its column on an axis."""
        starts, start = {}, 0
        for block in self._blocks[axis]:
            starts[block] = start
            start += self._choices[block[3]].shape[1]
        return np.concatenate(
            [starts[m.column(axis)] + np.arange(n) for m, n in zip(self.monomials, self._sizes, strict=True)]
        )

    def _block(self, axis, block, values, coefficients):
        """The columns of one monomial on one axis: products of features, times the coefficient function."""
        term, factor, slots, pattern = block
        chosen = self._features(axis, term, slots, pattern, values)
        ones = jnp.ones((self._length(axis, term), 1), values.dtype)
        product = math.prod(chosen, start=ones)
        return product if factor < 0 else product * coefficients[axis][term][factor][:, None]

    def _features(self, axis, term, slots, pattern, values):
        rows = values[self.slices[term][axis]]
        index = self._choices[pattern]
        return [rows[:, order, unknown][:, i] for (unknown, order), i in zip(slots, index, strict=True)]

    def _length(self, axis, term):
        return self.slices[term][axis].stop - self.slices[term][axis].start

    def _tangents(self, axis, features, coefficients):
        """d Psi_d / d theta_d, (N_d, K_d, P_d), weighted."""
        columns = []
        for block in self._blocks[axis]:
            term, factor, slots, pattern = block
            values = self._features(axis, term, slots, pattern, features.values)
            slopes = self._features(axis, term, slots, pattern, features.slopes)
            shape = (self._length(axis, term), self._choices[pattern].shape[1], features.slopes.shape[-1])
            total = jnp.zeros(shape, features.values.dtype)
            for k, slope in enumerate(slopes):
                others = math.prod(values[:k] + values[k + 1 :], start=jnp.ones(shape[:2], slope.dtype))
                total = total + others[..., None] * slope
            columns.append(total if factor < 0 else total * coefficients[axis][term][factor][:, None, None])
        return self._weighted(axis, columns)

    def _weighted(self, axis, columns):
        stacked = jnp.concatenate(columns, axis=1)
        root = jnp.asarray(self._roots[axis], stacked.dtype)
        return stacked * root.reshape([-1] + [1] * (stacked.ndim - 1))


@dataclass(frozen=True)
class GridFree:
    """How the sums over one residual array are taken.

    squares   "grid", "core" or "gram": for the loss
    slopes    "grid" or "gram": for J^T J
    """

    piece: SeparatedPiece
    squares: str
    slopes: str

    @property
    def sums_squares(self) -> bool:
        """Whether the loss needs no grid."""
        return self.squares != "grid"

    @property
    def sums_slopes(self) -> bool:
        """Whether J^T J needs no grid."""
        return self.slopes != "grid"

    def coefficients(self, pools):
        """See `SeparatedPiece.coefficients`."""
        return self.piece.coefficients(pools)

    def square(self, values, coefficients) -> jax.Array:
        """|r|^2, from the jets of all axes."""
        columns = self.piece.columns(values, coefficients)
        return jnp.sum(self.piece.core(columns) ** 2) if self.squares == "core" else self.piece.square(columns)

    def normal(self, features, coefficients):
        """See `SeparatedPiece.normal`."""
        return self.piece.normal(features, coefficients)


def grid_free(piece: SeparatedPiece, lengths: Sequence[int], form: str) -> GridFree | None:
    """The cheapest way by operations counted, or the one that is asked for; None: all on the grid.

    "gram" loses half the digits, so that "auto" takes it for the loss only where the others cost ten times as much.
    """
    if form != "auto":
        return GridFree(piece, form, "gram")
    points, widths, terms = math.prod(lengths), piece.widths(), piece.terms
    reduced = math.prod(min(n, k) for n, k in zip(lengths, widths, strict=True))
    gram = sum(2 * n * k**2 + 2 * terms**2 for n, k in zip(lengths, widths, strict=True))
    core = 2 * reduced * terms + sum(4 * n * k**2 for n, k in zip(lengths, widths, strict=True))
    grid = 2 * points * terms
    exact, squares = min((grid, "grid"), (core, "core"))
    if exact > 10 * gram:
        squares = "gram"
    slots = max(widths)
    slopes = "gram" if points * slots**2 > terms**2 * slots * 20 else "grid"
    return None if (squares, slopes) == ("grid", "grid") else GridFree(piece, squares, slopes)


def _one_hot(places, size):
    found = np.zeros((len(places), size))
    found[np.arange(len(places)), places] = 1.0
    return jnp.asarray(found)


@jax.custom_vjp
def triangular(matrix):
    """T of the thin factorisation matrix = Q T, for functions that depend on T^T T alone, such as norms.

    For those the derivative with respect to the matrix is Q times that with respect to T, with no derivative of the
    factorisation itself; matrices without full rank are allowed.
    """
    return jnp.linalg.qr(matrix, mode="r")


def _triangular_forward(matrix):
    q, t = jnp.linalg.qr(matrix)
    return t, q


def _triangular_backward(q, change):
    return (q @ change,)


triangular.defvjp(_triangular_forward, _triangular_backward)
