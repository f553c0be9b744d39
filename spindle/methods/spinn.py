"""SPINN, the separable physics-informed neural network."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
from sympy.core.function import AppliedUndef

from spindle.derivatives.separable import SeparableJets
from spindle.errors import MethodError
from spindle.lowering.breaks import breaks
from spindle.lowering.clashes import clashing_walls
from spindle.lowering.residuals import ResidualForms, residual_forms
from spindle.lowering.resolution import degrees
from spindle.lowering.structure import analyse
from spindle.methods.base import (
    Method,
    Plan,
    assemble,
    body_options,
    boundary_factors,
    constraints_for,
    embedding,
    points_an_axis,
    published_problem,
)
from spindle.methods.growth import EveryProduct, MoreTerms, OtherWidths, tensor_field
from spindle.methods.starts import shaped, source_terms
from spindle.networks.fields import SeparableField
from spindle.networks.layers import BODIES
from spindle.objective.objective import Objective
from spindle.points.lattice import Lattice
from spindle.problem.doubts import fatal
from spindle.problem.problem import Problem
from spindle.problem.symbols import is_given, is_time
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

# Coefficients of a full tensor, by whether all is linear: two or three steps do then, of ten seconds each, else ten.
_MOST_PRODUCTS = {True: 400_000, False: 200_000}
_MOST_OF_ONE_AXIS = 1024
# Residual, relative to that of the zero field, at which nothing is enlarged any more.
_FINE, _ROUGH = 3e-7, 1e-3
_PAPER = {
    "network": "mlp",
    "width": 64,
    "hidden_layers": 3,
    "rank": 32,
    "activation": "tanh",
    "initial": "glorot",
    "frequency": 1.0,
    "harmonics": 5,
    "scale_inputs": False,
    "hard": "off",
    "points": 64,
    "sampling": "random",
    "sums": "grid",
    "refine": 0,
    "resample": 100,
    "weights": {},
    "balance": 0,
    "faces": "sum",
    "conditions": 1.0,
    "fade": False,
    "steps": 50_000,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "lbfgs_memory": 20,
    "newton_steps": 0,
    "keep": "lowest loss",
    "dtype": "float32",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class SPINN(Method):
    """Separable PINN: one body network an axis, merged by a product over axes and a sum over the rank.

    rank   separable rank r: number of products that are added; "full": every product of spectral features has a
           coefficient of its own; "auto": as many as a separable source has, then 6, and where the residual stays
           above 3e-7 of that of the zero field "full", or 12 (24 up to three axes) where these would be too many
    fade   let equations count less near walls whose values differ from the initial data there
    refine how often the number of features on each axis may be changed by the decay of their coefficients, once all
           products have one; "auto": 4 (8 on a single axis), or never in windows of time, or where `width` or `points`
           are given
    sums   how the loss is taken: "grid", over all N^d points; "core" and "gram", from sums along the axes alone, where
           equation and conditions are polynomial with separable coefficients; "auto", by operations counted

    The settings of all methods apply; `points` are nodes an axis of a tensor lattice. The default trains the
    coefficients of frozen spectral features (Legendre polynomials, waves on periodic axes) by Gauss-Newton: smooth
    solutions on boxes come out to ten digits and more. `network="mlp"` or `"modified"` learns the axis functions
    themselves. One first-order step costs d N passes through small networks and 2 r N^d operations for each partial, or
    d r^2 N without the grid.
    `recipe="paper"`: Adam with a constant rate of 1e-3, 50,000 steps in single precision, N random nodes an axis drawn
    anew every 100 steps, penalties on all conditions; the published problem's own weights and ranks are used.

    Source: Cho, Nam, Yang, Yun, Hong & Park (2023), Separable Physics-Informed Neural Networks, arXiv 2306.15969.
    """

    rank: int | str | None = None
    refine: int | str | None = None
    fade: bool | None = None
    sums: str | None = None

    name: ClassVar[str] = "spinn"
    recipes: ClassVar = {
        "paper": _PAPER,
        "default": _PAPER
        | {
            "network": "spectral",
            "hidden_layers": 2,
            "width": "auto",
            "rank": "auto",
            "activation": "sin",
            "frequency": "auto",
            "scale_inputs": True,
            "hard": "auto",
            "points": "auto",
            "sampling": "gauss",
            "sums": "auto",
            "refine": "auto",
            "resample": 0,
            "faces": "mean",
            "conditions": 100.0,
            "fade": True,
            "steps": 0,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "newton_steps": 100,
            "keep": "last",
            "windows": "auto",
            "dtype": "float64",
        },
    }

    def plan(self, problem: Problem) -> Plan:
        """Lattice, one network an axis, jets an axis."""
        problem, notes = published_problem(problem, self.recipe)
        settings = self.resolved(problem)
        axes = len(problem.coordinates)
        if not problem.domain.boxes:
            raise MethodError(
                f"`sp.SPINN()` needs a domain made of boxes, since it separates the coordinates, and `{problem.name}` "
                f"is posed on {problem.domain}; use `sp.DTPINN()` or `sp.PINN()`."
            )
        # What another window or code begins with is no sum of a few products.
        tangled = settings["windows"] != 1 or _starts_from_code(problem)
        if settings["hard"] == "auto":
            # A lift raises the rank of what is left to the network; faces of many axes are dear to fit instead.
            few = settings["network"] == "spectral" and 2 <= axes <= 4 and not tangled
            settings["hard"] = "zero" if few else "all"
        constraints, sentences = constraints_for(problem, settings)
        if settings["refine"] == "auto":
            free = settings["width"] == "auto" and settings["points"] == "auto"
            settings["refine"] = (4 if axes > 1 else 8) if free and settings["windows"] == 1 else 0
        notes += _widths(settings, problem)
        linear = settings["network"] == "spectral" and all(structure.linear for structure in analyse(problem))
        ranks, counts = _ladder(settings, problem, linear, tangled), _nodes(settings, axes)
        notes += _frequency(settings, counts)
        walls = clashing_walls(problem) if settings["fade"] else []
        settings["fade"] = bool(walls)
        notes += _faded(walls)
        forms = residual_forms(problem, constraints)
        design = _Design(forms, settings, ranks, walls, linear, tangled)
        if design.shapes:
            products = "product" if len(design.shapes) == 1 else f"{len(design.shapes)} products"
            notes += (f"the start takes its shape from the {products} of the source",)
        sums, newton = design.sums(), design.newton() if settings["newton_steps"] else ()

        def derivatives(fresh: bool) -> SeparableJets:
            return design.derivatives(counts, fresh=fresh, **sums)

        return assemble(forms, design.field, derivatives, settings, (*notes, *sentences), newton)


class _Design:
    """What the settings of one solve amount to: fields, lattices and Gauss-Newton stages.

    ranks    the separable ranks that are tried one after the other; before them comes the number of products of a
             separable source, which the solution is often made of
    walls    those near which equations count less
    linear   whether all equations and conditions are, which matters for spectral networks only
    tangled  whether what time begins with is no sum of a few products: its derivatives then carry errors of their own,
             and residuals far below them are not worth their steps
    """

    def __init__(self, forms: ResidualForms, settings, ranks, walls, linear, tangled):
        self.forms, self.settings, self.linear = forms, settings, linear
        self.problem, self.constraints = problem, constraints = forms.problem, forms.constraints
        self.tangled = tangled
        self.axes, self.ranks = len(problem.coordinates), ranks
        self.widths = _each(settings["width"], self.axes)
        shaping = settings["network"] == "spectral" and ranks[0] != "full"
        self.shapes = source_terms(problem, constraints, ranks[0] // 2) if shaping else ()
        if self.shapes and settings["rank"] == "auto":
            self.ranks = (len(self.shapes), *ranks)
        self.breaks = breaks(problem)
        self.fade = {k: [wall.value for wall in walls if wall.axis == k] for k in range(self.axes)}

    def field(self, key):
        """The field that training starts from."""
        if self.ranks[0] == "full":
            return tensor_field(self.separable(self.widths), self.problem)
        random = self.separable(self.widths, self.ranks[0], key)
        return shaped(random, self.problem, self.shapes) if self.shapes else random

    def separable(self, widths, rank=1, key=None) -> SeparableField:
        """A separable field with random numbers."""
        key = jax.random.PRNGKey(0) if key is None else key
        own = self.settings | {"width": tuple(widths)}
        return _separable_field(self.problem, self.constraints, own, rank, key)

    def derivatives(self, counts, *, fresh: bool = False, **sums) -> SeparableJets:
        """Jets along the axes of a lattice; `sums` as in `SeparableJets`."""
        rule = "random" if fresh else self.settings["sampling"]
        return SeparableJets(
            Lattice(self.forms.supports, counts, rule, self.fade, self.breaks), self.forms.needs, **sums
        )

    def sums(self) -> dict:
        """How sums are taken: by the largest separable rank."""
        rank = max((rank for rank in self.ranks if rank != "full"), default=None)
        if rank is None:
            return {}
        own = jax.eval_shape(lambda: self.separable(self.widths, rank)).parameters // self.axes
        return {"form": self.settings["sums"], "rank": rank, "parameters": own}

    def aim(self, widths) -> Objective:
        """The objective for so many features with a coefficient for each product."""
        counts = tuple(5 * width // 4 + 4 for width in widths)
        return Objective(self.forms, self.derivatives(counts), faces=self.settings["faces"])

    def newton(self) -> tuple[Stage, ...]:
        """The Gauss-Newton stages: one before and one after each growth.

        A model that may still grow is given up as soon as it gains little. One with coefficients for all products
        depends on them linearly: the first step may be long, and is the only one that counts if the equations are
        linear too.
        """
        steps, every = self.settings["newton_steps"], "full" in self.ranks
        growth = [self._growth(rank) for rank in self.ranks[1:]]
        if every:
            most = _MOST_OF_ONE_AXIS if self.axes == 1 else _MOST_PRODUCTS[self.linear]
            finer = OtherWidths(self.problem, self.separable, self.aim, most)
            growth += [finer] * self.settings["refine"]
        separable = [rank for rank in self.ranks if rank != "full"]
        stages: list[Stage] = []
        for number, own in enumerate([None, *growth]):
            if number >= len(separable):
                # Where the equations are not linear, the way down may lead through slow stretches.
                slow = (0.3, 2) if self.tangled else (0.05, 3)
                (worth, patience), forcing = ((0.3, 1), 1e-4) if self.linear else (slow, 1e-2)
                newton = GaussNewton(steps, damping=1e-6, worth=worth, patience=patience, forcing=forcing)
            elif number < len(growth):
                # The few terms that a large system begins with are not found without slow stretches.
                worth, patience = (0.02, 10) if _large_system(self.problem) else (0.1, 5)
                newton = GaussNewton(steps, worth=worth, patience=patience)
            else:
                newton = GaussNewton(steps)
            insists = isinstance(own, OtherWidths) and self._insists()
            stages.append(Stage(newton, own, _ROUGH if self.tangled else _FINE, insists))
        return tuple(stages)

    def _insists(self) -> bool:
        """Whether more features are tried although the last ones gained nothing.

        A layer shows no gain before the features are fine enough to see it; what has no solution never does, and what
        is left of noise is no layer.
        """
        return (self.linear or self.axes == 1) and not self.forms.noisy and not fatal(self.problem)

    def _growth(self, rank):
        if rank == "full":
            return EveryProduct(self.problem, self.aim)
        return MoreTerms(len(self.problem.unknowns), rank)


def _faded(walls) -> tuple[str, ...]:
    """A sentence on the walls near which equations count less."""
    names = ", ".join(wall.name for wall in walls)
    return (f"equations count less near {names}, where boundary and initial values differ",) if walls else ()


def _widths(settings, problem) -> tuple[str, ...]:
    """Choose the number of spectral features an axis by the functions that the problem contains, and say so."""
    axes = len(problem.coordinates)
    if settings["width"] != "auto":
        return ()
    if settings["network"] != "spectral":
        settings["width"] = 32
        return ()
    least, most = (16, 32) if axes > 4 else (24, 64 if axes > 2 else 96)
    # A window in time is short: half as many features on that axis.
    halved = isinstance(settings["windows"], int) and settings["windows"] > 1
    lowest = [least // 2 if is_time(c) and halved else least for c in problem.coordinates]
    settings["width"] = tuple(
        min(most, max(low, degree + 8)) for low, degree in zip(lowest, degrees(problem), strict=True)
    )
    named = ", ".join(f"{n} on {x}" for x, n in zip(problem.coordinates, settings["width"], strict=True))
    return (f"spectral features: {named}, by the sources, coefficients and data",)


def _nodes(settings, axes: int) -> tuple[int, ...]:
    """Nodes on each axis: half as many again as spectral features, else some 100,000 in all."""
    if settings["points"] == "auto" and settings["network"] == "spectral":
        settings["points"] = tuple(3 * width // 2 + 4 for width in _each(settings["width"], axes))
    return points_an_axis(settings, axes, total=100_000, most=64)


def _ladder(settings, problem, linear: bool, tangled: bool) -> tuple[int | str, ...]:
    """The separable ranks that are tried one after the other."""
    if len(problem.coordinates) == 1 and settings["network"] == "spectral" and settings["newton_steps"]:
        return ("full",)  # a sum of functions of one coordinate is one such function
    if settings["rank"] != "auto":
        if settings["rank"] == "full" and settings["network"] != "spectral":
            raise MethodError(
                f"`sp.SPINN(rank='full', network={settings['network']!r})` asks for coefficients of all products of "
                f"frozen features, but such a network learns its features; choose `network='spectral'` or a number."
            )
        return (settings["rank"],)
    if settings["network"] != "spectral" or not settings["newton_steps"]:
        settings["rank"] = 16
        return (16,)
    axes = len(problem.coordinates)
    products = len(problem.unknowns) * math.prod(_each(settings["width"], axes))
    # Products of unknowns have columns of the square of the rank on every axis: 24 would fill the memory in four axes.
    if products <= _MOST_PRODUCTS[linear]:
        return ("full",) if tangled else (6, "full")
    if axes > 3:
        return (2, 6) if _large_system(problem) else (6, 12)
    return (6, 12, 24)


def _large_system(problem) -> bool:
    """Whether its products of features are so many that a few terms, cheap and often enough, are tried first."""
    return len(problem.unknowns) > 1 and len(problem.coordinates) > 3


def _starts_from_code(problem) -> bool:
    """Whether initial data are given as code."""
    return any(is_given(f) for start in problem.starts.values() for f in start.value.atoms(AppliedUndef))


def _each(value, axes: int) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def _frequency(settings, counts) -> tuple[str, ...]:
    """Choose the highest frequency of sine features by what the lattice resolves, and say so.

    A network that oscillates faster than its nodes drives the residual to zero at the nodes only; a sine layer of
    frequency w on [-1, 1] and the harmonics of the layers above need some 5 to 7 w nodes (measured on the gallery).
    """
    if settings["frequency"] != "auto":
        return ()
    settings["frequency"] = min(counts) / 5
    if settings["activation"] != "sin" or settings["network"] == "spectral":
        return ()
    return (f"sine features up to frequency {settings['frequency']:.3g} on [-1, 1], a fifth of the nodes an axis",)


def _separable_field(problem, constraints, settings, rank, key) -> SeparableField:
    embeddings, bodies = [], []
    outputs = len(problem.unknowns)
    widths = _each(settings["width"], len(problem.coordinates))
    for k, (bounds, width) in enumerate(zip(problem.domain.bounds, widths, strict=True)):
        feature_key, body_key = jax.random.split(jax.random.fold_in(key, k))
        own = {**settings, "width": width}
        embeddings.append(embedding((bounds,), constraints.periodic[k : k + 1], own, key=feature_key))
        body = BODIES[settings["network"]]
        bodies.append(body(embeddings[-1].width, outputs * rank, **body_options(own), key=body_key))
    factors = boundary_factors(problem, constraints)
    return SeparableField(tuple(embeddings), tuple(bodies), factors, outputs)
