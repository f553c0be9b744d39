"""Eigenpairs on any domain: sparse matrices of RBF-FD, finer near re-entrant corners."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
import sympy
from scipy.spatial import cKDTree

from spindle.classical.factors import factors
from spindle.classical.nodal_solver import matrix_of
from spindle.classical.spectra import Eigenfunction, Spectrum, nearest_pairs, sizes_of
from spindle.derivatives.rbf_fd.nodal import RBFFDDerivatives
from spindle.errors import MethodError
from spindle.geometry.pointcloud import PointCloud
from spindle.lowering.constraints import no_constraints
from spindle.lowering.pencil import Pencil
from spindle.lowering.residuals import residual_forms
from spindle.methods.dtpinn import DTPINN, OnNodes, curved, scattered
from spindle.points.node_arrays import Nodes
from spindle.points.scattered import scatter
from spindle.problem.problem import Problem

_OTHER = -2  # orders more, of the differences whose eigenvalues tell the error
_BETTER = 2  # orders more, of the differences that tell the residual
_ROUNDING = 1e-4  # imaginary parts of equal eigenvalues that matrices without symmetry tear apart
_GRADED = (0.9, 1e-3)  # exponent of the distance from a corner, and the least spacing relative to the mean
_REACH = 0.35  # of the size of the shape, as far as nodes are finer


@dataclass(frozen=True)
class NodalFunction(Eigenfunction):
    """Values (M, unknowns) at nodes, and local interpolation between them."""

    derivatives: RBFFDDerivatives
    values: np.ndarray

    def at(self, points, unknown=0):
        """Values (n,) by the stencils of the nearest nodes."""
        idx, weights = self.derivatives.interpolation(points)
        return np.einsum("nk,nk->n", weights, self.values[idx, unknown])


def nodal_eigenpairs(pencil: Pencil, method: DTPINN, count: int, near: float) -> Spectrum:
    """The eigenpairs nearest to a number by RBF-FD differences on scattered nodes.

    The eigenvalues are compared with those by differences of two orders less, and residuals are taken by differences of
    two orders more. Raises MethodError where the domain has no nodes, or conditions and unknowns make no square matrix.
    """
    members = [_member(pencil, value) for value in (1, 2)]
    decided, _ = method.decide(members[0])
    s: Any = decided
    domain = curved(members[0])
    members = [replace(problem, domain=domain) for problem in members]
    graded = s.density is None and len(domain.shape.reentrant) > 0
    nodes = _nodes(domain, s)
    discrete = _Discrete(members, nodes, domain, s)
    values, vectors = nearest_pairs(*discrete.matrices(), near, count, _ROUNDING)
    lower = discrete.matrices(_OTHER if s.order > -_OTHER + 1 else -_OTHER)
    other, _ = nearest_pairs(*lower, near, count, _ROUNDING)
    return Spectrum(
        values,
        discrete.functions(vectors),
        discrete.corrections(values, vectors, near),
        np.abs(values - other) / sizes_of(values),
        (
            f"RBF-FD of order {s.order} on {len(nodes.interior)} inner and {len(nodes.boundary)} boundary nodes",
            *(("nodes are finer towards re-entrant corners",) if graded else ()),
        ),
    )


def _member(pencil: Pencil, value: int) -> Problem:
    """The problem with a number for its eigenvalue."""
    problem, swap = pencil.problem, {pencil.eigenvalue: sympy.Integer(value)}
    equations = {e.name: sympy.Eq(e.with_fluxes.xreplace(swap), 0, evaluate=False) for e in problem.equations}
    conditions = [c.exchanged(swap) for c in problem.conditions]
    return replace(problem, equations=equations, conditions=conditions, reference={}, quantities={})


def _nodes(domain, s: Any) -> Nodes:
    """Scattered nodes, finer towards re-entrant corners where no density was asked for."""
    shape = domain.shape
    corners = shape.reentrant
    if isinstance(shape, PointCloud) or s.density is not None or not len(corners):
        return scattered(domain, s)
    wanted = s.nodes
    counts = {"interior": wanted[0], "boundary": wanted[1]} if isinstance(wanted, tuple) else {"total": wanted}
    exponent, least = _GRADED
    reach = _REACH * shape.volume ** (1 / len(shape.coordinates))
    tree = cKDTree(corners)

    def density(points):
        return np.clip(np.minimum(tree.query(points)[0] / reach, 1.0) ** exponent, least, None)

    return scatter(shape, **counts, ghost=s.ghost, density=density)


@dataclass(frozen=True)
class _Discrete:
    """The discrete equations on some nodes.

    members   the problem with 1 and with 2 for its eigenvalue
    """

    members: list[Problem]
    nodes: Nodes
    domain: Any
    s: Any

    def objectives(self, better: int = 0):
        """The objectives of the members."""
        return [
            OnNodes(residual_forms(problem, no_constraints(problem)), self.nodes, self.domain, self.s).objective(better)
            for problem in self.members
        ]

    def matrices(self, better: int = 0) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
        """L and M; their rows are equations, conditions, and continuations to ghosts that no condition sets."""
        first, second = (matrix_of(objective) for objective in self.objectives(better))
        if first.shape[0] != first.shape[1]:
            raise MethodError(
                f"`spd.eigenpairs({self.members[0].name})`: {first.shape[0]} equations and conditions for "
                f"{first.shape[1]} values at nodes make no square matrix; give one condition for each unknown on each "
                f"part of the boundary."
            )
        mass = first - second
        mass.eliminate_zeros()
        return (first + mass).tocsr(), mass.tocsr()

    def corrections(self, values, vectors, near: float) -> np.ndarray:
        """By how much each eigenfunction (root mean square) is moved by its residual: inverse iteration, relative.

        The residual itself grows without bound at corners where a solution is singular; what it does to the solution
        does not.
        """
        operator, mass = self.matrices(_BETTER)
        left, right = self.matrices()
        solver = factors((left - near * right).tocsc())
        inside = self._inside(operator.shape[0])
        moved = [
            solver.solve(operator @ vector - value * (mass @ vector))
            for value, vector in zip(values, vectors.T, strict=True)
        ]
        return np.linalg.norm(inside[:, None] * np.array(moved).T, axis=0) / np.linalg.norm(
            inside[:, None] * vectors, axis=0
        )

    def _inside(self, size: int) -> np.ndarray:
        """The roots of the volumes around inner and boundary nodes, for each unknown; 0 for ghosts."""
        positions = np.concatenate([self.nodes.interior, self.nodes.boundary])
        cell = cKDTree(positions).query(positions, 2)[0][:, 1] ** (positions.shape[1] / 2)
        every = np.concatenate([cell, np.zeros(len(self.nodes.ghosts))])
        return np.tile(every, size // len(every))

    def functions(self, vectors) -> tuple[NodalFunction, ...]:
        """The eigenfunctions of eigenvectors."""
        unknowns = len(self.members[0].unknowns)
        derivatives = self.objectives()[0].derivatives
        return tuple(NodalFunction(derivatives, vector.reshape(unknowns, -1).T) for vector in vectors.T)
