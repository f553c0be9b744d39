"""A published figure or table: its cells, the numbers printed for them, and how it is drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import jax
from matplotlib.figure import Figure as Canvas

ERROR, SECONDS, MILLISECONDS, MEGABYTES = "relative L2", "seconds", "ms a step", "MB"

_ACCELERATED = 50.0  # times that arithmetic is faster on an accelerator than on two cores, at least


class NotMeasured(Exception):
    """Why a cell has no numbers, as a sentence without its full stop."""


@dataclass(frozen=True)
class Measured:
    """What a cell gave.

    values   {column: number}
    taken    steps of training, of those that were published, `of`; None: nothing was trained
    curve    pairs (x, y) for the picture
    note     a sentence on what else is to be known
    """

    values: Mapping[str, float]
    taken: int | None = None
    of: int | None = None
    curve: tuple[tuple[float, float], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: a line of a table, or a point or a curve of a figure.

    name        unique among all cells, since figures may share them; words first, sizes last
    model       the curve of a figure, or the group of a table, that it belongs to
    size        its place on the horizontal axis
    published   {column: the number that is printed}
    measure     seconds that it may take -> what it gave; it raises NotMeasured where that is not enough
    overhead    seconds to prepare, compile and evaluate it, roughly
    work        seconds of its arithmetic on two processor cores, below which it is not begun; see `least`
    most        seconds beyond which nothing is gained
    """

    name: str
    model: str
    size: float
    measure: Callable[[float], Measured]
    published: Mapping[str, float] = field(default_factory=dict)
    overhead: float = 10.0
    work: float = 0.0
    most: float = float("inf")

    @property
    def least(self) -> float:
        """Seconds below which it is not begun on this machine."""
        return self.overhead + self.work / (1.0 if jax.default_backend() == "cpu" else _ACCELERATED)


@dataclass(frozen=True)
class FigureRow:
    """A cell with what was measured for it, or the reason why nothing was.

    allowed   seconds that it was allowed; it is measured anew only when it may take more
    wall      seconds that it took
    device    on which: cpu, or the name of an accelerator
    """

    cell: Cell
    measured: Measured | None
    missing: str = ""
    allowed: float = 0.0
    wall: float = 0.0
    device: str = ""

    @property
    def share(self) -> float | None:
        """Of the published steps; None where nothing is trained."""
        m = self.measured
        return None if m is None or m.taken is None or not m.of else min(1.0, m.taken / m.of)

    def value(self, column: str) -> float | None:
        """The number measured in a column."""
        return None if self.measured is None else self.measured.values.get(column)


def _nothing(rows: Sequence[FigureRow]) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Figure:
    """A figure or a table of a publication.

    name      short: the publication and a number
    title     what it shows
    source    where it is published
    columns   of numbers, in order
    cells     in the order of their worth
    draw      fills a canvas from rows that were measured
    says      sentences on what is not as it was published
    concludes sentences from the rows, such as ratios of some of them
    """

    name: str
    title: str
    source: str
    columns: tuple[str, ...]
    cells: Sequence[Cell]
    draw: Callable[[Canvas, Sequence[FigureRow]], None]
    says: tuple[str, ...] = ()
    concludes: Callable[[Sequence[FigureRow]], Sequence[str]] = _nothing
