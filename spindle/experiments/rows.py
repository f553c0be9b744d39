"""One row of a table: a problem, a method, seeds; and how it is run."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import equinox as eqx
import jax

from spindle.gallery.registry import gallery
from spindle.methods.base import Method
from spindle.methods.dtpinn import DTPINN
from spindle.methods.registry import label
from spindle.results.solution import Solution
from spindle.solving.solve import solve

CURVE = "curve"  # the key of a row's (seconds, error) pairs, of the first seed


@dataclass(frozen=True)
class Row:
    """A solve, the number of seeds it is run with, and the error that was published for it (relative L2)."""

    problem: str
    method: Method
    seeds: int = 1
    published: float | None = None
    source: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    more: Callable[[Solution], dict] | None = None  # further columns, from the first seed


def run_row(row: Row, *, quick: bool, tell: Callable) -> dict:
    """Run all seeds and return one line of the table; seconds and milliseconds are medians over seeds."""
    method = replace(row.method, steps=20, lbfgs_steps=0, newton_steps=5) if quick else row.method
    problem = gallery(row.problem, **row.options)
    runs = []
    for seed in range(1 if quick else row.seeds):
        solution = solve(problem, method, seed=seed, progress=False)
        runs.append(solution)
        tell(repr(solution), markup=False)
    errors = [s.error() for s in runs]

    def median(pick):
        return statistics.median(pick(s) for s in runs)

    return {
        "problem": row.problem + "".join(f" {k}={v}" for k, v in row.options.items()),
        "method": label(method),
        "recipe": method.recipe,
        "points": _points(runs[0].plan.settings),
        "parameters": runs[0].size,
        "published": row.published if row.published is not None else "",
        "classical": _classical(runs[0]),
        "without training": untrained(runs[0]),
        "median error": statistics.median(errors),
        "worst error": max(errors),
        "seeds": len(runs),
        "steps": runs[0].run.iterations,
        "ms a step": median(lambda s: 1e3 * s.run.seconds.train / max(1, s.run.iterations)),
        "seconds": median(lambda s: s.run.seconds.total),
        "compile s": median(lambda s: s.run.seconds.compile),
        "train s": median(lambda s: s.run.seconds.train),
        CURVE: [
            (record.seconds, max(record.errors.values()))
            for record in runs[0].run.history
            if record.errors and record.seconds > 0
        ],
        **(row.more(runs[0]) if row.more else {}),
    }


def untrained(solution: Solution) -> float | str:
    """The relative error of what the set-up solves by itself: the lift of the conditions, with a network of zeros.

    "" where nothing holds by construction, or where no network is trained.
    """
    plan = solution.plan
    if plan.march is not None or solution.reduced is not None or not any(plan.constraints.lifts.values()):
        return ""
    model = solution.windows[0].model if solution.windows else solution.model
    zeros = jax.tree.map(lambda leaf: 0 * leaf if eqx.is_inexact_array(leaf) else leaf, model)
    return max(solution.evaluator.relative_errors(zeros).values(), default="")


def _classical(solution):
    """The largest relative error of the classical solution of the same discrete equations, where there is one."""
    beside = solution.run.classical
    errors = beside.errors if beside is not None and beside.errors is not None else {}
    return max((measures["rel_l2"] for measures in errors.values()), default="")


def _points(method: Method) -> str:
    """Points an axis, or scattered nodes and the order of their differences."""
    return f"{method.nodes}, p = {method.order}" if isinstance(method, DTPINN) else str(method.points)
