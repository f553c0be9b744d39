"""A problem on points: named residual vectors, their weights, and the loss

    loss = sum over k of  w_k mean(r_k^2),

one residual k for each equation and for each condition that does not hold by construction. Residuals stay vectors until
the last moment, so that first-order, quasi-Newton and Gauss-Newton methods share this interface.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax.flatten_util import ravel_pytree

from spindle.derivatives.pieces import Piece, Shortcut, gram
from spindle.errors import MethodError, nearest
from spindle.lowering.compile import ArrayFunction, array_function, with_constants
from spindle.lowering.constraints import Constraints
from spindle.lowering.structure import structure_of
from spindle.networks.fields import Field
from spindle.objective.estimated import Estimated
from spindle.objective.penalties import Penalty
from spindle.points.places import Place, place_of
from spindle.problem.carried import carried_in
from spindle.problem.conditions import AtPoints, Scatter
from spindle.problem.domain import Region, Wall
from spindle.problem.problem import Problem
from spindle.problem.symbols import Normal, is_time

_NOISY = 1e-3  # most weight of measurements of known noise


class Model(eqx.Module):
    """What is trained: the field, and the parameters to be estimated, by name."""

    field: Field
    estimated: dict[str, Estimated]

    @property
    def parameters(self) -> dict[str, jax.Array]:
        """The values of the parameters, as arrays that can be traced."""
        return {name: parameter.value for name, parameter in self.estimated.items()}

    @property
    def numbers(self) -> dict[str, float]:
        """The values of the parameters on the host."""
        return {name: parameter.number for name, parameter in self.estimated.items()}


@dataclass(frozen=True)
class Residual:
    """One named residual.

    pieces    for each box or face the (index of the place, compiled expression) pairs to be summed there
    shares    weight of each piece in the mean over the whole residual
    scale     1 / standard deviation of the noise, for measurements; else 1 / size of its terms
    shortcuts   for each piece how its sums are taken without its points, or None
    """

    name: str
    pieces: tuple[tuple[tuple[int, ArrayFunction], ...], ...]
    shares: tuple[float, ...]
    scale: float = 1.0
    shortcuts: tuple = ()


class Objective:
    """Weighted least squares of a problem.

    problem          the equations and conditions
    constraints      what the field fulfils by construction
    differentiate    (places, groups, needs) -> a way to differentiate, from `derivatives/`
    faces            "mean": a condition counts as one mean over all its faces; "sum": the means of its faces are added
    penalties        terms that look at the field alone; they count as residuals, the last ones
    """

    def __init__(
        self,
        problem: Problem,
        constraints: Constraints,
        differentiate: Callable,
        *,
        faces: str = "mean",
        penalties: Sequence[Penalty] = (),
    ):
        self.penalties = tuple(penalties)
        self.tunable = tuple(p for p in problem.parameters if p.unknown)
        self._problem, self._constraints = problem, constraints
        self.carried = carried_in(problem)
        self._places: list[Place] = []
        self._groups: list[int] = []
        self._functions: list[ArrayFunction] = []
        self._lifted: list[sympy.Expr] = []
        compiled = [self._compile(name, pieces, scale, faces) for name, pieces, scale in self._written()]
        self._jets = differentiate(self._places, self._groups, [f.needs for f in self._functions])
        self.residuals = tuple(replace(r, shortcuts=self._shortcuts(r)) for r in compiled)
        self.names = (*(r.name for r in self.residuals), *(p.name for p in self.penalties))
        self._weights = [self._quadrature(r) for r in self.residuals]
        self._tabulated = self._places_on_grids()

    def draw(self, key, carried: Mapping | None = None):
        """Points, and everything that depends on the points alone: sources and variable coefficients.

        carried   the arrays of a window in time, where this is compiled for all windows; None: those of the present one
        """
        return self.tabulated(self._jets.points.draw(key), carried)

    def tabulated(self, drawn, carried: Mapping | None = None):
        """What `draw` returns, for points that were drawn already."""
        carried = self.handed_over if carried is None else carried
        coordinates = self._jets.points.coordinates(drawn)
        with self.holding(carried):
            tabulated = {place: self._functions[place].coefficients(coordinates[place]) for place in self._tabulated}
            factors = [[s.coefficients(drawn) if s else None for s in r.shortcuts] for r in self.residuals]
        return drawn, tabulated, factors, carried

    @property
    def handed_over(self) -> dict:
        """The arrays that the present window in time got from the one before."""
        return {} if self.carried is None else dict(self.carried.now)

    @property
    def window(self) -> int:
        """A number that changes with the window in time that is solved."""
        return 0 if self.carried is None else self.carried.version

    def holding(self, carried: Mapping):
        """Inside, data are functions of these arrays; see `Carried`."""
        return nullcontext() if self.carried is None else self.carried.holding(carried)

    def _coefficients(self, place: int, function: ArrayFunction, coordinates, points) -> tuple:
        """Sources and coefficients at the points of a place.

        Where the loss needs no grid nothing was tabulated on it; whoever asks for rows pays for it now.
        """
        tabulated = points[1].get(place)
        if tabulated:
            return tabulated
        with self.holding(points[3]):
            return function.coefficients(coordinates[place])

    def evaluate(self, model: Model, points) -> dict[str, list[jax.Array]]:
        """The residuals by name, one array for each piece, shaped like the piece's points."""
        shared = self._jets.prepare(model.field, points[0])
        return {
            r.name: [r.scale * self._value(piece, model, shared, points) for piece in r.pieces] for r in self.residuals
        }

    def rows(self, model: Model, points) -> dict[str, list[jax.Array]]:
        """Residual arrays by name, scaled so that the sum of their squares is the mean square of the residual."""
        values = self.evaluate(model, points)
        found = {
            r.name: [
                math.sqrt(share) * _apply(roots, value)
                for value, share, roots in zip(values[r.name], r.shares, quadrature, strict=True)
            ]
            for r, quadrature in zip(self.residuals, self._weights, strict=True)
        }
        return found | {p.name: [p.rows(model.field)] for p in self.penalties}

    def mean_squares(self, model: Model, points) -> dict[str, jax.Array]:
        """The mean square of each residual, before weighting."""
        shared = self._jets.prepare(model.field, points[0])
        found = {}
        for r, quadrature, factors in zip(self.residuals, self._weights, points[2], strict=True):
            total = jnp.zeros(())
            for piece, share, roots, shortcut, own in zip(
                r.pieces, r.shares, quadrature, r.shortcuts, factors, strict=True
            ):
                if shortcut and shortcut.sums_squares and shared.separated:
                    square = shortcut.square(shared.jets, own)
                else:
                    square = jnp.sum(_apply(roots, self._value(piece, model, shared, points)) ** 2)
                total += r.scale**2 * share * square
            found[r.name] = total
        return found | {p.name: p.value(model.field) for p in self.penalties}

    def loss(self, model: Model, points, weights: Mapping[str, jax.Array]) -> jax.Array:
        """The weighted sum of mean squares, a scalar."""
        squares = self.mean_squares(model, points)
        return jnp.asarray(sum(weights[name] * square for name, square in squares.items()))

    @property
    def equations(self) -> frozenset[str]:
        """The names of the residuals that are equations."""
        return frozenset(e.name for e in self._problem.equations)

    def instants(self, place: int, points) -> jax.Array:
        """When the points of a place are, from 0 at the start of time to 1 at its end; broadcasts to their shape."""
        axis = next(k for k, c in enumerate(self._problem.coordinates) if is_time(c))
        low, high = self._problem.domain.bounds[axis]
        return (self._jets.points.coordinates(points[0])[place][axis] - low) / (high - low)

    @property
    def derivatives(self):
        """The way to differentiate, from `derivatives/`."""
        return self._jets

    @property
    def count(self) -> int:
        """The number of rows."""
        own = sum(self._jets.points.size(piece[0][0]) for r in self.residuals for piece in r.pieces)
        return own + sum(p.size for p in self.penalties)

    @property
    def rounded(self) -> bool:
        """Whether some square is taken as a difference of squares."""
        return any(s and s.squares == "gram" for r in self.residuals for s in r.shortcuts)

    @property
    def has_jacobian(self) -> bool:
        """Whether `jacobian` is offered."""
        return self._jets.has_jacobian

    def assembles(self, model: Model) -> bool:
        """Whether `normal` is offered for this model."""
        return self._jets.assembles(model.field)

    def normal(self, model: Model, points, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J^T J of the weighted residuals, parameters in the order of `ravel_pytree(model)`."""
        pieces: list[Piece | Shortcut] = []
        for r, factors in zip(self.residuals, points[2], strict=True):
            for shortcut, share, own in zip(r.shortcuts, r.shares, factors, strict=True):
                if shortcut and shortcut.sums_slopes:
                    pieces.append(Shortcut(shortcut, own, r.scale**2 * share * weights[r.name]))
        pieces += self.linearised(model, points, weights, lambda shortcut: not (shortcut and shortcut.sums_slopes))
        found = self._jets.normal(model.field, points[0], pieces)
        return found + sum(gram(self._slopes(p, model, weights)) for p in self.penalties)

    def jacobian(self, model: Model, points, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J of the weighted residuals, rows and columns in the orders of `rows` and `ravel_pytree(model)`."""
        own = self._jets.jacobian(model.field, points[0], self.linearised(model, points, weights))
        return jnp.concatenate([own, *(self._slopes(p, model, weights) for p in self.penalties)])

    def _slopes(self, penalty, model, weights) -> jax.Array:
        """The rows of J of a penalty."""
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)
        found = jax.jacrev(lambda v: penalty.rows(eqx.combine(unravel(v), static).field))(vector)
        return jnp.sqrt(weights[penalty.name]) * found

    def gradient_norms(self, model: Model, points) -> dict[str, jax.Array]:
        """The norm of the gradient of the mean square of each residual but those that weigh by their noise."""
        arrays, static = eqx.partition(model, eqx.is_inexact_array)

        def norm(name):
            gradient = jax.grad(lambda a: self.mean_squares(eqx.combine(a, static), points)[name])(arrays)
            return jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))

        return {name: norm(name) for name in self.names if name not in self.noisy}

    @property
    def noisy(self) -> dict[str, AtPoints]:
        """The measurements of known noise."""
        return {c.name: c for c in self._problem.conditions if isinstance(c, AtPoints) and c.noise}

    def weights(self, given: Mapping[str, float], conditions: float = 1.0) -> dict[str, float]:
        """Weights by residual name; names of exact conditions may occur and have no effect.

        conditions   weight of conditions that are not named; equations weigh 1
        Measurements whose noise is known weigh little, see `_trust`.
        """
        known = [*self.names, *self._constraints.enforced]
        for name, weight in given.items():
            if name not in known:
                raise MethodError(
                    f"`weights` names the residual `{name}`, which does not exist." + nearest(name, known)
                )
            if not weight > 0 or not np.isfinite(weight):
                raise MethodError(
                    f"`weights` gives `{name}` the weight {weight}; a weight is a positive finite number."
                )
        usual = dict.fromkeys(self.names, conditions) | dict.fromkeys((e.name for e in self._problem.equations), 1.0)
        usual |= {name: _trust(condition, conditions) for name, condition in self.noisy.items()}
        usual |= {p.name: p.weight for p in self.penalties}
        return {name: float(given.get(name, usual[name])) for name in self.names}

    def _value(self, piece, model, shared, points):
        """One residual array, before scaling."""
        coordinates = self._jets.points.coordinates(points[0])
        total = 0.0
        for place, function in piece:
            known = self._jets.at(shared, place)
            given = self._coefficients(place, function, coordinates, points)
            total += function.combine(given, coordinates[place], known, model.parameters)
        return total

    def linearised(self, model, points, weights, wanted=lambda shortcut: True) -> list[Piece]:
        """Pieces in the order of `rows`, linearised at the model in terms of what each needs of the field.

        wanted   which pieces, by their shortcuts
        """
        coordinates = self._jets.points.coordinates(points[0])
        shared = self._jets.prepare(model.field, points[0])

        def slopes(place, function):
            # A residual is elementwise in what it needs, so the gradient of its sum holds its slopes point by point.
            def value(given, parameters):
                needs = dict(zip(function.needs, given, strict=True))
                tabulated = self._coefficients(place, function, coordinates, points)
                return function.combine(tabulated, coordinates[place], needs, parameters)

            known = self._jets.at(shared, place)
            given = [known[need] for need in function.needs]
            by_need = jax.grad(lambda given: jnp.sum(value(given, model.parameters)))(given)
            by_parameter = jax.jacfwd(lambda p: value(given, p))(model.parameters) if self.tunable else {}
            return by_need, by_parameter

        pieces = []
        for r, quadrature in zip(self.residuals, self._weights, strict=True):
            for terms, share, roots, shortcut in zip(r.pieces, r.shares, quadrature, r.shortcuts, strict=True):
                if not wanted(shortcut):
                    continue
                factor = r.scale * jnp.sqrt(share * weights[r.name])
                found = jax.tree.map(lambda s, f=factor, q=roots: f * _apply(q, s), [slopes(*term) for term in terms])
                by_place = tuple(
                    (place, dict(zip(f.needs, own, strict=True)))
                    for (place, f), (own, _) in zip(terms, found, strict=True)
                )
                columns = (model.estimated[p.name].slope * sum(own[p.name] for _, own in found) for p in self.tunable)
                pieces.append(Piece(by_place, tuple(columns)))
        return pieces

    def _shortcuts(self, residual) -> tuple:
        """For each piece the separated form of its sums, where the way to differentiate has one."""
        problem = self._problem

        def structure(place):
            expression = self._lifted[place]
            return structure_of(residual.name, expression, problem.unknowns, problem.coordinates)

        found = []
        for piece in residual.pieces:
            places = [place for place, _ in piece]
            plain = all(isinstance(self._places[p], Region) for p in places) and not self.tunable
            structures = (structure(place) for place in places)
            found.append(self._jets.shortcut(places, structures, problem.coordinates) if plain else None)
        return tuple(found)

    def _places_on_grids(self) -> frozenset[int]:
        """Places whose sources and coefficients are tabulated point by point: all but those that need no grid."""
        found = set()
        for r in self.residuals:
            for piece, shortcut in zip(r.pieces, r.shortcuts, strict=True):
                if not (shortcut and shortcut.sums_squares and shortcut.sums_slopes):
                    found |= {place for place, _ in piece}
        return frozenset(found)

    def _written(self):
        """(name, pieces of (where, expression), scale) of every residual that is left to the loss."""
        problem = self._problem
        for equation in problem.equations:
            yield equation.name, [[(region, equation.residual)] for region in problem.domain.regions], 1.0
        for condition in problem.conditions:
            if condition.name not in self._constraints.enforced:
                noise = condition.noise if isinstance(condition, AtPoints) else None
                pieces = [list(piece.terms) for piece in problem.pieces[condition.name]]
                yield condition.name, pieces, 1.0 / noise if noise else 1.0

    def _compile(self, name, pieces, scale, faces) -> Residual:
        compiled, sizes = [], []
        for piece in pieces:
            group = max(self._groups, default=-1) + 1
            terms = []
            for where, expression in piece:
                terms.append((len(self._places), self._lower(where, expression)))
                self._places.append(place_of(where))
                self._groups.append(group)
                self._functions.append(terms[-1][1])
            compiled.append(tuple(terms))
            place = self._places[-1]
            sizes.append(1.0 if isinstance(place, Scatter) else place.measure)
        summed = faces == "sum"
        shares = tuple(1.0 if summed else size / sum(sizes) for size in sizes)
        return Residual(name, tuple(compiled), shares, scale / self._constraints.scales.residual(name))

    def _lower(self, where, expression):
        problem = self._problem
        lifted = self._constraints.lifted(expression, problem.coordinates)
        self._lifted.append(with_constants(lifted, self.tunable))
        if isinstance(where, Scatter):
            return _measured(lifted, where.values, problem, self.tunable)
        normals = [Normal(c.name) for c in where.shape.coordinates] if isinstance(where, Wall) else ()
        return array_function(lifted, problem.coordinates, problem.unknowns, self.tunable, normals)

    def _quadrature(self, residual):
        """For each piece the square roots of the weights along its axes; None where all points weigh the same."""
        found = []
        for piece in residual.pieces:
            along = self._jets.points.weights(piece[0][0])
            found.append(None if along is None else [None if w is None else np.sqrt(w) for w in along])
        return found


