"""Runs killed by SIGKILL at random moments and resumed, against the same runs uninterrupted: every number, bit for bit.

    python benchmarks/kills.py [--kills 20] [--minutes 25] [--seed 0] [METHOD ...]

Each run has a process of its own, and saves its state after every group of steps, so that kills fall between many
checkpoints. Moments are uniform between the first step and the end of the uninterrupted run, the final save and the
reduction of a family included; a run that ended before its moment came is no kill and is repeated. What is compared:
all trained numbers and what reduces a family, and the steps and losses on record.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Before JAX is imported: what one process compiled, those after it read.
if "KILLS_FOLDER" not in os.environ:
    os.environ["KILLS_FOLDER"] = tempfile.mkdtemp(prefix="kills-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(os.environ["KILLS_FOLDER"], "jax"))
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["SPINDLE_CACHE"] = str(Path(os.environ["KILLS_FOLDER"], "weights"))

import numpy as np
from sympy import Eq, exp

import spindle as spd
import spindle.solving.train
from spindle.errors import RunError
from spindle.gallery.registry import gallery
from spindle.results.directory import RunDirectory
from spindle.storage.arrays import load_arrays
from spindle.training.loop import Trainer

FOLDER = Path(os.environ["KILLS_FOLDER"])
NETWORK: dict[str, Any] = {"points": 8, "width": 12, "hidden_layers": 2}


def ridge() -> spd.Problem:
    """No short sum of products: the separable rank grows, then every product has a coefficient."""
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    exact = exp(-((3 * x - 2 * t) ** 2)) * (1 + x)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), exact.diff(t) + (u**2 - exact**2) / 10)],
        conditions=[spd.Initial(u, exact.subs(t, 0))],
        name="ridge",
    )


FAMILY: dict[str, Any] = {"width": 16, "rank": 4, "points": 100, "newton_steps": 15, "members": 16, "refine_points": 80}
FAMILY |= {"calibration": 1, "hyper_width": 6}

CASES: dict[str, Any] = {
    "spinn": (ridge, spd.SPINN()),
    "spinn, paper": (
        partial(gallery, "convection"),
        spd.SPINN(recipe="paper", rank=4, steps=15_000, resample=50, balance=70, lbfgs_steps=300, **NETWORK),
    ),
    "pinn": (partial(gallery, "convection"), spd.PINN(steps=10_000, lbfgs_steps=300, newton_steps=10, **NETWORK)),
    "causal-pinn": (partial(gallery, "convection"), spd.CausalPINN(steps=6000, lbfgs_steps=300, **NETWORK)),
    "dtpinn": (partial(gallery, "poisson_disk"), spd.DTPINN(nodes=300, order=3)),
    "fastlrnr": (partial(gallery, "convection_family"), spd.FastLRNR(**FAMILY)),
    "spinn, windows": (partial(gallery, "convection"), spd.SPINN(windows=3, width=11, refine=1)),
}


@dataclass
class Score:
    """What became of the kills of one case."""

    kills: int = 0
    identical: int = 0
    unreadable: int = 0
    early: int = 0


def solve(name: str, path: Path, connection) -> None:
    """In a process of its own: solve, or continue, and say when the first step was done and when all was."""
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
    vars(spindle.solving.train)["Trainer"] = partial(Trainer, save_every=0.0)
    told: list[bool] = []

    def first(record, total):
        if not told:
            told.append(True)
            connection.send("begun")

    problem, method = CASES[name]
    if RunDirectory(path).info.exists():
        spd.resume(path, progress=False)
    else:
        spd.solve(problem(), method, progress=False, out=path, callbacks=[first])
    connection.send("ended")


class Child:
    """A process that solves one case into a directory."""

    def __init__(self, name: str, path: Path):
        context = multiprocessing.get_context("forkserver")
        self._ours, theirs = context.Pipe()
        self.process = context.Process(target=solve, args=(name, path, theirs))
        self.process.start()
        theirs.close()

    def heard(self, word: str, within: float | None = None) -> bool:
        """Whether the process says this word, in so many seconds."""
        try:
            return self._ours.poll(within) and self._ours.recv() == word
        except EOFError:  # it is gone
            return False

    def kill(self) -> bool:
        """Kill it; whether it was still at work."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode != 0 and not self.heard("ended", 0)


