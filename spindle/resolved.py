"""Which axes the features of a solution do not resolve, by the last of its coefficients."""

from collections.abc import Mapping

import numpy as np

from spindle.methods.growth import decays, tail
from spindle.networks.fields import AxisField
from spindle.networks.spectral import Modes, Spectral
from spindle.objective.objective import Model
from spindle.references import scattered_points
from spindle.results.evaluator import Evaluator
from spindle.training.precision import precision

_RESOLVED = 1e-4  # share of the last tenth of the coefficients, up to which an axis is resolved
_POINTS = 256


def unresolved(evaluator: Evaluator, model: Model) -> dict[str, float]:
    """{axis: share of the solution that the last tenth of its features hold}, of the axes where that is not small.

    Empty for networks that learn their features.
    """
    field, problem = model.field, evaluator.problem
    if not isinstance(field, AxisField) or not all(isinstance(body, (Spectral, Modes)) for body in field.bodies):
        return {}
    with np.errstate(all="ignore"):  # of a field that is on its way to divergence
        if max(map(tail, decays(field))) <= _RESOLVED:
            return {}
        # What boundary data add to the field belongs to the solution too.
        points = scattered_points(problem)[:_POINTS]
        values = np.stack([evaluator.inside(model, u, points) for u in problem.unknowns])
        found = list(map(tail, decays(field, np.sqrt(np.mean(np.nan_to_num(values) ** 2, axis=1)))))
    return {c.name: share for c, share in zip(problem.coordinates, found, strict=True) if share > _RESOLVED}


def in_sentences(evaluator: Evaluator, model: Model, shares: Mapping[str, float]) -> list[str]:
    """One sentence for each axis that is not resolved, in order; `shares` is what `unresolved` returned."""
    names = [c.name for c in evaluator.problem.coordinates]
    if not shares:
        return []
    with precision(evaluator.plan.dtype):
        features = [len(axis) for axis in decays(model.field)]
    return [
        f"axis {name} is not resolved: the last tenth of its {features[names.index(name)]} features still hold "
        f"{share:.0e} of the solution, so that what is narrow along {name} is missed; raise `width`, or cut the domain"
        for name, share in shares.items()
    ]
