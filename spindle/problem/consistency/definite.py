"""Whether a scalar equation is elliptic in space, and whether its fast modes grow in time."""

import numpy as np

from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, inside, values_at

_DIRECTIONS = 40


def half_order(row: Linear, problem) -> int:
    """m where the part of order 2 m in space is elliptic: of one sign in all directions at all points; else 0."""
    highest, symbol = principal(row, problem)
    if highest < 2 or highest % 2 or not np.isfinite(symbol).all():
        return 0
    return highest // 2 if np.all(symbol * np.sign(symbol[0, 0]) > 1e-12 * np.abs(symbol).max()) else 0


def principal(row: Linear, problem) -> tuple[int, np.ndarray]:
    """The highest order of derivatives in space alone, and the symbol of that part, real, (points, directions)."""
    space, points = problem.space, inside(problem)
    spatial = [o for _, o in row.coefficients if all(n == 0 for k, n in enumerate(o) if k not in space)]
    highest = max(map(sum, spatial), default=0)
    directions = np.random.default_rng(3).normal(size=(_DIRECTIONS, len(problem.coordinates)))
    directions[: len(space)] = np.eye(len(problem.coordinates))[list(space)]
    symbol = np.zeros((len(points), _DIRECTIONS))
    with np.errstate(invalid="ignore"):  # a coefficient may be infinite somewhere, which whoever asks looks for
        for orders in (o for o in spatial if sum(o) == highest):
            symbol += values_at(row.of(orders), problem, points)[:, None] * np.prod(directions ** np.array(orders), 1)
    return highest, symbol


def backward(row: Linear, problem, starts: int, ends: int, order: int) -> list[Doubt]:
    """Doubts whether an equation is solved against the direction of time in which it smooths.

    starts, ends   conditions at the first and at the last instant
    order          of the equation in time
    """
    m, axis = half_order(row, problem), problem.time
    if not m or axis is None or order not in (1, 2) or not (starts or ends) or (starts and ends):
        return []
    along = tuple(order * (k == axis) for k in range(len(problem.coordinates)))
    mixed = [o for _, o in row.coefficients if o[axis] and o != along]
    if mixed or not all(row.is_clear(o) for _, o in row.coefficients if sum(o) in (2 * m, order)):
        return []
    _, symbol = principal(row, problem)
    growth = (-1) ** (m + 1) * symbol / values_at(row.of(along), problem, inside(problem))[:, None]
    growth = growth if starts or order == 2 else -growth
    if not np.isfinite(growth).all() or not np.all(growth > 0):
        return []
    u, t = problem.unknowns[0].func.__name__, problem.coordinates[axis].name
    if order == 1:
        cause = "diffuses backwards in time" if starts else "smooths forwards in time and is given at the end alone"
    else:
        cause = f"is elliptic in {t} too, and everything about {t} is given at one instant"
    return [
        Doubt(
            f"the equation of {u} {cause}, so that the smallest error in the data grows without bound and no solution "
            f"depends on them continuously: check the sign of the highest derivatives, or give {u} at the other instant"
        )
    ]
