"""Eigenpairs on boxes by polynomials that fulfil the conditions, axis by axis where the operator is a sum over axes.

Galerkin's method in Legendre polynomials of each axis, combined so that each function fulfils the conditions at both
ends. Where every term of the operator belongs to one axis, as in a Laplacian, eigenvalues are sums of those of the axes
and eigenfunctions products: exact to rounding errors in any number of dimensions. Other operators take the tensor
product of all axes, up to three.

Source: Shen (1994), Efficient Spectral-Galerkin Method I, SIAM J. Sci. Comput. 15.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import sympy
from numpy.polynomial import legendre

from spindle.classical.spectra import Eigenfunction, Spectrum, nearest_pairs, sizes_of
from spindle.errors import MethodError
from spindle.geometry.domain import Box
from spindle.geometry.supports import BoxFace
from spindle.lowering.pencil import Operator, Pencil, PencilRow
from spindle.lowering.structure import structure_of
from spindle.symbolic.functions import evaluate

_ALONG = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384)  # functions of an axis, where axes are alone
_TOGETHER = {1: (24, 32, 48, 64, 96), 2: (14, 20, 28, 36), 3: (7, 9, 11, 13)}  # of each axis, where they are together
_MORE = 24  # quadrature nodes beyond those that are exact for the functions alone
_ENOUGH = 1e-12  # change of the eigenvalues, relative, that is rounding errors
_BETTER = 0.1  # share of the change, below which more functions are worth their rounding errors
_SAMPLES = 500  # points where residuals are taken
_ILL = 1e8  # condition of the combinations of neighbouring polynomials
_PRODUCTS = 3  # axes up to which all sums of eigenvalues are looked at


@dataclass(frozen=True)
class ProductFunction(Eigenfunction):
    """Legendre coefficients on a box: a vector for each axis, multiplied, or one tensor.

    bounds    (d, 2)
    factors   of each axis (n,), or None
    tensor    (n, ..., n), or None
    """

    bounds: np.ndarray
    factors: tuple[np.ndarray, ...] | None = None
    tensor: np.ndarray | None = None

    def at(self, points, unknown=0):
        """Values (n,) at points (n, d)."""
        return self.partial(points, (0,) * points.shape[1])

    def partial(self, points: np.ndarray, orders: Sequence[int]) -> np.ndarray:
        """A partial derivative (n,) at points (n, d)."""
        sizes = self.tensor.shape if self.tensor is not None else [len(f) for f in self.factors or ()]
        tables = [
            _table(x, n, order, ends) for x, n, order, ends in zip(points.T, sizes, orders, self.bounds, strict=True)
        ]
        if self.factors is not None:
            return np.prod([table @ factor for table, factor in zip(tables, self.factors, strict=True)], axis=0)
        assert self.tensor is not None
        values = np.einsum("pi,i...->p...", tables[0], self.tensor)
        for table in tables[1:]:
            values = np.einsum("pi,pi...->p...", table, values)
        return values


def box_eigenpairs(pencil: Pencil, count: int, near: float, width: int | None = None) -> Spectrum:
    """The eigenpairs nearest to a number.

    width   functions of each axis; None: as many as the eigenvalues need
    Raises MethodError where the domain is no box, or the problem is none for polynomials.
    """
    row, bounds, ends = _checked(pencil)
    axes = _along_axes(row, pencil)
    kind = "each axis by itself" if axes is not None else "all axes together"

    def solved(n: int):
        if axes is not None:
            return _by_axis(axes, ends, bounds, n, near, count)
        return _together(row, pencil.problem.coordinates, ends, bounds, n, near, count)

    dimension = len(bounds)
    widths = _ALONG if axes is not None else _TOGETHER.get(dimension, ())
    if not widths:
        raise MethodError(
            f"`spd.eigenpairs({pencil.problem.name})`: the operator does not fall into parts of one axis each, and so "
            f"many functions of {dimension} coordinates together do not fit; up to {max(_TOGETHER)} do."
        )
    widths = widths if width is None else (max(width * 3 // 4, 4), width)
    values, functions, change, n = _until_it_stands(solved, widths, count)
    sized = zip(functions, values, sizes_of(values), strict=True)
    residuals = np.array([_residual(row, pencil.problem, f, v, size, bounds) for f, v, size in sized])
    note = f"{n} polynomials an axis, {kind}"
    return Spectrum(values, tuple(functions), residuals, change, (note,))


def refusal(pencil: Pencil) -> str:
    """Why polynomials on a box do not take a problem, as a sentence; empty where they do."""
    try:
        row, bounds, _ = _checked(pencil)
    except MethodError as error:
        return str(error)
    together = _along_axes(row, pencil) is None and len(bounds) not in _TOGETHER
    return f"operators of {len(bounds)} coordinates that do not fall apart are too large" if together else ""


def _until_it_stands(solved, widths, count: int):
    """Solutions with more and more functions, until the eigenvalues change no more, or begin to change again."""
    last, best = None, None
    for n in widths:
        try:
            values, functions = solved(n)
        except MethodError:
            if n == widths[-1]:
                raise
            continue
        if last is not None and len(last) == len(values):
            change = np.abs(values - last) / sizes_of(values)
            if best is None or change.max() < _BETTER * best[2].max():
                best = values, functions, change, n
            if change.max() < _ENOUGH or change.max() > 100 * best[2].max():
                break
        last = values
    if best is None:
        raise MethodError(
            f"`spd.eigenpairs(count={count})` asks for more eigenpairs than the functions have; fewer do."
        )
    return best


# ---------------------------------------------------------------------------------------------------- what is posed


def _checked(pencil: Pencil) -> tuple[PencilRow, np.ndarray, list[list[list[tuple[float, int, float]]]]]:
    """The equation, the bounds (d, 2), and of each axis its conditions: sums of (coefficient, order, place)."""
    problem = pencil.problem
    if not isinstance(problem.domain, Box):
        raise _elsewhere(problem, f"the domain is {problem.domain}")
    if len(problem.unknowns) != 1 or len(pencil.equations) != 1:
        raise _elsewhere(problem, f"it has {len(problem.unknowns)} unknowns")
    if problem.interfaces or problem.curves:
        raise _elsewhere(problem, "its coefficients jump")
    bounds, row = np.array(problem.domain.bounds, float), pencil.equations[0]
    ends: list[list] = [[] for _ in bounds]
    for piece in pencil.pieces:
        axis, terms = _end(piece, pencil, bounds)
        ends[axis].append(terms)
    for axis, conditions in enumerate(ends):
        order = max((p.orders[axis] for p in row.operator), default=0)
        if len(conditions) != order:
            raise _elsewhere(
                problem,
                f"the equation is of order {order} in {problem.coordinates[axis]}, which wants as many conditions at "
                f"its ends, and there are {len(conditions)}",
            )
    return row, bounds, ends


def _end(piece: Sequence[PencilRow], pencil: Pencil, bounds):
    """The axis of a condition at an end of it, and its terms (coefficient, order, place)."""
    problem, terms, axes = pencil.problem, [], set()
    for row in piece:
        place = row.place
        if not isinstance(place, BoxFace) or place.shape is not None or not _is_whole(place, bounds):
            raise _elsewhere(problem, f"`{row.name}` does not hold on whole sides")
        if row.mass:
            raise _elsewhere(problem, f"the eigenvalue stands in `{row.name}`")
        axes.add(place.axis)
        for partial, coefficient in row.operator.items():
            number = coefficient.xreplace({problem.coordinates[place.axis]: sympy.Float(place.value, 17)})
            if number.free_symbols or any(n for k, n in enumerate(partial.orders) if k != place.axis):
                raise _elsewhere(problem, f"`{row.name}` is not the same along its side")
            terms.append((float(evaluate(number, {})), partial.orders[place.axis], float(place.value)))
    (axis,) = axes
    return axis, terms


def _is_whole(place: BoxFace, bounds) -> bool:
    others = [k for k in range(len(bounds)) if k != place.axis]
    return all(tuple(map(float, place.bounds[k])) == tuple(bounds[k]) for k in others)


def _elsewhere(problem, reason: str) -> MethodError:
    return MethodError(
        f"`spd.eigenpairs({problem.name}, method=spd.SPINN())` takes polynomials on one box, and {reason}; use "
        f"`method=spd.DTPINN()`, which takes differences on scattered nodes in two and three dimensions."
    )


def _along_axes(row: PencilRow, pencil: Pencil) -> list[list[tuple[int, sympy.Expr]]] | None:
    """The terms (order, coefficient) of each axis, divided by the mass; None where they do not fall apart."""
    coordinates = pencil.problem.coordinates
    ((partial, weight),) = row.mass.items() if len(row.mass) == 1 else ((None, sympy.S.Zero),)
    if partial is None or partial.total or weight.free_symbols:
        return None
    axes: list[list[tuple[int, sympy.Expr]]] = [[] for _ in coordinates]
    for term, coefficient in row.operator.items():
        along = [k for k, n in enumerate(term.orders) if n]
        if len(along) > 1:
            return None
        for part in sympy.Add.make_args(sympy.expand(coefficient)):
            depends = [k for k, c in enumerate(coordinates) if c in part.free_symbols]
            owners = set(along) | set(depends)
            if len(owners) > 1:
                return None
            axis = next(iter(owners), 0)
            axes[axis].append((term.orders[axis], part / weight))
    return axes


# ------------------------------------------------------------------------------------------------- functions of an axis


@functools.lru_cache(maxsize=64)
def _derivative(n: int, order: int) -> np.ndarray:
    """(n, n): Legendre coefficients of the derivative from those of a polynomial."""
    return np.pad(legendre.legder(np.eye(n), order), ((0, min(order, n)), (0, 0)))[:n]


def _table(x: np.ndarray, n: int, order: int, ends) -> np.ndarray:
    """(p, n): the derivatives of the first Legendre polynomials of an interval at points."""
    low, high = ends
    scaled = (2 * x - low - high) / (high - low)
    return legendre.legvander(scaled, n - 1) @ _derivative(n, order) * (2 / (high - low)) ** order


def _functions(conditions, n: int, ends) -> np.ndarray:
    """(n + m, n): Legendre coefficients of n functions that fulfil m conditions, each of m + 1 neighbours."""
    m = len(conditions)
    size = n + m
    rows = np.zeros((m, size))
    for k, terms in enumerate(conditions):
        for coefficient, order, place in terms:
            rows[k] += coefficient * _table(np.array([place]), size, order, ends)[0]
        rows[k] /= max(np.linalg.norm(rows[k]), 1e-300)
    functions = np.zeros((size, n))
    for j in range(n):
        block = rows[:, j + 1 : j + 1 + m]
        lengths = np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-300)
        if m and np.linalg.cond(block / lengths) > _ILL:
            return scipy.linalg.null_space(rows)[:, :n]
        functions[j, j] = 1.0
        if m:
            functions[j + 1 : j + 1 + m, j] = np.linalg.solve(block / lengths, -rows[:, j] / lengths[:, 0])
    return functions


@dataclass(frozen=True)
class _Axis:
    """Functions of one axis at quadrature nodes.

    functions   (n + m, n) Legendre coefficients
    """

    functions: np.ndarray
    nodes: np.ndarray
    weights: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, conditions, n: int, ends) -> "_Axis":
        functions = _functions(conditions, n, ends)
        nodes, weights = legendre.leggauss(len(functions) + _MORE)
        low, high = ends
        return cls(functions, low + (nodes + 1) * (high - low) / 2, weights * (high - low) / 2, ends)

    def values(self, order: int) -> np.ndarray:
        """(q, n) the derivatives of the functions at the nodes."""
        return _table(self.nodes, len(self.functions), order, self.ends) @ self.functions

    def tested(self, order: int, coefficient: np.ndarray | float = 1.0) -> np.ndarray:
        """(n, n) integrals of each function times a coefficient times a derivative of each."""
        return self.values(0).T @ ((self.weights * coefficient)[:, None] * self.values(order))


def _by_axis(axes, ends, bounds, n: int, near: float, count: int):
    """Sums of the eigenvalues of all axes, and products of their eigenfunctions."""
    spectra = []
    for terms, conditions, interval in zip(axes, ends, bounds, strict=True):
        axis = _Axis.of(conditions, n, interval)
        operator = np.zeros((n, n))
        for order, coefficient in terms:
            (c,) = coefficient.free_symbols or {None}
            operator += axis.tested(order, np.asarray(evaluate(coefficient, {} if c is None else {c: axis.nodes})))
        kept = max(1, min(n - 4, max(count, n // 2)))
        values, vectors = nearest_pairs(operator, axis.tested(0), _below(operator, axis), kept)
        spectra.append((values, axis.functions @ vectors))
    return _products(spectra, bounds, near, count)


def _below(operator, axis: _Axis) -> float:
    """A shift: 0 where the operator is definite, else a number below the smallest quotient: 0 may be one."""
    mass = axis.tested(0)
    diagonal = np.diag(operator) / np.diag(mass)
    smallest = float(np.min(diagonal))
    return smallest - 0.37 * max(abs(smallest), 1.0) if smallest < 1e-6 * np.max(np.abs(diagonal)) else 0.0


def _products(spectra, bounds, near: float, count: int):
    """The sums nearest to a number: all of them are looked at in few dimensions, beyond that the smallest ones."""
    if len(spectra) > _PRODUCTS:
        lowest = sum(float(np.min(np.real(values))) for values, _ in spectra)
        if any(np.iscomplexobj(values) for values, _ in spectra) or near > lowest:
            raise MethodError(
                f"`spd.eigenpairs(near={near:g})` in {len(spectra)} coordinates looks for the smallest eigenvalues, "
                f"the first of which is {lowest:.6g}; give a number below it."
            )
        spectra = [(values[:count], vectors[:, :count]) for values, vectors in spectra]
    chosen: list[tuple[complex, tuple[int, ...]]] = [(0.0, ())]
    for k, (values, _) in enumerate(spectra):
        sums = [(total + value, (*numbers, j)) for total, numbers in chosen for j, value in enumerate(values)]
        limited = len(spectra) > _PRODUCTS or k == len(spectra) - 1
        aim = near if k == len(spectra) - 1 else -np.inf
        key = (lambda s: abs(s[0] - near)) if np.isfinite(aim) else (lambda s: np.real(s[0]))
        chosen = sorted(sums, key=key)[:count] if limited else sums
    if len(chosen) < count:
        raise MethodError(
            f"`spd.eigenpairs(count={count})` asks for more eigenpairs than there are functions; ask for fewer."
        )
    chosen = sorted(chosen, key=lambda s: (np.real(s[0]), np.imag(s[0])))
    functions = [
        ProductFunction(bounds, tuple(vectors[:, j] for (_, vectors), j in zip(spectra, numbers, strict=True)))
        for _, numbers in chosen
    ]
    return np.array([value for value, _ in chosen]), functions


# ---------------------------------------------------------------------------------------------------- all axes together


def _together(row: PencilRow, coordinates, ends, bounds, n: int, near: float, count: int):
    axes = [_Axis.of(conditions, n, interval) for conditions, interval in zip(ends, bounds, strict=True)]
    operator, mass = (_tensor(part, coordinates, axes) for part in (row.operator, row.mass))
    values, vectors = nearest_pairs(operator, mass, near, count)
    shape = [axis.functions.shape[1] for axis in axes]
    functions = []
    for vector in vectors.T:
        tensor = vector.reshape(shape)
        for k, axis in enumerate(axes):
            tensor = np.moveaxis(np.tensordot(axis.functions, tensor, axes=(1, k)), 0, k)
        functions.append(ProductFunction(bounds, tensor=tensor))
    return values, functions


def _tensor(operator: Operator, coordinates, axes: Sequence[_Axis]) -> np.ndarray:
    """The matrix of an operator: of terms that separate, products of the matrices of the axes."""
    total: np.ndarray | float = 0.0
    for partial, coefficient in operator.items():
        separated = structure_of("coefficient", coefficient, (), coordinates).terms
        if separated is not None:
            for term in separated:
                factors = dict(term.factors)
                parts = [
                    axis.tested(n, np.asarray(evaluate(factors[c], {c: axis.nodes})) if c in factors else 1.0)
                    for axis, n, c in zip(axes, partial.orders, coordinates, strict=True)
                ]
                total = total + float(evaluate(term.constant, {})) * _kron(parts)
        else:
            total = total + _by_quadrature(coefficient, partial.orders, coordinates, axes)
    return np.asarray(total)


def _kron(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """The Kronecker product of some matrices; of none, the number one."""
    product = np.ones((1, 1))
    for matrix in matrices:
        product = np.kron(product, matrix)
    return product


def _by_quadrature(coefficient, orders, coordinates, axes: Sequence[_Axis]) -> np.ndarray:
    """The matrix of one term by quadrature over the box, one slice of the first axis after the other."""
    tests = [axis.values(0) * axis.weights[:, None] for axis in axes]
    trials = [axis.values(n) for axis, n in zip(axes, orders, strict=True)]
    test, trial = (_kron(tables[1:]) for tables in (tests, trials))
    mesh = np.meshgrid(*(axis.nodes for axis in axes), indexing="ij")
    values = np.broadcast_to(evaluate(coefficient, dict(zip(coordinates, mesh, strict=True))), mesh[0].shape)
    total: np.ndarray | float = 0.0
    for a, b, c in zip(tests[0], trials[0], values.reshape(len(mesh[0]), -1), strict=True):
        total = total + np.kron(np.outer(a, b), test.T @ (c[:, None] * trial))
    return np.asarray(total)


def _residual(row: PencilRow, problem, function: ProductFunction, value, size, bounds) -> float:
    """Root mean square of L u - lambda M u at random points, relative to both terms."""
    points = bounds[:, 0] + np.ptp(bounds, axis=1) * np.random.default_rng(1).uniform(size=(_SAMPLES, len(bounds)))
    at: Mapping = dict(zip(problem.coordinates, points.T, strict=True))
    sides: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(_SAMPLES))
    terms = 0.0
    for side, operator in (("left", row.operator), ("right", row.mass)):
        for partial, coefficient in operator.items():
            term = np.asarray(evaluate(coefficient, at)) * function.partial(points, partial.orders)
            sides[side] = sides[side] + term
            terms = max(terms, float(np.linalg.norm(term)) * (1.0 if side == "left" else size))
    gap = np.linalg.norm(sides["left"] - value * sides["right"])
    return float(gap / max(terms, 1e-300))
