"""Formulas as MathML, unknowns without their arguments and derivatives as subscripts."""

from collections.abc import Callable, Mapping
from html import escape, unescape
from xml.dom.minidom import Element, Text

import sympy
from markupsafe import Markup
from sympy.core.function import AppliedUndef
from sympy.printing.mathml import MathMLPresentationPrinter

from spindle.geometry.domain import Box
from spindle.problem.printing import lines
from spindle.symbolic.words import text
from spindle.visible import visible

# Private-use characters around the number of a formula, so that a line of words and formulas can be escaped whole.
_OPEN, _CLOSE = "\ue000", "\ue001"
_TIMES = "\u2062"  # the invisible multiplication sign


class _MathML(MathMLPresentationPrinter):
    """SymPy's presentation printer in the notation of the papers.

    short   letters that stand for functions defined piece by piece
    """

    def __init__(self, short: Mapping[sympy.Expr, sympy.Symbol] | None = None):
        super().__init__()
        self.short = short or {}

    def _print_AppliedUndef(self, expr):
        return self._print(sympy.Symbol(expr.func.__name__))

    def _print_NormalDerivative(self, expr):
        (inner,) = expr.args
        base = self._bracketed(inner) if inner.is_Add else self._print(inner)
        above, below = self._leaf("mo", "∂"), self._row(self._leaf("mo", "∂"), self._leaf("mi", "n"))
        return self._element("mfrac", self._row(above, base), below)

    def _print_Derivative(self, expr):
        letters = [self._print(c) for c, n in reversed(expr.variable_count) for _ in range(int(n))]
        plain = isinstance(expr.expr, AppliedUndef) and "_" not in expr.expr.func.__name__
        base = self._print(expr.expr) if plain else self._bracketed(expr.expr)
        return self._element("msub", base, self._row(*letters))

    def _print_Pow(self, expr):
        # sin²(x) rather than sin(x)², which could be read as the sine of a square.
        base, power = expr.base, expr.exp
        if base.is_Function and power.is_Integer and power > 1 and type(base).__name__.isalpha():
            printed = self._print(base)
            if printed.tagName == "mrow" and printed.firstChild.tagName == "mi":
                head = printed.firstChild
                raised = self._element("msup", head.cloneNode(True), self._print(power))
                printed.replaceChild(raised, head)
                return printed
        return super()._print_Pow(expr)

    def parenthesize(self, item, level, strict=False):
        """Brackets where needed; a derivative written as a subscript needs none."""
        atomic = item.is_Derivative or item in self.short
        return self._print(item) if atomic else super().parenthesize(item, level, strict)

    def _print_Piecewise(self, expr):
        return self._print(self.short[expr]) if expr in self.short else self._cases(expr)

    def _cases(self, expr):
        rows = []
        for value, condition in expr.args:
            words = self._leaf("mtext", "otherwise") if condition is sympy.true else self._print(condition)
            cells = (self._element("mtd", self._print(value)), self._element("mtd", words))
            rows.append(self._element("mtr", *cells))
        return self._row(self._leaf("mo", "{"), self._element("mtable", *rows))

    def _print_Float(self, expr):
        return super()._print_Float(sympy.Float(expr, 6))

    def signature(self, u) -> Element:
        """`u(x, y)`."""
        return self._row(self._print(u), self._listed([self._print(c) for c in u.args]))

    def definition(self, equation) -> Element:
        """A letter, and in full the function defined piece by piece that it stands for."""
        return self._row(self._print(equation.lhs), self._leaf("mo", "="), self._cases(equation.rhs))

    def membership(self, coordinates, boxes) -> Element:
        """`(x, y) ∈ (0, 1) × (0, 2) ∪ ...`."""
        names = [self._print(c) for c in coordinates]
        point = self._listed(names) if len(names) > 1 else names[0]
        return self._row(point, self._leaf("mo", "∈"), self._joined("∪", [self._product(box) for box in boxes]))

    def _product(self, box) -> Element:
        intervals = [self._listed([self._print(sympy.sympify(end)) for end in ends]) for ends in box]
        if len(box) > 1 and len(set(box)) == 1:
            return self._element("msup", intervals[0], self._print(sympy.Integer(len(box))))
        return self._joined("×", intervals)

    def _listed(self, items) -> Element:
        return self._row(self._leaf("mo", "("), self._joined(",", items), self._leaf("mo", ")"))

    def _joined(self, sign, items) -> Element:
        first, *rest = items
        return self._row(first, *(node for item in rest for node in (self._leaf("mo", sign), item)))

    def _bracketed(self, expr):
        return self._row(self._leaf("mo", "("), self._print(expr), self._leaf("mo", ")"))

    def _row(self, *children):
        return self._element("mrow", *children)

    def _element(self, tag, *children):
        node = self.dom.createElement(tag)
        for child in children:
            node.appendChild(child)
        return node

    def _leaf(self, tag, words):
        return self._element(tag, self.dom.createTextNode(words))


