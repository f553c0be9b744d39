"""What all reference solvers share: checked nodes, a relative L2 norm, and the type of what they return."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import ArrayLike

from spindle.problem.references import OnDemand, OnGrid

__all__ = ["OnDemand", "OnGrid", "nodes", "relative_difference", "together"]


def nodes(name: str, given: ArrayLike | None, low: float, high: float, count: int) -> np.ndarray:
    """The nodes of the coordinate `name`: those `given`, checked to lie in [low, high], or `count` equally spaced.

    Raises ValueError where the given ones do not increase, or leave the interval.
    """
    if given is None:
        return np.linspace(low, high, count)
    checked = np.array(given, dtype=np.float64)
    if checked.ndim != 1 or checked.size == 0 or not np.all(np.diff(checked) > 0):
        raise ValueError(f"The nodes of {name} have shape {checked.shape}; they must be one increasing row of numbers.")
    if not (low <= checked[0] and checked[-1] <= high):
        raise ValueError(
            f"The nodes of {name} run from {checked[0]:g} to {checked[-1]:g}, but the problem is posed on "
            f"[{low:g}, {high:g}]. Keep the nodes inside."
        )
    return checked


def together(
    names: Iterable[str], axes: dict[str, np.ndarray], solve: Callable[[], Sequence], source: str
) -> dict[str, OnGrid]:
    """The fields that one solver computes together, by name, when one of them is first asked for.

    solve   no arguments -> for each name its values, and coarser ones to estimate their error by
    """
    solved = cache(solve)

    def field(k: int) -> tuple[np.ndarray, float]:
        values, coarser = solved()[k]
        return values, relative_difference(coarser, values)

    return {name: OnDemand(axes, partial(field, k), source) for k, name in enumerate(names)}


def relative_difference(a: np.ndarray, b: np.ndarray) -> float:
    """`norm(a - b) / norm(b)` over all entries, at least the rounding unit; absolute where b is all zero."""
    scale = float(np.linalg.norm(b)) or 1.0
    return max(float(np.linalg.norm(a - b)) / scale, float(np.finfo(np.float64).eps))
