"""What the low-rank methods share: one low-rank network for a whole family of problems, trained once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from spindle.adaptivity.ranks import MoreCoefficients
from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.errors import MethodError
from spindle.lowering.residuals import residual_forms
from spindle.methods.assembly import (
    assemble,
    boundary_factors,
    constraints_for,
    embedding,
    published_problem,
)
from spindle.methods.base import COMMON, Method, Plan, refuse_interfaces
from spindle.methods.settings import Flag, NotNegative, Whole, Words, documented, setting
from spindle.methods.tasks import MembersEach, family_points, refuse_other_axes, sampled_parameters, trained_members
from spindle.networks.embeddings import Raw, Scaled
from spindle.networks.lowrank import FamilyField, HyperNetwork, coefficient_scale, low_rank_network
from spindle.objective.objective import Objective
from spindle.objective.penalties import Penalty, decay, orthogonality, shrinkage
from spindle.problem.families import family_parameters
from spindle.problem.problem import Problem
from spindle.reduction.adam import PUBLISHED_STEPS
from spindle.reduction.build import Reduction
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

GAMMA = 1.25  # of the published decay: a factor of 0.8 from one coefficient to the next
_ORTHOGONALITY = 4.0  # the published code divides its term by the square of the rank and adds it four times
_RANKS = (6, 10, 14)  # that are tried
_FEWEST = 8  # members at which coefficients are sampled
_SAMPLES = 64  # members at which penalties look at the coefficients

DEFAULT = COMMON | {
    "network": "mlp",
    "width": 48,
    "hidden_layers": 2,
    "rank": 10,
    "activation": "tanh",
    "initial": "glorot",
    "frequency": 1.0,
    "biases": "plain",
    "hyper_width": 20,
    "hyper_layers": 2,
    "positive": "softplus",
    "harmonics": 3,
    "scale_inputs": True,
    "hard": "auto",
    "tasks": 0,
    "points": 1600,
    "lattice": (),
    "sampling": "random",
    "resample": 1,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 1.0,
    "orthogonality": 0.0,
    "sparsity": 0.0,
    "ordering": "rank",
    "steps": 0,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "lbfgs_memory": 20,
    "newton_steps": 600,
    "keep": "last",
    "dtype": "float64",
    "members": 192,
    "directions": 6,
    "phase": "gauss-newton",
    "tuning_steps": "auto",
    "guard": True,
    "unfreeze": True,
    "query_points": 0,
    "check_points": 32,
    "refine_points": 500,
    "calibration": 4,
}
PAPER = DEFAULT | {
    "scales": "off",
    "width": 4000,
    "hidden_layers": 3,
    "rank": 100,
    "initial": "uniform",
    "biases": "off",
    "hyper_width": 100,
    "hyper_layers": 3,
    "positive": "relu",
    "harmonics": 1,
    "scale_inputs": False,
    "hard": "off",
    "tasks": "auto",
    "points": 1000,
    "resample": 0,
    "orthogonality": "published",
    "sparsity": 1e-6,
    "steps": 20_000,
    "schedule": "plateau",
    "newton_steps": 0,
    "dtype": "float32",
    "phase": "fine-tuning",
    "guard": False,
    "unfreeze": False,
}


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class LowRank(Method):
    """Interface of methods for parametrised families (never built itself): bases once, a few coefficients a member.

    `hidden_layers` are low-rank layers, between a dense first and a dense last one; `points` are collocation points in
    all, each with other parameters, or with `tasks` those of each member.
    """

    network: str | None = setting(Words({"mlp": "a multilayer perceptron of low-rank layers"}), "what kind of network")
    rank: int | str | None = setting(
        Whole(1, 10**4),
        "coefficients of each low-rank layer",
        also={
            "auto": "6, then twice 4 more while the loss halves, a third of the Gauss-Newton steps each",
            "full": "of `SPINN` alone",
        },
        sizes=True,
    )
    biases: str | None = setting(
        Words({"off": "none", "plain": "the same for all members", "factored": "U diag(s) c"}), "of low-rank layers"
    )
    hyper_width: int | None = setting(
        Whole(1, 10**5), "neurons in each layer of the network from parameters to coefficients", sizes=True
    )
    hyper_layers: int | None = setting(Whole(0, 1000), "number of its hidden layers")
    positive: str | None = setting(
        Words({"relu": "as published", "softplus": "smooth"}), "what keeps coefficients at or above zero"
    )
    tasks: int | str | Mapping[str, Any] | None = setting(
        MembersEach(),
        "train on so many equispaced values of each parameter, in every combination; 0: on random members",
        also={"auto": "20 of one parameter, 3 of each of several"},
    )
    lattice: tuple[int, ...] | None = setting(
        Whole(2, 10**5, several=True),
        "points an axis of a grid from which those of `tasks` are taken, all on faces and `points` random ones inside, "
        "one for each coordinate; (): from none",
    )
    orthogonality: float | str | None = setting(
        NotNegative(),
        "weight of the deviation of the bases from orthonormal ones",
        also={"published": "4 / rank^2, as the published code has it"},
    )
    sparsity: float | None = setting(NotNegative(), "weight of the term that makes coefficients decay")
    ordering: str | None = setting(
        Words({"rank": "from one to the next", "points": "as the published code has it, which shrinks them"}),
        "along what they decay",
    )
    members: int | tuple[int, ...] | None = setting(
        Whole(2, 10**5, several=True),
        "parameters at which coefficients are sampled after training; several numbers: equispaced, so many of each",
    )
    directions: int | None = setting(
        Whole(1, 10**4), "directions of corrections of the coefficients in a query, at most"
    )
    phase: str | None = setting(
        Words(
            {
                "gauss-newton": "on the residuals",
                "published": "Adam on the sum of absolute residuals",
                "fine-tuning": "Adam on their mean squares, at as many points as a member was trained at",
            }
        ),
        "how a query is solved",
    )
    tuning_steps: int | str | None = setting(
        Whole(0, 10**4), "of a query", also={"auto": "1 of Gauss-Newton, 399 of Adam, as published"}
    )
    guard: bool | None = setting(
        Flag(), "whether a query that does not lower the residual at other points leaves the coefficients as they were"
    )
    unfreeze: bool | None = setting(
        Flag(),
        "whether a member has a last layer of its own, if that is thin (256 neurons), in Gauss-Newton queries",
    )
    query_points: int | tuple[int, ...] | None = setting(
        Whole(0, 10**7, several=True),
        "where a query looks at the equation; 0: three times as many as directions; several numbers: a grid, ends "
        "included, with so many along each coordinate",
    )
    check_points: int | None = setting(Whole(4, 10**7), "where its result is judged")
    refine_points: int | None = setting(Whole(10, 10**7), "where members are solved to convergence")
    calibration: int | None = setting(
        Whole(1, 10**5), "members that are solved to convergence to calibrate the error estimate"
    )

    smaller: ClassVar = ("`rank`",)
    reduces: ClassVar[bool]

    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """The settings as given; `rank="auto"` grows on the way.

        Raises MethodError where a setting has no value that fits, such as points by axis.
        """
        if self.rank == "full":
            raise MethodError(
                f"`spd.{type(self).__name__}(rank='full')` is neither a number of coefficients nor 'auto'; give one of "
                f"them, such as `rank=10`."
            )
        s = self.resolved(problem)
        if s.tuning_steps == "auto":
            s = replace(s, tuning_steps=1 if s.phase == "gauss-newton" else PUBLISHED_STEPS)
        if isinstance(s.points, tuple):
            raise MethodError(
                f"`spd.{type(self).__name__}(points={s.points})` has several numbers, and these points have no axes; "
                f"give their number."
            )
        if s.lattice and not s.tasks:
            raise MethodError(
                f"`spd.{type(self).__name__}(lattice={s.lattice})` has no members to lie on: every random point has "
                f"other parameters; say which ones to train on, such as `tasks=20`."
            )
        refuse_other_axes(problem, s, f"spd.{type(self).__name__}")
        if np.prod(np.asarray(s.members)) < _FEWEST:
            raise MethodError(
                f"`spd.{type(self).__name__}(members={s.members})` is too few to see how coefficients vary; take at "
                f"least {_FEWEST} in all."
            )
        return s, ()

    def plan(self, problem: Problem) -> Plan:
        """The plan: a cloud over coordinates and parameters, one low-rank network, one jet.

        Raises MethodError where the problem is no family, or where settings exclude each other.
        """
        call = f"spd.{type(self).__name__}()"
        if not family_parameters(problem):
            raise MethodError(
                f"`{call}` learns a family, but no parameter of `{problem.name}` has a range; declare one, "
                f"`spd.parameter({_first_name(problem)!r}, range=(1, 3))`, or use `spd.SPINN()`."
            )
        refuse_interfaces(problem, call)
        problem, notes = published_problem(problem, self.recipe)
        decided, _ = self.decide(problem)
        s: Any = decided
        constraints, sentences = constraints_for(problem, s)
        ranges = split_axes(problem)[1]
        cloud, stages = family_points(problem, s, ranges, call.removesuffix("()")), _stages(call, s)
        forms = residual_forms(problem, constraints)

        def objective(fresh: bool) -> Objective:
            derivatives = PointwiseTaylor(cloud(forms.supports, forms.groups, fresh), forms.needs)
            penalties = () if fresh else _penalties(problem, s, call)
            return Objective(forms, derivatives, faces=s.faces, penalties=penalties)

        field = family_field(problem, constraints, s)
        plan = assemble(objective(False), lambda: objective(True), field, s, (*notes, *sentences), stages)
        weights = {r.name: plan.weights[r.name] for r in plan.objective.residuals}
        return replace(plan, reduction=Reduction(forms, s, weights, small=self.reduces))


def _stages(call: str, s: Any) -> tuple[Stage, ...]:
    """The Gauss-Newton stages."""
    newton = GaussNewton(
        s.newton_steps, damping=1.0, worth=0.0, algebra="dual" if s.resample else "auto", resamples=bool(s.resample)
    )
    if not isinstance(s.rank, str):
        return (Stage(newton),)
    if not s.newton_steps or s.orthogonality or s.sparsity:
        raise MethodError(
            f"`{call.removesuffix(')')}rank='auto')` grows by Gauss-Newton steps without `orthogonality` or "
            f"`sparsity`, and these settings ask for others; give a number, such as `rank=10`."
        )
    third = replace(newton, steps=max(1, s.newton_steps // len(_RANKS)))
    steps = np.diff(_RANKS).tolist()
    return (Stage(third), *(Stage(third, MoreCoefficients(more), tolerance=0.0) for more in steps))


def _first_name(problem: Problem) -> str:
    return next((p.name for p in problem.parameters), "nu")


def split_axes(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of the coordinates, and those of the parameters, of a family."""
    ranging = [c in family_parameters(problem) for c in problem.coordinates]
    return tuple(k for k, is_range in enumerate(ranging) if not is_range), tuple(np.flatnonzero(ranging).tolist())


