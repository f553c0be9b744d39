"""Problems as plain data (JSON), and back, without ever evaluating text.

An expression becomes a nested list `[head, argument, ...]`; heads come from a fixed table, so that reading a file can
build mathematics and nothing else. Tabulated functions are stored with their numbers; functions given as code are
stored by name only and must be handed in again.
"""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

from spindle.errors import RunError, SpindleError, nearest
from spindle.problem import conditions, symbols
from spindle.problem.curved import Cylinder
from spindle.problem.domain import Box, BoxUnion, Domain
from spindle.problem.functions import TABLE
from spindle.problem.problem import Problem
from spindle.problem.shapes import Shape, shape_from_data, shape_to_data
from spindle.problem.tables import Table, tables_in
from spindle.types import Tabulated, TabulatedFamily

_OPERATORS = (
    "Add Mul Pow Derivative Subs Tuple Equality StrictLessThan LessThan StrictGreaterThan GreaterThan Unequality "
    "And Or Not Xor ITE"
)


def _table() -> dict[str, type]:
    found = {}
    for cls in (*TABLE, sympy.Piecewise, ExprCondPair, *(getattr(sympy, n) for n in _OPERATORS.split())):
        found[cls.__name__] = cls
    return found


_HEADS = _table()
_AS_WRITTEN = {"Add", "Mul", "Pow", "Equality"}
_CONSTANTS = {"pi": sympy.pi, "E": sympy.E, "true": sympy.true, "false": sympy.false}
_CONDITIONS = {
    c.__name__: c for c in (conditions.OnBoundary, conditions.AtStart, conditions.AcrossAxis, conditions.AtPoints)
}


def encode(e):
    """A SymPy expression as nested lists of strings and numbers."""
    e = sympy.sympify(e)
    if isinstance(e, symbols.Parameter):
        return ["parameter", e.name, e.value, e.unknown, list(e.bounds) if e.bounds else None]
    if isinstance(e, symbols.Normal):
        return ["normal", e.axis]
    if isinstance(e, sympy.Symbol):
        kind = True if isinstance(e, symbols.Coordinate) else "real" if e.is_real else False
        return ["symbol", e.name, kind]
    if isinstance(e, sympy.Integer):
        return ["integer", str(e)]
    if isinstance(e, sympy.Rational):
        return ["rational", str(e.p), str(e.q)]
    if isinstance(e, sympy.Float):
        exact = sympy.Rational(e)
        return ["float", hex(exact.p), hex(exact.q), e._prec]
    for name, constant in _CONSTANTS.items():
        if e == constant:
            return [name]
    if isinstance(e, AppliedUndef):
        coded = "smooth" if getattr(e.func, "smooth", False) else "given"
        head = coded if symbols.is_given(e) else "function"
        return [head, e.func.__name__, *map(encode, e.args)]
    head = type(e).__name__
    if head not in _HEADS:
        raise RunError(
            f"`{head}` in `{e}` cannot be written to a file; rewrite the expression with elementary functions."
        )
    return [head, *map(encode, e.args)]


def decode(data, given: Mapping[str, Callable] | None = None):
    """The expression that `encode` wrote; `given` hands in coded functions by name."""
    try:
        return _decode(data, given or {})
    except RunError:
        raise
    except Exception as error:  # nonsense is refused by SymPy in many ways
        raise RunError(
            f"The stored expression {reprlib.repr(data)} is damaged ({error}); the file cannot be read."
        ) from error


