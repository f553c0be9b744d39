"""Integrals of unknowns in equations, of Fredholm and of Volterra: kept apart from what is known point by point.

integral from a(x) to b(x) of  K(x, s) h(s, u(s), u'(s), ..) ds  is a sum over nodes s_j of one axis, with weights that
integrate polynomials through these nodes exactly up to any limit: product integration by Legendre polynomials, so that
smooth integrands cost no digits.

Source: Clenshaw & Curtis (1960), Numer. Math. 2, for integrals of interpolating polynomials; Atkinson (1997), The
Numerical Solution of Integral Equations of the Second Kind.
"""

from typing import NamedTuple

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import Parameter, unknowns_in
from spindle.symbolic.words import shown

NODES = 200  # where equations with integrals hold, and where integrands are known


class IntegralTerm(NamedTuple):
    """One integral in an equation, of a kernel times a function of the unknowns.

    kernel      in the coordinate and in `variable`, factors before the integral included
    inner       what of the integrand contains unknowns, at the coordinate in place of the variable
    variable    of integration
    low, high   the limits, in the coordinate
    """

    kernel: sympy.Expr
    inner: sympy.Expr
    variable: sympy.Symbol
    low: sympy.Expr
    high: sympy.Expr


def masked(expression) -> tuple[sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """An expression with symbols for the integrals of unknowns in it, and what these stand for."""
    if not isinstance(expression, sympy.Basic):
        return expression, {}
    integrals = [node for node in expression.atoms(sympy.Integral) if unknowns_in(node)]
    symbols = {node: sympy.Dummy("integral", real=True) for node in sorted(integrals, key=str)}
    return expression.xreplace(symbols), {symbol: node for node, symbol in symbols.items()}


def split(residual, coordinates) -> tuple[sympy.Expr, tuple[IntegralTerm, ...]]:
    """What of a residual is known point by point, and its integrals.

    Raises ProblemError where an integral is none along the one coordinate of a problem, or stands in a nonlinear place.
    """
    plain, integrals = masked(residual)
    if not integrals:
        return residual, ()
    if len(coordinates) != 1:
        names = ", ".join(map(str, coordinates))
        raise ProblemError(
            f"An equation contains `{shown(next(iter(integrals.values())))}`, and integrals of unknowns are taken in "
            f"problems of one coordinate, not of {names}; where the kernel is a product, take the integral as a "
            f"further unknown v with `Eq(v.diff(x), ...)`."
        )
    terms, local = [], sympy.expand(plain)
    for symbol, integral in integrals.items():
        factor = local.coeff(symbol)
        rest = sympy.expand(local - factor * symbol)
        if rest.has(symbol) or unknowns_in(factor) or factor.free_symbols & set(integrals):
            raise ProblemError(
                f"An equation contains `{shown(integral)}` in a function or times an unknown, and it can only be added "
                f"with known factors; take the integral as a further unknown, with an equation of its own."
            )
        local = rest
        terms += _terms(integral, factor, coordinates[0])
    return local, tuple(terms)


def _terms(integral: sympy.Integral, factor, x: sympy.Symbol) -> list[IntegralTerm]:
    """The integral as a sum of products of a kernel and a function of the unknowns."""
    limits = integral.limits[0]
    if len(integral.limits) != 1 or len(limits) != 3 or limits[0] == x or unknowns_in(sympy.Tuple(*limits[1:])):
        raise ProblemError(
            f"An equation contains `{shown(integral)}`, which needs one variable of its own and two limits; write "
            f'`Integral(K*u.subs({x}, s), (s, 0, {x}))` with `s = Symbol("s")`.'
        )
    s, low, high = limits
    terms = []
    for product in sympy.Add.make_args(sympy.expand(integral.function)):
        inner = [f for f in sympy.Mul.make_args(product) if unknowns_in(f)]
        field = sympy.Mul(*inner)
        if not inner or field.has(x):
            raise ProblemError(
                f"The integrand `{shown(product)}` of an equation is no product of a known kernel and a function of "
                f"unknowns at {s}; write unknowns there as `u.subs({x}, {s})`, and what is known outside of the "
                f"integral."
            )
        kernel = factor * sympy.Mul(*(f for f in sympy.Mul.make_args(product) if not unknowns_in(f)))
        terms.append(IntegralTerm(kernel, field.subs(s, x), s, low, high))
        _check_symbols(terms[-1], x)
    return terms


def _check_symbols(term: IntegralTerm, x: sympy.Symbol) -> None:
    """Raise ProblemError where a kernel or a limit has no value, or one that changes while the problem is solved."""
    symbols = term.kernel.free_symbols | sympy.Tuple(term.low, term.high).free_symbols - {x}
    for symbol in sorted(symbols - {x, term.variable}, key=str):
        if not isinstance(symbol, Parameter):
            raise ProblemError(
                f"An integral over {term.variable} contains `{symbol}`, which has no value; write limits and kernels "
                f"in {x}, {term.variable} and constants."
            )
        if symbol.unknown or symbol.bounds:
            raise ProblemError(
                f"The kernel or a limit of an integral over {term.variable} contains the parameter `{symbol}`, and "
                f"weights of integrals are computed once; give it a value, or take the product with the unknown as a "
                f"further unknown."
            )


def nodes_of(problem) -> np.ndarray:
    """Gauss nodes (n,) of the one axis of a problem."""
    low, high = problem.domain.bounds[0]
    return (low + high) / 2 + (high - low) / 2 * np.polynomial.legendre.leggauss(NODES)[0]


def weights_of(term: IntegralTerm, problem) -> np.ndarray:
    """(n, n): the kernel times the weights by which values at the nodes are integrated, for the equation at each node.

    Raises ProblemError where a limit lies outside the domain, or the kernel is not finite.
    """
    (x,), (low, high) = problem.coordinates, problem.domain.bounds[0]
    nodes, known = nodes_of(problem), {p: float(p.value) for p in problem.parameters if p.value is not None}
    ends = [np.broadcast_to(np.asarray(evaluate(e, {x: nodes} | known), float), nodes.shape) for e in term[3:]]
    slack = 1e-9 * (high - low)
    if not all(((low - slack <= e) & (e <= high + slack)).all() for e in ends):
        raise ProblemError(
            f"An integral over {term.variable} from {shown(term.low)} to {shown(term.high)} leaves the domain, where "
            f"nothing is known of the unknowns; widen the domain, or change the limits."
        )
    with np.errstate(all="ignore"):
        kernel = evaluate(term.kernel, {x: nodes[:, None], term.variable: nodes[None, :]} | known)
        kernel = np.broadcast_to(np.asarray(kernel, float), (len(nodes), len(nodes)))
    weights = kernel * (_up_to(ends[1], low, high) - _up_to(ends[0], low, high))
    if not np.isfinite(weights).all():
        raise ProblemError(
            f"The kernel `{shown(term.kernel)}` of an integral is not finite everywhere, and singular integrals are "
            f"not taken; subtract the singular part, whose integral is known, or change the variable."
        )
    return weights


def _up_to(ends: np.ndarray, low: float, high: float) -> np.ndarray:
    """(m, n): what values at the Gauss nodes weigh in the integral from `low` to each end of what they determine."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    degrees = np.arange(NODES)
    coefficients = (2 * degrees[:, None] + 1) / 2 * np.polynomial.legendre.legvander(nodes, NODES - 1).T * weights
    at = np.clip(2 * (ends - low) / (high - low) - 1, -1, 1)
    values = np.polynomial.legendre.legvander(at, NODES)
    integrals = np.empty((len(at), NODES))
    integrals[:, 0] = at + 1
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degrees[1:] + 1)
    return integrals @ coefficients * (high - low) / 2
