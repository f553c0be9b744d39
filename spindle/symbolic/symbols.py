"""The letters a problem is written in: coordinates, unknown fields, parameters, given functions."""

import math
from collections.abc import Callable, Iterable, Sequence

import sympy
from sympy.core.function import AppliedUndef, UndefinedFunction

from spindle.errors import NumberError, ProblemError, usage
from spindle.symbolic.numberless import Numberless
from spindle.symbolic.refusals import delayed, fractional
from spindle.symbolic.words import shown

# The coordinate of this name is time: `grad`, `div`, `curl`, `laplacian` and "the boundary" leave it out.
TIME = "t"


class Coordinate(Numberless, sympy.Symbol):
    """A real symbol of SymPy that tells functions of numbers what belongs in their place: see `coordinates`."""

    __slots__ = ()

    def __new__(cls, name: str):
        return sympy.Symbol.__xnew__(cls, name, real=True)

    def __getnewargs_ex__(self):
        return (self.name,), {}

    def __reduce_ex__(self, protocol):
        return Coordinate, (self.name,)


# SymPy orders the terms of sums and products by the names of their classes, and digits follow from the order.
Coordinate.__name__ = sympy.Symbol.__name__


@usage('x, y = spd.coordinates("x y")')
def coordinates(names: str):
    """Coordinates by name, as real SymPy symbols: `x, y = coordinates("x y")`, `x = coordinates("x")`.

    The coordinate named `t` is time; all others are space.
    """
    _names("coordinates", names)
    named = sympy.symbols(names)
    if isinstance(named, sympy.Symbol):
        return Coordinate(named.name)
    made = tuple(Coordinate(symbol.name) for symbol in named)
    _refuse_repeated("coordinates", f'"{names}"', made)
    return made


def is_time(coordinate: sympy.Symbol) -> bool:
    """Whether the coordinate is time, that is, named `t`."""
    return coordinate.name == TIME


def is_space(coordinate: sympy.Symbol) -> bool:
    """Whether the coordinate is neither time nor the parameter of a family."""
    return not is_time(coordinate) and not isinstance(coordinate, Parameter)


class AppliedField(Numberless, AppliedUndef):
    """An unknown or given function of coordinates: see `unknown` and `given`."""

    def __call__(self, *points):
        name, axes = self.func.__name__, ", ".join(map(str, self.args))
        if any(isinstance(p, sympy.Expr) and p.free_symbols and p not in self.args for p in points):
            raise NumberError(delayed(f"{name}({', '.join(map(shown, points))})", name))
        raise NumberError(
            f"`{name}({', '.join(map(shown, points))})` takes a field at points, but `{name}` stands for the field of "
            f"{axes} as a whole; where a condition holds is said by `spd.Initial({name}, ...)` or "
            f"`spd.Dirichlet({name}, ..., on=Eq({self.args[0]}, 0))`, and values are those of a solution, "
            f"`solution({', '.join(f'{c}=0.5' for c in self.args)})`."
        )

    def diff(self, *symbols, **assumptions):
        """SymPy's derivative; the text "x", or another symbol called `x`, means the coordinate `x`, if it has one.

        SymPy itself answers 0 there, as for all that a function does not depend on. Raises ProblemError where an order
        is no whole number.
        """
        orders = [s[1] if isinstance(s, (tuple, sympy.Tuple)) and len(s) == 2 else s for s in symbols]
        if any(isinstance(n, (float, sympy.Number)) and n != int(n) for n in orders):
            name = self.func.__name__
            raise ProblemError(fractional(f"{name}.diff({', '.join(map(shown, symbols))})", name))
        arguments = {c.name: c for c in self.args if isinstance(c, sympy.Symbol)}

        def meant(symbol):
            name = symbol.name if isinstance(symbol, sympy.Symbol) else symbol
            return arguments.get(name, symbol) if isinstance(name, str) and symbol not in self.args else symbol

        return super().diff(*map(meant, symbols), **assumptions)


