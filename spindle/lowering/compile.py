"""A symbolic residual as a function of arrays.

The residual is split in two. What depends on the coordinates alone (sources, variable coefficients) is evaluated once
for each set of points; what depends on the unknowns is evaluated in every step, from these coefficients and the
partials.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import sympy
from jax.scipy.special import erf
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.numpy import JaxPrinter

from spindle.errors import ProblemError
from spindle.lowering.partials import Need, combine_partials, replace_partials
from spindle.problem.symbols import Parameter, is_given


@dataclass(frozen=True)
class ArrayFunction:
    """A compiled expression.

    needs          what it needs of the unknowns: partials, and fixed combinations of partials
    coefficients   coordinate arrays -> tuple of arrays that depend on the points only
    combine        (coefficients, coordinate arrays, {need: array}, {name: parameter value}) -> array

    Coordinate arrays broadcast together: (n,) each for a cloud, (n, 1, 1), (1, m, 1), ... for a tensor grid.
    """

    needs: tuple[Need, ...]
    coefficients: Callable
    combine: Callable

    def __call__(self, coordinates: Sequence, known: Mapping[Need, jax.Array], parameters: Mapping | None = None):
        """The value at the points, computed in one go."""
        coordinates = [jnp.asarray(c) for c in coordinates]  # NumPy would warn of every pole
        return self.combine(self.coefficients(coordinates), coordinates, known, parameters or {})


def array_function(
    expression,
    coordinates: Sequence[sympy.Symbol],
    unknowns: Sequence[AppliedUndef] = (),
    parameters: Sequence[Parameter] = (),
    beside: Sequence[sympy.Symbol] = (),
) -> ArrayFunction:
    """Compile a SymPy expression with SymPy's own JAX printer.

    parameters   those whose value is passed in at each call; all others are constants and are written in
    beside       what else belongs to a point, such as the components of a normal; passed in after the coordinates
    """
    replaced, partials = replace_partials(with_constants(expression, parameters), unknowns, coordinates)
    known = (*coordinates, *beside)
    combined, sources = _split_sources(replaced, frozenset(known))
    combined, symbols = combine_partials(combined, partials)
    needs = list(symbols)
    evaluate_sources = _lambdify([*known], list(sources.values()))
    evaluate = _lambdify([*sources, *known, *symbols.values(), *parameters], [combined])

    def coefficients(points):
        return tuple(jnp.asarray(value) for value in evaluate_sources(*points))

    def combine(values, points, known, parameter_values):
        given = [known[need] for need in needs]
        tunable = [parameter_values[p.name] for p in parameters]
        return jnp.asarray(evaluate(*values, *points, *given, *tunable)[0])

    return ArrayFunction(tuple(needs), coefficients, combine)


def with_constants(expression, parameters: Sequence[Parameter] = ()) -> sympy.Expr:
    """The expression with the values of all parameters but those named, and those that are axes, written in."""
    expression = sympy.sympify(expression)
    free = set(parameters)
    constants = {p: sympy.Float(p.value, 17) for p in expression.atoms(Parameter) - free if not p.bounds}
    return expression.xreplace(constants)


def _split_sources(expression, coordinates: frozenset) -> tuple[sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """Replace every maximal subexpression that depends on coordinates only by a symbol."""
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
        if isinstance(node, (sympy.Add, sympy.Mul)):
            own = [a for a in node.args if fixed(a)]
            rest = [walk(a) for a in node.args if not fixed(a)]
            return node.func(source(node.func(*own)), *rest) if own else node.func(*rest)
        if isinstance(node, sympy.Piecewise):
            # A branch is a pair of value and condition, and only these two are arrays.
            return node.func(*((walk(value), walk(condition)) for value, condition in node.args))
        return node.func(*map(walk, node.args)) if node.args else node

    combined = walk(expression)
    return combined, {symbol: node for node, symbol in sources.items()}


class _Printer(JaxPrinter):
    """SymPy's JAX printer, whose `And` and `Or` would need conditions of one shape; these broadcast."""

    def _print_And(self, expr):
        return "(" + " & ".join(map(self._print, expr.args)) + ")"

    def _print_Or(self, expr):
        return "(" + " | ".join(map(self._print, expr.args)) + ")"


def _lambdify(arguments, expressions):
    """SymPy's JAX code for a list of expressions, with the coded functions bound in."""
    functions: dict[str, Callable] = {"erf": erf}
    bound = [_bind_given(e, functions) for e in expressions]
    settings = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": False}
    printer = _Printer(settings | {"user_functions": {name: name for name in functions}})
    try:
        return sympy.lambdify(arguments, bound, modules=[functions, "jax"], printer=printer, cse=True, dummify=True)
    except PrintMethodNotImplementedError as error:
        name = str(error).splitlines()[0].split(": ")[-1]
        raise ProblemError(
            f"The problem uses `{name}`, which has no counterpart in JAX; rewrite it with elementary functions, or "
            f'hand it in as code, `sp.given("{name}", function, x)`.'
        ) from error


def _bind_given(expression, functions):
    """Replace coded functions, and their derivatives, by named functions that the generated code can call."""

    def bind(node):
        applied = node.expr if isinstance(node, sympy.Derivative) else node
        counts = dict(node.variable_count) if isinstance(node, sympy.Derivative) else {}
        orders = [int(counts.get(argument, 0)) for argument in applied.args]
        name = f"given{len(functions)}"
        functions[name] = _differentiated(_explained(applied), orders)
        return UndefinedFunction(name)(*applied.args)

    expression = sympy.sympify(expression)
    derivatives = {d for d in expression.atoms(sympy.Derivative) if is_given(d.expr)}
    expression = expression.xreplace({d: bind(d) for d in sorted(derivatives, key=sympy.default_sort_key)})
    applied = {f for f in expression.atoms(AppliedUndef) if is_given(f)}
    return expression.xreplace({f: bind(f) for f in sorted(applied, key=sympy.default_sort_key)})


def _explained(applied) -> Callable:
    """A coded function that says in a sentence where it cannot be used."""
    call = f"sp.given({applied.func.__name__!r}, ...)"

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
    """Whether an array of one shape fills another."""
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(own in (1, other) for own, other in pairs)


def _differentiated(function, orders):
    """The partial derivative of a coded function, elementwise, by forward mode."""
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
