"""A figure as a page: its table, measured beside published, and its picture; and the page that lists them all."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure as Canvas

from spindle.report.html import number, render
from spindle.reproduction.figure import Figure, FigureRow
from spindle.reproduction.store import as_data
from spindle.results.directory import write_json
from spindle.storage.arrays import write_atomically

_EMPTY = ""


def heading(figure: Figure) -> list[str]:
    """The columns of a table: each measured, published and their ratio, then the share of the steps."""
    columns = ["cell"]
    for column in figure.columns:
        columns += [column]
        if any(column in cell.published for cell in figure.cells):
            columns += ["published", "ratio"]
    return [*columns, "share of steps", "wall s", "on"]


def lines(figure: Figure, rows: Sequence[FigureRow]) -> list[list[str]]:
    """A line of the table for each row; the reason in the place of numbers that are missing."""
    return [_line(figure, row) for row in rows]


def _line(figure: Figure, row: FigureRow) -> list[str]:
    cells = [row.cell.name]
    for column in figure.columns:
        measured, published = row.value(column), row.cell.published.get(column)
        cells += [_EMPTY if measured is None else number(measured)]
        if any(column in cell.published for cell in figure.cells):
            ratio = measured / published if measured is not None and published else None
            cells += [_EMPTY if published is None else number(published), _EMPTY if ratio is None else f"{ratio:.2g}"]
    share = row.missing or (_EMPTY if row.share is None else f"{100 * row.share:.3g} %")
    return [*cells, share, f"{row.wall:.0f}" if row.wall else _EMPTY, row.device]


def markdown(figure: Figure, rows: Sequence[FigureRow]) -> str:
    """The rows that were measured as a table of a document, and how many of the cells they are; "" of none."""
    measured = [row for row in rows if row.measured]
    if not measured:
        return ""
    columns = [column for column in figure.columns if any(row.value(column) is not None for row in measured)]
    text = f"\n### {figure.name}. {figure.title}\n\n{figure.source}.\n\n"
    text += "| " + " | ".join(["cell", *columns, "share of steps", "wall s", "on"]) + " |\n"
    text += "|---" * (len(columns) + 4) + "|\n"
    for row in measured:
        cells = [_beside(row.value(column), row.cell.published.get(column)) for column in columns]
        share = _EMPTY if row.share is None else f"{100 * row.share:.3g} %"
        text += "| " + " | ".join([row.cell.name, *cells, share, f"{row.wall:.0f}", row.device]) + " |\n"
    shown = len({row.cell.name for row in measured})
    said = [f"{sentence}." for sentence in figure.concludes(rows)] + list(figure.says)
    said += [f"Of {len(figure.cells)} cells {shown} are shown."] if shown < len(figure.cells) else []
    return text + "\n" + " ".join(said) + "\n"


def _beside(measured: float | None, published: float | None) -> str:
    """A number, with the published one in brackets."""
    shown = _EMPTY if measured is None else number(measured)
    return shown if published is None else f"{shown} ({number(published)})"


def write_figure(figure: Figure, rows: Sequence[FigureRow], folder: Path) -> Path:
    """Write the rows as JSON, the picture and the page of a figure; return the page."""
    write_json(folder / f"{figure.name}.json", [as_data(row) for row in rows])
    drawn = _drawn(figure, rows)
    write_atomically(folder / f"{figure.name}.svg", drawn.encode())
    content = {
        "title": f"{figure.name}. {figure.title}",
        "subtitle": figure.source,
        "heading": heading(figure),
        "lines": lines(figure, rows),
        "picture": Markup(drawn[drawn.index("<svg") :]),
        "notes": _notes(figure, rows),
    }
    return render("reproduction.html", content, folder / f"{figure.name}.html")


def write_index(figures: Mapping[str, Figure], folder: Path) -> Path:
    """The page that lists the figures that have one."""
    listed = [f for f in figures.values() if (folder / f"{f.name}.html").is_file()]
    content = {
        "title": "Published figures and tables, measured",
        "figures": [(f.name, f.title, f.source) for f in listed],
    }
    return render("reproductions.html", content, folder / "index.html")


def _notes(figure: Figure, rows: Sequence[FigureRow]) -> list[str]:
    said = [f"{row.cell.name}: {row.measured.note}." for row in rows if row.measured and row.measured.note]
    concluded = [f"{sentence}." for sentence in figure.concludes(rows)]
    return [*concluded, *figure.says, *said]


def _drawn(figure: Figure, rows: Sequence[FigureRow]) -> str:
    """The picture as SVG, the same bytes for the same rows."""
    with matplotlib.rc_context({"svg.hashsalt": "spindle", "font.size": 9}):
        canvas, content = Canvas(figsize=(9.5, 3.6), layout="constrained"), io.StringIO()
        figure.draw(canvas, rows)
        canvas.savefig(content, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        return content.getvalue()
