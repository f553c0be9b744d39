"""Problems whose solution is fixed up to a constant, and whether their data allow a solution at all."""

import itertools

import numpy as np

from spindle.problem.consistency.definite import half_order, time_axis
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, has_code, inside, linearised, values_at
from spindle.problem.consistency.places import is_measured

_NODES = 6  # of Gauss's rule on each panel
_PANELS = {1: 32, 2: 12, 3: 4}  # along each axis, by the number of axes
_TOLERANCE = 1e-3  # of the integrals of absolute values; jumps in the data cost as much


def levels(problem) -> list[Doubt]:
    """A doubt where adding a constant changes nothing; a grave one where no solution exists."""
    rows = linearised(problem)
    if rows is None or len(rows) != 1 or len(problem.unknowns) != 1 or time_axis(problem) is not None:
        return []
    row = rows[0]
    if not problem.conditions or is_measured(problem) or half_order(row, problem) != 1 or not _is_free(problem, row):
        return []
    u = problem.unknowns[0].func.__name__
    balance = _balance(problem, row)
    if balance is not None and abs(balance[0] - balance[1]) > _TOLERANCE * balance[2]:
        return [
            Doubt(
                f"the source of {u} amounts to {balance[0]:.4g} in the domain and the given flux to {balance[1]:.4g} "
                f"through its boundary, and without a condition on {u} itself these must be equal, so no solution "
                f"exists: correct one of them, or set {u} somewhere"
            )
        ]
    return [
        Doubt(
            f"neither the equation nor a condition sets {u} itself, so it is fixed up to a constant: set it on a part "
            f"of the boundary, or compare derivatives only",
            fatal=False,
        )
    ]


def _is_free(problem, row: Linear) -> bool:
    """Whether every residual stays as it is when a constant is added to the only unknown."""
    zero = (0,) * len(problem.coordinates)
    if row.of(zero) != 0 or any(zero == o and c != 0 for (_, o), c in row.coefficients.items()):
        return False
    for pieces in problem.pieces.values():
        for piece in pieces:
            shifts = [Linear(e, problem) for _, e in piece.terms]
            if not all(s.affine for s in shifts) or sum(s.of(zero) for s in shifts) != 0:
                return False
    return row.affine


def _balance(problem, row: Linear) -> tuple[float, float, float] | None:
    """(integral of the source, of the flux, of the absolute values of both); None where they are not known.

    The equation is `sum of (a_k u_k)_k + rest = 0` on a single box, each derivative outward or periodic.
    """
    count = len(problem.coordinates)
    if len(problem.domain.boxes) != 1 or count not in _PANELS or has_code(row.rest) or problem.parameters:
        return None
    second = [row.of(tuple(2 * (j == k) for j in range(count))) for k in range(count)]
    if not _is_divergence(problem, row, second):
        return None
    ends = _fluxes(problem, second)
    if ends is None:
        return None
    source, size = _integral(-row.rest, problem, problem.domain.boxes[0])
    total = 0.0
    for face, flux in ends:
        through, absolute = _integral(flux, problem, face.bounds)
        total, size = total + through, size + absolute
    return (source, total, size) if np.isfinite([source, total, size]).all() else None


def _is_divergence(problem, row, second) -> bool:
    points, count = inside(problem), len(problem.coordinates)
    allowed = {tuple(n * (j == k) for j in range(count)) for k in range(count) for n in (1, 2)}
    if not {o for _, o in row.coefficients} <= allowed or any(has_code(c) for c in row.coefficients.values()):
        return False
    for k, (a, c) in enumerate(zip(second, problem.coordinates, strict=True)):
        gap = values_at(row.of(tuple(int(j == k) for j in range(count))) - a.diff(c), problem, points)
        if not np.all(np.abs(gap) <= 1e-9 * (1 + np.abs(values_at(a, problem, points)))):
            return False
    return True


def _fluxes(problem, second) -> list | None:
    """(face, outward flux) of all faces that are not periodic; None unless each has a single Neumann condition."""
    count, found, periodic = len(problem.coordinates), {}, set()
    for pieces in problem.pieces.values():
        for place, residual in itertools.chain.from_iterable(p.terms for p in pieces if len(p.terms) == 1):
            linear = Linear(residual, problem)
            across = tuple(int(j == place.axis) for j in range(count))
            if place in found or set(linear.coefficients) != {(problem.unknowns[0], across)} or has_code(residual):
                return None
            found[place] = -place.outward * second[place.axis] * linear.rest / linear.of(across)
        periodic |= {place.axis for p in pieces if len(p.terms) == 2 for place, _ in p.terms}
    faces = [f for f in problem.domain.faces if f.axis not in periodic]
    return [(f, found[f]) for f in faces] if set(faces) == set(found) else None


def _integral(expression, problem, bounds) -> tuple[float, float]:
    """The integral of an expression and of its absolute value over the axes of a box that are not fixed."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    panels = _PANELS[len(bounds)]
    axes = []
    for low, high in bounds:
        if low == high:
            axes.append((np.array([low]), np.ones(1)))
            continue
        cuts = np.linspace(low, high, panels + 1)
        half = (high - low) / panels / 2
        middles = (cuts[:-1] + cuts[1:]) / 2
        axes.append(((middles[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)))
    points = np.stack([m.ravel() for m in np.meshgrid(*[x for x, _ in axes], indexing="ij")], axis=1)
    weight = np.prod(np.stack([m.ravel() for m in np.meshgrid(*[w for _, w in axes], indexing="ij")]), axis=0)
    values = values_at(expression, problem, points)
    return float(np.sum(weight * values)), float(np.sum(weight * np.abs(values)))
