"""Nodes that crowd towards re-entrant corners, so that differences follow what is singular there.

At a corner of angle w > pi solutions of elliptic equations behave like r^(pi/w), r the distance from it. Where the
spacing is proportional to r every ring around the corner holds as many nodes, and each sees the same function at
another scale: the error is that of the innermost ring. High orders gain nothing there, and their wide stencils reach
across the corner. Measured on harmonic functions that are singular at one to ten such corners, 2,000 nodes: errors of
1e-4 to 5e-4 by order two and the kernel r^5 on graded nodes, 5e-3 to 1e-1 by orders two to five on equally spaced ones.

Source: grading to corners, Babuska, Kellogg & Pitkaranta (1979), Numer. Math. 33.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from spindle.geometry.shape import Shape

KERNEL = 5  # m of the kernel r^m on graded nodes, the least for equations of second order
_REACH = 0.4  # of the square root of the area: within that distance from a corner the nodes are graded to it
_FINEST = 0.02  # spacing at a corner relative to that beyond its reach
_MOST = 32  # corners; beyond, too few nodes would be left for each


def graded(shape: Shape, beside: Sequence[Mapping] = ()) -> sympy.Expr | None:
    """The spacing of nodes relative to that far from any corner; None where there is no corner to be graded to.

    beside   {coordinate: position} of further places where solutions are singular: where parts of the boundary meet
    """
    places = [[at[c] for c in shape.coordinates] for at in beside if set(at) == set(shape.coordinates)]
    corners = np.array([*shape.reentrant.reshape(-1, len(shape.coordinates)), *places])
    if not 0 < len(corners) <= _MOST:
        return None
    squares = (sum((c - float(v)) ** 2 for c, v in zip(shape.coordinates, corner, strict=True)) for corner in corners)
    # Left as they are: SymPy compares all arguments of a minimum with each other.
    nearest = sympy.sqrt(sympy.Min(*squares, evaluate=False)) / (_REACH * shape.volume**0.5)
    return sympy.Max(_FINEST, sympy.Min(1, nearest, evaluate=False), evaluate=False)
