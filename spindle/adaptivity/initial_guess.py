"""Where training starts: a separable source gives the first terms of a spectral field their shape.

The solution of a linear problem is often made of the same functions of one coordinate as its source. In many dimensions
this decides whether it is found at all: a random product overlaps with a given one by a factor per axis, which leaves
nothing after twenty axes.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.lowering.compile import with_constants
from spindle.lowering.constraints import Constraints
from spindle.lowering.structure import Term, structure_of
from spindle.networks.fields import SeparableField
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate

_NODES = 200


def source_terms(problem: Problem, constraints: Constraints, most: int) -> tuple[Term, ...]:
    """The products that the source of a single linear equation is a sum of; none where they are more than `most`."""
    if len(problem.equations) != 1 or len(problem.unknowns) != 1:
        return ()
    (equation,) = problem.equations
    # To differentiate a lift takes seconds where it is long, and what does not separate without does not with it.
    for residual in (lambda: equation.residual, lambda: constraints.lifted(equation.residual, problem.coordinates)):
        written = with_constants(residual())
        structure = structure_of(equation.name, written, problem.unknowns, problem.coordinates)
        if not (structure.linear and structure.separable):
            return ()
    terms = tuple(t for t in structure.terms or () if not t.powers and t.constant.is_number)
    has_given = any(factor.atoms(AppliedUndef) for term in terms for _, factor in term.factors)
    return () if has_given or len(terms) > most else terms


def started_from_source(field: SeparableField, problem: Problem, terms: Sequence[Term]) -> SeparableField:
    """The spectral field whose first products are those of the source, each factor of mean square one."""
    changed = []
    for axis, x in enumerate(problem.coordinates):
        low, high = problem.domain.bounds[axis]
        nodes = (low + high) / 2 + (high - low) / 2 * _nodes()
        alone = eqx.tree_at(_weights, field, [jnp.eye(len(w)) for w in _weights(field)])
        basis, weight = alone.features(axis, jnp.asarray(nodes)[:, None]), _weights(field)[axis]
        for k, term in enumerate(terms):
            factor = evaluate(dict(term.factors).get(x, sympy.S.One), {x: nodes})
            wanted = np.broadcast_to(factor, nodes.shape)
            if not np.isfinite(wanted).all() or not wanted.any():
                continue  # singular data are refused by name once training meets them
            combination = jnp.linalg.lstsq(basis, jnp.asarray(wanted / np.sqrt(np.mean(wanted**2))))[0]
            weight = weight.at[:, k].set(combination)
        changed.append(weight)
    return eqx.tree_at(_weights, field, changed)


@cache
def _nodes() -> np.ndarray:
    """Gauss-Legendre nodes on (-1, 1), kept since eigenvalues of a matrix take long."""
    return np.polynomial.legendre.leggauss(_NODES)[0]


def _weights(field: SeparableField) -> list[Any]:
    return [body.weight for body in field.bodies]  # type: ignore[attr-defined]
