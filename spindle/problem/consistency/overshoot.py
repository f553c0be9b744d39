"""Tables whose cubic splines leave the range of their values."""

import numpy as np

from spindle.problem.consistency.doubt import Doubt
from spindle.symbolic.tables import Table, tables_in

_SHARE = 0.1  # of the range of the values
_BETWEEN = 7  # points between two nodes
_MOST = 400_000  # points looked at


def overshoots(problem) -> list[Doubt]:
    """A doubt for each table that leaves its range by more than a tenth of it."""
    return [d for name, table in tables_in(problem.expressions()).items() if (d := _overshoot(name, table)) is not None]


def _overshoot(name: str, table: Table) -> Doubt | None:
    low, high = table.values.min(), table.values.max()
    if table.interpolation != "cubic" or low == high:
        return None
    between = _BETWEEN
    while between > 1 and np.prod([float(between * len(nodes)) for nodes in table.axes]) > _MOST:
        between -= 1
    axes = [np.interp(np.arange(0, len(n) - 1 + 1e-9, 1 / between), np.arange(len(n)), n) for n in table.axes]
    if np.prod([float(len(a)) for a in axes]) > _MOST:
        return None
    values = np.asarray(table(*np.meshgrid(*axes, indexing="ij", sparse=True)))
    beyond = np.maximum(values - high, low - values)
    worst = np.unravel_index(np.argmax(beyond), beyond.shape)
    if beyond[worst] <= _SHARE * (high - low):
        return None
    where = ", ".join(f"{n} = {a[k]:.4g}" for n, a, k in zip(table.names, axes, worst, strict=True))
    return Doubt(
        f"the cubic spline through the table `{name}` reaches {values[worst]:.4g} at {where}, beyond its values from "
        f"{low:.4g} to {high:.4g}: add nodes where it is steep, or join it by straight lines, "
        f'`interpolation="linear"`',
        fatal=False,
    )
