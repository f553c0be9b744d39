"""Coefficients given as code that jump where an equation differentiates them: their values are all that is known."""

import numpy as np
from sympy.core.function import AppliedUndef

from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.linear import inside, is_code, leading

_LINES, _NODES = 12, 801
_PARTS = 16  # of an interval that is searched again
_THIN = 1e-5  # of the length of the axis; code may compute in single precision, so that no less can be told apart
_JUMP = 1e-2  # of the range of the values
_KEPT = 0.5  # of the first difference: what a smooth function loses when the interval shrinks


def given_jumps(problem) -> list[Doubt]:
    """A doubt for each given function before the highest derivatives along an axis that jumps along it."""
    jumps = {}
    for equation in problem.equations:
        for function, axis in _leading(equation.residual, problem):
            name = function.func.__name__
            jump = None if name in jumps else _jump(function, axis, problem)
            if jump is not None:
                jumps[name] = jump
    return [
        Doubt(
            f"the coefficient `{name}`, given as code, jumps from {before:.4g} to {after:.4g} at {place} and stands "
            f"before the highest derivative across, where the flux through the jump is lost: let it go from one to "
            f"the other over a width that the network resolves, or take the flux as a further unknown"
        )
        for name, (place, before, after) in jumps.items()
    ]


def _leading(residual, problem):
    """(given function, axis) where it stands before the highest derivatives, of second order or more, along an axis."""
    if any(map(_may_jump, residual.atoms(AppliedUndef))):
        for coefficient, axis, order in leading(residual, problem):
            for function in sorted(coefficient.atoms(AppliedUndef), key=str) if order > 1 else ():
                if _may_jump(function) and problem.coordinates[axis] in function.args:
                    yield function, axis


def _may_jump(function) -> bool:
    return is_code(function) and not function.func.smooth


def _jump(function, axis: int, problem) -> tuple[str, float, float] | None:
    """The place of the largest jump along an axis with the values on both sides, if there is one."""
    if not set(function.args) <= set(problem.coordinates):
        return None
    columns = [problem.coordinates.index(c) for c in function.args]
    low, high = problem.domain.bounds[axis]

    def values(base: np.ndarray, along: np.ndarray) -> np.ndarray:
        points = np.repeat(base[None], len(along), 0)
        points[:, axis] = along
        given = function.func.given(*(points[:, k] for k in columns))
        return np.broadcast_to(np.asarray(given, float), len(along))

    try:
        for base in inside(problem, _LINES):
            ends, step, size = (low, high), np.inf, 0.0
            while ends[1] - ends[0] > _THIN * (high - low):
                along = np.linspace(*ends, _NODES if np.isinf(step) else _PARTS + 1)
                sampled = values(base, along)
                k = int(np.argmax(np.abs(np.diff(sampled))))
                size, kept = max(size, float(np.ptp(sampled))), step
                step = float(abs(sampled[k + 1] - sampled[k]))
                if not step > _JUMP * size or (np.isfinite(kept) and step < _KEPT * kept):
                    break
                ends = along[k], along[k + 1]
            else:
                point = np.r_[base[:axis], np.mean(ends), base[axis + 1 :]]
                place = ", ".join(f"{problem.coordinates[j].name} = {point[j]:.4g}" for j in columns)
                return place, float(sampled[k]), float(sampled[k + 1])
    except Exception:  # whatever users' code raises at such points; where it matters it is called, and told of, again
        return None
    return None
