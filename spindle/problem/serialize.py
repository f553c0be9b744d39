"""Problems as plain data (JSON), and back, without ever evaluating text.

An expression becomes a nested list `[head, argument, ...]`; heads come from a fixed table, so that reading a file can
build mathematics and nothing else. Tabulated functions are stored with their numbers; functions given as code are
stored by name only and must be handed in again.
"""

import math
import reprlib
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

from spindle.errors import RunError, SpindleError, nearest
from spindle.geometry.domain import Box, BoxUnion, Domain
from spindle.geometry.shape_domain import SpaceTimeDomain
from spindle.geometry.shapes import Shape, shape_from_data, shape_to_data
from spindle.problem.conditions.base import Condition
from spindle.problem.problem import Problem
from spindle.problem.publication import StoredSettings
from spindle.problem.references import FamilyReference, GridReference
from spindle.symbolic import symbols
from spindle.symbolic.complex_parts import PARTS, parts_of
from spindle.symbolic.functions import TABLE
from spindle.symbolic.growth_limits import HIGHEST_ORDER, LARGEST, MOST_CHOICES, GrowthLimits
from spindle.symbolic.sampled import SampledValues
from spindle.symbolic.sides import Side
from spindle.symbolic.tables import Table, tables_in

_OPERATORS = (
    "Add Mul Pow Derivative Subs Tuple Equality StrictLessThan LessThan StrictGreaterThan GreaterThan Unequality "
    "And Or Not Xor ITE Integral re im conjugate arg"
)


def _table() -> dict[str, type]:
    classes = {}
    for cls in (*TABLE, sympy.Piecewise, ExprCondPair, *(getattr(sympy, n) for n in _OPERATORS.split())):
        classes[cls.__name__] = cls
    return classes


_HEADS = _table()
_EASE = 4  # times as large as in problem files may be what a program has built
_LONGEST_NAME = 200
_EXPRESSIONS = ("equations", "conditions", "reference", "quantities")
_MOST_PARTS = 60_000  # of all expressions of a problem together
_COMPARING = (sympy.Max, sympy.Min, sympy.Piecewise, sympy.And, sympy.Or)
_AS_WRITTEN = {"Add", "Mul", "Pow", "Equality", "Piecewise", "And", "Or", "Not", "Unequality"}
_AS_WRITTEN |= {"StrictLessThan", "LessThan", "StrictGreaterThan", "GreaterThan"}
_CONSTANTS = {"I": sympy.I, "pi": sympy.pi, "E": sympy.E, "true": sympy.true, "false": sympy.false}


def encode(e):
    """A SymPy expression as nested lists of strings and numbers.

    Raises RunError where it contains what is no elementary function.
    """
    e = sympy.sympify(e)
    if isinstance(e, symbols.Parameter) and e.eigenvalue:
        return ["eigenvalue", e.name]
    if isinstance(e, symbols.Parameter):
        return ["parameter", e.name, e.value, e.unknown, list(e.bounds) if e.bounds else None]
    if isinstance(e, symbols.Normal):
        return ["normal", e.axis]
    if isinstance(e, Side):
        return ["side", e.name]
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
        if symbols.is_complex(e):
            return ["complex", e.func.__name__, *map(encode, e.args)]
        if symbols.depends_on(e):
            plain = symbols.applied(
                e.func.__name__, e.args, **{k: v for k, v in e.func._kwargs.items() if k != "depends_on"}
            )
            return ["spread", list(symbols.depends_on(e)), encode(plain)]
        if symbols.part_of(e):
            return ["part", [symbols.part_of(e), e.func.part], *map(encode, e.args)]
        kind = "smooth" if getattr(e.func, "smooth", False) else "given"
        head = kind if symbols.is_given(e) else "function"
        return [head, e.func.__name__, *map(encode, e.args)]
    head = type(e).__name__
    if head not in _HEADS or (head == "Integral" and not symbols.unknowns_in(e)):
        raise RunError(
            f"`{head}` in `{e}` cannot be written to a file; rewrite the expression with elementary functions."
        )
    return [head, *map(encode, e.args)]


def decode(data, given: Mapping[str, Callable] | None = None):
    """The expression that `encode` wrote; `given` hands in functions by name.

    Raises RunError where data are damaged, or larger than what a problem can need: the limits of formulas in files hold
    here too, and nothing is built before it is known to be small.
    """
    try:
        if _parts(data) > LARGEST * _EASE:
            raise ValueError(f"it has more than {LARGEST * _EASE:,} parts")
        return _Reader(given or {}).read(data)
    except RunError:
        raise
    except Exception as error:  # nonsense is refused by SymPy in many ways
        reason = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise RunError(
            f"The stored expression {reprlib.repr(data)} is damaged ({reason}); the file cannot be read."
        ) from error


def _parts(data) -> int:
    """How many lists there are in nested lists and tables, each of which may become a part of an expression."""
    count, waiting = 0, [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, dict)):
            count += 1
            waiting.extend(part.values() if isinstance(part, dict) else part)
    return count


