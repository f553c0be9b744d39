"""PINN, the physics-informed neural network of all coordinates: the baseline that others are measured against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from spindle.adaptivity.points_by_residual import ADAPTIVE, PointsByResidual
from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.errors import MethodError
from spindle.lowering.breaks import breaks
from spindle.lowering.residuals import ResidualForms, residual_forms
from spindle.methods.assembly import (
    assemble,
    constraints_for,
    each_axis,
    enough_points,
    pointwise_field,
    published_problem,
)
from spindle.methods.base import COMMON, INITIAL, Method, Plan, refuse_interfaces
from spindle.methods.named_points import points_by_support
from spindle.methods.open_settings import CloudSettings
from spindle.methods.second_order import by_second_order, left_open, newton_stages, of_second_order, said_of_newton
from spindle.methods.settings import Positive, Rule, Whole, Words, documented, setting
from spindle.objective.objective import Objective
from spindle.points.base import PointwisePoints
from spindle.points.cloud import Cloud
from spindle.points.sorted_times import SortedTimes
from spindle.problem.problem import Problem

Decided = TypeVar("Decided", bound=Method)
# On a single axis a step is cheap, and L-BFGS needs a good start.
_STEPS_ON_ONE_AXIS, _STEPS = 8_000, 2_000
_USUAL = {"total": 4_096, "most": 64}
# Of networks that first-order optimizers train.
FIRST_ORDER = COMMON | {
    "network": "mlp",
    "width": 48,
    "hidden_layers": 3,
    "activation": "tanh",
    "initial": "glorot",
    "frequency": 1.0,
    "harmonics": 5,
    "scale_inputs": True,
    "hard": "auto",
    "points": "auto",
    "sampling": "sobol",
    "resample": 0,
    "weights": {},
    "balance": 100,
    "faces": "mean",
    "conditions": 1.0,
    "steps": "auto",
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "lbfgs_steps": 2_000,
    "lbfgs_memory": 20,
    "newton_steps": 0,
    "keep": "last",
    "dtype": "float64",
}
_DEFAULT = FIRST_ORDER | dict.fromkeys(
    ("width", "initial", "frequency", "sampling", "resample", "balance", "lbfgs_steps", "newton_steps"), "auto"
)
_PAPER = FIRST_ORDER | {
    "scales": "off",
    "width": 128,
    "hidden_layers": 4,
    "scale_inputs": False,
    "hard": "off",
    "points": 16,
    "sampling": "random",
    "resample": 100,
    "balance": 0,
    "steps": 50_000,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "keep": "lowest loss",
    "dtype": "float32",
}


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class PINN(CloudSettings, Method):
    """Physics-informed neural network: one network of all coordinates, trained on a cloud of points.

    `points` is a number n an axis, for n^d points inside and n^(d-1) on each face, or points themselves, or either by
    name, `points={"interior": 4000, "dirichlet u": 200}`. Derivatives come from one forward pass on a jet. Networks of
    up to 4,000 parameters are trained by Gauss-Newton, with a Jacobian row by row, on points that are drawn anew where
    the residual is; larger ones, and modules of one's own, by Adam, 2,000 steps (8,000 on a single axis), and L-BFGS,
    as are those whose `steps` or `lbfgs_steps` are given. Prefer it for many outputs of a small problem, or as the
    baseline.
    Networks, optimizers, schedules, activations and points of one's own stand where words do:

        spd.PINN(network=lambda key: eqx.nn.MLP(2, 1, 32, 3, jnp.tanh, key=key), optimizer=optax.lion,
                learning_rate=optax.cosine_decay_schedule(1e-3, 5000), points={"interior": 4000, "boundary": 200})

    `recipe="paper"`: the baseline of the SPINN paper (5 layers of width 128, Adam 1e-3, 50,000 steps, single precision,
    new random points every 100 steps, a boundary term that is one mean over all faces).

    Source: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378; settings of Cho et al. (2023).
    """

    width: int | str | tuple[int, ...] | None = setting(
        Whole(1, 10**7),
        "neurons in each hidden layer",
        also={"auto": "24 (20 of the modified network) for Gauss-Newton, else 48"},
        sizes=True,
    )
    initial: str | None = setting(
        Words(INITIAL), "first weights of plain layers", also={"auto": '"spread" for Gauss-Newton, else "glorot"'}
    )
    frequency: float | str | tuple[float, ...] | None = setting(
        Positive(several=True),
        "highest frequency of the first layer of sine networks, and with `initial='spread'` the steepest slope of that "
        "of others, on inputs scaled to [-1, 1]",
        also={"auto": "for Gauss-Newton by the functions that the problem contains, else 1"},
        per_axis=True,
    )
    sampling: str | None = setting(
        Rule(),
        'rule for collocation points: "sobol", "random", "uniform" or "midpoint"; "sorted", instants in their order, '
        'at each the same random places; "rad" and "rar-d", drawn anew by the residual, all of them or the oldest of a '
        "half (Wu et al. 2023)",
        also={"auto": '"rad" for Gauss-Newton, else "sobol"'},
    )
    resample: int | str | None = setting(
        Whole(0, 10**9),
        "draw new points every so many steps; 0: never",
        also={"auto": "2 where the residual says where, 100 in training of first order, else 0"},
    )
    balance: int | str | None = setting(
        Whole(0, 10**9),
        "adapt the weights every so many steps by gradient norms; 0: never",
        also={"auto": "100, and 0 for Gauss-Newton"},
    )
    lbfgs_steps: int | str | None = setting(
        Whole(0, 10**9),
        "L-BFGS iterations after Adam",
        also={"auto": "2,000, or none before Gauss-Newton"},
        trains=True,
    )
    newton_steps: int | str | None = setting(
        Whole(0, 10**6),
        "Gauss-Newton steps after all others, at most",
        also={
            "auto": "600 for up to 4,000 parameters in double precision, unless steps of Adam or L-BFGS are asked for"
        },
        trains=True,
    )
    name: ClassVar[str] = "pinn"
    recipes: ClassVar = {"default": _DEFAULT, "paper": _PAPER}

    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """The number of points and steps."""
        return decided_on_cloud(self.resolved(problem), problem), ()

    def plan(self, problem: Problem) -> Plan:
        """A cloud, one network, one jet."""
        refuse_interfaces(problem, "spd.PINN()")
        problem, notes = published_problem(problem, self.recipe)
        s, _ = self.decide(problem)
        return plan_on_cloud(problem, s, notes)


def decided_on_cloud(s: Decided, problem: Problem) -> Decided:
    """The method with its optimizers, the size of its network, and its number of points and steps.

    Raises MethodError where times are to be sorted and there is none.
    """
    axes = len(problem.coordinates)
    s = by_second_order(s, problem) if of_second_order(s, problem) else _by_first_order(s, axes)
    if not isinstance(s.points, (int, tuple)) and (s.sampling in ADAPTIVE or s.sampling == "sorted"):
        raise MethodError(
            f"`spd.{type(s).__name__}(sampling={s.sampling!r}, points=...)` needs numbers of points an axis, since "
            f"this rule says where points are; leave one of them out."
        )
    if s.sampling == "sorted":
        s = replace(s, slabs=each_axis(s.points, axes)[_time(problem)])
    return s


def _by_first_order(s: Decided, axes: int) -> Decided:
    """The method with a value for whatever is left open, for training by Adam and L-BFGS."""
    adaptive = s.sampling in ADAPTIVE
    usual = {
        "width": 48,
        "initial": "glorot",
        "frequency": 1.0,
        "points": enough_points(axes, total=4_096, most=64),
        "sampling": "sobol",
        "resample": 100 if adaptive else 0,
        "balance": 100,
        "steps": _STEPS_ON_ONE_AXIS if axes == 1 else _STEPS,
        "lbfgs_steps": 2_000,
        "newton_steps": 0,
    }
    return left_open(s, usual)


def _time(problem: Problem) -> int:
    """The axis of time; raises MethodError where there is none."""
    if problem.time is None:
        raise MethodError(
            f"`sampling='sorted'` draws instants in their order, and `{problem.name}` has no time; take "
            f"`sampling='random'`."
        )
    return problem.time


def _sorted_times(problem: Problem, forms: ResidualForms, counts: Sequence[int]) -> SortedTimes:
    """As many instants as the time axis has points, at each of them as many places as the others have together."""
    axis = _time(problem)
    places = math.prod(counts) // counts[axis]
    cloud = Cloud(forms.supports, forms.groups, interior=places, boundary=places, rule="random")
    return SortedTimes(cloud, axis, counts[axis])


def plan_on_cloud(problem: Problem, s: Any, notes: tuple[str, ...]) -> Plan:
    """The plan of one network of all coordinates.

    s   the method with everything decided
    """
    constraints, sentences = constraints_for(problem, s)
    axes, plain = len(problem.coordinates), isinstance(s.points, (int, tuple))
    counts = each_axis(s.points if plain else enough_points(axes, **_USUAL), axes)
    interior = math.prod(counts)
    boundary = max(1, round(interior / interior ** (1 / len(counts))))
    narrow = breaks(problem)
    forms = residual_forms(problem, constraints)
    adaptive = ADAPTIVE.get(s.sampling)
    chosen = {} if plain else points_by_support(forms, s.points, f"spd.{type(s).__name__}")

    def cloud(fresh: bool) -> PointwisePoints:
        if s.sampling == "sorted" and not fresh:
            return _sorted_times(problem, forms, counts)
        rule = "random" if fresh else "sobol" if adaptive else s.sampling
        numbers = {k: len(points) if fresh and np.ndim(points) else points for k, points in chosen.items()}
        return Cloud(
            forms.supports, forms.groups, interior=interior, boundary=boundary, rule=rule, breaks=narrow, chosen=numbers
        )

    def objective(fresh: bool) -> Objective:
        return Objective(forms, PointwiseTaylor(cloud(fresh), forms.needs), faces=s.faces)

    field, trained = pointwise_field(problem, constraints, s), objective(False)
    redrawing = PointsByResidual(trained, objective(True), adaptive) if adaptive and s.resample else None
    notes = (*notes, *sentences, *said_of_newton(s, redrawing))
    return assemble(trained, lambda: objective(True), field, s, notes, newton_stages(s), redrawing)
