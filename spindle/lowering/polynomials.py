"""Polynomials in the unknowns, collected without multiplying out what depends on coordinates alone.

SymPy's `Poly` puts coefficients into rings of polynomials and functions, whose size knows no bound: exp(500 x) is a
polynomial of degree 500 there. Here a coefficient stays as it is written, and monomials are counted before they are
made.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import sympy

from spindle.symbolic.expressions import expanded_or_not

Powers = tuple[int, ...]


class TooManyTerms(Exception):
    """Raised where a polynomial has more monomials than anybody can use."""


class NotPolynomial(Exception):
    """Raised where an expression is no polynomial in the symbols."""


def collected(expression: sympy.Expr, symbols: Sequence[sympy.Symbol], most: int) -> dict[Powers, sympy.Expr]:
    """{powers of the symbols: coefficient}, highest powers first.

    Raises NotPolynomial, or TooManyTerms where there are more than `most` monomials.
    """
    summed = {powers: sympy.Add(*parts) for powers, parts in _Collector(symbols, most).of(expression).items()}
    kept = {powers: c for powers, c in summed.items() if c != 0 and not (c.is_Add and expanded_or_not(c) == 0)}
    return {powers: kept[powers] for powers in sorted(kept, reverse=True)}


def highest_degree(expression: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> int:
    """An upper bound of the total degree of a polynomial, sharp unless terms cancel."""
    if not expression.free_symbols & set(symbols):
        return 0
    if expression.is_Add:
        return max(highest_degree(a, symbols) for a in expression.args)
    if expression.is_Mul:
        return sum(highest_degree(a, symbols) for a in expression.args)
    return highest_degree(expression.base, symbols) * int(expression.exp) if expression.is_Pow else 1


class _Collector:
    """{powers: parts of the coefficient} of the parts of an expression."""

    def __init__(self, symbols: Sequence[sympy.Symbol], most: int):
        self.most = most
        self.symbols = frozenset(symbols)
        self.constant = (0,) * len(symbols)
        self.units = {s: tuple(int(s == other) for other in symbols) for s in symbols}

    def of(self, node) -> dict[Powers, list]:
        if not node.free_symbols & self.symbols:
            return {self.constant: [node]}
        if node in self.units:
            return {self.units[node]: [sympy.S.One]}
        if node.is_Add:
            return self._bounded(_merged([self.of(a) for a in node.args]))
        if node.is_Mul:
            return self._product(node)
        if node.is_Pow and node.exp.is_Integer and node.exp > 0:
            return self._power(self.of(node.base), int(node.exp))
        raise NotPolynomial

    def _product(self, node):
        outside, inside = node.as_independent(*self.symbols, as_Add=False)
        product = {self.constant: [outside]}
        for factor in sympy.Mul.make_args(inside):
            product = self._times(product, self.of(factor))
        return product

    def _power(self, base, exponent):
        if math.comb(len(base) + exponent - 1, exponent) > self.most:
            raise TooManyTerms
        if len(base) == 1:
            ((powers, parts),) = base.items()
            return {tuple(p * exponent for p in powers): [sympy.Add(*parts) ** exponent]}
        power = base
        for _ in range(exponent - 1):
            power = self._times(power, base)
        return power

    def _times(self, one, other):
        sums = [[(powers, sympy.Add(*parts)) for powers, parts in factor.items()] for factor in (one, other)]
        if len(sums[0]) * len(sums[1]) > 4 * self.most:  # some of them coincide
            raise TooManyTerms
        collected = defaultdict(list)
        for first, a in sums[0]:
            for second, b in sums[1]:
                collected[tuple(p + q for p, q in zip(first, second, strict=True))].append(a * b)
        return self._bounded(collected)

    def _bounded(self, collected):
        if len(collected) > self.most:
            raise TooManyTerms
        return collected


def _merged(parts):
    merged = defaultdict(list)
    for part in parts:
        for powers, coefficients in part.items():
            merged[powers] += coefficients
    return merged
