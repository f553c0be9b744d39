"""SPINN, the separable physics-informed neural network."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax

from spindle.derivatives.separable import SeparableJets
from spindle.errors import MethodError
from spindle.lowering.resolution import degrees
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
    refuse_families,
)
from spindle.methods.growth import full, more_terms, zero_field
from spindle.methods.starts import shaped, source_terms
from spindle.networks.fields import SeparableField
from spindle.networks.layers import BODIES
from spindle.points.lattice import Lattice
from spindle.problem.problem import Problem

_MOST_PRODUCTS = 500_000  # coefficients of a full tensor: some 50 vectors of that length are held
_PAPER = {
    "network": "mlp",
    "width": 64,
    "hidden_layers": 3,
    "rank": 32,
    "activation": "tanh",
    "frequency": 1.0,
    "harmonics": 5,
    "scale_inputs": False,
    "hard": "off",
    "points": 64,
    "sampling": "random",
    "sums": "grid",
    "resample": 100,
    "weights": {},
    "balance": 0,
    "faces": "sum",
    "steps": 50_000,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "newton_steps": 0,
    "keep": "lowest loss",
    "dtype": "float32",
}


@dataclass(frozen=True, kw_only=True)
class SPINN(Method):
    """Separable PINN: one body network an axis, merged by a product over axes and a sum over the rank.

    rank   separable rank r: number of products that are added; "full": every product of spectral features has a
           coefficient of its own; "auto": 6, and where the residual stays above 3e-7 of that of the zero field "full",
           or 12 (24 up to three axes) where these would be too many
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
            "resample": 0,
            "faces": "mean",
            "steps": 0,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "newton_steps": 100,
            "keep": "last",
            "dtype": "float64",
        },
    }

    def plan(self, problem: Problem) -> Plan:
        """Lattice, one network an axis, jets an axis."""
        refuse_families(problem, "sp.SPINN()")
        problem, notes = published_problem(problem, self.recipe)
        settings = self.resolved(problem)
        axes = len(problem.coordinates)
        if axes < 2:
            raise MethodError(
                f"`sp.SPINN()` separates axes, and `{problem.name}` has only one, {problem.coordinates[0]}; "
                f"use `sp.PINN()`."
            )
        if settings["hard"] == "auto":
            # A lift raises the rank of what is left to the network; faces of many axes are dear to fit instead.
            settings["hard"] = "zero" if settings["network"] == "spectral" and axes <= 4 else "all"
        constraints, sentences = constraints_for(problem, settings)
        notes += _widths(settings, problem)
        ranks, counts = _ladder(settings, axes, len(problem.unknowns)), _nodes(settings, axes)
        notes += _frequency(settings, counts)

        spectral = settings["network"] == "spectral"
        separable = [rank for rank in ranks if rank != "full"]
        shapes = source_terms(problem, constraints, separable[0] // 2) if spectral and separable else ()
        notes += (f"the start takes its shape from the {len(shapes)} products of the source",) if shapes else ()

        def field(key):
            random = _separable_field(problem, constraints, settings, separable[0] if separable else 1, key)
            if not separable:
                return zero_field(random, problem)
            return shaped(random, problem, shapes) if shapes else random

        def differentiate(places, groups, needs):
            lattice = Lattice(places, counts, settings["sampling"])
            if not separable:
                return SeparableJets(lattice, needs, form="grid")
            own = jax.eval_shape(field, jax.random.PRNGKey(0)).parameters // axes * separable[-1] // separable[0]
            return SeparableJets(lattice, needs, rank=separable[-1], parameters=own, form=settings["sums"])

        outputs = len(problem.unknowns)
        growth = [full(problem) if rank == "full" else more_terms(outputs, rank) for rank in ranks[1:]]
        return assemble(problem, field, differentiate, constraints, settings, (*notes, *sentences), growth)


def _widths(settings, problem) -> tuple[str, ...]:
    """Choose the number of spectral features an axis by the functions that the problem contains, and say so."""
    axes = len(problem.coordinates)
    if settings["width"] != "auto":
        return ()
    if settings["network"] != "spectral":
        settings["width"] = 32
        return ()
    least, most = (16, 32) if axes > 4 else (24, 64 if axes > 2 else 96)
    settings["width"] = tuple(min(most, max(least, degree + 8)) for degree in degrees(problem))
    named = ", ".join(f"{n} on {x}" for x, n in zip(problem.coordinates, settings["width"], strict=True))
    return (f"spectral features: {named}, by the sources, coefficients and data",)


def _nodes(settings, axes: int) -> tuple[int, ...]:
    """Nodes on each axis: half as many again as spectral features, else some 100,000 in all."""
    if settings["points"] == "auto" and settings["network"] == "spectral":
        settings["points"] = tuple(3 * width // 2 + 4 for width in _each(settings["width"], axes))
    return points_an_axis(settings, axes, total=100_000, most=64)


def _ladder(settings, axes: int, outputs: int) -> tuple[int | str, ...]:
    """The separable ranks that are tried one after the other."""
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
    # Products of unknowns have columns of the square of the rank on every axis: 24 would fill the memory in four axes.
    products = outputs * math.prod(_each(settings["width"], axes))
    return (6, "full") if products <= _MOST_PRODUCTS else (6, 12) if axes > 3 else (6, 12, 24)


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
