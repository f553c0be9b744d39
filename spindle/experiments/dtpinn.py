"""Sharma & Shankar (2022): the disk at the published node counts, and domains of other shapes, by our defaults."""

from spindle.experiments.rows import Row
from spindle.methods.dtpinn import DTPINN
from spindle.results.solution import Solution

_DISK = ((737, 91), (2077, 159), (4737, 240))

# Five seeds each, median and worst; nothing set but nodes and order.
DISK = tuple(Row("poisson_disk", DTPINN(nodes=nodes, order=p), seeds=5) for nodes in _DISK for p in (3, 4))

# Other equations and domains, untouched but for the number of nodes where it is published.
OTHERS = (
    Row("nonlinear_poisson_disk", DTPINN(nodes=(2077, 159)), seeds=3),
    Row("heat_disk", DTPINN(nodes=(737, 91))),
    Row("heat_disk", DTPINN(nodes=(737, 91), in_time="differences")),
    *(Row(name, DTPINN()) for name in ("poisson_star", "advection_diffusion_annulus", "poisson_holes")),
    Row("poisson_ball", DTPINN(nodes=(2423, 657), order=3)),
    Row("poisson_cad", DTPINN(order=3)),
)


def least(solution: Solution) -> dict:
    """The least error on the way, and when it was reached: what the publication reports."""
    error, seconds = min((max(r.errors.values()), r.seconds) for r in solution.run.history if r.errors)
    return {"least error": error, "after s": seconds}


def _published(problem: str, steps: int, **settings) -> Row:
    return Row(problem, DTPINN(recipe="paper", lbfgs_steps=steps, **settings), more=least)


_STEPS = dict(zip(_DISK, (10_000, 4_000, 2_500), strict=True))

# As published, but for the number of steps: 100,000 of each take days on two processor cores. The publication prints no
# number, its results are curves.
PAPER = (
    *(_published(name, 10_000, order=p) for name in ("poisson_disk", "nonlinear_poisson_disk") for p in (2, 3, 4, 5)),
    *(
        _published(name, _STEPS[nodes], nodes=nodes, order=p)
        for name in ("poisson_disk", "nonlinear_poisson_disk")
        for nodes in _DISK[1:]
        for p in (3, 4)
    ),
    # The plain network at the same nodes, with the rate published for it.
    *(
        _published("poisson_disk", steps, nodes=nodes, derivatives="exact", dtype="float32", lbfgs_rate=0.2)
        for nodes, steps in _STEPS.items()
    ),
    *(_published("heat_disk", 1_000, order=p) for p in (2, 3, 4, 5)),
    *(_published("poisson_ball", 3_000, order=p) for p in (2, 3)),
)
