"""Parts of the boundary of a shape that no condition holds on."""

import numpy as np

from spindle.problem.consistency.boundary_residuals import BoundaryResidual
from spindle.problem.consistency.doubt import Doubt

_LEAST = 0.01  # of the boundary; corners are sampled to one side of them or the other


def sides_without_conditions(problem, conditions: list[BoundaryResidual], asked: int) -> list[Doubt]:
    """A doubt where samples of the boundary have fewer conditions than are asked for."""
    if not asked:
        return []
    shape = problem.domain.shape
    sampled = shape.sampled
    covered = np.zeros(len(sampled.points), int)
    for name in {c.name for c in conditions}:
        walls = [c.place for c in conditions if c.name == name]
        covered += np.any([wall.holds(sampled.points, sampled.labels) for wall in walls], axis=0)
    bare = np.flatnonzero(covered < asked)
    share = len(bare) / len(covered)
    if share < _LEAST or len(bare) < 3:
        return []
    point = sampled.points[bare[len(bare) // 2]]
    where = ", ".join(f"{c} = {value:.3g}" for c, value in zip(shape.coordinates, point, strict=True))
    sides = [side for k, side in enumerate(shape.sides) if np.all(covered[sampled.labels == k] < asked)]
    part = f"the side `{sides[0]}`" if sides else f"{share:.0%} of the boundary, near {where},"
    what = "no condition" if asked == 1 else f"fewer than the {asked} conditions it needs"
    u = problem.unknowns[0].func.__name__
    example = f'on="{sides[0]}"' if sides else "on=..."
    return [Doubt(f"{part} has {what}, so infinitely many solutions fit: add `sp.Dirichlet({u}, 0, {example})` for it")]
