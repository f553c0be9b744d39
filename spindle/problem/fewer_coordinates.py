"""Unknowns of fewer coordinates than the domain has, such as the place S(t) of a front beside a field u(t, x)."""

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy.core.function import AppliedUndef

from spindle.symbolic.symbols import applied, depends_on, unknowns_in


def spread_over(coordinates: Sequence[sympy.Symbol], expressions: Iterable) -> dict[AppliedUndef, AppliedUndef]:
    """{S(t): S(t, x)} for the unknowns in some expressions that depend on some of the coordinates alone.

    None where no other unknown depends on all of them: then a coordinate is one too many, or was forgotten.
    """
    fields = unknowns_in(sympy.Tuple(*expressions))
    if not any(set(u.args) == set(coordinates) for u in fields):
        return {}
    return {u: _spread(u, coordinates) for u in fields if set(u.args) < set(coordinates)}


def spread_in(coordinates: Sequence[sympy.Symbol], unknowns: Iterable[AppliedUndef]) -> Mapping:
    """The same read off the unknowns of a problem, {S(t): S(t, x)}."""
    named = {c.name: c for c in coordinates}
    pairs = {}
    for u in unknowns:
        if depends_on(u) and set(depends_on(u)) <= set(named):
            marks = {key: value for key, value in u.func._kwargs.items() if key != "depends_on"}
            pairs[applied(u.func.__name__, [named[c] for c in depends_on(u)], **marks)] = u
    return pairs


def constancy(spread: AppliedUndef, coordinates: Sequence[sympy.Symbol]) -> dict[str, sympy.Eq]:
    """The equations that make such an unknown constant along all other coordinates, by name."""
    name, kept = spread.func.__name__, depends_on(spread)
    return {
        f"{name} is constant in {c}": sympy.Eq(spread.diff(c), 0, evaluate=False)
        for c in coordinates
        if c.name not in kept
    }


def _spread(u: AppliedUndef, coordinates: Sequence[sympy.Symbol]) -> AppliedUndef:
    marks = dict(u.func._kwargs)
    return applied(u.func.__name__, coordinates, **marks, depends_on=tuple(c.name for c in u.args))