class _Reader:
    """Reads one expression, part by part; each is checked before and after SymPy builds it."""

    def __init__(self, given: Mapping[str, Callable]):
        self.given = given
        self.limits = GrowthLimits(SampledValues({}), _EASE)

    def read(self, data):
        """The expression of a nested list."""
        head, *rest = data
        atom = _ATOMS.get(head)
        if atom is not None:
            return atom(*rest)
        if head == "spread":
            names, inner = rest
            plain = self.read(inner)
            marks = {**plain.func._kwargs, "depends_on": tuple(map(_name, names))}
            return symbols.applied(plain.func.__name__, plain.args, **marks)
        if head in ("function", "complex", "part", "given", "smooth"):
            return self._field(head, *rest)
        if head not in _HEADS:
            shown = reprlib.repr(head)
            raise RunError(f"The stored expression has the unknown head {shown}." + nearest(shown, _HEADS))
        arguments = [self.read(a) for a in rest]
        if head in ("Add", "Mul", "Pow") and not all(isinstance(a, sympy.Expr) for a in arguments):
            raise ValueError(f"`{head}` takes numbers and functions")
        self._refuse(self._too_much(head, arguments))
        # Unevaluated, so that the expression comes back as it was, term by term: a resumed run must repeat its
        # rounding. So are functions of numbers, which SymPy would compute exactly, digit by digit.
        of_numbers = _HEADS[head] in TABLE and all(isinstance(a, sympy.Number) for a in arguments)
        expression = _HEADS[head](*arguments, **({"evaluate": False} if head in _AS_WRITTEN or of_numbers else {}))
        if isinstance(expression, sympy.Expr):
            self._refuse(self.limits.refused(expression))
        return expression

    def _field(self, head, name, *arguments):
        if head == "function":
            return symbols.applied(_name(name), list(map(self.read, arguments)))
        if head in ("complex", "part"):
            whole, part = (name, None) if head == "complex" else name
            psi = symbols.applied(_name(whole), list(map(self.read, arguments)), complex_valued=True)
            return psi if part is None else dict(zip(PARTS, parts_of(psi), strict=True))[part]
        if name not in self.given:
            raise RunError(
                f"The problem uses the coded function `{name}`, which no file can hold; hand it in, "
                f'`given={{"{name}": function}}`.'
            )
        read = list(map(self.read, arguments))
        return symbols.applied(name, read, given=self.given[name], smooth=head == "smooth")

    def _too_much(self, head: str, arguments) -> str:
        """Why a part must not be built, as a sentence; else empty."""
        if head == "Pow":
            return self.limits.power(*arguments)
        if head == "Derivative":
            orders = [int(n) for _, n in arguments[1:]]
            return f"a derivative of the order {sum(orders)}" if sum(orders) > HIGHEST_ORDER else ""
        compares = isinstance(_HEADS[head], type) and issubclass(_HEADS[head], _COMPARING)
        if compares and (len(arguments) > MOST_CHOICES or any(self.limits.size(a) > LARGEST for a in arguments)):
            return "it compares too much"
        return self.limits.function(_HEADS[head], arguments) if _HEADS[head] in TABLE else ""

    @staticmethod
    def _refuse(sentence: str) -> None:
        if sentence:
            raise ValueError(sentence.rstrip("."))


def _symbol(name, kind) -> sympy.Symbol:
    if kind == "real":
        return sympy.Symbol(_name(name), real=True)
    return symbols.Coordinate(_name(name)) if kind else sympy.Symbol(_name(name))


def _rational(*digits) -> sympy.Rational:
    numerator, denominator = (int(_word(each)) for each in (*digits, "1")[:2])
    return sympy.Rational(numerator, _positive(denominator))


def _float(numerator, denominator, bits) -> sympy.Float:
    value = sympy.Rational(int(_word(numerator), 16), _positive(int(_word(denominator), 16)))
    return sympy.Float(value, precision=min(_positive(bits), 10_000))


def _parameter(name, value, is_unknown, bounds) -> symbols.Parameter:
    numbers = [value] if bounds is None else [*bounds, *([] if value is None else [value])]
    if not all(isinstance(n, float) and math.isfinite(n) for n in numbers) or not isinstance(is_unknown, bool):
        raise ValueError("a parameter has a finite value or range")
    if bounds is not None:
        low, high = bounds
        bounds = (low, high)
    return symbols.Parameter(_name(name), value, unknown=is_unknown, bounds=bounds)


_ATOMS: dict[str, Callable] = {
    "parameter": _parameter,
    "eigenvalue": lambda name: symbols.Parameter(_name(name), eigenvalue=True),
    "normal": lambda axis: symbols.Normal(_name(axis)),
    "side": lambda name: Side(_name(name)),
    "symbol": _symbol,
    "integer": _rational,
    "rational": _rational,
    "float": _float,
    **{name: lambda constant=constant: constant for name, constant in _CONSTANTS.items()},
}


def _name(text) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_NAME or not text.isprintable():
        raise ValueError(f"{reprlib.repr(text)} is no name")
    return text


def _word(text) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError(f"{text!r} is no name or number")
    return text


def _positive(number) -> int:
    if not isinstance(number, int) or number <= 0:
        raise ValueError(f"{number!r} is not positive")
    return number


