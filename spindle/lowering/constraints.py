"""Conditions that hold by construction on a box.

The unknown is written u = L + h w. The lift L meets every enforced condition and is built from the data alone by
transfinite (Boolean sum) interpolation, one axis after the other:

    L <- L + P_k(u - L),

where P_k interpolates along axis k: linearly between two Dirichlet faces, constant from one, by the Taylor polynomial
u_0 + (t - t_0) v_0 from initial data (Gordon & Hall 1973, Numer. Math. 21). The factor h vanishes where conditions are
enforced, doubly where the initial rate is. Periodic axes need no lift, only features that are periodic.

The lift exists only where the data agree at corners and edges; where they do not, the initial data are left to the
loss, and if that does not help, everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.geometry.domain import Box
from spindle.geometry.supports import BoxFace
from spindle.lowering.compile import array_function, with_constants
from spindle.lowering.partials import partial_of
from spindle.lowering.scales import Scales
from spindle.problem.problem import Problem
from spindle.symbolic.expressions import differentiated, expanded_or_not, size_of
from spindle.symbolic.functions import JUMPING, evaluate, without_values
from spindle.symbolic.symbols import Parameter, is_given, is_time

_LONGEST_LIFT = 2_500  # parts, while it is built twice as many; the gallery has 2,184 in six dimensions, else 200

Roots = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Constraints:
    """The conditions that a field u = L + s h w fulfils by construction.

    lifts      {unknown: L}; zero where there is none
    roots      {unknown: for each axis the (position, multiplicity) of the factor's zeros}
    periodic   for each axis whether the features are periodic
    enforced   names of the conditions that hold exactly
    reason     why the others do not; empty when all do
    scales     of unknowns and residuals
    """

    lifts: Mapping
    roots: Mapping[object, tuple[Roots, ...]]
    periodic: tuple[bool, ...]
    enforced: tuple[str, ...] = ()
    reason: str = ""
    scales: Scales = field(default_factory=Scales)

    def lifted(self, expression, coordinates):
        """The expression with u = L + s w inserted, so that w meets homogeneous conditions and is of size one."""
        swap = {}
        for node in sympy.sympify(expression).atoms(AppliedUndef, sympy.Derivative):
            partial = partial_of(node, list(self.lifts), coordinates)
            if partial is None:
                continue
            u, lift = list(self.lifts.items())[partial.unknown]
            size = self.scales.of(u)
            inner = node if size == 1.0 else sympy.Float(size, 17) * node
            if lift != 0 or size != 1.0:
                swap[node] = inner + _differentiate(lift, tuple(coordinates), partial.orders)
        return sympy.sympify(expression).xreplace(swap)


@lru_cache(maxsize=4096)  # starts, the objective and that on fresh points ask for the same
def _differentiate(expression, coordinates, orders):
    for coordinate, order in zip(coordinates, orders, strict=True):
        expression = differentiated(expression, coordinate, order) if order else expression
    return expression


def no_constraints(problem: Problem, reason: str = "") -> Constraints:
    """Constraints that enforce nothing: every condition is left to the loss."""
    axes = len(problem.coordinates)
    return Constraints(
        {u: sympy.S.Zero for u in problem.unknowns},
        {u: ((),) * axes for u in problem.unknowns},
        (False,) * axes,
        (),
        reason,
    )


def hard_constraints(problem: Problem, *, homogeneous: bool = False) -> Constraints:
    """Constraints that enforce as many conditions as the data allow; see the module's text.

    homogeneous   only those whose data are zero: no lift is needed, which would raise the rank of the rest
    """
    if not isinstance(problem.domain, Box):
        return no_constraints(problem, "the domain is not a single box")
    periodic = _periodic_axes(problem)
    data = {u: _AxisData.collect(problem, problem.domain, u, homogeneous) for u in problem.unknowns}
    reason = ""
    for drop_initial in (False, True):
        chosen = {u: d.without_time() if drop_initial else d for u, d in data.items()}
        try:
            lifts = {u: d.lift() for u, d in chosen.items()}
        except _TooLong:
            return no_constraints(problem, "the boundary data of so many axes make too long a formula")
        if all(d.is_met_by(lifts[u], periodic) for u, d in chosen.items()):
            names = [n for d in chosen.values() for n in (*d.names, *d.names_of_start)]
            names += [n for n, joined in problem.periodic.items() if problem.coordinates.index(joined.axis) in periodic]
            roots = {u: d.roots() for u, d in chosen.items()}
            flags = tuple(k in periodic for k in range(len(problem.coordinates)))
            return Constraints(lifts, roots, flags, tuple(names), reason)
        reason = "the initial data do not match the boundary data where both hold"
    return no_constraints(problem, "the boundary data do not match at the corners, or are not periodic")


def _periodic_axes(problem) -> set[int]:
    """The axes along which every unknown is declared periodic."""
    axes = set()
    for k, axis in enumerate(problem.coordinates):
        declared = {joined.expression for joined in problem.periodic.values() if joined.axis == axis}
        if set(problem.unknowns) <= declared:
            axes.add(k)
    return axes


class _TooLong(Exception):
    """The lift has more parts than SymPy and JAX take in seconds: it grows threefold with each axis."""


@dataclass
class _AxisData:
    """The data of one unknown: values on whole faces, and the value and rate at the start of time."""

    unknown: AppliedUndef
    domain: Box
    faces: dict[BoxFace, sympy.Expr] = field(default_factory=dict)
    start: list[sympy.Expr] = field(default_factory=list)
    claims: list[tuple[BoxFace, sympy.Expr]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    names_of_start: list[str] = field(default_factory=list)

    @classmethod
    def collect(cls, problem: Problem, domain: Box, u, homogeneous: bool) -> "_AxisData":
        data = cls(u, domain)

        def is_known(value) -> bool:
            return _is_fixed(value, problem.coordinates) and (value == 0 or not homogeneous)

        for c in problem.conditions:
            fixed = c.role.fixes
            faces = [face for piece in problem.pieces[c.name] for face, _ in piece.on_faces]
            # A factor that vanishes on a part of a face vanishes on all of it.
            if (
                fixed is not None
                and fixed.expression == u
                and is_known(fixed.value)
                and set(faces) <= set(domain.faces)
            ):
                data.claims += [(face, fixed.value) for face in faces]
                data.names.append(c.name)
        data.faces = dict(data.claims)
        values = {s.expression: (n, s.value) for n, s in problem.starts.items() if is_known(s.value)}
        rate = next((e for e in values if e == u.diff(*[x for x in problem.coordinates if is_time(x)])), None)
        for expression in (u, rate) if u in values else ():
            if expression is not None:
                name, value = values[expression]
                data.start.append(value)
                data.names_of_start.append(name)
        return data

    def without_time(self) -> "_AxisData":
        """The same with the initial data left to the loss."""
        return replace(self, start=[], names_of_start=[])

    def lift(self) -> sympy.Expr:
        """L by successive projections; raises _TooLong where it is longer than anybody can use."""
        total = sympy.S.Zero
        for k, x in enumerate(self.domain.coordinates):
            low, high = self.domain.symbolic_bounds[k]
            ends = {f.outward: value for f, value in self.faces.items() if f.axis == k}
            if 3 * size_of(total) + sum(map(size_of, ends.values())) > 2.4 * _LONGEST_LIFT:
                raise _TooLong
            if is_time(x) and self.start:
                gaps = [v - total.diff(x, n).subs(x, low) for n, v in enumerate(self.start)]
                total += sum((x - low) ** n * gap for n, gap in enumerate(gaps))
            elif ends:
                at = {-1: low, 1: high}
                rest = {side: value.subs(x, at[side]) - total.subs(x, at[side]) for side, value in ends.items()}
                if len(rest) == 1:
                    total += next(iter(rest.values()))
                else:
                    total += (high - x) / (high - low) * rest[-1] + (x - low) / (high - low) * rest[1]
        expanded = expanded_or_not(total)
        shortest = min(total, expanded, key=sympy.count_ops)
        if size_of(shortest) > _LONGEST_LIFT:
            raise _TooLong
        return shortest

    def roots(self) -> tuple[Roots, ...]:
        """Zeros of the factor on each axis."""
        zeros: list[Roots] = []
        for k, x in enumerate(self.domain.coordinates):
            if is_time(x) and self.start:
                zeros.append(((self.domain.bounds[k][0], len(self.start)),))
            else:
                zeros.append(tuple((f.value, 1) for f in self.domain.faces if f in self.faces and f.axis == k))
        return tuple(zeros)

    def is_met_by(self, lift, periodic) -> bool:
        """Whether the lift takes the data on every face and is periodic, to 1e-5 at 64 fixed points of each face.

        Gaps are measured by the size of the data, and those of derivatives by that size over the axis' length.
        """
        coordinates, bounds = self.domain.coordinates, self.domain.symbolic_bounds
        claims = [_Claim(lift, value, f.axis, f.value) for f, value in self.claims]
        for k, x in enumerate(coordinates):
            low, high = bounds[k]
            if is_time(x):
                claims += [_Claim(lift.diff(x, n), value, k, low, n) for n, value in enumerate(self.start)]
            if k in periodic:
                derivatives = enumerate((lift, lift.diff(x)))
                claims += [_Claim(e.subs(x, low), e.subs(x, high), k, low, n) for n, e in derivatives]
        sides = _on_faces(claims, coordinates, self.domain)
        if not all(np.isfinite(a).all() and np.isfinite(b).all() for a, b in sides):
            return False
        pairs = list(zip(claims, sides, strict=True))
        size = max((max(np.abs(a).max(), np.abs(b).max()) for c, (a, b) in pairs if c.order == 0), default=0.0)
        return all(
            np.all(np.abs(a - b) <= 1e-5 * max(np.abs(a).max(), np.abs(b).max(), size / self._length(c) ** c.order))
            for c, (a, b) in pairs
        )

    def _length(self, claim) -> float:
        low, high = self.domain.bounds[claim.axis]
        return high - low


class _Claim(NamedTuple):
    """Two expressions, derivatives of some order, that should agree where an axis is fixed."""

    one: sympy.Expr
    other: sympy.Expr
    axis: int
    at: sympy.Expr | float
    order: int = 0


# The lift is differentiated pointwise, which misses jumps and kinks: the residual of a step would not see the step.
_ROUGH = (sympy.Piecewise, sympy.Heaviside, sympy.Abs, sympy.sign, sympy.Max, sympy.Min, *JUMPING)


def _is_fixed(value: sympy.Expr, coordinates) -> bool:
    """Whether a value is smooth and known: no estimated parameter, none that ranges and is no axis, no unknown.

    Parameters that are axes may occur, and code that `given` was told is smooth.
    """
    tunable = any(p.unknown or p.bounds for p in value.atoms(Parameter) - set(coordinates))
    is_smooth = all(is_given(f) and f.func.smooth for f in value.atoms(AppliedUndef))
    return not tunable and is_smooth and not value.has(*_ROUGH) and _has_derivatives(value, coordinates)


def _has_derivatives(value, coordinates) -> bool:
    """Whether SymPy has derivatives of a value that have values everywhere; those of sinc divide by zero."""
    slopes = (value.diff(c) for c in coordinates if c in value.free_symbols)
    return not value.has(sympy.sinc) and not any(without_values(slope, "") for slope in slopes)


def _at(expression, coordinates, points) -> np.ndarray:
    return np.asarray(evaluate(with_constants(expression), dict(zip(coordinates, points.T, strict=True))))


def _on_faces(claims, coordinates, domain) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both sides of every claim at fixed points of its face, in double precision: one program for all of them."""
    low, high = np.array(domain.bounds).T
    random = low + (high - low) * np.random.default_rng(0).uniform(size=(64, len(low)))
    where = []
    for claim in claims:
        where.append(random.copy())
        where[-1][:, claim.axis] = float(claim.at)
    if not any(e.atoms(AppliedUndef) for c in claims for e in (c.one, c.other)):
        # At 64 points NumPy is done long before XLA has compiled the formulas.
        pairs = zip(claims, where, strict=True)
        return [(_at(c.one, coordinates, points), _at(c.other, coordinates, points)) for c, points in pairs]
    compiled = {e: array_function(e, coordinates) for c in claims for e in (c.one, c.other)}

    def values(where):
        return [
            (compiled[c.one](points.T, {}), compiled[c.other](points.T, {}))
            for c, points in zip(claims, where, strict=True)
        ]

    with jax.enable_x64(True):
        return [(np.asarray(a), np.asarray(b)) for a, b in jax.jit(values)(where)]
