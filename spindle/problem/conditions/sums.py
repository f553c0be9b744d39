"""Conditions on sums of values at points: `Value`, `Linked`, `Mean`, `Total`."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from spindle.errors import ProblemError, usage
from spindle.geometry.quadrature import instants, mean_over, measure_of
from spindle.geometry.supports import BoxFace, PointSet
from spindle.problem.conditions.base import Condition, Measurement, Piece, Role
from spindle.problem.conditions.boundary import where_text
from spindle.problem.conditions.components import built
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import shown

_INSTANTS = 33  # at which a mean over space is taken in a problem with time


@dataclass(frozen=True, eq=False, repr=False)
class AtPlaces(Condition, stored_as="AtPlaces"):
    """`sum over k of weights[k] * (expression at place k) = value`.

    places    {name of a coordinate: positions (k,)}
    weights   (k,)
    """

    expression: sympy.Expr
    value: sympy.Expr
    places: Mapping
    weights: np.ndarray

    def pieces(self, domain):
        """One piece, with one term for each place.

        Raises ProblemError where a place lacks a coordinate, or lies outside the domain.
        """
        names = [str(c) for c in domain.coordinates]
        points = np.stack([self.places[n] for n in names], axis=1) if set(self.places) == set(names) else None
        if points is None or not domain.contains(points).all():
            given = ", ".join(f"{n}: {shown(v.tolist())}" for n, v in self.places.items())
            why = "lies outside the domain" if points is not None else f"needs a number for each of {', '.join(names)}"
            raise ProblemError(
                f"The condition `{self.name}` holds at {{{given}}}, which {why}; write a point of {domain}, "
                f"`{{{', '.join(f'{n}: 0' for n in names)}}}`."
            )
        terms = [weight * self.expression for weight in map(sympy.sympify, self.weights.tolist())]
        terms[0] = terms[0] - self.value
        return (Piece(tuple((PointSet(p[None]), e) for p, e in zip(points, terms, strict=True))),)

    def texts(self, printer):
        """`p = 0 at x=0, y=0`; `u the same at x=0 and x=1`."""
        at = [", ".join(f"{n}={v[k]:.6g}" for n, v in self.places.items()) for k in range(len(self.weights))]
        if len(at) == 1:
            return [f"{printer(sympy.Eq(self.expression, self.value, evaluate=False))} at {at[0]}"]
        return [f"{printer(self.expression)} the same at {' and '.join(at)}"]

    @property
    def role(self):
        """A residual beside conditions on parts, which sets what these leave open."""
        return Role(is_sum=True)

    def data(self, size, length):
        """The size of the value; nothing of a difference."""
        return (self.expression, size(self.value)) if len(self.weights) == 1 else None

    def homogeneous(self):
        """The value zero."""
        return replace(self, value=sympy.S.Zero)

    def shifted(self, near):
        """The unknowns with what is known of them."""
        return replace(self, expression=near.beyond(self.expression), value=near.moved(self.value))

    def in_window(self, moved):
        """As it is: such conditions speak of places at certain times, and are not posed in windows."""
        return self


@dataclass(frozen=True, eq=False, repr=False)
class Averaged(Condition, stored_as="Averaged"):
    """The mean, or the integral, of an expression over a part of the boundary or the domain is a value.

    on      the part of the boundary; None: the domain
    total   "total" for the integral, else "mean"
    noise   standard deviation of the error of the value, where that was measured
    """

    expression: sympy.Expr
    value: sympy.Expr
    on: object
    total: str
    noise: float | None = field(default=None)

    def pieces(self, domain):
        """One piece of one residual, or of one for each of some instants where the domain has time.

        Raises ProblemError where the domain has no such part.
        """
        places = domain.regions if self.on is None else domain.part(self.on, call=self.name)
        time = next((k for k, c in enumerate(domain.coordinates) if is_time(c)), None)
        if time is not None and (len(domain.coordinates) == 1 or self._is_instant(places, time)):
            time = None
        points, weights = mean_over(places, time)
        sums = weights[None]
        if time is not None:
            moments = instants(*domain.bounds[time], _INSTANTS)
            sums = np.kron(np.eye(len(moments)), sums)
            points = np.tile(points, (len(moments), 1))
            points[:, time] = np.repeat(moments, len(weights))
        size = measure_of(places, time) if self.total == "total" else 1.0
        return (Piece(((PointSet(points, None, sums), self.expression - self.value / sympy.Float(size, 17)),)),)

    @staticmethod
    def _is_instant(places, time: int) -> bool:
        return all(isinstance(place, BoxFace) and place.axis == time for place in places)

    def texts(self, printer):
        """`mean of p = 0`; `integral of c = 1 on x=0`."""
        what = "integral" if self.total == "total" else "mean"
        where = "" if self.on is None else f" {where_text(self.on)}"
        noise = f", noise {self.noise:g}" if self.noise else ""
        return [f"{what} of {printer(self.expression)} = {printer(self.value)}{where}{noise}"]

    @property
    def role(self):
        """A measurement where its noise is known, else a residual that sets what conditions on parts leave open."""
        if self.noise is None:
            return Role(is_sum=True)
        return Role(measurement=Measurement(self.expression, np.array([float(self.value)]), self.noise))

    def data(self, size, length):
        """The size of a mean; of integrals nothing is told."""
        return None if self.total == "total" else (self.expression, size(self.value))

    def homogeneous(self):
        """The value zero."""
        return replace(self, value=sympy.S.Zero)

    def shifted(self, near):
        """The unknowns with what is known of them."""
        return replace(self, expression=near.beyond(self.expression), value=near.moved(self.value))

    def in_window(self, moved):
        """As it is: such conditions are not posed in windows."""
        return self


def _place(call: str, at) -> dict[str, np.ndarray]:
    """A point `{x: 0, y: 1}` by the names of coordinates; raises ProblemError where it is none."""
    try:
        place = {str(c): np.array([float(v)]) for c, v in at.items()} if isinstance(at, Mapping) else {}
    except (TypeError, ValueError, OverflowError):
        place = {}
    if not place or not all(np.isfinite(v).all() for v in place.values()):
        raise ProblemError(
            f"`spd.{call}` was given the point {shown(at)}, which names no place; write a number for each coordinate, "
            f"`{{x: 0, y: 0}}`."
        )
    return place


@usage("spd.Value(p, 0, at={x: 0, y: 0})")
def Value(expression, value=0, *, at, name: str | None = None):
    """`expression = value` at a single point, such as the level of a pressure.

    at   {coordinate: number} for each coordinate of the domain
    Raises ProblemError where the point is none, or lies outside the domain.
    """
    place = _place("Value", at)
    return built("Value", lambda name, e, v: AtPlaces(name, e, v, place, np.ones(1)), expression, value, name)


@usage("spd.Linked(u, {x: 0}, {x: 1})")
def Linked(expression, at, to, *, name: str | None = None):
    """An expression takes the same value at two points, a nonlocal condition.

    at, to   {coordinate: number} each, for each coordinate of the domain
    Raises ProblemError where a point is none, or both are the same.
    """
    one, other = _place("Linked", at), _place("Linked", to)
    if one == other or set(one) != set(other):
        raise ProblemError(
            f"`spd.Linked({shown(expression)}, {shown(at)}, {shown(to)})` joins no two different points of the same "
            f"coordinates, so nothing is imposed; write `spd.Linked(u, {{x: 0}}, {{x: 1}})`."
        )
    places = {n: np.concatenate([one[n], other[n]]) for n in one}
    return built("Linked", lambda name, e, v: AtPlaces(name, e, v, places, np.array([1.0, -1.0])), expression, 0, name)


@usage("spd.Mean(p, 0)")
def Mean(expression, value=0, *, on=None, noise: float | None = None, name: str | None = None):
    """The mean of an expression over the domain, or over a part of the boundary, is a value.

    on      None: the domain; a part of the boundary, as in `Dirichlet`
    noise   standard deviation of the error, where the value was measured
    In a problem with time the mean over space is that at all times, taken at 33 of them; the value may depend on t.
    Means over boxes and their sides are exact for smooth expressions, by Gauss nodes; on shapes they are right to three
    digits. Raises ProblemError where the noise is no positive number.
    """
    return _averaged("Mean", expression, value, on, noise, name)


@usage("spd.Total(c, 1)")
def Total(expression, value, *, on=None, noise: float | None = None, name: str | None = None):
    """The integral of an expression over the domain, or over a part of the boundary, is a value; see `Mean`."""
    return _averaged("Total", expression, value, on, noise, name)


def _averaged(call: str, expression, value, on, noise, name):
    if noise is not None and not (isinstance(noise, numbers.Real) and 0 < float(noise) < np.inf):
        raise ProblemError(
            f"`spd.{call}({shown(expression)}, noise={shown(noise)})` needs a positive standard deviation; leave "
            f"`noise` out if unknown."
        )
    if noise is not None and not sympy.sympify(value).is_number:
        raise ProblemError(
            f"`spd.{call}({shown(expression)}, {shown(value)}, noise=...)` was measured and is no number; give one."
        )
    known = None if noise is None else float(noise)
    return built(call, lambda name, e, v: Averaged(name, e, v, on, call.lower(), known), expression, value, name)