def problem_to_data(problem: Problem) -> tuple[dict, dict[str, np.ndarray]]:
    """A problem as JSON-ready data, and the arrays it refers to (measurements, tabulated references)."""
    arrays: dict[str, np.ndarray] = {}
    data = {
        **{name: getattr(problem, name) for name in _WORDS},
        "published": problem.published,
        "domain": _domain_to_data(problem.domain),
        "equations": [[e.name, encode(e.written.lhs), encode(e.written.rhs)] for e in problem.equations],
        "conditions": [_condition_to_data(c, arrays) for c in problem.conditions],
        "reference": [[encode(u), r.stored(partial(_keep, arrays=arrays), encode)] for u, r in problem.known.items()],
        "origin": problem.origin,
    }
    tables = tables_in([*problem.expressions(), *problem.reference.values(), *problem.quantities.values()])
    if problem.quantities:
        data["quantities"] = [[name, encode(e)] for name, e in problem.quantities.items()]
    # Problems without tables have no such key, so that they keep the fingerprint of their runs.
    return data | ({"tables": _tables_to_data(tables, arrays)} if tables else {}), arrays


def _said(condition: Condition) -> dict:
    """The fields of a condition; empty words are left out, so that problems keep the fingerprint of their runs."""
    kept = {f.name: getattr(condition, f.name) for f in fields(condition)}
    return {name: value for name, value in kept.items() if not (isinstance(value, str) and not value)}


def problem_from_data(data: Mapping, arrays: Mapping, given: Mapping[str, Callable] | None = None) -> Problem:
    """The problem that `problem_to_data` wrote; `given` hands in functions by name.

    Raises RunError where the data are damaged.
    """
    try:
        return _problem(data, arrays, given)
    except SpindleError:
        raise
    except Exception as error:  # a part is missing or of another kind
        raise RunError(f"The stored problem is damaged ({reprlib.repr(error)}); the file cannot be read.") from error


def _problem(data, arrays, given):
    for name in _WORDS:
        if not isinstance(data[name], str):
            raise RunError(
                f"The stored problem is damaged ({name} = {reprlib.repr(data[name])} is no text); the file cannot be "
                f"read."
            )
    if sum(_parts(data.get(name)) for name in _EXPRESSIONS) > _MOST_PARTS:
        raise RunError(f"The stored problem has more than {_MOST_PARTS:,} parts, which is too much to be read.")
    given = {**_tables_from_data(data.get("tables", []), arrays), **(given or {})}
    problem = Problem(
        domain=_domain_from_data(data["domain"]),
        equations={
            name: sympy.Eq(decode(a, given), decode(b, given), evaluate=False) for name, a, b in data["equations"]
        },
        conditions=[_condition_from_data(stored, arrays, given) for stored in data["conditions"]],
        reference={decode(u, given): _restore(value, arrays, given) for u, value in data["reference"]},
        quantities={_word(name): decode(e, given) for name, e in data.get("quantities", [])},
        published=_published(data["published"]),
        **{name: data[name] for name in _WORDS},
    )
    return problem.named(*data["origin"]) if data.get("origin") else problem


_WORDS = ("name", "title", "citation", "notes")


def _condition_to_data(condition: Condition, arrays) -> list:
    return [condition.stored_as, {name: _store(value, arrays) for name, value in _said(condition).items()}]


def _condition_from_data(stored, arrays, given) -> Condition:
    kind, kept = stored
    return _kind(kind)(**{name: _restore(value, arrays, given) for name, value in kept.items()})


def _kind(stored_as) -> type[Condition]:
    if stored_as not in Condition.kinds:
        raise RunError(
            f"The stored problem has a condition of the kind {reprlib.repr(stored_as)}, which no class that was "
            f"imported is; import the module that defines it, or the file is damaged and cannot be read."
        )
    return Condition.kinds[stored_as]


def _published(stored) -> str | StoredSettings:
    return stored if isinstance(stored, str) else StoredSettings(stored)


def _domain_to_data(domain: Domain) -> dict:
    names = [encode(c) for c in domain.coordinates]
    if isinstance(domain, SpaceTimeDomain):
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
        return SpaceTimeDomain(shape, times, first=data["first"])
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
    """The tables that `_tables_to_data` wrote; older files do not say how values are joined, which was by cubics."""
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
    if isinstance(value, Condition):
        return {"condition": _condition_to_data(value, arrays)}
    return {"expression": encode(value)}


def _restore(data, arrays, given):
    ((kind, value),) = data.items()
    if kind == "list":
        return [_restore(v, arrays, given) for v in value]
    if kind == "points":
        return {name: arrays[key] for name, key in value}
    if kind == "array":
        return arrays[value]
    if kind == "condition":
        return _condition_from_data(value, arrays, given)
    if kind == "tabulated":
        axes, key, error, source = value
        return GridReference({name: arrays[k] for name, k in axes}, arrays[key], error, source)
    if kind == "members":
        values, tables = value
        return FamilyReference(values, [_restore(table, arrays, given) for table in tables])
    return decode(value, given) if kind == "expression" else value
