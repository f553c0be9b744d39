"""What the settings of a SPINN amount to: fields, lattices, and Gauss-Newton stages between which the field grows."""

import math
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import jax
from sympy.core.function import AppliedUndef

from spindle.adaptivity.initial_guess import source_terms, started_from_source
from spindle.adaptivity.nodes import FinerNodes
from spindle.adaptivity.ranks import MoreProducts
from spindle.adaptivity.refinements import FullTensor, RaiseRank, ResizeBasis, tensor_field
from spindle.derivatives.separable.jets import SeparableJets
from spindle.lowering.breaks import breaks
from spindle.lowering.incompatible_faces import incompatible_faces
from spindle.lowering.residuals import ResidualForms
from spindle.lowering.structure import analyse
from spindle.methods.assembly import body_options, boundary_factors, each_axis, embedding
from spindle.networks.fields import SeparableField
from spindle.networks.registry import BODIES
from spindle.objective.objective import Objective
from spindle.points.lattice import Lattice
from spindle.points.shifts import ShiftedGrids
from spindle.problem.consistency.checks import fatal
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import is_given
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

# Coefficients of a full tensor, by whether all is linear: two or three steps do then, of ten seconds each, else ten.
_MOST_PRODUCTS = {True: 400_000, False: 200_000}
_MOST_OF_ONE_AXIS = 1024
_BRIEF = 128  # likewise on each of two axes, where elements may follow
# Residual, relative to that of the zero field, at which nothing is enlarged any more.
_FINE, _ROUGH = 3e-7, 1e-3
# Learned functions of one coordinate: their separable ranks, that residual, and the share of the loss that a
# step should gain, which so many in a row may miss.
_LEARNED, _LEARNED_ENOUGH, _SLOW, _PATIENCE = (4, 8, 16), 1e-5, 0.03, 20