def _decode(data, given):
    head, *rest = data
    if head == "parameter":
        return _parameter(*rest)
    if head == "normal":
        return symbols.Normal(_word(*rest))
    if head == "symbol":
        name, kind = _word(rest[0]), rest[1]
        if kind == "real":
            return sympy.Symbol(name, real=True)
        return symbols.Coordinate(name) if kind else sympy.Symbol(name)
    if head in ("integer", "rational"):
        numerator, denominator = (int(_word(digits)) for digits in (*rest, "1")[:2])
        return sympy.Rational(numerator, _positive(denominator))
    if head == "float":
        numerator, denominator, bits = rest
        value = sympy.Rational(int(_word(numerator), 16), _positive(int(_word(denominator), 16)))
        return sympy.Float(value, precision=min(_positive(bits), 10_000))
    if head in _CONSTANTS:
        return _CONSTANTS[head]
    if head == "function":
        return symbols.applied(_word(rest[0]), [_decode(a, given) for a in rest[1:]])
    if head in ("given", "smooth"):
        if rest[0] not in given:
            raise RunError(
                f"The problem uses the coded function `{rest[0]}`, which no file can hold; hand it in, "
                f'`given={{"{rest[0]}": function}}`.'
            )
        arguments = [_decode(a, given) for a in rest[1:]]
        return symbols.applied(rest[0], arguments, given=given[rest[0]], smooth=head == "smooth")
    if head not in _HEADS:
        raise RunError(f"The stored expression has the unknown head `{head}`." + nearest(str(head), _HEADS))
    arguments = [_decode(a, given) for a in rest]
    if head in ("Add", "Mul", "Pow") and not all(isinstance(a, sympy.Expr) for a in arguments):
        raise ValueError(f"`{head}` takes numbers and functions")
    # Unevaluated, so that the expression comes back as it was, term by term: a resumed run must repeat its rounding.
    # So are functions of numbers, which SymPy would compute exactly: the gamma function of a billion, digit by digit.
    of_numbers = _HEADS[head] in TABLE and all(isinstance(a, sympy.Number) for a in arguments)
    return _HEADS[head](*arguments, **({"evaluate": False} if head in _AS_WRITTEN or of_numbers else {}))


def _word(text) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError(f"{text!r} is no name or number")
    return text


def _positive(number) -> int:
    if not isinstance(number, int) or number <= 0:
        raise ValueError(f"{number!r} is not positive")
    return number


def _parameter(name, value, is_unknown, bounds) -> symbols.Parameter:
    numbers = [value] if bounds is None else [*bounds, *([] if value is None else [value])]
    if not all(isinstance(n, float) and math.isfinite(n) for n in numbers) or not isinstance(is_unknown, bool):
        raise ValueError("a parameter has a finite value or range")
    if bounds is not None:
        low, high = bounds
        bounds = (low, high)
    return symbols.Parameter(_word(name), value, unknown=is_unknown, bounds=bounds)


def problem_to_data(problem: Problem) -> tuple[dict, dict[str, np.ndarray]]:
    """A problem as JSON-ready data, and the arrays it refers to (measurements, tabulated references)."""
    arrays: dict[str, np.ndarray] = {}
    data = {
        **{name: getattr(problem, name) for name in _WORDS},
        "published": {k: dict(v) if isinstance(v, Mapping) else list(v) for k, v in problem.published.items()},
        "domain": _domain_to_data(problem.domain),
        "equations": [[e.name, encode(e.written.lhs), encode(e.written.rhs)] for e in problem.equations],
        "conditions": [
            [type(c).__name__, {f.name: _store(getattr(c, f.name), arrays) for f in fields(c)}]
            for c in problem.conditions
        ],
        "reference": [[encode(u), _store(value, arrays)] for u, value in problem.reference.items()],
        "origin": problem.origin,
    }
    tables = tables_in([*problem.expressions(), *problem.reference.values(), *problem.quantities.values()])
    if problem.quantities:
        data["quantities"] = [[name, encode(e)] for name, e in problem.quantities.items()]
    # Only where there are any, so that all other problems keep the fingerprint of their runs.
    return data | ({"tables": _tables_to_data(tables, arrays)} if tables else {}), arrays


def problem_from_data(data: Mapping, arrays: Mapping, given: Mapping[str, Callable] | None = None) -> Problem:
    """The problem that `problem_to_data` wrote; `given` hands in coded functions by name."""
    try:
        return _problem(data, arrays, given)
    except SpindleError:
        raise
    except Exception as error:  # a part is missing or of another kind
        raise RunError(f"The stored problem is damaged ({error!r}); the file cannot be read.") from error


