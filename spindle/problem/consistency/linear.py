"""Equations linearised about an arbitrary field: the coefficients of all derivatives, and their values at points."""

import itertools
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import Parameter, is_given, unknowns_in
from spindle.symbolic.tables import table_of

_LONGEST = 4_000  # nodes of an expression that is differentiated by the unknowns in it
SAMPLES = 24
_ROUNDED = 1e-12  # of what a number is the sum of: below, it is rounding errors


class Linear:
    """The coefficients of one expression's derivatives, each with its order along each coordinate.

    coefficients   {(unknown, orders): expression in the coordinates, parameters, and `fields`}
    rest           the expression without unknowns and derivatives; meaningful where it is `affine`
    """

    def __init__(self, expression, problem):
        derivatives = [d for d in expression.atoms(sympy.Derivative) if unknowns_in(d)]
        derivatives.sort(key=sympy.default_sort_key)
        swap = {d: sympy.Dummy(f"derivative {k}", real=True) for k, d in enumerate(derivatives)}
        replaced = expression.xreplace(swap)
        swap |= (values := {u: sympy.Dummy(u.func.__name__, real=True) for u in unknowns_in(replaced)})
        replaced = replaced.xreplace(values)
        self.fields = set(swap.values())
        self.coefficients = {}
        for atom, symbol in swap.items():
            coefficient = replaced.diff(symbol)
            if coefficient != 0:
                self.coefficients[_key(atom, problem.coordinates)] = coefficient
        self.rest = replaced.xreplace(dict.fromkeys(self.fields, sympy.S.Zero))

    @cached_property
    def affine(self) -> bool:
        """Whether no coefficient depends on a field."""
        return not any(c.free_symbols & self.fields for c in self.coefficients.values())

    @property
    def order(self) -> int:
        """The highest order of a derivative."""
        return max((sum(orders) for _, orders in self.coefficients), default=0)

    def of(self, orders) -> sympy.Expr:
        """The coefficient of a derivative of the only unknown."""
        return next((c for (_, known), c in self.coefficients.items() if known == tuple(orders)), sympy.S.Zero)

    def is_clear(self, orders) -> bool:
        """Whether numbers can tell the sign of a coefficient: it depends on no field and on no code."""
        coefficient = self.of(orders)
        return not coefficient.free_symbols & self.fields and not has_code(coefficient)


def _key(atom, coordinates) -> tuple:
    if not isinstance(atom, sympy.Derivative):
        return atom, (0,) * len(coordinates)
    counts = dict(atom.variable_count)
    return atom.expr, tuple(int(counts.get(c, 0)) for c in coordinates)


def linearised(problem) -> list[Linear] | None:
    """All equations linearised; None where one is too long or contains what cannot be judged."""
    rows = []
    for residual in (e.residual for e in problem.equations):
        if is_long(residual) or any(not isinstance(d.expr, AppliedUndef) for d in residual.atoms(sympy.Derivative)):
            return None
        rows.append(Linear(residual, problem))
    return rows


def is_long(expression) -> bool:
    """Whether an expression has too many parts to be differentiated."""
    return len(list(itertools.islice(sympy.preorder_traversal(expression), _LONGEST))) == _LONGEST


def leading(residual, problem) -> Iterator[tuple[sympy.Expr, int, int]]:
    """(coefficient, axis, order) of the highest derivatives along each axis; none of what is too long to be asked."""
    if is_long(residual):
        return
    linear = Linear(residual, problem)
    for axis in range(len(problem.coordinates)):
        highest = max((orders[axis] for _, orders in linear.coefficients), default=0)
        for (_, orders), coefficient in linear.coefficients.items():
            if highest and orders[axis] == highest:
                yield coefficient, axis, highest


def is_code(function) -> bool:
    """Whether a function was given as code, of whose values nothing is known here."""
    return is_given(function) and table_of(function) is None


def has_code(expression) -> bool:
    """Whether an expression contains code, of whose values nothing is known here."""
    return any(map(is_code, expression.atoms(AppliedUndef))) or any(
        is_given(d.expr) for d in expression.atoms(sympy.Derivative)
    )


def inside(problem, count: int = SAMPLES) -> np.ndarray:
    """At most `count` random points (n, d) of the domain."""
    domain = problem.domain
    low, high = np.array(domain.bounds).T
    points = np.random.default_rng(0).uniform(size=(20 * count, len(low)))
    scaled = low + (high - low) * points
    scaled = scaled[domain.contains(scaled)][:count]
    return scaled if len(scaled) else _in_its_parts(domain, points)[:count]


def _in_its_parts(domain, points: np.ndarray) -> np.ndarray:
    """Points of the unit cube moved into the boxes of a domain, or beside its walls where it is none of boxes.

    For domains that fill so little of the box around them that random points of it miss them.
    """
    random = np.random.default_rng(0)
    if domain.boxes:
        low, high = np.moveaxis(np.array(domain.boxes)[random.integers(len(domain.boxes), size=len(points))], 2, 0)
        return low + (high - low) * points
    shape = domain.shape
    low, high = np.array(domain.bounds).T
    moved = low + (high - low) * points
    chosen = random.integers(len(shape.sampled.points), size=len(points))
    inward = 1e-3 * shape.volume / shape.surface * random.uniform(size=(len(points), 1))
    space = [k for k in range(len(low)) if k != domain.time]
    moved[:, space] = shape.sampled.points[chosen] - inward * shape.sampled.normals[chosen]
    return moved[domain.contains(moved)]


def on_face(face, count: int = SAMPLES) -> np.ndarray:
    """At most `count` random points (n, d) of a face; for the first instant of a shape, of the box around it."""
    low, high = np.array(face.bounds).T
    points = low + (high - low) * np.random.default_rng(0).uniform(size=(count, len(low)))
    if face.shape is not None:
        points = points[face.shape.contains(np.delete(points, face.axis, axis=1))]
    return points


