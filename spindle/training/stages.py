"""One stage of training: an optimizer, on a model that may be refined first."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from spindle.networks.model import Model
from spindle.objective.base import TrainingObjective
from spindle.training.optimizers.base import Optimizer


class Refinement(ABC):
    """How a model becomes a larger one, or gets another objective.

    What is decided by looking at a model is plain data, so that it can be stored and done again.
    """

    @abstractmethod
    def decide(self, model: Model, reached: float) -> Any:
        """What to refine, JSON-ready; None: nothing. `reached` is the residual relative to that of the zero field."""

    @abstractmethod
    def apply(self, model: Model, decision: Any) -> Model:
        """The refined model; what it represents changes little."""

    @abstractmethod
    def objective(self, model: Model) -> TrainingObjective | None:
        """The objective that the refined model needs; None: the one so far."""

    @abstractmethod
    def describe(self, decision: Any) -> str:
        """One sentence for the record."""


@dataclass(frozen=True)
class Refined:
    """A refinement that was made.

    stage      the number of the stage that began with it
    decision   see `Refinement.decide`
    what       one sentence for the record
    loss       the last one before
    """

    stage: int
    decision: Any
    what: str
    loss: float

    def to_data(self) -> dict:
        """JSON-ready, in the words of the stored format."""
        return {"phase": self.stage, "decision": self.decision, "what": self.what, "loss": self.loss}

    @classmethod
    def from_data(cls, data) -> "Refined":
        """What `to_data` wrote."""
        return cls(data["phase"], data["decision"], data["what"], data["loss"])


@dataclass(frozen=True)
class Stage:
    """The steps of one optimizer.

    optimizer   what takes them
    refine      how the model is refined first; None: it stays as it is
    tolerance   residual, relative to that of the zero field, below which there is nothing to gain by refining
    insists     refine also after a refinement of the same kind that gained little
    """

    optimizer: Optimizer
    refine: Refinement | None = None
    tolerance: float = 3e-7
    insists: bool = False

    @property
    def refinement(self) -> Refinement:
        """`refine`; raises ValueError where there is none, though a file tells of one."""
        if self.refine is None:
            raise ValueError("a stage was refined that refines nothing")
        return self.refine

    def decide(self, model: Model, loss: jax.Array, before: Any, last: float | None) -> Any:
        """What to refine; None where the stage before, by its last loss and state, left nothing to gain.

        last   the loss before the last refinement, where that was of the same kind; if that one did not halve it, what
               limits is no lack of such parameters
        """
        reached = float(jnp.sqrt(jnp.abs(loss) / before.size))
        useless = last is not None and not float(loss) < 0.5 * last and not self.insists
        return None if reached < self.tolerance or useless else self.refinement.decide(model, reached)


def loss_before_such(number: int, stages: Sequence[Stage], made: Sequence[Refined]) -> float | None:
    """The loss before the last refinement; None where that was the first one, or of another kind than the stage's.

    That more products gained nothing says nothing of more features.
    """
    if len(made) < 2:
        return None
    last = made[-1]
    return last.loss if isinstance(stages[number].refine, type(stages[last.stage].refine)) else None
