"""A symbolic residual as a function of arrays.

The residual is split in two. What depends on the coordinates alone (sources, variable coefficients) is evaluated once
for each set of points; what depends on the unknowns is evaluated in every step, from these coefficients and the
partials.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import jax.scipy.special
import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError
from spindle.lowering.partials import DifferentialOperator, combine_partials, replace_partials
from spindle.symbolic.functions import Library, evaluate, without_values
from spindle.symbolic.scaled import leaves_range
from spindle.symbolic.symbols import Parameter

_JAX = Library(jnp, jax.scipy.special)


@dataclass(frozen=True)
class ArrayFunction:
    """A compiled expression.

    needs          the partials of unknowns, and fixed combinations of partials, that the expression contains
    coefficients   coordinate arrays -> tuple of arrays that depend on the points only
    combine        (coefficients, coordinate arrays, {need: array}, {name: parameter value}) -> array

    Coordinate arrays broadcast together: (n,) each for a cloud, (n, 1, 1), (1, m, 1), ... for a tensor grid.
    """

    needs: tuple[DifferentialOperator, ...]
    coefficients: Callable
    combine: Callable

    def __call__(
        self, coordinates: Sequence, known: Mapping[DifferentialOperator, jax.Array], parameters: Mapping | None = None
    ):
        """The values of the expression at the points, coefficients included."""
        coordinates = [jnp.asarray(c) for c in coordinates]  # NumPy would warn of every pole
        return self.combine(self.coefficients(coordinates), coordinates, known, parameters or {})


def array_function(
    expression,
    coordinates: Sequence[sympy.Symbol],
    unknowns: Sequence[AppliedUndef] = (),
    parameters: Sequence[Parameter] = (),
    beside: Sequence[sympy.Symbol] = (),
) -> ArrayFunction:
    """A SymPy expression as a function of JAX arrays.

    parameters   whose values are passed in at each call; those of all other parameters are written in
    beside       further symbols with a value at each point, such as the components of a normal, after the coordinates
    Raises ProblemError where the expression contains something that has no values in JAX.
    """
    replaced, partials = replace_partials(with_constants(expression, parameters), unknowns, coordinates)
    known = (*coordinates, *beside)
    combined, sources = _split_sources(replaced, frozenset(known))
    combined, symbols = combine_partials(combined, partials)
    needs = list(symbols)
    for part in (*sources.values(), combined):
        refused = without_values(part, "The problem")
        if refused:
            raise ProblemError(refused)

    def coefficients(points):
        at = dict(zip(known, points, strict=True))
        return tuple(jnp.asarray(evaluate(source, at, _JAX, given_partial)) for source in sources.values())

    def combine(values, points, partials, parameter_values):
        at = dict(zip(known, points, strict=True)) | dict(zip(sources, values, strict=True))
        at |= {symbols[need]: partials[need] for need in needs} | {p: parameter_values[p.name] for p in parameters}
        return jnp.asarray(evaluate(combined, at, _JAX, given_partial))

    return ArrayFunction(tuple(needs), coefficients, combine)


def with_constants(expression, parameters: Sequence[Parameter] = ()) -> sympy.Expr:
    """The expression with parameters replaced by their values, but for `parameters` and those that are axes."""
    expression = sympy.sympify(expression)
    free = set(parameters)
    constants = {p: sympy.Float(p.value, 17) for p in expression.atoms(Parameter) - free if not p.bounds}
    return expression.xreplace(constants)


def _split_sources(expression, coordinates: frozenset) -> tuple[sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """The expression with a symbol for every largest part that depends on coordinates only, and those parts."""
    sources: dict[sympy.Expr, sympy.Symbol] = {}

    def fixed(node):
        return bool(node.free_symbols) and node.free_symbols <= coordinates

    def source(node):
        if node.is_Symbol:
            return node
        return sources.setdefault(node, sympy.Dummy(f"source{len(sources)}", real=True))

    def walk(node):
        if fixed(node):
            return source(node)
        if node.is_Add or node.is_Mul:
            known = [a for a in node.args if fixed(a)]
            if known and node.is_Mul:  # numbers that are large or small because exponentials are small or large
                known += [a for a in node.args if not a.free_symbols and leaves_range(a, single=True)]
            rest = [walk(a) for a in node.args if a not in known]
            return node.func(source(node.func(*known)), *rest) if known else node.func(*rest)
        if node.is_Piecewise:
            # A branch is a pair of value and condition, and only these two are arrays.
            return node.func(*((walk(value), walk(condition)) for value, condition in node.args))
        # Derivatives of code at a fixed place name the symbol by which they differentiate, which is no part of them.
        whole = not node.args or isinstance(node, (sympy.Derivative, sympy.Subs))
        return node if whole else node.func(*map(walk, node.args))

    combined = walk(expression)
    return combined, {symbol: node for node, symbol in sources.items()}


def given_partial(applied, orders: Sequence[int]) -> Callable:
    """The JAX function behind a function made by `given`, or its derivative of these orders in its arguments."""
    return _differentiated(_explained(applied), orders)


def _explained(applied) -> Callable:
    """A given function that says in a sentence where it cannot be used."""
    call = f"spd.given({applied.func.__name__!r}, ...)"

    def function(*points):
        shape = jnp.broadcast_shapes(*map(jnp.shape, points))
        try:
            value = jnp.asarray(applied.func.given(*points))
        except Exception as error:  # whatever code of the user's raises
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ProblemError(
                f"The function of `{call}` failed on arrays of shape {shape}, one for each of {applied.args}: "
                f"{reason}; it must take that many arrays, and compute with `jax.numpy` in place of `numpy`."
            ) from error
        if not _broadcasts(value.shape, shape):
            raise ProblemError(
                f"The function of `{call}` returned shape {value.shape} for points of shape {shape}; it must return "
                f"one value for each point."
            )
        return value

    return function


def _broadcasts(shape, wanted) -> bool:
    """Whether an array of one shape broadcasts to another shape."""
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(length in (1, other) for length, other in pairs)


def _differentiated(function, orders):
    """The partial derivative of a given function, elementwise, by forward mode."""
    for argument, count in enumerate(orders):
        for _ in range(count):
            function = _derivative(function, argument)
    return function


def _derivative(function, argument):
    def derivative(*points):
        points = [jnp.asarray(p, jnp.result_type(float, p)) for p in points]  # a coordinate may be fixed at an integer
        tangents = [jnp.ones_like(p) if k == argument else jnp.zeros_like(p) for k, p in enumerate(points)]
        return jax.jvp(function, points, tangents)[1]

    return derivative
