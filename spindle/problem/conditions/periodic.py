"""Conditions between both ends of an axis: `Periodic`."""

from dataclasses import dataclass, replace

import sympy

from spindle.errors import ProblemError, usage
from spindle.problem.conditions.base import Condition, Periodicity, Piece, Role
from spindle.problem.conditions.components import components, short_name
from spindle.symbolic.words import shown


@dataclass(frozen=True, repr=False)
class AcrossAxis(Condition, stored_as="AcrossAxis"):
    """`expression` takes the same value at both ends of an axis."""

    expression: sympy.Expr
    axis: sympy.Symbol

    def pieces(self, domain):
        """One piece: the value at the upper end minus the value at the lower end.

        Raises ProblemError where the domain has no such axis, or is not one box.
        """
        if self.axis not in domain.coordinates:
            raise ProblemError(
                f"`spd.Periodic({shown(self.expression)}, {self.axis})` names no coordinate of the domain {domain}; "
                f"choose one of {domain.coordinates}."
            )
        k = domain.coordinates.index(self.axis)
        lower, upper = ([f for f in domain.faces if f.axis == k and f.outward == side] for side in (-1, 1))
        if len(lower) != 1 or len(upper) != 1:
            raise ProblemError(
                f"`spd.Periodic({shown(self.expression)}, {self.axis})` needs one face at each end, and this domain "
                f"has {len(lower)} and {len(upper)}; periodicity works on a box."
            )
        return (Piece(((upper[0], self.expression), (lower[0], -self.expression))),)

    def texts(self, printer):
        """`u periodic in x`."""
        return [f"{printer(self.expression)} periodic in {printer(self.axis)}"]

    @property
    def role(self):
        """Periodicity, which features may have by themselves."""
        return Role(periodic=Periodicity(self.expression, self.axis), is_on_parts=True)

    def data(self, size, length):
        """None: both ends are unknown."""

    def homogeneous(self):
        """Itself, as it has no data."""
        return self

    def shifted(self, near):
        """The unknowns with what is known of them."""
        return replace(self, expression=near.beyond(self.expression))

    def in_window(self, moved):
        """The expression in the time of the window."""
        return replace(self, expression=moved(self.expression))


@usage("spd.Periodic(u, x)")
def Periodic(expression, axis: sympy.Symbol, *, name: str | None = None):
    """`expression` and its derivative along the axis agree at both ends of that axis.

    Raises ProblemError where the axis is no symbol.
    """
    if not isinstance(axis, sympy.Symbol):
        raise ProblemError(
            f"`spd.Periodic({shown(expression)}, {shown(axis)})` names no coordinate; give the symbol itself, "
            f"`spd.Periodic(u, x)`."
        )
    conditions = []
    for e, _ in components("Periodic", expression, 0):
        for order, term in enumerate((e, e.diff(axis))):
            conditions.append(
                AcrossAxis(f"{name} {order}" if name else f"periodic {short_name(term)} in {axis}", term, axis)
            )
    return conditions
