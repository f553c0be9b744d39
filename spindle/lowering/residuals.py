"""The residuals of a problem as functions of arrays, before any point or network is chosen.

A residual is a mean over pieces: an equation has one for each box of the domain, a condition one for each face that it
holds on, or one for the measured points. On a piece several terms are added that belong to different supports, such as
the two ends of a periodic axis. What stands here is lowered once, whatever points it is then looked at on.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

import jax.numpy as jnp
import sympy

from spindle.geometry.levels import LevelPart
from spindle.geometry.shape_domain import ShapeDomain
from spindle.geometry.supports import PointSet, Support
from spindle.lowering.compile import ArrayFunction, array_function, with_constants
from spindle.lowering.constraints import Constraints
from spindle.lowering.partials import DifferentialOperator
from spindle.lowering.structure import Structure, structure_of
from spindle.problem.conditions.base import Measurement
from spindle.problem.integrals import nodes_of, weights_of
from spindle.problem.interfaces import Interface
from spindle.problem.problem import Problem
from spindle.symbolic.fluxes import on_side
from spindle.symbolic.symbols import unknown

_BESIDE = 1e-9  # of the axis: so near to an interface nothing else switches


class ResidualTerm(NamedTuple):
    """One term of a residual, evaluated on one support.

    support      its number in `ResidualForms.supports`; no two terms share one
    expression   the term, the field that fulfils conditions by construction inserted
    function     the expression, compiled
    """

    support: int
    expression: sympy.Expr
    function: ArrayFunction


@dataclass(frozen=True)
class ResidualForm:
    """One named residual: for each piece a sum of terms.

    pieces   the terms to be summed on each piece
    sizes    of the pieces, by which their mean squares are weighed: areas and lengths, 1 for measured points
    scale    1 / standard deviation of the noise, for measurements; else 1 / size of its terms
    """

    name: str
    pieces: tuple[tuple[ResidualTerm, ...], ...]
    sizes: tuple[float, ...]
    scale: float


@dataclass(frozen=True)
class ResidualForms:
    """All residuals that are left to the loss.

    constraints   what the field fulfils by construction, inserted already
    forms         equations first, then conditions, in the order of the problem
    supports      of the terms, one after the other
    groups        for each support the number of its piece: terms of one piece share their points
    """

    problem: Problem
    constraints: Constraints
    forms: tuple[ResidualForm, ...]
    supports: tuple[Support, ...]
    groups: tuple[int, ...]

    @cached_property
    def functions(self) -> tuple[ArrayFunction, ...]:
        """The compiled term of each support."""
        return tuple(term.function for form in self.forms for piece in form.pieces for term in piece)

    @property
    def needs(self) -> tuple[tuple[DifferentialOperator, ...], ...]:
        """For each support the partials of unknowns that its term contains."""
        return tuple(function.needs for function in self.functions)

    @cached_property
    def noisy(self) -> dict[str, Measurement]:
        """The measurements of known noise, by the names of their conditions."""
        measured = {c.name: c.role.measurement for c in self.problem.conditions}
        return {
            name: measurement for name, measurement in measured.items() if measurement is not None and measurement.noise
        }

    def structure(self, form: ResidualForm, term: ResidualTerm) -> Structure:
        """The structure of one term of a residual: its degree, and whether it separates."""
        return structure_of(form.name, term.expression, self.problem.unknowns, self.problem.coordinates)


def residual_forms(problem: Problem, constraints: Constraints, *, graded: bool = False) -> ResidualForms:
    """The residuals of a problem, compiled, without the conditions that hold by construction.

    graded   whether functions are graded to where parts of the boundary meet, so that equations may count less there
    """
    forms: list[ResidualForm] = []
    supports: list[Support] = []
    groups: list[int] = []
    for name, pieces, scale in _written(problem, constraints, problem.factor if graded else sympy.S.One):
        terms, sizes = [], []
        for piece in pieces:
            group = max(groups, default=-1) + 1
            first = len(supports)
            supports += [where.support for where, _ in piece]
            groups += [group] * len(piece)
            written = [
                # The fluxes of an interface are, each on its side.
                e if isinstance(where, LevelPart) else _lifted(e, problem, constraints)
                for where, e in piece
            ]
            lowered = [_lower(where, e, problem) for (where, _), e in zip(piece, written, strict=True)]
            terms.append(tuple(map(ResidualTerm, count(first), written, lowered)))
            sizes.append(supports[-1].measure)
        forms.append(ResidualForm(name, tuple(terms), tuple(sizes), scale / constraints.scales.residual(name)))
    return ResidualForms(problem, constraints, tuple(forms), tuple(supports), tuple(groups))


def beside_interface(
    forms: ResidualForms, expression, interface: Interface, below=None
) -> tuple[ArrayFunction, ArrayFunction]:
    """An expression as it is on the left, or another one `below`, and on the right of an interface, compiled."""
    problem = forms.problem
    written = _lifted(expression, problem, forms.constraints)
    first = written if below is None else _lifted(below, problem, forms.constraints)
    x, (low, high) = problem.coordinates[interface.axis], problem.domain.bounds[interface.axis]
    near = _BESIDE * (high - low)
    left, right = on_side(first, x, interface.left - near), on_side(written, x, interface.right + near)
    return (
        array_function(left, problem.coordinates, problem.unknowns, problem.tunable),
        array_function(right, problem.coordinates, problem.unknowns, problem.tunable),
    )


def _written(problem: Problem, constraints: Constraints, factor: sympy.Expr):
    """(name, pieces of (where, expression), scale) of every residual that is left to the loss."""
    for equation in problem.equations:
        if equation.integrals:
            yield equation.name, [_with_integrals(equation, problem)], 1.0
            continue
        yield equation.name, [[(region, factor * equation.residual)] for region in problem.domain.regions], 1.0
    for condition in problem.conditions:
        if condition.name not in constraints.enforced:
            noise = condition.role.noise
            pieces = [list(piece.terms) for piece in problem.pieces[condition.name]]
            if pieces:
                yield condition.name, pieces, 1.0 / noise if noise else 1.0
    for name, part, difference, size in _across_curves(problem, constraints):
        yield name, [[(part, difference)]], 1.0 / size


def _with_integrals(equation, problem: Problem) -> list:
    """(where, expression) of the terms of an equation with integrals, whose sum is its residual at fixed nodes."""
    nodes = nodes_of(problem)[:, None]
    summed = [(PointSet(nodes, None, weights_of(term, problem)), term.inner) for term in equation.integrals]
    return [(PointSet(nodes), equation.residual), *summed]


def _across_curves(problem: Problem, constraints: Constraints):
    """(name, where, difference of fluxes, size) of interfaces that are shapes; fields are known twice there."""
    domain = problem.domain
    if not problem.curves or not isinstance(domain, ShapeDomain):
        return
    beyond = _beyond(problem)
    for number, curve in enumerate(problem.curves):
        part = LevelPart(curve.level, domain.bounds, domain.shape, domain.time, len(problem.unknowns))
        where = f" of interface {number + 1}" if len(problem.curves) > 1 else " of the interface"
        for name, sides in curve.fluxes.items():
            below, above = (_lifted(flux, problem, constraints) for flux in sides)
            called = f"flux{where}" + f", {name}" * (len(curve.fluxes) > 1)
            yield called, part, above.xreplace(beyond) - below, curve.size(name, problem)


def _beyond(problem: Problem) -> dict:
    """{unknown: a symbol of the same field on the second side of an interface}."""
    return {u: unknown(f"{u.func.__name__}_beyond", *u.args) for u in problem.unknowns}


def _lifted(expression, problem: Problem, constraints: Constraints) -> sympy.Expr:
    return with_constants(constraints.lifted(expression, problem.coordinates), problem.tunable)


def _lower(where, expression, problem: Problem) -> ArrayFunction:
    support = where.support
    if support.values is not None:
        return _measured(expression, support.values, problem)
    unknowns = problem.unknowns
    if isinstance(support, LevelPart):
        unknowns = (*unknowns, *_beyond(problem).values())
    return array_function(expression, problem.coordinates, unknowns, problem.tunable, support.normals)


def _measured(expression, values, problem: Problem) -> ArrayFunction:
    """`expression - measured values`: the values are a coefficient that belongs to the points."""
    inner = array_function(expression, problem.coordinates, problem.unknowns, problem.tunable)

    def coefficients(points):
        return (jnp.asarray(values, points[0].dtype), *inner.coefficients(points))

    def combine(given, points, known, parameters):
        return inner.combine(given[1:], points, known, parameters) - given[0]

    return ArrayFunction(inner.needs, coefficients, combine)
