"""Cho et al. (2024), arXiv 2410.04001: reduced networks of families, their accuracy and the time of a step."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import inf

from matplotlib.figure import Figure as Canvas

from spindle.experiments import lowrank_figures
from spindle.experiments.lowrank_training import FAMILIES, SCALES, STEPS
from spindle.reproduction.figure import ERROR, MILLISECONDS, Cell, Figure, FigureRow, Measured, NotMeasured

_PAPER = "Cho et al. (2024), "
_DIFFERENCE, _TIMES = "relative difference", "times"
_COLUMN = {"relative L2": ERROR, "ms": MILLISECONDS, "times": _TIMES}
_USUAL = 60.0  # seconds that a cell is allowed, from which networks are larger: no cell of a quick figure has as many


@lru_cache(maxsize=8)
def _rows(name: str, scale: str) -> dict[str, dict]:
    """All rows of a figure at a size, by their cells: they share the training of a family."""
    function, _ = lowrank_figures.FIGURES[name]
    return {row["cell"]: row for row in function(scale, lambda *_, **__: None)}


def _measure(name: str, cell: str, column: str, allowed: float) -> Measured:
    scale = "quick" if allowed < _USUAL else "default" if allowed < inf else "full"
    rows = _rows(name, scale)
    if cell not in rows:
        raise NotMeasured(f"of so small a size there are {SCALES[scale].cases} cases a family")
    row = rows[cell]
    steps = {} if name == "F3" else {"taken": SCALES[scale].steps, "of": STEPS}
    return Measured({column: row["measured"]}, curve=tuple(row.get("curve", ())), note=row["note"], **steps)


def _cell(name: str, row: str, model: str, *, column: str, size: float, overhead: float, published=None) -> Cell:
    """A cell of one row of a figure."""
    printed = {} if published is None else {column: published}
    measure = partial(_measure, name, row, column)
    return Cell(row, model, size, measure, printed, overhead=overhead)


def _sampling() -> list[Cell]:
    names = [(family, partial_name) for family in FAMILIES for partial_name in family.partials]
    return [
        _cell(
            "F1",
            f"{family.case(0)}, {name}",
            family.name,
            column=_DIFFERENCE,
            size=0,
            overhead=5.0,
        )
        for family, name in names
    ]


def _accuracy() -> list[Cell]:
    queries = ("FastLRNR", "LRNR")
    return [
        _cell(
            "F2",
            f"{family.case(case)}, {query}",
            f"{family.name}, {query}",
            column=ERROR,
            size=case,
            overhead=1.2,
        )
        for family in FAMILIES
        for case in range(len(family.tests))
        for query in queries
    ]


def _steps() -> list[Cell]:
    timed = lowrank_figures.TIMED
    return [
        _cell(
            "F3",
            name,
            name,
            column=_COLUMN[unit],
            size=place,
            overhead=3.0,
            published=published,
        )
        for place, (name, (published, unit)) in enumerate(timed.items())
    ]


def _drawn(name: str, panels: int) -> Callable[[Canvas, Sequence[FigureRow]], None]:
    """The picture of a figure from rows, in so many panels."""
    _, draw = lowrank_figures.FIGURES[name]

    def fill(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
        known = [_as_dict(row) for row in rows if row.measured]
        if known:
            draw(known, canvas.subplots(1, panels))

    return fill


def _as_dict(row: FigureRow) -> dict:
    """A row as those draw it who made it."""
    assert row.measured is not None
    ((column, value),) = row.measured.values.items()
    unit = {v: k for k, v in _COLUMN.items()}.get(column, column)
    published = row.cell.published.get(column)
    return {"cell": row.cell.name, "measured": value, "unit": unit, "published": published, "curve": row.measured.curve}


_SAYS = (
    "Published at width 4000 and rank 100; what is smaller here stands with each cell.",
    "Errors are against converged solutions: the published code compares with one whose frames are mistimed.",
)
FIGURES = (
    Figure("F1", "Reduced network beside the whole one at the 4 x 3 sampling points", _PAPER + "figure 2",
           (_DIFFERENCE,), _sampling(), _drawn("F1", 7), _SAYS),
    Figure("F2", "Accuracy of the test cases over 400 epochs", _PAPER + "figure 3", (ERROR,), _accuracy(),
           _drawn("F2", 2), _SAYS),
    Figure("F3", "Time of a step", _PAPER + "section 4", (MILLISECONDS, _TIMES), _steps(), _drawn("F3", 1),
           ("Published on one V100, of networks whose matrices are multiplied out.",)),
)  # fmt: skip
