"""Parts of the boundary of a shape that no condition holds on, or too many."""

import numpy as np

from spindle.problem.consistency.boundary_residuals import BoundaryResidual, is_inverse
from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.references import is_exact
from spindle.problem.consistency.values import prescribed_quantities

_LEAST = 0.01  # of the boundary; corners are sampled to one side of them or the other


def sides_with_too_many(problem, conditions: list[BoundaryResidual], asked: int) -> list[Doubt]:
    """A doubt where samples of the boundary have more conditions, on different quantities, than are asked for."""
    sampled = problem.domain.shape.sampled
    held = np.stack([c.place.holds(*sampled.arrays) for c in conditions], axis=1)
    for kind in np.unique(held, axis=0):
        there = [c for c, holds in zip(conditions, kind, strict=True) if holds]
        points = sampled.points[(held == kind).all(axis=1)]
        if len(points) < max(3, _LEAST * len(held)) or len(prescribed_quantities(problem, there)) <= asked:
            continue
        if is_inverse(problem) or is_exact(problem):
            return []
        names, u = listed(f"`{name}`" for name in dict.fromkeys(c.name for c in there)), problem.unknowns[0]
        return [
            Doubt(
                f"{names} all hold on {len(points) / len(held):.0%} of the boundary, near {_where(problem, points)}, "
                f"where the equation of {u.func.__name__} takes {asked}, so hardly any solution fulfils all of them: "
                f"leave one out",
                fatal=False,
            )
        ]
    return []


def _where(problem, points: np.ndarray) -> str:
    """The middle one of some points in words."""
    point = points[len(points) // 2]
    return ", ".join(f"{c} = {value:.3g}" for c, value in zip(problem.domain.shape.coordinates, point, strict=True))


def sides_without_conditions(problem, conditions: list[BoundaryResidual], asked: int) -> list[Doubt]:
    """A doubt where samples of the boundary have fewer conditions than are asked for."""
    if not asked:
        return []
    shape = problem.domain.shape
    sampled = shape.sampled
    covered = np.zeros(len(sampled.points), int)
    for name in {c.name for c in conditions}:
        walls = [c.place for c in conditions if c.name == name]
        covered += np.any([wall.holds(*sampled.arrays) for wall in walls], axis=0)
    bare = np.flatnonzero(covered < asked)
    share = len(bare) / len(covered)
    if share < _LEAST or len(bare) < 3:
        return []
    where = _where(problem, sampled.points[bare])
    sides = [side for k, side in enumerate(shape.sides) if np.all(covered[sampled.labels == k] < asked)]
    part = f"the side `{sides[0]}`" if sides else f"{share:.0%} of the boundary, near {where},"
    what = "no condition" if asked == 1 else f"fewer than the {asked} conditions it needs"
    u = problem.unknowns[0].func.__name__
    example = f'on="{sides[0]}"' if sides else "on=..."
    return [
        Doubt(f"{part} has {what}, so infinitely many solutions fit: add `spd.Dirichlet({u}, 0, {example})` for it")
    ]
