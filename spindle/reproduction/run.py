"""Which cells are measured in the seconds that a figure has, in which order; those that are not say why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf

import jax

from spindle.errors import SpindleError
from spindle.reproduction.figure import Cell, Figure, NotMeasured, Row
from spindle.reproduction.store import Store


@dataclass(frozen=True)
class Scale:
    """How long a figure may take.

    seconds   of one figure, all cells together, on two processor cores
    """

    name: str
    seconds: float


QUICK = Scale("--quick", 50.0)
USUAL = Scale("the default", 3_600.0)
FULL = Scale("--full", inf)


def measure(figure: Figure, scale: Scale, store: Store, tell: Callable[[str], None]) -> list[Row]:
    """The rows of a figure: those on disk that were allowed as much, and others measured now, each stored at once.

    Cells that need more seconds than are left to the figure are not begun.
    """
    rows = {cell.name: store.read(cell) for cell in figure.cells}
    shares = _shares(figure.cells, scale.seconds)
    wanted = [cell for cell in figure.cells if _is_wanted(cell, rows[cell.name], shares.get(cell.name))]
    spare = 0.0
    for cell in wanted:
        allowed = shares[cell.name] + spare
        row = _measured(cell, allowed)
        spare = max(0.0, allowed - row.wall) if allowed < inf else 0.0
        store.write(row)
        rows[cell.name] = row
        tell(_line(figure, row))
    return [rows[cell.name] or _too_long(cell, scale) for cell in figure.cells]


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


def _is_wanted(cell: Cell, before: Row | None, share: float | None) -> bool:
    """Whether to measure a cell: it has a share, and was not measured in as much, or to its last step."""
    if share is None:
        return False
    if before is None or before.measured is None:
        return before is None or before.allowed < share
    return before.share not in (None, 1.0) and before.allowed < 0.9 * share


def _measured(cell: Cell, allowed: float) -> Row:
    """A row, whatever happens: what one cell cannot do is no reason to lose the others."""
    began, machine = time.perf_counter(), _machine()
    try:
        measured, missing = cell.measure(allowed), ""
    except (NotMeasured, SpindleError) as reason:
        measured, missing = None, str(reason).rstrip(".")
    return Row(cell, measured, missing, allowed, time.perf_counter() - began, machine)


def _too_long(cell: Cell, scale: Scale) -> Row:
    if scale is QUICK:
        return Row(cell, None, f"it takes {cell.least:.0f} s or more, which --quick has no time for")
    return Row(cell, None, f"it takes {cell.least:.0f} s or more, beyond the hour of a figure; see --full")


def _machine() -> str:
    device = jax.devices()[0]
    return f"{device.platform} {device.device_kind}" if device.platform != "cpu" else f"cpu, JAX {jax.__version__}"


def _line(figure: Figure, row: Row) -> str:
    if row.measured is None:
        return f"{figure.name} {row.cell.name}: not measured, {row.missing}"
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in row.measured.values.items())
    share = "" if row.share is None else f", {100 * row.share:.2g} % of the steps"
    return f"{figure.name} {row.cell.name}: {numbers}{share} ({row.wall:.0f} s)"
