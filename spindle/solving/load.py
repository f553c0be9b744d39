"""`load`: a solution from its run directory, or from a pickle, which holds the files of one.

A plan holds compiled programs, which no pickle can take along.
"""

import copyreg
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from sympy.core.function import AppliedUndef

from spindle.errors import RunError, usage
from spindle.methods.base import Method, Plan
from spindle.networks.model import Model
from spindle.problem.problem import Problem
from spindle.reduction.build import Reduced
from spindle.results.directory import FINISHED_AGAIN, RunDirectory
from spindle.results.reduced import reduced_from_data
from spindle.results.run_record import RunRecord
from spindle.results.solution import Solution
from spindle.solving.train import Window, evaluator_of, planned
from spindle.solving.windows import Windows, join_windows, unsolved
from spindle.storage.arrays import check_fingerprint, load_arrays, reading
from spindle.storage.records import Grown
from spindle.symbolic.symbols import is_given
from spindle.training.precision import precision
from spindle.training.stop_reasons import StopReason

_WIDEST = 1000  # features that any network may have
_SPARE, _TIMES = 1_000_000, 100  # numbers that a model may have beyond, and relative to, those that are stored
_REDUCED_AGAIN = "remove it and resume the run, which reduces the family again without training"


@usage('spd.load("runs/first")', error=RunError)
def load(directory, given: Mapping | None = None) -> Solution:
    """The solution that `Solution.save`, `solve(out=...)` or the command line wrote.

    given   {name: function} for problems that use `spd.given`, and {setting: object} for networks, optimizers and other
            code of the method, since no file can hold it
    Raises RunError where files are missing, damaged, of another version or of another run.
    """
    source = RunDirectory.at(directory)
    problem, method, seed = source.read(given)
    return _loaded(source, problem, method, seed).with_method(source.as_handed_in(method))


def _loaded(source: RunDirectory, problem: Problem, method: Method, seed: int) -> Solution:
    if method.windows_of(problem) == 1:
        return restore(problem, method, source, seed, choices=tuple(source.read_info()["choices"]))
    windows, parts = Windows(problem, method), list[Solution]()
    while not windows.lengths.whole(parts) and source.window(len(parts)).solution.exists():
        window = windows.after(parts, source.window(len(parts)).during())
        parts.append(restore(window.problem, window.method, source.window(len(parts)), seed, window))
        if window.shares:
            windows.share(parts[-1].plan)
    if not parts:
        raise RunError(f"{source.path} holds no window that was trained; continue the run, `spd.resume(directory)`.")
    solution = join_windows(problem, method, parts, windows.lengths)
    if not windows.lengths.whole(parts) and solution.run.stopped_by.ended and not unsolved(parts[-1]):
        return solution.with_record(stopped_by=StopReason.INTERRUPTED)
    return solution


def restore(
    problem: Problem,
    method: Method,
    source: RunDirectory,
    seed: int,
    window: Window | None = None,
    choices: tuple[str, ...] | None = None,
) -> Solution:
    """The solution of a problem, or of a window in time, whose numbers lie in a directory.

    choices   those that are on record; None: those of the plan as it is made now
    """
    arrays, run = source.read_result()
    plan = _followed(planned(problem, method, window), run.grown)
    started = (source.whole or source).read_info().get("start", "")
    plan = replace(plan, choices=plan.choices if choices is None else choices, started=started)
    with precision(plan.dtype):
        # Where nothing was enlarged on the way, the shapes of a new model say where the arrays go: nothing is compiled.
        _check_settings(source.solution, plan.settings, arrays)
        model = eqx.filter_eval_shape(plan.build, jax.random.PRNGKey(seed))
        _check_sizes(source.solution, model, arrays, run.grown)
        with reading(source.solution):
            model = plan.build(jax.random.PRNGKey(seed)) if run.grown else model
            model = _restored(plan, model, arrays, run.grown)
        reduced = _reduced(source, model, run) if source.reduction.exists() else None
    return Solution(method, evaluator_of(problem, plan, window), model, run, reduced)


