"""How large the terms of each equation and condition are for a solution: what its residuals are to be compared with."""

import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.derivatives.pointwise import pointwise_values
from spindle.errors import ProblemError
from spindle.lowering.compile import array_function, coded
from spindle.problem.conditions import AcrossAxis, AtPoints
from spindle.problem.functions import evaluate
from spindle.problem.symbols import Normal, Parameter, is_given, unknowns_in
from spindle.solution import Solution

_POINTS = 512
_NOISE = {"float64": 1e-13, "float32": 1e-5}  # of numbers of size one: residuals of that size are rounding errors


def own_terms(solution: Solution, key: jax.Array) -> dict[str, float]:
    """Root mean square of the terms of each residual together, at random points of the domain, in the user's units.

    Where all terms vanish it is the rounding error of terms of the size that the problem's data would give them.
    """
    points = _points(solution, key)
    partials = _partials(solution, points)
    floor = _NOISE[solution.plan.dtype]
    nominal = solution.plan.constraints.scales
    return {
        name: max(_size(solution, terms, points, partials), floor * nominal.residual(name))
        for name, terms in _written(solution)
    }


def _written(solution: Solution) -> Iterator[tuple[str, list[sympy.Expr]]]:
    """(name, terms) of every residual that does not hold by construction, as the problem is solved."""
    problem, exact = solution.plan.problem, solution.plan.constraints.enforced
    for equation in problem.equations:
        yield equation.name, list(sympy.Add.make_args(equation.residual))
    for condition in problem.conditions:
        if condition.name in exact or getattr(condition, "noise", None):  # measured by the noise, not by its terms
            continue
        if isinstance(condition, (AcrossAxis, AtPoints)):
            yield condition.name, [condition.expression]
        else:
            piece = problem.pieces[condition.name][0]
            yield condition.name, list(sympy.Add.make_args(piece.terms[0][1]))


def _points(solution: Solution, key: jax.Array) -> np.ndarray:
    """Random points (n, d) of the domain, in the time of the plan."""
    domain = solution.plan.problem.domain
    low, high = np.array(domain.bounds).T
    random = np.random.default_rng(int(jax.random.randint(key, (), 0, 2**31 - 1)))
    points = low + (high - low) * random.uniform(size=(4 * _POINTS, len(low)))
    inside = points[domain.contains(points)][:_POINTS]
    return inside if len(inside) else points[:_POINTS]


def _partials(solution: Solution, points: np.ndarray) -> dict:
    """The values (n,) of all unknowns and partials that occur, by one compiled pass through the field."""
    plan, problem = solution.plan, solution.plan.problem
    nodes = sorted(
        {n for _, terms in _written(solution) for t in terms for n in _unknown_parts(t)}, key=sympy.default_sort_key
    )
    tunable = tuple(p for p in problem.parameters if p.unknown)
    functions = [
        array_function(plan.constraints.lifted(n, problem.coordinates), problem.coordinates, problem.unknowns, tunable)
        for n in nodes
    ]
    needs = list(dict.fromkeys(need for f in functions for need in f.needs))

    def values(model, points, carried):
        where = tuple(points[:, k] for k in range(points.shape[1]))
        with plan.objective.holding(carried):
            known = pointwise_values(model.field, points, needs)
            return [jnp.broadcast_to(f(where, known, model.parameters), points.shape[:1]) for f in functions]

    programs, (arrays, structure) = plan.programs, jax.tree.flatten(solution.model)
    name = ("own terms", structure)
    if name not in programs:
        programs[name] = jax.jit(lambda a, points, carried: values(jax.tree.unflatten(structure, a), points, carried))
    computed = programs[name](arrays, jnp.asarray(points), dict(solution.carried))
    return dict(zip(nodes, map(np.asarray, computed), strict=True))


def _unknown_parts(term) -> list:
    """The unknowns in a term, and the partials of them, each as it stands."""
    kept = sympy.sympify(term).atoms(AppliedUndef, sympy.Derivative)
    return [n for n in kept if not is_given(n.expr if isinstance(n, sympy.Derivative) else n) and unknowns_in(n)]


def _size(solution: Solution, terms, points: np.ndarray, partials: dict) -> float:
    problem = solution.plan.problem
    values = dict(zip(problem.coordinates, points.T, strict=True)) | partials
    estimated = {n: float(v) for n, v in solution.model.parameters.items()}
    total = 0.0
    for term in terms:
        beside = {n: np.full(len(points), 1 / math.sqrt(points.shape[1])) for n in term.atoms(Normal)}
        free = [p for p in term.atoms(Parameter) if p not in values]
        beside |= {p: estimated.get(p.name, p.value if p.value is not None else math.nan) for p in free}
        try:
            with solution.plan.objective.holding(dict(solution.carried)):
                found = np.asarray(evaluate(term, values | beside, coded=coded), float)
        except (ProblemError, ArithmeticError, TypeError, ValueError):
            continue
        finite = found[np.isfinite(found)]
        with np.errstate(over="ignore"):
            total += float(np.mean(finite**2)) if finite.size else 0.0
    return math.sqrt(total)
