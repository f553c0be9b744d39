"""Which axes the features of a solution do not resolve, by the last of its coefficients."""

from collections.abc import Mapping

import numpy as np

from spindle.adaptivity.refinements import decays, tail
from spindle.networks.fields import AxisField, MarchedField
from spindle.networks.model import Model
from spindle.networks.spectral import Modes, Spectral
from spindle.results.evaluator import Evaluator
from spindle.results.references import scattered_points
from spindle.training.precision import precision

_RESOLVED = 1e-4  # share of the last tenth of the coefficients, up to which an axis is resolved
_SETTLED = 1e-7  # likewise, up to which it is resolved as well as other features could
_POINTS = 256


def unresolved(evaluator: Evaluator, model: Model) -> dict[str, float]:
    """{axis: share of the solution that the last tenth of its features hold}, of the axes where that is not small.

    Empty for networks that learn their features.
    """
    field, problem = model.field, evaluator.problem
    if isinstance(field, MarchedField):
        last = {problem.coordinates[axis].name: share for axis, share in field.last_shares().items()}
        return {name: share for name, share in last.items() if not share <= _RESOLVED}
    if not isinstance(field, AxisField) or not all(isinstance(body, (Spectral, Modes)) for body in field.bodies):
        return {}
    with np.errstate(all="ignore"):  # of a field that is on its way to divergence
        if max(map(tail, decays(field))) <= _RESOLVED:
            return {}
        # What boundary data add to the field belongs to the solution too.
        points = scattered_points(problem)[:_POINTS]
        values = np.stack([evaluator.inside(model, u, points) for u in problem.unknowns])
        shares = list(map(tail, decays(field, np.sqrt(np.mean(np.nan_to_num(values) ** 2, axis=1)))))
    return {c.name: share for c, share in zip(problem.coordinates, shares, strict=True) if share > _RESOLVED}


def unsettled(model: Model) -> bool:
    """Whether global features do not resolve a solution, so that others may."""
    with np.errstate(all="ignore"):
        return not max(map(tail, decays(model.field))) <= _SETTLED


def in_sentences(evaluator: Evaluator, model: Model, shares: Mapping[str, float]) -> list[str]:
    """One sentence for each axis that is not resolved, in order; `shares` is what `unresolved` returned."""
    names = [c.name for c in evaluator.problem.coordinates]
    if not shares:
        return []
    if isinstance(model.field, MarchedField):
        return [
            f"axis {name} is not resolved: the last coefficients of its polynomials still hold {share:.0e} of the "
            f"solution, though there are as many as can be, or as still change it"
            for name, share in shares.items()
        ]
    with precision(evaluator.plan.dtype):
        features = [len(axis) for axis in decays(model.field)]
    return [
        f"axis {name} is not resolved: the last tenth of its {features[names.index(name)]} features still hold "
        f"{share:.0e} of the solution, so that what is narrow along {name} is missed; raise `width`, or cut the domain"
        for name, share in shares.items()
    ]
