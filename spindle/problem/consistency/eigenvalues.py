"""Helmholtz's equation on a box at an eigenvalue: no solution, or infinitely many."""

import numpy as np
import sympy

from spindle.problem.consistency.boundary_residuals import boundary_residuals, is_measured
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import Linear, linearised
from spindle.symbolic.symbols import Parameter

_NEAR = 1e-6  # relative distance to an eigenvalue
_MOST = 200_000  # eigenvalues looked at


def resonances(problem) -> list[Doubt]:
    """A doubt where `sum of a_k u_kk + c u = f` has c at an eigenvalue under its conditions on a box."""
    rows = linearised(problem)
    if (
        rows is None
        or len(rows) != 1
        or len(problem.unknowns) != 1
        or problem.time is not None
        or problem.has_integrals
    ):
        return []
    row, count = rows[0], len(problem.coordinates)
    second = [tuple(2 * (j == k) for j in range(count)) for k in range(count)]
    known = {o: v for (_, o), c in row.coefficients.items() if (v := _constant(c)) is not None}
    zero = (0,) * count
    if set(known) != {*second, zero} or len(known) != len(row.coefficients) or len(problem.domain.boxes) != 1:
        return []
    if is_measured(problem) or len({np.sign(value) for value in known.values()}) != 1:
        return []
    kinds = [kind for k in range(count) if (kind := _kind(problem, k))]
    if len(kinds) < count:
        return []
    wanted, sums = abs(known[zero]), np.zeros(1)
    for kind, orders, (low, high) in zip(kinds, second, problem.domain.boxes[0], strict=True):
        undetermined_constants = abs(known[orders]) * _eigenvalues(kind, high - low, wanted / abs(known[orders]))
        sums = np.unique((sums[:, None] + undetermined_constants).ravel())
        sums = sums[sums <= wanted * (1 + 2 * _NEAR)]
        if not len(sums) or len(sums) > _MOST:
            return []
    if np.abs(sums - wanted).min() > _NEAR * wanted:
        return []
    u = problem.unknowns[0].func.__name__
    return [
        Doubt(
            f"the factor {known[zero]:.8g} of {u} is an eigenvalue of the rest of the equation under these conditions, "
            f"so that it has no solution or infinitely many: change it a little, or the box"
        )
    ]


def _constant(coefficient) -> float | None:
    """The number that a coefficient is; None where it varies or is to be estimated."""
    fixed = [p for p in coefficient.free_symbols if isinstance(p, Parameter) and p.value is not None and not p.unknown]
    values = {p: sympy.Float(p.value) for p in fixed}
    number = coefficient.xreplace(values)
    return float(number) if number.is_number and number.is_real else None


def _kind(problem, axis: int) -> str | None:
    """`values`, `derivatives`, `mixed` or `periodic`: what the conditions set at the ends of an axis."""
    on_axis = [c for c in boundary_residuals(problem) if c.place.axis == axis]
    if on_axis and all(c.periodic for c in on_axis):
        return "periodic"
    orders = []
    for face in (f for f in problem.domain.faces if f.axis == axis):
        here = [Linear(c.residual, problem).coefficients for c in on_axis if c.place == face and not c.periodic]
        if len(here) != 1 or len(here[0]) != 1:
            return None
        ((_, order),) = here[0]
        if sum(order) != order[axis] or order[axis] > 1:
            return None
        orders.append(order[axis])
    return {0: "values", 1: "mixed", 2: "derivatives"}[sum(orders)] if len(orders) == 2 else None


def _eigenvalues(kind: str, length: float, most: float) -> np.ndarray:
    """The eigenvalues of minus the second derivative up to a bound, a little beyond it."""
    count = np.arange(int(min(np.sqrt(most) * length / np.pi, _MOST)) + 2)
    steps = {"values": count[1:], "derivatives": count, "mixed": count + 0.5, "periodic": 2 * count}[kind]
    return (steps * np.pi / length) ** 2
