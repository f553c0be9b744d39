"""The conditions of a problem file, `{ dirichlet = "u = 0", on = "hole" }`."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy

from spindle.geometry.domain import Box, Domain
from spindle.geometry.shape_domain import ShapeDomain, SpaceTimeDomain
from spindle.problem.conditions import sums
from spindle.problem.conditions.boundary import Dirichlet, Neumann, Robin
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.interface import Interface
from spindle.problem.conditions.observed import Observed
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.serialize import encode
from spindle.problem_files.data import scattered
from spindle.problem_files.formulas import Value, equation, float_of, formula, part
from spindle.problem_files.manufactured import source
from spindle.problem_files.names import Names
from spindle.problem_files.source import Entry
from spindle.symbolic.labelled import units_in_words
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.symbols import Normal, is_time, unknowns_in

EXAMPLE = '{ dirichlet = "u = 0", on = "x = 0" }'
_KEYS = {
    "dirichlet": ("on", "name"),
    "neumann": ("on", "name"),
    "robin": ("on", "name"),
    "initial": ("name",),
    "periodic": ("along", "name"),
    "value": ("at", "name"),
    "linked": ("at", "to", "name"),
    "mean": ("on", "noise", "name"),
    "total": ("on", "noise", "name"),
    "interface": ("at", "jump", "flux", "flux_jump", "resistance", "name"),
    "observed": ("data", "columns", "decimal", "variable", "at", "values", "noise", "name"),
}


@dataclass(frozen=True)
class FileContext:
    """What the formulas of conditions refer to: names, the domain, and the closed forms of the reference."""

    names: Names
    domain: Domain
    exact: Mapping


def condition(entry: Entry, context: FileContext) -> list:
    """The conditions that one table states, one for each component.

    Raises ProblemError where the table names no kind of condition, or several, or has keys that its kind does not know.
    """
    entry.table(None, EXAMPLE)
    kinds = [key for key in entry.value if key in _KEYS]
    if len(kinds) != 1:
        unheard = [key for key in entry.value if not any(key in keys for keys in _KEYS.values())]
        if unheard and not kinds:
            entry.table(_KEYS, EXAMPLE)
        raise entry.error(f"a condition has one kind, of {', '.join(_KEYS)}, and this names {len(kinds)}.")
    kind = kinds[0]
    entry.table((kind, *_KEYS[kind]), EXAMPLE)
    with entry.entry(kind).here():
        made = _MAKERS[kind](_Statement(kind, entry, context))
        made = made if isinstance(made, list) else [made]
        for one in made:
            for piece in one.pieces(context.domain):
                for _, expression in piece.terms:
                    encode(expression)
    return made


@dataclass(frozen=True)
class _Statement:
    """One condition as written."""

    kind: str
    entry: Entry
    context: FileContext

    @property
    def formula(self) -> Entry:
        return self.entry.entry(self.kind)

    @property
    def options(self) -> dict:
        name = self.entry.get("name")
        return {} if name is None else {"name": name.text('name = "inlet"')}

    def sides(self) -> tuple[Value, Value]:
        """Both sides; `manufactured` is carried out."""
        left, right = equation(self.formula, self.context.names, f'{self.kind} = "{_FORMS[self.kind]}"')
        if right is None:
            right = self.manufactured(left)
        if not unknowns_in(sympy.Matrix([left]) if not isinstance(left, sympy.MatrixBase) else left):
            raise self.formula.error(f"the left side contains no unknown; write for instance `{_FORMS[self.kind]}`.")
        return left, right

    def manufactured(self, left: Value) -> Value:
        value = source(self.formula, self.outward(left), self.context.exact, self.context.names.limits)
        if self.kind != "initial":
            return value
        domain = self.context.domain
        start = {c: _start(domain, k) for k, c in enumerate(domain.coordinates) if is_time(c)}
        return value.subs(start)

    def outward(self, expression: Value) -> Value:
        """The expression with `dn(u)` as a sum over the components of the normal."""
        if isinstance(expression, sympy.MatrixBase):
            return expression.applyfunc(self.outward)
        space = self.context.names.space
        swap = {d: sum(Normal(c.name) * d.args[0].diff(c) for c in space) for d in expression.atoms(NormalDerivative)}
        return expression.xreplace(swap)

    def on(self):
        """What the part is called, or where it lies."""
        entry = self.entry.get("on")
        if entry is None:
            return None
        parts = [_part(item, self.context) for item in entry.one_or_more()]
        with entry.here():
            self.context.domain.part(parts, call=self.kind)
        return parts if isinstance(entry.value, list) else parts[0]


_FORMS = {
    "value": "p = 0",
    "mean": "p = 0",
    "total": "c = 1",
    "dirichlet": "u = 0",
    "neumann": "dn(u) = 0",
    "robin": "2*u + dn(u) = 0",
    "initial": "u = sin(pi*x)",
}


def _start(domain: Domain, axis: int):
    """The first instant, exact where it is written exactly."""
    if isinstance(domain, SpaceTimeDomain):
        return domain.times.symbolic_bounds[0][0]
    return domain.symbolic_bounds[axis][0] if isinstance(domain, Box) else domain.bounds[axis][0]


def _apart(text: str) -> list[str]:
    """A text cut at its commas, but for those between the brackets of a call."""
    depths = itertools.accumulate((letter == "(") - (letter == ")") for letter in text)
    cuts = [k for k, (letter, depth) in enumerate(zip(text, depths, strict=True)) if letter == "," and depth == 0]
    return [text[a + 1 : b] for a, b in itertools.pairwise([-1, *cuts, len(text)])]


def _part(entry: Entry, context: FileContext):
    text = entry.text('on = "x = 0"')
    sides = _sides(context.domain)
    parts = _apart(text)
    if len(parts) > 1 and re.search("[=<>]", text):
        listed = ", ".join(f'"{part.strip()}"' for part in parts)
        raise entry.error(f"this names several parts in one text; write them as a list, `on = [{listed}]`.")
    if text.strip() in sides or not re.search(r"[=<>]|\b(and|or|not)\b", text):
        return text.strip()
    return part(entry, context.names, "y = 1 and x > 0.3", sides)


def _sides(domain: Domain) -> tuple[str, ...]:
    """The names of the sides of a shape; those of a box are equations."""
    return domain.shape.sides if isinstance(domain, ShapeDomain) else ()


def _dirichlet(of: _Statement):
    left, right = of.sides()
    return Dirichlet(of.outward(left), of.outward(right), on=of.on(), **of.options)


def _neumann(of: _Statement):
    left, right = of.sides()
    parts = list(left) if isinstance(left, sympy.MatrixBase) else [left]
    if not all(isinstance(part, NormalDerivative) for part in parts):
        raise of.formula.error(
            "the left side of a Neumann condition is the derivative along the outward normal alone; write `dn(u) = 0`."
        )
    inner = [part.args[0] for part in parts]
    field = sympy.Matrix(inner) if isinstance(left, sympy.MatrixBase) else inner[0]
    return Neumann(field, of.outward(right), on=of.on(), **of.options)


def _robin(of: _Statement):
    left, right = of.sides()
    vector = isinstance(left, sympy.MatrixBase)
    split = [_weights(of.formula, part) for part in (left if vector else [left])]
    if len({(a, b) for _, a, b in split}) > 1:
        raise of.formula.error("the components have different coefficients; write one condition for each.")
    _, a, b = split[0]
    field = sympy.Matrix([u for u, _, _ in split]) if vector else split[0][0]
    return Robin(field, a, b, of.outward(right), on=of.on(), **of.options)


def _weights(entry: Entry, left) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """(u, a, b) of `a*u + b*dn(u)`."""
    derivatives = list(left.atoms(NormalDerivative))
    if len(derivatives) == 1 and isinstance(derivatives[0].args[0], (sympy.Function, sympy.Derivative)):
        slope, field = sympy.Dummy(real=True), sympy.Dummy(real=True)
        u = derivatives[0].args[0]
        plain = sympy.expand(left.xreplace({derivatives[0]: slope}).xreplace({u: field}))
        a, b = plain.coeff(field), plain.coeff(slope)
        rest = sympy.expand(plain - a * field - b * slope)
        if rest == 0 and not {slope, field} & (a.free_symbols | b.free_symbols) and not unknowns_in(a + b):
            return u, a, b
    raise entry.error(
        "the left side of a Robin condition is a sum of an unknown and its outward normal derivative, each times a "
        "coefficient; write `2*u + dn(u) = 0`, and anything else as `dirichlet` with `dot(normal, grad(u))`."
    )


def _initial(of: _Statement):
    left, right = of.sides()
    return Initial(of.outward(left), right, **of.options)


def _periodic(of: _Statement):
    names = of.context.names
    along = of.entry.need("along", 'along = "x"')
    axis = names.known.get(along.text('along = "x"'))
    if axis not in names.coordinates:
        raise along.error(f"`{along.value}` is no coordinate; write one of {', '.join(map(str, names.coordinates))}.")
    return Periodic(formula(of.formula, names, 'periodic = "u"'), axis, **of.options)


def _interface(of: _Statement):
    names = of.context.names
    said = {key: of.entry.get(key) for key in ("jump", "flux", "flux_jump", "resistance")}
    given = {key: formula(entry, names, f'{key} = "k*diff(u, x)"') for key, entry in said.items() if entry}
    at = part(of.entry.need("at", 'at = "x = 0.5"'), names, "x = 0.5", ())
    return Interface(formula(of.formula, names, 'interface = "u"'), at, **given, **of.options)


def _observed(of: _Statement):
    names, variable, noise = of.context.names, of.entry.get("variable"), of.entry.get("noise")
    called = variable.text('variable = "u"') if variable else of.formula.text('observed = "u"').strip()
    points, values, units = scattered(of.entry, [c.name for c in names.coordinates], called)
    options = of.options | ({} if noise is None else {"noise": float_of(noise, names, "noise = 0.01")})
    told = units_in_words(units)
    return Observed(formula(of.formula, names, 'observed = "u"'), points, list(values), units=told, **options)


def _point(of: _Statement, key: str) -> dict:
    names, example = of.context.names, f"{key} = {{ x = 0, y = 0.5 }}"
    entries = of.entry.need(key, example).table(None, example).entries()
    return {name: float_of(entry, names, example) for name, entry in entries.items()}


def _value(of: _Statement):
    left, right = of.sides()
    return sums.Value(left, right, at=_point(of, "at"), **of.options)


def _linked(of: _Statement):
    field = formula(of.formula, of.context.names, 'linked = "u"')
    return sums.Linked(field, _point(of, "at"), _point(of, "to"), **of.options)


def _mean(of: _Statement):
    left, right = of.sides()
    noise = of.entry.get("noise")
    options = of.options | ({} if noise is None else {"noise": float_of(noise, of.context.names, "noise = 0.01")})
    return (sums.Mean if of.kind == "mean" else sums.Total)(left, right, on=of.on(), **options)


_MAKERS: dict[str, Callable] = {
    "value": _value,
    "linked": _linked,
    "mean": _mean,
    "total": _mean,
    "dirichlet": _dirichlet,
    "neumann": _neumann,
    "robin": _robin,
    "initial": _initial,
    "periodic": _periodic,
    "interface": _interface,
    "observed": _observed,
}
