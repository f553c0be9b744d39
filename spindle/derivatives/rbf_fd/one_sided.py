"""Stencils that cross no interface: of each centre the nodes on its own side, and those on the interface itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spindle.derivatives.rbf_fd.cache import cached_weights
from spindle.derivatives.rbf_fd.weights import Operator
from spindle.errors import MethodError

Sided = tuple[np.ndarray, np.ndarray]
"""Points (n, d), and (n, levels) on which side of each level they lie, -1 or 1; nodes on a level have 0 there."""


def one_sided(
    nodes: Sided, centres: Sided, operators: Sequence[Operator], scheme: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Stencils (m, n) and weights (operators, m, n) of centres from the nodes on their side.

    scheme   degree, size and exponent, see `weights`

    Raises MethodError where a side has too few nodes.
    """
    (points, sides), (places, wanted) = nodes, centres
    if not sides.shape[1]:
        nearest, alike = cached_weights(points, places, operators, **scheme)
        return nearest, np.stack(alike)
    groups, number = np.unique(wanted, axis=0, return_inverse=True)
    parts = []
    for group in range(len(groups)):
        allowed = np.flatnonzero(np.all((sides == groups[group]) | (sides == 0), axis=1))
        rows = np.flatnonzero(number.ravel() == group)
        try:
            chosen, values = cached_weights(points[allowed], places[rows], operators, **scheme)
        except MethodError as error:
            raise MethodError(
                f"One side of an interface has {len(allowed)} nodes, interface included, too few for stencils that do "
                f"not cross it; raise `nodes`, or lower `order`."
            ) from error
        parts.append((rows, allowed[chosen], np.stack(values)))
    size = parts[0][1].shape[1]
    idx, weights = np.zeros((len(places), size), int), np.zeros((len(operators), len(places), size))
    for rows, stencils, of_operators in parts:
        idx[rows], weights[:, rows] = stencils, of_operators
    return idx, weights
