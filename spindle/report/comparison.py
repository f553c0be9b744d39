"""`write_comparison`: one HTML file that lays several runs side by side."""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spindle.methods.registry import label
from spindle.problem.sameness import same_problem
from spindle.report.canvas import Picture, limits
from spindle.report.figures import (
    Pane,
    error_line_picture,
    line_picture,
    place_of,
    plane_picture,
    run_curves,
    run_style,
    sample_slices,
    shared_limits,
    time_names,
)
from spindle.report.html import judgement, number, render, seconds_by_part, setting_in_words, verdict
from spindle.report.slices import Sample, chief_fields, choose_slices
from spindle.results.solution import Solution
from spindle.training.history import HistoryEntry

_SLICES = 2  # of each field; one picture a run and slice is much already
# Decades below the largest error of the best run that the scale of errors shows, and decades in all.
_BELOW, _DECADES = 1.5, 12


@dataclass(frozen=True)
class ComparedRun:
    """A run with the letter that stands for it in tables and charts, and where it lies."""

    letter: str
    place: str
    solution: Solution
    style: Mapping


@dataclass(frozen=True)
class Line:
    """One line of a table: its name, a cell for each run, and whether each cell is the best."""

    name: str
    cells: tuple[str, ...]
    best: tuple[bool, ...]


def write_comparison(solutions: Sequence[tuple[str, Solution]], path) -> Path:
    """Write one HTML file, readable offline, that compares solutions, and return its path.

    solutions   pairs of a name for the reader, such as the run directory, and the solution
    path        of the file; missing folders are made, and an older page is replaced whole

    Fields are drawn where all solutions are of the same problem.
    """
    return render("comparison.html", _content(_lettered(solutions)), Path(path))


def tabulated_runs(solutions: Sequence[tuple[str, Solution]]) -> list[tuple[str, tuple[str, ...]]]:
    """What the page tabulates, as pairs of a name and a cell for each run: results, cost, and what differs."""
    runs = _lettered(solutions)
    return [(line.name, line.cells) for line in (*_results(runs), *_cost(runs), *_differences(runs))]


def _lettered(solutions: Sequence[tuple[str, Solution]]) -> list[ComparedRun]:
    return [ComparedRun(_letter(k), name, solution, run_style(k)) for k, (name, solution) in enumerate(solutions)]


def _letter(position: int) -> str:
    return string.ascii_uppercase[position] if position < 26 else str(position + 1)


def _content(runs: Sequence[ComparedRun]) -> dict:
    problems = [run.solution.problem for run in runs]
    names = list(dict.fromkeys(problem.name for problem in problems))
    same = all(same_problem(runs[0].solution.given, run.solution.given) for run in runs[1:])
    return {
        "title": f"{problems[0].title or names[0]}: {len(runs)} runs" if same else f"{len(runs)} runs compared",
        "subtitle": ", ".join(names),
        "runs": [_described(run) for run in runs],
        "differences": _differences(runs),
        "results": _results(runs),
        "cost": _cost(runs),
        "curves": _curves(runs),
        "same": same,
        "alike": len(names) == 1,
        "fields": _fields(runs) if same else {},
        "on_lines": len(problems[0].coordinates) == 1,
    }


def _described(run: ComparedRun) -> dict:
    solution = run.solution
    return {
        "letter": run.letter,
        "colour": run.style["color"],
        "place": run.place,
        "what": f"{solution.problem.name} by {label(solution.method)}",
        "verdict": verdict(solution),
        "judgement": judgement(solution),
        "warnings": solution.run.warnings,
    }


def _differences(runs: Sequence[ComparedRun]) -> list[Line]:
    """The lines of a table for settings, problem and machine that differ between the runs."""
    told = [_told(run.solution) for run in runs]
    names = dict.fromkeys(name for settings in told for name in settings)
    lines = [Line(name, tuple(settings.get(name, "–") for settings in told), (False,) * len(told)) for name in names]
    return [line for line in lines if len(set(line.cells)) > 1]


def _told(solution: Solution) -> dict[str, str]:
    """{name: text} of problem, method, seed, machine and every setting."""
    problem, run = solution.given, solution.run
    options = dict(problem.origin[1]) if problem.origin else {}
    constants = {p.name: p.value for p in problem.parameters if p.value is not None}
    told = {"problem": problem.name}
    told |= {f"{name} of the problem": setting_in_words(value) for name, value in (constants | options).items()}
    told |= {"method": label(solution.method), "recipe": solution.method.recipe, "seed": str(run.seed)}
    settings = solution.plan.settings.as_dict().items()
    told |= {name: setting_in_words(value) for name, value in settings if name != "recipe"}
    return {**told, "device": run.device, "precision": solution.plan.dtype, **run.versions}


def _results(runs: Sequence[ComparedRun]) -> list[Line]:
    """The lines of a table for errors of each unknown and quantity, and for how training ended."""
    names = dict.fromkeys(name for run in runs for name in run.solution.run.errors)
    lines = [_errors(runs, name) for name in names]
    lines.append(_line("loss", [run.solution.run.loss for run in runs]))
    residuals = dict.fromkeys(name for run in runs for name in run.solution.run.residuals)
    return lines + [_residuals(runs, name) for name in residuals]


