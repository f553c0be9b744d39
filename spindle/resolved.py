"""Which axes the features of a solution do not resolve, by the last of its coefficients."""

import numpy as np

from spindle.methods.growth import decays, tail
from spindle.networks.fields import AxisField
from spindle.networks.spectral import Modes, Spectral
from spindle.references import scattered_points
from spindle.solution import Solution
from spindle.training.precision import precision

_RESOLVED = 1e-4  # share of the last tenth of the coefficients, up to which an axis is resolved
_POINTS = 256


def unresolved(solution: Solution) -> dict[str, float]:
    """{axis: share of the solution that the last tenth of its features hold}, of the axes where that is not small.

    Empty for networks that learn their features.
    """
    field, problem = solution.model.field, solution.problem
    if not isinstance(field, AxisField) or not all(isinstance(body, (Spectral, Modes)) for body in field.bodies):
        return {}
    with np.errstate(all="ignore"):  # of a field that is on its way to divergence
        if max(map(tail, decays(field))) <= _RESOLVED:
            return {}
        # What boundary data add to the field belongs to the solution too.
        points = scattered_points(problem)[:_POINTS]
        values = np.stack([solution.evaluate(points, u) for u in problem.unknowns])
        found = list(map(tail, decays(field, np.sqrt(np.mean(np.nan_to_num(values) ** 2, axis=1)))))
    return {c.name: share for c, share in zip(problem.coordinates, found, strict=True) if share > _RESOLVED}


def in_sentences(solution: Solution) -> list[str]:
    """One sentence for each axis that is not resolved."""
    names = [c.name for c in solution.problem.coordinates]
    if not solution.run.unresolved:
        return []
    with precision(solution.plan.dtype):
        features = [len(axis) for axis in decays(solution.model.field)]
    return [
        f"axis {name} is not resolved: the last tenth of its {features[names.index(name)]} features still hold "
        f"{share:.0e} of the solution, so that what is narrow along {name} is missed; raise `width`, or cut the domain"
        for name, share in solution.run.unresolved.items()
    ]
