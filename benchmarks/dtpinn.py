"""DT-PINN against the plain PINN on the same nodes: gradients, time to the same error, and errors by nodes and order.

    python benchmarks/dtpinn.py [gradients] [race] [floors] [generation]

gradients    value and gradient of the loss, 4 layers of 50 tanh as published: RBF-FD, exact derivatives, network alone
race         N = 4977, p = 4: seconds until the default reaches the best error of the published PINN in single precision
floors       errors of the classical solution and of the network against nodes and order, as a picture
generation   seconds for 20,000 nodes and their weights, in two and three dimensions
"""

import os
import sys
import time

os.environ["SPINDLE_CACHE"] = os.devnull  # weights are timed, not read

import equinox as eqx
import jax
import matplotlib.pyplot as plt
import numpy as np
from timing import seconds

import spindle as spd
from spindle.derivatives.rbf_fd.weights import weights
from spindle.gallery.registry import gallery
from spindle.objective.least_squares import LeastSquares
from spindle.points.scattered import scatter
from spindle.training.precision import precision

DISK = {582: (506, 76), 828: (737, 91), 2236: (2077, 159), 4977: (4737, 240), 19638: (19158, 480)}
RACE_STEPS = 6_000


def gradient(method):
    """Milliseconds for the value and the gradient of the loss, and for the network's own at the same points."""
    plan = method.plan(gallery("poisson_disk"))
    with precision(plan.dtype):
        model = plan.build(jax.random.PRNGKey(0))
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        drawn = jax.jit(plan.objective.draw)(jax.random.PRNGKey(0))
        squares = LeastSquares(plan.objective, static, drawn, plan.weights)
        loss = jax.jit(jax.value_and_grad(squares.loss))
        nodes = jax.numpy.asarray(plan.objective.derivatives.points.positions, plan.dtype)
        alone = jax.jit(jax.value_and_grad(lambda a: (eqx.combine(a, static).field(nodes) ** 2).sum()))
        return 1e3 * seconds(loss, arrays), 1e3 * seconds(alone, arrays)


def gradients():
    """A row for each number of nodes."""
    print(
        "ms: RBF-FD fp64 p=3, p=5 | exact fp64, fp32 | network fp64, fp32 | exact fp64 / RBF-FD p=3, exact fp32 / same"
    )
    for count, nodes in DISK.items():
        own = [gradient(spd.DTPINN(recipe="paper", nodes=nodes, order=p)) for p in (3, 5)]
        exact = [
            gradient(spd.DTPINN(recipe="paper", nodes=nodes, order=2, derivatives="exact", dtype=dtype))
            for dtype in ("float64", "float32")
        ]
        (three, alone), (five, _) = own
        print(
            f"{count:6}  {three:7.2f} {five:7.2f} | {exact[0][0]:7.2f} {exact[1][0]:7.2f} | {alone:7.2f} "
            f"{exact[1][1]:7.2f} | {exact[0][0] / three:5.1f} {exact[1][0] / three:5.1f}",
            flush=True,
        )


def race():
    """The published baseline first, to its best error; then the default, to that error."""
    problem = gallery("poisson_disk")
    plain = spd.DTPINN(
        recipe="paper", nodes=DISK[4977], derivatives="exact", dtype="float32", lbfgs_rate=0.2, lbfgs_steps=RACE_STEPS
    )
    curves = []
    for method in (plain, spd.DTPINN(nodes=DISK[4977], order=4)):
        found = []
        solution = spd.solve(
            problem,
            method,
            progress=False,
            callbacks=[lambda r, _, kept=found: kept.append((r.seconds, r.errors["u"])) if r.errors else None],
        )
        spent = solution.run.seconds
        curves.append(found)
        best = min(error for _, error in found)
        print(f"{solution}\n  best error {best:.1e}; set-up {spent.setup:.1f} s, compilation {spent.compile:.1f} s")
    best = min(error for _, error in curves[0])
    reached = next(s for s, error in curves[0] if error <= best)
    ours = next((s for s, error in curves[1] if error <= best), None)
    print(f"PINN: {best:.1e} after {reached:.1f} s; DT-PINN: as good after {ours} s", flush=True)
    if ours:
        print(f"ratio {reached / ours:.0f}")


def floors():
    """Errors by nodes and order; the network's beside the classical solution's."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for order in (2, 3, 4, 5):
        rows = []
        for count in (582, 828, 2236, 4977):
            run = spd.solve(gallery("poisson_disk"), spd.DTPINN(nodes=DISK[count], order=order), progress=False).run
            floor, own = run.classical["errors"]["u"]["rel_l2"], run.errors["u"]["rel_l2"]
            rows.append((count, floor, own, run.seconds.train + run.seconds.compile))
            print(f"p={order} N={count}: classical {floor:.1e}, network {own:.1e}, {rows[-1][3]:.1f} s", flush=True)
        counts, floor, own, spent = np.array(rows).T
        (line,) = axes[0].loglog(counts, own, "o-", label=f"p = {order}")
        axes[0].loglog(counts, floor, "--", color=line.get_color())
        axes[1].loglog(spent, own, "o-")
    axes[0].set(xlabel="nodes", ylabel="relative L2 error", title="network (dots) and classical solution (dashes)")
    axes[1].set(xlabel="seconds of training and compilation", title="error against time")
    axes[0].legend()
    figure.tight_layout()
    os.makedirs("runs", exist_ok=True)
    figure.savefig("runs/dtpinn.png", dpi=150)
    print("picture in runs/dtpinn.png")


def generation():
    """Nodes and weights of the Laplacian from scratch."""
    for name, order in (("poisson_disk", 4), ("poisson_star", 4), ("poisson_ball", 3)):
        shape = gallery(name).domain
        d = len(shape.coordinates)
        began = time.perf_counter()
        nodes = scatter(shape, total=20_000)
        middle = time.perf_counter()
        positions = np.concatenate([nodes.interior, nodes.boundary, nodes.ghosts])
        laplacian = {tuple(2 * (k == j) for k in range(d)): 1.0 for j in range(d)}
        weights(positions, positions[:20_000], [laplacian], degree=order + 1)
        print(
            f"{name}, {len(nodes.interior) + len(nodes.boundary)} nodes, p={order}: nodes {middle - began:.1f} s, "
            f"weights {time.perf_counter() - middle:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("generation", "gradients", "race", "floors"):
        {"gradients": gradients, "race": race, "floors": floors, "generation": generation}[wanted]()
