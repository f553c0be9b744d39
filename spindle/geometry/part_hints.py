"""What is said where `on=` names no part of the boundary, by what was probably meant."""

import re
from collections.abc import Sequence

from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from spindle.errors import ProblemError, nearest
from spindle.symbolic.sides import in_words
from spindle.symbolic.words import shown

_RELATION = re.compile(r"[<>=]")
_LOGIC = re.compile(r"\band\b|\bor\b|\bnot\b|[&|~]")

_JOINED = (
    ", and relations are joined by SymPy, `on=And(Eq(y, 1), x > 0.3, x < 0.7)`, with `from sympy import And, Eq`; "
    'names of sides by `spd.side("hole")`, `on=~spd.side("hole")`.'
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
    if isinstance(on, (BooleanFunction, Relational)):
        return ProblemError(
            f"{given}, which does not name a part of the boundary by relations between its coordinates; join such "
            f"relations, `on=And(Eq(y, 1), x > 0.3, x < 0.7)`, by `And`, `Or` and `Not`."
        )
    if callable(on):
        return ProblemError(f"{given}, and code is never asked where a condition holds; write {usual}{example}.")
    return ProblemError(
        f"{given}, which does not name a part of the boundary; write {usual}{example}, or a list of these."
    )


def _of_text(on: str, names: Sequence[str], planes: bool) -> str:
    if _LOGIC.search(on) and _RELATION.search(on):
        return _JOINED
    if not planes and _RELATION.search(on):
        return ", and text is the name of a side; write a relation without quotes, `on=x > 0`."
    if planes:
        return ", but this domain has no boundary there, so the condition would hold at no point at all."
    return f", but the sides of this domain are {', '.join(names)}, so the condition would hold at no point at all."


def nothing_there(on, call: str, domain) -> ProblemError:
    """The error where no point of the boundary fulfils a relation."""
    return ProblemError(
        f"`{call}` was given the part `{in_words(on)}`, but nothing of the boundary of {domain} lies there, so the "
        f"condition would hold at no point at all; check the relation."
    )
