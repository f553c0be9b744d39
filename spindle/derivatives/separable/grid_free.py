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

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from spindle.derivatives.separable.monomials import Layout, Monomial, choices, number_of_choices
from spindle.derivatives.separable.normal import AxisFeatures
from spindle.lowering.compile import array_function
from spindle.lowering.structure import Structure

_DEAR = 2e9  # operations that one evaluation of the loss may cost before digits are given up
_MOST_ENTRIES = 1.5e7  # of the factors of one block of J^T J: an eighth of a gigabyte
_MOST_PRODUCTS = 1_000_000  # above, listing them alone takes long
_CHEAP = 1e7  # operations below which a grid is not worth avoiding: grid-free sums take longer to compile


class SeparatedPiece:
    """One residual array as a sum of products of columns, one column an axis; the rank is that of the jets.

    structures    the separated structure of each of its terms, a term being an expression on a support
    slices        for each term the rows of each axis' pool
    weights       square roots of the quadrature weights on each axis
    """

    def __init__(self, structures: Sequence[Structure], slices, weights, coordinates):
        self.slices = slices
        self._roots = [np.asarray(w) for w in weights]
        self._coordinates = tuple(coordinates)
        self._functions: list[list[sympy.Expr]] = [[] for _ in coordinates]
        self.monomials = [
            self._monomial(number, term, coordinates)
            for number, structure in enumerate(structures)
            for term in structure.terms or ()
        ]
        self._blocks = [list(dict.fromkeys(m.column(d) for m in self.monomials)) for d in range(len(coordinates))]
        self._layouts: dict[int, Layout] = {}

    def layout(self, rank: int) -> Layout:
        """The constants and column numbers of all products, for a separable rank."""
        if rank not in self._layouts:
            chosen = [choices(m.pattern, rank) for m in self.monomials]
            constants = np.concatenate([m.constant * c[1] for m, c in zip(self.monomials, chosen, strict=True)])
            sizes = tuple(len(c[1]) for c in chosen)
            places = tuple(self._places(d, rank, sizes) for d in range(len(self._blocks)))
            self._layouts[rank] = Layout(constants, places, sizes)
        return self._layouts[rank]

    def slots(self, rank: int) -> list[int]:
        """For each axis the number of features and derivatives of features that the residual is made of."""
        axes = range(len(self._blocks))
        distinct = [{(m.term, p.unknown, p.orders[d]) for m in self.monomials for p in m.partials} for d in axes]
        return [rank * len(features) for features in distinct]

    def widths(self, rank: int) -> list[int]:
        """For each axis the number K_d of different columns."""
        return [sum(number_of_choices(b[3], rank) for b in blocks) for blocks in self._blocks]

    def products(self, rank: int) -> int:
        """The number of products of columns, each choice of features counted."""
        return sum(number_of_choices(m.pattern, rank) for m in self.monomials)

    def coefficients(self, pools) -> list[list[list[jax.Array]]]:
        """The values of all coefficient functions, for each axis and term; they depend on the points alone."""
        values = []
        for axis, functions in enumerate(self._functions):
            compiled = [array_function(f, self._coordinates) for f in functions]
            rows = [pools[axis][cut[axis], 0] for cut in self.slices]
            point = [[jnp.zeros_like(x)] * len(self._coordinates) for x in rows]
            for x, p in zip(rows, point, strict=True):
                p[axis] = x
            values.append([[jnp.broadcast_to(f(p, {}), p[axis].shape) for f in compiled] for p in point])
        return values

    def columns(self, values: Sequence[jax.Array], coefficients) -> list[jax.Array]:
        """Psi_d (N_d, K_d), times the roots of the quadrature weights; values[d] is (pool, orders, unknowns, R)."""
        return [
            self._weighted(d, [self._block(d, b, v, coefficients) for b in self._blocks[d]])
            for d, v in enumerate(values)
        ]

    def square(self, columns: Sequence[jax.Array], rank: int) -> jax.Array:
        """|r|^2 from Gram matrices; by rounding it may be a little negative."""
        return self.inner(columns, columns, rank)

    def inner(self, columns: Sequence[jax.Array], others: Sequence[jax.Array], rank: int) -> jax.Array:
        """The inner product of the residuals of two fields, from the products of their columns."""
        layout = self.layout(rank)
        product = jnp.asarray(np.outer(layout.constants, layout.constants), columns[0].dtype)
        for chosen, psi, other in zip(layout.columns_of, columns, others, strict=True):
            product = product * (psi.T @ other)[chosen][:, chosen]
        return jnp.sum(product)

    def core(self, columns: Sequence[jax.Array], rank: int) -> jax.Array:
        """A tensor with the norm of r, of size prod min(N_d, K_d), from triangular factors of the columns."""
        layout = self.layout(rank)
        factors = [triangular(psi)[:, chosen] for psi, chosen in zip(columns, layout.columns_of, strict=True)]
        left = factors[0] * jnp.asarray(layout.constants, factors[0].dtype)
        for factor in factors[1:-1]:
            left = (left[:, None, :] * factor[None, :, :]).reshape(-1, factor.shape[-1])
        return left @ factors[-1].T

    def normal(self, features: Sequence[AxisFeatures], coefficients) -> list[list[jax.Array]]:
        """Blocks H_de of J^T J for d <= e."""
        axes = range(len(features))
        layout = self.layout(features[0].values.shape[-1])
        psi = self.columns([f.values for f in features], coefficients)
        grams = [(p.T @ p)[chosen][:, chosen] for p, chosen in zip(psi, layout.columns_of, strict=True)]
        tangents = [self._tangents(d, features[d], coefficients) for d in axes]
        outer = jnp.asarray(np.outer(layout.constants, layout.constants), psi[0].dtype)
        # Products of the Gram matrices before and after each axis: none is divided out, for some may vanish.
        before, after = [outer], [jnp.ones_like(outer)]
        for gram in grams:
            before.append(before[-1] * gram)
        for gram in reversed(grams):
            after.insert(0, after[0] * gram)
        blocks = []
        for d in axes:
            row = [self._diagonal(layout, d, before[d] * after[d + 1], features[d], coefficients)]
            between = before[d]
            for e in range(d + 1, len(features)):
                row.append(self._off_diagonal(layout, (d, e), between * after[e + 1], tangents, psi))
                between = between * grams[e]
            blocks.append(row)
        return blocks

    def _diagonal(self, layout, d, weights, features, coefficients):
        """The sum over nodes of J^T M J, J the slopes of the features that occur, of which columns are products.

        Features are far fewer than their products, and there is but one product of J with itself.
        """
        slots = list(dict.fromkeys((m.term, p.unknown, p.orders[d]) for m in self.monomials for p in m.partials))
        through = self._slopes_in_features(d, slots, features.values, coefficients)
        spread = _one_hot(layout.columns_of[d], through.shape[1])
        modes = jnp.einsum("nks,kl,nlt->nst", through, spread.T @ weights @ spread, through, optimize=True)
        j = jnp.concatenate([features.slopes[self.slices[t][d]][:, order, u] for t, u, order in slots], axis=1)
        size = j.shape[-1]
        return j.reshape(-1, size).T @ jnp.einsum("nst,ntp->nsp", modes, j).reshape(-1, size)

    def _slopes_in_features(self, axis, slots, values, coefficients):
        """d Psi_d / d phi at each node, weighted: (N_d, K_d, features), the features slot by slot."""
        rank, columns = values.shape[-1], []
        for block in self._blocks[axis]:
            term, factor, own, pattern = block
            chosen = self._features(axis, term, own, pattern, values)
            index = choices(pattern, rank)[0]
            count = len(choices(pattern, rank)[1])
            total = jnp.zeros((self._length(axis, term), count, len(slots) * rank), values.dtype)
            for k, (unknown, order) in enumerate(own):
                others = math.prod(chosen[:k] + chosen[k + 1 :], start=jnp.ones(total.shape[:2], values.dtype))
                place = slots.index((term, unknown, order)) * rank + index[k]
                total = total.at[:, np.arange(count), place].add(others)
            columns.append(total if factor < 0 else total * coefficients[axis][term][factor][:, None, None])
        return self._weighted(axis, columns)

    def _off_diagonal(self, layout, pair, weights, tangents, psi):
        """The sum over products k, l of w_kl (dPsi_dk . Psi_dl) (dPsi_el . Psi_ek), a few k at a time."""
        d, e = pair
        # Only terms with parameters have tangents; those that agree on both axes are added first.
        moving = np.repeat([bool(m.partials) for m in self.monomials], layout.sizes)
        pairs = np.stack([layout.columns_of[d], layout.columns_of[e]], axis=1)[moving]
        unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
        spread = np.zeros((len(moving), len(unique)))
        spread[np.flatnonzero(moving), inverse.ravel()] = 1.0
        weights = spread.T @ weights @ spread
        on_d, on_e = unique.T

        def add(total, some):
            factor, k_d, k_e = some
            left = jnp.einsum("nkp,nl->klp", tangents[d][:, k_d], psi[d])[:, on_d] * factor[:, :, None]
            right = jnp.einsum("nlp,nk->klp", tangents[e], psi[e][:, k_e])[:, on_e]
            return total + left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1]), None

        count, sizes = len(unique), (tangents[d].shape[-1], tangents[e].shape[-1])
        groups = math.ceil(count * count * max(sizes) / _MOST_ENTRIES)
        each = math.ceil(count / groups)
        filled = [jnp.pad(a, [(0, groups * each - count)] + [(0, 0)] * (a.ndim - 1)) for a in (weights, on_d, on_e)]
        parts = tuple(a.reshape(groups, each, *a.shape[1:]) for a in filled)
        return jax.lax.scan(add, jnp.zeros(sizes, weights.dtype), parts)[0]

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

    def _places(self, axis, rank, sizes) -> np.ndarray:
        """For each product the number of its column on an axis."""
        starts, start = {}, 0
        for block in self._blocks[axis]:
            starts[block] = start
            start += len(choices(block[3], rank)[1])
        first = [starts[m.column(axis)] for m in self.monomials]
        return np.concatenate([start + np.arange(n) for start, n in zip(first, sizes, strict=True)])

    def _block(self, axis, block, values, coefficients):
        """The columns of one monomial on one axis: products of features, times the coefficient function."""
        term, factor, slots, pattern = block
        chosen = self._features(axis, term, slots, pattern, values)
        ones = jnp.ones((self._length(axis, term), 1), values.dtype)
        product = math.prod(chosen, start=ones)
        return product if factor < 0 else product * coefficients[axis][term][factor][:, None]

    def _features(self, axis, term, slots, pattern, values):
        rows = values[self.slices[term][axis]]
        index = choices(pattern, values.shape[3])[0]
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
            products = len(choices(pattern, features.values.shape[-1])[1])
            shape = (self._length(axis, term), products, features.slopes.shape[-1])
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
    """The sums over one residual array, taken from sums along its axes where that is cheaper.

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
        """The values of all coefficient functions; see `SeparatedPiece.coefficients`."""
        return self.piece.coefficients(pools)

    def square(self, jets, coefficients) -> jax.Array:
        """|r|^2, from the jets of all axes."""
        columns, rank = self.piece.columns(jets, coefficients), jets[0].shape[-1]
        if self.squares == "core":
            return jnp.sum(self.piece.core(columns, rank) ** 2)
        return self.piece.square(columns, rank)

    def inner(self, jets, others, coefficients) -> jax.Array:
        """The inner product of the residuals of two fields, from the jets of all axes of each."""
        columns, beside = (self.piece.columns(j, coefficients) for j in (jets, others))
        return self.piece.inner(columns, beside, jets[0].shape[-1])

    def normal(self, features, coefficients):
        """Blocks H_de of J^T J for d <= e; see `SeparatedPiece.normal`."""
        return self.piece.normal(features, coefficients)


def grid_free(piece: SeparatedPiece, lengths: Sequence[int], rank: int, parameters: int, form: str) -> GridFree | None:
    """The cheapest way to take sums, by operations counted, or the one that `form` asks for; None: on the grid.

    "gram" loses half the digits, so that "auto" takes it for the loss only where the others cost too much.

    parameters   number of trained numbers of one axis
    """
    if form != "auto":
        return GridFree(piece, form, "gram")
    points, widths, terms = math.prod(lengths), piece.widths(rank), piece.products(rank)
    if terms > _MOST_PRODUCTS:
        return None
    reduced = math.prod(min(n, k) for n, k in zip(lengths, widths, strict=True))
    gram = sum(2 * n * k**2 + 2 * terms**2 for n, k in zip(lengths, widths, strict=True))
    core = 2 * reduced * terms + sum(4 * n * k**2 for n, k in zip(lengths, widths, strict=True))
    grid = 2 * points * terms
    exact, squares = (grid, "grid") if grid < _CHEAP else min((grid, "grid"), (core, "core"))
    if exact > max(gram, _DEAR):
        squares = "gram"
    pairs, slots, n, k = len(lengths) * (len(lengths) + 1) / 2, max(piece.slots(rank)), max(lengths), max(widths)
    on_grid = pairs * 2 * slots**2 * (points + n**2 * parameters)
    without = pairs * 2 * terms**2 * parameters**2 + len(lengths) * 2 * n * k * parameters * (k + parameters)
    slopes = "grid" if on_grid < max(_CHEAP, without) else "gram"
    return None if (squares, slopes) == ("grid", "grid") else GridFree(piece, squares, slopes)


def _one_hot(places, size):
    matrix = np.zeros((len(places), size))
    matrix[np.arange(len(places)), places] = 1.0
    return jnp.asarray(matrix)


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
