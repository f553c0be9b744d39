"""A problem on points: named residual vectors, their weights, and the loss

    loss = sum over k of  w_k mean(r_k^2),

one residual k for each equation and for each condition that does not hold by construction. Residuals stay vectors until
the last moment, so that first-order, quasi-Newton and Gauss-Newton methods share this interface.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from spindle.derivatives.base import Derivatives, FormingJacobians, GridFreeSums
from spindle.derivatives.linearised import GridFreeResidual, LinearisedResidual, gram
from spindle.errors import MethodError, nearest
from spindle.lowering.residuals import ResidualForm, ResidualForms, ResidualTerm
from spindle.networks.model import Model
from spindle.objective.base import ResidualObjective
from spindle.objective.penalties import Penalty
from spindle.objective.weighing import shares_of, trust, weighed
from spindle.points.base import OrderedInTime, Rotating
from spindle.problem.carried import carried_in


@dataclass(frozen=True)
class Residual:
    """One named residual on points.

    form        the expressions, compiled
    shares      weight of each piece in the mean over the whole residual
    grid_free   for each piece how its sums are taken without its points, or None
    """

    form: ResidualForm
    shares: tuple[float, ...]
    grid_free: tuple

    @property
    def name(self) -> str:
        """The name of the equation or condition."""
        return self.form.name

    @property
    def pieces(self) -> tuple[tuple[ResidualTerm, ...], ...]:
        """The terms to be summed on each piece."""
        return self.form.pieces

    @property
    def scale(self) -> float:
        """The factor of all values of the residual."""
        return self.form.scale


class Drawn(NamedTuple):
    """Points, and everything that depends on the points alone.

    points         as `derivatives.points` draws them
    coefficients   {support: sources and coefficients there}, of supports that are evaluated point by point
    factors        for each residual and piece what its grid-free sums need, or None
    carried        the arrays that a window in time got from the one before, by name
    """

    points: Any
    coefficients: dict[int, tuple]
    factors: list[list]
    carried: dict


class Objective(ResidualObjective):
    """Weighted least squares of a problem on points.

    forms         the residuals, before any point is chosen
    derivatives   the way to differentiate, and the points on the supports of the residuals
    faces         "mean": a condition counts as one mean over all its faces; "sum": the means of its faces are added
    penalties     terms that look at the field alone; they count as residuals, the last ones
    """

    def __init__(
        self, forms: ResidualForms, derivatives: Derivatives, *, faces: str = "mean", penalties: Sequence[Penalty] = ()
    ):
        self.forms, self.derivatives, self.penalties = forms, derivatives, tuple(penalties)
        self.tunable, self.carried = forms.problem.tunable, carried_in(forms.problem)
        self.residuals = tuple(
            Residual(form, shares_of(form, summed=faces == "sum"), self._shortcuts(form)) for form in forms.forms
        )
        self.names = (*(r.name for r in self.residuals), *(p.name for p in self.penalties))
        self._weights = [self._quadrature(r) for r in self.residuals]
        self._tabulated = self._supports_on_grids()

    def draw(self, key, carried: Mapping | None = None, turn=0) -> Drawn:
        """Points, and what depends on them alone: sources and variable coefficients.

        carried   the arrays of a window in time, where this is compiled for all windows; None: those of the present one
        turn      how often points were drawn before, for rules that go round
        """
        points = self.derivatives.points
        drawn = points.turned(key, turn) if isinstance(points, Rotating) else points.draw(key)
        return self.with_coefficients(drawn, carried)

    def with_coefficients(self, points, carried: Mapping | None = None) -> Drawn:
        """Points that were drawn already, with all that depends on them alone: what `draw` returns."""
        carried = self.carried_values if carried is None else carried
        coordinates, functions = self.derivatives.points.coordinates(points), self.forms.functions
        with self.holding(carried):
            coefficients = {k: functions[k].coefficients(coordinates[k]) for k in self._tabulated}
            factors = [[s.coefficients(points) if s else None for s in r.grid_free] for r in self.residuals]
        return Drawn(points, coefficients, factors, dict(carried))

    @property
    def carried_values(self) -> dict:
        """The arrays that the present window in time got from the one before."""
        return {} if self.carried is None else dict(self.carried.now)

    @property
    def window(self) -> int:
        """The version of the carried arrays, which rises with every window in time; 0 without windows."""
        return 0 if self.carried is None else self.carried.version

    def holding(self, carried: Mapping):
        """A context in which data are functions of these arrays; see `Carried`."""
        return nullcontext() if self.carried is None else self.carried.holding(carried)

    def _coefficients(self, term: ResidualTerm, coordinates, drawn: Drawn) -> tuple:
        """Sources and coefficients at the points of a support.

        Where the loss needs no grid nothing was tabulated on it; whoever asks for rows pays for it now.
        """
        tabulated = drawn.coefficients.get(term.support)
        if tabulated:
            return tabulated
        with self.holding(drawn.carried):
            return term.function.coefficients(coordinates[term.support])

    def evaluate(self, model: Model, drawn: Drawn) -> dict[str, list[jax.Array]]:
        """The residuals by name, one array for each piece, shaped like the piece's points."""
        shared = self.derivatives.prepare(model.field, drawn.points)
        return {
            r.name: [r.scale * self._value(piece, model, shared, drawn) for piece in r.pieces] for r in self.residuals
        }

    def rows(self, model: Model, drawn: Drawn) -> dict[str, list[jax.Array]]:
        """Residual arrays by name, scaled so that the sum of their squares is the mean square of the residual."""
        values = self.evaluate(model, drawn)
        arrays = {
            r.name: [
                math.sqrt(share) * weighed(roots, value)
                for value, share, roots in zip(values[r.name], r.shares, quadrature, strict=True)
            ]
            for r, quadrature in zip(self.residuals, self._weights, strict=True)
        }
        return arrays | {p.name: [p.rows(model.field)] for p in self.penalties}

    def mean_squares(self, model: Model, drawn: Drawn) -> dict[str, jax.Array]:
        """The mean square of each residual, before weighting."""
        shared = self.derivatives.prepare(model.field, drawn.points)
        squares = {}
        for r, quadrature, factors in zip(self.residuals, self._weights, drawn.factors, strict=True):
            total = jnp.zeros(())
            for piece, share, roots, grid_free, given in zip(
                r.pieces, r.shares, quadrature, r.grid_free, factors, strict=True
            ):
                if grid_free and grid_free.sums_squares and shared.separated:
                    square = grid_free.square(shared.jets, given)
                else:
                    square = jnp.sum(weighed(roots, self._value(piece, model, shared, drawn)) ** 2)
                total += r.scale**2 * share * square
            squares[r.name] = total
        return squares | {p.name: p.value(model.field) for p in self.penalties}

    def loss(self, model: Model, drawn: Drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """The weighted sum of mean squares, a scalar."""
        squares = self.mean_squares(model, drawn)
        return jnp.asarray(sum(weights[name] * square for name, square in squares.items()))

    def inner(self, model: Model, other: Model, drawn: Drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """The inner product of the weighted rows of two models, taken as `mean_squares` takes its sums."""
        models = (model, other)
        shared = [self.derivatives.prepare(m.field, drawn.points) for m in models]
        total = jnp.zeros(())
        for r, quadrature, factors in zip(self.residuals, self._weights, drawn.factors, strict=True):
            for piece, share, roots, grid_free, given in zip(
                r.pieces, r.shares, quadrature, r.grid_free, factors, strict=True
            ):
                if grid_free and grid_free.sums_squares and shared[0].separated:
                    product = grid_free.inner(shared[0].jets, shared[1].jets, given)
                else:
                    one, two = (
                        weighed(roots, self._value(piece, m, s, drawn)) for m, s in zip(models, shared, strict=True)
                    )
                    product = jnp.sum(one * two)
                total += weights[r.name] * r.scale**2 * share * product
        return total + sum(weights[p.name] * jnp.vdot(p.rows(model.field), p.rows(other.field)) for p in self.penalties)

    @property
    def equations(self) -> frozenset[str]:
        """The names of the residuals that are equations."""
        return frozenset(e.name for e in self.forms.problem.equations)

    def instants(self, support: int, drawn: Drawn) -> jax.Array:
        """The times of the points of a support, from 0 at the start to 1 at the end; broadcasts to their shape.

        Of points in the order of their instants their ranks.
        """
        points = self.derivatives.points
        ranks = points.ranks(support) if isinstance(points, OrderedInTime) else None
        if ranks is not None:
            return jnp.asarray(ranks)
        axis = self.forms.problem.time
        assert axis is not None, "there are no instants without time"
        low, high = self.forms.problem.domain.bounds[axis]
        return (points.coordinates(drawn.points)[support][axis] - low) / (high - low)

    @property
    def count(self) -> int:
        """The number m of rows of all residuals and penalties."""
        rows = sum(self._rows(piece) for r in self.residuals for piece in r.pieces)
        return rows + sum(p.size for p in self.penalties)

    @property
    def rounded(self) -> bool:
        """Whether some square is taken as a difference of squares, so that half its digits are lost near zero."""
        return any(s and s.squares == "gram" for r in self.residuals for s in r.grid_free)

    @property
    def has_jacobian(self) -> bool:
        """Whether `jacobian` is offered."""
        return isinstance(self.derivatives, FormingJacobians)

    def assembles(self, model: Model) -> bool:
        """Whether `normal` is offered for this model."""
        return self.derivatives.assembles(model.field)

    def normal(self, model: Model, drawn: Drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J^T J of the weighted residuals, parameters in the order of `ravel_pytree(model)`."""
        pieces: list[LinearisedResidual | GridFreeResidual] = []
        for r, factors in zip(self.residuals, drawn.factors, strict=True):
            for grid_free, share, slopes in zip(r.grid_free, r.shares, factors, strict=True):
                if grid_free and grid_free.sums_slopes:
                    pieces.append(GridFreeResidual(grid_free, slopes, r.scale**2 * share * weights[r.name]))
        pieces += self.linearised(model, drawn, weights, lambda grid_free: not (grid_free and grid_free.sums_slopes))
        matrix = self.derivatives.normal(model.field, drawn.points, pieces)
        return matrix + sum(gram(self._slopes(p, model, weights)) for p in self.penalties)

    def jacobian(self, model: Model, drawn: Drawn, weights: Mapping[str, jax.Array]) -> jax.Array:
        """J of the weighted residuals, rows and columns in the orders of `rows` and `ravel_pytree(model)`."""
        assert isinstance(self.derivatives, FormingJacobians)
        of_residuals = self.derivatives.jacobian(model.field, drawn.points, self.linearised(model, drawn, weights))
        return jnp.concatenate([of_residuals, *(self._slopes(p, model, weights) for p in self.penalties)])

    def _slopes(self, penalty, model, weights) -> jax.Array:
        """The rows of J of a penalty."""
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(arrays)
        jacobian = jax.jacrev(lambda v: penalty.rows(eqx.combine(unravel(v), static).field))(vector)
        return jnp.sqrt(weights[penalty.name]) * jacobian

    def gradient_norms(self, model: Model, drawn: Drawn) -> dict[str, jax.Array]:
        """The norm of the gradient of the mean square of each residual but those that weigh by their noise."""
        arrays, static = eqx.partition(model, eqx.is_inexact_array)

        def norm(name):
            gradient = jax.grad(lambda a: self.mean_squares(eqx.combine(a, static), drawn)[name])(arrays)
            return jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))

        return {name: norm(name) for name in self.names if name not in self.forms.noisy}

    def weights(self, given: Mapping[str, float], conditions: float = 1.0) -> dict[str, float]:
        """Weights by residual name; names of exact conditions may occur and have no effect.

        conditions   weight of conditions that are not named; equations weigh 1
        Measurements whose noise is known weigh little, see `trust`.
        Raises MethodError where `given` names no residual, or a weight is no positive finite number.
        """
        known = [*self.names, *self.forms.constraints.enforced]
        for name, weight in given.items():
            if name not in known:
                raise MethodError(
                    f"`weights` names the residual `{name}`, which does not exist." + nearest(name, known)
                )
            if not weight > 0 or not np.isfinite(weight):
                raise MethodError(
                    f"`weights` gives `{name}` the weight {weight}; a weight is a positive finite number."
                )
        usual = dict.fromkeys(self.names, conditions) | dict.fromkeys(self.equations, 1.0)
        usual |= {name: trust(measured, conditions) for name, measured in self.forms.noisy.items()}
        usual |= {p.name: p.weight for p in self.penalties}
        return {name: float(given.get(name, usual[name])) for name in self.names}

    def _value(self, piece, model, shared, drawn):
        """One residual array, before scaling."""
        coordinates = self.derivatives.points.coordinates(drawn.points)
        total = 0.0
        for term in piece:
            known = self.derivatives.at(shared, term.support)
            given = self._coefficients(term, coordinates, drawn)
            value = term.function.combine(given, coordinates[term.support], known, model.parameters)
            total += self._summed(term.support, value)
        return total

    def _summed(self, support: int, values) -> jax.Array:
        """Values at the points of a support as residuals, where these are weighted sums of them."""
        sums = self.forms.supports[support].sums
        if sums is None:
            return values
        return jnp.asarray(sums, jnp.result_type(values)) @ jnp.broadcast_to(values, sums.shape[1:])

    def _rows(self, terms) -> int:
        """How many residuals a piece is."""
        sums = self.forms.supports[terms[0].support].sums
        return self.derivatives.points.size(terms[0].support) if sums is None else len(sums)

    def linearised(self, model, drawn: Drawn, weights, wanted=lambda grid_free: True) -> list[LinearisedResidual]:
        """The residual arrays in the order of `rows`, linearised at the model in the partials of the field.

        wanted   how a piece's sums are taken without its points, or None -> whether it is wanted
        """
        coordinates = self.derivatives.points.coordinates(drawn.points)
        shared = self.derivatives.prepare(model.field, drawn.points)

        def slopes(term: ResidualTerm):
            # A residual is elementwise in what it needs, so the gradient of its sum holds its slopes point by point.
            def value(given, parameters):
                needs = dict(zip(term.function.needs, given, strict=True))
                tabulated = self._coefficients(term, coordinates, drawn)
                return term.function.combine(tabulated, coordinates[term.support], needs, parameters)

            known = self.derivatives.at(shared, term.support)
            given = [known[need] for need in term.function.needs]
            by_need = jax.grad(lambda given: jnp.sum(value(given, model.parameters)))(given)
            by_parameter = jax.jacfwd(lambda p: value(given, p))(model.parameters) if self.tunable else {}
            return by_need, by_parameter

        pieces = []
        for r, quadrature in zip(self.residuals, self._weights, strict=True):
            for terms, share, roots, grid_free in zip(r.pieces, r.shares, quadrature, r.grid_free, strict=True):
                if not wanted(grid_free):
                    continue
                factor = r.scale * jnp.sqrt(share * weights[r.name])
                several = any(self.forms.supports[term.support].sums is not None for term in terms)
                count = self._rows(terms) if several else None
                scaled = jax.tree.map(
                    lambda s, f=factor, q=roots, n=count: f * weighed(q, s, n), [slopes(term) for term in terms]
                )
                by_support = tuple(
                    (term.support, dict(zip(term.function.needs, by_need, strict=True)))
                    for term, (by_need, _) in zip(terms, scaled, strict=True)
                )
                columns = (
                    model.estimated[p.name].slope
                    * sum(self._summed(t.support, s[p.name]) for t, (_, s) in zip(terms, scaled, strict=True))
                    for p in self.tunable
                )
                pieces.append(LinearisedResidual(by_support, tuple(columns)))
        return pieces

    def _shortcuts(self, form: ResidualForm) -> tuple:
        """For each piece the separated form of its sums, where the way to differentiate has one."""
        if not isinstance(self.derivatives, GridFreeSums):
            return (None,) * len(form.pieces)
        grid_free = []
        for piece in form.pieces:
            supports = [term.support for term in piece]
            plain = all(self.forms.supports[k].is_region for k in supports) and not self.tunable
            structures = (self.forms.structure(form, term) for term in piece)
            coordinates = self.forms.problem.coordinates
            grid_free.append(self.derivatives.grid_free(supports, structures, coordinates) if plain else None)
        return tuple(grid_free)

    def _supports_on_grids(self) -> frozenset[int]:
        """The supports whose coefficients are tabulated point by point: all but those that need no grid."""
        on_grids = set()
        for r in self.residuals:
            for piece, grid_free in zip(r.pieces, r.grid_free, strict=True):
                if not (grid_free and grid_free.sums_squares and grid_free.sums_slopes):
                    on_grids |= {term.support for term in piece}
        return frozenset(on_grids)

    def _quadrature(self, residual):
        """For each piece the square roots of the weights along its axes; None where all points weigh the same."""
        roots = []
        for piece in residual.pieces:
            along = self.derivatives.points.weights(piece[0].support)
            roots.append(None if along is None else [None if w is None else np.sqrt(w) for w in along])
        return roots
