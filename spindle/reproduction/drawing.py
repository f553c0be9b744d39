"""Pictures with the axes of the publications: measured and published curves together."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from spindle.reproduction.figure import FigureRow

_COLOURS = ("#2f7fc1", "#e07b39", "#3f9e6e", "#a565b5", "#b8962e", "#c2566b", "#5b6770", "#8c564b")


def against_size(
    canvas: Canvas, rows: Sequence[FigureRow], columns: Sequence[str], horizontal: str, **scales: str
) -> None:
    """One panel a column: a line a model against size, solid as measured, dashed as published.

    scales   of the axes, `x` and `y`, logarithmic where nothing is said
    """
    panels = canvas.subplots(1, len(columns), squeeze=False)[0]
    for axes, column in zip(panels, columns, strict=True):
        for colour, model in zip(_COLOURS, _models(rows), strict=False):
            mine = sorted((row for row in rows if row.cell.model == model), key=lambda row: row.cell.size)
            _line(axes, [(r.cell.size, r.value(column)) for r in mine], color=colour, marker="o", label=model)
            _line(axes, [(r.cell.size, r.cell.published.get(column)) for r in mine], color=colour, linestyle="--")
        axes.set(xlabel=horizontal, ylabel=column, xscale=scales.get("x", "log"), yscale=scales.get("y", "log"))
        axes.grid(alpha=0.3)
    _legend(canvas, panels[0])


def against_time(canvas: Canvas, rows: Sequence[FigureRow], horizontal: str, vertical: str, **scales: str) -> None:
    """One panel with the curve of each row that has one."""
    axes = canvas.subplots()
    for colour, row in zip(_COLOURS * 4, [r for r in rows if r.measured and r.measured.curve], strict=False):
        _line(axes, row.measured.curve if row.measured else [], color=colour, label=row.cell.name)
    axes.set(xlabel=horizontal, ylabel=vertical, xscale=scales.get("x", "log"), yscale=scales.get("y", "log"))
    axes.grid(alpha=0.3)
    _legend(canvas, axes)


def bars(canvas: Canvas, rows: Sequence[FigureRow], column: str, names: Sequence[str]) -> None:
    """Groups of bars, one bar a model, on a logarithmic scale; a mark where a number is published."""
    axes, models = canvas.subplots(), _models(rows)
    wide = 0.8 / max(1, len(models))
    for place, (colour, model) in enumerate(zip(_COLOURS, models, strict=False)):
        mine = [row for row in rows if row.cell.model == model]
        left = [row.cell.size - 0.4 + (place + 0.5) * wide for row in mine]
        axes.bar(left, [row.value(column) or 0.0 for row in mine], wide, color=colour, label=model)
        _line(axes, zip(left, [row.cell.published.get(column) for row in mine], strict=True), color="black", marker="_",
              linestyle="")  # fmt: skip
    axes.set(ylabel=column, yscale="log", xticks=range(len(names)), xticklabels=names)
    _legend(canvas, axes)


def _models(rows: Sequence[FigureRow]) -> list[str]:
    return list(dict.fromkeys(row.cell.model for row in rows))


def _line(axes: Axes, pairs, **style) -> None:
    """What is finite and positive of a line, since the axes are logarithmic."""
    known = [(x, y) for x, y in pairs if y is not None and 0 < y < float("inf")]
    if known:
        axes.plot(*zip(*known, strict=True), linewidth=1.4, markersize=3, **style)


def _legend(canvas: Canvas, axes: Axes) -> None:
    """Of what is measured; dashes are explained once."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        canvas.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small", frameon=False)
