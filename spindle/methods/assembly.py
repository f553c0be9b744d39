"""The parts of a plan that methods share: points, conditions, networks and phases, from a method that is decided.

In all of them `s` is the method with a value for every setting; see `Method.decide`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax

from spindle.errors import MethodError
from spindle.lowering.constraints import Constraints, hard_constraints, no_constraints
from spindle.lowering.levels import level_function
from spindle.lowering.scales import scales_of
from spindle.methods.base import Plan
from spindle.methods.optimizers import optimizers
from spindle.methods.published import published
from spindle.networks.embeddings import (
    Embedding,
    FourierFeatures,
    HarmonicProducts,
    PeriodicFeatures,
    Raw,
    Scaled,
    frequencies_of_features,
)
from spindle.networks.fields import BoundaryFactor, Field, JetField, PointwiseField
from spindle.networks.given import given_network
from spindle.networks.kinked import KinkedField
from spindle.networks.model import Model
from spindle.networks.registry import BODIES
from spindle.objective.estimated import first_guesses
from spindle.objective.objective import Objective
from spindle.points.rules import DRAWN
from spindle.problem.consistency.signs import parameters_of_known_sign
from spindle.problem.curves import LevelInterface
from spindle.problem.problem import Problem
from spindle.training.optimizers.adam import Adam, Transformed
from spindle.training.optimizers.causal import Causal
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.optimizers.lbfgs import LBFGS
from spindle.training.optimizers.pointwise import WeighedPoints
from spindle.training.optimizers.reweighted import Reweighted
from spindle.training.redrawing import Redrawing
from spindle.training.schedule import Schedule
from spindle.training.stages import Stage


def each_axis(value: Any, axes: int) -> tuple:
    """A setting that is one for all axes or one for each, for each."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def enough_points(axes: int, *, total: int, most: int) -> int:
    """Collocation points an axis that make about `total` together, at most `most` of them."""
    return max(2, min(most, round(total ** (1 / axes))))


def published_problem(problem: Problem, recipe: str) -> tuple[Problem, tuple[str, ...]]:
    """The problem as the recipe poses it, and a sentence on what was left out."""
    omitted = tuple(published(problem).get("omit", ())) if recipe == "paper" else ()
    if not omitted:
        return problem, ()
    return problem.without(omitted), (f"left out as in the publication: {', '.join(omitted)}",)


def constraints_for(problem: Problem, s: Any) -> tuple[Constraints, tuple[str, ...]]:
    """The conditions that hold by construction, and a sentence on the choice."""
    if s.hard == "off":
        constraints = no_constraints(problem, "hard='off'")
    else:
        constraints = hard_constraints(problem, homogeneous=s.hard == "zero")
    sentences = []
    if s.scales == "auto":
        constraints = replace(constraints, scales=scales_of(problem))
        sentences += [constraints.scales.sentence] if constraints.scales.sentence else []
    if constraints.enforced:
        sentences.append(f"exact by construction: {', '.join(constraints.enforced)}")
    left = [c.name for c in problem.conditions if c.name not in constraints.enforced]
    if left:
        why = f" ({constraints.reason})" if constraints.reason else ""
        sentences.append(f"left to the loss: {', '.join(left)}{why}")
    return constraints, tuple(sentences)


def boundary_factors(problem: Problem, constraints: Constraints) -> tuple[tuple[BoundaryFactor, ...], ...]:
    """For each unknown and each axis the factor that vanishes where conditions are enforced."""
    factors = []
    for u in problem.unknowns:
        along = []
        for (low, high), roots in zip(problem.domain.bounds, constraints.roots[u], strict=True):
            both = len({r for r, _ in roots}) == 2
            along.append(BoundaryFactor(roots, (high - low) / 2 if both else high - low))
        factors.append(tuple(along))
    return tuple(factors)


def embedding(bounds, periodic, s: Any, *, key) -> Embedding:
    """What the coordinates pass through first, from the settings."""
    if any(periodic):
        harmonics = s.width // 2 if s.is_basis else s.harmonics
        if s.periodic_features == "products" and not s.is_basis:
            return HarmonicProducts(tuple(bounds), tuple(periodic), harmonics)
        return PeriodicFeatures(tuple(bounds), tuple(periodic), harmonics)
    if s.fourier:
        count, deviation = s.fourier
        return FourierFeatures(bounds, count, deviation, key=key)
    return Scaled(tuple(bounds)) if s.scale_inputs else Raw(len(bounds))


def body_options(s: Any) -> dict[str, Any]:
    """Arguments of a body network, from the settings."""
    return {
        "width": s.width,
        "hidden": s.hidden_layers,
        "act": s.activation,
        "frequency": s.frequency,
        "initial": s.initial,
    }


def pointwise_field(
    problem: Problem, constraints: Constraints, s: Any, curves: Sequence[LevelInterface] = ()
) -> Callable[[jax.Array], JetField]:
    """Random key -> one network of all coordinates, whose slopes may jump at curves."""
    kinks, outputs = tuple(level_function(curve, problem) for curve in curves), len(problem.unknowns)

    def field(key):
        feature_key, body_key = jax.random.split(key)
        first = embedding(problem.domain.bounds, constraints.periodic, s, key=feature_key)
        inputs = first.width + len(kinks)
        if isinstance(s.network, str):
            options = body_options(s)
            if isinstance(s.frequency, tuple):
                options |= {"frequency": frequencies_of_features(first, s.frequency)}
            body = BODIES[s.network](inputs, outputs, **options, key=body_key)
        else:
            body = given_network(s.network, inputs, outputs, body_key)
        if kinks:
            return KinkedField(first, body, kinks, outputs)
        return PointwiseField(first, body, boundary_factors(problem, constraints), outputs)

    return field


