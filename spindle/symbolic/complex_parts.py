"""Complex unknowns: two real ones each, and every expression as its real and its imaginary part."""

import math
from collections.abc import Callable, Mapping

import sympy
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

from spindle.errors import ProblemError
from spindle.symbolic.expressions import expanded_or_not, size_of
from spindle.symbolic.fluxes import is_flux
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.symbols import applied, is_complex, part_of
from spindle.symbolic.time_limit import within_limit
from spindle.symbolic.words import shown

PARTS = ("re", "im")
_HIGHEST_POWER = 12  # that is multiplied out factor by factor
_LARGEST = 20_000  # parts of what an expression becomes: each complex factor doubles it

Parts = tuple[sympy.Expr, sympy.Expr]


def parts_of(field: AppliedUndef) -> tuple[AppliedUndef, AppliedUndef]:
    """The real unknowns `psi_re` and `psi_im` that a complex unknown `psi` consists of."""
    name = field.func.__name__
    real, imaginary = (applied(f"{name}_{part}", field.args, part_of=name, part=part) for part in PARTS)
    return real, imaginary


def complex_unknowns(unknowns) -> dict[AppliedUndef, tuple[AppliedUndef, AppliedUndef]]:
    """The complex unknowns that real ones are both parts of, {psi: (psi_re, psi_im)}, sorted by name."""
    whole = {u: applied(part_of(u), u.args, complex_valued=True) for u in unknowns if part_of(u)}
    pairs = {psi: parts_of(psi) for psi in sorted(whole.values(), key=lambda psi: psi.func.__name__)}
    return {psi: pair for psi, pair in pairs.items() if set(pair) <= set(unknowns)}


def has_complex(expression) -> bool:
    """Whether an expression contains the imaginary unit or a complex unknown."""
    expression = sympy.sympify(expression)
    return expression.has(sympy.I) or any(map(is_complex, expression.atoms(AppliedUndef)))


def written_by_parts(expression):
    """An expression with `psi_re + I*psi_im` for every complex unknown, derivatives carried out."""
    fields = {f: parts_of(f) for f in expression.atoms(AppliedUndef) if is_complex(f)}
    derivatives = {d for d in expression.atoms(sympy.Derivative) if d.expr in fields}
    swap: dict = {d: _joined(tuple(p.diff(*d.variable_count) for p in fields[d.expr])) for d in derivatives}
    return expression.xreplace(swap | {f: _joined(pair) for f, pair in fields.items()})


def split(expression) -> Parts:
    """The real and the imaginary part of an expression, in real unknowns; coordinates and parameters are real.

    Raises ProblemError where a function is taken of a complex number whose parts are not known.
    """
    expression = sympy.sympify(expression)
    if not has_complex(expression):
        return expression, sympy.S.Zero
    real, imaginary = _split(expression)
    return real, sympy.S.Zero if expanded_or_not(imaginary) == 0 else imaginary


def of_both_parts(expression, take: Callable):
    """`take` of a real expression; of a complex one `take` of its real part plus `1j` times that of the other."""
    real, imaginary = split(expression)
    return take(real) if imaginary == 0 else take(real) + 1j * take(imaginary)


def joined_errors(errors: Mapping[str, float], sizes: Mapping[str, float], unknowns) -> dict[str, float]:
    """Relative errors by name with one of each complex unknown in place of those of its parts.

    sizes     root mean squares of the unknowns by name
    unknowns  of the problem
    """
    merged = dict(errors)
    for psi, pair in complex_unknowns(unknowns).items():
        names = [part.func.__name__ for part in pair]
        if not set(names) <= set(merged):
            continue
        size = math.hypot(*(sizes[name] for name in names))
        gap = math.hypot(*(merged.pop(name) * sizes[name] for name in names))
        merged[psi.func.__name__] = gap / size if size > 0 else gap
    return merged


# ----------------------------------------------------------------------------------------------------- by its head


def _split(e) -> Parts:
    if not has_complex(e):
        return e, sympy.S.Zero
    if e == sympy.I:
        return sympy.S.Zero, sympy.S.One
    if isinstance(e, AppliedUndef):
        return parts_of(e)
    rule = next((rule for kind, rule in _RULES.items() if isinstance(e, kind)), _by_sympy)
    real, imaginary = rule(e)
    if size_of(real) + size_of(imaginary) > _LARGEST:
        raise ProblemError(
            f"The real and imaginary parts of `{shown(e)}` have more than {_LARGEST:,} parts together; write it with "
            f"fewer factors that are complex."
        )
    return real, imaginary


