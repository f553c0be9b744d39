"""LR-PINN: a low-rank family whose members are tuned on the whole network."""

from dataclasses import dataclass
from typing import ClassVar

from spindle.methods.lowrank import DEFAULT, PAPER, LowRank
from spindle.methods.settings import documented


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class LRPINN(LowRank):
    """Low-rank physics-informed neural network of a parametrised family.

    `family = spd.solve(problem, spd.LRPINN())`, `family(nu=0.7)`. The default trains by Gauss-Newton on new random
    points and members in every step, from orthonormal bases; conditions hold by construction where they can. It needs a
    problem with ranging parameters; `points` are collocation points in all, each with other parameters, or with
    `tasks` those of each member. `recipe="paper"`: as published in 2024, where the text is silent as its code does it:
    width 4000, rank 100, 20,000 steps of Adam with a rate that falls on plateaus, for large GPUs; members are tuned by
    Adam on mean squares. `ordering="points"` is the sparsity of that code instead of that of the text.

    Source: Cho et al. (2023), arXiv 2310.09528; Cho et al. (2024), arXiv 2410.04001, equations 3.1 to 3.4.
    """

    reduces: ClassVar[bool] = False
    name: ClassVar[str] = "lrpinn"
    recipes: ClassVar = {"default": DEFAULT, "paper": PAPER}
