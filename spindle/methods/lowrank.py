"""What the low-rank methods share: one low-rank network for a whole family of problems, trained once."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.errors import MethodError
from spindle.lowering.residuals import residual_forms
from spindle.methods.base import (
    Method,
    Plan,
    assemble,
    boundary_factors,
    constraints_for,
    embedding,
    published_problem,
)
from spindle.methods.ranks import MoreCoefficients
from spindle.networks.embeddings import Scaled
from spindle.networks.lowrank import FamilyField, HyperNetwork, coefficient_scale, low_rank_network
from spindle.objective.penalties import Penalty, decay, orthogonality, shrinkage
from spindle.points.cloud import Cloud
from spindle.points.rules import sobol
from spindle.points.tasks import TaskCloud
from spindle.problem.families import ranging
from spindle.problem.problem import Problem
from spindle.problem.symbols import Parameter
from spindle.reduction.build import Reduction
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

GAMMA = 1.25  # of the published decay: a factor of 0.8 from one coefficient to the next
_RANKS = (6, 10, 14)  # that are tried
_SAMPLES = 64  # members at which penalties look at the coefficients

PAPER = {
    "network": "mlp",
    "width": 4000,
    "hidden_layers": 3,
    "rank": 100,
    "activation": "tanh",
    "initial": "uniform",
    "frequency": 1.0,
    "biases": "off",
    "hyper_width": 100,
    "hyper_layers": 3,
    "positive": "relu",
    "harmonics": 1,
    "scale_inputs": False,
    "hard": "off",
    "tasks": 20,
    "points": 1000,
    "sampling": "random",
    "resample": 0,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 1.0,
    "orthogonality": 1.0,
    "sparsity": 1e-6,
    "ordering": "rank",
    "steps": 20_000,
    "learning_rate": 1e-3,
    "schedule": "plateau",
    "lbfgs_steps": 0,
    "lbfgs_memory": 20,
    "newton_steps": 0,
    "keep": "last",
    "dtype": "float32",
    "members": 192,
    "directions": 6,
    "phase": "gauss-newton",
    "tuning_steps": 1,
    "unfreeze": False,
    "query_points": 0,
    "check_points": 32,
    "refine_points": 500,
    "calibration": 4,
}

DEFAULT = PAPER | {
    "width": 48,
    "hidden_layers": 2,
    "rank": 10,
    "initial": "glorot",
    "biases": "plain",
    "hyper_width": 20,
    "hyper_layers": 2,
    "positive": "softplus",
    "harmonics": 3,
    "scale_inputs": True,
    "hard": "auto",
    "tasks": 0,
    "points": 1600,
    "resample": 1,
    "orthogonality": 0.0,
    "sparsity": 0.0,
    "steps": 0,
    "schedule": "constant",
    "newton_steps": 600,
    "unfreeze": True,
    "dtype": "float64",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class LowRank(Method):
    """Interface of methods for parametrised families (never built itself): bases once, a few coefficients a member.

    The settings of all methods apply, and these:
    rank            coefficients of each low-rank layer; "auto": 6, then twice 4 more while the loss halves, a third of
                    the Gauss-Newton steps each
    hidden_layers   number of low-rank layers, between a dense first and a dense last one
    biases          of low-rank layers: "plain", the same for all members; "factored", U diag(s) c; "off"
    hyper_width, hyper_layers   of the network from parameters to coefficients
    positive        what keeps coefficients at or above zero: "softplus", or "relu" as published
    points          collocation points in all, each with parameters of its own; with `tasks`, those of each member
    tasks           train on so many members for each parameter, equispaced in its range; 0: on random members
    orthogonality   weight of the deviation of the bases from orthonormal ones
    sparsity        weight of the term that makes coefficients decay
    ordering        along what they decay: "rank", or "points" as the published code has it, which shrinks them
    members         parameters at which coefficients are sampled after training
    directions      of corrections of the coefficients in a query, at most
    phase           of a query: "gauss-newton", or "published", 400 Adam steps on the sum of absolute residuals
    tuning_steps    its Gauss-Newton steps
    unfreeze        whether a member has a last layer of its own, if that is thin (256 neurons), in Gauss-Newton queries
    query_points    where it looks at the equation; 0: three times as many as directions
    check_points    where its result is judged
    calibration     members that are solved to convergence, at `refine_points`, to calibrate the error estimate
    """

    rank: int | str | None = None
    biases: str | None = None
    hyper_width: int | None = None
    hyper_layers: int | None = None
    positive: str | None = None
    tasks: int | None = None
    orthogonality: float | None = None
    sparsity: float | None = None
    ordering: str | None = None
    members: int | None = None
    directions: int | None = None
    phase: str | None = None
    tuning_steps: int | None = None
    unfreeze: bool | None = None
    query_points: int | None = None
    check_points: int | None = None
    refine_points: int | None = None
    calibration: int | None = None

    reduces: ClassVar[bool]

    def plan(self, problem: Problem) -> Plan:
        """A cloud over coordinates and parameters, one low-rank network, one jet."""
        call = f"sp.{type(self).__name__}()"
        if not ranging(problem):
            raise MethodError(
                f"`{call}` learns a family, but no parameter of `{problem.name}` has a range; declare one, "
                f"`sp.parameter({_first_name(problem)!r}, range=(1, 3))`, or use `sp.SPINN()`."
            )
        problem, notes = published_problem(problem, self.recipe)
        settings = self.resolved(problem)
        if isinstance(settings["points"], tuple):
            raise MethodError(
                f"`{call.removesuffix(')')}points={settings['points']})` has several numbers, and these points have no "
                f"axes; give their number."
            )
        constraints, sentences = constraints_for(problem, settings)
        cloud, stages = _clouds(problem, settings), _stages(call, settings)
        forms = residual_forms(problem, constraints)

        def derivatives(fresh: bool) -> PointwiseTaylor:
            return PointwiseTaylor(cloud(forms.supports, forms.groups, fresh), forms.needs)

        plan = assemble(
            forms,
            family_field(problem, constraints, settings | {"rank": _first_rank(settings)}),
            derivatives,
            settings,
            (*notes, *sentences),
            stages,
            _penalties(problem, settings),
        )
        weights = {r.name: plan.weights[r.name] for r in plan.objective.residuals}
        return replace(plan, reduction=Reduction(forms, settings, weights, small=self.reduces))


def _stages(call: str, settings: dict[str, Any]) -> tuple[Stage, ...]:
    """The Gauss-Newton stages."""
    newton = GaussNewton(
        settings["newton_steps"], damping=1.0, worth=0.0, algebra="dual" if settings["resample"] else "auto",
        resamples=bool(settings["resample"]),
    )  # fmt: skip
    if not isinstance(settings["rank"], str):
        return (Stage(newton),)
    if settings["rank"] != "auto":
        raise MethodError(
            f"`{call.removesuffix(')')}rank={settings['rank']!r})` is neither a number of coefficients nor 'auto'; "
            f"give one of them, such as `rank=10`."
        )
    if not settings["newton_steps"] or settings["orthogonality"] or settings["sparsity"]:
        raise MethodError(
            f"`{call.removesuffix(')')}rank='auto')` grows by Gauss-Newton steps without `orthogonality` or "
            f"`sparsity`, and these settings ask for others; give a number, such as `rank=10`."
        )
    third = replace(newton, steps=max(1, settings["newton_steps"] // len(_RANKS)))
    steps = np.diff(_RANKS).tolist()
    return (Stage(third), *(Stage(third, MoreCoefficients(more), tolerance=0.0) for more in steps))


def _first_rank(settings) -> int:
    return _RANKS[0] if settings["rank"] == "auto" else settings["rank"]


def _first_name(problem: Problem) -> str:
    return next((p.name for p in problem.parameters), "nu")


def split_axes(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of the coordinates, and those of the parameters, of a family."""
    own = tuple(k for k, c in enumerate(problem.coordinates) if not isinstance(c, Parameter))
    return own, tuple(k for k, c in enumerate(problem.coordinates) if isinstance(c, Parameter))


