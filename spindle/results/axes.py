"""Coordinates that a user names: `x=0.5` at points, `x=101` or `x=[0, 0.1]` along the axes of a grid."""

from collections.abc import Mapping

import numpy as np

from spindle.errors import ProblemError, nearest
from spindle.problem.problem import Problem
from spindle.symbolic.words import shown

_MOST_NODES = 100_000_000  # of an axis: more are no number that was meant
_USUAL_POINTS, _USUAL_NODES = 200_000, 101  # of a grid of which nothing is said: in all, and at most an axis


def ordered(problem: Problem, coordinates: Mapping) -> dict:
    """The values in the order of the problem's coordinates; raises ProblemError where names do not fit."""
    names = checked_names(problem, coordinates)
    missing = [name for name in names if name not in coordinates]
    if missing:
        raise ProblemError(
            f"The solution of `{problem.name}` depends on {', '.join(names)}, and {', '.join(missing)} was "
            f"not given; pass `{missing[0]}=...`."
        )
    return {name: coordinates[name] for name in names}


def checked_names(problem: Problem, coordinates: Mapping) -> list[str]:
    """The names of all coordinates; raises ProblemError where one that was given is none of them."""
    names = [c.name for c in problem.coordinates]
    for name in coordinates:
        if name not in names:
            raise ProblemError(f"`{name}` is no coordinate of `{problem.name}`." + nearest(name, names))
    return names


def completed(problem: Problem, axes: Mapping) -> dict:
    """The axes of a grid with a usual number of nodes for those that were left out.

    Together they make some 200,000 points, and at most 101 nodes an axis. Raises ProblemError for an unknown name.
    """
    names = checked_names(problem, axes)
    usual = max(2, min(_USUAL_NODES, int(_USUAL_POINTS ** (1 / len(names)))))
    return {name: axes.get(name, usual) for name in names}


def nodes_of(problem: Problem, axes: Mapping) -> list[np.ndarray]:
    """The nodes of each axis, from numbers of nodes or the nodes themselves."""
    chosen = []
    for (name, value), (low, high) in zip(ordered(problem, axes).items(), problem.domain.bounds, strict=True):
        if isinstance(value, (int, np.integer)):
            nodes = np.linspace(low, high, int(value) if 0 < value <= _MOST_NODES else 0)
        else:
            nodes = np.atleast_1d(floats(f"axis {name}", value))
        if nodes.ndim != 1 or not nodes.size:
            raise ProblemError(
                f"`solution.grid({name}={shown(value)})` needs a number of nodes, at least 1 and at most "
                f"{_MOST_NODES:,}, or a row of nodes; write `{name}=101`."
            )
        chosen.append(nodes)
    return chosen


def floats(what: str, value) -> np.ndarray:
    """The value as an array of floats; raises ProblemError where it is none."""
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(
            f"The solution was asked for {what} = {shown(value)}, which are no numbers; give floats."
        ) from error
