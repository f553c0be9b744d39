"""What all methods share: their settings, and the plan that a method makes for a problem."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import jax

from spindle.classical.nodal_solver import ClassicalSolution, NoClassical
from spindle.errors import MethodError, nearest, shown
from spindle.lowering.constraints import Constraints
from spindle.methods.open_settings import Activation, NetworkOrWord, with_parts
from spindle.methods.optimizers import TrainingSettings
from spindle.methods.printing import method_as_html
from spindle.methods.published import published_settings
from spindle.methods.settings import (
    Features,
    Flag,
    Ladder,
    Positive,
    Rule,
    Weights,
    Whole,
    Words,
    checked,
    declared,
    documented,
    setting,
)
from spindle.networks.model import Model
from spindle.networks.piecewise import PiecewiseField
from spindle.networks.registry import BODIES
from spindle.objective.objective import Objective
from spindle.problem.curves import oblique_curves
from spindle.problem.families import family_parameters, with_parameter_axes
from spindle.problem.problem import Problem
from spindle.problem.windows import of_time_alone, time_axis
from spindle.reduction.build import Reduction
from spindle.slabs.fit import SLABBED, fits
from spindle.slabs.training import Marching
from spindle.symbolic.words import shown as shown_formula
from spindle.training.schedule import Schedule

RECIPES = ("default", "paper")
INITIAL = {
    "glorot": "normal, no biases",
    "uniform": "both up to 1 / sqrt(inputs)",
    "spread": "the same as glorot, but in the first layer slopes up to `frequency` and centres all over the box",
}
# What the default recipes of all methods begin with.
COMMON: dict[str, Any] = {
    "windows": 1,
    "causal": (),
    "causal_start": False,
    "slabs": 32,
    "balancing": "gradient norms",
    "scales": "auto",
    "periodic_features": "harmonics",
}


def _as_it_is(expression):
    return expression


@dataclass(frozen=True)
class Plan:
    """A method's decisions for one problem, complete.

    problem      the problem as it is solved (conditions that a published recipe leaves out are gone)
    fresh        () -> the objective on random points, by exact derivatives: what training did not look at
    build        random key -> the model before training
    settings     the method with a value for every setting
    choices      sentences: what was chosen, and why
    classical    () -> the classical solution of the same discrete equations, or why there is none; None for methods
                 without a discretisation
    reduction    what turns the trained model of a family into one that answers queries; None: nothing does
    programs     what was compiled for it, for whoever trains by the same plan again
    evaluators   likewise, {expression: how it is evaluated}
    weakened     whether equations count less near some walls, where their residuals are no measure of a fit
    following    field of a march -> the objective on random points that are as close together as its elements
    march        solves slab by slab, without a schedule; None: nothing does
    instead      the plan to be followed where what this one trains does not resolve the solution; None: there is none
    posed        expression of the problem as it was given -> the same of the problem as it is solved
    started      what tells the solution that training starts from; empty where it starts at random
    """

    problem: Problem
    constraints: Constraints
    objective: Objective
    fresh: Callable[[], Objective]
    build: Callable[[jax.Array], Model]
    schedule: Schedule
    weights: dict[str, float]
    dtype: str
    settings: "Method"
    choices: tuple[str, ...]
    classical: Callable[[], ClassicalSolution | NoClassical] | None = None
    reduction: Reduction | None = None
    programs: dict = field(default_factory=dict)
    evaluators: dict = field(default_factory=dict)
    weakened: bool = False
    following: Callable[[PiecewiseField], Objective] | None = None
    march: Marching | None = None
    instead: "Plan | None" = None
    posed: Callable = _as_it_is
    started: str = ""


@documented
@dataclass(frozen=True, kw_only=True)
class Method(TrainingSettings, ABC):
    """Interface of all methods.

    recipe   "default": ours; "paper": as published for the method and the problem, where the publication says; what was
             chosen where text and code differ, and what is not as published, stands in `docs/published.md`

    What a method decides for a problem is a method again, whose every setting has a value; see `decide`.
    """

    recipe: str = "default"
    network: Any = setting(NetworkOrWord({name: body.meaning for name, body in BODIES.items()}), "what kind of network")
    width: int | str | tuple[int, ...] | None = setting(
        Whole(1, 10**7, several=True),
        "neurons in each hidden layer, or functions in a basis",
        also={"auto": "by the functions that the problem contains"},
        per_axis=True,
        sizes=True,
    )
    hidden_layers: int | None = setting(
        Whole(1, 1000), "number of hidden layers (of gated layers, for the modified network)"
    )
    activation: str | Callable | None = setting(Activation(), "what follows each hidden layer")
    initial: str | None = setting(
        Words(INITIAL),
        "first weights of plain layers",
    )
    frequency: float | str | tuple[float, ...] | None = setting(
        Positive(),
        "highest frequency of the first layer of sine networks, on inputs scaled to [-1, 1]",
        also={"auto": "by what the points resolve"},
    )
    fourier: tuple[int, float] | None = setting(Features(), "count and deviation of random Fourier features")
    harmonics: int | None = setting(
        Whole(1, 10**5), "harmonics of the features on axes that are declared periodic", sizes=True
    )
    periodic_features: str | None = setting(
        Words(
            {
                "harmonics": "their cos and sin, other coordinates scaled",
                "products": "these, a one, products of those of two axes, and 1, 10 and 100 times other coordinates",
            }
        ),
        "inputs on domains with such axes",
    )
    scale_inputs: bool | None = setting(Flag(), "whether every coordinate's interval is mapped to [-1, 1] at first")
    hard: str | None = setting(
        Words(
            {
                "auto": "all, but zero for separable networks of few axes",
                "all": "those whose data agree",
                "zero": "only those whose data are zero, which need no lift",
                "off": "none",
            }
        ),
        "conditions that hold by construction, on boxes",
    )
    points: int | tuple[int, ...] | str | None = setting(
        Whole(2, 10**7, several=True),
        "collocation points an axis",
        also={"auto": "by the number of axes"},
        per_axis=True,
    )
    sampling: str | None = setting(
        Rule(),
        'rule for collocation points: "random", "uniform" or "midpoint"; on a lattice also "gauss", and "shifted", '
        'uniform grids moved by parts of a cell; in a cloud also "sobol", "halton", "latin hypercube", and "sorted", '
        "instants in their order, at each the same random places",
    )
    resample: int | str | None = setting(Whole(0, 10**9), "draw new random points every so many steps; 0: never")
    weights: Mapping[str, float] | None = setting(Weights(), "{residual name: weight}; other equations weigh 1")
    balance: int | str | None = setting(Whole(0, 10**9), "adapt the weights every so many steps of Adam; 0: never")
    balancing: str | None = setting(
        Words(
            {
                "gradient norms": "residuals pull with gradients of one norm (Wang et al. 2023)",
                "ntk": "with one trace of the tangent kernel (Wang, Yu & Perdikaris 2022)",
                "attention": "every step a weight at each point, by how large residuals were there (Anagnostopoulos et "
                "al. 2024)",
                "self-adaptive": "every step a weight at each point, which ascends the loss (McClenny & Braga-Neto "
                "2023)",
            }
        ),
        "how weights adapt",
    )
    faces: str | None = setting(
        Words({"mean": "over all its faces", "sum": "of the faces' means"}), "mean square of a condition"
    )
    conditions: float | None = setting(
        Positive(), "weight of conditions that `weights` does not name; measurements of known noise weigh 1e-3 at most"
    )
    keep: str | None = setting(
        Words(
            {
                "last": "those at the end",
                "lowest loss": "those at that step, looked at every 10 steps",
                "lowest late loss": "likewise, every 100 of the last 30 % of the steps",
            }
        ),
        "which parameters are kept",
    )
    causal: tuple[float, ...] | None = setting(
        Ladder(),
        "tolerances of causal weights, one after the other, such as (0.01, 1), each for at most `steps` steps of Adam, "
        "that weighs later times by how well earlier ones are solved (Wang et al. 2024); (): off. Its authors report a "
        "patent; see `spd.CausalPINN`",
    )
    causal_start: bool | None = setting(Flag(), "whether these weights count initial conditions as the earliest time")
    slabs: int | None = setting(
        Whole(2, 10**5), "slabs of time for these weights; with sorted times as many as there are instants"
    )
    windows: int | str | None = setting(
        Whole(1, 10**4),
        "windows in time of equal length, solved one after the other, each from the end of the last; 1: none",
        also={"auto": "as long as a basis resolves the solution, where time is the only coordinate, else none"},
    )
    scales: str | None = setting(
        Words({"auto": "where these are far from one, as in physical units", "off": "never"}),
        "whether unknowns are measured by their data and residuals by their terms",
    )
    dtype: str | None = setting(Words({"float32": "", "float64": ""}), "precision of all numbers")

    name: ClassVar[str]
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]]
    # What to raise where equations hold at the training points only, and what to lower.
    denser: ClassVar[str] = "`points`"
    smaller: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *unnamed, **settings):
        """Refuse settings without a name, and those that do not exist, and suggest the nearest."""
        known = [f.name for f in _recipe_first(cls)]
        if unnamed:
            raise MethodError(
                f"`spd.{cls.__name__}({', '.join(map(shown, unnamed))})` does not say what is set, since every setting "
                f"goes by its name; write `spd.{cls.__name__}(width=64)`." + nearest("", known)
            )
        for key in settings:
            if key not in known:
                raise MethodError(f"`spd.{cls.__name__}({key}=...)`: there is no such setting." + nearest(key, known))
        return super().__new__(cls)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={shown(value)}' for name, value in self.chosen.items())})"

    def _repr_html_(self) -> str:
        return method_as_html(self)

    @abstractmethod
    def plan(self, problem: Problem) -> Plan:
        """Everything that is needed to train; raises MethodError where method and problem do not fit."""

    @abstractmethod
    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """This method with a value for every setting, and a sentence of the record for each choice that has one.

        Words are left where they name a rule that works later, such as `rank="auto"`, by which the rank grows.
        Raises MethodError where method and problem do not fit.
        """

    def resolved(self, problem: Problem) -> Self:
        """This method with each setting as given, else as published for this problem (recipe "paper"), else as usual.

        Raises MethodError where a setting has a value that it cannot have.
        """
        _refuse_eigenvalue(problem)
        if not isinstance(self.recipe, str) or self.recipe not in self.recipes:
            raise MethodError(
                f"`spd.{type(self).__name__}(recipe={shown(self.recipe)})` is not known."
                + nearest(str(self.recipe)[:100], self.recipes)
            )
        usual, given = self.recipes[self.recipe], self.as_dict()
        as_published = published_settings(problem, self.name, usual, given) if self.recipe == "paper" else {}
        settings = checked(type(self), {**usual, **as_published, **given}, len(problem.coordinates))
        settings = with_parts(f"spd.{type(self).__name__}", given, settings)
        complete = replace(self, **settings)
        # Slabs follow the solution by themselves; windows do where time is the only coordinate.
        slabs = isinstance(complete.network, str) and complete.network in SLABBED and fits(problem)
        marches = of_time_alone(problem) and complete.is_basis and not slabs
        return complete if complete.windows != "auto" or marches else replace(complete, windows=1)

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings that were given by hand, and the recipe where it is not the default one."""
        return {f.name: value for f in _recipe_first(type(self)) if (value := getattr(self, f.name)) != f.default}

    def as_dict(self) -> dict[str, Any]:
        """The settings that have a value, in the order of the recipe, as records and run directories list them."""
        names = dict.fromkeys([*self.recipes[self.recipe], *(f.name for f in fields(self))])
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def is_basis(self) -> bool:
        """Whether the network is a basis: its functions are fixed, and only their coefficients are trained."""
        return isinstance(self.network, str) and (self.network in SLABBED or BODIES[self.network].is_basis)

    @property
    def sizes(self) -> list[Any]:
        """The values of those settings that say how large the network is."""
        return [getattr(self, name) for name, declaration in declared(type(self)).items() if declaration.sizes]

    def windows_of(self, problem: Problem) -> int | str:
        """How many windows time is cut into; raises where the problem has none that follow one another."""
        count: Any = self.resolved(with_parameter_axes(problem)).windows
        if count != 1:
            refuse_families(problem, f"spd.{type(self).__name__}(windows={count})")
            time_axis(problem)
        return count


