"""The members that a family is trained on, and the points of each, where they are fixed beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spindle.errors import MethodError, nearest, shown
from spindle.methods.settings import SettingKind, Whole
from spindle.points.base import PointwisePoints
from spindle.points.cloud import Cloud
from spindle.points.families import TaskCloud
from spindle.points.grid import FixedPoints, grid_points, tensor
from spindle.points.rules import sobol
from spindle.problem.families import coordinate_nodes, family_parameters
from spindle.problem.problem import Problem

_MOST = 10**6  # members
_PUBLISHED_ALONE, _PUBLISHED_EACH = 20, 3  # Cho et al. (2024): values of one parameter, of each of several


@dataclass(frozen=True)
class MembersEach(SettingKind):
    """How many values of each parameter, or which: one number for all, or {parameter: number, or the values}."""

    def read(self, value, given):
        """An int, or a dictionary of ints and tuples of floats; raises MethodError where it is neither."""
        if not isinstance(value, Mapping):
            return Whole(0, _MOST).read(value, given)
        return {str(name): self._values(each, given) for name, each in value.items()}

    @staticmethod
    def _values(each, given):
        if not isinstance(each, (tuple, list, range, np.ndarray)):
            return Whole(1, _MOST).read(each, given)
        try:
            values = tuple(float(v) for v in each)
        except (TypeError, ValueError, OverflowError):
            values = ()
        if not values or not np.isfinite(values).all():
            raise MethodError(
                f"`{given}` needs for each parameter a number of values, or the values, such as {{'beta': (1, 2, 3)}}."
            )
        return values

    def described(self, doc):
        """With an example."""
        return (
            f"{doc} (0 to {_MOST:,}), or for each parameter their number or the values, such as {{'beta': (1, 2, 3)}}"
        )


def refuse_other_axes(problem: Problem, s: Any, call: str) -> None:
    """Raise MethodError where a grid has more or fewer axes than what it is laid on."""
    parameters = [p.name for p in family_parameters(problem)]
    coordinates = [c.name for c in problem.coordinates if c.name not in parameters]
    along = dict.fromkeys(("lattice", "query_points", "snapshot_points"), coordinates) | {"members": parameters}
    for name, axes in along.items():
        counts = getattr(s, name, None)
        if isinstance(counts, tuple) and counts and len(counts) != len(axes):
            raise MethodError(
                f"`{call}({name}={shown(counts)})` has {len(counts)} numbers, and `{problem.name}` needs one for each "
                f"of {', '.join(axes)}, in this order."
            )


def trained_members(problem: Problem, tasks: int | str | Mapping[str, Any], call: str) -> np.ndarray | None:
    """The members (k, p) that `tasks` names, every combination of their values; None where members are random.

    Values may lie beyond the ranges of the parameters, as those of the publication do.
    Raises MethodError where a parameter is missing or unknown, or there are too many members.
    """
    parameters = [c for c in problem.coordinates if c in family_parameters(problem)]
    if tasks == "auto":
        tasks = _PUBLISHED_ALONE if len(parameters) == 1 else _PUBLISHED_EACH
    if not tasks:
        return None
    ranges = {
        c.name: ends for c, ends in zip(problem.coordinates, problem.domain.bounds, strict=True) if c in parameters
    }
    names = list(ranges)
    given: Mapping[str, Any] = tasks if isinstance(tasks, Mapping) else dict.fromkeys(names, tasks)
    for name in given:
        if name not in names:
            raise MethodError(f"`{call}(tasks={shown(tasks)})` names no parameter, {name!r}." + nearest(name, names))
    missing = [name for name in names if name not in given]
    if missing:
        raise MethodError(
            f"`{call}(tasks={shown(tasks)})` says nothing of {', '.join(missing)}, and every member has a value of "
            f"each parameter; add `{missing[0]!r}: 3`."
        )
    values = [
        np.asarray(given[name]) if isinstance(given[name], tuple) else np.linspace(*ends, given[name])
        for name, ends in ranges.items()
    ]
    count = np.prod([float(len(v)) for v in values])
    if count > _MOST:
        raise MethodError(
            f"`{call}(tasks={shown(tasks)})` makes {count:,.0f} members, every combination of the values of "
            f"{', '.join(names)}, and no more than {_MOST:,} can be trained on; give fewer values of each."
        )
    return tensor(values)


def family_points(
    problem: Problem, s: Any, ranges: tuple[int, ...], call: str
) -> Callable[[Any, Any, bool], PointwisePoints]:
    """(supports, groups, whether fresh) -> the points that a family is trained at.

    ranges   the axes of the parameters
    """
    members = trained_members(problem, s.tasks, call)
    boundary = max(1, s.points // 4)

    def cloud(supports, groups, fresh):
        if fresh or members is None:
            rule = "random" if fresh else s.sampling
            return Cloud(supports, groups, interior=s.points, boundary=boundary, rule=rule)
        if s.lattice:
            nodes = coordinate_nodes(problem, s.lattice, f"{call}(lattice={s.lattice})", wrapped=True)
            each: PointwisePoints = FixedPoints(supports, grid_points(supports, nodes, s.points))
        else:
            each = Cloud(supports, groups, interior=s.points, boundary=boundary, rule=s.sampling)
        return TaskCloud(each, members, ranges)

    return cloud


def sampled_parameters(problem: Problem, ranges: tuple[int, ...], count: int) -> np.ndarray:
    """Parameters (count, p) spread evenly over their ranges: a scrambled Sobol sequence, always the same."""
    low, high = np.array([problem.domain.bounds[k] for k in ranges]).T
    return sobol(low, high, count, seed=0)
