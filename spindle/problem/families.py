"""Parametrised families: a problem whose parameters range over intervals, seen as one problem with further axes.

A parameter with a range becomes a coordinate of the domain that no equation differentiates, so that whatever solves a
problem solves the family, and a family has residuals, points and errors like any problem.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spindle.errors import ProblemError, nearest
from spindle.geometry.domain import Box, BoxDomain, BoxUnion
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import Parameter


def family_parameters(problem: Problem) -> tuple[Parameter, ...]:
    """The parameters over which the problem is a family, sorted by name, axes or not; none: it is no family."""
    axes = [c for c in problem.coordinates if isinstance(c, Parameter)]
    return tuple(sorted([*axes, *(p for p in problem.parameters if p.bounds)], key=lambda p: p.name))


def with_parameter_axes(problem: Problem) -> Problem:
    """The family with its parameters as the last axes of the domain; any other problem as it is.

    Raises ProblemError where the domain is not made of boxes, or where there are measurements, which belong to one
    member.
    """
    added = [p for p in problem.parameters if p.bounds]
    if not added:
        return problem
    if not isinstance(problem.domain, BoxDomain):
        raise ProblemError(
            f"`{problem.name}` is a family over {', '.join(p.name for p in added)} on {problem.domain}, and families "
            f"are solved on boxes so far; choose a member, `problem.at({added[0].name}=...)`, or a box."
        )
    if problem.beside_parts:
        raise ProblemError(
            f"`{problem.name}` is a family over {', '.join(p.name for p in added)} with the measurements "
            f"`{problem.beside_parts[0]}`, but what is measured belongs to one member; estimate the parameter instead, "
            f"`spd.parameter({added[0].name!r}, start, unknown=True)`."
        )
    swap = {u: u.func(*u.args, *added) for u in problem.unknowns}
    wider = replace(
        problem,
        domain=_with_axes(problem.domain, added),
        equations={e.name: e.written.xreplace(swap) for e in problem.equations},
        conditions=[c.exchanged(swap) for c in problem.conditions],
        reference={u.xreplace(swap): value for u, value in problem.reference.items()},
        quantities={name: e.xreplace(swap) for name, e in problem.quantities.items()},
    )
    return wider.named(*problem.origin) if problem.origin else wider


def _with_axes(domain: BoxDomain, added: Sequence[Parameter]) -> BoxDomain:
    ends = tuple(p.bounds for p in added)
    if isinstance(domain, Box):
        bounds = dict(zip(domain.coordinates, domain.symbolic_bounds, strict=True))
        return Box(bounds | dict(zip(added, ends, strict=True)))
    return BoxUnion((*domain.coordinates, *added), tuple((*box, *ends) for box in domain.boxes))


def coordinate_nodes(problem: Problem, counts: Sequence[int], call: str, *, wrapped: bool = False) -> list[np.ndarray]:
    """Equispaced nodes of each coordinate of a family, ends included, and the lower end alone of each parameter.

    counts    nodes of each coordinate that is no parameter
    wrapped   whether the upper end of a periodic axis, which is the lower one, is left out

    Raises ProblemError where there are not as many counts as coordinates.
    """
    parameters = family_parameters(problem)
    names = [c.name for c in problem.coordinates if c not in parameters]
    if len(counts) != len(names):
        raise ProblemError(
            f"`{call}` has {len(counts)} numbers, and `{problem.name}` has the coordinates {', '.join(names)} beside "
            f"its parameters; give one number for each, in this order."
        )
    around = problem.periodic_axes if wrapped else frozenset()
    nodes, left = [], iter(counts)
    for k, (c, (low, high)) in enumerate(zip(problem.coordinates, problem.domain.bounds, strict=True)):
        if c in parameters:
            nodes.append(np.array([low]))
        else:
            nodes.append(np.linspace(low, high, next(left), endpoint=k not in around))
    return nodes


def parameter_values(problem: Problem, values: Mapping, call: str) -> np.ndarray:
    """Parameter values by name as rows (q, p), columns sorted by name; numbers broadcast against arrays.

    Raises ProblemError where a name is missing or unknown, or a value is no finite number.
    """
    names = [p.name for p in family_parameters(problem)]
    for name in values:
        if name not in names:
            raise ProblemError(f"`{call}({name}=...)`: `{problem.name}` has no such parameter." + nearest(name, names))
    missing = [name for name in names if name not in values]
    if missing:
        raise ProblemError(
            f"`{call}` was given no value for {', '.join(missing)}, and a member of `{problem.name}` has one for each "
            f"of {', '.join(names)}; pass `{missing[0]}=...`."
        )
    try:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(values[name], float)) for name in names))
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(
            f"`{call}` was given parameter values that are no numbers or do not broadcast ({error})."
        ) from error
    return checked_values(problem, np.stack([c.ravel() for c in columns], axis=1), call)


def checked_values(problem: Problem, rows, call: str) -> np.ndarray:
    """Rows of parameter values (q, p), columns sorted by name; raises ProblemError where they are none."""
    names = [p.name for p in family_parameters(problem)]
    try:
        values = np.asarray(rows, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"`{call}` was given parameter values that are no numbers ({error}).") from error
    if values.ndim == 1 and len(names) == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] != len(names) or not np.isfinite(values).all():
        raise ProblemError(
            f"`{call}` was given parameter values of shape {values.shape}, {np.sum(~np.isfinite(values))} of them not "
            f"finite; it needs finite numbers of shape (q, {len(names)}), the columns being {', '.join(names)}."
        )
    return values
