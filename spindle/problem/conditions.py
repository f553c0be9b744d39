"""Boundary, initial and data conditions: `Dirichlet`, `Neumann`, `Robin`, `Initial`, `Periodic`, `Observed`.

Each says where it holds and which expression vanishes there. A condition is a list of `Piece`s, one a face; a piece is
a sum of expressions, each taken on its own face, so that periodicity (a difference across the domain) is the same
thing as a boundary value.
"""

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import sympy

from spindle.errors import ProblemError, usage
from spindle.problem.domain import Domain, Face, Wall
from spindle.problem.expressions import expression_of
from spindle.problem.supports import Support
from spindle.problem.symbols import Normal, is_space, is_time, unknowns_in
from spindle.problem.words import shown, text


@dataclass(frozen=True, eq=False)
class Scatter(Support):
    """Measurement points instead of a face: coordinates (n, d), and the measured values (n,)."""

    points: np.ndarray
    values: np.ndarray

    @property
    def measure(self) -> float:
        """All points count as one piece."""
        return 1.0

    @property
    def is_region(self) -> bool:
        """Points lie where they lie."""
        return False

    @property
    def normals(self) -> tuple[Normal, ...]:
        """None."""
        return ()

    @property
    def measured(self) -> np.ndarray:
        """The points."""
        return self.points


@dataclass(frozen=True)
class Piece:
    """`sum of expression_k at place_k` vanishes; places of one piece differ in the fixed axis only."""

    terms: tuple[tuple[Face | Wall | Scatter, sympy.Expr], ...]


@dataclass(frozen=True)
class Condition:
    """Interface of all conditions (never built itself)."""

    name: str

    def pieces(self, domain: Domain) -> tuple[Piece, ...]:
        """Where the condition holds, and what vanishes there."""
        raise NotImplementedError

    def texts(self, printer) -> list[str]:
        """The condition in words and formulas, each formula printed by `printer`."""
        raise NotImplementedError

    def exchanged(self, swap: Mapping) -> "Condition":
        """The same condition with SymPy symbols or unknowns exchanged."""
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(
            self, **{k: _exchanged(v, swap) for k, v in kept.items() if isinstance(v, (sympy.Basic, list, tuple))}
        )

    def __repr__(self):
        return f"<{self.name}: {', '.join(self.texts(text))}>"

    def symbols(self) -> set[sympy.Symbol]:
        """The symbols in all of its expressions."""
        kept = [getattr(self, f.name) for f in fields(self)]
        parts = [part for v in kept for part in (v if isinstance(v, (list, tuple)) else [v])]
        return set().union(*(part.free_symbols for part in parts if isinstance(part, sympy.Basic)))


def _exchanged(value, swap):
    if isinstance(value, (list, tuple)):
        return type(value)(_exchanged(item, swap) for item in value)
    return value.xreplace(swap) if isinstance(value, sympy.Basic) else value


def _short(expression) -> str:
    """`u`, `u_t`, `curl` ... : a name for an expression, from its unknowns and derivatives."""
    expression = sympy.sympify(expression)
    if isinstance(expression, sympy.Derivative):
        base = expression.expr.func.__name__
        return base + "_" + "".join(str(c) * int(n) for c, n in expression.variable_count)
    return " ".join(f.func.__name__ for f in unknowns_in(expression)) or str(expression)


def _components(call, expression, value) -> list[tuple[sympy.Expr, sympy.Expr]]:
    """Pairs (expression, value) of a scalar or vector condition."""
    if isinstance(value, np.ndarray) and value.ndim:
        value = value.ravel().tolist()
    several = isinstance(value, (sympy.MatrixBase, list, tuple))
    if isinstance(expression, sympy.MatrixBase):
        values = list(value) if several else [value] * len(expression)
        if len(values) != len(expression):
            raise ProblemError(
                f"`sp.{call}` sets a vector of {len(expression)} components to {len(values)} values, which leaves some "
                f"without one; give one value for each component, or a single number for all."
            )
        pairs = list(zip(expression, values, strict=True))
    elif several:
        raise ProblemError(
            f"`sp.{call}({shown(expression)}, {shown(value)})` sets a scalar to {len(value)} values; give a single "
            f"one, or a column vector on the left."
        )
    else:
        pairs = [(expression, value)]
    pairs = [(expression_of(e, f"sp.{call}(...)"), expression_of(v, f"sp.{call}({shown(e)}, ...)")) for e, v in pairs]
    for e, v in pairs:
        if not unknowns_in(e):
            raise ProblemError(
                f"`sp.{call}({shown(e)}, {shown(v)})` contains no unknown field on the left, so there is nothing to "
                f"impose; write `sp.{call}(u, value)`."
            )
    return pairs


