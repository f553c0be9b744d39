"""Fluxes whose coefficients jump: kept under their outer derivative, so that it is known what is continuous there."""

import sympy

from spindle.symbolic.symbols import unknowns_in

# Functions that are constant between the places where they jump.
STEPS = (sympy.Heaviside, sympy.sign, sympy.floor, sympy.ceiling)


def switches_along(part, axis: sympy.Symbol) -> bool:
    """Whether a `Piecewise` or a step goes from one formula to another along an axis, at places that no field moves."""
    levels = [c for _, c in part.args] if isinstance(part, sympy.Piecewise) else part.args[:1]
    return any(level.has(axis) and not unknowns_in(level) for level in levels)


def jumps_along(expression, axis: sympy.Symbol) -> bool:
    """Whether some part of an expression may jump along an axis."""
    return any(switches_along(part, axis) for part in expression.atoms(sympy.Piecewise, *STEPS))


def is_flux(node) -> bool:
    """Whether an expression is the first derivative, not carried out, of fields with a coefficient that may jump."""
    if not isinstance(node, sympy.Derivative) or node.derivative_count != 1 or not unknowns_in(node.expr):
        return False
    return jumps_along(node.expr, node.variables[0])


def fluxes_in(expression) -> list[sympy.Derivative]:
    """The derivatives of fluxes in an expression, sorted by their text; none that stands within another one."""
    found = [d for d in expression.atoms(sympy.Derivative) if is_flux(d)]
    return sorted((d for d in found if not any(d != other and other.has(d) for other in found)), key=str)


def beside_the_jumps(derivative: sympy.Derivative) -> sympy.Expr:
    """The derivative of a flux wherever its coefficients do not jump: steps are constants there."""
    inner, axis = pointwise(derivative.expr), derivative.variables[0]
    steps = [s for s in inner.atoms(*STEPS) if switches_along(s, axis)]
    constant = {s: sympy.Dummy(real=True) for s in steps}
    return inner.xreplace(constant).diff(axis).xreplace({symbol: step for step, symbol in constant.items()})


def pointwise(expression) -> sympy.Expr:
    """An expression with the derivatives of fluxes carried out beside the jumps."""
    found = fluxes_in(expression)
    return expression.xreplace({d: beside_the_jumps(d) for d in found}) if found else expression


def folded(expression) -> sympy.Expr:
    """An expression with what SymPy makes of steps that it differentiates, a `DiracDelta`, under its derivative again.

    It stays as it is where a `DiracDelta` is no part of the derivative of a flux.
    """
    for axis in sorted({s for d in _deltas(expression) for s in d.free_symbols}, key=str):
        whole = sympy.expand(expression)
        seconds = [d for d in whole.atoms(sympy.Derivative) if unknowns_in(d) and dict(d.variable_count).get(axis) == 2]
        flux = sympy.Add(*(whole.coeff(d) * once_less(d, axis) for d in seconds))
        rest = sympy.expand(whole - flux.diff(axis))
        if not _deltas(rest) and jumps_along(flux, axis):
            return sympy.Derivative(flux, axis) + rest
    return expression


def _deltas(expression) -> set:
    return {d for d in expression.atoms(sympy.DiracDelta) if not unknowns_in(d)}


def once_less(derivative: sympy.Derivative, axis: sympy.Symbol) -> sympy.Expr:
    """What a derivative of an unknown is the derivative of along an axis."""
    orders = [(c, n - (c == axis)) for c, n in derivative.variable_count]
    return derivative.expr.diff(*((c, n) for c, n in orders if n))


def on_side(expression, axis: sympy.Symbol, beside: float) -> sympy.Expr:
    """An expression with those parts that switch along an axis as they are at a point beside the place of interest.

    The formulas of the chosen branches stay formulas, which may be taken at the place itself.
    """

    def chosen(part):
        if isinstance(part, sympy.Piecewise):
            return _branch(part, axis, beside)
        arguments = [a.xreplace({axis: sympy.Float(beside, 17)}) for a in part.args]
        if not all(a.is_number for a in arguments):
            return part
        if isinstance(part, (sympy.Max, sympy.Min)):
            return part.args[arguments.index(part.func(*arguments))]
        return sympy.sign(arguments[0]) * part.args[0] if isinstance(part, sympy.Abs) else part.func(*arguments)

    kinds = (sympy.Piecewise, sympy.Abs, sympy.Max, sympy.Min, *STEPS)
    return expression.replace(lambda e: isinstance(e, kinds) and e.has(axis), chosen)


def _branch(piecewise, axis: sympy.Symbol, beside: float) -> sympy.Expr:
    """The formula of a `Piecewise` at a point of an axis; what other coordinates decide stays open."""
    left = []
    for value, condition in piecewise.args:
        truth = condition.xreplace({axis: sympy.Float(beside, 17)})
        if truth != sympy.false:
            left.append((value, truth))
        if truth == sympy.true:
            break
    return left[0][0] if left and left[0][1] == sympy.true else sympy.Piecewise(*left)
