"""Which partial derivatives an expression needs, read off its symbolic form."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.symbolic.symbols import is_given, unknown_of


class Partial(NamedTuple):
    """`d^|orders| u / dx_1^orders[0] ...` of unknown number `unknown`; all orders 0 is the value itself."""

    unknown: int
    orders: tuple[int, ...]

    @property
    def total(self) -> int:
        """Total order of differentiation."""
        return sum(self.orders)

    @property
    def terms(self) -> tuple[tuple["Partial", float], ...]:
        """The (partial, coefficient) pairs of the operator: itself, once."""
        return ((self, 1.0),)


class LinearCombination(NamedTuple):
    """A fixed linear combination of partials of one unknown, such as a Laplacian: (partial, coefficient) pairs.

    A combination is one need: a separable network computes it without computing its terms.
    """

    unknown: int
    terms: tuple[tuple[Partial, float], ...]


DifferentialOperator = Partial | LinearCombination


def partial_of(node, unknowns: Sequence[AppliedUndef], coordinates: Sequence[sympy.Symbol]) -> Partial | None:
    """The partial that an unknown or a derivative of an unknown stands for; None for any other expression."""
    unknown = unknown_of(node)
    if unknown is None:
        return None
    orders = [0] * len(coordinates)
    if node.is_Derivative:
        if not set(node.variables) <= set(coordinates):
            return None
        for coordinate, count in node.variable_count:
            orders[list(coordinates).index(coordinate)] += int(count)
    return Partial(_index(unknown, unknowns, coordinates), tuple(orders))


def _index(applied, unknowns, coordinates):
    for k, u in enumerate(unknowns):
        if u.func == applied.func and set(applied.args) == set(coordinates):
            return k
    raise ProblemError(
        f"The expression contains `{applied}`, which is none of the problem's unknowns {list(unknowns)} taken at its "
        f"coordinates {tuple(coordinates)}; use the same symbols everywhere."
    )


def replace_partials(expression, unknowns, coordinates) -> tuple[sympy.Expr, dict[Partial, sympy.Symbol]]:
    """The expression with each partial replaced by a new symbol, and these symbols."""
    symbols: dict[Partial, sympy.Symbol] = {}

    def walk(node):
        partial = partial_of(node, unknowns, coordinates)
        if partial is not None:
            return symbols.setdefault(partial, sympy.Dummy(_name(partial, unknowns, coordinates), real=True))
        if isinstance(node, (sympy.Derivative, sympy.Subs)) and node.atoms(AppliedUndef) - _given_in(node):
            raise ProblemError(
                f"The term `{node}` differentiates something that SymPy could not expand into partial derivatives of "
                f"the unknowns; write it out, for example `(k*u.diff(x)).diff(x)` with an explicit `k`."
            )
        return node.func(*map(walk, node.args)) if node.args and not _is_leaf(node) else node

    return walk(sympy.sympify(expression)), symbols


def combine_partials(
    expression, symbols: dict[Partial, sympy.Symbol]
) -> tuple[sympy.Expr, dict[DifferentialOperator, sympy.Symbol]]:
    """The expression with a new symbol for every sum of numbers times partials of one unknown.

    symbols   the symbols that `replace_partials` put in
    returns   the shorter expression, and the symbols of all needs that are left in it
    """
    partials = {symbol: partial for partial, symbol in symbols.items()}
    sums: dict[DifferentialOperator, sympy.Symbol] = {}

    def linear_terms(node):
        """Of a sum: {unknown: [(argument, partial, coefficient)]}."""
        by_unknown = defaultdict(list)
        for argument in node.args:
            coefficient, rest = argument.as_coeff_mul(*partials)
            factor = sympy.Mul(*rest)
            if factor in partials and coefficient.is_number and coefficient.is_real:
                by_unknown[partials[factor].unknown].append((argument, partials[factor], float(coefficient)))
        return {unknown: terms for unknown, terms in by_unknown.items() if len(terms) > 1}

    def walk(node):
        if node in partials:
            return sums.setdefault(partials[node], node)
        if not node.args:
            return node
        arguments = list(node.args)
        if node.is_Add:
            for unknown, terms in linear_terms(node).items():
                need = LinearCombination(unknown, tuple(sorted((partial, c) for _, partial, c in terms)))
                symbol = sums.setdefault(need, sympy.Dummy(f"sum{len(sums)}", real=True))
                arguments = [a for a in arguments if all(a != used for used, _, _ in terms)] + [symbol]
        return node.func(*(a if a in sums.values() else walk(a) for a in arguments))

    return walk(expression), sums


def _given_in(node):
    return {f for f in node.atoms(AppliedUndef) if is_given(f)}


def _is_leaf(node):
    return node.is_Derivative or is_given(node)


def _name(partial: Partial, unknowns, coordinates) -> str:
    letters = "".join(c.name * n for c, n in zip(coordinates, partial.orders, strict=True))
    name = unknowns[partial.unknown].func.__name__
    return f"{name}_{letters}" if letters else name


def partials_in(expressions: Iterable, unknowns, coordinates) -> tuple[Partial, ...]:
    """All partials that occur in some expressions, sorted by unknown, then by order."""
    partials: set[Partial] = set()
    for expression in expressions:
        partials |= set(replace_partials(expression, unknowns, coordinates)[1])
    return tuple(sorted(partials, key=lambda p: (p.unknown, p.total, p.orders)))
