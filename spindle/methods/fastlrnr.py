"""FastLRNR: a low-rank family whose members are found by a hyper-reduced network."""

from dataclasses import dataclass
from typing import ClassVar

from spindle.methods.lowrank import DEFAULT, PAPER, LowRank
from spindle.methods.settings import NotNegative, Whole, Words, documented, setting
from spindle.reduction.interpolation import SELECTIONS

_DEFAULT = DEFAULT | {
    "snapshot_points": 24,
    "snapshots": "derivatives",
    "selection": "oversampled",
    "neurons": 0,
    "tolerance": 0.0,
}
_PAPER = (
    _DEFAULT
    | PAPER
    | {"snapshot_points": 12, "snapshots": "shifted", "selection": "deim", "neurons": 5, "phase": "published"}
    | {"query_points": 12}
)


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class FastLRNR(LowRank):
    """Hyper-reduced low-rank family: trained once as `LRPINN`, then each member costs about a millisecond.

    `family = spd.solve(problem, spd.FastLRNR())`, `family(nu=0.7)`, `family.many(rows)`. `points` are collocation
    points in all, each with other parameters, or with `tasks` those of each member. `recipe="paper"`: trained as
    `LRPINN`, five neurons a layer, 400 epochs of Adam on absolute residuals at the points of a grid, with no guard.
    The weight that holds coefficients near those of the hypernetwork was chosen by hand for each published case; here
    one of the same span is chosen for all by the residual.

    Source: Cho et al. (2024), arXiv 2410.04001; derivatives of states, oversampling and cubature are additions.
    """

    snapshot_points: int | tuple[int, ...] | None = setting(
        Whole(1, 10**7, several=True),
        "points at which hidden states are taken, for each of `members` parameters; several numbers: those of a grid, "
        "ends included, with so many along each coordinate",
    )
    snapshots: str | None = setting(
        Words({"derivatives": "states and their derivatives", "shifted": "states at shifted points, as published"}),
        "of which bases are made",
    )
    selection: str | None = setting(Words(dict.fromkeys(SELECTIONS, "")), "how neurons are chosen")
    neurons: int | None = setting(
        Whole(0, 10**6), "of the reduced layers, at most; 0: as many as `tolerance` asks for", sizes=True
    )
    tolerance: float | None = setting(
        NotNegative(),
        "relative error of the bases; 0: the largest for which the reduced residual is within a quarter of the full "
        "one",
    )

    reduces: ClassVar[bool] = True
    name: ClassVar[str] = "fastlrnr"
    recipes: ClassVar = {"default": _DEFAULT, "paper": _PAPER}