def uninterrupted(name: str, path: Path) -> float:
    """Run a case to its end; seconds from the first step on."""
    child = Child(name, path)
    assert child.heard("begun"), f"{name} did not begin"
    began = time.monotonic()
    assert child.heard("ended"), f"{name} did not end"
    child.process.join()
    return time.monotonic() - began


def parts(path: Path) -> list[RunDirectory]:
    """The run and its windows."""
    whole = RunDirectory(path)
    return [whole, *(whole.window(k) for k in range(len(list(path.glob("window*")))))]


def readable(path: Path) -> bool:
    """Whether all that is there can be read."""
    try:
        RunDirectory(path).read()
        for own in parts(path):
            for file in (own.checkpoint, own.solution, own.reduction):
                if file.exists():
                    load_arrays(file)
    except RunError as error:
        print(f"  {error}", flush=True)
        return False
    return True


def trained(path: Path) -> dict:
    """All numbers that a run trained, and its record of steps and losses."""
    found: dict[str, Any] = {}
    for own in parts(path):
        arrays, run = own.read_result()
        key = own.path.name if own.whole else ""
        found |= {f"{key}/{name}": array.tobytes() for name, array in arrays.items()}
        found[f"{key}/history"] = repr([(r.step, r.phase, r.loss) for r in run.history])
        found[f"{key}/outcome"] = repr(
            [getattr(run, name) for name in ("iterations", "stopped_by", "loss", "residuals", "grown")]
        )
        found[f"{key}/warnings"] = repr(run.warnings)
        if own.reduction.exists():
            reduced, _ = load_arrays(own.reduction)
            found |= {f"{key}/reduced {name}": array.tobytes() for name, array in reduced.items()}
    return found


def killed(name: str, path: Path, moment: float) -> bool:
    """Start a case, kill it so many seconds after its first step; whether it was still at work."""
    child = Child(name, path)
    assert child.heard("begun"), f"{name} did not begin"
    if child.heard("ended", moment):
        child.process.join()
        return False
    return child.kill()


def attempt(name: str, path: Path, moment: float, wanted: dict, score: Score) -> None:
    """One kill, and what became of it."""
    if not killed(name, path, moment):
        score.early += 1
        return
    score.kills += 1
    if not readable(path):
        score.unreadable += 1
        return
    child = Child(name, path)
    child.process.join()
    found = trained(path) if child.process.exitcode == 0 else {}
    different = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    score.identical += not different
    if different:
        print(
            f"  {name}, killed after {moment:.2f} s, differs in {', '.join(sorted(different)[:8])}: {path}", flush=True
        )


def measure(name: str, kills: int, seconds: float, random) -> Score:
    """Kill one case so many times, or until the time is spent."""
    began, folder, score = time.monotonic(), FOLDER / name.replace(", ", "-"), Score()
    uninterrupted(name, folder / "compiling")  # the run after it compiles nothing, as those that are killed
    length = uninterrupted(name, folder / "whole")
    wanted = trained(folder / "whole")
    assert wanted == trained(folder / "compiling"), f"{name} does not repeat itself"
    print(f"{name}: {length:.1f} s from the first step to the end", flush=True)
    tries = 0
    while score.kills < kills and time.monotonic() - began < seconds:
        attempt(name, folder / f"run{tries}", random.uniform(0, length), wanted, score)
        tries += 1
    print(f"{name}: {score}, {time.monotonic() - began:.0f} s", flush=True)
    return score


def main():
    """One case after the other, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", default=list(CASES), metavar="METHOD", help=", ".join(CASES))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=25.0, help="of all methods together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    multiprocessing.get_context("forkserver").set_forkserver_preload(["spindle", "spindle.gallery.registry"])
    random, ends = np.random.default_rng(arguments.seed), time.monotonic() + 60 * arguments.minutes
    scores = {}
    for number, name in enumerate(arguments.methods):
        share = (ends - time.monotonic()) / (len(arguments.methods) - number)
        scores[name] = measure(name, arguments.kills, share, random)
    print(f"\n{'method':<16}{'kills':>7}{'resumed identical':>20}{'unreadable':>12}")
    for name, score in scores.items():
        print(f"{name:<16}{score.kills:>7}{score.identical:>20}{score.unreadable:>12}")


if __name__ == "__main__":
    main()