def _recipe_first(cls: type[Method]) -> list[Field]:
    """The fields of a method as they are listed."""
    return sorted(fields(cls), key=lambda f: f.name != "recipe")


def refuse_families(problem: Problem, call: str) -> None:
    """Raise MethodError for a parametrised family, of which these methods solve one member at a time."""
    spanning = family_parameters(problem)
    if spanning:
        p = spanning[0]
        raise MethodError(
            f"`{call}` solves one problem at a time, but `{problem.name}` is a family over {p.name} in {p.bounds}; "
            f"choose a member, `problem.at({p.name}={sum(p.bounds) / 2:g})`."
        )


def _refuse_eigenvalue(problem: Problem) -> None:
    """Raise MethodError where a problem has eigenpairs instead of a solution."""
    if problem.eigenvalue is not None:
        raise MethodError(
            f"`{problem.name}` has the eigenvalue `{problem.eigenvalue}`, and so eigenpairs instead of one solution, "
            f"which no training would tell apart; write `spd.eigenpairs(problem, count=6)`, or on the command line "
            f"`spindle solve FILE --set count=6`."
        )


def refuse_interfaces(problem: Problem, call: str) -> None:
    """Raise MethodError where fluxes are continuous and slopes are not, which smooth networks cannot represent."""
    refuse_oblique_interfaces(problem, call)
    if problem.interfaces:
        first = problem.interfaces[0]
        x = problem.coordinates[first.axis].name
        fluxes = ", ".join(shown_formula(f) for f in [*first.fluxes.values(), *first.sources])
        raise MethodError(
            f"`{call}` is smooth everywhere, but `{problem.name}` has an interface at {x} = {first.left:.6g}, where "
            f"{first.what} jumps and the flux {fluxes} is known; use `spd.SPINN()`, whose elements join there by that "
            f"flux, on a box with one axis of space, or with two and no time."
        )


def refuse_oblique_interfaces(problem: Problem, call: str) -> None:
    """Raise MethodError where interfaces lie across no axis, which nodes on them resolve and nothing else does."""
    if oblique := oblique_curves(problem):
        first = oblique[0]
        raise MethodError(
            f"`{call}` resolves no interface that lies across no axis, and `{problem.name}` has one at "
            f"{shown_formula(first.level)} = 0, where {first.what} jumps and the flux along the normal is continuous; "
            f"use `spd.DTPINN()`, which puts nodes on it."
        )
