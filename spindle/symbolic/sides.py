"""Parts of a boundary as logic: relations between coordinates and names of sides, joined by `And`, `Or` and `Not`."""

from collections.abc import Callable
from functools import reduce

import numpy as np
import sympy
from sympy.core.basic import Basic
from sympy.core.function import AppliedUndef
from sympy.core.relational import Eq, Relational
from sympy.core.symbol import Str
from sympy.logic.boolalg import And, Boolean, Not, Or

from spindle.errors import ProblemError, usage
from spindle.symbolic.words import shown

DEEPEST = 40  # `And`, `Or` and `Not` within each other
MOST = 60  # relations and sides of one part


class Side(Boolean):
    """Whether a point lies on the side of that name; see `side`."""

    def __new__(cls, name: str):
        return Basic.__new__(cls, Str(name))

    @property
    def name(self) -> str:
        """What the side is called."""
        return self.args[0].name

    def _sympystr(self, printer) -> str:
        return self.name


@usage('spd.side("hole")')
def side(name: str) -> Side:
    """The side of that name in `on=`, to be joined: `on=~spd.side("hole")`, `on=spd.side("outer") & (y > 0)`.

    A name alone is enough where nothing is joined, `on="hole"`. Raises ProblemError where the name is no text.
    """
    if not isinstance(name, str) or not name.strip():
        raise ProblemError(f'`spd.side({shown(name)})` names no side; write its name as text, `spd.side("hole")`.')
    return Side(name)


def is_part(on) -> bool:
    """Whether this is logic of relations and sides, which may be true at some points and false at others."""
    waiting, count = [(on, 0)], 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > 2 * MOST or depth > DEEPEST:
            return False
        if isinstance(node, (And, Or, Not)):
            waiting += [(part, depth + 1) for part in node.args]
        elif not isinstance(node, (Relational, Side)) or node.atoms(AppliedUndef):
            return False
    return True


def sides_in(on) -> list[str]:
    """The names of all sides that logic mentions."""
    return sorted(side.name for side in on.atoms(Side))


def truth(on, of_relation: Callable[[Relational], np.ndarray], of_side: Callable[[str], np.ndarray]) -> np.ndarray:
    """Where logic is true, from where each of its relations and sides is, boolean arrays of one shape."""
    if isinstance(on, Side):
        return of_side(on.name)
    if isinstance(on, Relational):
        return of_relation(on)
    parts = [truth(part, of_relation, of_side) for part in on.args]
    if isinstance(on, Not):
        return ~parts[0]
    return reduce(np.logical_and if isinstance(on, And) else np.logical_or, parts)


def in_words(on) -> str:
    """A part as text: `y=1 and x > 0.3`, `not hole`."""
    if isinstance(on, (And, Or)):
        word = " and " if isinstance(on, And) else " or "
        parts = sorted(on.args, key=lambda part: (not isinstance(part, (Eq, Side)), sympy.default_sort_key(part)))
        return word.join(f"({in_words(p)})" if isinstance(p, (And, Or)) else in_words(p) for p in parts)
    if isinstance(on, Not):
        inner = in_words(on.args[0])
        return f"not ({inner})" if isinstance(on.args[0], (And, Or)) else f"not {inner}"
    return f"{shown(on.lhs)}={shown(on.rhs)}" if isinstance(on, Eq) else shown(on) if isinstance(on, Basic) else str(on)
