"""What kind of equation it is: linear or not, polynomial of which degree, and which terms separate.

A term separates when its coefficient is a product of functions of one coordinate each. Then neither the operator nor
the source ever needs an N^d grid.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from spindle.lowering.partials import Partial, replace_partials
from spindle.problem.expressions import expanded_terms
from spindle.problem.problem import Problem

# Sums of more products are no cheaper than a grid, and SymPy takes seconds to write them down.
_MOST_TERMS = 1_000


@dataclass(frozen=True)
class Term:
    """`constant * product of factors[x](x) * product of partials**power`; no partials: a piece of the source."""

    constant: sympy.Expr
    factors: tuple[tuple[sympy.Symbol, sympy.Expr], ...]
    powers: tuple[tuple[Partial, int], ...]


@dataclass(frozen=True)
class Structure:
    """The structure of one residual.

    degree      polynomial degree in the unknowns and their derivatives; None: not a polynomial
    terms       the separated terms; None: some coefficient does not separate, or the residual is no polynomial
    """

    name: str
    degree: int | None
    terms: tuple[Term, ...] | None

    @property
    def linear(self) -> bool:
        """Linear (or affine) in the unknowns."""
        return self.degree is not None and self.degree <= 1

    @property
    def separable(self) -> bool:
        """Every term is a product of functions of one coordinate each."""
        return self.terms is not None

    def __str__(self):
        kind = "linear" if self.linear else f"polynomial of degree {self.degree}" if self.degree else "not polynomial"
        return f"{self.name}: {kind}, " + (f"{len(self.terms)} separable terms" if self.terms else "does not separate")


def analyse(problem: Problem) -> tuple[Structure, ...]:
    """The structure of every equation and condition of a problem."""
    named = [(e.name, e.residual) for e in problem.equations]
    named += [(name, e) for name, pieces in problem.pieces.items() for p in pieces for _, e in p.terms]
    return tuple(structure_of(name, e, problem.unknowns, problem.coordinates) for name, e in named)


def structure_of(name: str, expression, unknowns, coordinates: Sequence[sympy.Symbol]) -> Structure:
    """The structure of one expression."""
    replaced, symbols = replace_partials(expression, unknowns, coordinates)
    partials = {symbol: partial for partial, symbol in symbols.items()}
    if not partials:
        separated = separate(replaced, coordinates)
        return Structure(name, 0, _as_terms(separated, ()))
    if not replaced.is_polynomial(*partials):
        return Structure(name, None, None)
    polynomial = sympy.Poly(replaced, *partials)
    terms: list[Term] | None = []
    for powers, coefficient in polynomial.terms():
        monomial = tuple((partials[s], n) for s, n in zip(polynomial.gens, powers, strict=True) if n)
        found = _as_terms(separate(coefficient, coordinates), monomial)
        if found is None:
            terms = None
            break
        terms += found
    return Structure(name, polynomial.total_degree(), None if terms is None else tuple(terms))


def _as_terms(separated, powers):
    if separated is None:
        return None
    return tuple(Term(constant, factors, powers) for constant, factors in separated)


def separate(expression, coordinates: Sequence[sympy.Symbol]):
    """Write an expression as a sum of products of functions of one coordinate each.

    returns   tuple of (constant, ((coordinate, factor), ...)), or None where no such form was found
    """
    expression = sympy.sympify(expression)
    for rewrite in (lambda e: e, _expanded, lambda e: _expanded(_with_split_angles(e, coordinates))):
        terms = [_separate_product(t, coordinates) for t in sympy.Add.make_args(rewrite(expression))]
        if all(t is not None for t in terms):
            return tuple(terms)
    return None


def _expanded(expression):
    return expression if expanded_terms(expression) > _MOST_TERMS else sympy.expand(expression)


def _with_split_angles(expression, coordinates):
    """sin(a + b) written as sin(a) cos(b) + cos(a) sin(b) where a and b contain different coordinates.

    Multiples of an angle stay as they are: as powers, as SymPy has them, sin(200 x) would fill pages.
    """
    swap = {}
    for function in expression.atoms(TrigonometricFunction, HyperbolicFunction):
        phase, angle = sympy.expand(function.args[0]).as_independent(*coordinates, as_Add=True)
        parts = defaultdict(list)
        for part in sympy.Add.make_args(angle):
            parts[frozenset(part.free_symbols & set(coordinates))].append(part)
        if len(parts) > 1:
            angles = {sympy.Dummy(): sympy.Add(*own) for own in parts.values()}
            angles[next(iter(angles))] += phase
            swap[function] = sympy.expand_trig(function.func(sympy.Add(*angles))).xreplace(angles)
    return expression.xreplace(swap)


def _separate_product(term, coordinates):
    """One product as (constant, factors); None where a factor mixes coordinates."""
    constant, factors = sympy.S.One, {}
    for factor in sympy.Mul.make_args(term):
        own = factor.free_symbols & set(coordinates)
        if not own:
            constant *= factor
        elif len(own) == 1:
            (c,) = own
            factors[c] = factors.get(c, sympy.S.One) * factor
        else:
            split = sympy.separatevars(factor, symbols=[*coordinates], dict=True)
            if not split:
                return None
            constant *= split.pop("coeff", 1)
            for c, f in split.items():
                if f != 1:
                    factors[c] = factors.get(c, sympy.S.One) * f
    return constant, tuple((c, factors[c]) for c in coordinates if c in factors)
