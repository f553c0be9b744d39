"""`read_problem`: a problem from a TOML file."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from spindle.errors import ProblemError, nearest, shown, usage
from spindle.problem.problem import Problem
from spindle.problem.references import GridReference
from spindle.problem.serialize import encode
from spindle.problem_files.conditions import EXAMPLE, FileContext, condition
from spindle.problem_files.data import gridded
from spindle.problem_files.domain import domain_of
from spindle.problem_files.formulas import Value, equation, float_of, formula
from spindle.problem_files.manufactured import source
from spindle.problem_files.names import Names, words
from spindle.problem_files.source import Entry, open_source
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.symbols import Normal, Parameter, is_complex, parameter, unknown, unknowns_in
from spindle.symbolic.tables import tabulated

_WORDS = ("name", "title", "citation", "notes")
_KEYS = (
    *_WORDS,
    "coordinates",
    "time",
    "domain",
    "shapes",
    "unknowns",
    "complex",
    "parameters",
    "tabulated",
    "definitions",
    "equations",
    "conditions",
    "reference",
    "quantities",
)
_OF_SOME = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\(([A-Za-z0-9_]+(?:,[A-Za-z0-9_]+)*)\)")  # an unknown S(t)
_MOST = 200  # conditions, unknowns, equations or parameters
_PARAMETER = (
    "nu = 0.01`, `nu = { value = 1, unknown = true }`, `nu = { range = [1, 3] }` or `lam = { eigenvalue = true }"
)
_TABLE = 'kappa = { data = "kappa.npz" }'


@usage('spd.read_problem("heat.toml", nu=0.02)')
def read_problem(path, **values: float) -> Problem:
    """The problem that a TOML file states; nothing in the file is ever run.

    path     of the file; data files that it names lie beside it
    values   of parameters, in place of those in the file; with one for a parameter with a range, the member of the
             family

    The format is in docs/problem-files.md. Raises ProblemError with file, line and column where something is wrong.
    """
    if not isinstance(path, (str, Path)):
        raise ProblemError(
            f"`spd.read_problem` was given {shown(path)}, which is no path of a file; write "
            f'`spd.read_problem("heat.toml")`.'
        )
    file = open_source(path)
    with file.here():
        problem = _problem(file, values)
        members = {p.name: values[p.name] for p in problem.parameters if p.bounds and p.name in values}
        return (problem.at(**members) if members else problem).named(str(path), values)


def file_parameters(path) -> dict[str, float | None]:
    """The parameters of a problem file and their values, None for those with a range and no value."""
    file = open_source(path)
    parameters = _parameters(file, Names(), {})
    return {name: p.value for name, p in parameters.items()}


def _problem(file: Entry, values: Mapping[str, float]) -> Problem:
    file.table(_KEYS, "")
    said = _words(file)
    names = Names()
    if "complex" in file.value:
        names.allow_complex()
    _define(file, names)
    _parameters(file, names, values)
    domain = domain_of(file, names)
    _unknowns(file, names, domain.coordinates)
    names.settle(domain)
    _tables(file, names)
    for name, entry in names.definitions.items():
        if name not in names.known:
            names.known[name] = formula(entry, names, f'{name} = "sin(pi*x)"')
    quantities = _quantities(file, names)
    reference = _reference(file, names, quantities)
    closed = {u: value for u, value in reference.items() if isinstance(value, sympy.Expr)}
    exact = {u: value for u, value in closed.items() if isinstance(u, AppliedUndef)}
    for name, e in quantities.items():
        if set(unknowns_in(e)) <= set(exact):
            # The problem derives the reference of the quantity itself; here its size is checked.
            source(file.entry("quantities").entry(name), e, exact, names.limits)
    equations = _equations(file, names, exact)
    context = FileContext(names, domain, exact)
    listed = file.get("conditions")
    items = listed.at_most(_MOST, "conditions").items(f"conditions = [{EXAMPLE}]") if listed else []
    conditions = [condition(item, context) for item in items]
    _all_used(file, equations, conditions, domain)
    with file.entry("equations").here():
        return Problem(
            domain=domain,
            equations=equations,
            conditions=conditions,
            reference=reference,
            quantities=quantities,
            name=said["name"],
            title=said["title"],
            citation=said["citation"],
            notes=said["notes"],
        )


def _words(file: Entry) -> dict[str, str]:
    words = {key: file.entry(key).words() if key in file.value else "" for key in _WORDS}
    name = words["name"] = words["name"] or re.sub(r"[^A-Za-z0-9_.-]", "_", Path(file.source.name).stem)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", name):
        raise file.need("name", "").error(
            f"`{name[:80]}` cannot be the name of a folder for its runs; use letters, digits, `_`, `-` and `.`, and "
            f"`title` for a sentence."
        )
    return words


def _define(file: Entry, names: Names) -> None:
    listed = file.get("definitions")
    if listed is None:
        return
    for name, entry in listed.table(None, 'definitions = { flux = "-k*grad(u)" }').entries().items():
        names.definitions[names.claim(name, entry)] = entry


# ---------------------------------------------------------------------------------------------------- parameters


def _parameters(file: Entry, names: Names, values: Mapping[str, float]) -> dict[str, Parameter]:
    listed = file.get("parameters")
    entries = listed.at_most(_MOST, "parameters").table(None, _PARAMETER).entries() if listed else {}
    for name in values:
        if name not in entries:
            raise ProblemError(f"{file.source.name} has no parameter `{name}`.{nearest(name, entries)}")
    constants = names.constants()
    parameters = {
        name: _parameter(names.claim(name, entry), entry, constants, values) for name, entry in entries.items()
    }
    names.known |= parameters
    return parameters


def _parameter(name: str, entry: Entry, constants: Names, values: Mapping[str, float]) -> Parameter:
    if name == "t":
        raise entry.key_error("`t` is time, and no parameter; choose another name.")
    if isinstance(entry.value, list) or entry.value in ("unknown", "?"):
        raise entry.error(f"`{name}` is a number, or a table that says more; write `{_PARAMETER}`.")
    parts = entry.entries() if isinstance(entry.value, dict) else {"value": entry}
    if isinstance(entry.value, dict):
        entry.table(("value", "range", "unknown", "eigenvalue"), _PARAMETER)
        if not {"value", "range", "eigenvalue"} & set(parts):
            raise entry.error(f"`{name}` has neither a value (or a first guess) nor a range; write `{_PARAMETER}`.")
    options: dict[str, Any] = {}
    if "range" in parts:
        options["range"] = tuple(
            float_of(end, constants, "range = [1, 3]") for end in parts["range"].items("range = [1, 3]")
        )
    for flag in {"unknown", "eigenvalue"} & set(parts):
        options[flag] = _flag(parts[flag])
    value = float_of(parts["value"], constants, _PARAMETER) if "value" in parts else None
    if name in values and "range" not in parts:
        value = values[name]
    with entry.here():
        return parameter(name, value, **options)


def _flag(entry: Entry) -> bool:
    if not isinstance(entry.value, bool):
        raise entry.error(f"`{entry.key}` is true or false, without quotes.")
    return entry.value


# --------------------------------------------------------------------------------------------- fields and tables


def _unknowns(file: Entry, names: Names, coordinates) -> None:
    listed = file.need("unknowns", 'unknowns = "u"').at_most(_MOST, "unknowns")
    if not listed.value:
        raise listed.error('there is no unknown to solve for; write `unknowns = "u"`.')
    declared = file.get("complex")
    marked = dict(words(declared, 'complex = "psi"')) if declared else {}
    alone = all(axes for _, axes, _ in _declared(listed))
    for name, axes, entry in _declared(listed):
        if alone:
            raise entry.error(
                f"`{name}({','.join(axes)})` is written without its arguments, `{name}`; only beside an unknown of all "
                f"coordinates there are some of fewer."
            )
        names.claim(name, entry)
        names.known[name] = unknown(name, *_axes_of(entry, name, axes, coordinates), complex=name in marked)
    for name, entry in marked.items():
        if not is_complex(names.known.get(name)):
            raise entry.error(f"`{name}` is no unknown, of which `complex` lists those with complex values.")


def _declared(listed: Entry) -> Iterator[tuple[str, tuple[str, ...], Entry]]:
    """The name, the coordinates if it says them, `S(t)`, and the place of each unknown."""
    for word, entry in words(listed, 'unknowns = ["u", "v"]'):
        said = _OF_SOME.fullmatch(word)
        yield (said[1], tuple(said[2].split(",")), entry) if said else (word, (), entry)


def _axes_of(entry: Entry, name: str, said: tuple[str, ...], coordinates) -> list[sympy.Symbol]:
    """The coordinates that an unknown depends on: those that are said, else all."""
    known = {c.name: c for c in coordinates}
    if not said:
        return list(coordinates)
    for axis in said:
        if axis not in known or said.count(axis) > 1:
            raise entry.error(
                f"`{name}({', '.join(said)})` depends on some of the coordinates {', '.join(known)}, each once, and "
                f"`{axis}` is none of these or repeated."
            )
    if len(said) == len(known):
        raise entry.error(
            f"`{name}({', '.join(said)})` is written without its arguments, `{name}`, as it depends on all coordinates."
        )
    return [known[axis] for axis in said]


def _tables(file: Entry, names: Names) -> None:
    listed = file.get("tabulated")
    if listed is None:
        return
    symbols = {c.name: c for c in names.coordinates}
    for name, entry in listed.table(None, _TABLE).entries().items():
        names.claim(name, entry)
        entry.table(("data", "columns", "decimal", "variable", "axes", "at", "values", "interpolation"), _TABLE)
        way = entry.get("interpolation")
        variable = entry.get("variable")
        axes, values = gridded(entry, list(symbols), variable.text('variable = "k"') if variable else name)
        with entry.here():
            joined = {"interpolation": way.text('interpolation = "linear"')} if way else {}
            names.known[name] = tabulated(name, {symbols[c]: nodes for c, nodes in axes.items()}, values, **joined)


def _quantities(file: Entry, names: Names) -> dict[str, sympy.Expr]:
    listed, example = file.get("quantities"), 'quantities = { vorticity = "curl([u, v])" }'
    entries = listed.table(None, example).entries() if listed else {}
    quantities = {names.claim(name, entry): formula(entry, names, example) for name, entry in entries.items()}
    for name, e in quantities.items():
        if isinstance(e, sympy.MatrixBase) or not unknowns_in(e) or e.atoms(Normal, NormalDerivative):
            raise entries[name].error("a quantity is a single expression in the unknowns; name each component.")
    return quantities


def _reference(file: Entry, names: Names, quantities: Mapping[str, sympy.Expr]) -> dict:
    listed = file.get("reference")
    if listed is None:
        return {}
    references, fields = (
        {},
        {name: names.known[name] for name, _, _ in _declared(file.entry("unknowns"))} | dict(quantities),
    )
    for name, entry in listed.table(None, 'reference = { u = "sin(pi*x)" }').entries().items():
        if name not in fields:
            raise entry.key_error(f"`{name}` is no unknown, and has no reference.{nearest(name, fields)}")
        grid = isinstance(entry.value, dict)
        references[fields[name]] = _grid(name, entry, names) if grid else _closed(entry, names)
    return references


def _closed(entry: Entry, names: Names) -> sympy.Expr:
    value = formula(entry, names, 'u = "sin(pi*x)"')
    if isinstance(value, sympy.MatrixBase) or unknowns_in(value) or value.atoms(Normal, NormalDerivative):
        raise entry.error("a reference is a closed form in the coordinates and parameters, for one unknown.")
    return value


def _grid(name: str, entry: Entry, names: Names) -> GridReference:
    example = 'u = { data = "u.nc", relative_error = 1e-6, source = "finite differences" }'
    entry.table(("data", "columns", "decimal", "variable", "at", "values", "relative_error", "source"), example)
    variable, error, words = entry.get("variable"), entry.get("relative_error"), entry.get("source")
    called = variable.text('variable = "u"') if variable else name
    axes, values = gridded(entry, [c.name for c in names.coordinates], called, all_of_them=True)
    with entry.here():
        return GridReference(
            axes, values, float_of(error, names, example) if error else 0.0, words.words() if words else ""
        )


# ----------------------------------------------------------------------------------------------------- equations


def _equations(file: Entry, names: Names, exact: Mapping) -> dict[str, sympy.Eq] | list[sympy.Eq]:
    listed = file.need("equations", 'equations = ["laplacian(u) = 1"]').at_most(_MOST, "equations")
    if listed.value in ([], {}):
        raise listed.error(
            'there is no equation, so there is nothing to solve; write `equations = ["laplacian(u) = 1"]`.'
        )
    if isinstance(listed.value, dict):
        return {name: _equation(entry, names, exact) for name, entry in listed.entries().items()}
    return [_equation(item, names, exact) for item in listed.one_or_more()]


def _equation(entry: Entry, names: Names, exact: Mapping) -> sympy.Eq:
    left, right = equation(entry, names, "laplacian(u) = 1")
    with entry.here():
        if right is None:
            right = source(entry, left, exact, names.limits)
        left, right = _paired(entry, left, right)
        for a, b in zip(_parts(left), _parts(right), strict=True):
            difference = a - b
            if difference == 0:
                raise entry.error("this holds for every field, so nothing is imposed; leave it out, or change a side.")
            if not unknowns_in(difference):
                raise entry.error("this contains no unknown, so nothing can make it true; leave it out, or use one.")
            if difference.atoms(Normal, NormalDerivative):
                raise entry.error("`dn` and `normal` exist on the boundary alone; they belong in conditions.")
            encode(difference)
        return sympy.Eq(left, right, evaluate=False)


def _paired(entry: Entry, left: Value, right: Value) -> tuple[Value, Value]:
    """Both sides with the same number of components; a zero stands for a zero vector."""
    sizes = [len(_parts(side)) for side in (left, right)]
    if isinstance(left, sympy.MatrixBase) and right == 0:
        right = sympy.zeros(*left.shape)
    elif isinstance(left, sympy.MatrixBase) != isinstance(right, sympy.MatrixBase) or sizes[0] != sizes[1]:
        raise entry.error(f"its sides have {sizes[0]} and {sizes[1]} components, and need equally many.")
    return left, right


def _parts(value: Value) -> list[sympy.Expr]:
    return list(value) if isinstance(value, sympy.MatrixBase) else [value]


def _all_used(file: Entry, equations, conditions, domain) -> None:
    """Raise ProblemError for an unknown or a parameter that is declared and then forgotten."""
    values = equations.values() if isinstance(equations, dict) else equations
    parts = [part for eq in values for side in (eq.lhs, eq.rhs) for part in _parts(side)]
    parts += [e for made in conditions for c in made for piece in c.pieces(domain) for _, e in piece.terms]
    used = {u.func.__name__ for u in unknowns_in(sympy.Tuple(*parts))}
    used |= {p.name for part in parts for p in part.atoms(Parameter)}
    for name, _, entry in _declared(file.entry("unknowns")):
        if name not in used:
            raise entry.error(f"the unknown `{name}` occurs in no equation and no condition; use it, or leave it out.")
    for name, entry in file.entry("parameters").entries().items() if "parameters" in file.value else ():
        if name not in used:
            raise entry.key_error(f"the parameter `{name}` occurs in no equation and no condition; leave it out.")