@usage('u = spd.unknown("u", x, y)')
def unknown(names: str, *coordinates: sympy.Symbol, complex: bool = False):
    """Unknown scalar fields of the given coordinates, as applied SymPy functions.

    complex   whether its values are complex: `psi = unknown("psi", t, x, complex=True)`. Equations, conditions and
              references may then contain SymPy's `I`, `conjugate`, `Abs`, `re` and `im`; a problem takes such an
              unknown for two real ones, `psi_re` and `psi_im`, and each equation with it for two. Values of a
              solution, `solution(psi, ...)`, are complex, and its error is that of `psi`

    coordinates   those that it depends on, some or all of a problem's: the place of a front is `S = unknown("S", t)`
                  beside `u = unknown("u", t, x)`

    One name gives the field, several a tuple: `u = unknown("u", t, x)`, `u, v = unknown("u v", x, y)`.
    Derivatives are those of SymPy: `u.diff(t)`, `u.diff(x, 2)`.
    Raises ProblemError where a name or a coordinate is missing or repeated.
    """
    _check_coordinates("unknown", names, coordinates)
    listed = _names("unknown", names)
    _refuse_repeated("unknown", f'"{names}", ...', listed)
    marks = {"complex_valued": True} if complex else {}
    fields = tuple(applied(name, coordinates, **marks) for name in listed)
    return fields[0] if len(fields) == 1 else fields


def applied(name: str, coordinates: Sequence[sympy.Symbol], **marks) -> AppliedUndef:
    """The function of that name, applied to the coordinates; functions with other marks are different functions."""
    return UndefinedFunction(name, bases=(AppliedField,), **marks)(*coordinates)


@usage('v = spd.vector("v", x, y)')
def vector(name: str, *coordinates: sympy.Symbol, components: Sequence[sympy.Symbol] | None = None) -> sympy.Matrix:
    """An unknown vector field as a column of scalar fields, one component for each space coordinate.

    `v = vector("v", t, x, y)` has the components `v_x` and `v_y`; `components=` names others.
    Raises ProblemError where `components` is no list, or the name or a coordinate cannot be used.
    """
    _check_coordinates("vector", name, coordinates)
    along = components if components is not None else [c for c in coordinates if not is_time(c)]
    if not isinstance(along, Sequence) or isinstance(along, str) or not len(along):
        raise ProblemError(
            f'`spd.vector("{name}", ..., components={shown(along)})` needs a list that names each component; write '
            f"`components=[x, y]`."
        )
    return sympy.Matrix([applied(f"{name}_{axis}", coordinates) for axis in along])


def _names(call, names) -> list[str]:
    """The names in a text that lists them."""
    listed = names.replace(",", " ").split() if isinstance(names, str) else []
    if not listed:
        raise ProblemError(
            f"`spd.{call}` was given {shown(names)}, which names nothing; a name is text, such as "
            f'"u", and several are "u v".'
        )
    return listed


def _refuse_repeated(call, arguments, listed):
    repeated = [item for k, item in enumerate(listed) if item in listed[:k]]
    if repeated:
        raise ProblemError(
            f"`spd.{call}({arguments})` names `{repeated[0]}` twice, and both would be one and the same; name each "
            "once."
        )


def _check_coordinates(call, name, coordinates):
    _names(call, name)
    if not coordinates or not all(isinstance(c, sympy.Symbol) for c in coordinates):
        raise ProblemError(
            f'`spd.{call}("{name}", ...)` was given {_coordinates_in_words(coordinates)}, and a field needs at least '
            f"one "
            f'symbol to depend on; write `x, y = spd.coordinates("x y")` and `spd.{call}("{name}", x, y)`.'
        )
    _refuse_repeated(call, f'"{name}", {", ".join(map(str, coordinates))}', coordinates)


def _coordinates_in_words(coordinates) -> str:
    return f"the coordinates {shown(coordinates)}" if coordinates else "no coordinates"


