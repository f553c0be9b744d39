"""Where the data of a problem jump, bend or rise to a narrow peak, axis by axis.

Switches stand in the text: `x > 0.5137` in a piecewise source breaks the axis x. Peaks of smooth functions do not: they
lie where the argument of a function, which is smooth and wide itself, is extremal or zero. From there an adaptive
quadrature along each axis finds the panels on which the function is resolved.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, singledispatch
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair

from spindle.geometry.supports import BoxFace, Region
from spindle.lowering.resolution import known_parts
from spindle.problem.problem import Problem
from spindle.symbolic.functions import TABLE, evaluate

Breaks = tuple[tuple[float, ...], ...]
Line = Callable[[np.ndarray], np.ndarray]

_MOST = 64  # breaks on an axis: what switches more often is no matter of a few panels
_NODES = 1025  # along an axis, in the search for zeros
_TRIED = 1024  # points in the box, in the search for peaks
_PEAKS = 8  # of one function that are followed
_NARROW = 1 / 20  # share of an axis: a panel that is shorter holds what ordinary nodes may miss
_GAUSS = 12
_TOLERANCE = 1e-3  # of the integral along a line
_DEPTH = 24
_HIGH = 8  # exponent from which powers are narrow
_WORK = 400_000  # parts of expressions that are evaluated for all data of a problem: some seconds
_CLOSE = 1e-6  # share of an axis: a peak that near to a switch is that switch
_WIDE = (sympy.sin, sympy.cos, sympy.Pow)  # functions that change in no small place by themselves


@dataclass(frozen=True)
class KnownTerm:
    """A source, coefficient or value of a condition, and the box where it counts.

    name         of the equation or condition
    expression   of the coordinates alone
    bounds       a (low, high) pair an axis; equal on an axis where a face fixes it
    shape        limits the space coordinates further; None: nothing does
    """

    name: str
    expression: sympy.Expr
    bounds: tuple[tuple[float, float], ...]
    shape: Any = None


def known_terms(problem: Problem) -> list[KnownTerm]:
    """Every source, coefficient and value of a condition on a face; code, which has no text, is left out."""
    collected: dict[KnownTerm, None] = {}
    for name, where, expression in _places(problem):
        region = where.support
        fixed = {c: low for c, (low, high) in zip(problem.coordinates, region.bounds, strict=True) if low == high}
        for part in known_parts(expression, problem):
            known = part.subs(fixed) if fixed else part
            if known.free_symbols and known.free_symbols <= set(problem.coordinates) and not known.atoms(AppliedUndef):
                collected[KnownTerm(name, known, region.bounds, region.shape)] = None
    return list(collected)


def _places(problem: Problem) -> Iterator[tuple[str, Region | BoxFace, sympy.Expr]]:
    for equation in problem.equations:
        for region in problem.domain.regions:
            yield equation.name, region, equation.residual
    for name, pieces in problem.pieces.items():
        for piece in pieces:
            for face, expression in piece.on_faces:
                yield name, face, expression


def breaks(problem: Problem) -> Breaks:
    """For each axis the ends of the panels between which all data are smooth and wide; empty on most axes.

    The search ends when a fixed amount of work is done, the same for a problem on any machine: of very long formulas,
    or of very many, some peaks may be missed.
    """
    cuts: list[set[float]] = [set() for _ in problem.coordinates]
    every = known_terms(problem)
    for term in every:
        for axis, places in enumerate(_breaks_of(term, tuple(problem.coordinates), _WORK // len(every))):
            cuts[axis].update(places)
    ends = zip(cuts, problem.domain.bounds, strict=True)
    return tuple(_distinct(places, low, high) for places, (low, high) in ends)


@lru_cache(maxsize=1024)  # training, checks and the windows of a march ask for the same
def _breaks_of(term: KnownTerm, coordinates: tuple[sympy.Symbol, ...], work: int) -> tuple[tuple[float, ...], ...]:
    """The breaks of one datum, within `work`: switches, then the panels of its peaks between them."""
    search, free = _Search(work), [c for c in coordinates if c in term.expression.free_symbols]
    bounds = dict(zip(coordinates, term.bounds, strict=True))
    cuts = {c: switches(term.expression, c, *bounds[c]) for c in free}
    box = {c: bounds[c] for c in free}
    with suppress(_Enough):
        for peak in _peaks(search, term.expression, box, dict(cuts)):
            for c in free:
                values = search.along(term.expression, peak, c)
                cuts[c] = sorted({*cuts[c], *narrow_panels(values, bounds[c], cuts[c], peak[c])})
    return tuple(tuple(cuts.get(c, ())) for c in coordinates)


class _Enough(Exception):
    """Raised where a search has spent its work."""


class _Search:
    """Evaluates expressions along lines, and counts the parts that it evaluates; raises _Enough after so many."""

    def __init__(self, work: float = math.inf):
        self._left = work
        self._parts: dict = {}

    def spend(self, parts: int) -> None:
        """Count some parts."""
        self._left -= parts
        if self._left < 0:
            raise _Enough

    def along(self, expression, point: Mapping, coordinate) -> Line:
        """The expression along a line through a point; what does not change along it is evaluated once."""
        key = expression, coordinate
        if key not in self._parts:
            self._parts[key] = _parts(expression, coordinate)
        fixed, varying = self._parts[key]
        known = {c: float(v) for c, v in point.items()}
        self.spend(len(fixed))
        known |= {part: evaluate(part, known) for part in fixed}

        def values(x):
            self.spend(varying)
            return np.broadcast_to(np.asarray(evaluate(expression, known | {coordinate: x}), float), x.shape)

        return values


def _parts(expression, coordinate) -> tuple[list, int]:
    """The largest parts that do not contain a coordinate, smaller ones first, and the number of all others."""
    fixed: dict = {}
    varying, waiting = 0, [expression]
    while waiting:
        node = waiting.pop()
        if coordinate in node.free_symbols or isinstance(node, ExprCondPair):  # a pair is no part that has a value
            varying += 1 + len(node.args)
            waiting.extend(node.args)
        elif node.free_symbols and node.args:
            # A quotient is evaluated by what it divides by.
            fixed |= dict.fromkeys([node.base, node] if node.is_Pow else [node])
    return [part for part in fixed if part.args], varying


def _distinct(values: Iterable[float], low: float, high: float) -> tuple[float, ...]:
    """The values inside the interval, sorted, no two nearer than rounding errors; empty where they are too many."""
    gap = 1e-12 * (high - low)
    kept: list[float] = []
    for value in sorted(values):
        if low + gap < value < high - gap and (not kept or value - kept[-1] > gap):
            kept.append(float(value))
    return tuple(kept) if len(kept) <= _MOST else ()


def values_of(
    term: KnownTerm, problem: Problem, axes: Sequence[np.ndarray], free: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each node of the tensor grid of the free axes lies inside, and |datum| there, zero outside.

    axes   nodes of each of the free axes, whose numbers are `free`
    """
    grid = np.meshgrid(*axes, indexing="ij")
    points = np.stack([np.full(grid[0].shape, low) for low, _ in term.bounds], -1)
    for k, column in zip(free, grid, strict=True):
        points[..., k] = column
    inside = np.ones(grid[0].shape, bool)
    if term.shape is not None:
        space = [problem.coordinates.index(c) for c in term.shape.coordinates]
        inside = term.shape.contains(points[..., space].reshape(-1, len(space))).reshape(inside.shape)
    values = evaluate(term.expression, dict(zip(problem.coordinates, np.moveaxis(points, -1, 0), strict=True)))
    sizes = np.nan_to_num(np.abs(np.asarray(values, float)), nan=0.0, posinf=0.0, neginf=0.0)
    return inside, np.broadcast_to(sizes, inside.shape) * inside


