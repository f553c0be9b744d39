"""SPINN, the separable physics-informed neural network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

from spindle.errors import MethodError
from spindle.geometry.supports import BoxFace
from spindle.lowering.incompatible_faces import incompatible_faces, unmet_at_start
from spindle.lowering.residuals import residual_forms
from spindle.lowering.resolution import degrees
from spindle.methods.assembly import assemble, constraints_for, each_axis, published_problem
from spindle.methods.base import COMMON, Method, Plan, refuse_interfaces, refuse_oblique_interfaces
from spindle.methods.design import Design, tangled
from spindle.methods.elements import on_elements
from spindle.methods.learned import sized
from spindle.methods.settings import Flag, Positive, Whole, Words, documented, setting
from spindle.networks.registry import BODIES
from spindle.problem.problem import Problem
from spindle.slabs.fit import driven, fits, in_the_plane, nonlinear, prefers_grids, unfit, varies
from spindle.symbolic.symbols import is_time

_DEFAULT = COMMON | {
    "windows": "auto",
    "network": "auto",
    "width": "auto",
    "hidden_layers": 1,
    "rank": "auto",
    "from_source": True,
    "activation": "sin",
    "initial": "spread",
    "frequency": "auto",
    "harmonics": 5,
    "scale_inputs": True,
    "hard": "auto",
    "points": "auto",
    "sampling": "gauss",
    "copies": 8,
    "sums": "auto",
    "refine": "auto",
    "resample": 0,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 100.0,
    "fade": True,
    "steps": 0,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "lbfgs_steps": 0,
    "lbfgs_memory": 20,
    "newton_steps": "auto",
    "keep": "last",
    "dtype": "float64",
}
_PAPER = _DEFAULT | {
    "windows": 1,
    "scales": "off",
    "network": "mlp",
    "width": 64,
    "hidden_layers": 3,
    "rank": 32,
    "from_source": False,
    "activation": "tanh",
    "initial": "glorot",
    "frequency": 1.0,
    "scale_inputs": False,
    "hard": "off",
    "points": 64,
    "sampling": "random",
    "sums": "grid",
    "refine": 0,
    "resample": 100,
    "faces": "sum",
    "conditions": 1.0,
    "fade": False,
    "steps": 50_000,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "newton_steps": 0,
    "keep": "lowest loss",
    "dtype": "float32",
}


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class SPINN(Method):
    """Separable PINN: one body network an axis, merged by a product over axes and a sum over the rank.

    `points` are nodes an axis of a tensor lattice. The default trains the coefficients of frozen spectral features
    (Legendre polynomials, waves on periodic axes) by Gauss-Newton: smooth solutions on boxes come out to ten digits and
    more. `network="mlp"` or `"modified"` learns the axis functions themselves, by Gauss-Newton steps with geodesic
    acceleration and uniform damping: their first layers reach the frequencies of the problem's data, nodes are as many
    as these need, and products are added as long as that pays, each new one begun at what is left of the residual. One
    first-order step costs d N passes through small networks and 2 r N^d operations for each partial, or d r^2 N without
    the grid.
    `recipe="paper"`: Adam with a constant rate of 1e-3, 50,000 steps in single precision, N random nodes an axis drawn
    anew every 100 steps, penalties on all conditions; networks, ranks, weights, steps and grids that were published for
    the problem come before these.

    Source: Cho, Nam, Yang, Yun, Hong & Park (2023), Separable Physics-Informed Neural Networks, arXiv 2306.15969.
    """

    network: str | None = setting(
        Words(
            {
                "auto": "elements for nonlinear problems of time, and of time and one axis more; else spectral, and "
                "elements where these features do not resolve a solution that fits them, but at rest in the plane for "
                "what is linear",
                "elements": "polynomials on elements along an axis and in slabs of time, both as small as the solution "
                "asks for; of time, of one axis, of both, or of two axes at rest",
                **{name: body.meaning for name, body in BODIES.items()},
            }
        ),
        "what kind of network",
    )
    rank: int | str | None = setting(
        Whole(1, 10**4),
        "separable rank r, the number of products that are added",
        also={
            "full": "every product of spectral features has a coefficient of its own",
            "auto": "as many as a separable source has, then 6, and where the residual stays above 3e-7 of that of the "
            "zero field full, or 12 (24 up to three axes) where these would be too many; for learned functions then 4, "
            "8, 16, as long as that pays",
        },
        sizes=True,
    )
    from_source: bool | None = setting(
        Flag(), "whether the first products of spectral features take their shape from those of a separable source"
    )
    refine: int | str | None = setting(
        Whole(0, 10),
        "how often the number of features on each axis may be changed by the decay of their coefficients, once all "
        "products have one",
        also={"auto": "4 (8 on a single axis), or never in windows of time, or where `width` or `points` are given"},
    )
    copies: int | None = setting(
        Whole(1, 10**6),
        "grids that sampling='shifted' goes round, the next one every `resample` steps; the first is not shifted",
    )
    newton_steps: int | str | None = setting(
        Whole(0, 10**6),
        "Gauss-Newton steps at last, at most, for each number of products or features",
        also={"auto": "100, or 300 for learned functions, whose steps are cheap and many"},
        trains=True,
    )
    frequency: float | str | tuple[float, ...] | None = setting(
        Positive(several=True),
        "highest frequency of the first layer of sine networks, and with `initial='spread'` the steepest slope of that "
        "of others, on inputs scaled to [-1, 1]",
        also={"auto": "by the functions that the problem contains, and by what the points resolve"},
        per_axis=True,
    )
    fade: bool | None = setting(
        Flag(), "whether equations count less near walls whose values differ from the initial data there"
    )
    sums: str | None = setting(
        Words(
            {
                "auto": "by operations counted",
                "grid": "over all N^d points",
                "core": "from sums along the axes alone, where equation and conditions are polynomial with separable "
                "coefficients",
                "gram": "likewise, at a lower cost with half the digits",
            }
        ),
        "how the loss is taken",
    )

    name: ClassVar[str] = "spinn"
    recipes: ClassVar = {"default": _DEFAULT, "paper": _PAPER}
    smaller: ClassVar = ("`rank`",)

    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """The size of the network, the places of its points, and what holds by construction.

        Raises MethodError where the domain is not made of boxes, or a setting has a value that it cannot have.
        """
        s: Any = self.resolved(problem)
        axes = len(problem.coordinates)
        if not problem.domain.boxes:
            raise MethodError(
                f"`spd.SPINN()` needs a domain made of boxes, since it separates the coordinates, and `{problem.name}` "
                f"is posed on {problem.domain}; use `spd.DTPINN()` or `spd.PINN()`."
            )
        steps = s.newton_steps if s.newton_steps != "auto" else 100 if s.is_basis else 300
        s = replace(s, hard=_hard(s, problem), refine=_refine(s, axes), rank=_rank(s), newton_steps=steps)
        s, sizes = _of_basis(s, problem) if s.is_basis else sized(s, problem)
        walls = incompatible_faces(problem) if s.fade else []
        return replace(s, fade=bool(walls)), (*sizes, *_faded(walls))

    def plan(self, problem: Problem) -> Plan:
        """Lattice, one network an axis, jets an axis; or elements."""
        refuse_oblique_interfaces(problem, "spd.SPINN()")
        problem, notes = published_problem(problem, self.recipe)
        s: Any = self.resolved(problem)
        singular = bool(problem.meetings) and in_the_plane(problem)
        varied = varies(problem) and not _shows_itself(problem)
        free = _is_free(s) and _fits_elements(s, problem) and (varied or singular)
        if s.network == "elements" or (s.network == "auto" and (problem.interfaces or free)):
            self._refuse_elements(s, problem)
            return on_elements(problem, s, notes)
        return self._plan_of_lattice(problem, notes)

    def _refuse_elements(self, s: Any, problem: Problem) -> None:
        """Raise MethodError where a problem cannot be solved on elements."""
        reason = unfit(problem) or ("`windows` is set" if s.windows != 1 else "")
        if reason and problem.interfaces:
            i = problem.interfaces[0]
            raise MethodError(
                f"`spd.SPINN()` joins elements along one axis, or two at rest, at interfaces, such as that of "
                f"`{problem.name}` at {problem.coordinates[i.axis].name} = {i.left:.6g}, where {i.what} jumps, and "
                f"that does not fit here, since {reason}; {_instead(problem)}smooth the jump, or take the flux as a "
                f"further unknown."
            )
        if reason:
            raise MethodError(
                f"`spd.SPINN(network='elements')` solves slab by slab of time on elements along one axis, by waves or "
                f"polynomials along more, or at rest on elements of two, and that does not fit `{problem.name}`, since "
                f"{reason}; choose `network='spectral'`, or leave it out."
            )

    def _plan_of_lattice(self, problem: Problem, notes: tuple[str, ...]) -> Plan:
        refuse_interfaces(problem, f"spd.SPINN(network={self.network!r})")
        s, decisions = self.decide(problem)
        constraints, sentences = constraints_for(problem, s)
        # Where features may be added, elements may take their place; in the plane of what is not linear alone.
        suits = nonlinear(problem) or not in_the_plane(problem)
        follows = s.network == "auto" and bool(s.refine) and _fits_elements(s, problem) and suits
        design = Design(residual_forms(problem, constraints), s, brief=follows)
        notes += (*decisions, *design.notes, *sentences)
        fresh = partial(design.objective, fresh=True)
        plan = assemble(design.objective(), fresh, design.field, s, notes, design.newton())
        plan = replace(plan, weakened=bool(s.fade))
        if follows:
            following = on_elements(problem, s, plan.choices, phase=len(plan.schedule.stages))
            plan = replace(plan, instead=following)
        return plan


def _shows_itself(problem: Problem) -> bool:
    """Whether features come first between walls of several axes: sources show what the solution is like.

    So they do where walls and start differ, since axes that are stretched to hold such layers are dear.
    """
    return prefers_grids(problem) and (driven(problem) or bool(unmet_at_start(problem)))


def _instead(problem: Problem) -> str:
    """What takes an interface that elements do not, as a part of a sentence."""
    return "use `spd.DTPINN()`, which puts nodes on it, " if problem.curves else ""


def _fits_elements(s: Any, problem: Problem) -> bool:
    """Whether the settings leave it to elements to take a problem that fits them."""
    return s.windows == 1 and s.dtype == "float64" and not s.steps and bool(s.newton_steps) and fits(problem)


def _is_free(s: Any) -> bool:
    """Whether nobody asked for certain features."""
    return all(getattr(s, name) == "auto" for name in ("width", "rank", "points", "hard", "refine"))


def _hard(s: Any, problem: Problem) -> str:
    """Which conditions hold by construction: a lift raises the rank of what is left to the network.

    Faces of many axes are dear to fit instead.
    """
    if s.hard != "auto":
        return s.hard
    few = bool(s.is_basis or s.newton_steps) and 2 <= len(problem.coordinates) <= 4 and not tangled(s, problem)
    return "zero" if few else "all"


def _refine(s: Any, axes: int) -> int:
    """How often the numbers of features may be changed."""
    if s.refine != "auto":
        return s.refine
    free = s.width == "auto" and s.points == "auto" and s.windows == 1
    return (4 if axes > 1 else 8) if free else 0


def _rank(s: Any) -> int | str:
    """The separable rank; a word where it grows, as it does by Gauss-Newton steps."""
    if s.rank == "full" and not s.is_basis:
        raise MethodError(
            f"`spd.SPINN(rank='full', network={s.network!r})` asks for coefficients of all products of frozen "
            f"features, but such a network learns its features; choose `network='spectral'` or a number."
        )
    return 16 if s.rank == "auto" and not s.newton_steps else s.rank


def _of_basis(s: Any, problem: Problem) -> tuple[Any, tuple[str, ...]]:
    """With the number of spectral features an axis by the functions that the problem contains, and a sentence on it.

    There are half as many nodes again.
    """
    axes = len(problem.coordinates)
    s, said = (s, ()) if s.width != "auto" else _features(s, problem)
    if s.points == "auto":
        s = replace(s, points=tuple(3 * width // 2 + 4 for width in each_axis(s.width, axes)))
    return (s if s.frequency != "auto" else replace(s, frequency=min(each_axis(s.points, axes)) / 5)), said


def _features(s: Any, problem: Problem) -> tuple[Any, tuple[str, ...]]:
    axes = len(problem.coordinates)
    least, most = (16, 32) if axes > 4 else (24, 64 if axes > 2 else 96)
    # A window in time is short: half as many features on that axis.
    halved = isinstance(s.windows, int) and s.windows > 1
    lowest = [least // 2 if is_time(c) and halved else least for c in problem.coordinates]
    widths = tuple(min(most, max(low, degree + 8)) for low, degree in zip(lowest, degrees(problem), strict=True))
    named = ", ".join(f"{n} on {x}" for x, n in zip(problem.coordinates, widths, strict=True))
    return replace(s, width=widths), (f"spectral features: {named}, by the sources, coefficients and data",)


def _faded(walls: Sequence[BoxFace]) -> tuple[str, ...]:
    """A sentence on the walls near which equations count less."""
    names = ", ".join(wall.name for wall in walls)
    return (f"equations count less near {names}, where boundary and initial values differ",) if walls else ()