def _where(on) -> str:
    if on is None:
        return "on the boundary"
    parts = on if isinstance(on, (list, tuple)) else [on]
    return "on " + ", ".join(f"{p.lhs}={p.rhs}" if isinstance(p, sympy.Eq) else str(p) for p in parts)


class NormalDerivative(sympy.Function):
    """The derivative along the outward normal, as it is printed."""


@dataclass(frozen=True, repr=False)
class OnBoundary(Condition):
    """`a*expression + b*(outward normal derivative) = value` on a part: Dirichlet, Neumann and Robin in one.

    The normal is the face's own, so at a corner the condition holds for both faces.
    """

    expression: sympy.Expr
    a: sympy.Expr
    b: sympy.Expr
    value: sympy.Expr
    on: object

    @property
    def fixes_the_value(self) -> bool:
        """Whether this is a Dirichlet condition."""
        return self.a == 1 and self.b == 0

    def pieces(self, domain):
        """One piece a face of the part."""
        faces = domain.part(self.on, call=self.name)
        if not faces:
            raise ProblemError(
                f"The condition `{self.name}` has no boundary to hold on: the domain {domain} has only time. "
                f"Name a part, `on=Eq(x, 0)`, or use `sp.Initial`."
            )
        return tuple(Piece(((face, self._residual(face, domain)),)) for face in faces)

    def _residual(self, part, domain):
        """The residual; on a wall it contains the components of the normal as symbols."""
        space = [c for c in domain.coordinates if is_space(c)]
        outward = sum(Normal(c.name) * self.expression.diff(c) for c in space) if self.b != 0 else 0
        residual = self.a * self.expression + self.b * outward - self.value
        if isinstance(part, Wall):
            return residual
        along = domain.coordinates[part.axis]
        return residual.xreplace({Normal(c.name): sympy.Integer(part.outward * (c == along)) for c in space})

    def texts(self, printer):
        """`a u + b du/dn = g on x=1`."""
        left = self.a * self.expression
        if self.b != 0:
            left = left + self.b * NormalDerivative(self.expression)
        return [f"{printer(sympy.Eq(left, self.value, evaluate=False))} {_where(self.on)}"]


@dataclass(frozen=True, repr=False)
class AtStart(Condition):
    """`expression = value` at the first instant."""

    expression: sympy.Expr
    value: sympy.Expr

    def pieces(self, domain):
        """The face at the lower end of time."""
        times = [k for k, c in enumerate(domain.coordinates) if is_time(c)]
        faces = [f for f in domain.faces if f.axis in times and f.outward < 0]
        if not faces:
            raise ProblemError(
                f"`sp.Initial({shown(self.expression)}, ...)` needs a time axis, and the coordinates "
                f"{domain.coordinates} have none named `t`; name time `t`, or use `sp.Dirichlet(..., on=Eq(x, 0))`."
            )
        return tuple(Piece(((face, self.expression - self.value),)) for face in faces)

    def texts(self, printer):
        """`u = u0 at the start`."""
        return [f"{printer(sympy.Eq(self.expression, self.value, evaluate=False))} at the start"]