# -------------------------------------------------------------------------------------------------------- switches


def switches(expression: sympy.Expr, coordinate: sympy.Symbol, low: float, high: float) -> list[float]:
    """The places in (low, high) at which parts of an expression switch that depend on one coordinate alone."""
    places: list[float] = []
    for inner in _switching(expression):
        if inner.free_symbols == {coordinate}:
            places = sorted({*places, *_zeros(_Search().along(inner, {}, coordinate), low, high, places)})
    return places


def _switching(expression) -> list[sympy.Expr]:
    """The expressions that change sign where the expression switches, the smallest first."""
    nodes = sympy.preorder_traversal(expression)
    return sorted(dict.fromkeys(change for node in nodes for change in _sign_changes(node)), key=sympy.count_ops)


@singledispatch
def _sign_changes(node) -> Sequence[sympy.Expr]:
    """The expressions that change sign where a function switches, apart from those that its arguments bring."""
    return ()


@_sign_changes.register
def _(node: Relational):
    return (node.lhs - node.rhs,)


@_sign_changes.register(sympy.Abs)
@_sign_changes.register(sympy.sign)
@_sign_changes.register(sympy.Heaviside)
def _(node):
    return node.args[:1]


@_sign_changes.register(sympy.floor)
@_sign_changes.register(sympy.ceiling)
@_sign_changes.register(sympy.frac)
def _(node):
    return (sympy.sin(sympy.pi * node.args[0]),)


@_sign_changes.register
def _(node: sympy.Mod):
    return (sympy.sin(sympy.pi * node.args[0] / node.args[1]),)


