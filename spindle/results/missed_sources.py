"""Sources and data that are large where no point of the training lies, so that their residual says nothing of them."""

from collections.abc import Sequence

import jax
import numpy as np

from spindle.geometry.supports import Support
from spindle.lowering.breaks import Breaks, KnownTerm, breaks, known_terms, values_of
from spindle.objective.objective import Objective
from spindle.points.rules import panel_nodes, panels
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate, shortened

_SHARE = 0.1  # of an integral, that may lie where no point does
_OFF = 2.0  # factor between the integral and what the points make of it: random points see a jump to some percent
_MOST = 500_000  # nodes of a quadrature
_NODES = 12


def missed(problem: Problem, objective: Objective) -> list[str]:
    """One sentence for each source, coefficient or datum of which the training points see too little, or too much.

    The axes are cut where data jump, bend or peak. Of each cell of this grid that holds no point nothing is known.
    """
    ends = breaks(problem)
    if not any(ends):
        return []
    points = objective.derivatives.points
    coordinates = points.coordinates(points.draw(jax.random.PRNGKey(0)))
    sentences: dict[tuple[str, str], str] = {}
    for term in known_terms(problem):
        supports = [k for k, support in enumerate(points.supports) if _same(support, term)]
        if supports:
            there = [np.asarray(column) for column in coordinates[supports[0]]]
            reason = _reason(term, problem, ends, there, points.weights(supports[0]))
            flipped = term.expression.could_extract_minus_sign()  # what stands on the right of an equation
            text = shortened(-term.expression if flipped else term.expression)
            sentences |= {(text, term.name): reason} if reason else {}
    return [
        f"the source `{text}` of `{name}` has {reason}, so that the solution may lack what it causes; raise the number "
        f"of points or nodes, or, on boxes, take `spd.SPINN()`, which puts points there"
        for (text, name), reason in sentences.items()
    ]


def _same(support: Support, term: KnownTerm) -> bool:
    return support.is_region and support.bounds == term.bounds and support.shape == term.shape


def _reason(term: KnownTerm, problem: Problem, ends: Breaks, there: Sequence[np.ndarray], along) -> str:
    """What of the integral of the absolute value the points miss, in words; empty where they see it.

    there   the coordinates of the points, which broadcast together
    along   their weights along each axis; None: they weigh the same
    """
    free = [k for k, (low, high) in enumerate(term.bounds) if low < high]
    cut = [k for k in free if problem.coordinates[k] in term.expression.free_symbols and len(ends[k])]
    rules = [panel_nodes(*term.bounds[k], _NODES, ends[k] if k in cut else ()) for k in free]
    if not cut or np.prod([float(len(nodes)) for nodes, _ in rules]) > _MOST:
        return ""
    edges = {k: np.array([term.bounds[k][0], *(b for _, b in panels(*term.bounds[k], ends[k]))]) for k in cut}
    inside, values = values_of(term, problem, [nodes for nodes, _ in rules], free)
    for axis, (_, weights) in enumerate(rules):
        shape = [-1 if j == axis else 1 for j in range(len(free))]
        values, inside = values * weights.reshape(shape), inside * weights.reshape(shape)
    cells = np.ix_(*[_cell(edges[k], nodes) for k, (nodes, _) in zip(free, rules, strict=True) if k in cut])
    empty = (_counted(there, edges) == 0)[cells]
    empty = empty.reshape([len(rules[j][0]) if k in cut else 1 for j, k in enumerate(free)])
    whole = float(np.sum(values))
    if not 0 < whole < np.inf:
        return ""
    share = float(np.sum(values * empty)) / whole
    if share > _SHARE:
        return f"{share:.0%} of its integral where no point lies"
    ratio = _mean(term, problem, there, along) / (whole / float(np.sum(inside)))
    return "" if 1 / _OFF < ratio < _OFF else f"an integral of which the points make {ratio:.2g} times as much"


def _cell(edges: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, nodes, side="right") - 1, 0, len(edges) - 2)


def _counted(coordinates: Sequence[np.ndarray], edges: dict[int, np.ndarray]) -> np.ndarray:
    """Numbers of points in each cell."""
    numbers = [_cell(cuts, coordinates[k]) for k, cuts in edges.items()]
    shape = tuple(len(cuts) - 1 for cuts in edges.values())
    flat = np.ravel_multi_index(np.broadcast_arrays(*numbers), shape).ravel()
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def _mean(term: KnownTerm, problem: Problem, there: Sequence[np.ndarray], along) -> float:
    """The mean of the absolute value over the points."""
    values = evaluate(term.expression, dict(zip(problem.coordinates, there, strict=False)))
    values = np.abs(np.nan_to_num(np.asarray(values, float), nan=0.0, posinf=0.0, neginf=0.0))
    values = np.broadcast_to(values, np.broadcast_shapes(*(column.shape for column in there)))
    for axis, weights in enumerate([None] * values.ndim if along is None else along):
        size = values.shape[axis]
        share = np.full(size, 1 / size) if weights is None else np.asarray(weights)
        values = values * share.reshape([-1 if k == axis else 1 for k in range(values.ndim)])
    return float(np.sum(values))
