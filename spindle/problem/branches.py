"""Functions that switch, written as the branch that holds in the domain where it is one and the same everywhere.

`Heaviside(x - 5)` on the interval (0, 1) is 0, `Max(x, 5)` is 5, `Mod(x, 5)` is x, and the spike that a derivative of a
jump leaves at x = 5 is nothing. What is replaced is certain: differences are enclosed by interval arithmetic on boxes
that cover the domain, which are divided until they tell.
"""

from collections.abc import Callable, Mapping

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from spindle.geometry.domain import Domain
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shape_domain import ShapeDomain
from spindle.symbolic.enclosure import enclosure
from spindle.symbolic.fluxes import is_flux
from spindle.symbolic.functions import JUMPING
from spindle.symbolic.symbols import Parameter

_MOST_BOXES = 4_000
_HALVINGS = 40
_ROUNDING = 1e-12  # of the least sum of terms: a switch so close to the domain's edge is at the edge
_BENT = (sympy.Piecewise, sympy.Abs, sympy.Max, sympy.Min, *JUMPING)
_SWITCHING = (*_BENT, sympy.DiracDelta)


def in_one_branch(expression, domain: Domain, *, closed: bool = True):
    """An expression with its switches replaced by the branch that holds on the whole domain, where there is one.

    closed   whether the boundary counts: the interior of an interval from 0 is in one branch of `Heaviside(x)`, and
             with its end, where the value is 1/2, it is not
    """
    if not isinstance(expression, sympy.Basic) or not expression.has(*_SWITCHING):
        return expression
    return _Branches(domain, closed).of(expression)


