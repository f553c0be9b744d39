"""The sizes that a problem has by itself: of its unknowns, by their data, and of each residual, by its terms.

A film of a millimetre and one of length 1, pascals and gigapascals, an equation and the same equation times 1e-9 are
one and the same problem. Least squares know of that only if every residual is measured by the size of its terms, and a
network only if it has to produce numbers of size one. So the unknown is written u = s w, s its size, and each residual
is divided by the size of its terms for fields that vary by s over the lengths of the domain.

Sizes near one are taken as one: what is in sensible units already is solved as it is written. By data a size is known
well; by balance with a source only to a factor, since nobody knows how often the solution bends.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.lowering.partials import partial_of
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import Normal, Parameter, is_time, unknown_of, unknowns_in

_SAMPLES = 64
# Sizes up to which, and down to whose inverse, nothing is scaled: of fields by data and by balance, and of residuals.
_BY_DATA, _BY_BALANCE, _BY_TERMS = 30.0, 1e3, 1e3
# That size where parameters are estimated: what measurements weigh beside the equations decides the estimate.
_ESTIMATING = 3.0
_ROUNDS = 3  # in which the sizes of unknowns without data follow from those of others


@dataclass(frozen=True)
class Scales:
    """Sizes of unknowns and residuals; those that are not named have the size one.

    fields      {unknown: s}, powers of ten
    residuals   {name of an equation or condition: size of its terms}
    """

    fields: Mapping[AppliedUndef, float] = field(default_factory=dict)
    residuals: Mapping[str, float] = field(default_factory=dict)

    def of(self, u) -> float:
        """The size of an unknown."""
        return self.fields.get(u, 1.0)

    def residual(self, name: str) -> float:
        """The size of a residual."""
        return self.residuals.get(name, 1.0)

    @property
    def sentence(self) -> str:
        """The sentence for the record that says what was scaled; empty where nothing was."""
        named = [f"{u.func.__name__} in units of {s:.0e}" for u, s in self.fields.items()]
        named += [f"`{name}` by {size:.1e}" for name, size in self.residuals.items()]
        return f"scaled: {', '.join(named)}" if named else ""


def scales_of(problem: Problem) -> Scales:
    """The sizes of a problem, by its data and terms at random points."""
    sampler = _Sampler(problem)
    fields = sampler.fields()
    residuals = {name: sampler.terms(sums, fields) for name, sums in _residuals(problem)}
    usual = _ESTIMATING if problem.tunable else _BY_TERMS
    return Scales(
        {u: _power_of_ten(size) for u, size in fields.items() if size != 1.0},
        {name: _power_of_ten(size) for name, size in residuals.items() if _is_far(size, usual)},
    )


def _residuals(problem: Problem) -> Iterator[tuple[str, list[tuple[sympy.Expr, ...]]]]:
    """(name, sums) of every residual, those of a condition on all its faces."""
    for equation in problem.equations:
        yield equation.name, [(equation.residual,)]
    for condition in problem.conditions:
        if not condition.role.noise:  # else the noise is its size
            yield condition.name, condition.terms(problem.pieces[condition.name])


def _is_far(size: float, usual: float) -> bool:
    """Whether a size is known, and farther from one than a factor `usual`."""
    return math.isfinite(size) and size > 0 and not 1 / usual <= size <= usual


def _power_of_ten(size: float) -> float:
    return 10.0 ** round(math.log10(size))


class _Sampler:
    """Values of the parts of a problem at random points, always the same."""

    def __init__(self, problem: Problem):
        self.problem = problem
        random = np.random.default_rng(0)
        low, high = np.array(problem.domain.bounds).T
        self.lengths = high - low
        points = low + self.lengths * random.uniform(size=(_SAMPLES, len(low)))
        self.values: dict = dict(zip(problem.coordinates, points.T, strict=True))
        self.random = random

    def size(self, expression, known: Mapping | None = None) -> float:
        """The root mean square of an expression; 0 where it has no values here."""
        expression = sympy.sympify(expression)
        free = expression.atoms(Parameter)
        values = {p: p.value if p.value is not None else sum(p.bounds) / 2 for p in free if p not in self.values}
        normals = {n: np.full(_SAMPLES, 1 / math.sqrt(len(self.lengths))) for n in expression.atoms(Normal)}
        try:
            evaluated = evaluate(
                expression, {**self.values, **values, **normals, **(known or {})}, given_partial=_size_of_given
            )
        except (ProblemError, ArithmeticError, TypeError, ValueError):
            return 0.0
        finite = np.asarray(evaluated, float)
        finite = finite[np.isfinite(finite)]
        with np.errstate(over="ignore"):
            return float(np.sqrt(np.mean(finite**2))) if finite.size else 0.0

    def terms(self, sums, fields: Mapping) -> float:
        """The size of all terms of some sums, for fields of these sizes that vary over the whole domain.

        Terms with parameters that are estimated are left out where there are others: a first guess may be far off.
        """
        terms = [term for parts in sums for part in parts for term in sympy.Add.make_args(part)]
        known = [term for term in terms if term.free_symbols.isdisjoint(self.problem.tunable)]
        squares = [self.size(term, self._partials(term, fields)) ** 2 for term in known or terms]
        return math.sqrt(sum(squares) / len(sums)) if sums else 1.0

    def _partials(self, expression, fields: Mapping) -> dict:
        """Random values of the partials in an expression."""
        problem, sampled = self.problem, {}
        for node in sorted(expression.atoms(AppliedUndef, sympy.Derivative), key=sympy.default_sort_key):
            partial = partial_of(node, problem.unknowns, problem.coordinates)
            if partial is not None:
                size = fields[problem.unknowns[partial.unknown]] / self._span(partial)
                sampled[node] = size * self.random.standard_normal(_SAMPLES)
        return sampled

    def _span(self, partial) -> float:
        """The size of the unknown divided by the size of a partial: lengths to the power of its orders."""
        return float(np.prod(self.lengths ** np.array(partial.orders)))

    def fields(self) -> dict:
        """The size of each unknown: of its data, else by balance of the terms of the equations; near one it is one."""
        data = {u: 0.0 for u in self.problem.unknowns}
        for u, size in self._data():
            data[u] = max(data[u], size)
        known = {u: size for u, size in data.items() if size > 0}
        for _ in range(_ROUNDS):
            for equation in self.problem.equations:
                for u, size in self._balanced(equation.residual, known):
                    if data[u] == 0:
                        known[u] = max(known.get(u, 0.0), size)
        usual = {u: _ESTIMATING if self.problem.tunable else _BY_DATA if data[u] else _BY_BALANCE for u in data}
        return {u: known[u] if _is_far(known.get(u, 0.0), usual[u]) else 1.0 for u in data}

    def _data(self) -> Iterator[tuple[AppliedUndef, float]]:
        """(unknown, size) pairs, by conditions and measurements."""
        space = [n for n, c in zip(self.lengths, self.problem.coordinates, strict=True) if not is_time(c)]
        for condition in self.problem.conditions:
            known = condition.data(self.size, max(space, default=1.0))
            if known is not None:
                yield from self._by(*known)

    def _by(self, expression, size: float) -> Iterator[tuple[AppliedUndef, float]]:
        """(unknown, size of the unknown) for an expression of that size that is a partial; else nothing."""
        node = sympy.sympify(expression)
        partial = partial_of(node, self.problem.unknowns, self.problem.coordinates)
        if partial is not None:
            yield self.problem.unknowns[partial.unknown], size * self._span(partial)

    def _balanced(self, residual, known: Mapping) -> Iterator[tuple[AppliedUndef, float]]:
        """(unknown, size) at which the terms of an unknown are as large as the source and the terms of others.

        Its terms are also those in which known fields carry it: in a flow of small viscosity the others are tiny, and
        would give it any size.
        """
        terms = sympy.Add.make_args(residual)
        for u in self.problem.unknowns:
            mine = [t for t in terms if _is_linear_in(t, u) and all(v in known or v == u for v in unknowns_in(t))]
            others = [t for t in terms if all(v in known and v != u for v in unknowns_in(t))]
            fields = {v: known.get(v, 1.0) for v in self.problem.unknowns} | {u: 1.0}
            inside = max((self.size(t, self._partials(t, fields)) for t in mine), default=0.0)
            outside = max((self.size(t, self._partials(t, fields)) for t in others), default=0.0)
            if inside > 0 and outside > 0:
                yield u, outside / inside


def _is_linear_in(term, u) -> bool:
    """Whether a term is one partial of the unknown, times what does not depend on it."""
    nodes = [f for f in sympy.Mul.make_args(term) if u in unknowns_in(f)]
    return len(nodes) == 1 and unknown_of(nodes[0]) is not None


def _size_of_given(applied, orders):
    """Coded functions are of size one where they do not tell: what they compute is known to JAX alone."""
    size = getattr(applied.func.given, "size", None)
    value = 0.0 if any(orders) else 1.0 if size is None else size()
    return lambda *where: np.full(np.broadcast_shapes(*map(np.shape, where)), value)