def _joined(pair) -> sympy.Expr:
    return pair[0] + sympy.I * pair[1]


def _derivative(e) -> Parts:
    pair = _split(e.expr)
    kept = (sympy.Derivative(part, *e.variable_count) for part in pair)
    real, imaginary = (d if is_flux(d) else d.doit() for d in kept)
    return real, imaginary


def _outward(e) -> Parts:
    real, imaginary = (NormalDerivative(part) if part != 0 else sympy.S.Zero for part in _split(e.args[0]))
    return real, imaginary


def _sum(e) -> Parts:
    pairs = [_split(term) for term in e.args]
    return sympy.Add(*(a for a, _ in pairs)), sympy.Add(*(b for _, b in pairs))


def _product(e) -> Parts:
    real, imaginary = sympy.S.One, sympy.S.Zero
    for factor in e.args:
        real, imaginary = _times((real, imaginary), _split(factor))
    return real, imaginary


def _times(first: Parts, second: Parts) -> Parts:
    (a, b), (c, d) = first, second
    return a * c - b * d, a * d + b * c


def _power(e) -> Parts:
    if not e.exp.is_Integer or abs(e.exp) > _HIGHEST_POWER:
        return _exponential(e) if e.base == sympy.E else _by_sympy(e)
    if isinstance(e.base, sympy.Abs):
        a, b = _split(e.base.args[0])
        return (a**2 + b**2) ** (e.exp / 2), sympy.S.Zero
    base = _split(e.base)
    result: Parts = (sympy.S.One, sympy.S.Zero)
    for _ in range(abs(int(e.exp))):
        result = _times(result, base)
    if e.exp > 0:
        return result
    size = result[0] ** 2 + result[1] ** 2
    return result[0] / size, -result[1] / size


def _exponential(e) -> Parts:
    a, b = _split(e.exp)
    return sympy.exp(a) * sympy.cos(b), sympy.exp(a) * sympy.sin(b)


def _modulus(e) -> Parts:
    a, b = _split(e.args[0])
    return sympy.sqrt(a**2 + b**2) if b != 0 else sympy.Abs(a), sympy.S.Zero


def _angle(e) -> Parts:
    a, b = _split(e.args[0])
    return sympy.atan2(b, a), sympy.S.Zero


def _conjugate(e) -> Parts:
    a, b = _split(e.args[0])
    return a, -b


def _branches(e) -> Parts:
    pairs = [(_split(value), condition) for value, condition in e.args]
    for _, condition in pairs:
        if has_complex(condition):
            raise _without_parts(condition)
    real, imaginary = (
        sympy.Piecewise(*(ExprCondPair(pair[k], condition) for pair, condition in pairs)) for k in (0, 1)
    )
    return real, imaginary


def _by_sympy(e) -> Parts:
    """By SymPy's rules for a function of complex numbers, unknowns and what is not known to be real masked."""
    pairs = [_split(argument) for argument in e.args if isinstance(argument, sympy.Expr)]
    if len(pairs) != len(e.args):
        raise _without_parts(e)
    masks: dict = {}

    def masked(part):
        stay = {f for f in part.atoms(AppliedUndef, sympy.Derivative, sympy.Symbol) if not f.is_real}
        masks.update({f: sympy.Dummy(real=True) for f in stay if f not in masks})
        return part.xreplace(masks)

    whole = e.func(*(_joined(tuple(map(masked, pair))) for pair in pairs))
    real, imaginary = within_limit(whole.as_real_imag) or (sympy.I, sympy.I)
    if real.has(sympy.re, sympy.im, sympy.arg, sympy.I) or imaginary.has(sympy.re, sympy.im, sympy.arg, sympy.I):
        raise _without_parts(e)
    back = {dummy: field for field, dummy in masks.items()}
    return real.xreplace(back), imaginary.xreplace(back)


def _without_parts(e) -> ProblemError:
    return ProblemError(
        f"`{shown(e)}` is taken of a complex number, and its real and imaginary parts are not known; write it with "
        f"`re`, `im`, `Abs` and `conjugate` of the unknown, whose parts are real."
    )


_RULES: dict[type, Callable] = {
    sympy.Derivative: _derivative,
    NormalDerivative: _outward,
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.exp: _exponential,
    sympy.Pow: _power,
    sympy.re: lambda e: (_split(e.args[0])[0], sympy.S.Zero),
    sympy.im: lambda e: (_split(e.args[0])[1], sympy.S.Zero),
    sympy.conjugate: _conjugate,
    sympy.Abs: _modulus,
    sympy.arg: _angle,
    sympy.Piecewise: _branches,
}