def _apply(roots: Sequence | None, value):
    """Multiply by the square root of the quadrature weights (of sum one) of the grid or cloud."""
    if roots is None or all(r is None for r in roots):
        return value * (1.0 / np.sqrt(value.size))
    for axis, root in enumerate(roots):
        if root is None:
            value = value * (1.0 / np.sqrt(value.shape[axis]))
        else:
            value = value * jnp.asarray(root, value.dtype).reshape([-1 if k == axis else 1 for k in range(value.ndim)])
    return value


def _trust(condition: AtPoints, conditions: float) -> float:
    """The weight of measurements of known noise, in units of which the true solution leaves a mean square of 1.

    Equations weigh 1 and hold exactly. Measurements that weighed as much would bend the field towards their noise: the
    error of u is 10 times larger then, and 30 times where they weigh 100 as conditions do. Where the noise is so small
    that a condition would count less, they are one.
    """
    size = np.sqrt(np.mean(np.square(condition.values)))
    return min(_NOISY, conditions * (condition.noise / max(size, condition.noise)) ** 2)


def _measured(expression, values, problem, tunable) -> ArrayFunction:
    """`expression - measured values`: the values are a coefficient that belongs to the points."""
    inner = array_function(expression, problem.coordinates, problem.unknowns, tunable)

    def coefficients(points):
        return (jnp.asarray(values, points[0].dtype), *inner.coefficients(points))

    def combine(given, points, known, parameters):
        return inner.combine(given[1:], points, known, parameters) - given[0]

    return ArrayFunction(inner.needs, coefficients, combine)