def formulas(problem) -> dict[str, list[Markup]]:
    """{part: lines of words and formulas} of a problem: find, in, such that, where, with, parameters."""
    short = _abbreviations(problem)
    printer, rendered = _MathML(short), list[Markup]()

    def note(expression) -> str:
        rendered.append(_formula(expression, printer._print))
        return f"{_OPEN}{len(rendered) - 1}{_CLOSE}"

    printed = lines(problem, note)
    parts = {head: [_with_formulas(line, rendered) for line in body] for head, body in printed.items()}
    parts["find"] = [Markup(", ").join(_wrapped(printer.signature(u)) for u in problem.unknowns)]
    domain = problem.domain
    if domain.boxes:
        boxes = [domain.symbolic_bounds] if isinstance(domain, Box) else [_exactly(box) for box in domain.boxes]
        parts["in"] = [_wrapped(printer.membership(domain.coordinates, boxes))]
    equations = [sympy.Eq(name, expr, evaluate=False) for expr, name in short.items()]
    definitions = [_formula(e, printer.definition) for e in equations]
    return _inserted(parts, "where", definitions, before="with") if definitions else parts


def as_html(problem) -> str:
    """A problem as a table of formulas for notebooks, with the doubts about it at the end."""
    parts = formulas(problem)
    if problem.doubted:
        parts["doubts"] = [Markup.escape(visible(doubt.sentence)) for doubt in problem.doubted]
    cell = Markup('style="text-align:left;vertical-align:top;padding:2px 14px 2px 0"')
    rows = Markup("").join(
        Markup("<tr><td {0}><b>{1}</b></td><td {0}>{2}</td></tr>").format(cell, head, Markup("<br>").join(body))
        for head, body in parts.items()
    )
    return str(Markup("<div><b>{}</b><table>{}</table></div>").format(visible(problem.title or problem.name), rows))


def _formula(expression, draw: Callable[[object], Element]) -> Markup:
    """One expression as a `<math>` element; as plain text where SymPy has no MathML for it."""
    try:
        return _wrapped(draw(expression))
    except (AttributeError, TypeError, ValueError, NotImplementedError):
        return Markup("<code>{}</code>").format(text(expression))


def _abbreviations(problem) -> dict[sympy.Expr, sympy.Symbol]:
    """A letter for each function defined piece by piece, which would make a formula tall wherever it stands."""
    written = [equation.written for equation in problem.equations] + problem.expressions()
    written += problem.closed_forms.values()
    pieces: set[sympy.Expr] = set().union(*(e.atoms(sympy.Piecewise) for e in written))
    taken = {s.name for e in written for s in e.free_symbols} | {u.func.__name__ for u in problem.unknowns}
    free = (name for name in ("w", "q", *(f"w_{k}" for k in range(1, len(pieces) + 9))) if name not in taken)
    inner_first = sorted(pieces, key=lambda e: (sympy.count_ops(e), str(e)))
    return {expr: sympy.Symbol(name) for expr, name in zip(inner_first, free, strict=False)}


def _exactly(box):
    return tuple(tuple(sympy.nsimplify(end, rational=True) for end in ends) for ends in box)


def _inserted(parts: dict, key: str, value, *, before: str) -> dict:
    """The mapping with an item put before another, or at its end where there is no such other."""
    items = list(parts.items())
    place = next((k for k, (name, _) in enumerate(items) if name == before), len(items))
    return dict([*items[:place], (key, value), *items[place:]])


def _with_formulas(line: str, rendered: list[Markup]) -> Markup:
    """An escaped line, the numbers between the private-use characters replaced by their formulas."""
    first, *rest = line.split(_OPEN)
    done = Markup.escape(first)
    for piece in rest:
        number, _, words = piece.partition(_CLOSE)
        done += rendered[int(number)] + Markup.escape(words)
    return done


def _wrapped(node: Element) -> Markup:
    return Markup(f'<math displaystyle="true">{_serialized(node)}</math>')


def _serialized(node, inside: str = "") -> str:
    """Markup of a node. SymPy's serialisation leaves names unescaped, and mixes entities into its text."""
    if isinstance(node, Text):
        return escape(_polished(unescape(node.data), inside))
    if node.tagName == "mo" and unescape(node.firstChild.data) == _TIMES and _is_group(node.nextSibling):
        return f'<mo lspace="0.17em">{_TIMES}</mo>'
    inner = "".join(_serialized(child, node.tagName) for child in node.childNodes)
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in node.attributes.items())
    return f"<{node.tagName}{attributes}>{inner}</{node.tagName}>"


def _polished(words: str, tag: str) -> str:
    """True minus signs in operators and numbers, and an ordinary letter for Euler's number."""
    return words.replace("-", "\u2212") if tag in ("mo", "mn") else words.replace("\u2147", "e")


def _is_group(node) -> bool:
    return node is not None and node.tagName == "mrow"
