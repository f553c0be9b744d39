"""The plan of a problem that is solved on elements along one axis, slab by slab of time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.lowering.breaks import breaks
from spindle.lowering.constraints import Constraints, no_constraints
from spindle.lowering.residuals import ResidualForms, residual_forms
from spindle.lowering.scales import scales_of
from spindle.lowering.structure import analyse
from spindle.methods.assembly import assemble
from spindle.methods.base import Plan
from spindle.objective.objective import Objective
from spindle.points.cloud import Cloud
from spindle.problem.problem import Problem
from spindle.slabs.elements import Elements
from spindle.slabs.march import Aim
from spindle.slabs.rows import axes_of, slab_rows
from spindle.slabs.training import Marching

_DEGREE = {True: 8, False: 12}  # in slabs of time of a problem with an axis of space, and of time alone
_ELEMENTS = 8  # to begin with
_INTERIOR, _BOUNDARY = 4096, 64  # fresh points


def nonlinear(problem: Problem) -> bool:
    """Whether some equation is: fronts and layers may form then that nothing in the data shows."""
    return not all(structure.linear for structure in analyse(problem))


def on_elements(problem: Problem, s: Any, notes: Sequence[str]) -> Plan:
    """The plan of a problem that elements fit.

    s   the method with everything decided
    """
    constraints = replace(
        no_constraints(problem), scales=scales_of(problem) if s.scales == "auto" else no_constraints(problem).scales
    )
    forms = residual_forms(problem, constraints)

    def objective(fresh: bool) -> Objective:
        rule = "random" if fresh else "sobol"
        cloud = Cloud(
            forms.supports, forms.groups, interior=_INTERIOR, boundary=_BOUNDARY, rule=rule, breaks=breaks(problem)
        )
        return Objective(forms, PointwiseTaylor(cloud, forms.needs), faces=s.faces)

    whole = objective(False)
    marching = _marching(forms, whole.weights(s.weights, s.conditions), first=True, phase=0)
    sentences = [constraints.scales.sentence] if constraints.scales.sentence else []
    plan = assemble(whole, lambda: objective(True), lambda key: marching.field(), s, (*notes, *sentences))
    return replace(plan, march=marching)


def afterwards(problem: Problem, constraints: Constraints, s: Any, weights: dict, phase: int) -> Marching:
    """The march that follows where global features do not resolve a solution."""
    forms = residual_forms(problem, replace(no_constraints(problem), scales=constraints.scales))
    known = {form.name: weights.get(form.name, s.conditions) for form in forms.forms}
    known |= {e.name: weights.get(e.name, 1.0) for e in problem.equations}
    return _marching(forms, known, first=False, phase=phase)


def _marching(forms: ResidualForms, weights: dict, *, first: bool, phase: int) -> Marching:
    problem = forms.problem
    rows = slab_rows(forms, weights)
    time, others = axes_of(problem)
    along = max(2 * rows.order + 4, 8) if others else 0
    during = 0 if time is None else _DEGREE[bool(others)]
    space = Elements(rows, len(problem.unknowns), along, during)
    ends = (0.0, 1.0) if time is None else tuple(map(float, problem.domain.bounds[time]))
    at_first, name = np.array([0.0, 1.0]), ""
    if others:
        low, high = map(float, problem.domain.bounds[others[0]])
        at_first = _at_first(low, high, breaks(problem)[others[0]], [i.left for i in problem.interfaces])
        name = problem.coordinates[others[0]].name
    return Marching(space, ends, at_first, Aim(), name, first, phase)


def _at_first(low: float, high: float, inner: Sequence[float], interfaces: Sequence[float]) -> np.ndarray:
    """Equal elements, cut where data jump or bend and where interfaces are, none of them needlessly narrow."""
    places = [low, high, *(p for p in interfaces if low < p < high)]
    for more, near in ((inner, 1e-8), (np.linspace(low, high, _ELEMENTS + 1), 0.1 / _ELEMENTS)):
        places += [p for p in more if low < p < high and np.abs(np.array(places) - p).min() > near * (high - low)]
    return np.sort(np.array(places))
