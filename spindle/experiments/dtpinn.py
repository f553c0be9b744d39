"""Sharma & Shankar (2022): the disk at the published node counts, and domains of other shapes, by our defaults."""

from spindle.experiments.rows import Row
from spindle.methods.dtpinn import DTPINN

_DISK = ((737, 91), (2077, 159), (4737, 240))

# Five seeds each, median and worst; nothing set but nodes and order.
DISK = tuple(Row("poisson_disk", DTPINN(nodes=nodes, order=p), seeds=5) for nodes in _DISK for p in (3, 4))

# Other equations and domains, untouched but for the number of nodes where it is published.
OTHERS = (
    Row("nonlinear_poisson_disk", DTPINN(nodes=(2077, 159)), seeds=3),
    Row("heat_disk", DTPINN(nodes=(737, 91))),
    *(Row(name, DTPINN()) for name in ("poisson_star", "advection_diffusion_annulus", "poisson_holes")),
    Row("poisson_ball", DTPINN(nodes=(2423, 657), order=3)),
    Row("poisson_cad", DTPINN(order=3)),
)

# As published. No number is printed in the paper, its results are curves.
PAPER = tuple(Row("poisson_disk", DTPINN(recipe="paper", order=p)) for p in (2, 3, 4, 5))
