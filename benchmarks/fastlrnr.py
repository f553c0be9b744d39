"""Reduced, factored and dense low-rank networks: what a step costs, how the reduction converges, classical solvers.

    python benchmarks/fastlrnr.py [steps] [gap] [classical]

steps       value and gradient of the published loss by the coefficients, width 4000: reduced, factored, multiplied out
gap         difference of a trained network and its reductions against the number of neurons, values and derivatives
classical   seconds and errors of the reference solvers at a query's accuracy and at their own
"""

import sys
import time
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import spindle as spd
from spindle.experiments.lowrank_figures import step_milliseconds
from spindle.gallery.families import REACTION_TESTS
from spindle.gallery.registry import gallery
from spindle.networks.taylor import Jet, closure
from spindle.problem.families import with_parameter_axes
from spindle.reduction.interpolation import pod, reduced_network, select
from spindle.reduction.snapshots import shifted_snapshots, snapshots
from spindle.reference.reaction import fourier_solution
from spindle.training.precision import precision

WIDTH = 4000
OUT = Path("runs/bench")


def steps():
    """A row for each rank."""
    print(f"ms a step, width {WIDTH}, float32 | dense, factored at 1456 points | factored, reduced at 12 points")
    for rank in (20, 100):
        found = step_milliseconds(WIDTH, rank)
        dense, factored, few, reduced = (
            found[name] for name in ("multiplied out", "factored", "factored, few points", "reduced")
        )
        print(
            f"rank {rank}: {dense:.0f}, {factored:.1f} | {few:.3f}, {reduced:.3f}; ratios to reduced: factored at the "
            f"same points {few / reduced:.0f}, at 1456 {factored / reduced:.0f}, dense {dense / reduced:.0f}"
        )


def gap():
    """A picture and a row for each number of neurons."""
    problem = with_parameter_axes(gallery("convection_diffusion_reaction"))
    solution = spd.solve(problem, spd.LRPINN(width=128, newton_steps=120, calibration=1), progress=False)
    field, indices = solution.model.field, closure([(1, 0, 0, 0, 0), (0, 2, 0, 0, 0)], 5)
    low, high = np.array(problem.domain.bounds).T
    rng = np.random.default_rng(0)
    names = ("u", "u_t", "u_x", "u_xx")
    with precision("float64"):
        points, fresh = (
            low + (high - low) * rng.uniform(size=(4000, 5)),
            low + (high - low) * rng.uniform(size=(500, 5)),
        )
        s = [np.asarray(c) for c in field.coefficients_at(jnp.asarray(points[:, 2:]))]
        wanted = field(Jet.variables(jnp.asarray(fresh), indices))
        kinds = {"states and derivatives": snapshots(field, points, s, indices)}
        kinds["shifted states, as published"] = shifted_snapshots(field, points[:1000], [c[:1000] for c in s])
        figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained", dpi=150)
        for axis, (kind, matrices) in zip(axes, kinds.items(), strict=True):
            rows = []
            for neurons in (5, 10, 20, 40, 60, 80, 100, 120, 128):
                chosen = [select(pod(m, 0.0, neurons), "qdeim") for m in matrices]
                small = eqx.tree_at(lambda f: f.network, field, reduced_network(field.network, chosen))
                found = small(Jet.variables(jnp.asarray(fresh), indices))
                gaps = [
                    float(jnp.linalg.norm(a - b) / jnp.linalg.norm(a))
                    for a, b in zip(wanted.lanes, found.lanes, strict=True)
                ]
                rows.append((neurons, *gaps))
                print(
                    f"{kind}, {neurons} neurons: " + ", ".join(f"{n} {g:.1e}" for n, g in zip(names, gaps, strict=True))
                )
            table = np.array(rows)
            for k, name in enumerate(names):
                axis.semilogy(table[:, 0], table[:, k + 1], "o-", markersize=3, label=name)
            axis.set(title=kind, xlabel="neurons a layer, of 128")
            axis.grid(alpha=0.3)
        axes[0].set_ylabel("relative difference from the full network")
        axes[0].legend()
        OUT.mkdir(parents=True, exist_ok=True)
        figure.savefig(OUT / "fastlrnr-gap.png")
        print(f"written to {OUT / 'fastlrnr-gap.png'}")


def classical():
    """Error and seconds of the spectral solver of convection, diffusion and reaction, by modes and steps."""
    t, x = np.linspace(0, 1, 33), np.linspace(0, 2 * np.pi, 65)
    for modes, length in ((8, 1 / 8), (8, 1 / 32), (16, 1 / 32), (32, 1 / 64), (64, 1 / 200)):
        errors, times = [], []
        for parameters in REACTION_TESTS:
            fine = fourier_solution(t, x, parameters, 64, 1 / 400)
            began = time.perf_counter()
            found = fourier_solution(t, x, parameters, modes, length)
            times.append(time.perf_counter() - began)
            errors.append(np.linalg.norm(found - fine) / np.linalg.norm(fine))
        print(
            f"{modes} modes, steps of {length:.4f}: worst error {max(errors):.1e}, {1e3 * np.median(times):.2f} ms a "
            f"member, 33 frames"
        )


if __name__ == "__main__":
    for name in sys.argv[1:] or ["steps", "gap", "classical"]:
        {"steps": steps, "gap": gap, "classical": classical}[name]()