@_sign_changes.register(sympy.Max)
@_sign_changes.register(sympy.Min)
def _(node):
    return [a - b for k, a in enumerate(node.args) for b in node.args[:k]]


def _zeros(values: Line, low: float, high: float, known: Sequence[float]) -> list[float]:
    """The places where a function of one coordinate changes its sign, pairs between two nodes included."""
    nodes = np.unique([*np.linspace(low, high, _NODES), *known])
    zeros, there = [], values(nodes)
    zero = np.flatnonzero(there == 0)
    zeros += [float(nodes[k]) for k in zero if 0 < k < len(nodes) - 1]
    changes = [(nodes[k], nodes[k + 1]) for k in range(len(nodes) - 1) if there[k] * there[k + 1] < 0]
    size = np.abs(there)
    for k in range(1, len(nodes) - 1):
        if size[k] <= min(size[k - 1], size[k + 1]) and there[k - 1] * there[k] > 0 and there[k] * there[k + 1] > 0:
            sign = np.sign(there[k])
            lowest = _zoomed(_times(-sign, values), nodes[k - 1], nodes[k + 1])
            if sign * values(np.array([lowest]))[0] < 0:
                changes += [(nodes[k - 1], lowest), (lowest, nodes[k + 1])]
    return zeros + [scipy.optimize.brentq(lambda x: float(values(np.array([x]))[0]), *pair) for pair in changes]


def _times(factor: float, values: Line) -> Line:
    return lambda x: factor * values(x)


def _zoomed(values: Line, low: float, high: float) -> float:
    """The place between two nodes where a function is largest, by grids of ever smaller spacing."""
    for _ in range(7):  # to 1e-10 of the interval; what costs is the number of grids, not that of nodes
        nodes = np.linspace(low, high, 65)
        best = int(np.argmax(np.nan_to_num(values(nodes), nan=-np.inf)))
        low, high = nodes[max(best - 1, 0)], nodes[min(best + 1, 64)]
    return (low + high) / 2


# ----------------------------------------------------------------------------------------------------------- peaks


def _peaks(search: _Search, expression, box: Mapping, known: Mapping) -> Iterator[dict]:
    """Points where the expression may be large in a small place: {coordinate: value}."""
    sizes = _smooth_sizes(expression)
    if sizes or any(known.values()):
        sizes = [_size(expression), *sizes]
    seen = set()
    for size in sizes:
        for peak in _tops(search, size, box, known):
            name = tuple(np.round(list(peak.values()), 12))
            if name not in seen:
                seen.add(name)
                yield peak


def _size(expression) -> sympy.Expr:
    """|e|, as it stands: SymPy would look for a sign of every part of it, for seconds."""
    return sympy.Abs(expression, evaluate=False)


def _smooth_sizes(expression) -> list[sympy.Expr]:
    """Smooth, wide expressions that are largest where a part of the expression has its peak."""
    sizes: dict[sympy.Expr, None] = {}
    for node in sympy.preorder_traversal(expression):
        if node.is_Pow and node.exp.is_number and node.exp >= _HIGH:
            sizes[_size(node.base)] = None
        elif isinstance(node, sympy.exp):
            sizes[node.args[0]] = None
        elif node.is_Pow and not node.base.free_symbols and node.exp.free_symbols:
            sizes[sympy.sign(sympy.log(node.base)) * node.exp] = None
        elif (node.func in TABLE and node.func not in _WIDE) or (node.is_Pow and node.exp.is_negative):
            sizes[-_size(node.args[0])] = None
    return [size for size in sizes if size.free_symbols]


def _tops(search: _Search, size, box: Mapping, known: Mapping) -> list[dict]:
    """The highest points of a function, by the best of many points and ascent along one axis after the other."""
    names = list(box)
    low, high = np.array(list(box.values())).T
    points = low + (high - low) * scipy.stats.qmc.Sobol(len(names), rng=np.random.default_rng(0)).random(_TRIED)
    # Between switches a function may be large where no point of a sequence lies.
    middles = [[(a + b) / 2 for a, b in _pairs(known[c], *box[c])] for c in names]
    crossed = np.stack(np.meshgrid(*[m[:_MOST] for m in middles], indexing="ij"), -1).reshape(-1, len(names))[:_TRIED]
    points = np.concatenate([points, crossed])
    values = np.broadcast_to(evaluate(size, dict(zip(names, points.T, strict=True))), len(points))
    if not np.isfinite(values).any():
        return []
    best = dict(zip(names, points[np.argmax(np.where(np.isfinite(values), values, -np.inf))], strict=True))
    for _ in range(3):
        for c in names:
            best[c] = _highest(search.along(size, best, c), box[c], best[c])[0]
    tops = [best]
    for c in names:
        tops += [best | {c: x} for x in _highest(search.along(size, best, c), box[c], best[c])[1:]]
    return tops[:_PEAKS]


