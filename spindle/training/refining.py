"""A model is refined, and the host knows of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx

from spindle.training.schedule import HostState
from spindle.training.stages import Refined, Stage


def refined(
    host: HostState, stages: Sequence[Stage], number: int, decision: Any, arrays, loss: float
) -> tuple[HostState, Any]:
    """The host's state and the arrays of a model that is refined as was decided for a stage, at that loss.

    Raises ValueError where the stage refines nothing.
    """
    refine = stages[number].refinement
    model = refine.apply(eqx.combine(arrays, host.static), decision)
    objective = refine.objective(model) or host.objective
    entry = Refined(number, decision, refine.describe(decision), loss)
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    return replace(host, objective=objective, static=static, refined=(*host.refined, entry)), arrays