def _reduced(source: RunDirectory, model: Model, run: RunRecord) -> Reduced | None:
    """What reduces the family; None where it was made of the model as it was at another step."""
    stored, meta = load_arrays(source.reduction, _REDUCED_AGAIN)
    check_fingerprint(source.reduction, meta, source.fingerprint, _REDUCED_AGAIN)
    with reading(source.reduction, _REDUCED_AGAIN):
        fits = meta.get("steps", run.iterations) == run.iterations
        return reduced_from_data(model.field, stored, meta) if fits else None


def _check_settings(path, method: Method, arrays: Mapping) -> None:
    """Raise RunError where a network would be much wider than all its stored numbers together."""
    most = _WIDEST + _TIMES * sum(a.size for a in arrays.values())
    if any(n > most for size in method.sizes for n in _whole_numbers(np.atleast_1d(size or 0).tolist())):
        raise RunError(_foreign(path))


def _foreign(path) -> str:
    return (
        f"The file {path} holds far fewer numbers than the problem and method beside it need, so it is of another run; "
        f"{FINISHED_AGAIN}."
    )


def _check_sizes(path, model: Model, arrays: Mapping, grown: Sequence[Grown]) -> None:
    """Raise RunError where what has to be built is much larger than what is stored, before it takes the memory."""
    shapes = [leaf.shape for leaf in jax.tree.leaves(eqx.filter(model, lambda leaf: hasattr(leaf, "shape")))]
    shapes += [_whole_numbers(entry.decision) for entry in grown]
    most = _SPARE + _TIMES * sum(a.size for a in arrays.values())
    if any(math.prod(max(1, n) for n in shape) > most for shape in shapes):
        raise RunError(_foreign(path))


def _whole_numbers(decision) -> tuple[int, ...]:
    """The sizes in what a stage decided."""
    if isinstance(decision, (dict, list)):
        parts = decision.values() if isinstance(decision, dict) else decision
        return tuple(n for part in parts for n in _whole_numbers(part))
    return (decision,) if isinstance(decision, int) else ()


def _followed(plan: Plan, grown: Sequence[Grown]) -> Plan:
    """The plan by which a solution was made, by what is on record."""
    other = plan.instead
    phases = [entry.phase for entry in grown]
    return other if other is not None and other.march is not None and other.march.phase in phases else plan


def _made(plan: Plan, model: Model, entry: Grown) -> Model:
    """A model as a phase on record made it; raises where somebody changed the file."""
    if plan.march is not None:
        return plan.march.apply(model, entry.decision) if entry.phase == plan.march.phase else model
    refinement: Any = plan.schedule.stages[entry.phase].refinement
    return refinement.apply(model, entry.decision)


def _restored(plan: Plan, model: Model, arrays: Mapping, grown: Sequence[Grown]) -> Model:
    """The model as built, as later stages refined it, with the stored arrays."""
    for entry in grown:
        model = _made(plan, model, entry)
    trainable, static = eqx.partition(
        model, lambda leaf: hasattr(leaf, "dtype") and np.issubdtype(leaf.dtype, np.inexact)
    )
    leaves, structure = jax.tree.flatten(trainable)
    names = [f"leaf{k}" for k in range(len(leaves))]
    if {n: a.shape for n, a in zip(names, leaves, strict=True)} != {n: a.shape for n, a in arrays.items()}:
        raise RunError(
            "The stored solution does not fit the problem and method beside it; start the run again in an empty "
            "directory."
        )
    return eqx.combine(jax.tree.unflatten(structure, [jnp.asarray(arrays[n]) for n in names]), static)


# -------------------------------------------------------------------------------------------------------------- pickles


def _pickled(solution: Solution):
    """How a solution is rebuilt: its files, the functions of `spd.given`, and the method as it was handed in."""
    with tempfile.TemporaryDirectory() as folder:
        root = solution.save(Path(folder) / "run")
        files = {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.*")) if p.name != ".lock"}
    coded = {f.func for e in solution.given.expressions() for f in e.atoms(AppliedUndef) if is_given(f)}
    given = {function.__name__: function.given for function in coded}
    return _unpickled, (files, given, solution.method)


def _unpickled(files: Mapping[str, bytes], given: Mapping[str, Callable], method: Method) -> Solution:
    """The solution whose files these are."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / "run" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return load(Path(folder) / "run", given).with_method(method)


copyreg.pickle(Solution, _pickled)