def _residuals(runs: Sequence[ComparedRun], name: str) -> Line:
    line = _line(f"residual of {name}", [run.solution.run.residuals.get(name) for run in runs])
    exact = [name in run.solution.plan.constraints.enforced for run in runs]
    return replace(line, cells=tuple("exact" if e else cell for e, cell in zip(exact, line.cells, strict=True)))


def _errors(runs: Sequence[ComparedRun], name: str) -> Line:
    errors = [run.solution.run.errors.get(name) for run in runs]
    relative = [None if error is None else error["rel_l2"] for error in errors]
    if any(value is not None for value in relative):
        return _line(f"relative L2 error of {name}", relative, judged=True)
    return _line(f"absolute error of {name}", [None if e is None else e["rmse"] for e in errors], judged=True)


def _cost(runs: Sequence[ComparedRun]) -> list[Line]:
    """The lines of a table for seconds by part, steps, size and memory."""
    clocks = [seconds_by_part(run.solution.run.seconds) for run in runs]
    parts = dict.fromkeys(name for clock in clocks for name in clock)
    lines = [_line(f"{part}, seconds", [clock.get(part) for clock in clocks]) for part in parts]
    lines.append(_line("total, seconds", [run.solution.run.seconds.total for run in runs], judged=True))
    lines.append(_line("steps", [run.solution.run.iterations for run in runs]))
    lines.append(_line("trained numbers", [run.solution.size for run in runs]))
    memory = [run.solution.run.peak_memory_bytes / 2**20 or None for run in runs]
    return [*lines, _line("peak memory, MiB", memory)] if any(memory) else lines


def _line(name: str, values: Sequence[float | None], *, judged: bool = False) -> Line:
    """A line of numbers; the smallest is the best where numbers are judged and it is not shared by all."""
    cells = tuple("–" if value is None else number(value) for value in values)
    known = [value for value in values if value is not None and np.isfinite(value)]
    best = judged and len(values) > 1 and len(set(cells)) > 1
    return Line(
        name, cells, tuple(bool(best and value is not None and value == min(known, default=None)) for value in values)
    )


def _curves(runs: Sequence[ComparedRun]) -> list[Picture]:
    """Error and loss of all runs against seconds of training."""
    histories = {run.letter: run.solution.run.history for run in runs}
    names = {name for history in histories.values() for record in history for name in record.errors}
    what = f"relative L2 error of {min(names)}" if len(names) == 1 else "largest relative L2 error"
    series: dict[str, Callable[[HistoryEntry], float]] = {
        f"{what} against training time": lambda record: max(record.errors.values(), default=np.nan),
        "loss against training time": lambda record: record.loss,
    }
    pictures = [run_curves(histories, read, title) for title, read in series.items()]
    return [picture for picture in pictures if picture is not None]


def _fields(runs: Sequence[ComparedRun]) -> dict[str, list[tuple[str, list[list[Picture]]]]]:
    """For each field its slices: the place in words, and rows of pictures of the solutions and of their errors."""
    first = runs[0].solution
    slices = choose_slices(first)[-_SLICES:]
    times = time_names(first)
    taken = {run.letter: sample_slices(run.solution, slices, chief_fields(run.solution)) for run in runs}
    pictures = {}
    for name in chief_fields(first):
        of_field = {letter: fields[name] for letter, fields in taken.items()}
        ends = shared_limits([sample for samples in of_field.values() for sample in samples])[0]
        span = _span([[_exponents(s.error) for s in samples if s.error is not None] for samples in of_field.values()])
        together = [{letter: samples[k] for letter, samples in of_field.items()} for k in range(len(slices))]
        pictures[name] = [
            (place_of(next(iter(s.values())).fixed), _rows(name, s, ends, span, times, first.problem.domain))
            for s in together
        ]
    return pictures


def _rows(name: str, samples: Mapping[str, Sample], ends, span, times, domain) -> list[list[Picture]]:
    """The solutions of all runs on one slice beside each other, then their errors."""
    first = next(iter(samples.values()))
    if len(first.shown) == 1:
        lines = [line_picture(samples, name)]
        return [lines if first.reference is None else [*lines, error_line_picture(samples, f"{name} absolute error")]]
    values = [
        plane_picture(s, Pane(s.values, f"{letter}: {name} computed", ends, "viridis"), times, domain)
        for letter, s in samples.items()
    ]
    if first.reference is None:
        return [values]
    reference = plane_picture(first, Pane(first.reference, f"{name} reference", ends, "viridis"), times, domain)
    errors = [
        plane_picture(
            s, Pane(_raised(s, span), f"{letter}: log₁₀ of the error of {name}", span, "magma"), times, domain
        )
        for letter, s in samples.items()
    ]
    return [[*values, reference], errors]


def _raised(sample: Sample, span: tuple[float, float]) -> np.ndarray:
    """The absolute errors of a sample, those below the scale raised to its lower end."""
    return np.maximum(_exponents(sample.error), span[0])


def _exponents(error) -> np.ndarray:
    """Decimal logarithms, which show errors of different sizes on one scale; of nothing, a number below all others."""
    return np.log10(np.maximum(error, 1e-300))


def _span(runs: Sequence[Sequence[np.ndarray]]) -> tuple[float, float]:
    """Ends of the scale of all errors, as exponents: from the largest of all to well below that of the best run."""
    largest = [limits(exponents)[1] for exponents in runs if any(np.isfinite(e).any() for e in exponents)] or [0.0]
    top = max(largest)
    return max(min(largest) - _BELOW, top - _DECADES), top