class _Branches:
    """The branches of switching functions on a domain.

    at   {symbol: what stands in its place}, for the functions within a `Subs`
    """

    def __init__(self, domain: Domain, closed: bool, at: Mapping | None = None):
        self.domain, self.closed, self.at = domain, closed, dict(at or {})

    def of(self, e):
        """The expression with its switches replaced; fields are left as they are."""
        if isinstance(e, AppliedUndef) or not e.has(*_SWITCHING):
            return e
        if isinstance(e, (sympy.Derivative, sympy.Subs)):
            return self._derivative(e)
        parts = [self.of(part) for part in e.args]
        inner = e if all(a == b for a, b in zip(parts, e.args, strict=True)) else e.func(*parts)
        rule = _RULES.get(inner.func)
        chosen = rule(self, inner) if rule else None
        return inner if chosen is None else chosen

    def _derivative(self, e):
        """A derivative that is not carried out, of a flux or of a function that SymPy cannot differentiate.

        It is carried out once its function does not jump any more.
        """
        if isinstance(e, sympy.Subs):
            point = dict(zip(e.variables, e.point, strict=True))
            inner = _Branches(self.domain, self.closed, {**self.at, **point}).of(e.expr)
            return e if inner == e.expr else inner.subs(point)
        inner = self.of(e.expr)
        if inner == e.expr:
            return e
        derivative = sympy.Derivative(inner, *e.variable_count)
        return derivative if is_flux(derivative) else derivative.doit()

    # ------------------------------------------------------------------------------------------------------- signs

    def sign(self, e) -> int:
        """1 where an expression is positive on the whole domain, -1 where it is negative, else 0.

        On the domain without its boundary, what is analytic and never negative is positive almost everywhere.
        """
        e = sympy.sympify(e).xreplace(self.at)
        terms = sympy.Add(*(sympy.Abs(term) for term in sympy.Add.make_args(e)))
        touching = not self.closed and bool(e.free_symbols) and not e.has(*_BENT)
        boxes, told = self._boxes(e), set[int]()
        for _ in range(_HALVINGS):
            if not len(boxes) or len(boxes) > _MOST_BOXES or len(told) > 1:
                break
            low, high = self._ends(e, boxes)
            gap = _ROUNDING * np.maximum(self._ends(terms, boxes)[0], 0.0)
            positive = (low >= -gap) & (high > 0) if touching else low > gap
            negative = (high <= gap) & (low < 0) if touching else high < -gap
            told |= {sign for here, sign in ((positive, 1), (negative, -1)) if here.any()}
            boxes = self._halves(boxes[~(positive | negative)])
        return told.pop() if not len(boxes) and len(told) == 1 else 0

    def whole(self, e) -> int | None:
        """The whole number n for which an expression lies between n and n + 1 on the whole domain, if there is one."""
        e = sympy.sympify(e).xreplace(self.at)
        low, high = self._ends(e, self._boxes(e))
        least, most = low.min(initial=np.inf), high.max(initial=-np.inf)
        if not (np.isfinite(least) and np.isfinite(most)):
            return None
        middle = (least + most) / 2
        n = int(np.floor(middle)) if np.isfinite(middle) else 0
        return n if self.sign(e - n) > 0 and self.sign(n + 1 - e) > 0 else None

    def truth(self, condition) -> bool | None:
        """Whether a condition holds on the whole domain, or nowhere in it; None where that is not known."""
        if isinstance(condition, BooleanAtom):
            return bool(condition)
        if isinstance(condition, sympy.Not):
            inner = self.truth(condition.args[0])
            return None if inner is None else not inner
        if isinstance(condition, (sympy.And, sympy.Or)):
            decisive, parts = isinstance(condition, sympy.Or), [self.truth(c) for c in condition.args]
            return decisive if decisive in parts else None if None in parts else not decisive
        sign = self.sign(condition.lhs - condition.rhs) if isinstance(condition, Relational) else 0
        return _TRUTH[condition.func](sign) if sign and condition.func in _TRUTH else None

    def _axes(self, e) -> list[sympy.Symbol]:
        return [*self.domain.coordinates, *sorted(e.free_symbols - set(self.domain.coordinates), key=str)]

    def _ends(self, e, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return enclosure(e, dict(zip(self._axes(e), boxes.transpose(1, 2, 0), strict=True)))

    def _boxes(self, e) -> np.ndarray:
        """Boxes (n, d, 2) that cover the domain and the ranges of all other symbols."""
        ranges = np.array([_range(s) for s in self._axes(e)[len(self.domain.coordinates) :]]).reshape(-1, 2)
        parts = np.array(self.domain.boxes or [self.domain.bounds])
        return np.concatenate([parts, np.tile(ranges, (len(parts), 1, 1))], axis=1)

    def _halves(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes cut in two across their longest axes in units of the whole; only halves that meet the domain."""
        if not len(boxes):
            return boxes
        whole = np.ptp(self.domain.bounds, axis=1)
        size = np.ptp(boxes, axis=2)
        size[:, : len(whole)] /= whole
        size[~np.isfinite(size)] = 0  # symbols without a range are not divided
        each, axis = np.arange(len(boxes)), size.argmax(1)
        middle = boxes[each, axis].mean(1)
        lower, upper = boxes.copy(), boxes.copy()
        lower[each, axis, 1], upper[each, axis, 0] = middle, middle
        halves = np.concatenate([lower, upper])
        return halves[self._meet(halves)]

    def _meet(self, boxes: np.ndarray) -> np.ndarray:
        """Whether each box may contain a point of the domain, (n,)."""
        if not isinstance(self.domain, ShapeDomain) or isinstance(self.domain.shape, PointCloud):
            return np.ones(len(boxes), bool)
        space = [k for k in range(len(self.domain.coordinates)) if k != self.domain.time]
        ends = boxes[:, space]
        return self.domain.shape.distance(ends.mean(2)) >= -np.linalg.norm(np.ptp(ends, axis=2), axis=1) / 2


def _range(symbol) -> tuple[float, float]:
    if not isinstance(symbol, Parameter) or symbol.unknown:
        return -np.inf, np.inf
    return symbol.bounds or (symbol.value, symbol.value)


_TRUTH: dict[type, Callable] = {
    sympy.StrictGreaterThan: lambda sign: sign > 0,
    sympy.GreaterThan: lambda sign: sign > 0,
    sympy.StrictLessThan: lambda sign: sign < 0,
    sympy.LessThan: lambda sign: sign < 0,
    sympy.Eq: lambda sign: False,
    sympy.Ne: lambda sign: True,
}


# ---------------------------------------------------------------------------------------------------------- branches


def _of_sign(branch: Callable) -> Callable:
    """The rule of a function whose branch follows from the sign of its argument."""

    def rule(branches: _Branches, e):
        sign = branches.sign(e.args[0])
        return branch(e.args[0], sign) if sign else None

    return rule


def _of_whole(branch: Callable) -> Callable:
    """The rule of a function whose branch follows from the whole number below its argument."""

    def rule(branches: _Branches, e):
        n = branches.whole(e.args[0] if len(e.args) == 1 else e.args[0] / e.args[1])
        return None if n is None else branch(n, *e.args)

    return rule


def _of_order(larger: int) -> Callable:
    """The rule of Max (1) and Min (-1): arguments that another one exceeds everywhere are left out."""

    def rule(branches: _Branches, e):
        left = list(e.args)
        for one in e.args:
            if any(other is not one and branches.sign(other - one) == larger for other in left):
                left.remove(one)
        return e.func(*left)

    return rule


def _piece(branches: _Branches, e):
    pairs = []
    for value, condition in e.args:
        holds = branches.truth(condition)
        if holds is not False:
            pairs.append((value, True if holds else condition))
        if holds:
            break
    return sympy.Piecewise(*pairs) if pairs else None


_RULES: dict[type, Callable] = {
    sympy.Heaviside: _of_sign(lambda e, sign: sympy.Integer(sign > 0)),
    sympy.sign: _of_sign(lambda e, sign: sympy.Integer(sign)),
    sympy.Abs: _of_sign(lambda e, sign: sign * e),
    sympy.DiracDelta: _of_sign(lambda e, sign: sympy.S.Zero),
    sympy.floor: _of_whole(lambda n, e: sympy.Integer(n)),
    sympy.ceiling: _of_whole(lambda n, e: sympy.Integer(n + 1)),
    sympy.frac: _of_whole(lambda n, e: e - n),
    sympy.Mod: _of_whole(lambda n, a, b: a - n * b),
    sympy.Max: _of_order(1),
    sympy.Min: _of_order(-1),
    sympy.Piecewise: _piece,
}
