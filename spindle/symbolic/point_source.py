"""Sources at a point, spread over a stated width."""

from collections.abc import Mapping, Sequence

import sympy

from spindle.errors import ProblemError, usage
from spindle.symbolic.words import shown


def spread_source(gaps: Sequence[sympy.Expr], width) -> sympy.Expr:
    """A normal density of this standard deviation of the distances from a point, one for each coordinate."""
    width = sympy.sympify(width)
    square = sympy.Add(*(gap**2 for gap in gaps))
    return sympy.exp(-square / (2 * width**2)) / (sympy.sqrt(2 * sympy.pi) * width) ** len(gaps)


@usage("spd.point_source({x: 0.3, y: 0.4}, width=0.05)")
def point_source(at: Mapping, width) -> sympy.Expr:
    """A source of strength one at a point, spread over a width: a normal density, whose integral is one.

    at      {coordinate: position}; positions may depend on t, as of a source that moves
    width   standard deviation, in the units of the coordinates, which must be alike. Beyond three widths nothing is
            left; away from the point the solution differs from that of a true point source by the order of width^2
    Raises ProblemError where `at` names no place, or the width is not positive.
    """
    if not isinstance(at, Mapping) or not at or not all(isinstance(c, sympy.Symbol) for c in at):
        raise ProblemError(
            f"`spd.point_source({shown(at)}, ...)` names no place; write `spd.point_source({{x: 0.3, y: 0.4}}, 0.05)`."
        )
    width = sympy.sympify(width)
    if not isinstance(width, sympy.Expr) or width.is_positive is False or (width.is_number and not width > 0):
        raise ProblemError(
            f"`spd.point_source(..., width={shown(width)})` needs a positive width over which the source is spread; "
            f"write a tenth of the domain or less, such as 0.05."
        )
    return spread_source([c - sympy.sympify(position) for c, position in at.items()], width)
