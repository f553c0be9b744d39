"""`write_report`: one HTML file that tells all about a solution and needs nothing else to be read."""

import base64
import hashlib
import inspect
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sympy.core.function import AppliedUndef

from spindle.methods.open_settings import is_code
from spindle.methods.registry import label, settings_in_words
from spindle.problem.formulas import formulas
from spindle.problem.printing import describe
from spindle.report.downloads import downloads
from spindle.report.figures import field_pictures, sample_slices, training_pictures
from spindle.report.means import Mean, means
from spindle.report.player import player
from spindle.report.slices import choose_slices
from spindle.results.directory import RunDirectory
from spindle.results.run_record import RunRecord
from spindle.results.solution import Solution
from spindle.results.summary import classical_in_words, estimate_in_words, estimated_in_words
from spindle.results.verdict import DOUBTFUL, NOT_SOLVED, SOLVED
from spindle.storage.arrays import write_atomically
from spindle.storage.records import WindowRecord
from spindle.symbolic.symbols import is_given
from spindle.training.history import Clock, History, HistoryEntry
from spindle.visible import visible

_FOLDER = Path(__file__).parent


def write_report(solution: Solution, path, *, command: str | None = None) -> Path:
    """Write the report of a solution as one HTML file, readable offline, and return its path.

    path      of the file; missing folders are made, and an older report is replaced whole
    command   the command line that reproduces the run, shown in the report

    The pictures are computed anew from the solution, which takes a few seconds; errors and residuals are those that
    were measured when the run ended.
    """
    path = Path(path)
    return render("template.html", _content(solution, path, command), path)


def render(template: str, content: Mapping, path: Path) -> Path:
    """Write a page, a template of this folder filled in, and return its path."""
    loader = FileSystemLoader(_FOLDER)
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    environment.filters["number"] = number
    write_atomically(path, environment.get_template(template).render(content).encode())
    return path


@singledispatch
def _seen(value):
    """The text without invisible characters, if it comes from outside; markup is ours, and left alone."""
    return value


@_seen.register
def _(value: str):
    return visible(value, lines=True)


@_seen.register
def _(value: Markup):
    return value


@singledispatch
def number(value) -> str:
    """A number as the report prints it: three significant digits, `0.0123`, `1.23e-05`; whole numbers in full."""
    return str(value)


@number.register
def _(value: int) -> str:
    return f"{value:,}"


@number.register
def _(value: bool) -> str:
    return str(value)


@number.register
def _(value: float) -> str:
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 999.5 else _long(value)


def _long(value: float) -> str:
    return f"{value:,.0f}" if 1 <= abs(value) < 1e6 else f"{value:.2e}"


def _content(solution: Solution, path: Path, command: str | None) -> dict:
    problem, run = solution.problem, solution.run
    samples = sample_slices(solution, choose_slices(solution), problem.fields)
    return {
        "title": problem.title or problem.name,
        "subtitle": f"{problem.name}, solved by {label(solution.method)}, recipe {solution.method.recipe}",
        "colour": {SOLVED: "", DOUBTFUL: " care", NOT_SOLVED: " bad"}[solution.verdict.word],
        "verdict": verdict(solution),
        "judgement": judgement(solution),
        "estimate": _sentence(f"estimated {estimate_in_words(run.error_estimate)}") if run.error_estimate else "",
        "formulas": formulas(problem),
        "plain": describe(problem),
        "notes": problem.notes,
        "warnings": run.warnings,
        "fields": field_pictures(solution, samples),
        "on_lines": len(problem.coordinates) == 1,
        "errors": _errors(solution),
        "residuals": run.residuals,
        "exact": solution.plan.constraints.enforced,
        "estimated": _estimated(solution),
        "choices": [_sentence(choice) for choice in solution.choices],
        "settings": _settings(solution),
        "loss": run.loss,
        "other_measure": bool(run.history) and not 0.5 <= run.loss / (run.history[-1].loss or 1.0) <= 2,
        "curves": training_pictures(to_the_end(run)),
        "classical": _sentence(classical_in_words(run.classical)) if run.classical else "",
        "downloads": downloads(solution),
        "timings": _timings(solution),
        "total_seconds": run.seconds.total,
        "environment": _environment(solution),
        "command": command,
        "python": _python(solution, path),
        "loads": RunDirectory(path.parent).info.exists(),
        "citations": _citations(solution),
        **_motion(solution),
        **_windows(run.windows),
        **_means(means(run.averages, samples)),
    }


