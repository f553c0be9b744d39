"""What kind of equation it is: linear or not, polynomial of which degree, and which terms separate.

A term separates when its coefficient is a product of functions of one coordinate each. Then neither the operator nor
the source ever needs an N^d grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy

from spindle.lowering.partials import Partial, replace_partials
from spindle.lowering.polynomials import NotPolynomial, TooManyTerms, collected, highest_degree
from spindle.lowering.separation import separate
from spindle.problem.problem import Problem

_MOST_TERMS = 1_000  # of a polynomial in the unknowns


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
        """Whether the residual is linear (or affine) in the unknowns."""
        return self.degree is not None and self.degree <= 1

    @property
    def separable(self) -> bool:
        """Whether every term is a product of functions of one coordinate each."""
        return self.terms is not None

    def __str__(self):
        kind = "linear" if self.linear else f"polynomial of degree {self.degree}" if self.degree else "not polynomial"
        return f"{self.name}: {kind}, " + (f"{len(self.terms)} separable terms" if self.terms else "does not separate")


def analyse(problem: Problem) -> tuple[Structure, ...]:
    """The structure of every equation and condition of a problem."""
    named = [(e.name, e.residual) for e in problem.equations]
    named += [(f"{e.name}, integral", term.inner) for e in problem.equations for term in e.integrals]
    named += [(name, e) for name, pieces in problem.pieces.items() for p in pieces for _, e in p.terms]
    return tuple(structure_of(name, e, problem.unknowns, problem.coordinates) for name, e in named)


def structure_of(name: str, expression, unknowns, coordinates: Sequence[sympy.Symbol]) -> Structure:
    """The structure of one expression."""
    degree, terms = _structure(sympy.sympify(expression), tuple(unknowns), tuple(coordinates))
    return Structure(name, degree, terms)


@lru_cache(maxsize=512)
def _structure(expression, unknowns, coordinates) -> tuple[int | None, tuple[Term, ...] | None]:
    replaced, symbols = replace_partials(expression, unknowns, coordinates)
    if not symbols:
        return 0, _as_terms(separate(replaced, coordinates), ())
    try:
        polynomial = collected(replaced, list(symbols.values()), _MOST_TERMS)
    except NotPolynomial:
        return None, None
    except TooManyTerms:
        return highest_degree(replaced, list(symbols.values())), None
    degree = max(map(sum, polynomial), default=0)
    terms: list[Term] = []
    for powers, coefficient in polynomial.items():
        monomial = tuple((partial, n) for partial, n in zip(symbols, powers, strict=True) if n)
        separated = _as_terms(separate(coefficient, coordinates), monomial)
        if separated is None:
            return degree, None
        terms += separated
    return degree, tuple(terms)


def _as_terms(separated, powers):
    if separated is None:
        return None
    return tuple(Term(constant, factors, powers) for constant, factors in separated)