class Design:
    """What the settings of one solve amount to: fields, lattices and Gauss-Newton stages.

    linear   whether all equations and conditions are, which matters for spectral networks only
    ranks    the separable ranks that are tried one after the other; before them comes the number of products of a
             separable source, which the solution is often made of
    fade     on each axis the positions of walls near which equations count less
    brief    whether elements follow where features do not suffice, so that few are tried
    """

    def __init__(self, forms: ResidualForms, s: Any, *, brief: bool = False):
        self.forms, self.s, self.brief = forms, s, brief
        self.problem, self.constraints = problem, constraints = forms.problem, forms.constraints
        self.tangled = tangled(s, problem)
        self.linear = s.is_basis and all(structure.linear for structure in analyse(problem))
        self.axes = len(problem.coordinates)
        self.widths = each_axis(s.width, self.axes)
        self.ranks = ranks = _ladder(s, problem, self.linear, self.tangled)
        looks = s.from_source and ranks[0] != "full"
        products = source_terms(problem, constraints, ranks[0] // 2) if looks else ()
        self.shapes = products if s.is_basis else ()
        if products and s.rank == "auto":
            self.ranks = (len(products), *ranks)
        self.breaks = breaks(problem)
        walls = incompatible_faces(problem) if s.fade else []
        self.fade = {k: [wall.value for wall in walls if wall.axis == k] for k in range(self.axes)}

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on the start, where it is not a random one, and on the ranks of learned functions."""
        if not self.s.is_basis and len(self.ranks) > 1:
            ranks = ", ".join(map(str, self.ranks))
            return (f"products of learned functions: {ranks}, as long as more of them pay",)
        if not self.shapes:
            return ()
        products = "product" if len(self.shapes) == 1 else f"{len(self.shapes)} products"
        return (f"the start takes its shape from the {products} of the source",)

    def field(self, key):
        """The field that training starts from."""
        if self.ranks[0] == "full":
            return tensor_field(self.separable(self.widths), self.problem)
        random = self.separable(self.widths, self.ranks[0], key)
        return started_from_source(random, self.problem, self.shapes) if self.shapes else random

    def separable(self, widths, rank=1, key=None) -> SeparableField:
        """A separable field with random numbers."""
        key = jax.random.PRNGKey(0) if key is None else key
        return _separable_field(self.problem, self.constraints, replace(self.s, width=tuple(widths)), rank, key)

    def objective(self, *, fresh: bool = False) -> Objective:
        """The objective on the points that the settings ask for, or on fresh random ones."""
        return self._objective(each_axis(self.s.points, self.axes), fresh=fresh)

    def _objective(self, counts, *, fresh: bool = False) -> Objective:
        derivatives = self.derivatives(counts, fresh=fresh, **self._sums)
        return Objective(self.forms, derivatives, faces=self.s.faces)

    def derivatives(self, counts, *, fresh: bool = False, **sums) -> SeparableJets:
        """Jets along the axes of a lattice; `sums` as in `SeparableJets`."""
        rule = "random" if fresh else self.s.sampling
        shifts = ShiftedGrids(self.s.copies, self.problem.time)
        lattice = Lattice(self.forms.supports, counts, rule, self.fade, self.breaks, shifts)
        return SeparableJets(lattice, self.forms.needs, **sums)

    @cached_property
    def _sums(self) -> dict:
        """How sums are taken: by the largest separable rank of a basis, by the first that learned functions grow to."""
        ranks = [rank for rank in self.ranks if rank != "full"]
        if not ranks:
            return {}
        rank = max(ranks if self.s.is_basis else ranks[:2])
        count = jax.eval_shape(lambda: self.separable(self.widths, rank)).parameters // self.axes
        return {"form": self.s.sums, "rank": rank, "parameters": count}

    def aim(self, widths) -> Objective:
        """The objective for so many features with a coefficient for each product."""
        counts = tuple(5 * width // 4 + 4 for width in widths)
        return Objective(self.forms, self.derivatives(counts), faces=self.s.faces)

    def newton(self) -> tuple[Stage, ...]:
        """The Gauss-Newton stages: one before and one after each growth.

        A model that may still grow is given up as soon as it gains little. One with coefficients for all products
        depends on them linearly: the first step may be long, and is the only one that counts if the equations are
        linear too.
        """
        steps, every = self.s.newton_steps, "full" in self.ranks
        if not steps:
            return ()
        if not self.s.is_basis:
            return self._stages_of_learned(steps)
        growth = [self._growth(rank) for rank in self.ranks[1:]]
        if every:
            if self.brief:
                most = _BRIEF ** min(self.axes, 2)
            else:
                most = _MOST_OF_ONE_AXIS if self.axes == 1 else _MOST_PRODUCTS[self.linear]
            finer = ResizeBasis(self.problem, self.separable, self.aim, most)
            growth += [finer] * self.s.refine
        separable = [rank for rank in self.ranks if rank != "full"]
        stages: list[Stage] = []
        for number, refinement in enumerate([None, *growth]):
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
            insists = isinstance(refinement, ResizeBasis) and self._insists()
            stages.append(Stage(newton, refinement, _ROUGH if self.tangled else _FINE, insists))
        return tuple(stages)

    def _stages_of_learned(self, steps: int) -> tuple[Stage, ...]:
        """One for each rank, and others on finer lattices where the nodes were too few, after the first and the last.

        Products of learned functions are found within tens of steps; then each gains little. To compile the steps of
        another rank takes as long as some hundred of them, so that slow stretches are sat out.
        """
        newton = GaussNewton(steps, worth=_SLOW, patience=_PATIENCE, accelerated=True, uniform=True)
        weights = self.objective().weights(self.s.weights, self.s.conditions)

        def finer(by: float) -> list[Stage]:
            counts = tuple(math.ceil(by * n) for n in each_axis(self.s.points, self.axes))
            refinement = FinerNodes(partial(self._objective, counts), weights)
            return [] if self.s.sampling == "random" else [Stage(newton, refinement, 0.0, insists=True)]

        more = [MoreProducts(len(self.problem.unknowns), rank) for rank in self.ranks[1:]]
        growing = [Stage(newton, refinement, _LEARNED_ENOUGH) for refinement in more]
        return (Stage(newton), *finer(1.5), *growing, *finer(2.25))

    def _insists(self) -> bool:
        """Whether more features are tried although the last ones gained nothing.

        A layer shows no gain before the features are fine enough to see it; what has no solution never does, and what
        is left of noise is no layer.
        """
        return (self.linear or self.axes == 1) and not self.forms.noisy and not fatal(self.problem)

    def _growth(self, rank):
        if rank == "full":
            return FullTensor(self.problem, self.aim)
        return RaiseRank(len(self.problem.unknowns), rank)


def tangled(s: Any, problem: Problem) -> bool:
    """Whether what time begins with is no sum of a few products, as what another window or code begins with is not.

    Its derivatives then carry errors of their own, and residuals far below them are not worth their steps.
    """
    return s.windows != 1 or _starts_from_code(problem)


def _ladder(s: Any, problem: Problem, linear: bool, tangled: bool) -> tuple[Any, ...]:
    """The separable ranks that are tried one after the other, numbers or "full"."""
    axes = len(problem.coordinates)
    if axes == 1 and s.is_basis and s.newton_steps:
        return ("full",)  # a sum of functions of one coordinate is one such function
    if s.rank != "auto":
        return (s.rank,)
    if not s.is_basis:
        return _LEARNED
    products = len(problem.unknowns) * math.prod(each_axis(s.width, axes))
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


def _separable_field(problem, constraints, s: Any, rank, key) -> SeparableField:
    embeddings, bodies = [], []
    outputs = len(problem.unknowns)
    sizes = zip(*(each_axis(value, len(problem.coordinates)) for value in (s.width, s.frequency)), strict=True)
    for k, (bounds, (width, frequency)) in enumerate(zip(problem.domain.bounds, sizes, strict=True)):
        feature_key, body_key = jax.random.split(jax.random.fold_in(key, k))
        alone = replace(s, width=width, frequency=frequency)
        embeddings.append(embedding((bounds,), constraints.periodic[k : k + 1], alone, key=feature_key))
        body = BODIES["spectral" if s.is_basis else s.network]
        bodies.append(body(embeddings[-1].width, outputs * rank, **body_options(alone), key=body_key))
    factors = boundary_factors(problem, constraints)
    return SeparableField(tuple(embeddings), tuple(bodies), factors, outputs)