AT_POINTS = ("attention", "self-adaptive")


def weighed_at_points(objective: Objective, build: Callable) -> dict[str, list[tuple[int, ...]]]:
    """{residual: the shape of each of its arrays}, of all but measurements that weigh by their noise."""
    key = jax.random.PRNGKey(0)
    drawn = jax.eval_shape(objective.draw, key)
    rows = eqx.filter_eval_shape(objective.rows, eqx.filter_eval_shape(build, key), drawn)
    names = [r.name for r in objective.residuals if r.name not in objective.forms.noisy]
    return {name: [row.shape for row in rows[name]] for name in names}


def _refuse_beside_weights_at_points(s: Any, ladder: Sequence[float]) -> None:
    """Raise MethodError where weights at points meet points that move, or causal weights."""
    moves = s.sampling in DRAWN and s.resample > 0
    other = f"causal={tuple(ladder)}" if ladder else f"resample={s.resample}" if moves else ""
    if other:
        raise MethodError(
            f"`spd.{type(s).__name__}(balancing={s.balancing!r}, {other})` has a weight for each point, which needs "
            f"points that stay and no other weights at them; leave one of the two out."
        )


def causal_ladder(problem: Problem, s: Any) -> tuple[float, ...]:
    """The tolerances of causal weights, one stage of Adam each; none where there is no time to speak of.

    Raises MethodError where tolerances are given and the problem has no time.
    """
    ladder = s.causal or ()
    if ladder and problem.time is None:
        raise MethodError(
            f"`causal={ladder}` weighs later times by earlier ones, and `{problem.name}` has no time; leave it out."
        )
    return tuple(ladder)


def assemble(
    objective: Objective,
    fresh: Callable[[], Objective],
    field: Callable[[jax.Array], Field],
    s: Any,
    choices: Sequence[str],
    newton: Sequence[Stage] = (),
    redrawing: Redrawing | None = None,
) -> Plan:
    """The plan, once a method has said what its field is and how it is differentiated.

    fresh     () -> the objective on fresh random points
    field     random key -> the field that training starts from
    s         the method with everything decided
    newton    the Gauss-Newton stages, where it takes more than one
    redrawing what draws points by a look at the model; None: the rule of the objective, where it draws any
    """
    forms = objective.forms
    problem = forms.problem
    # Steps along gradients must not change the sign of a diffusivity; those of Gauss-Newton may on their way, and from
    # an exponential they run off to where it is zero.
    signs = parameters_of_known_sign(problem) if s.steps else ()

    @eqx.filter_jit  # one compilation instead of one for each operation
    def build(key):
        return Model(field(key), first_guesses(objective.tunable, signs))

    resample = s.resample if redrawing or s.sampling in DRAWN else 0
    balance = s.balance if len(objective.names) > 1 else 0
    return Plan(
        problem=problem,
        constraints=forms.constraints,
        objective=objective,
        fresh=fresh,
        build=build,
        schedule=Schedule(_stages(objective, s, newton, build), resample, balance, s.keep, redrawing, s.balancing),
        weights=objective.weights(s.weights, s.conditions),
        dtype=s.dtype,
        settings=s,
        choices=tuple(choices),
    )


def _stages(objective: Objective, s: Any, newton: Sequence[Stage], build: Callable) -> tuple[Stage, ...]:
    """One stage for each optimizer that takes steps, but those of causal weights and of Gauss-Newton may be several.

    build   random key -> the model before training
    """

    def causal(adam) -> list[Stage]:
        ladder = causal_ladder(objective.forms.problem, s)
        if s.balancing in AT_POINTS:
            _refuse_beside_weights_at_points(s, ladder)
            return [Stage(WeighedPoints(adam, s.balancing, lambda: weighed_at_points(objective, build)))]
        return [Stage(Causal(adam, tolerance, s.slabs, s.causal_start)) for tolerance in ladder] or [Stage(adam)]

    def gauss_newton(alone) -> list[Stage]:
        last = list(newton) or [Stage(alone)]
        measured = {name: 1.0 for name in objective.forms.noisy if name not in s.weights}
        if not (objective.tunable and measured):
            return last
        # From a guess that is far off each step gains a few per cent only, some forty times.
        return [Stage(Reweighted(replace(alone, worth=5e-3, patience=8), measured)), *last]

    def beginning_anew(lbfgs) -> list[Stage]:
        return [Stage(replace(lbfgs, fresh=lambda key: eqx.filter(build(key), eqx.is_inexact_array)))]

    several = {Adam: causal, Transformed: causal, LBFGS: beginning_anew, GaussNewton: gauss_newton}
    stages = [several.get(type(o), lambda alone: [Stage(alone)])(o) for o in optimizers(lambda name: getattr(s, name))]
    return tuple(stage for group in stages for stage in group)
