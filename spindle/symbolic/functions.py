"""The functions that a problem may be written with, and their values: one table for NumPy and for JAX.

An expression is evaluated by walking through it, never by generated code: nothing falls back to another library,
numbers of any size become floats, and the depth of a formula is no matter of a parser.
"""

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import sympy
from sympy.codegen import cfunctions
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic import boolalg

from spindle.errors import ProblemError
from spindle.symbolic.scaled import ScaledWalk, float_of, leaves_range
from spindle.symbolic.symbols import is_given

_LARGEST_INTEGER_POWER = 1024  # above, powers are taken of floats
_NODES = 256  # of the integrals that Bessel functions are: exact for arguments below about 450
_FAR = 450.0


class Library(NamedTuple):
    """Arrays and their special functions: `numpy` with `scipy.special`, or `jax.numpy` with `jax.scipy.special`."""

    np: ModuleType
    special: ModuleType


NUMPY = Library(np, scipy.special)


def _of_np(name: str) -> Callable:
    return lambda library, *arguments: getattr(library.np, name)(*arguments)


def _of_special(name: str) -> Callable:
    return lambda library, *arguments: getattr(library.special, name)(*arguments)


def _inverse_of(name: str) -> Callable:
    """The function x -> 1 / f(x)."""
    return lambda library, x: 1 / getattr(library.np, name)(x)


def _at_inverse(name: str) -> Callable:
    """The function x -> f(1 / x)."""
    return lambda library, x: getattr(library.np, name)(1 / x)


def _all_of(name: str) -> Callable:
    return lambda library, *arguments: functools.reduce(getattr(library.np, name), arguments)


def _bessel(kernel: Callable) -> Callable:
    """The mean of a periodic function over half its period: the midpoint rule converges faster than any power."""

    def rule(library, order, x):
        angles = (np.arange(_NODES) + 0.5) * np.pi / _NODES
        x = library.np.asarray(x)
        angles = library.np.asarray(angles, x.dtype)
        value = library.np.mean(kernel(library.np, order, x[..., None], angles), axis=-1)
        return library.np.where(abs(x) < _FAR, value, np.nan)

    return rule


def _polygamma(library, order, x):
    return library.special.digamma(x) if order == 0 else library.special.polygamma(int(order), x)


