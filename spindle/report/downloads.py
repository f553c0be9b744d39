"""What a reader can take away from a page, within the page itself: the record as JSON, the training as CSV."""

import base64
import csv
import io

from spindle.results.directory import to_json
from spindle.results.solution import Solution


def downloads(solution: Solution) -> list[tuple[str, str]]:
    """(name of the file, data URI) pairs."""
    files = {"record.json": ("application/json", to_json(solution.record()))}
    if solution.run.history:
        files["training.csv"] = ("text/csv", _training(solution))
    return [(name, _uri(kind, text)) for name, (kind, text) in files.items()]


def _training(solution: Solution) -> str:
    """The course of training, a line for each look at it."""
    names = list(dict.fromkeys(name for entry in solution.run.history for name in entry.errors))
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(["step", "phase", "seconds", "loss", *(f"error of {name}" for name in names)])
    for entry in solution.run.history:
        errors = [entry.errors.get(name, "") for name in names]
        writer.writerow([entry.step, entry.phase, entry.seconds, entry.loss, *errors])
    return content.getvalue()


def _uri(kind: str, text: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
