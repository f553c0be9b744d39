"""The families of Cho et al. (2024), and how large they are trained by the published recipe."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from spindle.errors import MethodError, SolveWarning, nearest
from spindle.gallery.families import CONVECTION_TESTS, REACTION_TESTS
from spindle.gallery.registry import gallery
from spindle.methods.fastlrnr import FastLRNR
from spindle.results.solution import Solution
from spindle.solving.solve import solve

STEPS, WIDTH, RANK, RATE = 20_000, 4000, 100, 1e-3  # as published

# The weights of |s - s(mu)|_1 that were chosen by hand for the test cases, in their order; no rule for others is known.
CONVECTION_LOCALITIES = (1.10, 1.24, 1.02, 1.02, 1.18, 17.60, 1.00, 1.02, 1.02, 12.30)
REACTION_LOCALITIES = (0.30, 1.48, 0.40, 0.14, 0.48, 0.30, 2.74, 1.56, 0.14, 0.22)


@dataclass(frozen=True, eq=False)
class Family:
    """A family of the publication, with its test cases (each beta, nu, rho) and their locality weights.

    partials   the derivatives whose reduction is looked at, {name: multi-index of t and x}
    """

    name: str
    problem: str
    tests: tuple[tuple[float, float, float], ...]
    localities: tuple[float, ...]
    partials: dict[str, tuple[int, int]]

    def parameters(self, case: int) -> np.ndarray:
        """The parameters (p,) of a case, of which the first family has one."""
        return np.array(self.tests[case][: 1 if self.name == "D1" else 3])

    def case(self, case: int) -> str:
        """A case in words."""
        names = ("beta", "nu", "rho")
        return f"{self.name} " + ", ".join(f"{n} = {v:g}" for n, v in zip(names, self.parameters(case), strict=False))


_FIRST = {"u": (0, 0), "u_t": (1, 0), "u_x": (0, 1)}
FAMILIES = (
    Family("D1", "convection_family", tuple((b, 0.0, 0.0) for b in CONVECTION_TESTS), CONVECTION_LOCALITIES, _FIRST),
    Family("D2", "convection_diffusion_reaction", REACTION_TESTS, REACTION_LOCALITIES, _FIRST | {"u_xx": (0, 2)}),
)


@dataclass(frozen=True)
class Scale:
    """How large an experiment is.

    width, rank, steps   of the training
    learning_rate        at the start; by the published one it takes thousands of steps to leave the constant 1, whose
                         loss is a half, where bases start nearly parallel
    points, lattice      collocation points of a member, and the grid that they lie on; on a coarse one
                         fields are smooth at its nodes and steep between them, with a small loss and large errors
    cases                test cases of each family
    every                epochs of a query from one error to the next
    grid                 points of t and x at which errors are measured
    timed                width and rank of the networks whose steps are timed
    """

    width: int = WIDTH
    rank: int = RANK
    steps: int = STEPS
    learning_rate: float = RATE
    points: int = 1000
    lattice: tuple[int, int] = (100, 256)
    cases: int = 10
    every: int = 1
    grid: tuple[int, int] = (100, 256)
    timed: tuple[int, int] = (WIDTH, RANK)

    def method(self, problem: str) -> FastLRNR:
        """The published recipe at this size."""
        members: Any = (500,) if problem == "convection_family" else (4, 4, 4)
        if self.width < WIDTH:
            members = (40,) if problem == "convection_family" else (3, 3, 3)
        return FastLRNR(
            recipe="paper", width=self.width, rank=self.rank, hyper_width=self.rank, steps=self.steps,
            learning_rate=self.learning_rate, points=self.points, lattice=self.lattice, members=members,
            calibration=1, refine_points=100,
        )  # fmt: skip

    @property
    def note(self) -> str:
        """What is smaller than published; empty where nothing is."""
        less = {
            f"width {self.width} of {WIDTH}": self.width < WIDTH,
            f"rank {self.rank} of {RANK}": self.rank < RANK,
            f"{self.points} of 1000 points a member": self.points < 1000,
            f"rate {self.learning_rate:g} for {RATE:g}": self.learning_rate != RATE,
        }
        return ", ".join(words for words, smaller in less.items() if smaller)


SCALES = {
    "quick": Scale(48, 8, 200, 5e-3, points=60, lattice=(12, 24), cases=2, every=57, grid=(21, 32), timed=(400, 20)),
    "default": Scale(200, 20, 4000, 5e-3, every=19, grid=(50, 64)),
    "full": Scale(),
}


def scale_named(name: str) -> Scale:
    """The size of that name; raises MethodError where there is none."""
    if name not in SCALES:
        raise MethodError(f"The experiments of low-rank families have no size `{name}`." + nearest(name, SCALES))
    return SCALES[name]


@lru_cache(maxsize=4)
def trained(family: Family, scale: Scale, store: Path | None = None) -> Solution:
    """The family, trained and reduced by the published recipe; `store` keeps it, and continues it where it was cut."""
    out = None if store is None else store / f"{family.name}-{scale.width}-{scale.rank}-{scale.steps}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SolveWarning)  # that training was short is what the rows say
        return solve(gallery(family.problem), scale.method(family.problem), out=out, progress=False)
