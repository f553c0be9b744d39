"""Formulas made plain where they enter: derivatives and integrals are carried out, and numbers that would keep SymPy
busy become floats.

Afterwards nothing in a problem makes SymPy's printers or assumptions evaluate towers of exponentials.
"""

import functools

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.symbolic.fluxes import is_flux, pointwise
from spindle.symbolic.functions import UNEVALUATED, evaluate, shortened, without_values
from spindle.symbolic.scaled import float_of, leaves_range
from spindle.symbolic.time_limit import within_limit

_LONGEST = 64  # bits of whole numbers in constants that stay exact
_HIGHEST_POWER = 100
_LARGEST_EXPONENT = 10_000  # above it, also the parts of a fraction, exponents are floats
_SMOOTH = (
    *(sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.tan, sympy.sinh, sympy.cosh, sympy.tanh),
    *(sympy.asin, sympy.acos, sympy.atan, sympy.erf),
)


def plain(expression: sympy.Expr, call: str, *, fluxes: bool = False) -> sympy.Expr:
    """The expression with derivatives, integrals and sums carried out where SymPy can, and with plain constants.

    call     what the user wrote, for the message
    fluxes   whether derivatives of fluxes that jump stay as they are; else they are carried out beside the jumps
    Raises ProblemError where a constant is not finite, or larger than any number of a computer.
    """
    done = _carried_out(expression, fluxes)
    swap = {}
    for number in _constants(done):
        value = _value(number, call)
        if number.args and not _is_plain(number):
            swap[number] = sympy.Float(value)
    done = done.xreplace(swap) if swap else done
    return done.replace(_is_vast, _in_floats) if any(map(_is_vast, done.atoms(sympy.Pow))) else done


def _is_vast(e) -> bool:
    """Whether a power has an exponent of large whole numbers: SymPy would take such powers of the numbers below."""
    return e.is_Pow and e.exp.is_Rational and max(abs(e.exp.p), e.exp.q) > _LARGEST_EXPONENT


def _in_floats(power) -> sympy.Expr:
    return sympy.Pow(power.base, sympy.Float(float_of(power.exp), 17))


def _carried_out(expression, fluxes: bool):
    """Every derivative, integral, sum and limit replaced by what it is; those of unknown fields stay."""
    expression = expression if fluxes else pointwise(expression)
    pending = [d for d in expression.atoms(sympy.Derivative) if not isinstance(d.expr, AppliedUndef) and not is_flux(d)]
    pending += [e for e in expression.atoms(*UNEVALUATED) if not e.atoms(AppliedUndef)]
    outer = [e for e in pending if not any(e != other and other.has(e) for other in pending)]
    swap = {e: value for e in outer if (value := _worked_out(e)) is not None}
    return expression.xreplace(swap) if swap else expression


@functools.lru_cache(maxsize=256)
def _worked_out(expression):
    return within_limit(expression.doit)


def _constants(expression) -> list:
    """The largest parts of an expression without symbols and fields."""
    constant: dict = {}

    def is_constant(node) -> bool:
        if node not in constant:
            inside = node.args and not isinstance(node, (AppliedUndef, sympy.Derivative, sympy.Subs, *UNEVALUATED))
            parts = [is_constant(a) for a in node.args] if inside else [not node.is_Symbol and not node.args]
            constant[node] = all(parts) and isinstance(node, sympy.Expr)
        return constant[node]

    constants: dict = {}
    seen, waiting = set(), [expression]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if is_constant(node):
            constants[node] = None
        elif not isinstance(node, UNEVALUATED):
            waiting += [a for a in node.args if not (is_constant(a) and _is_coefficient(a, node))]
    return list(constants)


def _is_coefficient(number, product) -> bool:
    """Whether a constant is a factor of an exponential, with which it is evaluated: large times small."""
    beside = product.is_Mul and any(a.free_symbols and leaves_range(a) for a in product.args)
    return beside and (number.is_Number or _is_plain(number))


def _value(number, call) -> float:
    """A constant as a float."""
    refused = without_values(number, call)
    if not refused:
        value = float(evaluate(number, {}))
    elif number.args and all(map(_is_plain, number.args)):  # SymPy knows constants of more functions than JAX has
        known = within_limit(lambda: sympy.N(number, 17))
        value = float_of(known) if isinstance(known, sympy.Float) else np.nan
    else:
        value = np.nan
    if refused and not np.isfinite(value):
        raise ProblemError(refused)
    if np.isnan(value):
        raise ProblemError(f"{call} contains `{shortened(number)}`, which has no real value; check the formula.")
    if np.isinf(value):
        raise ProblemError(
            f"{call} contains `{shortened(number)}`, which is larger than any number of a computer, above 1.8e308; "
            f"choose other units, or check the formula; a front is written `(1 - tanh(z/2))/2` where it is "
            f"`1/(1 + exp(z))`."
        )
    return value


def _is_plain(number) -> bool:
    """Whether SymPy evaluates a constant at once."""
    if number.is_Rational:
        return max(abs(number.p), number.q).bit_length() <= _LONGEST
    if number.is_Pow and not (number.exp.is_Rational and abs(number.exp) <= _HIGHEST_POWER):
        return False
    known = number.is_Add or number.is_Mul or number.is_Pow or isinstance(number, _SMOOTH)
    return not number.args or (known and all(map(_is_plain, number.args)))
