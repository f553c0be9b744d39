"""What a training is told, what it changes, and how it ends."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import jax

from spindle.networks.model import Model
from spindle.training.history import History
from spindle.training.optimizers.base import Optimizer


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    phases     optimizers, one after the other
    resample   draw new points every so many steps (0: never); phases that need fixed points keep the last ones
    balance    adapt the weights every so many steps so that all residuals pull with gradients of one norm (0: never)
    keep       "last" parameters, or those of the "lowest loss", looked at every 10 steps
    """

    phases: tuple[Optimizer, ...]
    resample: int = 0
    balance: int = 0
    keep: str = "last"


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
    """Everything that training changes, on the device."""

    step: jax.Array
    arrays: Model
    optimizer: object
    points: object
    weights: dict[str, jax.Array]
    key: jax.Array
    loss: jax.Array
    best: Model
    best_loss: jax.Array


@dataclass
class Outcome:
    """How training ended.

    stopped_by   steps, converged, budget, target, diverged or interrupted
    residuals    root mean square of each residual on the last training points
    grown        the phases that enlarged the model, and what they decided
    began        the step at which the last phase began
    refused      sentences on enlargements that would not have fitted into the memory
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
