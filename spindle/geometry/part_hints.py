"""What is said where `on=` names no part of the boundary, by what was probably meant."""

import re
from collections.abc import Sequence

from sympy.core.relational import Eq, Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction, Or

from spindle.errors import ProblemError, nearest
from spindle.symbolic.words import shown

_RELATION = re.compile(r"[<>=]")
_LOGIC = re.compile(r"\band\b|\bor\b|\bnot\b|[&|~]")

# Whole sides only: how conditions that change along a side are written with what there is.
_OF_A_SIDE = (
    ", which does not name a part of the boundary: a part of a side cannot be given yet; name the whole side and let "
    "the data or the coefficients change along it, steeply but smoothly, for 2*u + du/dn = 0 between 0.3 and 0.7 and "
    "du/dn = 0 elsewhere `sp.Robin(u, tanh((x - 0.3)/0.02) - tanh((x - 0.7)/0.02), 1, 0, on=Eq(y, 1))`."
)


def no_part(on, call: str, names: Sequence[str], *, planes: bool) -> ProblemError:
    """The error where `on=` names no part of the boundary.

    call     what the condition is called
    names    of the sides that there are
    planes   whether these are planes of a box
    """
    given, example = f"`{call}` was given `on={shown(on)}`", f'`on="{names[0]}"`' if names else "`on=Eq(x, 0)`"
    usual = "a plane, `on=Eq(x, 1)`, its name, " if planes else "a relation between coordinates, `on=x > 0`, a name, "
    if isinstance(on, str):
        return ProblemError(given + _of_text(on, names, planes) + nearest(on, names))
    if isinstance(on, (bool, BooleanAtom)):
        return ProblemError(
            f"{given}, as Python or SymPy answered a comparison; write `on=Eq(x, 0)`, not `on=x == 0`, with one of the "
            f"coordinates of the domain."
        )
    if isinstance(on, Or) and all(isinstance(part, Relational) for part in on.args):
        parts = ", ".join(map(shown, on.args))
        return ProblemError(f"{given}, and parts are listed, not joined by `Or`; write `on=[{parts}]`.")
    if isinstance(on, BooleanFunction) or (planes and isinstance(on, Relational) and not isinstance(on, Eq)):
        return ProblemError(given + _OF_A_SIDE)
    if callable(on):
        return ProblemError(f"{given}, and code is never asked where a condition holds; write {usual}{example}.")
    return ProblemError(
        f"{given}, which does not name a part of the boundary; write {usual}{example}, or a list of these."
    )


def _of_text(on: str, names: Sequence[str], planes: bool) -> str:
    if _LOGIC.search(on) and _RELATION.search(on):
        return _OF_A_SIDE
    if not planes and _RELATION.search(on):
        return ", and text is the name of a side; write a relation without quotes, `on=x > 0`."
    if planes:
        return ", but this domain has no boundary there, so the condition would hold at no point at all."
    return f", but the sides of this domain are {', '.join(names)}, so the condition would hold at no point at all."
