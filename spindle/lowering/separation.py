"""Expressions as sums of products of functions of one coordinate each.

Nothing is factored: a product is read off where it is written, off the exponents of powers, and off sums whose terms
make a matrix of rank one. The work is bounded by the number of terms, whatever the degrees and numbers in them are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sympy

from spindle.symbolic.expressions import MOST_TERMS, expanded_or_not
from spindle.symbolic.scaled import leaves_range

_ROUNDING = 1e-14
_SPLIT = (sympy.sin, sympy.cos, sympy.sinh, sympy.cosh)


class Product(NamedTuple):
    """`constant * product of factors`; at most one factor a coordinate."""

    constant: sympy.Expr
    factors: Mapping[sympy.Symbol, sympy.Expr]


def separate(expression, coordinates: Sequence[sympy.Symbol]):
    """An expression as a sum of products of functions of one coordinate each.

    returns   tuple of (constant, ((coordinate, factor), ...)), or None where no such form can be read off
    """
    expression = sympy.sympify(expression)
    for rewrite in (lambda e: e, expanded_or_not, lambda e: expanded_or_not(_with_split_angles(e, coordinates))):
        terms = _products(rewrite(expression), coordinates)
        known = [t for t in map(_in_range, terms or ()) if t is not None]
        if terms is not None and len(known) == len(terms):
            ordered = [tuple((c, t.factors[c]) for c in coordinates if c in t.factors) for t in known]
            return tuple((t.constant, factors) for t, factors in zip(known, ordered, strict=True))
    return None


def _products(expression, coordinates) -> list[Product] | None:
    """The terms of a sum as products; None where a term is none, or where they are too many."""
    written = sympy.Add.make_args(expression)
    if len(written) > MOST_TERMS:
        return None
    terms = []
    for term in written:
        product = _product(term, coordinates)
        if product is None:
            return None
        terms.append(product)
    return terms


def _product(term, coordinates) -> Product | None:
    """One term as a product; None where a factor mixes coordinates."""
    constants, factors = [], defaultdict(list)
    for factor in sympy.Mul.make_args(term):
        split = _split(factor, coordinates)
        if split is None:
            return None
        constants.append(split.constant)
        for c, part in split.factors.items():
            factors[c].append(part)
    return Product(sympy.Mul(*constants), {c: sympy.Mul(*parts) for c, parts in factors.items()})


def _in_range(product: Product) -> Product | None:
    """The product with a constant that floats may not hold beside the exponential that makes up for it.

    None where exponentials of several coordinates do: how much of it belongs to each is not known.
    """
    if not leaves_range(product.constant):
        return product
    far = [c for c, factor in product.factors.items() if leaves_range(factor)]
    if len(far) != 1:
        return None if far else product
    return Product(sympy.S.One, {**product.factors, far[0]: product.constant * product.factors[far[0]]})


def _split(factor, coordinates) -> Product | None:
    """A single factor as a product."""
    present = factor.free_symbols & set(coordinates)
    if len(present) <= 1:
        return Product(sympy.S.One, dict.fromkeys(present, factor)) if present else Product(factor, {})
    if isinstance(factor, sympy.exp):
        return _split_exponent(sympy.exp, factor.args[0], coordinates)
    if factor.is_Pow and not factor.base.free_symbols & present:
        return _split_exponent(lambda e: factor.base**e, factor.exp, coordinates)
    if factor.is_Pow and not factor.exp.free_symbols & present:
        return _power_of(_split(factor.base, coordinates), factor.exp)
    if factor.is_Mul:  # the base of a power
        return _product(factor, coordinates)
    return _rank_one(factor, coordinates) if factor.is_Add else None


def _split_exponent(power, exponent, coordinates) -> Product | None:
    """A power of a sum as a product of powers."""
    constants: list = []
    parts: dict[sympy.Symbol, list] = defaultdict(list)
    for term in sympy.Add.make_args(expanded_or_not(exponent)):
        present = list(term.free_symbols & set(coordinates))
        if len(present) > 1:
            return None
        (parts[present[0]] if present else constants).append(term)
    constant = power(sympy.Add(*constants)) if constants else sympy.S.One
    return Product(constant, {c: power(sympy.Add(*summands)) for c, summands in parts.items()})


def _power_of(product: Product | None, exponent) -> Product | None:
    """A power of a product, where it is the product of the powers."""
    if product is None:
        return None
    parts = [product.constant, *product.factors.values()]
    if not exponent.is_Integer and not all(part.is_nonnegative for part in parts):
        return None
    return Product(product.constant**exponent, {c: part**exponent for c, part in product.factors.items()})


def _rank_one(total, coordinates) -> Product | None:
    """A sum as one product: along each coordinate all its terms must be multiples of one function."""
    terms = _products(expanded_or_not(total), coordinates)
    if terms is None:
        return None
    factors, left = {}, [(t.constant, dict(t.factors)) for t in terms]
    for c in coordinates:
        rows = _rows(left, c)
        if not rows:
            return Product(sympy.S.Zero, {})
        first, *others = rows.values()
        if any(not _proportional(first, row) for row in others):
            return None
        pivot = next(iter(first))
        left = [(row[pivot], dict(rest)) for rest, row in rows.items()]
        if set(first) != {sympy.S.One}:
            factors[c] = sympy.Add(*(constant / first[pivot] * column for column, constant in first.items()))
    ((constant, _),) = left
    return Product(constant, factors)


def _rows(terms, coordinate) -> dict[frozenset, dict]:
    """The terms as a matrix: for each product of other coordinates {factor along this coordinate: constant}."""
    rows: dict[frozenset, dict] = defaultdict(dict)
    for constant, factors in terms:
        rest = frozenset((c, f) for c, f in factors.items() if c != coordinate)
        column = factors.get(coordinate, sympy.S.One)
        rows[rest][column] = rows[rest].get(column, sympy.S.Zero) + constant
    kept = {rest: {f: c for f, c in row.items() if not _equal(c, sympy.S.Zero)} for rest, row in rows.items()}
    return {rest: row for rest, row in kept.items() if row}


def _proportional(first, row) -> bool:
    if set(first) != set(row):
        return False
    pivot = next(iter(first))
    return all(_equal(first[pivot] * row[column], first[column] * row[pivot]) for column in first)


def _equal(a, b) -> bool:
    gap = expanded_or_not(a - b)
    if gap.is_Float and a.is_Number:
        return bool(abs(gap) <= _ROUNDING * abs(a))
    return gap == 0


def _with_split_angles(expression, coordinates):
    """sin(a + b) written as sin(a) cos(b) + cos(a) sin(b) where a and b contain different coordinates.

    Multiples of an angle stay as they are: as powers, as SymPy has them, sin(200 x) would fill pages.
    """
    swap = {}
    for function in expression.atoms(*_SPLIT):
        phase, angle = expanded_or_not(function.args[0]).as_independent(*coordinates, as_Add=True)
        parts = defaultdict(list)
        for part in sympy.Add.make_args(angle):
            parts[frozenset(part.free_symbols & set(coordinates))].append(part)
        if len(parts) > 1 and 2 ** len(parts) <= MOST_TERMS:
            angles = {sympy.Dummy(): sympy.Add(*summands) for summands in parts.values()}
            angles[next(iter(angles))] += phase
            swap[function] = sympy.expand_trig(function.func(sympy.Add(*angles))).xreplace(angles)
    return expression.xreplace(swap)