def to_the_end(run: RunRecord) -> History:
    """The history with a last entry at the end of training, which looks at some steps only."""
    history = run.history
    if not history or history[-1].step >= run.iterations or not math.isfinite(run.loss):
        return history
    errors = {name: m["rel_l2"] for name, m in run.errors.items() if m["rel_l2"] is not None}
    known = {name: value for name, value in errors.items() if name in history[-1].errors}
    last = HistoryEntry(run.iterations, history[-1].phase, run.seconds.train, run.loss, known)
    return History([*history, last])


def _motion(solution: Solution) -> dict:
    """The player and its script, which alone may run: the page names its hash."""
    script = (_FOLDER / "player.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"player": player(solution), "script": Markup(script), "script_hash": f"sha256-{digest}"}


def _windows(windows: Sequence[WindowRecord]) -> dict:
    """A row of numbers for each window, None where there is none: what all have, then errors, then jumps."""
    errors = list(dict.fromkeys(name for w in windows for name in w.errors))
    seams = list(dict.fromkeys(name for w in windows for name in w.seam))
    rows = [
        [w.begins, w.ends, w.steps, w.seconds, w.loss]
        + [w.errors[name]["rel_l2"] if name in w.errors else None for name in errors]
        + [w.seam.get(name) for name in seams]
        for w in windows
    ]
    return {"windows": rows, "window_errors": errors, "window_seams": seams}


def _means(means: Sequence[Mean]) -> dict:
    """Means over space, for the template; those without a picture are listed in sentences."""
    nothing = [mean for mean in means if mean.nothing]
    single = [mean for mean in means if not mean.nothing and mean.picture is None]
    return {"means": means, "still_means": {"Zero at all times, up to": nothing, "Over the whole domain": single}}


def judgement(solution: Solution) -> str:
    """One sentence on whether the problem is solved, with the reasons where that is doubtful."""
    return f"{_sentence(str(solution.verdict))}."


def verdict(solution: Solution) -> str:
    """One line on the outcome: error of each unknown, seconds, steps, and how the run ended."""
    run = solution.run
    measured = ", ".join(
        f"{number(m['rel_l2'])} for {name}" for name, m in run.errors.items() if m["rel_l2"] is not None
    )
    absolute = ", ".join(f"{number(m['rmse'])} for {name}" for name, m in run.errors.items() if m["rel_l2"] is None)
    unmeasured = "Error not measured" if solution.problem.compared else "No reference to compare with"
    parts = [f"relative L2 error {measured}"] if measured else []
    parts += [f"absolute error {absolute}, whose reference is zero"] if absolute else []
    accuracy = _sentence(", ".join(parts) or unmeasured)
    return (
        f"{accuracy}; {number(run.seconds.total)} seconds, {number(run.iterations)} steps; {run.stopped_by.sentence}."
    )


def _errors(solution: Solution) -> list[dict]:
    sources = {solution.problem.name_of(u): r.described(number) for u, r in solution.problem.compared.items()}
    return [
        {"name": name, "source": sources.get(name, "")} | measures for name, measures in solution.run.errors.items()
    ]


def _estimated(solution: Solution) -> list[tuple[str, float, str]]:
    starts = {p.name: p.value for p in solution.problem.parameters}
    return [(name, starts.get(name, math.nan), value) for name, value in estimated_in_words(solution.run)]


def _settings(solution: Solution) -> dict[str, list[tuple[str, str]]]:
    """Name and value of every setting: what was set by hand, and what comes from the recipe."""
    chosen, settings = solution.method.chosen, settings_in_words(solution.plan.settings)
    told = {name: setting_in_words(v) for name, v in ({"recipe": solution.method.recipe} | settings).items()}
    by_hand = [(name, value) for name, value in told.items() if name in chosen]
    return {"by_hand": by_hand, "usual": [(name, value) for name, value in told.items() if name not in chosen]}


@singledispatch
def setting_in_words(value) -> str:
    """A setting as the report prints it: `32 × 32`, `yes`, `0.001`."""
    return str(value)


@setting_in_words.register
def _(value: dict) -> str:
    return ", ".join(f"{key}: {setting_in_words(v)}" for key, v in value.items()) or "all 1"


@setting_in_words.register(tuple)
@setting_in_words.register(list)
def _(value) -> str:
    return " × ".join(map(setting_in_words, value))


@setting_in_words.register
def _(value: bool) -> str:
    return "yes" if value else "no"


@setting_in_words.register
def _(value: float) -> str:
    return f"{value:g}"


def _timings(solution: Solution) -> list[tuple[str, float, float]]:
    """(part, seconds, share of the whole in per cent) of the run."""
    clock = solution.run.seconds
    return [(name, spent, 100 * spent / (clock.total or 1.0)) for name, spent in seconds_by_part(clock).items()]


def seconds_by_part(clock: Clock) -> dict[str, float]:
    """{part of the work: seconds} of a run."""
    parts = {"set-up": clock.setup, "compilation": clock.compile, "training": clock.train, "evaluation": clock.evaluate}
    return parts | ({"reduction": clock.reduce} if clock.reduce else {})


def _environment(solution: Solution) -> list[tuple[str, str]]:
    run = solution.run
    memory = f"{run.peak_memory_bytes / 2**20:,.0f} MiB" if run.peak_memory_bytes else ""
    rows = {"device": run.device, "precision": solution.plan.dtype, "seed": str(run.seed), "peak memory": memory}
    return [(name, value) for name, value in {**rows, **run.versions}.items() if value]


def _python(solution: Solution, path: Path) -> str:
    """The lines that read the run where it lies beside the report, else those that compute it."""
    if RunDirectory(path.parent).info.exists():
        expressions = [] if solution.problem.origin else solution.problem.expressions()  # the gallery brings its code
        given = sorted({f.func.__name__ for e in expressions for f in e.atoms(AppliedUndef) if is_given(f)})
        given += [name for name, value in solution.method.chosen.items() if is_code(value)]
        functions = f", given={{{', '.join(f'{name!r}: {name}' for name in given)}}}" if given else ""
        body = f"solution = spd.load({str(path.parent.absolute())!r}{functions})"
    else:
        chosen = solution.method.chosen.items()
        arguments = ", ".join(f"{k}={k if is_code(v) or isinstance(v, np.ndarray) else repr(v)}" for k, v in chosen)
        call = f"spd.{type(solution.method).__name__}({arguments})"
        body = f"solution = spd.solve(problem, {call}, seed={solution.run.seed})"
    first = ", ".join(f"{c}={value:.4g}" for c, value in _inside(solution))
    return f"import spindle as spd\n\n{body}\nprint(solution)\nsolution({first})"


def _inside(solution: Solution) -> Iterable[tuple]:
    """A point inside the domain, coordinate by coordinate: the inner one that is nearest to the middle of all."""
    domain = solution.problem.domain
    low, high = np.array(domain.bounds).T
    # An odd number of cells an axis, so that the middle of a box is one of them.
    cells = (np.stack(np.meshgrid(*[np.arange(9)] * len(low), indexing="ij"), -1).reshape(-1, len(low)) + 0.5) / 9
    points = low + (high - low) * (cells if len(low) <= 4 else np.full((1, len(low)), 0.5))
    inner = points[domain.contains(points)]
    chosen = inner[np.argmin(np.sum((inner - inner.mean(0)) ** 2, axis=1))]
    return zip(solution.problem.coordinates, chosen, strict=True)


def _citations(solution: Solution) -> list[str]:
    source = re.search(r"Source:(.*?)(?:\n\n|\Z)", inspect.getdoc(type(solution.method)) or "", re.DOTALL)
    method = f"Method: {' '.join(source[1].split())}" if source else ""
    problem = f"Problem: {solution.problem.citation}" if solution.problem.citation else ""
    return [line for line in (problem, method) if line]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
