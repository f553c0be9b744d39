"""PINN, the physics-informed neural network of all coordinates: the baseline that others are measured against."""

import math
from dataclasses import dataclass
from typing import ClassVar

from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.lowering.breaks import breaks
from spindle.lowering.residuals import residual_forms
from spindle.methods.base import (
    Method,
    Plan,
    assemble,
    constraints_for,
    points_an_axis,
    pointwise_field,
    published_problem,
)
from spindle.points.cloud import Cloud
from spindle.problem.problem import Problem

# On a single axis a step is cheap, and L-BFGS needs a good start.
_STEPS_ON_ONE_AXIS, _STEPS = 8_000, 2_000
_PAPER = {
    "network": "mlp",
    "width": 128,
    "hidden_layers": 4,
    "activation": "tanh",
    "initial": "glorot",
    "frequency": 1.0,
    "harmonics": 5,
    "scale_inputs": False,
    "hard": "off",
    "points": 16,
    "sampling": "random",
    "resample": 100,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 1.0,
    "steps": 50_000,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "lbfgs_memory": 20,
    "newton_steps": 0,
    "keep": "lowest loss",
    "dtype": "float32",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class PINN(Method):
    """Physics-informed neural network: one network of all coordinates, trained on a cloud of points.

    The settings of all methods apply; `points` is a number n an axis, for n^d points inside and n^(d-1) on each face.
    Derivatives come from one forward pass on a jet. Prefer it for many outputs of a small problem, or as the baseline;
    `network="modified"` is the stronger one. Adam takes 2,000 steps, 8,000 on a single axis.
    `recipe="paper"`: the baseline of the SPINN paper (5 layers of width 128, Adam 1e-3, 50,000 steps, single precision,
    new random points every 100 steps, a boundary term that is one mean over all faces).

    Source: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378; settings of Cho et al. (2023).
    """

    name: ClassVar[str] = "pinn"
    recipes: ClassVar = {
        "paper": _PAPER,
        "default": _PAPER
        | {
            "network": "mlp",
            "width": 48,
            "hidden_layers": 3,
            "scale_inputs": True,
            "hard": "auto",
            "points": "auto",
            "sampling": "sobol",
            "resample": 0,
            "balance": 100,
            "steps": "auto",
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "lbfgs_steps": 2_000,
            "keep": "last",
            "dtype": "float64",
        },
    }

    def plan(self, problem: Problem) -> Plan:
        """A cloud, one network, one jet."""
        problem, notes = published_problem(problem, self.recipe)
        return plan_on_cloud(problem, self.resolved(problem), notes)


def plan_on_cloud(problem: Problem, settings: dict, notes: tuple[str, ...]) -> Plan:
    """The plan of one network of all coordinates, from the settings."""
    if settings["steps"] == "auto":
        settings["steps"] = _STEPS_ON_ONE_AXIS if len(problem.coordinates) == 1 else _STEPS
    constraints, sentences = constraints_for(problem, settings)
    counts = points_an_axis(settings, len(problem.coordinates), total=4_096, most=64)
    interior = math.prod(counts)
    boundary = max(1, round(interior / interior ** (1 / len(counts))))
    narrow = breaks(problem)

    forms = residual_forms(problem, constraints)

    def derivatives(fresh: bool) -> PointwiseTaylor:
        rule = "random" if fresh else settings["sampling"]
        cloud = Cloud(forms.supports, forms.groups, interior=interior, boundary=boundary, rule=rule, breaks=narrow)
        return PointwiseTaylor(cloud, forms.needs)

    field = pointwise_field(problem, constraints, settings)
    return assemble(forms, field, derivatives, settings, (*notes, *sentences))