def values_at(expression, problem, points: np.ndarray, known: Mapping | None = None) -> np.ndarray:
    """Values (n,) of an expression at points (n, d).

    known   values (n,) of further symbols, such as components of a normal
    All other symbols are drawn, each always the same, and parameters from their range. Tables are looked up; code
    (`given`) and derivatives of tables are numbers drawn between 0.2 and 1.7. NaN where nothing can be evaluated.
    """
    count = len(points)
    values = dict(zip(problem.coordinates, points.T, strict=True)) | dict(known or {})
    for symbol in expression.free_symbols - set(values):
        low, high = getattr(symbol, "bounds", None) or (0.2, 1.7)
        values[symbol] = low + (high - low) * _drawn(symbol.name, count)
        if isinstance(symbol, Parameter) and symbol.value is not None:
            values[symbol] = np.full(count, float(symbol.value))

    def given_partial(applied, orders):
        table = table_of(applied)
        if table is not None and not any(orders):
            return table
        return lambda *arguments: 0.2 + 1.5 * _drawn(f"{applied.func.__name__} {orders}", count)

    try:
        return np.broadcast_to(np.asarray(evaluate(expression, values, given_partial=given_partial), float), count)
    except (ProblemError, TypeError, ValueError):
        return np.full(count, np.nan)


def _drawn(name: str, count: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).uniform(size=count)


def degrees(rows: list[Linear], problem, points: np.ndarray) -> tuple[int, ...] | None:
    """The number of conditions that the equations ask for along each coordinate, at both of its ends together.

    The number is the degree, in the derivative along it, of the determinant of the symbol. None where the system is not
    square, singular, or without values at the points.
    """
    unknowns = problem.unknowns
    if len(rows) != len(unknowns) or not len(points):
        return None
    lengths, usual = np.ptp(problem.domain.bounds, axis=1), inside(problem)
    entries = []
    for i, row in enumerate(rows):
        for (u, orders), coefficient in row.coefficients.items():
            values = _not_rounded(*(values_at(coefficient, problem, where) for where in (points, usual)))
            entries.append((i, unknowns.index(u), np.array(orders), values / np.prod(lengths ** np.array(orders))))
    if not entries or not all(np.isfinite(values).all() for *_, values in entries):
        return None
    random = np.random.default_rng(2)
    others = np.exp(2j * np.pi * random.uniform(size=len(problem.coordinates)))
    each = [_degree(entries, k, others, len(unknowns), len(points)) for k in range(len(others))]
    known = [degree for degree in each if degree is not None]
    return tuple(known) if len(known) == len(each) else None


def _not_rounded(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Values of a coefficient, zero where they are but the rounding errors of usual ones: sin(pi x) at x = 1."""
    largest = np.abs(usual[np.isfinite(usual)]).max(initial=0.0)
    return np.where(np.abs(values) <= _ROUNDED * largest, 0.0, values)


def _degree(entries, axis: int, others, size: int, count: int) -> int | None:
    """The degree of the determinant in the derivative along an axis, the least of all points; None where it vanishes.

    A coefficient of the determinant is compared with the sum of the absolute values that it is made of, and with no
    other one: what stands before the highest derivative may be as small as units or stiffness make it.
    """
    most = max(orders[axis] for _, _, orders, _ in entries)
    matrix = np.zeros((size, size, count, most + 1), complex)
    for i, j, orders, values in entries:
        matrix[i, j, :, orders[axis]] += values * np.prod(np.delete(others, axis) ** np.delete(orders, axis))
    sums = np.zeros(matrix.shape)
    for i, j, orders, values in entries:
        sums[i, j, :, orders[axis]] += np.abs(values)
    scale = _scale(sums)
    found = np.abs(_determinant(matrix / scale, -1)) > _ROUNDED * _determinant(sums / scale, 1)
    if not found.any(axis=1).all():
        return None
    return int(min(np.flatnonzero(row).max() for row in found))


def _scale(sums: np.ndarray) -> np.ndarray:
    """Factors (size, size, 1, 1) that make rows and then columns of size one, so that no product overflows."""
    rows = sums.max(axis=(1, 2, 3), keepdims=True)
    rows = np.where(rows > 0, rows, 1.0)
    columns = (sums / rows).max(axis=(0, 2, 3), keepdims=True)
    return rows * np.where(columns > 0, columns, 1.0)


def _determinant(matrix: np.ndarray, sign: int) -> np.ndarray:
    """Coefficients (count, degree + 1) of the determinant of matrices (size, size, count, ..) of polynomials.

    sign   -1; 1 for the permanent, where all products are added

    By expansion along rows: {columns taken: the minor of the first rows with them}.
    """
    size, _, count, _ = matrix.shape
    minors = {0: np.ones((count, 1), matrix.dtype)}
    for row in range(size):
        larger: dict[int, np.ndarray] = {}
        for taken, minor in minors.items():
            for column in range(size):
                if taken >> column & 1 or not matrix[row, column].any():
                    continue
                swaps = (taken >> column).bit_count()
                product = sign**swaps * _product(minor, matrix[row, column])
                key = taken | 1 << column
                larger[key] = larger[key] + product if key in larger else product
        minors = larger
    return minors.get(2**size - 1, np.zeros((count, 1), matrix.dtype))


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The products (count, ..) of polynomials."""
    product = np.zeros((len(a), a.shape[1] + b.shape[1] - 1), a.dtype)
    for k in range(b.shape[1]):
        product[:, k : k + a.shape[1]] += a * b[:, k : k + 1]
    return product
