"""Conditions at a place inside the domain: `Interface`."""

from dataclasses import dataclass, replace

import numpy as np
import sympy

from spindle.errors import ProblemError, usage
from spindle.geometry.domain import Box
from spindle.problem.conditions.base import Condition, PrescribedStep, Role
from spindle.problem.conditions.components import built
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.symbols import allows_complex, unknown_of
from spindle.symbolic.words import shown


@dataclass(frozen=True, repr=False)
class AcrossPlace(Condition, stored_as="AcrossPlace"):
    """Above a place, `expression` is larger by `jump + resistance*flux`, and `flux` by `source`."""

    expression: sympy.Expr
    axis: sympy.Symbol
    place: sympy.Expr
    jump: sympy.Expr
    flux: sympy.Expr
    source: sympy.Expr
    resistance: sympy.Expr

    def pieces(self, domain):
        """None: nothing vanishes on the boundary; raises ProblemError where the place is not inside a box."""
        if self.axis not in domain.coordinates or not isinstance(domain, Box):
            raise ProblemError(
                f"The condition `{self.name}` holds at a place on an axis of a box, and the domain is {domain}; where "
                f"a coefficient jumps on a shape, write it into the equation, `spd.div(k*spd.grad(u))`."
            )
        low, high = map(float, domain.bounds[domain.coordinates.index(self.axis)])
        if not low < float(self.place) < high:
            raise ProblemError(
                f"The condition `{self.name}` holds at {self.axis} = {self.place}, which is not inside the domain, "
                f"{low:g} to {high:g}; at the ends use `spd.Dirichlet`, `spd.Neumann` or `spd.Robin`."
            )
        return ()

    def texts(self, printer):
        """`the jump of u is g, and that of k*u_x is h, at x = 0.5`."""
        jump = self.jump + self.resistance * self.flux
        flux = f", and that of {printer(self.flux)} is {printer(self.source)}" if self.flux != 0 else ""
        return [f"the jump of {printer(self.expression)} is {printer(jump)}{flux}, at {self.axis} = {self.place}"]

    @property
    def role(self):
        """What steps at the place."""
        step = PrescribedStep(
            self.expression, self.axis, float(self.place), self.jump, self.flux, self.source, self.resistance
        )
        return Role(across=step, is_on_parts=True)

    def data(self, size, length):
        """The size of the jump."""
        return self.expression, size(self.jump)

    def homogeneous(self):
        """No jump and no source of the flux; a resistance stays."""
        return replace(self, jump=sympy.S.Zero, source=sympy.S.Zero)

    def shifted(self, near):
        """Raises ProblemError: estimates are not made of such problems by solving for the error."""
        raise ProblemError(f"The condition `{self.name}` is not posed for errors of approximations.")

    def in_window(self, moved):
        """Every expression in the time of the window."""
        return replace(self, **{n: moved(getattr(self, n)) for n in ("jump", "flux", "source", "resistance")})


@usage("spd.Interface(u, Eq(x, 0.5), flux=k*u.diff(x), resistance=0.1)")
def Interface(unknown, at, *, jump=0, flux=None, flux_jump=0, resistance=0, name: str | None = None):
    """What an unknown and its flux do at a place inside a box: given jumps, a contact resistance.

    at          `Eq(x, 0.5)`: the place on an axis of space
    jump        of the unknown, its value above the place minus that below: a number or a formula of time
    flux        whose continuity or jump holds, as in the equation, `k*u.diff(x)`; coefficients are taken on either
                side. None: that of the equation, which is continuous
    flux_jump   of the flux, above minus below: a source in the place
    resistance  R of a contact, of which the unknown jumps by `R*flux` more

    On a box with one axis of space `spd.SPINN()` joins elements by these conditions; other methods refuse them.
    >>> import spindle as spd
    >>> from sympy import Eq
    >>> x = spd.coordinates("x")
    >>> u = spd.unknown("u", x)
    >>> print(spd.Interface(u, Eq(x, 0.5), flux=u.diff(x), resistance=2).texts(str)[0].split(",")[1])
     and that of Derivative(u(x), x) is 0

    Raises ProblemError where `at` is no place, or jumps of a flux are given without the flux.
    """
    call = f"spd.Interface({shown(unknown)}, {shown(at)}, ...)"
    if unknown_of(sympy.sympify(unknown)) != unknown:
        raise ProblemError(
            f"`{call}` takes an unknown itself, one after the other; write `spd.Interface(u, Eq(x, 0.5))`."
        )
    axis, place = _place(at, call)
    real = not allows_complex(unknown)
    jump, flux_jump, resistance, through = (
        expression_of(value, call, real=real) for value in (jump, flux_jump, resistance, 0 if flux is None else flux)
    )
    if through == 0 and (flux_jump != 0 or resistance != 0):
        raise ProblemError(
            f"`{call}` has a jump or a resistance of the flux, whose sign nobody knows; give `flux=k*u.diff(x)`."
        )
    return built(
        "Interface",
        lambda name, e, v: AcrossPlace(name, e, axis, place, v, through, flux_jump, resistance),
        unknown,
        jump,
        name,
    )


def _place(at, call: str) -> tuple[sympy.Symbol, sympy.Expr]:
    """The axis and the number that `Eq(x, 0.5)` says; raises ProblemError where it is no such equation."""
    if isinstance(at, sympy.Eq):
        axis, place = sympy.sympify(at.lhs), sympy.sympify(at.rhs)
        if isinstance(axis, sympy.Symbol) and place.is_number and place.is_real and np.isfinite(float(place)):
            return axis, place
    raise ProblemError(f"`{call}` needs a place on an axis of space; write `Eq(x, 0.5)`.")
