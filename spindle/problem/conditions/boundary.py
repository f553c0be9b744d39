"""Conditions on the boundary: `Dirichlet`, `Neumann`, `Robin`."""

from dataclasses import dataclass, replace

import sympy

from spindle.errors import ProblemError, usage
from spindle.geometry.supports import BoundaryPart
from spindle.problem.conditions.base import Condition, Piece, PrescribedValue, Role
from spindle.problem.conditions.components import built
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.sides import in_words
from spindle.symbolic.symbols import Normal, allows_complex, is_space
from spindle.symbolic.words import shown


@dataclass(frozen=True, repr=False)
class OnBoundary(Condition, stored_as="OnBoundary"):
    """`a*expression + b*(outward normal derivative) = value` on a part: Dirichlet, Neumann and Robin in one.

    The normal is the face's own, so at a corner the condition holds for both faces.
    """

    expression: sympy.Expr
    a: sympy.Expr
    b: sympy.Expr
    value: sympy.Expr
    on: object

    @property
    def role(self):
        """A value, which is known on whole faces, or one that contains slopes."""
        is_value = self.a == 1 and self.b == 0
        fixes = PrescribedValue(self.expression, self.value) if is_value else None
        return Role(fixes=fixes, is_on_parts=True, has_slopes=self.b != 0)

    def pieces(self, domain):
        """One piece a face of the part.

        Raises ProblemError where the domain has no boundary in space, or no such part.
        """
        faces = domain.part(self.on, call=self.name)
        if not faces:
            raise ProblemError(
                f"The condition `{self.name}` has no boundary to hold on: the domain {domain} has only time. "
                f"Name a part, `on=Eq(x, 0)`, or use `spd.Initial`."
            )
        return tuple(Piece(((face, self._residual(face, domain)),)) for face in faces)

    def _residual(self, part, domain):
        """The residual; on a wall it contains the components of the normal as symbols."""
        space = [c for c in domain.coordinates if is_space(c)]
        outward = sum(Normal(c.name) * self.expression.diff(c) for c in space) if self.b != 0 else 0
        residual = self.a * self.expression + self.b * outward - self.value
        if isinstance(part, BoundaryPart):
            return residual
        along = domain.coordinates[part.axis]
        return residual.xreplace({Normal(c.name): sympy.Integer(part.outward * (c == along)) for c in space})

    def texts(self, printer):
        """`a u + b du/dn = g on x=1`."""
        left = self.a * self.expression
        if self.b != 0:
            left = left + self.b * NormalDerivative(self.expression)
        return [f"{printer(sympy.Eq(left, self.value, evaluate=False))} {where_text(self.on)}"]

    def data(self, size, length):
        """The size of the value divided by that of its coefficient: of `a`, or of `b` over a length."""
        weight = max(size(self.a), size(self.b) / length)
        return self.expression, size(self.value) / weight if weight > 0 else 0.0

    def homogeneous(self):
        """The value zero."""
        return replace(self, value=sympy.S.Zero)

    def shifted(self, near):
        """Every expression where the error is taken, the unknowns with what is known of them."""
        coefficients = {name: near.moved(getattr(self, name)) for name in ("a", "b", "value")}
        return replace(self, expression=near.beyond(self.expression), **coefficients)

    def in_window(self, moved):
        """Every expression in the time of the window."""
        return replace(self, **{name: moved(getattr(self, name)) for name in ("expression", "a", "b", "value")})


def where_text(on) -> str:
    """A part of the boundary in words, `on y=1`."""
    if on is None:
        return "on the boundary"
    parts = on if isinstance(on, (list, tuple)) else [on]
    return "on " + ", ".join(map(in_words, parts))


@usage("spd.Dirichlet(u, 0, on=Eq(x, 1))")
def Dirichlet(expression, value=0, *, on=None, name: str | None = None):
    """`expression = value` on a part of the boundary.

    expression  an unknown, any expression in unknowns, or a column vector of these
    value       number, expression in the coordinates, or one for each component
    on          None: the whole space boundary; `Eq(x, 1)` or "x=1"; a part, `And(Eq(y, 1), x > 0.3)`, from SymPy's
                `And`, `Or`, `Not`, relations between coordinates and `spd.side(name)`; a list of these
    """
    return built(
        "Dirichlet", lambda name, e, v: OnBoundary(name, e, sympy.S.One, sympy.S.Zero, v, on), expression, value, name
    )


@usage("spd.Neumann(u, 0, on=Eq(x, 1))")
def Neumann(expression, value=0, *, on=None, name: str | None = None):
    """Outward normal derivative `= value` on a part; arguments as in `Dirichlet`. Both faces of a corner count."""
    return built(
        "Neumann", lambda name, e, v: OnBoundary(name, e, sympy.S.Zero, sympy.S.One, v, on), expression, value, name
    )


@usage("spd.Robin(u, 2, 1, 0, on=Eq(x, 1))")
def Robin(expression, a, b, value=0, *, on=None, name: str | None = None):
    """`a*expression + b*normal derivative = value` on a part; arguments as in `Dirichlet`.

    Raises ProblemError where both coefficients are zero.
    """
    call = f"spd.Robin({shown(expression)}, {shown(a)}, {shown(b)}, ...)"
    a, b = (expression_of(number, call, real=not allows_complex(expression)) for number in (a, b))
    if a == b == 0:
        raise ProblemError(
            f"`spd.Robin({shown(expression)}, 0, 0, ...)` weighs both the field and its normal derivative by zero, so "
            f"nothing is imposed; give one of them a coefficient."
        )
    return built("Robin", lambda name, e, v: OnBoundary(name, e, a, b, v, on), expression, value, name)
