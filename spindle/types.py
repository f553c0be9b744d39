"""Plain data that several rooms share."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spindle.errors import ProblemError


@dataclass(frozen=True, eq=False)
class Tabulated:
    """A field on a tensor grid, with an estimate of its own error.

    axes             coordinate name -> increasing nodes, in the order of the array's axes
    values           one value a grid point; NaN outside the domain
    relative_error   estimated relative L2 error of the values
    source           one sentence: which solver, resolution and order
    """

    axes: Mapping[str, np.ndarray]
    values: np.ndarray
    relative_error: float = 0.0
    source: str = ""

    def __post_init__(self):
        shape = tuple(len(nodes) for nodes in self.axes.values())
        if np.shape(self.values) != shape:
            raise ProblemError(
                f"`Tabulated` was given axes of {shape} nodes and values of shape {np.shape(self.values)}; there must be "
                f"one value for each grid point, axes in the same order."
            )
        for name, nodes in self.axes.items():
            if not np.all(np.diff(nodes) > 0):
                raise ProblemError(f"`Tabulated` needs increasing nodes, and those of `{name}` are not; sort them.")