@dataclass(frozen=True, repr=False)
class AcrossAxis(Condition):
    """`expression` takes the same value at both ends of an axis."""

    expression: sympy.Expr
    axis: sympy.Symbol

    def pieces(self, domain):
        """One piece: the value at the upper end minus the value at the lower end."""
        if self.axis not in domain.coordinates:
            raise ProblemError(
                f"`sp.Periodic({shown(self.expression)}, {self.axis})` names no coordinate of the domain {domain}; "
                f"choose one of {domain.coordinates}."
            )
        k = domain.coordinates.index(self.axis)
        lower, upper = ([f for f in domain.faces if f.axis == k and f.outward == side] for side in (-1, 1))
        if len(lower) != 1 or len(upper) != 1:
            raise ProblemError(
                f"`sp.Periodic({shown(self.expression)}, {self.axis})` needs one face at each end, and this domain has "
                f"{len(lower)} and {len(upper)}; periodicity works on a box."
            )
        return (Piece(((upper[0], self.expression), (lower[0], -self.expression))),)

    def texts(self, printer):
        """`u periodic in x`."""
        return [f"{printer(self.expression)} periodic in {printer(self.axis)}"]


@dataclass(frozen=True, eq=False, repr=False)
class AtPoints(Condition):
    """`expression = values` at measured points."""

    expression: sympy.Expr
    points: object
    values: np.ndarray
    noise: float | None = field(default=None)

    def pieces(self, domain):
        """One piece: the points, in the order of the domain's coordinates."""
        points = self._ordered_points(domain)
        inside = domain.contains(points)
        if not inside.all():
            raise ProblemError(
                f"`sp.Observed({shown(self.expression)}, ...)` has {np.sum(~inside)} of {len(points)} points outside "
                f"the domain {domain}, the first at {points[~inside][0]}; the field exists only inside, so drop them."
            )
        return (Piece(((Scatter(points, self.values), self.expression),)),)

    def texts(self, printer):
        """`u observed at 200 points`."""
        noise = f", noise {self.noise:g}" if self.noise else ""
        return [f"{printer(self.expression)} observed at {len(self.values)} points{noise}"]

    def _ordered_points(self, domain):
        names = [str(c) for c in domain.coordinates]
        if isinstance(self.points, Mapping):
            given = {str(c): np.asarray(v, float).ravel() for c, v in self.points.items()}
            if set(given) != set(names) or any(len(v) != len(self.values) for v in given.values()):
                raise ProblemError(
                    f"`sp.Observed` was given coordinates { ({c: len(v) for c, v in given.items()}) } for "
                    f"{len(self.values)} values; it needs one array of that length for each of {', '.join(names)}."
                )
            return np.stack([given[c] for c in names], axis=1)
        points = np.asarray(self.points, float)
        if points.shape != (len(self.values), len(names)):
            raise ProblemError(
                f"`sp.Observed` was given points of shape {points.shape} for {len(self.values)} values; it needs shape "
                f"({len(self.values)}, {len(names)}), the columns being {', '.join(names)}."
            )
        return points


def _numbers(what, given) -> np.ndarray:
    """Measurements as an array of floats."""
    try:
        return np.asarray(given, float)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"`sp.Observed` was given {what} that are not an array of numbers ({error}); give plain numbers."
        ) from error


def _build(call, make, expression, value, name):
    """One condition for each component, named after what it sets."""
    pairs = _components(call, expression, value)
    made = [
        make(name=name if name and len(pairs) == 1 else f"{name or call.lower()} {_short(e)}", e=e, v=v)
        for e, v in pairs
    ]
    return made[0] if len(made) == 1 else made


@usage("sp.Dirichlet(u, 0, on=Eq(x, 1))")
def Dirichlet(expression, value=0, *, on=None, name: str | None = None):
    """`expression = value` on a part of the boundary.

    expression  an unknown, any expression in unknowns, or a column vector of these
    value       number, expression in the coordinates, or one for each component
    on          None: the whole space boundary; `Eq(x, 1)` or "x=1"; a list of these
    """
    return _build(
        "Dirichlet", lambda name, e, v: OnBoundary(name, e, sympy.S.One, sympy.S.Zero, v, on), expression, value, name
    )


@usage("sp.Neumann(u, 0, on=Eq(x, 1))")
def Neumann(expression, value=0, *, on=None, name: str | None = None):
    """Outward normal derivative `= value` on a part; arguments as in `Dirichlet`. Both faces of a corner count."""
    return _build(
        "Neumann", lambda name, e, v: OnBoundary(name, e, sympy.S.Zero, sympy.S.One, v, on), expression, value, name
    )