class Parameter(Numberless, sympy.Symbol):
    """A symbol with a value, or to be estimated, or ranging over an interval: see `parameter`."""

    __slots__ = ("bounds", "eigenvalue", "unknown", "value")

    def __new__(cls, name, value=None, *, unknown=False, bounds=None, eigenvalue=False):
        symbol = sympy.Symbol.__xnew__(cls, name, real=True)
        symbol.value, symbol.unknown, symbol.bounds, symbol.eigenvalue = value, unknown, bounds, eigenvalue
        return symbol

    def _hashable_content(self):
        kind = ("eigenvalue",) if self.eigenvalue else ()
        return (*super()._hashable_content(), str(self.value), self.unknown, self.bounds, *kind)

    def __getnewargs_ex__(self):
        kinds = {"unknown": self.unknown, "bounds": self.bounds, "eigenvalue": self.eigenvalue}
        return (self.name, self.value), kinds

    def __reduce_ex__(self, protocol):
        return _rebuild_parameter, (self.name, self.value, self.unknown, self.bounds, self.eigenvalue)


def _rebuild_parameter(name, value, unknown, bounds, eigenvalue=False):
    return Parameter(name, value, unknown=unknown, bounds=bounds, eigenvalue=eigenvalue)


class Normal(Numberless, sympy.Symbol):
    """A component of the outward unit normal of the boundary: see `normal`."""

    __slots__ = ()

    def __new__(cls, axis: str):
        return sympy.Symbol.__xnew__(cls, f"n_{axis}", real=True)

    def __getnewargs_ex__(self):
        return (self.axis,), {}

    def __reduce_ex__(self, protocol):
        return Normal, (self.axis,)

    @property
    def axis(self) -> str:
        """The name of the coordinate it belongs to."""
        return self.name.removeprefix("n_")


@usage("n = spd.normal(x, y)")
def normal(*coordinates: sympy.Symbol) -> sympy.Matrix:
    """The outward unit normal, a column, for the data of conditions: `Neumann(u, dot(grad(exact), normal(x, y)))`."""
    _check_coordinates("normal", "n", coordinates)
    return sympy.Matrix([Normal(c.name) for c in coordinates])


@usage('k = spd.parameter("k", 0.01)` or `k = spd.parameter("k", range=(1, 3))')
def parameter(
    name: str,
    value: float | None = None,
    *,
    unknown: bool = False,
    range: tuple | None = None,
    eigenvalue: bool = False,
) -> Parameter:
    """A parameter of the equation; the same symbol has four uses.

    parameter("nu", 0.01)                  a constant
    parameter("nu", 0.01, unknown=True)    estimated from data, starting at 0.01 (inverse problem)
    parameter("nu", range=(1, 3))          spans a family of problems (parametrised problem)
    parameter("lam", eigenvalue=True)      is what `spd.eigenpairs` looks for
    Raises ProblemError where there is neither value nor range, where both do not fit, and where a number is not finite.
    """
    _names("parameter", name)
    if eigenvalue:
        if value is not None or unknown or range is not None:
            raise ProblemError(
                f'`spd.parameter("{name}", ..., eigenvalue=True)` has a value, a range or data to be estimated from '
                f"besides, and an eigenvalue is what the problem itself leaves possible; give nothing else."
            )
        return Parameter(name, eigenvalue=True)
    if range is not None:
        pair = isinstance(range, Sequence) and len(range) == 2
        low, high = (_number(end) for end in range) if pair else (math.nan, math.nan)
        if not -math.inf < low < high < math.inf or unknown:
            raise ProblemError(
                f'`spd.parameter("{name}", range={shown(range)}, unknown={unknown})` cannot span a family: a range '
                f"needs two finite numbers, low < high, and a parameter that is not also unknown; write `range=(1, 3)` "
                f"alone."
            )
        if value is not None and not low <= _number(value) <= high:
            raise ProblemError(
                f'`spd.parameter("{name}", {shown(value)}, range={range})` has a value outside its own range; leave it '
                f"out."
            )
        return Parameter(name, None if value is None else _number(value), bounds=(low, high))
    if value is None:
        raise ProblemError(
            f'`spd.parameter("{name}")` has neither a value nor a range, so the equation has no number to use; '
            f'write `spd.parameter("{name}", 0.01)` or `spd.parameter("{name}", range=(1, 3))`.'
        )
    number = _number(value)
    if not math.isfinite(number):
        raise ProblemError(
            f'`spd.parameter("{name}", {shown(value)})` is not a finite number, so every residual would be NaN; give '
            f"one."
        )
    return Parameter(name, number, unknown=bool(unknown))


