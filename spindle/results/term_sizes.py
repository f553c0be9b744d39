"""How large the terms of each equation and condition are for a solution: what its residuals are to be compared with."""

import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.derivatives.pointwise import pointwise_values
from spindle.errors import ProblemError
from spindle.lowering.compile import array_function, given_partial
from spindle.lowering.partials import partial_of
from spindle.methods.base import Plan
from spindle.networks.model import Model
from spindle.networks.piecewise import PiecewiseField
from spindle.points.rules import spread
from spindle.problem.problem import Problem
from spindle.results.evaluator import Evaluator
from spindle.results.references import scattered_points
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import Normal, Parameter, unknown_of

_POINTS = 512
_ON_CELLS = 4096  # of a march, where few elements may hold most
_SHARE = {
    "float64": 1e-9,
    "float32": 1e-4,
}  # of the terms of a usual solution, below which residuals are rounding errors
_NOISE = {"float64": 1e-13, "float32": 1e-5}  # of numbers of size one: residuals of that size are rounding errors


def term_sizes(evaluator: Evaluator, model: Model) -> dict[str, float]:
    """Root mean square of the terms of each residual together, at fixed points of the domain, in the user's units.

    Where all terms vanish, as in the slope of what is even, it is a share of what they would be for a solution that
    varies by its own size over the domain, or the rounding error of what the problem's data would make them.
    """
    plan = evaluator.plan
    points, weights = _where(plan.problem, model)
    partials = _partials(evaluator, model, points)
    floor, share = _NOISE[plan.dtype], _SHARE[plan.dtype]
    nominal, usual = plan.constraints.scales, _usual(plan, points, weights, partials)
    sizes, equations = {}, {e.name for e in plan.problem.equations}
    for name, terms in _written(plan):
        # One term alone, a slope that is zero, has nothing to be compared with but what is usual.
        alone = len(terms) == 1 and (name not in equations or terms[0].is_Derivative)
        least = (1.0 if alone else share) * _size(evaluator, model, terms, points, weights, usual) if usual else 0.0
        size = _size(evaluator, model, terms, points, weights, partials)
        sizes[name] = max(size, least or floor * nominal.residual(name))
    return sizes


def _where(problem: Problem, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) of the domain, as close together as the elements of a march, and their weights (n,)."""
    if isinstance(model.field, PiecewiseField) and model.field.holds:
        low, high, weights = spread(*model.field.cells(), _ON_CELLS)
        return low + (high - low) * np.random.default_rng(0).uniform(size=low.shape), weights
    points = scattered_points(problem)
    inside = points[problem.domain.contains(points)]
    points = (inside if len(inside) else points)[:_POINTS]
    return points, np.ones(len(points))


def _usual(plan: Plan, points: np.ndarray, weights: np.ndarray, partials: dict) -> dict:
    """The values (n,) that all unknowns and partials have if each unknown varies by its own size over the domain."""
    problem, usual = plan.problem, {}
    lengths = np.array([high - low for low, high in problem.domain.bounds])
    for node in partials:
        partial = partial_of(node, problem.unknowns, problem.coordinates)
        if partial is not None:
            values = partials[problem.unknowns[partial.unknown]]
            with np.errstate(over="ignore"):  # of a field that diverged
                size = np.sqrt(np.average(np.nan_to_num(values, posinf=0.0, neginf=0.0) ** 2, weights=weights))
                size = size / np.prod(lengths ** np.array(partial.orders))
            usual[node] = np.full(len(points), size)
    return usual


def _written(plan: Plan) -> Iterator[tuple[str, list[sympy.Expr]]]:
    """(name, terms) of every residual that does not hold by construction, as the problem is solved."""
    problem, exact = plan.problem, plan.constraints.enforced
    # On elements that are graded to singular places of the boundary, equations count less there.
    factor = sympy.S.One if plan.march is None else problem.factor
    for equation in problem.equations:
        yield equation.name, [factor * term for term in sympy.Add.make_args(equation.residual)]
    for condition in problem.conditions:
        if (
            condition.name not in exact and not condition.role.noise and problem.pieces[condition.name]
        ):  # which would be what it is measured by
            yield condition.name, list(condition.terms(problem.pieces[condition.name])[0])


def _partials(evaluator: Evaluator, model: Model, points: np.ndarray) -> dict:
    """The values (n,) of all unknowns and partials that occur, by one pass through the field, compiled once a plan."""
    programs, (arrays, structure) = evaluator.plan.programs, jax.tree.flatten(model)
    name = ("term sizes", structure)
    if name not in programs:
        programs[name] = _pass(evaluator.plan, structure)
    nodes, program = programs[name]
    computed = program(arrays, jnp.asarray(points), dict(evaluator.carried))
    return dict(zip(nodes, map(np.asarray, computed), strict=True))


def _pass(plan: Plan, structure) -> tuple[list, Callable]:
    """The unknowns and partials that occur, and the program of their values: (model, points, carried) -> arrays."""
    problem = plan.problem
    nodes = {n for _, terms in _written(plan) for term in terms for n in _unknown_parts(term)}
    nodes |= set(problem.unknowns)
    ordered = sorted(nodes, key=sympy.default_sort_key)
    lifted = [plan.constraints.lifted(n, problem.coordinates) for n in ordered]
    functions = [array_function(e, problem.coordinates, problem.unknowns, problem.tunable) for e in lifted]
    needs = list(dict.fromkeys(need for f in functions for need in f.needs))

    def values(arrays, points, carried):
        model, where = jax.tree.unflatten(structure, arrays), tuple(points.T)
        with plan.objective.holding(carried):
            known = pointwise_values(model.field, points, needs)
            return [jnp.broadcast_to(f(where, known, model.parameters), points.shape[:1]) for f in functions]

    return ordered, jax.jit(values)


def _unknown_parts(term) -> list:
    """The unknowns in a term, and the partials of them, each as it stands."""
    kept = sympy.sympify(term).atoms(AppliedUndef, sympy.Derivative)
    return [node for node in kept if unknown_of(node) is not None]


def _size(evaluator: Evaluator, model: Model, terms, points: np.ndarray, weights: np.ndarray, partials: dict) -> float:
    problem = evaluator.plan.problem
    values = dict(zip(problem.coordinates, points.T, strict=True)) | partials
    estimated = model.numbers
    total = 0.0
    for term in terms:
        beside = {n: np.full(len(points), 1 / math.sqrt(points.shape[1])) for n in term.atoms(Normal)}
        free = [p for p in term.atoms(Parameter) if p not in values]
        beside |= {p: estimated.get(p.name, p.value if p.value is not None else math.nan) for p in free}
        try:
            with evaluator.plan.objective.holding(dict(evaluator.carried)):
                computed = np.asarray(evaluate(term, values | beside, given_partial=given_partial), float)
        except (ProblemError, ArithmeticError, TypeError, ValueError):
            continue
        computed = np.broadcast_to(computed, weights.shape)
        finite = np.isfinite(computed)
        with np.errstate(over="ignore"):
            total += float(np.average(computed[finite] ** 2, weights=weights[finite])) if finite.any() else 0.0
    return math.sqrt(total)
