"""From trees to SymPy, part by part, each checked before SymPy builds it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from spindle.errors import ProblemError, nearest
from spindle.problem.integrals import masked
from spindle.problem_files.grammar import Node, parse
from spindle.problem_files.hints import VECTOR_CALCULUS, WITH_ARGUMENTS, of_function
from spindle.problem_files.names import Names
from spindle.problem_files.source import Entry
from spindle.problem_files.summed import SUMMED
from spindle.symbolic import operators
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.growth_limits import MOST_CHOICES
from spindle.symbolic.operators import NormalDerivative
from spindle.symbolic.refusals import delayed, fractional
from spindle.symbolic.sampled import ARGUMENTS
from spindle.symbolic.sides import MOST, Side, is_part
from spindle.symbolic.symbols import unknowns_in

_CHOOSING = ("max", "min", "abs", "sign", "heaviside", "piecewise", "re", "im", "conjugate")
_LONGEST_CHAIN = 20  # of definitions that use later ones
_COMPARED = 60  # nodes of what is compared or chosen from
_RELATIONS = {
    "=": sympy.Eq,
    "<": sympy.StrictLessThan,
    "<=": sympy.LessThan,
    ">": sympy.StrictGreaterThan,
    ">=": sympy.GreaterThan,
    "!=": sympy.Ne,
}
_LOGIC = {"and": sympy.And, "or": sympy.Or, "not": sympy.Not}

Value: TypeAlias = sympy.Expr | sympy.MatrixBase


def formula(entry: Entry, names: Names, example: str) -> Value:
    """The scalar or column vector that a text means; a number of TOML is itself."""
    if isinstance(entry.value, (int, float)) and not isinstance(entry.value, bool):
        return _checked(entry, sympy.sympify(entry.value))
    with entry.here():
        reader = _Reader(entry, names)
        node = parse(entry.text(example), entry.error)
        return _checked(entry, reader.value(node))


def equation(entry: Entry, names: Names, example: str) -> tuple[Value, Value | None]:
    """Left and right side of an equation; None for a right side that is the word `manufactured` alone.

    Raises ProblemError where the text is no equation, or a side cannot be read.
    """
    with entry.here():
        node = parse(entry.text(example), entry.error)
        if node.kind != "relation" or node.name != "=":
            raise entry.error(f"this is no equation, which has two sides and one `=`; write `{example}`.")
        reader = _Reader(entry, names)
        left, right = node.parts
        whole = _checked(entry, reader.value(left), fluxes=True)
        if right.kind == "name" and right.name == "manufactured":
            return whole, None
        return whole, _checked(entry, reader.value(right), fluxes=True)


def part(entry: Entry, names: Names, example: str, sides: Sequence[str]) -> Boolean:
    """The part of a boundary that a text states: relations and names of sides, joined by `and`, `or` and `not`.

    sides   the names that there are; what is no letter in them may be written as it is or as `_`
    Raises ProblemError for anything else: what is no relation, or always or never true.
    """
    with entry.here():
        # Names of several words become one, of the same length, so that errors still name the character.
        written = {re.sub(r"\W", "_", side): side for side in sides}
        text = entry.text(example)
        for word, side in written.items():
            text = text.replace(side, word) if word.isidentifier() else text
        truth = _Reader(entry, names, written).truth(parse(text, entry.error))
        if not is_part(truth):
            raise entry.error(
                f"this is always or never true, contains an unknown, or joins more than {MOST} relations and sides; "
                f"write `{example}`."
            )
        return truth


def number(entry: Entry, names: Names, example: str) -> sympy.Expr:
    """The constant that a text states, exact where it is written exactly: `2*pi`.

    Raises ProblemError where the formula depends on coordinates, parameters or unknowns.
    """
    value = formula(entry, names, example)
    if not isinstance(value, sympy.Expr) or value.free_symbols or value.atoms(AppliedUndef):
        raise entry.error(f"`{entry.key}` needs a number here, and this depends on more; write `{example}`.")
    return value


def float_of(entry: Entry, names: Names, example: str) -> float:
    """The constant that a text states, as a float."""
    value = number(entry, names, example)
    values = names.limits.samples.of(value)
    return float(value) if values is None else float(values[0])


def _checked(entry: Entry, value: Value, *, fluxes: bool = False) -> Value:
    with entry.here():
        if isinstance(value, sympy.MatrixBase):
            return value.applyfunc(lambda part: expression_of(part, entry.key, fluxes=fluxes, real=False))
        plain, integrals = masked(value)
        return expression_of(plain, entry.key, fluxes=fluxes, real=False).xreplace(integrals)


class _Reader:
    """Turns the tree of one formula into SymPy."""

    def __init__(self, entry: Entry, names: Names, sides: Mapping[str, str] | None = None):
        self.entry, self.names, self.limits, self.choices = entry, names, names.limits, 0
        self.sides = sides or {}

    @contextmanager
    def at(self, node: Node) -> Iterator[None]:
        """Whatever is refused inside is refused at this part of the formula."""
        try:
            yield
        except ProblemError as error:
            if str(error).startswith(f"{self.entry.source.name}, line "):
                raise
            raise self.entry.error(str(error), node.at) from error
        except Exception as error:  # SymPy refuses nonsense in many ways
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise self.entry.error(f"this makes no sense ({reason}); write it in a simpler way.", node.at) from error

    def refuse(self, node: Node, sentence: str) -> None:
        """Raise the sentence, unless it is empty."""
        if sentence:
            raise self.entry.error(sentence, node.at)

    # ------------------------------------------------------------------------------------------------ values

    def value(self, node: Node) -> Value:
        """The scalar or column vector of a tree."""
        if node.kind in ("relation", "logic"):
            raise self.entry.error(f"`{node.name}` cannot stand inside a formula, except in `piecewise`.", node.at)
        with self.at(node):
            value = getattr(self, f"_{node.kind}")(node)
            for part in value if isinstance(value, sympy.MatrixBase) else [value]:
                self.refuse(node, self.limits.refused(part))
        return value

    def scalar(self, node: Node, where: str) -> sympy.Expr:
        """The value of a tree that cannot be a vector."""
        value = self.value(node)
        if isinstance(value, sympy.MatrixBase):
            self.refuse(
                node, f"{where} takes numbers and functions, and this is a vector; use `dot` or its components."
            )
        return value

    def _number(self, node):
        if node.name.lstrip("-").isdigit():
            return sympy.Integer(int(node.name))
        value = float(node.name)
        if value == 0 and any(digit in "123456789" for digit in node.name.lower().partition("e")[0]):
            self.refuse(node, "this number is smaller than any of a computer, below 1e-308; scale the problem.")
        return sympy.Float(value)

    def _name(self, node):
        names = self.names
        if node.name in names.known:
            return names.known[node.name]
        if node.name == "manufactured":
            self.refuse(node, "`manufactured` stands alone, as the whole right side of an equation.")
        if node.name in WITH_ARGUMENTS:
            self.refuse(node, f"`{node.name}` needs its arguments in parentheses, `{node.name}(...)`.")
        if node.name not in names.definitions:
            self.refuse(node, names.unknown(node.name))
        return self._definition(node)

    def _definition(self, node):
        names = self.names
        if node.name in names.reading:
            self.refuse(node, f"the definition of `{node.name}` leads back to itself; leave one of them out.")
        if len(names.reading) >= _LONGEST_CHAIN:
            self.refuse(node, f"more than {_LONGEST_CHAIN} definitions are needed for one another; join some of them.")
        names.reading.append(node.name)
        try:
            value = formula(names.definitions[node.name], names, 'name = "formula"')
        finally:
            names.reading.pop()
        names.known[node.name] = value
        return value

    def _vector(self, node):
        return sympy.Matrix([self.scalar(part, "a component of a vector") for part in node.parts])

    def _sum(self, node):
        values = [self.value(part) for part in node.parts]
        sizes = {len(v) if isinstance(v, sympy.MatrixBase) else None for v in values}
        if len(sizes) > 1:
            kinds = ", ".join("a number" if s is None else f"a vector of {s}" for s in sorted(sizes, key=str))
            self.refuse(node, f"this adds {kinds}, and only like can be added.")
        if sizes == {None}:
            return sympy.Add(*values)
        return sympy.Matrix([sympy.Add(*row) for row in zip(*values, strict=True)])

    def _product(self, node):
        values = [self.value(part) for part in node.parts]
        vectors = [v for v in values if isinstance(v, sympy.MatrixBase)]
        scalars = [v for v in values if not isinstance(v, sympy.MatrixBase)]
        if len(vectors) > 1:
            self.refuse(node, "this multiplies two vectors; the inner product is written `dot(a, b)`.")
        if not vectors:
            return sympy.Mul(*scalars)
        return vectors[0].applyfunc(lambda component: sympy.Mul(*scalars, component))

    def _inverse(self, node):
        base = self.scalar(node.parts[0], "`/`")
        self.refuse(node, self.limits.power(base, sympy.S.NegativeOne))
        return sympy.Pow(base, -1)

    def _power(self, node):
        base, exponent = (self.scalar(part, "a power") for part in node.parts)
        self.refuse(node, self.limits.power(base, exponent))
        return sympy.Pow(base, exponent)

    # ------------------------------------------------------------------------------------------------- calls

    def _call(self, node):
        if node.name in self.names.functions:
            return self._function(node)
        if node.name == "piecewise":
            return self._piecewise(node)
        if node.name in SUMMED:
            return SUMMED[node.name](self, node)
        if node.name in VECTOR_CALCULUS:
            return getattr(self, f"_{node.name}")(node)
        if isinstance(self.names.known.get(node.name), AppliedUndef):
            if any(part.kind not in ("name", "number") for part in node.parts):
                self.refuse(node, delayed(f"{node.name}(...)", node.name))
            self.refuse(
                node,
                f"`{node.name}` depends on all coordinates and is written without arguments, `{node.name}`; where a "
                f'condition holds is said by `on = "x = 0"`.',
            )
        if node.name in self.names.known or node.name in self.names.definitions:
            self.refuse(
                node, f"`{node.name}` is no function, and is written without arguments; a product needs its sign, `*`."
            )
        hint = of_function(node.name) or nearest(node.name, WITH_ARGUMENTS)
        raise self.entry.error(f"there is no function `{node.name}`.{hint}", node.at)

    def _function(self, node):
        least, most = ARGUMENTS.get(node.name, (1, 1))
        if not least <= len(node.parts) <= most:
            wanted = "one argument" if most == 1 else f"{least} arguments" if least == most else f"{least} to {most}"
            self.refuse(node, f"`{node.name}` takes {wanted}, and was given {len(node.parts)}.")
        arguments = [self.scalar(part, f"`{node.name}`") for part in node.parts]
        if node.name in _CHOOSING:
            self.choosing(node, arguments)
        # SymPy does not know that unknowns are real, and looks for a proof of it in what functions are taken of.
        if any(self.limits.size(a) > _COMPARED and unknowns_in(a) for a in arguments):
            self.refuse(node, f"what `{node.name}` is taken of is too long here; make it an unknown of its own.")
        self.refuse(node, self.limits.function(self.names.functions[node.name], arguments))
        return self.names.functions[node.name](*arguments)

    def choosing(self, node: Node, compared: Sequence) -> None:
        """Count a choice, and refuse what SymPy would compare for too long."""
        self.choices += 1
        if self.choices > MOST_CHOICES:
            self.refuse(
                node, f"there are more than {MOST_CHOICES} of {', '.join(_CHOOSING)} here; tabulate it instead."
            )
        if any(self.limits.size(part) > _COMPARED for part in compared):
            self.refuse(node, f"what `{node.name}` compares is too long here; compare something simpler.")

    def _piecewise(self, node):
        if len(node.parts) < 3 or len(node.parts) % 2 == 0:
            self.refuse(
                node,
                "`piecewise` takes values and conditions in turn, and a last value; write `piecewise(1, x < 0, 2)`.",
            )
        values = [self.scalar(part, "`piecewise`") for part in node.parts[::2]]
        conditions = [self.truth(part) for part in node.parts[1::2]]
        self.choosing(node, [*conditions, *values])
        return sympy.Piecewise(*zip(values, [*conditions, True], strict=True))

    def truth(self, node: Node):
        """A relation, or several joined by `and`, `or` and `not`."""
        with self.at(node):
            if node.kind == "logic":
                return self._joined(node, [self.truth(part) for part in node.parts])
            if node.kind == "name" and node.name in self.sides:
                return Side(self.sides[node.name])
            if node.kind == "name" and self.sides:
                self.refuse(node, f"there is no side `{node.name}`.{nearest(node.name, self.sides)}")
            if node.kind != "relation":
                self.refuse(node, "a relation such as `x < 0` belongs here.")
            sides = [self.scalar(part, "a relation") for part in node.parts]
            self.choosing(node, sides)
            return _RELATIONS[node.name](*sides)

    def _joined(self, node, parts):
        # SymPy solves what is joined and depends on one symbol, which can take it for ever unless it is linear.
        relations = [r for part in parts for r in part.atoms(Relational)]
        symbols = set().union(*(r.free_symbols for r in relations))
        if len(symbols) == 1 and not all((r.lhs - r.rhs).is_polynomial(*symbols) and _linear(r) for r in relations):
            self.refuse(
                node,
                f"`{node.name}` joins relations that are not linear here; write bounds such as `x > 0.3`, or nest one "
                f"`piecewise` in another.",
            )
        return _LOGIC[node.name](*parts)

    # --------------------------------------------------------------------------------------- vector calculus

    def _diff(self, node):
        first, *rest = node.parts
        value = self.value(first)
        for axis, count in self._orders(node, rest):
            if isinstance(value, sympy.MatrixBase):
                value = sympy.Matrix([self.differentiated(node, part, axis, count) for part in value])
            else:
                value = self.differentiated(node, value, axis, count)
        return value

    def _orders(self, node, parts) -> list[tuple[sympy.Symbol, int]]:
        """Coordinates and how often to differentiate by each, as in `diff(u, x, 2, y)`."""
        orders: list[tuple[sympy.Symbol, int]] = []
        for part in parts:
            axis = self.names.known.get(part.name) if part.kind == "name" else None
            if axis is not None and axis in self.names.coordinates:
                orders.append((axis, 1))
            elif orders and part.kind == "number" and part.name in "12345678" and orders[-1][1] == 1:
                orders[-1] = (orders[-1][0], int(part.name))
            else:
                broken = part.kind == "product" and any(factor.kind == "inverse" for factor in part.parts)
                if orders and (broken or (part.kind == "number" and "." in part.name)):
                    self.refuse(part, fractional("diff(u, t, 0.5)", "u"))
                self.refuse(part, "a coordinate, or after one the order from 1 to 8, belongs here: `diff(u, x, 2)`.")
        if not orders:
            self.refuse(node, "`diff` needs to know by what; write `diff(u, x)` or `diff(u, x, 2)`.")
        return orders

    def differentiated(self, node: Node, value: sympy.Expr, axis: sympy.Symbol, count: int) -> sympy.Expr:
        """A derivative, once each of its steps is known to be small enough."""
        self.differentiable(node, value, axis, count)
        return value.diff(axis, count)

    def differentiable(self, node: Node, value: sympy.Expr, axis: sympy.Symbol, count: int) -> None:
        """Refuse a derivative that would grow beyond use."""
        for step in range(count):
            value = value.diff(axis) if step else value
            self.refuse(node, self.limits.derivative(value, axis))

    def _operand(self, node, order: int) -> Value:
        """The single argument of an operator of some order, which it may differentiate."""
        if len(node.parts) != 1:
            self.refuse(node, f"`{node.name}` takes one argument, and was given {len(node.parts)}.")
        if not self.names.space:
            self.refuse(node, f"`{node.name}` differentiates along space, and there is no coordinate but time here.")
        value = self.value(node.parts[0])
        for part in value if isinstance(value, sympy.MatrixBase) else [value]:
            for axis in self.names.space:
                self.differentiable(node, part, axis, order)
        return value

    def _grad(self, node):
        value = self._operand(node, 1)
        if isinstance(value, sympy.MatrixBase):
            self.refuse(node, "`grad` takes a scalar, and was given a vector; take the gradient of each component.")
        return operators.grad(value, over=self.names.space)

    def _div(self, node):
        return sympy.sympify(operators.div(self._operand(node, 1), over=self.names.space))

    def _curl(self, node):
        return operators.curl(self._operand(node, 1), over=self.names.space)

    def _laplacian(self, node):
        return operators.laplacian(self._operand(node, 2), over=self.names.space)

    def _dot(self, node):
        values = [self.value(part) for part in node.parts]
        if len(values) != 2 or not all(isinstance(v, sympy.MatrixBase) for v in values):
            self.refuse(node, "`dot` takes two vectors; write `dot([u, v], grad(p))`.")
        return sympy.sympify(operators.dot(*values))

    def _dn(self, node):
        value = self._operand(node, 1)
        if isinstance(value, sympy.MatrixBase):
            return value.applyfunc(NormalDerivative)
        return NormalDerivative(value)


def _linear(relation: Relational) -> bool:
    (symbol,) = relation.free_symbols
    return sympy.degree(relation.lhs - relation.rhs, symbol) <= 1
