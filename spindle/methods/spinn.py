"""SPINN, the separable physics-informed neural network."""

from dataclasses import dataclass
from typing import ClassVar

import jax

from spindle.derivatives.separable import SeparableJets
from spindle.errors import MethodError
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
from spindle.networks.fields import SeparableField
from spindle.networks.layers import BODIES
from spindle.points.lattice import Lattice
from spindle.problem.problem import Problem

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

    rank   separable rank r: number of products that are added

    The settings of all methods apply; `points` are nodes an axis of a tensor lattice. One step costs d N passes through
    small networks and 2 r N^d operations for each partial; prefer it on boxes, from two axes to many.
    `recipe="paper"`: Adam with a constant rate of 1e-3, 50,000 steps in single precision, N random nodes an axis drawn
    anew every 100 steps, penalties on all conditions; the published problem's own weights and ranks are used.

    Source: Cho, Nam, Yang, Yun, Hong & Park (2023), Separable Physics-Informed Neural Networks, arXiv 2306.15969.
    """

    rank: int | None = None
    sums: str | None = None

    name: ClassVar[str] = "spinn"
    recipes: ClassVar = {
        "paper": _PAPER,
        "default": _PAPER
        | {
            "network": "mlp",
            "hidden_layers": 2,
            "width": 32,
            "rank": 16,
            "activation": "sin",
            "frequency": "auto",
            "scale_inputs": True,
            "hard": "auto",
            "points": "auto",
            "sampling": "gauss",
            "sums": "auto",
            "resample": 0,
            "balance": 100,
            "faces": "mean",
            "steps": 1_000,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "lbfgs_steps": 2_000,
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
        constraints, sentences = constraints_for(problem, settings)
        counts = points_an_axis(settings, axes, total=100_000, most=64)
        notes += _frequency(settings, counts)

        def field(key):
            return _separable_field(problem, constraints, settings, key)

        def differentiate(places, groups, needs):
            lattice = Lattice(places, counts, settings["sampling"])
            return SeparableJets(lattice, needs, rank=settings["rank"], form=settings["sums"])

        return assemble(problem, field, differentiate, constraints, settings, (*notes, *sentences))


def _frequency(settings, counts) -> tuple[str, ...]:
    """Choose the highest frequency of sine features by what the lattice resolves, and say so.

    A network that oscillates faster than its nodes drives the residual to zero at the nodes only; a sine layer of
    frequency w on [-1, 1] and the harmonics of the layers above need some 5 to 7 w nodes (measured on the gallery).
    """
    if settings["frequency"] != "auto":
        return ()
    settings["frequency"] = min(counts) / 5
    if settings["activation"] != "sin":
        return ()
    return (f"sine features up to frequency {settings['frequency']:.3g} on [-1, 1], a fifth of the nodes an axis",)


def _separable_field(problem, constraints, settings, key) -> SeparableField:
    embeddings, bodies = [], []
    outputs = len(problem.unknowns)
    for k, bounds in enumerate(problem.domain.bounds):
        feature_key, body_key = jax.random.split(jax.random.fold_in(key, k))
        embeddings.append(embedding((bounds,), constraints.periodic[k : k + 1], settings, key=feature_key))
        body = BODIES[settings["network"]]
        bodies.append(body(embeddings[-1].width, outputs * settings["rank"], **body_options(settings), key=body_key))
    factors = boundary_factors(problem, constraints)
    return SeparableField(tuple(embeddings), tuple(bodies), factors, settings["rank"], outputs)
