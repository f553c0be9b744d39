"""Mathematics as users write it: how expressions are printed in text and in messages."""

from sympy.core.basic import Basic
from sympy.core.function import AppliedUndef
from sympy.matrices.matrixbase import MatrixBase
from sympy.printing.str import StrPrinter

from spindle import errors

_BITS = 14_000  # of a whole number: Python writes none of more than 4,300 digits
_LONG = "a number of thousands of digits"


class _Short(StrPrinter):
    """Unknowns without their arguments, derivatives by their letters (never built itself)."""

    def _print_AppliedUndef(self, expr):
        return expr.func.__name__

    def _print_Derivative(self, expr):
        letters = "".join(str(c) * int(n) for c, n in reversed(expr.variable_count))
        base = self._print(expr.expr)
        return f"{base}_{letters}" if isinstance(expr.expr, AppliedUndef) else f"({base})_{letters}"

    def _print_Integer(self, expr):
        return _LONG if expr.p.bit_length() > _BITS else super()._print_Integer(expr)

    def _print_Rational(self, expr):
        is_long = max(abs(expr.p), expr.q).bit_length() > _BITS
        return _LONG if is_long else super()._print_Rational(expr)

    def _print_NormalDerivative(self, expr):
        return f"d_n({self._print(expr.args[0])})"


class _Text(_Short):
    """For readers: an equation has two sides and a sign."""

    def _print_Equality(self, expr):
        return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"


class _Message(_Short):
    """For writers: an equation is SymPy's call `Eq`."""


def text(expression) -> str:
    """One expression as plain text: `u_xx + u_yy = 0`."""
    return _Text({"full_prec": False}).doprint(expression)


def shown(value, most: int = 80) -> str:
    """A value of any kind as a few words of a message, expressions as users write them: `u_xx + u`."""
    if isinstance(value, (list, tuple)) and 0 < len(value) <= 10 and not isinstance(value, Basic):
        inner = ", ".join(shown(item, most) for item in value)
        written = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    elif isinstance(value, (Basic, MatrixBase)) and not isinstance(value, type):
        if isinstance(value, MatrixBase) and value.cols == 1:
            return shown(list(value), most)
        written = " ".join(_Message({"full_prec": False}).doprint(value).split())
    else:
        return errors.shown(value, most)
    return written if len(written) <= most else f"{written[: most - 4]} ..."