# SymPy's function -> its values in a library. JAX takes derivatives by unknowns itself; SymPy, those by coordinates.
TABLE: dict[type, Callable] = {
    **{getattr(sympy, name): _of_np(name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log")},
    **{getattr(sympy, name): _of_np(f"arc{name[1:]}") for name in ("asin", "acos", "atan", "atan2")},
    **{getattr(sympy, name): _of_np(f"arc{name[1:]}") for name in ("asinh", "acosh", "atanh")},
    **{getattr(cfunctions, name): _of_np(name) for name in ("exp2", "expm1", "log1p", "log2", "log10", "hypot")},
    sympy.sec: _inverse_of("cos"),
    sympy.csc: _inverse_of("sin"),
    sympy.cot: _inverse_of("tan"),
    sympy.sech: _inverse_of("cosh"),
    sympy.csch: _inverse_of("sinh"),
    sympy.coth: _inverse_of("tanh"),
    sympy.asec: _at_inverse("arccos"),
    sympy.acsc: _at_inverse("arcsin"),
    sympy.acot: _at_inverse("arctan"),
    sympy.asech: _at_inverse("arccosh"),
    sympy.acsch: _at_inverse("arcsinh"),
    sympy.acoth: _at_inverse("arctanh"),
    sympy.sinc: lambda library, x: library.np.sinc(x / np.pi),
    sympy.Abs: _of_np("abs"),
    sympy.sign: _of_np("sign"),
    sympy.floor: _of_np("floor"),
    sympy.ceiling: _of_np("ceil"),
    sympy.frac: lambda library, x: x - library.np.floor(x),
    sympy.Mod: _of_np("mod"),
    sympy.Max: _all_of("maximum"),
    sympy.Min: _all_of("minimum"),
    sympy.Heaviside: _of_np("heaviside"),
    sympy.UnevaluatedExpr: lambda library, x: x,
    sympy.erf: _of_special("erf"),
    sympy.erfc: _of_special("erfc"),
    sympy.erfi: lambda library, x: 2 / math.sqrt(math.pi) * library.np.exp(x * x) * library.special.dawsn(x),
    sympy.erf2: lambda library, x, y: library.special.erf(y) - library.special.erf(x),
    sympy.erfinv: _of_special("erfinv"),
    sympy.erfcinv: lambda library, x: -library.special.ndtri(x / 2) / math.sqrt(2),
    sympy.gamma: _of_special("gamma"),
    sympy.loggamma: _of_special("gammaln"),
    sympy.factorial: lambda library, x: library.special.gamma(x + 1),
    sympy.polygamma: _polygamma,
    sympy.lowergamma: lambda library, s, x: library.special.gammainc(s, x) * library.special.gamma(s),
    sympy.uppergamma: lambda library, s, x: library.special.gammaincc(s, x) * library.special.gamma(s),
    sympy.beta: _of_special("beta"),
    sympy.zeta: lambda library, s, shift=1.0: library.special.zeta(s, shift),
    sympy.expint: lambda library, order, x: library.special.expn(int(order), x),
    sympy.Ei: _of_special("expi"),
    sympy.li: lambda library, x: library.special.expi(library.np.log(x)),
    sympy.Si: lambda library, x: library.special.sici(x)[0],
    sympy.Ci: lambda library, x: library.special.sici(x)[1],
    sympy.fresnels: lambda library, x: library.special.fresnel(x)[0],
    sympy.fresnelc: lambda library, x: library.special.fresnel(x)[1],
    sympy.besselj: _bessel(lambda np, order, x, angle: np.cos(order * angle - x * np.sin(angle))),
    sympy.besseli: _bessel(lambda np, order, x, angle: np.exp(x * np.cos(angle)) * np.cos(order * angle)),
}
# Functions of an order: the orders that both libraries know.
_ORDERS: dict[type, Callable] = {
    sympy.besselj: lambda e: e.args[0].is_Integer and abs(e.args[0]) <= _NODES // 4,
    sympy.besseli: lambda e: e.args[0].is_Integer and abs(e.args[0]) <= _NODES // 4,
    sympy.polygamma: lambda e: e.args[0].is_Integer and e.args[0] >= 0,
    sympy.expint: lambda e: e.args[0].is_Integer and 0 <= e.args[0] <= 100,
}
LOGIC: dict[type, Callable] = {
    sympy.Eq: lambda library, x, y: x == y,
    sympy.Ne: lambda library, x, y: x != y,
    sympy.StrictLessThan: lambda library, x, y: x < y,
    sympy.LessThan: lambda library, x, y: x <= y,
    sympy.StrictGreaterThan: lambda library, x, y: x > y,
    sympy.GreaterThan: lambda library, x, y: x >= y,
    sympy.And: _all_of("logical_and"),
    sympy.Or: _all_of("logical_or"),
    sympy.Xor: _all_of("logical_xor"),
    sympy.Not: _of_np("logical_not"),
    sympy.ITE: _of_np("where"),
}
JUMPING = (sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod, sympy.sign, sympy.Heaviside)
# Functions whose values repeat -> how many times an argument has gone around.
TURNS: dict[type, Callable] = {
    **dict.fromkeys((sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot), lambda x: x / (2 * sympy.pi)),
    sympy.frac: lambda x: x,
    sympy.Mod: lambda x, y: x / y,
}
UNEVALUATED = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit)


# ---------------------------------------------------------------------------------------------- what is not known


def without_values(expression, call: str) -> str:
    """Why no method can compute an expression, as a sentence; empty where all of it is known.

    call   what contains it, such as "The equation `heat`"
    """
    seen = set()
    waiting = [sympy.sympify(expression)]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        reason = _refused(node, call)
        if reason:
            return reason
        waiting += _inner(node)
    return ""


def _inner(node) -> tuple:
    """What has to be evaluated for a node: of an unknown and of its derivatives, nothing more."""
    if isinstance(node, AppliedUndef):
        return node.args if is_given(node) else ()
    if isinstance(node, sympy.Derivative):
        return (node.expr,) if is_given(node.expr) else ()
    return (node.expr, *node.point) if isinstance(node, sympy.Subs) else node.args


def _refused(node, call) -> str:
    if node.is_Number or node.is_NumberSymbol or node.is_Symbol:
        return ""
    if isinstance(node, (boolalg.BooleanAtom, AppliedUndef)):
        return ""
    if isinstance(node, UNEVALUATED):
        return (
            f"{call} contains `{shortened(node)}`, for which SymPy finds no closed form, and no method integrates or "
            f"sums by itself; work it out, or tabulate its values with `spd.tabulated`."
        )
    if isinstance(node, sympy.Derivative):
        return "" if isinstance(node.expr, AppliedUndef) else _without_derivative(node.expr, call)
    if isinstance(node, sympy.Subs):
        derivatives = node.expr.atoms(sympy.Derivative)
        inside = dict(zip(node.variables, node.point, strict=True))
        wrong = [d.expr.xreplace(inside) for d in derivatives if not isinstance(d.expr, AppliedUndef)]
        return _without_derivative(wrong[0], call) if wrong else ""
    if isinstance(node, sympy.SingularityFunction) and node.args[2].is_nonnegative:
        return (
            f"{call} contains `{shortened(node)}`, which no method computes; write `{node.rewrite(sympy.Piecewise)}`."
        )
    if isinstance(node, (sympy.DiracDelta, sympy.SingularityFunction)):
        return (
            f"{call} contains `{shortened(node)}`, which has no values at points, and networks are trained at points; "
            f"it is what is left of a jump, `Heaviside` or `sign`, that was differentiated: put something smooth in "
            f"the place of the jump, `tanh(x/w)`; or for a point source write a narrow peak of the same integral, "
            f"`exp(-(x/w)**2)/(w*sqrt(pi))`."
        )
    if isinstance(node, (sympy.Add, sympy.Mul, sympy.Pow, sympy.Piecewise, ExprCondPair, *LOGIC)):
        return ""
    if node.func in TABLE and _ORDERS.get(node.func, lambda e: True)(node):
        return ""
    name = node.func.__name__
    return (
        f"{call} uses `{name}`, which has no counterpart in JAX, so that no method can compute it; rewrite it with "
        f'elementary functions, or hand it in as code, `spd.given("{name}", function, x)`.'
    )


def _without_derivative(inner, call) -> str:
    reason = "which jumps" if isinstance(inner, JUMPING) else "for which SymPy has no rule"
    return (
        f"{call} differentiates `{shortened(inner)}`, {reason}, so the derivative has no values at points; write it "
        f"out, or use something smooth, such as `tanh(x/w)` for a jump."
    )


def shortened(expression) -> str:
    """An expression in at most 60 characters; a constant is not printed, which might evaluate it, but described."""
    if not expression.free_symbols and sympy.count_ops(expression) > 3:
        return f"{type(expression).__name__}(...)"
    try:
        text = str(expression)
    except ValueError:  # Python writes no whole numbers of more than 4,300 digits
        text = "numbers of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


# --------------------------------------------------------------------------------------------------------- values


def evaluate(expression, values: Mapping, library: Library = NUMPY, given_partial: Callable | None = None):
    """The values of an expression; a float where it is a constant.

    values          symbol -> array or float; arrays broadcast together
    given_partial   (applied function made by `given`, orders of its derivative) -> callable; None: they are refused
    Raises ProblemError where something has no values, see `without_values`.
    """
    with np.errstate(all="ignore"):
        return _Walk(values, library, given_partial).of(sympy.sympify(expression))


def evaluated(expressions: Sequence, values: Mapping) -> list:
    """The values of several expressions, as `evaluate` gives them; what is common to them is computed once."""
    with np.errstate(all="ignore"):
        walk = _Walk(values, NUMPY, None)
        return [walk.of(sympy.sympify(expression)) for expression in expressions]


class _Walk:
    """One evaluation: each part is computed once."""

    def __init__(self, values: Mapping, library: Library, given_partial: Callable | None):
        self.known: dict = dict(values)
        self.given = frozenset(values)
        self.library, self.given_partial = library, given_partial
        self.single = any(getattr(value, "dtype", None) == np.float32 for value in values.values())
        self._scaled = ScaledWalk(self)

    def of(self, node) -> Any:
        try:
            return self.known[node]
        except KeyError:
            value = self.known[node] = self._value(node)
            return value

    def _value(self, node):
        if node.is_Number or node.is_NumberSymbol:
            return float_of(node)
        if isinstance(node, boolalg.BooleanAtom):
            return bool(node)
        if leaves_range(node, self.single):
            return self._scaled.value(node)
        if isinstance(node, sympy.log) and leaves_range(node.args[0], self.single):
            return self._scaled.log(node.args[0])
        if node.is_Add:
            return functools.reduce(operator.add, map(self.of, node.args))
        if node.is_Mul:
            return self._product(node)
        if node.is_Pow:
            return self._power(node.base, node.exp)
        if isinstance(node, sympy.Piecewise):
            return self._branches(node)
        if isinstance(node, (AppliedUndef, sympy.Derivative, sympy.Subs)):
            return self._of_code(node)
        rule = TABLE.get(node.func) or LOGIC.get(node.func)
        if rule is None or (node.func in _ORDERS and not _ORDERS[node.func](node)):
            raise ProblemError(_refused(node, "The problem") or f"`{node}` has no value here.")
        return self._apply(rule, *map(self.of, node.args))

    def _apply(self, rule, *arguments):
        """Constants are computed in double precision, whatever the library."""
        if all(isinstance(a, (float, bool)) for a in arguments):
            value = rule(NUMPY, *map(np.asarray, arguments))
            return bool(value) if np.asarray(value).dtype == bool else float(value)
        return rule(self.library, *arguments)

    def _product(self, node):
        above, below = [], []
        for factor in node.args:
            if factor.is_Pow and factor.exp.is_Rational and factor.exp.p < 0:
                below.append(self._power(factor.base, -factor.exp))
            else:
                above.append(self.of(factor))
        top = functools.reduce(operator.mul, above, 1.0)
        if not below:
            return top
        return self._apply(lambda _, a, b: a / b, top, functools.reduce(operator.mul, below))

    def _power(self, base, exponent):
        below = self.of(base)
        if exponent.is_Number:
            return self.raised(below, exponent)
        return self._apply(lambda library, b, e: library.np.power(b, e), below, self.of(exponent))

    def raised(self, below, exponent):
        """Values to a power that is a number."""
        if exponent.is_Integer and abs(exponent.p) <= _LARGEST_INTEGER_POWER:
            return self._apply(lambda _, b: b**exponent.p, below)
        if exponent.is_Rational and exponent.q == 2 and abs(exponent.p) == 1:
            root = self._apply(lambda library, b: library.np.sqrt(b), below)
            return root if exponent.p > 0 else self._apply(lambda _, r: 1 / r, root)
        return self._apply(lambda library, b, e: library.np.power(b, e), below, float_of(exponent))

    def _branches(self, node):
        result: Any = math.nan
        for value, condition in reversed(node.args):
            chosen = self.of(condition)
            if isinstance(chosen, bool):
                result = self.of(value) if chosen else result
            else:
                result = self.library.np.where(chosen, self.of(value), result)
        return result

    def _of_code(self, node):
        """A given function or its derivative, perhaps at another place."""
        if isinstance(node, sympy.Subs):
            inner = dict(zip(node.variables, map(self.of, node.point), strict=True))
            return _Walk(
                {k: v for k, v in self.known.items() if k.is_Symbol} | inner, self.library, self.given_partial
            ).of(node.expr)
        applied = node.expr if isinstance(node, sympy.Derivative) else node
        if self.given_partial is None or not is_given(applied):
            raise ProblemError(f"`{node}` is an unknown field or code, which has no values here; use a closed form.")
        counts = dict(node.variable_count) if isinstance(node, sympy.Derivative) else {}
        orders = [int(counts.get(argument, 0)) for argument in applied.args]
        return self.given_partial(applied, orders)(*map(self.of, applied.args))
