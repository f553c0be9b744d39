"""The figures and tables by name, and `reproduce`."""

from collections.abc import Callable
from pathlib import Path

from spindle.errors import MethodError, nearest
from spindle.reproduction import flows, operations, separable
from spindle.reproduction.figure import Figure, Row
from spindle.reproduction.page import write_figure, write_index
from spindle.reproduction.run import Scale, measure
from spindle.reproduction.store import Store

FIGURES: dict[str, Figure] = {figure.name: figure for figure in (*separable.FIGURES, *flows.FIGURES, *operations.FIGURES)}
LIST, ALL = "list", "all"
NAMES = (LIST, ALL, *FIGURES)


def chosen(name: str) -> list[Figure]:
    """The figure of a name, or all; raises MethodError where there is none."""
    if name == ALL:
        return list(FIGURES.values())
    if name.upper() not in FIGURES:
        raise MethodError(f"`spindle reproduce {name}`: there is no such figure or table." + nearest(name, NAMES))
    return [FIGURES[name.upper()]]


def reproduce(figure: Figure, scale: Scale, folder: Path, tell: Callable[[str], None]) -> tuple[list[Row], Path]:
    """Measure what is missing of a figure, and write its page."""
    rows = measure(figure, scale, Store(folder), tell)
    page = write_figure(figure, rows, folder)
    write_index(FIGURES, folder)
    return rows, page
