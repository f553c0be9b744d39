"""`compare`: solutions beside each other, and how far apart their fields are."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spindle.errors import ProblemError, shown, usage
from spindle.problem.sameness import same_problem
from spindle.results.axes import completed
from spindle.results.references import scattered_points
from spindle.results.solution import Solution

if TYPE_CHECKING:
    import pandas

_GRID_AXES = 3  # up to which fields are compared on a grid; beyond, at random points


@usage("spd.compare(first, second)")
def compare(*solutions: Solution, names: list[str] | None = None) -> "Comparison":
    """Solutions beside each other: verdicts, errors, residuals, seconds, settings that differ, and their distance.

    names   what to call them; default: their methods, numbered where two are alike

    Two methods that agree on a problem without a known solution are the best check there is: `distances` says how far
    apart their fields are. Nothing is trained; the first look at `distances` evaluates each solution on some 200,000
    points.

        comparison = spd.compare(spd.solve(problem, spd.SPINN()), spd.solve(problem, spd.PINN()))
        print(comparison)
        comparison.report("comparison.html")

    Raises ProblemError for fewer than two solutions, for anything else than solutions, or for as many names.
    """
    if len(solutions) < 2 or not all(isinstance(s, Solution) for s in solutions):
        raise ProblemError(
            f"`spd.compare({', '.join(map(shown, solutions))})` needs two solutions at least; write "
            f"`spd.compare(spd.solve(problem, spd.SPINN()), spd.solve(problem, spd.PINN()))`, or read "
            f"one, `spd.load(directory)`."
        )
    called = _called(solutions) if names is None else list(names)
    if len(set(called)) != len(solutions):
        raise ProblemError(
            f"`spd.compare(names={shown(names)})` does not give {len(solutions)} solutions a name each; leave `names` "
            f"out, or give as many different ones."
        )
    return Comparison(dict(zip(called, solutions, strict=True)))


def _called(solutions) -> list[str]:
    labels = [solution.method_name for solution in solutions]
    counts = {label: itertools.count(1) for label in labels}
    return [label if labels.count(label) == 1 else f"{label} {next(counts[label])}" for label in labels]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Solutions by name, as `compare` returns them; `print` shows a table, a notebook too."""

    solutions: Mapping[str, Solution]

    @cached_property
    def distances(self) -> dict[str, dict[tuple[str, str], float]]:
        """`{field: {(one, other): relative L2 distance}}` of all pairs; empty where problems differ.

        Relative to the larger of the two fields, on a grid of up to 200,000 points, or beyond three coordinates at
        20,000 random ones.
        """
        first, *rest = self.solutions.values()
        if not all(same_problem(first.given, other.given) for other in rest):
            return {}
        on_grid = len(first.problem.coordinates) <= _GRID_AXES
        where = completed(first.problem, {}) if on_grid else scattered_points(first.problem)
        taken = {name: _fields(solution, where) for name, solution in self.solutions.items()}
        pairs = list(itertools.combinations(self.solutions, 2))
        return {f: {(a, b): _distance(taken[a][f], taken[b][f]) for a, b in pairs} for f in first.problem.fields}

    @cached_property
    def rows(self) -> list[tuple[str, tuple[str, ...]]]:
        """(what, a cell for each solution), in the order in which they are shown."""
        from spindle.report.comparison import tabulated_runs

        rows = [("verdict", tuple(s.verdict.word for s in self.solutions.values()))]
        rows += tabulated_runs(list(self.solutions.items()))
        for field, pairs in self.distances.items():
            for name in list(self.solutions)[:-1]:
                cells = tuple(_cell(pairs, name, other) for other in self.solutions)
                rows.append((f"distance of {field} from {name}", cells))
        return rows

    def to_dataframe(self) -> "pandas.DataFrame":
        """The table as texts, a column for each solution."""
        import pandas

        return pandas.DataFrame(
            [cells for _, cells in self.rows], [what for what, _ in self.rows], list(self.solutions)
        )

    def report(self, path) -> Path:
        """Write one HTML file, readable offline, with tables, curves and fields of all, and return its path."""
        from spindle.report.comparison import write_comparison

        return write_comparison(list(self.solutions.items()), path)

    def __str__(self):
        lines = [("", tuple(self.solutions)), *self.rows]
        first = max(len(what) for what, _ in lines)
        widths = [max(len(cells[k]) for _, cells in lines) for k in range(len(self.solutions))]
        return "\n".join(
            f"{what:<{first}}  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(cells, widths, strict=True)).rstrip()
            for what, cells in lines
        )

    def __repr__(self):
        return f"<Comparison of {', '.join(self.solutions)}>"

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left;padding:1px 14px 1px 0"'
        head = "".join(f"<th {cell}>{escape(name)}</th>" for name in ("", *self.solutions))
        body = "".join(
            f"<tr><td {cell}><b>{escape(what)}</b></td>{''.join(f'<td {cell}>{escape(c)}</td>' for c in cells)}</tr>"
            for what, cells in self.rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def _fields(solution: Solution, where) -> dict[str, np.ndarray]:
    """The values of all fields on a grid, or at points (n, d)."""
    at = solution.evaluate if isinstance(where, np.ndarray) else None
    fields = solution.problem.fields.items()
    return {name: at(where, u) if at else solution.grid(u, **where) for name, u in fields}


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    size = max(np.linalg.norm(one[known]), np.linalg.norm(other[known]))
    return float(np.linalg.norm(one[known] - other[known]) / size) if size else 0.0


def _cell(pairs: Mapping[tuple[str, str], float], name: str, other: str) -> str:
    distance = pairs.get((other, name), pairs.get((name, other)))
    return "–" if distance is None else f"{distance:.2g}"