@usage("sp.Robin(u, 2, 1, 0, on=Eq(x, 1))")
def Robin(expression, a, b, value=0, *, on=None, name: str | None = None):
    """`a*expression + b*normal derivative = value` on a part; arguments as in `Dirichlet`."""
    a, b = (expression_of(number, f"sp.Robin({shown(expression)}, {shown(a)}, {shown(b)}, ...)") for number in (a, b))
    if a == b == 0:
        raise ProblemError(
            f"`sp.Robin({shown(expression)}, 0, 0, ...)` weighs both the field and its normal derivative by zero, so "
            f"nothing is imposed; give one of them a coefficient."
        )
    return _build("Robin", lambda name, e, v: OnBoundary(name, e, a, b, v, on), expression, value, name)


@usage("sp.Initial(u, sin(pi*x))")
def Initial(expression, value=0, *, name: str | None = None):
    """`expression = value` at the first instant; `expression` is `u`, or `u.diff(t)`, or a vector of these."""
    return _build("Initial", lambda name, e, v: AtStart(name, e, v), expression, value, name)


@usage("sp.Periodic(u, x)")
def Periodic(expression, axis: sympy.Symbol, *, name: str | None = None):
    """`expression` and its derivative along the axis agree at both ends of that axis."""
    if not isinstance(axis, sympy.Symbol):
        raise ProblemError(
            f"`sp.Periodic({shown(expression)}, {shown(axis)})` names no coordinate; give the symbol itself, "
            f"`sp.Periodic(u, x)`."
        )
    found = []
    for e, _ in _components("Periodic", expression, 0):
        for order, term in enumerate((e, e.diff(axis))):
            found.append(AcrossAxis(f"{name} {order}" if name else f"periodic {_short(term)} in {axis}", term, axis))
    return found


@usage("sp.Observed(u, {x: xs, y: ys}, values, noise=0.01)")
def Observed(expression, points, values: Sequence[float], *, noise: float | None = None, name: str | None = None):
    """Measured values of an expression, to be fitted.

    points   (n, d) in the order of the domain's coordinates, or {coordinate: (n,)}
    values   (n,), finite
    noise    standard deviation of the measurement error, in the units of the values; it scales the residual, which
             then weighs little: the field follows the equation. None: the values are taken for exact, as conditions are
    """
    if isinstance(expression, sympy.MatrixBase):
        raise ProblemError(
            f"`sp.Observed` was given the {len(expression)} components of {shown(expression)} at once, and each has "
            f"values of its own; write one `sp.Observed` for each component."
        )
    ((e, _),) = _components("Observed", expression, 0)
    measured = _numbers("values", values).ravel()
    if len(measured) == 0:
        raise ProblemError(
            f"`sp.Observed({shown(e)}, ...)` was given no values at all, so there is nothing to fit; leave the "
            f"condition out, or look why its data are empty."
        )
    if not np.isfinite(measured).all():
        bad = int(np.sum(~np.isfinite(measured)))
        raise ProblemError(
            f"`sp.Observed({shown(e)}, ...)` was given {len(measured)} values of which {bad} are NaN or infinite, so "
            f"the loss would be NaN; drop those points, for example with `numpy.isfinite`."
        )
    if isinstance(points, Mapping):
        points = {str(c): _numbers(f"coordinates of {c}", v) for c, v in points.items()}
    else:
        points = _numbers("points", points)
    if not all(np.isfinite(c).all() for c in (points.values() if isinstance(points, Mapping) else [points])):
        raise ProblemError(
            f"`sp.Observed({shown(e)}, ...)` was given points with NaN or infinite coordinates; drop those points, for "
            f"example with `numpy.isfinite`."
        )
    if noise is not None and not (isinstance(noise, numbers.Real) and noise > 0):
        raise ProblemError(
            f"`sp.Observed({shown(e)}, noise={shown(noise)})` needs a positive standard deviation; leave `noise` out "
            f"if unknown."
        )
    return AtPoints(name or f"observed {_short(e)}", e, points, measured, None if noise is None else float(noise))
