"""Conditions at the first instant: `Initial`."""

from dataclasses import dataclass, replace

import sympy

from spindle.errors import ProblemError, usage
from spindle.problem.conditions.base import Condition, Piece, PrescribedValue, Role
from spindle.problem.conditions.components import built
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import shown


@dataclass(frozen=True, repr=False)
class AtStart(Condition, stored_as="AtStart"):
    """`expression = value` at the first instant."""

    expression: sympy.Expr
    value: sympy.Expr

    def pieces(self, domain):
        """The face at the lower end of time.

        Raises ProblemError where the domain has no time.
        """
        times = [k for k, c in enumerate(domain.coordinates) if is_time(c)]
        faces = [f for f in domain.faces if f.axis in times and f.outward < 0]
        if not faces:
            raise ProblemError(
                f"`spd.Initial({shown(self.expression)}, ...)` needs a time axis, and the coordinates "
                f"{domain.coordinates} have none named `t`; name time `t`, or use `spd.Dirichlet(..., on=Eq(x, 0))`."
            )
        return tuple(Piece(((face, self.expression - self.value),)) for face in faces)

    def texts(self, printer):
        """`u = u0 at the start`."""
        return [f"{printer(sympy.Eq(self.expression, self.value, evaluate=False))} at the start"]

    @property
    def role(self):
        """Initial data."""
        return Role(starts=PrescribedValue(self.expression, self.value), is_on_parts=True)

    def data(self, size, length):
        """The size of the value."""
        return self.expression, size(self.value)

    def homogeneous(self):
        """The value zero."""
        return replace(self, value=sympy.S.Zero)

    def shifted(self, near):
        """The value where the error is taken, the unknowns with what is known of them."""
        return replace(self, expression=near.beyond(self.expression), value=near.moved(self.value))

    def in_window(self, moved):
        """The value in the time of the window; rates are those in that time already."""
        return replace(self, value=moved(self.value))


@usage("spd.Initial(u, sin(pi*x))")
def Initial(expression, value=0, *, name: str | None = None):
    """`expression = value` at the first instant; `expression` is `u`, or `u.diff(t)`, or a vector of these."""
    return built("Initial", lambda name, e, v: AtStart(name, e, v), expression, value, name)
