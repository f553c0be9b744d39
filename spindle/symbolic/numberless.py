"""What symbols say to functions of numbers: NumPy's, those of `math`, and JAX's."""

import numpy as np
import sympy

from spindle.errors import NumberError, ProblemError

# NumPy's operators are carried out one object at a time, by the operators of SymPy.
_OPERATORS = (
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.positive, np.absolute, np.matmul),
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
)
_NAMES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "maximum": "Max",
    "minimum": "Min",
    "fmax": "Max",
    "fmin": "Min",
    "fabs": "Abs",
    "heaviside": "Heaviside",
    "ceil": "ceiling",
}


class Numberless:
    """Base of symbols and fields, which have no number: functions of numbers are refused in a sentence.

    Expressions of SymPy, `2*x`, cannot be taught; there NumPy and JAX raise their usual errors.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if ufunc not in _OPERATORS:
            raise NumberError(_refusal(f"numpy.{ufunc.__name__}", self, _NAMES.get(ufunc.__name__, ufunc.__name__)))
        result = getattr(ufunc, method)(*map(_boxed, inputs), **options)
        return result[()] if isinstance(result, np.ndarray) and not result.ndim else result

    def __float__(self):
        raise NumberError(_refusal("float", self, "sin"))

    def __complex__(self):
        raise NumberError(_refusal("complex", self, "sin"))

    def __int__(self):
        raise NumberError(_refusal("int", self, "floor"))

    @property
    def __jax_array__(self):
        # JAX asks whether there is one before it refuses what it does not know; a TypeError it says in other words.
        raise ProblemError(_refusal("jax.numpy.asarray", self, "sin"))


def _boxed(value):
    """A symbol as an array of one object, which NumPy takes apart itself."""
    if not isinstance(value, sympy.Basic):
        return value
    box = np.empty((), object)
    box[()] = value
    return box


def _refusal(function: str, value, name: str) -> str:
    instead = f"sympy.{name}" if hasattr(sympy, name) else "a function of sympy"
    written = value.func.__name__ if isinstance(value, sympy.Function) else str(value)
    return (
        f"`{function}({written})` asks for a number, and `{written}` is a symbol that stands for many; formulas are "
        f"made of SymPy's functions, such as `{instead}({written})`, not those of math, NumPy or JAX."
    )
