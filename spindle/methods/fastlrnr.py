"""FastLRNR: a low-rank family whose members are found by a hyper-reduced network."""

from dataclasses import dataclass
from typing import ClassVar

from spindle.methods.lowrank import DEFAULT, PAPER, LowRank

_REDUCED = {
    "snapshot_points": 24,
    "snapshots": "derivatives",
    "selection": "oversampled",
    "neurons": 0,
    "tolerance": 0.0,
}
_PUBLISHED = _REDUCED | {"snapshots": "shifted", "selection": "deim", "neurons": 5, "phase": "published"}


@dataclass(frozen=True, kw_only=True, repr=False)
class FastLRNR(LowRank):
    """Hyper-reduced low-rank family: trained once as `LRPINN`, then each member costs about a millisecond.

    `family = sp.solve(problem, sp.FastLRNR())`, `family(nu=0.7)`, `family.many(rows)`. The settings of `LowRank` apply,
    and these:
    snapshot_points   points at which hidden states are taken, for each of `members` parameters
    snapshots       "derivatives": states and their derivatives; "shifted": states at shifted points, as published
    selection       of neurons: "deim", "qdeim", or "oversampled"
    neurons         of the reduced layers, at most; 0: as many as `tolerance` asks for
    tolerance       relative error of the bases; 0: the largest for which the reduced residual is within a quarter of
                    the full one

    Source: Cho et al. (2024), arXiv 2410.04001; derivatives of states, oversampling and cubature are additions.
    """

    snapshot_points: int | None = None
    snapshots: str | None = None
    selection: str | None = None
    neurons: int | None = None
    tolerance: float | None = None

    reduces: ClassVar[bool] = True
    name: ClassVar[str] = "fastlrnr"
    recipes: ClassVar = {
        "paper": {**PAPER, **_PUBLISHED},
        "default": {**DEFAULT, **_REDUCED},
    }