def family_field(problem: Problem, constraints, s: Any) -> Callable[[jax.Array], FamilyField]:
    """Random key -> a low-rank network of the coordinates with a hypernetwork of the parameters."""
    coordinates, ranges = split_axes(problem)
    bounds = problem.domain.bounds
    rank = _RANKS[0] if s.rank == "auto" else s.rank
    scale = 1.0 if s.initial == "uniform" else coefficient_scale(s.width, rank)

    def field(key):
        feature_key, key, hyper_key = jax.random.split(key, 3)
        periodic = [constraints.periodic[k] for k in coordinates]
        first = embedding([bounds[k] for k in coordinates], periodic, s, key=feature_key)
        network = low_rank_network(
            first.width, len(problem.unknowns), width=s.width, hidden=s.hidden_layers, rank=rank, act=s.activation,
            frequency=s.frequency, initial=s.initial, biases=s.biases, key=key,
        )  # fmt: skip
        hyper = HyperNetwork(
            len(ranges), network.ranks, width=s.hyper_width, hidden=s.hyper_layers,
            positive=s.positive, scale=scale, key=hyper_key,
        )  # fmt: skip
        first_of_hyper = Scaled(tuple(bounds[k] for k in ranges)) if s.scale_inputs else Raw(len(ranges))
        return FamilyField(
            first, network, hyper, first_of_hyper, boundary_factors(problem, constraints), (coordinates, ranges)
        )

    return field


def _penalties(problem: Problem, s: Any, call: str) -> tuple[Penalty, ...]:
    """The published regularisers that have a weight; squared where Gauss-Newton has to take them."""
    ranks, squared = (s.rank,) * s.hidden_layers, s.newton_steps > 0
    penalties: list[Penalty] = []
    if s.orthogonality:
        weight = _ORTHOGONALITY / s.rank**2 if s.orthogonality == "published" else s.orthogonality
        penalties.append(orthogonality(ranks, weight, squared=squared))
    if s.sparsity:
        members = trained_members(problem, s.tasks, call)
        if members is None:
            members = sampled_parameters(problem, split_axes(problem)[1], _SAMPLES)
        if s.ordering == "points":
            repeats = max(2, s.points)
            penalties.append(shrinkage(ranks, jnp.asarray(members), s.sparsity, gamma=GAMMA, repeats=repeats))
        else:
            penalties.append(decay(ranks, jnp.asarray(members), s.sparsity, gamma=GAMMA, squared=squared))
    return tuple(penalties)