def family_field(problem: Problem, constraints, settings) -> Callable[[jax.Array], FamilyField]:
    """Random key -> a low-rank network of the coordinates with a hypernetwork of the parameters."""
    own, ranges = split_axes(problem)
    bounds = problem.domain.bounds
    hidden, rank, width = (settings[name] for name in ("hidden_layers", "rank", "width"))
    scale = 1.0 if settings["initial"] == "uniform" else coefficient_scale(width, rank)

    def field(key):
        feature_key, key, hyper_key = jax.random.split(key, 3)
        periodic = [constraints.periodic[k] for k in own]
        first = embedding([bounds[k] for k in own], periodic, settings, key=feature_key)
        network = low_rank_network(
            first.width, len(problem.unknowns), width=width, hidden=hidden, rank=rank, act=settings["activation"],
            frequency=settings["frequency"], initial=settings["initial"], biases=settings["biases"], key=key,
        )  # fmt: skip
        hyper = HyperNetwork(
            len(ranges), network.ranks, width=settings["hyper_width"], hidden=settings["hyper_layers"],
            positive=settings["positive"], scale=scale, key=hyper_key,
        )  # fmt: skip
        scaled = Scaled(tuple(bounds[k] for k in ranges))
        return FamilyField(first, network, hyper, scaled, boundary_factors(problem, constraints), (own, ranges))

    return field


def _clouds(problem: Problem, settings) -> Callable:
    """(places, groups, whether fresh) -> points."""
    _, ranges = split_axes(problem)
    count = settings["points"]
    boundary = max(1, count // 4)

    def cloud(places, groups, fresh):
        if fresh or not settings["tasks"]:
            rule = "random" if fresh else settings["sampling"]
            return Cloud(places, groups, interior=count, boundary=boundary, rule=rule)
        nodes = [np.linspace(*problem.domain.bounds[k], settings["tasks"]) for k in ranges]
        tasks = np.array(list(itertools.product(*nodes)))
        own = Cloud(places, groups, interior=count, boundary=boundary, rule=settings["sampling"])
        return TaskCloud(own, tasks, ranges)

    return cloud


def sampled_parameters(problem: Problem, count: int) -> np.ndarray:
    """Parameters (count, p) spread evenly over their ranges: a scrambled Sobol sequence, always the same."""
    _, ranges = split_axes(problem)
    low, high = np.array([problem.domain.bounds[k] for k in ranges]).T
    return sobol(low, high, count, seed=0)


def _penalties(problem: Problem, settings: dict[str, Any]) -> tuple[Penalty, ...]:
    """The published regularisers that have a weight; squared where Gauss-Newton has to take them."""
    ranks, squared = (settings["rank"],) * settings["hidden_layers"], settings["newton_steps"] > 0
    found = []
    if settings["orthogonality"]:
        found.append(orthogonality(ranks, settings["orthogonality"], squared=squared))
    if settings["sparsity"]:
        samples = jnp.asarray(sampled_parameters(problem, _SAMPLES))
        if settings["ordering"] == "points":
            found.append(
                shrinkage(ranks, samples, settings["sparsity"], gamma=GAMMA, repeats=max(2, settings["points"]))
            )
        else:
            found.append(decay(ranks, samples, settings["sparsity"], gamma=GAMMA, squared=squared))
    return tuple(found)
