"""The figures and tables by name, and `reproduce`."""

from collections.abc import Callable
from pathlib import Path

from spindle.errors import MethodError, nearest
from spindle.reproduction import families, flows, nodes, operations, separable
from spindle.reproduction.figure import Figure, FigureRow
from spindle.reproduction.page import write_figure, write_index
from spindle.reproduction.run import measure
from spindle.reproduction.store import Store

_PUBLICATIONS = (separable, flows, operations, nodes, families)
FIGURES: dict[str, Figure] = {figure.name: figure for room in _PUBLICATIONS for figure in room.FIGURES}
LIST, ALL = "list", "all"
NAMES = (LIST, ALL, *FIGURES)


def chosen(name: str) -> list[Figure]:
    """The figure of a name, or all; raises MethodError where there is none."""
    if name == ALL:
        return list(FIGURES.values())
    if name.upper() not in FIGURES:
        raise MethodError(f"`spindle reproduce {name}`: there is no such figure or table." + nearest(name, NAMES))
    return [FIGURES[name.upper()]]


def reproduce(
    figure: Figure, seconds: float, folder: Path, tell: Callable[[str], None]
) -> tuple[list[FigureRow], Path]:
    """Measure what is missing of a figure within so many seconds, and write its page, with what other devices gave."""
    store = Store(folder)
    here = measure(figure, seconds, store, tell)
    rows = [row for own in here for row in (own, *store.elsewhere(own.cell))]
    page = write_figure(figure, rows, folder)
    write_index(FIGURES, folder)
    return rows, page


def stored(folder: Path) -> list[tuple[Figure, list[FigureRow]]]:
    """The figures with what is stored of them in a folder, of all devices; nothing is measured."""
    store = Store(folder)
    return [
        (figure, [row for c in figure.cells for row in (store.read(c), *store.elsewhere(c)) if row is not None])
        for figure in FIGURES.values()
    ]
