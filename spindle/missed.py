"""Sources and data that are large where no point of the training lies, so that their residual says nothing of them."""

from collections.abc import Sequence

import jax
import numpy as np

from spindle.lowering.breaks import Breaks, Datum, breaks, data, values_of
from spindle.objective.objective import Objective
from spindle.points.rules import panel_nodes, panels
from spindle.problem.domain import Region
from spindle.problem.functions import shortened
from spindle.problem.problem import Problem

_SHARE = 0.1  # of an integral, that may lie where no point does
_MOST = 500_000  # nodes of a quadrature
_NODES = 12


def missed(problem: Problem, objective: Objective) -> list[str]:
    """One sentence for each source, coefficient or datum of which the training points see too little.

    The axes are cut where data jump, bend or peak. Of each cell of this grid that holds no point nothing is known.
    """
    ends = breaks(problem)
    if not any(ends):
        return []
    points = objective.derivatives.points
    drawn = points.draw(jax.random.PRNGKey(0))
    found: dict[tuple[str, str], float] = {}
    for datum in data(problem):
        there = [
            coordinates
            for place, coordinates in zip(points.places, points.coordinates(drawn), strict=True)
            if isinstance(place, Region) and _same(place, datum)
        ]
        share = _unseen(datum, problem, ends, there) if there else 0.0
        if share > _SHARE:
            flipped = datum.expression.could_extract_minus_sign()  # what stands on the right hand side of an equation
            found[shortened(-datum.expression if flipped else datum.expression), datum.name] = share
    return [
        f"the source `{text}` of `{name}` has {share:.0%} of its integral where no point lies, so that the solution "
        f"may lack what it causes; raise the number of points or nodes, or take `sp.SPINN()`, which puts points there"
        for (text, name), share in found.items()
    ]


def _same(place: Region, datum: Datum) -> bool:
    return tuple(map(tuple, place.bounds)) == datum.bounds and place.shape == datum.shape


def _unseen(datum: Datum, problem: Problem, ends: Breaks, there: Sequence) -> float:
    """The share of the integral of the absolute value in cells without a point."""
    free = [k for k, (low, high) in enumerate(datum.bounds) if low < high]
    cut = [k for k in free if problem.coordinates[k] in datum.expression.free_symbols and len(ends[k])]
    if not cut:
        return 0.0
    edges = {k: np.array([datum.bounds[k][0], *(b for _, b in panels(*datum.bounds[k], ends[k]))]) for k in cut}
    rules = [panel_nodes(*datum.bounds[k], _NODES, ends[k] if k in cut else ()) for k in free]
    if np.prod([float(len(nodes)) for nodes, _ in rules]) > _MOST:
        return 0.0
    values = np.abs(values_of(datum, problem, [nodes for nodes, _ in rules], free))
    for axis, (_, weights) in enumerate(rules):
        values = values * weights.reshape([-1 if j == axis else 1 for j in range(len(free))])
    counts = sum(_counted(coordinates, edges) for coordinates in there)
    cells = np.ix_(*[_cell(edges[k], nodes) for k, (nodes, _) in zip(free, rules, strict=True) if k in cut])
    empty = (counts == 0)[cells].reshape([len(rules[j][0]) if k in cut else 1 for j, k in enumerate(free)])
    whole = float(np.sum(values))
    return float(np.sum(values * empty)) / whole if 0 < whole < np.inf else 0.0


def _cell(edges: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, nodes, side="right") - 1, 0, len(edges) - 2)


def _counted(coordinates: Sequence, edges: dict[int, np.ndarray]) -> np.ndarray:
    """Numbers of points in each cell."""
    numbers = [_cell(own, np.asarray(coordinates[k])) for k, own in edges.items()]
    shape = tuple(len(own) - 1 for own in edges.values())
    # Coordinates of a tensor grid broadcast against each other.
    flat = np.ravel_multi_index(np.broadcast_arrays(*numbers), shape).ravel()
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
