"""What a plate with many named holes costs: processor seconds against their number, which should grow no faster.

    python benchmarks/holes.py [number of holes ...]

domain     the plate as `spd.Box(...) - spd.Disk(...) - ...`
problem    Poisson's equation with a Robin condition on each hole
plan       `spd.PINN().plan`: points and residuals
nodes      2,000 scattered nodes
dtpinn     `spd.DTPINN().plan`: nodes, stencils, weights
fresh      the objective on fresh random points, as after training
draw       its program that draws the points, compiled and run once
contains   `domain.contains_grid` of 400 x 400 points
"""

import os
import sys
import time
from typing import Any

os.environ["SPINDLE_CACHE"] = os.devnull  # weights are timed, not read

import jax
import numpy as np

import spindle as spd
from spindle.points.scattered import scatter
from spindle.training.precision import precision

HOLES = (1, 2, 5, 10, 17, 20, 40)


def plate(count: int):
    """The square of side two with so many disks cut out, side by side."""
    x, y = spd.coordinates("x y")
    across = int(np.ceil(np.sqrt(count)))
    domain: Any = spd.Box({x: (-1, 1), y: (-1, 1)})
    for k in range(count):
        at = (-1 + 2 * (np.array([k % across, k // across]) + 0.5) / across).tolist()
        domain = domain - spd.Disk({x: at[0], y: at[1]}, 0.5 / across, name=f"h{k + 1}")
    return domain


def poisson(domain) -> spd.Problem:
    """A field held at zero on the outer edge, cooled on each hole by a coefficient of its own."""
    x, y = domain.coordinates
    u = spd.unknown("u", x, y)
    holes = [side for side in domain.shape.sides if side.startswith("h")]
    return spd.Problem(
        domain=domain,
        equations=[spd.laplacian(u) + 1],
        conditions=[
            spd.Dirichlet(u, 0, on=[side for side in domain.shape.sides if side not in holes]),
            *(spd.Robin(u, 1 + k, 1, 1, on=side, name=side) for k, side in enumerate(holes)),
        ],
    )


def drawn(objective):
    """The points of an objective in single precision, by a compiled program."""
    with precision("float32"):
        return jax.block_until_ready(jax.jit(objective.draw)(jax.random.PRNGKey(0)))


def costs(count: int) -> dict[str, float]:
    """Processor seconds by what was done; other programs on the machine do not count."""
    spent = {}

    def timed(name, function):
        began = time.process_time()
        done = function()
        spent[name] = time.process_time() - began
        return done

    domain = timed("domain", lambda: plate(count))
    problem = timed("problem", lambda: poisson(domain))
    plan = timed("plan", lambda: spd.PINN().plan(problem))
    timed("nodes", lambda: scatter(domain, total=2_000))
    timed("dtpinn", lambda: spd.DTPINN(frequency=4.0).plan(problem))
    objective = timed("fresh", plan.fresh)
    timed("draw", lambda: drawn(objective))
    axis = np.linspace(-1, 1, 400)
    timed("contains", lambda: domain.contains_grid([axis, axis]))
    return spent


if __name__ == "__main__":
    for number, holes in enumerate([int(word) for word in sys.argv[1:]] or HOLES):
        row = costs(holes)
        if number == 0:
            print("holes  " + "".join(f"{name:>10}" for name in row))
        print(f"{holes:5}  " + "".join(f"{spent:10.2f}" for spent in row.values()), flush=True)
