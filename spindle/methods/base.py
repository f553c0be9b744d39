"""What all methods share: settings from recipes, and the plan that a method makes for a problem."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import equinox as eqx
import jax

from spindle.errors import MethodError, nearest, shown
from spindle.lowering.constraints import Constraints, hard_constraints, no_constraints
from spindle.lowering.residuals import ResidualForms
from spindle.lowering.scales import scales_of
from spindle.methods.direct import Classical
from spindle.methods.settings import check_settings
from spindle.networks.embeddings import Embedding, FourierFeatures, PeriodicFeatures, Raw, Scaled
from spindle.networks.fields import BoundaryFactor, Field, PointwiseField
from spindle.networks.layers import BODIES
from spindle.networks.model import Model
from spindle.objective.estimated import first_guesses
from spindle.objective.objective import Objective
from spindle.objective.penalties import Penalty
from spindle.problem.consistency.signs import signed
from spindle.problem.families import ranging, spanned
from spindle.problem.problem import Problem
from spindle.problem.symbols import is_time
from spindle.problem.windows import of_time_alone, time_axis
from spindle.reduction.build import Reduction
from spindle.training.optimizers.adam import Adam
from spindle.training.optimizers.causal import Causal
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.optimizers.registry import optimizers
from spindle.training.optimizers.reweighted import Reweighted
from spindle.training.schedule import Schedule
from spindle.training.stages import Stage

RECIPES = ("default", "paper")


def _as_it_is(expression):
    return expression


@dataclass(frozen=True)
class Plan:
    """A method's decisions for one problem, complete.

    problem      the problem as it is solved (conditions that a published recipe leaves out are gone)
    fresh        () -> the objective on random points, by exact derivatives: what training did not look at
    build        random key -> the model before training
    settings     every setting's value, for the record
    choices      sentences: what was chosen, and why
    classical    () -> the classical solution of the same discrete equations, or a sentence on why there is none; None
                 for methods without a discretisation
    reduction    what turns the trained model of a family into one that answers queries; None: nothing does
    programs     what was compiled for it, for whoever trains by the same plan again
    evaluators   likewise, {expression: how it is evaluated}
    posed        expression of the problem as it was given -> the same of the problem as it is solved
    """

    problem: Problem
    constraints: Constraints
    objective: Objective
    fresh: Callable[[], Objective]
    build: Callable[[jax.Array], Model]
    schedule: Schedule
    weights: dict[str, float]
    dtype: str
    settings: dict[str, Any]
    choices: tuple[str, ...]
    classical: Callable[[], Classical | str] | None = None
    reduction: Reduction | None = None
    programs: dict = field(default_factory=dict)
    evaluators: dict = field(default_factory=dict)
    posed: Callable = _as_it_is


@dataclass(frozen=True, kw_only=True)
class Method:
    """Interface of all methods (never built itself). A setting left at None takes its recipe's value.

    recipe          "default": ours; "paper": as published, to the letter where the publication says
    network         "mlp" or "modified" (Wang, Teng & Perdikaris 2021)
    width           neurons in each hidden layer
    hidden_layers   number of hidden layers (of gated layers, for the modified network)
    activation      "tanh", "sin", "swish", "gaussian", "sigmoid"
    initial         first weights of plain layers: "glorot" (normal, no biases), or "uniform", both up to
                    1 / sqrt(inputs)
    frequency       highest frequency of the first layer of sine networks, on inputs scaled to [-1, 1], or "auto"
    fourier         (count, deviation) of random Fourier features, or None
    harmonics       harmonics of the features on axes that are declared periodic
    scale_inputs    map every coordinate's interval to [-1, 1] before the first layer
    hard            conditions that hold by construction, on boxes: "all" whose data agree; "zero", only those whose
                    data are zero, which need no lift; "off"; "auto": all, but "zero" for spectral networks of few axes
    points          collocation points an axis, one number for each axis, or "auto"
    sampling        rule for collocation points
    resample        draw new random points every so many steps; 0: never
    weights         {residual name: weight}; other equations weigh 1
    conditions      weight of conditions that `weights` does not name; measurements of known noise weigh 1e-3 at most
    balance         adapt the weights every so many steps by gradient norms; 0: never
    faces           "mean" of a condition over all its faces, or "sum" of the faces' means
    steps, learning_rate, schedule   of Adam; of `PINN` the number of steps may be "auto"
    lbfgs_steps     L-BFGS iterations after Adam
    lbfgs_rate      their constant step length; None: a line search
    lbfgs_memory    pairs of changes they remember
    newton_steps    Gauss-Newton steps after both, at most
    keep            "last" parameters, or those of the "lowest loss"
    causal          tolerances of causal weights, one after the other, such as (0.01, 1), each for at most `steps` steps
                    of Adam, that weighs later times by how well earlier ones are solved (Wang et al. 2024); (): off.
                    Its authors report a patent; see `sp.CausalPINN`
    slabs           of time, for these weights
    windows         windows in time of equal length, solved one after the other, each from the end of the last; 1: none;
                    "auto": as long as the features of the method resolve the solution, where time is the only
                    coordinate, else none
    scales          "auto": unknowns are measured by their data and residuals by their terms where these are far from
                    one, as in physical units; "off": never
    dtype           "float32" or "float64"
    """

    recipe: str = "default"
    network: str | None = None
    width: int | str | tuple[int, ...] | None = None
    hidden_layers: int | None = None
    activation: str | None = None
    initial: str | None = None
    frequency: float | str | None = None
    fourier: tuple[int, float] | None = None
    harmonics: int | None = None
    scale_inputs: bool | None = None
    hard: str | None = None
    points: int | tuple[int, ...] | str | None = None
    sampling: str | None = None
    resample: int | None = None
    weights: Mapping[str, float] | None = None
    balance: int | None = None
    faces: str | None = None
    conditions: float | None = None
    steps: int | str | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    lbfgs_steps: int | None = None
    lbfgs_rate: float | None = None
    lbfgs_memory: int | None = None
    newton_steps: int | None = None
    keep: str | None = None
    causal: tuple[float, ...] | None = None
    slabs: int | None = None
    windows: int | str | None = None
    scales: str | None = None
    dtype: str | None = None

    name: ClassVar[str]
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]]

    def __new__(cls, *unnamed, **settings):
        """Refuse settings without a name, and those that do not exist, and suggest the nearest."""
        known = [f.name for f in fields(cls)]
        if unnamed:
            raise MethodError(
                f"`sp.{cls.__name__}({', '.join(map(shown, unnamed))})` does not say what is set, since every setting "
                f"goes by its name; write `sp.{cls.__name__}(width=64)`." + nearest("", known)
            )
        for key in settings:
            if key not in known:
                raise MethodError(f"`sp.{cls.__name__}({key}=...)`: there is no such setting." + nearest(key, known))
        return super().__new__(cls)

    def __repr__(self):
        chosen = ((f, getattr(self, f.name)) for f in fields(self))
        return f"{type(self).__name__}({', '.join(f'{f.name}={shown(v)}' for f, v in chosen if v != f.default)})"

    def plan(self, problem: Problem) -> Plan:
        """Decide everything for this problem; raises MethodError where method and problem do not fit."""
        raise NotImplementedError

    def resolved(self, problem: Problem) -> dict[str, Any]:
        """Every setting: as given, else as published for this problem (recipe "paper"), else from the recipe."""
        if not isinstance(self.recipe, str) or self.recipe not in self.recipes:
            raise MethodError(
                f"`sp.{type(self).__name__}(recipe={shown(self.recipe)})` is not known."
                + nearest(str(self.recipe)[:100], self.recipes)
            )
        usual = {"windows": 1, "causal": (), "slabs": 32, "scales": "off" if self.recipe == "paper" else "auto"}
        settings = {**usual, **self.recipes[self.recipe]}
        if self.recipe == "paper":
            settings |= problem.published.get(self.name, {})
        settings |= {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        check_settings(f"sp.{type(self).__name__}", settings, len(problem.coordinates))
        if settings["windows"] == "auto" and not (of_time_alone(problem) and settings["network"] == "spectral"):
            settings["windows"] = 1
        return settings

    def windows_of(self, problem: Problem) -> int | str:
        """How many windows time is cut into; raises where the problem has none that follow one another."""
        count = self.resolved(spanned(problem))["windows"]
        if count != 1:
            refuse_families(problem, f"sp.{type(self).__name__}(windows={count})")
            time_axis(problem)
        return count


def points_an_axis(settings, axes: int, *, total: int, most: int) -> tuple[int, ...]:
    """Collocation points on each axis; "auto" gives as many as make about `total` together, at most `most` an axis."""
    points = settings["points"]
    if points == "auto":
        points = settings["points"] = max(2, min(most, round(total ** (1 / axes))))
    return tuple(points) if isinstance(points, (tuple, list)) else (points,) * axes


def published_problem(problem: Problem, recipe: str) -> tuple[Problem, tuple[str, ...]]:
    """The problem as the recipe poses it, and a sentence on what was left out."""
    omitted = tuple(problem.published.get("omit", ())) if recipe == "paper" else ()
    if not omitted:
        return problem, ()
    return problem.without(omitted), (f"left out as in the publication: {', '.join(omitted)}",)


def refuse_families(problem: Problem, call: str) -> None:
    """Raise MethodError for a parametrised family, of which these methods solve one member at a time."""
    spanning = ranging(problem)
    if spanning:
        p = spanning[0]
        raise MethodError(
            f"`{call}` solves one problem at a time, but `{problem.name}` is a family over {p.name} in {p.bounds}; "
            f"choose a member, `problem.at({p.name}={sum(p.bounds) / 2:g})`."
        )


def constraints_for(problem: Problem, settings) -> tuple[Constraints, tuple[str, ...]]:
    """The conditions that hold by construction, and a sentence on the choice."""
    if settings["hard"] == "off":
        found = no_constraints(problem, "hard='off'")
    else:
        found = hard_constraints(problem, homogeneous=settings["hard"] == "zero")
    sentences = []
    if settings["scales"] == "auto":
        found = replace(found, scales=scales_of(problem))
        sentences += [found.scales.sentence] if found.scales.sentence else []
    if found.enforced:
        sentences.append(f"exact by construction: {', '.join(found.enforced)}")
    left = [c.name for c in problem.conditions if c.name not in found.enforced]
    if left:
        sentences.append(f"left to the loss: {', '.join(left)}" + (f" ({found.reason})" if found.reason else ""))
    return found, tuple(sentences)


def boundary_factors(problem: Problem, constraints: Constraints) -> tuple[tuple[BoundaryFactor, ...], ...]:
    """For each unknown and each axis the factor that vanishes where conditions are enforced."""
    factors = []
    for u in problem.unknowns:
        own = []
        for (low, high), roots in zip(problem.domain.bounds, constraints.roots[u], strict=True):
            both = len({r for r, _ in roots}) == 2
            own.append(BoundaryFactor(roots, (high - low) / 2 if both else high - low))
        factors.append(tuple(own))
    return tuple(factors)


def embedding(bounds, periodic, settings, *, key) -> Embedding:
    """What the coordinates pass through first, from the settings."""
    if any(periodic):
        harmonics = settings["width"] // 2 if settings["network"] == "spectral" else settings["harmonics"]
        return PeriodicFeatures(tuple(bounds), tuple(periodic), harmonics)
    if settings.get("fourier"):
        count, deviation = settings["fourier"]
        return FourierFeatures(bounds, count, deviation, key=key)
    return Scaled(tuple(bounds)) if settings["scale_inputs"] else Raw(len(bounds))


def body_options(settings) -> dict[str, Any]:
    """Arguments of a body network, from the settings."""
    return {
        "width": settings["width"],
        "hidden": settings["hidden_layers"],
        "act": settings["activation"],
        "frequency": settings["frequency"],
        "initial": settings["initial"],
    }


def pointwise_field(problem: Problem, constraints: Constraints, settings) -> Callable[[jax.Array], PointwiseField]:
    """Random key -> one network of all coordinates."""

    def field(key):
        feature_key, body_key = jax.random.split(key)
        first = embedding(problem.domain.bounds, constraints.periodic, settings, key=feature_key)
        body = BODIES[settings["network"]](first.width, len(problem.unknowns), **body_options(settings), key=body_key)
        return PointwiseField(first, body, boundary_factors(problem, constraints), len(problem.unknowns))

    return field


def causal_ladder(problem: Problem, settings) -> tuple[float, ...]:
    """The tolerances of causal weights, one stage of Adam each; none where there is no time to speak of."""
    ladder = settings["causal"] or ()
    if ladder and not any(is_time(c) for c in problem.coordinates):
        raise MethodError(
            f"`causal={ladder}` weighs later times by earlier ones, and `{problem.name}` has no time; leave it out."
        )
    return tuple(ladder)


def assemble(
    forms: ResidualForms,
    field: Callable[[jax.Array], Field],
    derivatives: Callable[[bool], Any],
    settings,
    choices,
    newton: Sequence[Stage] = (),
    penalties: Sequence[Penalty] = (),
) -> Plan:
    """The plan, once a method has said what its field is and how it is differentiated.

    derivatives   whether on fresh random points -> those at points of the supports of the forms
    newton        the Gauss-Newton stages, where it takes more than one
    penalties     terms of the loss that look at the field alone
    """
    problem = forms.problem
    objective = Objective(forms, derivatives(False), faces=settings["faces"], penalties=penalties)
    # Steps along gradients must not change the sign of a diffusivity; those of Gauss-Newton may on their way, and from
    # an exponential they run off to where it is zero.
    signs = signed(problem) if settings["steps"] else ()

    @eqx.filter_jit  # one compilation instead of one for each operation
    def build(key):
        return Model(field(key), first_guesses(objective.tunable, signs))

    stages = _stages(objective, settings, newton)
    resample = settings["resample"] if settings["sampling"] == "random" else 0
    many = len(objective.names) > 1
    return Plan(
        problem=problem,
        constraints=forms.constraints,
        objective=objective,
        fresh=lambda: Objective(forms, derivatives(True), faces=settings["faces"]),
        build=build,
        schedule=Schedule(stages, resample, settings["balance"] if many else 0, settings["keep"]),
        weights=objective.weights(settings["weights"], settings["conditions"]),
        dtype=settings["dtype"],
        settings=settings,
        choices=tuple(choices),
    )


def _stages(objective: Objective, settings, newton: Sequence[Stage]) -> tuple[Stage, ...]:
    """One stage for each optimizer that takes steps, but those of causal weights and of Gauss-Newton may be several."""

    def causal(adam) -> list[Stage]:
        ladder = causal_ladder(objective.forms.problem, settings)
        return [Stage(Causal(adam, tolerance, settings["slabs"])) for tolerance in ladder] or [Stage(adam)]

    def gauss_newton(alone) -> list[Stage]:
        last = list(newton) or [Stage(alone)]
        measured = {name: 1.0 for name in objective.forms.noisy if name not in settings["weights"]}
        if not (objective.tunable and measured):
            return last
        # From a guess that is far off each step gains a few per cent only, some forty times.
        return [Stage(Reweighted(replace(alone, worth=5e-3, patience=8), measured)), *last]

    several = {Adam: causal, GaussNewton: gauss_newton}
    found = [several.get(type(o), lambda alone: [Stage(alone)])(o) for o in optimizers(settings.get)]
    return tuple(stage for stages in found for stage in stages)
