"""What a training is told, what it changes, and how it ends."""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from spindle.networks.model import Model
from spindle.objective.base import TrainingObjective
from spindle.training.best import Best
from spindle.training.history import History
from spindle.training.redrawing import Redrawing
from spindle.training.stages import Refined, Stage


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    stages     one after the other
    resample   draw new points every so many steps (0: never); optimizers that need fixed points keep the last ones
    redrawing  what draws them by a look at the model; None: the rule of the objective
    balance    adapt the weights every so many steps so that all residuals pull alike (0: never)
    balancing  "gradient norms", or "ntk", by traces of the tangent kernel
    keep       "last" parameters, or one of `best.LOOKS`: those of the "lowest loss", looked at every 10 steps, or of
               the "lowest late loss", every 100 steps of the last 30 %
    """

    stages: tuple[Stage, ...]
    resample: int = 0
    balance: int = 0
    keep: str = "last"
    redrawing: Redrawing | None = None
    balancing: str = "gradient norms"


@dataclass(frozen=True)
class Limits:
    """When to stop early.

    until   the instant of `time.perf_counter` at which training ends
    loss    one that is small enough
    ends    the instant from which on nothing is waited for any more
    """

    until: float = math.inf
    loss: float = 0.0
    ends: float = math.inf


class State(NamedTuple):
    """Everything that training changes, on the device.

    best   of the parameters so far; None where the last ones are kept
    """

    step: jax.Array
    arrays: Model
    optimizer: object
    points: object
    weights: dict[str, jax.Array]
    key: jax.Array
    loss: jax.Array
    best: Best | None

    @property
    def chosen(self) -> tuple[Model, jax.Array | None]:
        """The arrays that count as the result at this moment, and the loss they were chosen by; None: the last ones."""
        if self.best is None or not jnp.isfinite(self.best.loss):
            return self.arrays, None
        return self.best


@dataclass(frozen=True)
class HostState:
    """Everything that training changes, on the host.

    number      of the present stage
    began       the step at which it began
    objective   what is minimised in it
    static      what is no trained array of the model
    refined     the refinements so far
    refused     sentences on those that would not have fitted into the memory
    cut_short   whether some stage had fewer steps than it was to have, to leave time for those after it
    """

    number: int
    began: int
    objective: TrainingObjective
    static: Any
    refined: tuple[Refined, ...] = ()
    refused: tuple[str, ...] = ()
    cut_short: bool = False


@dataclass
class Outcome:
    """How training ended.

    stopped_by   steps, converged, budget, target, diverged, interrupted or callback
    residuals    root mean square of each residual on the last training points
    grown        the refinements, as stored
    began        the step at which the last stage began
    refused      sentences on refinements that would not have fitted into the memory, and on what could not be solved
    reached      the instant up to which time was solved; None where it was solved at once
    error        what a callback raised, which ended training
    """

    model: Model
    stopped_by: str
    steps: int
    loss: float
    residuals: dict[str, float]
    history: History = field(default_factory=History)
    grown: list[dict] = field(default_factory=list)
    began: int = 0
    refused: list[str] = field(default_factory=list)
    reached: float | None = None
    error: Exception | None = None
