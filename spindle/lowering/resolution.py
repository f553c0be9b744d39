"""How many Legendre polynomials an axis needs, judged by the functions that the problem itself contains.

The solution of a smooth problem is about as rough as its sources, coefficients and data. Each is sampled along lines
parallel to the axis; the axis must resolve the degrees up to which its Legendre coefficients exceed rounding errors.
"""

from functools import cache

import jax
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.lowering.compile import array_function, with_constants
from spindle.lowering.partials import replace_partials
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate

_NODES = 257
_LINES = 8
_TOLERANCE = 1e-12


def degrees(problem: Problem) -> list[int]:
    """For each axis the degree that resolves every source, coefficient and datum; 257 where none up to 256 does."""
    expressions = [e.residual for e in problem.equations]
    expressions += [e for pieces in problem.pieces.values() for piece in pieces for _, e in piece.terms]
    known = {part for e in expressions for part in known_parts(e, problem)}
    return [max((_degree(e, axis, problem) for e in known), default=0) for axis in range(len(problem.coordinates))]


def known_parts(expression, problem: Problem) -> set[sympy.Expr]:
    """The largest subexpressions that depend on coordinates only."""
    replaced, _ = replace_partials(with_constants(expression), problem.unknowns, problem.coordinates)
    coordinates = set(problem.coordinates)

    def walk(node):
        if node.free_symbols and node.free_symbols <= coordinates:
            return {node}
        joined = (
            {node.func(*[a for a in node.args if a.free_symbols <= coordinates])}
            if node.is_Add or node.is_Mul
            else set()
        )
        return joined.union(*(walk(a) for a in node.args if not a.free_symbols <= coordinates))

    return {part for part in walk(replaced) if part.free_symbols}


def _degree(expression, axis: int, problem: Problem) -> int:
    """The highest degree along an axis whose Legendre coefficients exceed rounding errors."""
    if problem.coordinates[axis] not in expression.free_symbols:
        return 0
    lines = _values(expression, axis, problem)
    if not np.isfinite(lines).all():
        return _NODES
    coefficients = np.abs(lines @ _transform())
    significant = np.flatnonzero((coefficients > _TOLERANCE * max(coefficients.max(), 1e-300)).any(axis=0))
    return int(significant[-1]) if len(significant) else 0


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights, kept since eigenvalues of a matrix take long."""
    return np.polynomial.legendre.leggauss(_NODES)


@cache
def _transform() -> np.ndarray:
    """The matrix (nodes, degrees) that takes values to coefficients of normalised Legendre polynomials."""
    x, w = _nodes()
    basis = np.polynomial.legendre.legvander(x, _NODES - 1) * np.sqrt(2 * np.arange(_NODES) + 1)
    return basis * w[:, None] / 2


def _values(expression, axis: int, problem: Problem) -> np.ndarray:
    """Values (lines, nodes) along random lines parallel to an axis."""
    low, high = np.array(problem.domain.bounds).T
    nodes, _ = _nodes()
    points = np.random.default_rng(0).uniform(size=(_LINES, 1, len(low))) * np.ones((1, _NODES, 1))
    points[:, :, axis] = (nodes + 1) / 2
    points = low + (high - low) * points
    columns = [points[..., k] for k in range(len(low))]
    if expression.atoms(AppliedUndef):
        with jax.enable_x64(True):
            values = np.asarray(array_function(expression, problem.coordinates)(columns, {}))
    else:
        # NumPy runs at once what JAX would first compile, operation by operation.
        values = evaluate(expression, dict(zip(problem.coordinates, columns, strict=True)))
    return np.broadcast_to(values, points.shape[:2])