def _highest(values: Line, ends: tuple[float, float], start: float) -> list[float]:
    """The places of the local maxima along a line, the highest first."""
    nodes = np.unique([*np.linspace(*ends, 257), start])
    there = np.nan_to_num(values(nodes), nan=-np.inf)
    padded = np.concatenate([[-np.inf], there, [-np.inf]])
    tops = [k for k in range(len(nodes)) if there[k] >= padded[k] and there[k] > padded[k + 2]]
    places = [_zoomed(values, nodes[max(k - 1, 0)], nodes[min(k + 1, len(nodes) - 1)]) for k in tops[:_PEAKS]] or [
        start
    ]
    heights = np.nan_to_num(values(np.array(places)), nan=-np.inf)
    return [places[k] for k in np.argsort(-heights, kind="stable")]


def _pairs(inner: Sequence[float], low: float, high: float) -> list[tuple[float, float]]:
    ends = [low, *(x for x in inner if low < x < high), high]
    return list(pairwise(ends))


def narrow_panels(values: Line, bounds: tuple[float, float], ends: Sequence[float], peak: float) -> list[float]:
    """The ends of the panels on which a function that is narrow along a line is resolved; empty where it is wide.

    ends   where the function may jump
    peak   where the function may be narrow and large; the first panels are graded towards it
    """
    low, high = bounds
    length = high - low
    graded = [peak + sign * length / 4**k for k in range(1, _DEPTH // 2) for sign in (-1, 1)]
    seeds = [x for x in (peak, *graded) if all(abs(x - end) > _CLOSE * length for end in ends)]
    panels = np.array(_pairs(sorted({*ends, *seeds}), low, high))
    sums = _integrals(values, panels)
    for _ in range(_DEPTH):
        before = len(panels)
        panels, sums = _refined(values, panels, sums, 1e-3 * _CLOSE * length)
        if len(panels) == before or before > 4 * _MOST:
            break
    joined = _merged(values, panels, sums)
    return [float(b) for _, b in joined[:-1]] if min(b - a for a, b in joined) < _NARROW * length else []


def _refined(values: Line, panels: np.ndarray, sums: np.ndarray, shortest: float) -> tuple[np.ndarray, np.ndarray]:
    """The panels and their integrals, those panels halved that one Gauss rule does not resolve."""
    low, high = panels.T
    halves = np.stack([[low, (low + high) / 2], [(low + high) / 2, high]]).transpose(2, 0, 1)
    parts = _integrals(values, halves.reshape(-1, 2)).reshape(-1, 2)
    both = parts.sum(axis=1)
    off = (np.abs(both - sums) > _TOLERANCE * np.maximum(sums.sum(), both)) & (high - low > shortest)
    pairs = [(half, part) for k in np.flatnonzero(off) for half, part in zip(halves[k], parts[k], strict=True)]
    pairs += [(panels[k], sums[k]) for k in np.flatnonzero(~off)]
    pairs.sort(key=lambda pair: pair[0][0])
    return np.array([panel for panel, _ in pairs]), np.array([integral for _, integral in pairs])


def _integrals(values: Line, panels: np.ndarray) -> np.ndarray:
    """The integrals of the square, smooth where the sign changes, by one Gauss rule; infinite values count as zero."""
    nodes, weights = _rule()
    low, high = panels.T[..., None]
    with np.errstate(all="ignore"):
        there = values(((low + high) / 2 + (high - low) / 2 * nodes).ravel()).reshape(len(panels), -1) ** 2
        return (high - low)[:, 0] / 2 * (np.nan_to_num(there, nan=0.0, posinf=0.0, neginf=0.0) @ weights)


@cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(_GAUSS)


def _merged(values: Line, panels: np.ndarray, sums: np.ndarray) -> list[tuple[float, float]]:
    """The panels, neighbours joined where one Gauss rule resolves both as well as two do."""
    total, merged = sum(sums), [(tuple(panels[0]), sums[0])]
    pairs = _integrals(values, np.stack([panels[:-1, 0], panels[1:, 1]], axis=1)) if len(panels) > 1 else ()
    for panel, integral, pair, left in zip(panels[1:], sums[1:], pairs, panels[:-1, 0], strict=True):
        (low, _), before = merged[-1]
        whole = pair if low == left else _integrals(values, np.array([[low, panel[1]]]))[0]
        if abs(whole - before - integral) <= _TOLERANCE * total:
            merged[-1] = ((low, panel[1]), before + integral)
        else:
            merged.append((tuple(panel), integral))
    return [panel for panel, _ in merged]
