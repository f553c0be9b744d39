"""Every solve that the documents give a number for: what it is, what is claimed, and whether that still holds."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spindle.errors import SpindleError
from spindle.experiments.families import tested
from spindle.experiments.rows import untrained
from spindle.gallery.registry import gallery
from spindle.methods.base import Method
from spindle.methods.dtpinn import DTPINN
from spindle.methods.fastlrnr import FastLRNR
from spindle.methods.spinn import SPINN
from spindle.results.solution import Solution
from spindle.solving.solve import solve

QUICK = 60.0  # seconds: what takes less is measured by `--quick`
_ROUNDING = 1e-13  # errors below are rounding errors, of which nothing is claimed but that


@dataclass(frozen=True)
class Claim:
    """One number of the documents, and the solve that it is claimed for.

    problem   of the gallery, with its options
    error     relative L2, the largest of all unknowns, or of the quantity that `of` names
    within    factor up to which another measurement may exceed it
    seconds   that the solve takes about, on two cores
    """

    problem: str
    method: Method
    error: float
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    within: float = 2.0
    measure: Callable[[Solution], float] | None = None

    @property
    def row(self) -> str:
        """The solve in words."""
        chosen = "".join(f", {name} = {value}" for name, value in self.options.items())
        return f"{self.problem}{chosen}{f' ({self.of})' if self.of else ''}"

    def measured(self, solution: Solution) -> float:
        """The number of a solution that is compared with the claim: `measure` of it, else its error."""
        if self.measure is not None:
            return self.measure(solution)
        errors = {name: float(measures["rel_l2"] or 0.0) for name, measures in solution.run.errors.items()}
        return errors[self.of] if self.of else max(errors.values())

    def holds(self, error: float) -> bool:
        """Whether a measured error is what was claimed."""
        return error <= max(self.within * self.error, _ROUNDING)


def members(solution: Solution) -> float:
    """The median error of the members at which a family is tested."""
    return float(np.median([member.error() for member in solution.many(tested(solution))]))


def _disk(interior: int, boundary: int, order: int, error: float, seconds: float) -> Claim:
    return Claim("poisson_disk", DTPINN(nodes=(interior, boundary), order=order), error, seconds)


CLAIMS = (
    Claim("helmholtz3d", SPINN(), 8.5e-16, 11),
    Claim("klein_gordon3d", SPINN(), 1.4e-15, 19),
    Claim("klein_gordon4d", SPINN(), 5.9e-16, 36),
    Claim("diffusion6d", SPINN(), 0.0, 16),
    Claim("poisson2d", SPINN(), 2.9e-16, 7),
    Claim("convection", SPINN(), 2.1e-15, 14),
    Claim("sine_gordon2d", SPINN(), 4.0e-10, 12),
    Claim("variable_coefficient2d", SPINN(), 7.7e-16, 14),
    Claim("poisson_nd", SPINN(), 1.3e-15, 25),
    Claim("poisson_nd", SPINN(), 8.3e-10, 58, options={"d": 20}, within=10),
    Claim("flow_mixing3d", SPINN(), 3.2e-5, 885),
    Claim("burgers2d", SPINN(), 7.8e-12, 16),
    Claim("diffusion3d", SPINN(), 1.2e-3, 323),
    Claim("burgers", SPINN(), 1.1e-11, 5),
    Claim("burgers_moving", SPINN(), 2.8e-10, 10),
    Claim("burgers_two_fronts", SPINN(), 2.6e-9, 9),
    Claim("allen_cahn", SPINN(), 1.4e-9, 7),
    Claim("kdv", SPINN(), 6.4e-12, 10, within=10),
    Claim("kuramoto_sivashinsky", SPINN(), 7.0e-11, 14, within=10),
    Claim("nonlinear_schroedinger", SPINN(), 1.4e-5, 42),
    Claim("ginzburg_landau", SPINN(), 4.0e-6, 38),
    Claim("gray_scott", SPINN(), 4.0e-6, 86),
    Claim("wave_multiscale", SPINN(), 3.6e-15, 17),
    Claim("advection_fast", SPINN(), 4.2e-15, 12),
    Claim("boundary_layer", SPINN(), 8.2e-12, 9),
    Claim("boundary_layer", SPINN(), 8.2e-12, 9, options={"side": "left"}),
    Claim("boundary_layer", SPINN(), 2.2e-15, 11, options={"side": "middle"}),
    Claim("two_materials", SPINN(), 7.1e-15, 4),
    Claim("two_materials2d", SPINN(), 1.6e-10, 6),
    Claim("van_der_pol", SPINN(), 3.3e-13, 9),
    Claim("oscillator_long", SPINN(), 4.8e-13, 5),
    Claim("helmholtz_high", SPINN(), 6.8e-14, 6),
    Claim("heat_long", SPINN(), 1.5e-12, 60),
    Claim("kovasznay", SPINN(), 1.1e-14, 19),
    Claim("lid_driven_cavity", SPINN(), 4.9e-6, 52, within=10),
    Claim("lid_driven_cavity", SPINN(network="spectral"), 1.2e-2, 31, options={"re": 400}),
    Claim("lid_driven_cavity", SPINN(), 2.2e-4, 61, options={"re": 1000}),
    Claim("lid_driven_cavity", SPINN(), 4.8e-4, 91, options={"re": 3200}),
    Claim("lid_driven_cavity", SPINN(), 4.1e-7, 56, options={"re": 1000, "lid": "regularised"}),
    Claim("navier_stokes3d", SPINN(), 7.3e-7, 15, options={"end": 0.1}, of="w"),
    Claim("navier_stokes3d", SPINN(), 8.1e-6, 103, of="w"),
    Claim("navier_stokes3d", SPINN(windows=10), 1.3e-2, 85, of="w"),
    Claim("navier_stokes4d", SPINN(), 2.2e-11, 215, of="vorticity 1"),
    _disk(737, 91, 3, 6.5e-5, 13),
    _disk(737, 91, 4, 2.7e-5, 15),
    _disk(2077, 159, 3, 8.2e-6, 23),
    _disk(2077, 159, 4, 6.4e-6, 33),
    _disk(4737, 240, 3, 6.5e-6, 41),
    _disk(4737, 240, 4, 4.6e-6, 45),
    Claim("poisson_holes", DTPINN(), 5.0e-4, 56),
    Claim("poisson_star", DTPINN(), 4.6e-6, 80),
    Claim("inclusion", DTPINN(), 2.9e-4, 57),
    Claim("poisson_ball", DTPINN(nodes=(2423, 657), order=3), 3.3e-4, 42),
    Claim("advection_diffusion_annulus", DTPINN(), 5.8e-5, 60),
    Claim("heat_disk", DTPINN(nodes=(737, 91)), 3.8e-5, 520),
    Claim("convection_family", FastLRNR(), 3.4e-5, 840, measure=members),
    Claim("convection_diffusion_reaction", FastLRNR(), 2.0e-4, 840, measure=members),
    Claim("advection_diffusion_family", FastLRNR(), 3.1e-3, 840, measure=members),
)


def verify(*, quick: bool, tell: Callable) -> list[dict]:
    """A line of the table for each claim, measured anew; `quick`: those that take less than a minute."""
    return [_verified(claim, tell) for claim in CLAIMS if claim.seconds < QUICK or not quick]


def _verified(claim: Claim, tell: Callable) -> dict:
    began = time.perf_counter()
    row = {"problem": claim.row, "method": repr(claim.method), "claimed": claim.error}
    try:
        solution = solve(gallery(claim.problem, **claim.options), claim.method, progress=False)
    except SpindleError as error:
        tell(f"{claim.row}: {error}", markup=False)
        return row | {
            "measured": float("nan"),
            "without training": "",
            "seconds": time.perf_counter() - began,
            "verdict": "",
            "holds": "no",
        }
    measured_error, seconds = claim.measured(solution), time.perf_counter() - began
    holds = claim.holds(measured_error)
    tell(f"{claim.row}: {measured_error:.1e}, claimed {claim.error:.1e}{'' if holds else ': no longer'}", markup=False)
    return row | {
        "measured": measured_error,
        "without training": untrained(solution),
        "seconds": seconds,
        "verdict": solution.verdict.word,
        "holds": "yes" if holds else "no",
    }
