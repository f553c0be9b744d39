"""What equations and conditions say: something about the unknowns that has values, or it is refused."""

import itertools
from collections import defaultdict

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.geometry.supports import BoxFace
from spindle.problem.consistency.linear import inside, values_at
from spindle.symbolic.expressions import expanded_or_not
from spindle.symbolic.functions import TURNS, evaluate, shortened, without_values
from spindle.symbolic.symbols import Parameter, is_given, unknowns_in

_POINTS = 16
_MOST_TURNS = 1e14  # of a function that repeats: at more, fewer than two digits are left of where a point lies
_ROUNDING = 1e-10  # of the terms that cancel
_LONGEST = 2_000  # nodes of an expression that is differentiated by the unknowns in it


def check_values(problem) -> None:
    """Raise ProblemError where an expression of the problem contains what no method can compute."""
    for call, expression in _named(problem):
        refused = without_values(expression, call) or _without_digits(expression, call, problem)
        if refused:
            raise ProblemError(refused)


def _named(problem) -> list[tuple[str, sympy.Expr]]:
    """(what it is, expression) of all that a problem consists of."""
    named = [(f"The equation `{e.name}`", e.residual) for e in problem.equations]
    named += [(f"The condition `{n}`", e) for n, pieces in problem.pieces.items() for p in pieces for _, e in p.terms]
    named += [(f"The quantity `{name}`", e) for name, e in problem.quantities.items()]
    return named + [(f"The reference of `{u}`", e) for u, e in problem.closed_forms.items()]


def _without_digits(expression, call: str, problem) -> str:
    """Why a function that repeats has only noise for values, as a sentence; else empty."""
    turns = {node: TURNS[node.func](*node.args) for node in expression.atoms(*TURNS)}
    known = [node for node, count in turns.items() if count.free_symbols and not unknowns_in(count)]
    points = inside(problem) if known else np.zeros((0, 0))
    for node in sorted(known, key=sympy.default_sort_key):
        usual = float(np.median(np.abs(values_at(turns[node], problem, points))))
        if usual > _MOST_TURNS:
            return (
                f"{call} contains `{shortened(node)}`, which repeats itself some {usual:.0e} times, and numbers of a "
                f"computer, which have 16 digits, do not tell where between two repetitions a point lies; check the "
                f"factors in it, or choose other units."
            )
    return ""


def check_equations(problem) -> None:
    """Raise ProblemError where an equation holds for every field, or for none."""
    for equation in (e for e in problem.equations if not e.integrals):
        content = _Content(equation.residual, problem, {})
        if not content.says_nothing:
            continue
        written = f"The equation `{equation.name}`, {shortened(equation.written.lhs)} = "
        written += shortened(equation.written.rhs)
        if content.vanishes:
            raise ProblemError(
                f"{written}, holds for every field, so nothing is imposed; leave it out, or make its sides differ."
            )
        raise ProblemError(
            f"{written}, contains no unknown field, so nothing can make it true; leave it out, or use an unknown."
        )


def check_conditions(problem) -> None:
    """Raise ProblemError where a condition imposes nothing on a part of the boundary, or what no field can fulfil."""
    for name, pieces in problem.pieces.items():
        for terms in (piece.terms for piece in pieces):
            contents = [_Content(e, problem, _fixed(place, problem.coordinates)) for place, e in terms]
            if not all(content.says_nothing for content in contents):
                continue
            place, expression = terms[0]
            where = f"The condition `{name}` on {getattr(place, 'name', 'the measured points')}"
            if all(content.vanishes for content in contents):
                raise ProblemError(
                    f"{where} holds for every field, so nothing is imposed; name the part where it says something, "
                    f"`on=Eq(x, 0)`, or check that its sides differ."
                )
            raise ProblemError(
                f"{where} contains no unknown field, as all of them drop out of `{shortened(expression)}`, so nothing "
                f"can make it true; check its left side."
            )


def _fixed(place, coordinates) -> dict:
    return {coordinates[place.axis]: float(place.value)} if isinstance(place, BoxFace) else {}


class _Content:
    """What a residual says, judged by algebra and at random points of the place where it is taken.

    fixed   {coordinate: its value there}
    """

    def __init__(self, residual, problem, fixed: dict):
        derivatives = {d: sympy.Dummy(real=True) for d in residual.atoms(sympy.Derivative) if unknowns_in(d)}
        replaced = residual.xreplace(derivatives)
        fields = {u: sympy.Dummy(real=True) for u in unknowns_in(replaced)}
        self.residual = replaced.xreplace(fields)
        self.symbols = [*derivatives.values(), *fields.values()]
        self.fixed, self.bounds = fixed, dict(zip(problem.coordinates, problem.domain.bounds, strict=True))

    @property
    def says_nothing(self) -> bool:
        """Whether the unknowns drop out."""
        if not self.symbols:
            return True
        if self._has_one_alone() or _is_long(self.residual):
            return False
        return all(self._is_zero(self.residual.diff(s)) for s in self.symbols)

    @property
    def vanishes(self) -> bool:
        """Whether the residual is zero, if the unknowns drop out of it."""
        return self._is_zero(self.residual)

    def _has_one_alone(self) -> bool:
        """Whether a symbol is a factor in a single term of a sum, so that nothing can cancel it."""
        occurrences = defaultdict(list)
        for term in sympy.Add.make_args(self.residual):
            for s in term.free_symbols.intersection(self.symbols):
                occurrences[s].append(term)
        return any(self._is_simple(terms[0], s) for s, terms in occurrences.items() if len(terms) == 1)

    def _is_simple(self, term, symbol) -> bool:
        if term.free_symbols & set(self.fixed):
            return False
        others = (f for f in sympy.Mul.make_args(term) if symbol not in (f, getattr(f, "base", None)))
        return not any(f.free_symbols.intersection(self.symbols) for f in others)

    def _is_zero(self, expression) -> bool:
        """Whether an expression is zero wherever it has values, measured by the terms that it is made of."""
        expression = expanded_or_not(expression)
        if expression == 0 or any(map(is_given, expression.atoms(AppliedUndef))):
            return expression == 0
        at = self._somewhere(expression.free_symbols)
        terms = [np.broadcast_to(evaluate(t, at), _POINTS) for t in sympy.Add.make_args(expression)]
        total, size = np.sum(terms, axis=0), np.sum(np.abs(terms), axis=0)
        valid = np.isfinite(total)
        return bool(valid.any() and np.all(np.abs(total[valid]) <= _ROUNDING * size[valid]))

    def _somewhere(self, symbols) -> dict:
        """Random values of all symbols: coordinates inside the domain, parameters in their range."""
        random, values = np.random.default_rng(0), {}
        for s in sorted(symbols, key=sympy.default_sort_key):
            low, high = self.bounds.get(s) or getattr(s, "bounds", None) or (0.2, 1.7)
            values[s] = random.uniform(low, high, _POINTS)
            if isinstance(s, Parameter) and s.value:
                values[s] = np.full(_POINTS, float(s.value))
            elif s in self.fixed:
                values[s] = np.full(_POINTS, self.fixed[s])
        return values


def _is_long(expression) -> bool:
    return len(list(itertools.islice(sympy.preorder_traversal(expression), _LONGEST))) == _LONGEST
