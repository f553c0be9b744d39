"""Windows in time put together: what the next one is, and the solution that all of them are."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from spindle.averages import averages
from spindle.methods.base import Method, Plan
from spindle.methods.registry import method_from_data, method_to_data
from spindle.objective.errors import error_measures
from spindle.problem.problem import Problem
from spindle.problem.windows import edges, time_axis, window
from spindle.solution import Run, Solution
from spindle.training.history import Clock, History

ENDED = ("steps", "converged", "target")  # how a window ends after which the next one begins
_GRID = 64  # nodes on each axis on which the two values at a seam are compared, in up to two dimensions


def following(problem: Problem, count: int, before: Sequence[Solution]) -> Problem:
    """The problem of the window after those that are solved."""
    ends, number = edges(problem, count), len(before)
    return window(problem, ends[number], ends[number + 1], before[-1].ending if before else None)


def settled(method: Method, before: Sequence[Solution]) -> Method:
    """The method of the window after those that are solved: all take the settings that the first one chose."""
    if not before:
        return method
    return method_from_data(method_to_data(method, before[0].plan.settings))


def described(plan: Plan) -> Plan:
    """The plan of the first window as that of all."""
    sentence = f"time in {plan.settings['windows']} windows, each starting where the last one ended"
    return replace(plan, choices=(sentence, *plan.choices), classical=None)


def joined(problem: Problem, method: Method, parts: Sequence[Solution]) -> Solution:
    """The solution of all windows that were solved, with the record of all."""
    last = parts[-1]
    run = Run(
        seed=last.run.seed,
        device=last.run.device,
        iterations=sum(p.run.iterations for p in parts),
        stopped_by=last.run.stopped_by,
        loss=max(p.run.loss for p in parts),
        residuals=_mean_residuals(parts),
        warnings=list(dict.fromkeys(w for p in parts for w in p.run.warnings)),
        seconds=Clock(**{name: sum(vars(p.run.seconds)[name] for p in parts) for name in asdict(Clock())}),
        peak_memory_bytes=max(p.run.peak_memory_bytes for p in parts),
        versions=last.run.versions,
        history=_history(parts),
        windows=[_described_window(p, before) for p, before in zip(parts, [None, *parts], strict=False)],
    )
    solution = Solution(problem, method, described(parts[0].plan), last.model, run, windows=parts)
    run.errors, run.averages = solution.errors(), averages(solution)
    return solution


def _described_window(part: Solution, before: Solution | None) -> dict:
    """One window for the record; `seam` is the relative L2 norm of the jump to the window before, by unknown."""
    low, high = part.problem.domain.bounds[time_axis(part.problem)]
    return {
        "from": low,
        "to": high,
        "steps": part.run.iterations,
        "loss": part.run.loss,
        "seconds": part.run.seconds.total,
        "errors": part.run.errors,
        "seam": {} if before is None else _seam(part, before, low),
    }


def _seam(part: Solution, before: Solution, instant: float) -> dict[str, float | None]:
    axis, bounds = time_axis(part.problem), part.problem.domain.bounds
    n = _GRID if len(bounds) <= 3 else 12
    nodes = {
        str(c): np.array([instant]) if k == axis else np.linspace(*bounds[k], n)
        for k, c in enumerate(part.problem.coordinates)
    }
    found = {}
    for u in part.problem.unknowns:
        old, new = before.grid(u, **nodes), part.grid(u, **nodes)
        jump = error_measures(new, old)["rel_l2"] if np.any(old[np.isfinite(old)]) else None
        found[u.func.__name__] = jump
    return found


def _mean_residuals(parts: Sequence[Solution]) -> dict[str, float]:
    """Root mean square over all windows, which are equally long."""
    names = dict.fromkeys(name for p in parts for name in p.run.residuals)
    own = {name: [p.run.residuals[name] for p in parts if name in p.run.residuals] for name in names}
    return {name: float(np.sqrt(np.mean(np.square(values)))) for name, values in own.items()}


def _history(parts: Sequence[Solution]) -> History:
    """All records in order, steps and seconds counted from the first window on."""
    found, steps, seconds = History(), 0, 0.0
    for part in parts:
        found += [replace(r, step=r.step + steps, seconds=r.seconds + seconds) for r in part.run.history]
        steps, seconds = steps + part.run.iterations, seconds + part.run.seconds.train
    return found
