"""Error against seconds of one network of all coordinates, by Adam and L-BFGS, SSBroyden, and Gauss-Newton.

Prints each curve, and draws them all into a picture, one panel a problem: seconds of training, with set-up and
compilation before, on the processors that there are. Each training ends by its budget.

    python benchmarks/networks.py [--problems burgers kovasznay] [--seeds 0 1 2 3 4] [--budget 120] [--out curves.svg]
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

import spindle as spd
from spindle.gallery.registry import gallery

matplotlib.use("Agg")
from matplotlib import pyplot as plt

WAYS = {
    "Adam and L-BFGS": spd.PINN(steps=2_000, lbfgs_steps=100_000),
    "SSBroyden": spd.PINN(broyden_steps=100_000),
    "Gauss-Newton": spd.PINN(newton_steps=100_000),
}
PROBLEMS = ("burgers", "allen_cahn", "klein_gordon3d", "kovasznay", "lorenz_inverse")


def curve(name: str, method, seed: int, budget: float) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since the call, and the largest relative L2 error of the unknowns then."""
    solution = spd.solve(gallery(name), method, seed=seed, budget=budget, progress=False)
    seconds = solution.run.seconds
    before = seconds.setup + seconds.compile
    looks = [(before + record.seconds, max(record.errors.values())) for record in solution.run.history if record.errors]
    looks.append((before + seconds.train, solution.error()))
    return tuple(np.array(looks).T)


def main() -> None:
    """One problem after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=PROBLEMS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--out", type=Path, default=Path("curves.svg"))
    arguments = parser.parse_args()
    figure, panels = plt.subplots(1, len(arguments.problems), figsize=(4 * len(arguments.problems), 3.5), squeeze=False)
    for panel, name in zip(panels[0], arguments.problems, strict=True):
        for color, (label, method) in enumerate(WAYS.items()):
            for number, seed in enumerate(arguments.seeds):
                seconds, errors = curve(name, method, seed, arguments.budget)
                print(f"{name}, {label}, seed {seed}: " + ", ".join(map("{:.0f} s {:.1e}".format, seconds, errors)))
                panel.loglog(seconds, errors, color=f"C{color}", label=None if number else label)
        panel.set(title=name, xlabel="seconds")
    panels[0][0].set_ylabel("relative error")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(arguments.out)


if __name__ == "__main__":
    main()