def _problem(data, arrays, given):
    given = {**_tables_from_data(data.get("tables", []), arrays), **(given or {})}
    problem = Problem(
        domain=_domain_from_data(data["domain"]),
        equations={
            name: sympy.Eq(decode(a, given), decode(b, given), evaluate=False) for name, a, b in data["equations"]
        },
        conditions=[
            _CONDITIONS[kind](**{name: _restore(value, arrays, given) for name, value in kept.items()})
            for kind, kept in data["conditions"]
        ],
        reference={decode(u, given): _restore(value, arrays, given) for u, value in data["reference"]},
        quantities={_word(name): decode(e, given) for name, e in data.get("quantities", [])},
        published=data["published"],
        **{name: data[name] for name in _WORDS},
    )
    return problem.named(*data["origin"]) if data.get("origin") else problem


_WORDS = ("name", "title", "citation", "notes")


def _domain_to_data(domain: Domain) -> dict:
    names = [encode(c) for c in domain.coordinates]
    if isinstance(domain, Cylinder):
        parts = {"shape": _domain_to_data(domain.shape), "times": _domain_to_data(domain.times)}
        return {"coordinates": names, **parts, "first": domain.first}
    if isinstance(domain, Shape):
        return {"coordinates": names, "curved": shape_to_data(domain, encode)}
    if isinstance(domain, Box):
        return {"coordinates": names, "box": [[encode(a), encode(b)] for a, b in domain.symbolic_bounds]}
    return {"coordinates": names, "boxes": [[list(ends) for ends in box] for box in domain.boxes]}


def _domain_from_data(data) -> Domain:
    names = tuple(decode(c) for c in data["coordinates"])
    if "times" in data:
        shape, times = _domain_from_data(data["shape"]), _domain_from_data(data["times"])
        assert isinstance(shape, Shape) and isinstance(times, Box)
        return Cylinder(shape, times, first=data["first"])
    if "curved" in data:
        return shape_from_data(data["curved"], decode)
    if "box" in data:
        return Box({c: (decode(a), decode(b)) for c, (a, b) in zip(names, data["box"], strict=True)})
    return BoxUnion(names, tuple(tuple((a, b) for a, b in box) for box in data["boxes"]))


def _tables_to_data(tables: Mapping[str, Table], arrays) -> list:
    """`[name, [[coordinate, key], ...], key, interpolation]` for each table; arrays go to `arrays`."""
    return [
        [
            name,
            [[c, _keep(nodes, arrays)] for c, nodes in zip(t.names, t.axes, strict=True)],
            _keep(t.values, arrays),
            t.interpolation,
        ]
        for name, t in tables.items()
    ]


def _tables_from_data(data, arrays) -> dict[str, Table]:
    """The tables again; older files do not name how values are joined, which was by cubics."""
    return {
        name: Table([(c, arrays[key]) for c, key in axes], arrays[values], *rest) for name, axes, values, *rest in data
    }


def _keep(array, arrays) -> str:
    """The running number under which an array was added to `arrays`."""
    arrays[str(len(arrays))] = np.asarray(array)
    return str(len(arrays) - 1)


def _store(value, arrays) -> dict:
    """One value as `{kind: data}`; arrays go to `arrays` under a running number."""

    if value is None or isinstance(value, (str, float)):
        return {"plain": value}
    if isinstance(value, (list, tuple)):
        return {"list": [_store(v, arrays) for v in value]}
    if isinstance(value, Mapping):
        return {"points": [[str(k), _keep(v, arrays)] for k, v in value.items()]}
    if isinstance(value, np.ndarray):
        return {"array": _keep(value, arrays)}
    if isinstance(value, Tabulated):
        axes = [[name, _keep(nodes, arrays)] for name, nodes in value.axes.items()]
        return {"tabulated": [axes, _keep(value.values, arrays), value.relative_error, value.source]}
    if isinstance(value, TabulatedFamily):
        tables = [_store(table, arrays) for table in value.tables]
        return {"members": [[dict(own) for own in value.values], tables]}
    return {"expression": encode(value)}


def _restore(data, arrays, given):
    ((kind, value),) = data.items()
    if kind == "list":
        return [_restore(v, arrays, given) for v in value]
    if kind == "points":
        return {name: arrays[key] for name, key in value}
    if kind == "array":
        return arrays[value]
    if kind == "tabulated":
        axes, key, error, source = value
        return Tabulated({name: arrays[k] for name, k in axes}, arrays[key], error, source)
    if kind == "members":
        values, tables = value
        return TabulatedFamily(values, [_restore(table, arrays, given) for table in tables])
    return decode(value, given) if kind == "expression" else value
