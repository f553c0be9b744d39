"""`spindle check`: what was understood of a problem, and what each method would do with it, without training."""

import itertools
from collections.abc import Iterable
from typing import Any

from spindle.errors import SpindleError
from spindle.lowering.structure import Structure, analyse
from spindle.methods.base import Plan
from spindle.methods.optimizers import KINDS
from spindle.methods.registry import METHODS, method_named
from spindle.problem.consistency.checks import doubts
from spindle.problem.families import with_parameter_axes
from spindle.problem.printing import describe
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import Parameter
from spindle.symbolic.tables import tables_in
from spindle.symbolic.words import text
from spindle.training.stages import Stage


def check(problem: Problem, methods: Iterable[str] = METHODS) -> dict[str, Any]:
    """A problem as plain data: its parts, the structure of its equations, doubts, and the plan of each method.

    Nothing is trained, but a plan may place nodes and find the stencils of their derivatives.
    """
    bounds = zip(problem.coordinates, problem.domain.bounds, strict=True)
    structures = {s.name: s for s in analyse(with_parameter_axes(problem))}
    return {
        "problem": problem.name,
        "title": problem.title,
        "mathematics": describe(problem),
        "coordinates": {c.name: list(ends) for c, ends in bounds},
        "unknowns": [u.func.__name__ for u in problem.unknowns],
        "parameters": {p.name: _parameter(p) for p in problem.parameters},
        "tabulated": {name: list(t.names) for name, t in tables_in(problem.expressions()).items()},
        "equations": {e.name: _structure(structures[e.name]) | {"text": text(e.written)} for e in problem.equations},
        "conditions": {c.name: _condition(problem, c) for c in problem.conditions},
        "reference": [u.func.__name__ for u in problem.reference],
        "doubts": doubts(problem),
        "methods": {name: _method(problem, name) for name in methods},
    }


def _parameter(p: Parameter) -> dict[str, Any]:
    facts = {"value": p.value, "unknown": p.unknown, "range": list(p.bounds) if p.bounds else None}
    return facts | ({"eigenvalue": True} if p.eigenvalue else {})


def _structure(structure: Structure) -> dict[str, Any]:
    terms = None if structure.terms is None else len(structure.terms)
    return {"linear": structure.linear, "degree": structure.degree, "separable": structure.separable, "terms": terms}


def _condition(problem: Problem, condition) -> dict[str, Any]:
    where = [_where(place) for piece in problem.pieces[condition.name] for place, _ in piece.terms]
    return {"text": condition.texts(text), "where": list(dict.fromkeys(where))}


def _where(place) -> str:
    measured = place.support.measured
    if measured is None:
        return place.name
    count = "1 point" if len(measured) == 1 else f"{len(measured)} points"
    return count if place.support.sums is None else f"sums over {count}"


def _method(problem: Problem, name: str) -> dict[str, Any]:
    try:
        plan = method_named(name, {}).plan(with_parameter_axes(problem))
    except SpindleError as error:
        return {"refused": str(error)}
    return {"choices": list(plan.choices), "phases": _phases(plan), "dtype": plan.dtype}


_LABELS = {kind.make: label for label, kind in KINDS.items()}


def _phases(plan: Plan) -> list[str]:
    """The stages of training, those that repeat counted; a march has none, and goes on as the solution asks for."""
    if plan.march is not None:
        return ["slabs of time" if plan.problem.starts else "elements", "finer ones where the solution asks for them"]
    named = [f"{stage.optimizer.steps:,} steps of {_kind(stage)}" for stage in plan.schedule.stages]
    grouped = [(words, len(list(equal))) for words, equal in itertools.groupby(named)]
    return [words if count == 1 else f"up to {count} times {words}" for words, count in grouped]


def _kind(stage: Stage) -> str:
    kind = type(stage.optimizer)
    return _LABELS.get(kind, kind.__name__) + (" on a larger model" if stage.refine else "")


def in_words(facts: dict[str, Any]) -> str:
    """The result of `check`, as lines for a terminal."""
    lines = [facts["mathematics"], "", *_understood(facts)]
    for name, plan in facts["methods"].items():
        lines += ["", name]
        if "refused" in plan:
            lines.append(f"    refuses     {plan['refused']}")
            continue
        lines += [f"    would       {choice}" for choice in plan["choices"]]
        lines.append(f"    trains by   {', then '.join(plan['phases'])}, in {plan['dtype']}")
    return "\n".join(lines)


def _understood(facts: dict[str, Any]) -> list[str]:
    lines = []
    for name, said in facts["equations"].items():
        kind = (
            "linear" if said["linear"] else f"polynomial of degree {said['degree']}" if said["degree"] else "nonlinear"
        )
        parts = f"{said['terms']} separable terms" if said["separable"] else "does not separate"
        lines.append(f"{'equation':>15}  {name}: {kind}, {parts}")
    lines += [f"{'condition':>15}  {name}: on {', '.join(said['where'])}" for name, said in facts["conditions"].items()]
    return lines + [f"{'doubt':>15}  {sentence}" for sentence in facts["doubts"]]
