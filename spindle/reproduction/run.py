"""Which cells are measured in the seconds that a figure has, in which order; those that are not say why."""

import time
from collections.abc import Callable, Sequence
from itertools import count
from math import inf

from spindle.errors import SpindleError
from spindle.reproduction.figure import Cell, Figure, FigureRow, NotMeasured
from spindle.reproduction.store import Store

# Seconds of a figure, all cells together.
QUICK, USUAL, FULL = 50.0, 3_600.0, inf


def measure(figure: Figure, seconds: float, store: Store, tell: Callable[[str], None]) -> list[FigureRow]:
    """The rows of a figure: those on disk that were allowed as much, and others measured now, each stored at once.

    seconds   of all cells together; cells that need more than is left are not begun
    """
    rows = {cell.name: store.read(cell) for cell in figure.cells}
    shares = _shares(figure.cells, seconds)
    wanted = [cell for cell in figure.cells if _is_wanted(cell, rows[cell.name], shares.get(cell.name))]
    spare = 0.0
    for cell in wanted:
        allowed = shares[cell.name] + spare
        row = _measured(cell, allowed, store.device)
        spare = max(0.0, allowed - row.wall) if allowed < inf else 0.0
        store.write(row)
        rows[cell.name] = row
        tell(_line(figure, row))
    return [rows[cell.name] or _too_long(cell, seconds) for cell in figure.cells]


def _shares(cells: Sequence[Cell], seconds: float) -> dict[str, float]:
    """The seconds of each cell that is begun: what each takes at least, and what is left in equal parts."""
    chosen, left = [], seconds
    for cell in _by_worth(cells):
        if cell.least <= left:
            chosen.append(cell)
            left -= cell.least
    shares = {}
    for place, cell in enumerate(sorted(chosen, key=lambda cell: cell.most - cell.least)):
        shares[cell.name] = min(cell.most, cell.least + left / (len(chosen) - place))
        left -= shares[cell.name] - cell.least if left < inf else 0.0
    return shares


def _by_worth(cells: Sequence[Cell]) -> list[Cell]:
    """The cheapest of each model, then the next of each, and so on."""
    cheapest = sorted(cells, key=lambda cell: cell.least)
    place = {model: count() for model in {cell.model for cell in cells}}
    return sorted(cheapest, key=lambda cell: next(place[cell.model]))


def _is_wanted(cell: Cell, before: FigureRow | None, share: float | None) -> bool:
    """Whether to measure a cell: it has a share, and was not measured in as much, or to its last step."""
    if share is None:
        return False
    if before is None or before.measured is None:
        return before is None or before.allowed < share
    return before.share not in (None, 1.0) and before.allowed < 0.9 * share


def _measured(cell: Cell, allowed: float, device: str) -> FigureRow:
    """A row, whatever happens: what one cell cannot do is no reason to lose the others."""
    began = time.perf_counter()
    try:
        measured, missing = cell.measure(allowed), ""
    except (NotMeasured, SpindleError) as reason:
        measured, missing = None, str(reason).rstrip(".")
    return FigureRow(cell, measured, missing, allowed, time.perf_counter() - began, device)


def _too_long(cell: Cell, seconds: float) -> FigureRow:
    return FigureRow(cell, None, f"not run: {cell.least:.0f} s at least, of {seconds:,.0f} for the whole figure")


def _line(figure: Figure, row: FigureRow) -> str:
    if row.measured is None:
        return f"{figure.name} {row.cell.name}: not measured, {row.missing}"
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in row.measured.values.items())
    share = "" if row.share is None else f", {100 * row.share:.2g} % of the steps"
    return f"{figure.name} {row.cell.name}: {numbers}{share} ({row.wall:.0f} s)"