def _number(value) -> float:
    """The value as a float; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


@usage('f = spd.given("f", lambda x, y: jax.numpy.exp(-x * y), x, y)')
def given(name: str, function: Callable, *coordinates: sympy.Symbol, smooth: bool = False) -> AppliedUndef:
    """A tabulated or coded coefficient or source, to be used in equations like any SymPy function.

    function    takes one JAX array per coordinate, shapes that broadcast together, and returns their broadcast shape;
                it must be traceable by JAX, and differentiable where the equation differentiates it
    smooth      whether it has as many derivatives as the equation takes, without jumps or kinks; conditions may then
                hold by construction where it is their value
    Raises ProblemError where `function` cannot be called.
    """
    _check_coordinates("given", name, coordinates)
    if not callable(function) or isinstance(function, sympy.Basic):
        raise ProblemError(
            f'`spd.given("{name}", {shown(function)}, ...)` needs a function of the coordinates, and this cannot be '
            f"called; pass for example `lambda x, y: jax.numpy.exp(-x * y)`."
        )
    return applied(name, coordinates, given=function, smooth=bool(smooth))


def is_given(function) -> bool:
    """Whether an applied function was made by `given`."""
    return isinstance(function, AppliedUndef) and getattr(function.func, "given", None) is not None


def is_complex(function) -> bool:
    """Whether a field was made by `unknown(..., complex=True)`."""
    return isinstance(function, AppliedUndef) and bool(getattr(function.func, "complex_valued", False))


def part_of(function) -> str:
    """The name of the complex unknown that a real one is a part of; empty for all others."""
    return getattr(function.func, "part_of", "")


def depends_on(function) -> tuple[str, ...]:
    """The names of the coordinates that an unknown was declared with, where a problem spread it over more; else none.

    `S = unknown("S", t)` in a problem of t and x is `S(t, x)`, which depends on t alone.
    """
    return getattr(function.func, "depends_on", ())


def allows_complex(*expressions) -> bool:
    """Whether some expression contains a complex unknown, or a part of one."""
    fields = [f for e in expressions if isinstance(e, sympy.Basic | sympy.MatrixBase) for f in e.atoms(AppliedUndef)]
    return any(is_complex(f) or part_of(f) for f in fields)


def unknown_of(node) -> AppliedUndef | None:
    """The unknown that an expression is, or is a partial derivative of; None for any other expression."""
    inner = node.expr if node.is_Derivative else node
    return inner if isinstance(inner, AppliedUndef) and not is_given(inner) else None


def unknowns_in(expression) -> list[AppliedUndef]:
    """The unknown fields in an expression, sorted by name."""
    applied = sympy.sympify(expression).atoms(AppliedUndef)
    return sorted((f for f in applied if not is_given(f)), key=lambda f: f.func.__name__)


# --------------------------------------------------------------------------------------------- symbols of the same name


def namesakes(symbols: Iterable, coordinates: Iterable[sympy.Symbol]) -> dict[sympy.Symbol, sympy.Symbol]:
    """{symbol: coordinate} for the symbols that are called as a coordinate and are neither it nor a parameter.

    SymPy compares assumptions and classes too: `sympy.Symbol("x")` is another symbol than the `x` of `coordinates`.
    """
    known = {c.name: c for c in coordinates}
    plain = (s for s in symbols if isinstance(s, sympy.Symbol) and not isinstance(s, (Parameter, Normal)))
    return {s: known[s.name] for s in plain if s.name in known and s != known[s.name]}


def alike(these: Iterable[sympy.Symbol], others: Iterable[sympy.Symbol]) -> str:
    """What is wrong with different symbols that look the same, as a part of a sentence; else empty."""
    if {str(s) for s in these} != {str(s) for s in others}:
        return ""
    return ", symbols of the same names but of another kind, as `sympy.Symbol` and `spd.coordinates` make them"


def by_name(expression, coordinates: Iterable[sympy.Symbol]):
    """An expression with plain symbols that are called as coordinates replaced by these; anything else as it is."""
    if not isinstance(expression, (sympy.Basic, sympy.MatrixBase)):
        return expression
    swap = namesakes(expression.free_symbols, coordinates)
    return expression.xreplace(swap) if swap else expression
