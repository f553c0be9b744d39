"""The optimizers that settings can ask for, and these settings: a new one is made known here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spindle.methods.open_settings import Rate, Transformation
from spindle.methods.settings import Positive, Whole, Words, setting
from spindle.training.optimizers.adam import SCHEDULES, Adam, Transformed
from spindle.training.optimizers.base import Optimizer
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.optimizers.lbfgs import LBFGS
from spindle.training.optimizers.ssbroyden import SSBroyden


@dataclass(frozen=True)
class OptimizerKind:
    """An optimizer as methods, checks and doubts know it.

    make          its class, or a function that returns one of its kind
    settings      {argument of that: setting that gives it}, "steps" among the arguments
    first_order   whether it follows gradients, and may stand still where Gauss-Newton does not
    """

    make: Callable[..., Optimizer]
    settings: Mapping[str, str]
    first_order: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class TrainingSettings:
    """What every method can be told of its optimizers."""

    steps: int | str | None = setting(
        Whole(0, 10**9),
        "of Adam",
        also={"auto": "of `PINN`, 2,000, 8,000 on a single axis, and none before Gauss-Newton"},
        trains=True,
    )
    optimizer: Any = setting(Transformation(), "what takes these steps in place of Adam")
    learning_rate: float | Callable | None = setting(Rate(), "of Adam, at the start")
    schedule: str | None = setting(Words(SCHEDULES), "how it falls")
    lbfgs_steps: int | str | None = setting(Whole(0, 10**9), "L-BFGS iterations after Adam", trains=True)
    lbfgs_rate: float | None = setting(Positive(), "their constant step length; None: a line search")
    lbfgs_memory: int | None = setting(Whole(1, 1000), "pairs of changes they remember")
    broyden_steps: int | None = setting(
        Whole(0, 10**9),
        "iterations of SSBroyden after these, which hold a full inverse Hessian of the parameters; None: 0",
        trains=True,
    )
    newton_steps: int | str | None = setting(
        Whole(0, 10**6), "Gauss-Newton steps after all others, at most", trains=True
    )


def _first_order(steps: int, learning_rate, schedule: str | None, transformation: Any) -> Optimizer:
    """Adam, or what the user gave in its place."""
    if transformation is None:
        return Adam(steps, learning_rate, schedule)
    return Transformed(transformation, steps, learning_rate, schedule)


# In the order in which they train.
KINDS: Mapping[str, OptimizerKind] = {
    Adam.label: OptimizerKind(
        _first_order,
        {"steps": "steps", "learning_rate": "learning_rate", "schedule": "schedule", "transformation": "optimizer"},
        first_order=True,
    ),
    LBFGS.label: OptimizerKind(
        LBFGS, {"steps": "lbfgs_steps", "memory": "lbfgs_memory", "rate": "lbfgs_rate"}, first_order=True
    ),
    SSBroyden.label: OptimizerKind(SSBroyden, {"steps": "broyden_steps"}, first_order=True),
    GaussNewton.label: OptimizerKind(GaussNewton, {"steps": "newton_steps"}),
}


def optimizers(value: Callable[[str], Any]) -> list[Optimizer]:
    """The optimizers that take steps, by the values of settings."""
    asked = (kind for kind in KINDS.values() if value(kind.settings["steps"]))
    return [kind.make(**{name: value(setting) for name, setting in kind.settings.items()}) for kind in asked]


def setting_of_steps(label: str) -> str:
    """The setting that says how many steps an optimizer takes, by its label, which may go on after that of its kind."""
    return next((kind.settings["steps"] for name, kind in KINDS.items() if label.startswith(name)), "steps")
