"""The formulas of problem files as trees: a grammar in which nothing but mathematics can be written.

relation  = sum [("=" | "<" | "<=" | ">" | ">=" | "!=") sum]        logic  = relation {("and" | "or") relation}
sum       = term {("+" | "-") term}                                term   = unary {("*" | "/") unary}
unary     = ("+" | "-") unary | power                              power  = atom [("^" | "**") unary]
atom      = number | name | name "(" logic {"," logic} ")" | "(" logic ")" | "[" sum {"," sum} "]"
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from spindle.errors import ProblemError
from spindle.problem_files.hints import WITH_ARGUMENTS, form_of, of_neighbours, of_sign

LONGEST = 10_000  # characters
MOST_TOKENS = 3_000
DEEPEST = 40  # parentheses within parentheses
MOST_DIGITS = 40
RELATIONS = ("=", "<=", ">=", "!=", "<", ">")

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|<=|>=|!=|==|[-+*/^()\[\],=<>])",
    re.ASCII,
)

Refuse = Callable[[str, int], ProblemError]


@dataclass(frozen=True)
class Node:
    """A part of a formula.

    kind    number, name, call, vector, sum, product, inverse, power, relation, logic
    at      the character at which it begins, or at which its sign stands
    name    the digits, the name, the function or the sign
    """

    kind: str
    at: int
    name: str = ""
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True)
class Token:
    """A number, a name or a sign; kind "end" after the last."""

    kind: str
    text: str
    at: int


def parse(text: str, refuse: Refuse) -> Node:
    """The tree of a formula; `refuse` makes an error of a sentence and the number of a character."""
    if len(text) > LONGEST:
        raise refuse(f"this formula has {len(text):,} characters, of which {LONGEST:,} are read; use [definitions].", 0)
    parser = _Parser(_tokens(text, refuse), refuse)
    tree = parser.logic()
    parser.end()
    return tree


def _tokens(text: str, refuse: Refuse) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise refuse(f"{_character(text[at])} has no meaning in a formula{of_sign(text[at])}.", at)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at))
        if len(tokens) > MOST_TOKENS:
            raise refuse(f"this formula has more than {MOST_TOKENS:,} numbers, names and signs; use [definitions].", at)
        at = match.end()
    return [*tokens, Token("end", "", len(text))]


def _character(letter: str) -> str:
    return f"`{letter}`" if letter.isprintable() and letter != "`" else f"the character U+{ord(letter):04X}"


class _Parser:
    """Recursive descent over the tokens; `k` is the next one."""

    def __init__(self, tokens: list[Token], refuse: Refuse):
        self.tokens, self.refuse, self.k, self.depth = tokens, refuse, 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.k]

    def take(self) -> Token:
        self.k += 1
        return self.tokens[self.k - 1]

    def sees(self, *texts: str) -> bool:
        return self.next.kind != "end" and self.next.text in texts

    def end(self) -> None:
        token = self.next
        if token.kind != "end":
            raise self.refuse(f"`{token.text}` cannot stand here{self.hint(token)}.", token.at)

    def hint(self, token: Token) -> str:
        """What is often meant where two things follow each other."""
        before = self.tokens[self.k - 1] if self.k else None
        if token.text == "==":
            return "; equality is written with one `=`"
        after = self.tokens[self.k + 1] if token.kind != "end" else token
        meant = of_neighbours(before.text if before else "", token.text, after.text)
        if meant:
            return meant
        if token.text in RELATIONS:
            return "; a formula holds one relation, and more are joined by `and`"
        if (before and token.kind in ("number", "name")) or token.text in ("(", "["):
            return "; a product needs its sign, `*`"
        return "; no parenthesis is open" if token.text in (")", "]") else ""

    def deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse(f"this formula is nested more than {DEEPEST} levels deep; use [definitions].", at)

    def logic(self) -> Node:
        first = self.relation()
        parts = [first]
        if not self.sees("and", "or"):
            return first
        word = self.next.text
        while self.sees("and", "or"):
            token = self.take()
            if token.text != word:
                raise self.refuse("`and` and `or` are mixed here; say by parentheses what belongs together.", token.at)
            parts.append(self.relation())
        return Node("logic", first.at, word, tuple(parts))

    def relation(self) -> Node:
        if self.sees("not"):
            token = self.take()
            self.deeper(token.at)
            inner = self.relation()
            self.depth -= 1
            return Node("logic", token.at, "not", (inner,))
        left = self.sum()
        if not self.sees(*RELATIONS):
            return left
        token = self.take()
        return Node("relation", token.at, token.text, (left, self.sum()))

    def sum(self) -> Node:
        first = self.term(None)
        parts = [first]
        while self.sees("+", "-"):
            token = self.take()
            parts.append(self.term(token if token.text == "-" else None))
        return first if len(parts) == 1 else Node("sum", first.at, parts=tuple(parts))

    def term(self, minus: Token | None) -> Node:
        """A product; the sign before it is one of its factors, as in the printed form of `-(x + y)*z`."""
        while self.sees("+", "-"):
            token = self.take()
            if token.text == "-":
                minus = None if minus else token
        parts = [Node("number", minus.at, "-1")] if minus else []
        parts.append(self.unary())
        while self.sees("*", "/"):
            token = self.take()
            factor = self.unary()
            parts.append(Node("inverse", token.at, parts=(factor,)) if token.text == "/" else factor)
        return parts[0] if len(parts) == 1 else Node("product", parts[0].at, parts=tuple(parts))

    def unary(self) -> Node:
        signs = []
        while self.sees("+", "-"):
            signs.append(self.take())
        minus = [token for token in signs if token.text == "-"]
        inner = self.power()
        if len(minus) % 2 == 0:
            return inner
        return Node("product", minus[0].at, parts=(Node("number", minus[0].at, "-1"), inner))

    def power(self) -> Node:
        base = self.atom()
        if not self.sees("^", "**"):
            return base
        token = self.take()
        if base.kind == "name" and base.name in WITH_ARGUMENTS:
            raise self.refuse(
                f"`{base.name}` stands before `{token.text}` without its arguments; write `{form_of(base.name)}`, and "
                f"powers behind the parentheses, `{form_of(base.name)}^2`.",
                base.at,
            )
        self.deeper(token.at)
        exponent = self.unary()
        self.depth -= 1
        return Node("power", token.at, parts=(base, exponent))

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name" and token.text not in ("and", "or", "not"):
            if not self.sees("("):
                return Node("name", token.at, token.text)
            self.take()
            return Node("call", token.at, token.text, self.several(token, ")"))
        if token.text == "(":
            return self.several(token, ")", most=1)[0]
        if token.text == "[":
            return Node("vector", token.at, parts=self.several(token, "]"))
        if token.kind == "end":
            raise self.refuse("the formula ends too early; something is missing.", token.at)
        raise self.refuse(f"`{token.text}` cannot stand here; a number, a name or `(` belongs before it.", token.at)

    def number(self, token: Token) -> Node:
        if sum(letter.isdigit() for letter in token.text) > MOST_DIGITS:
            raise self.refuse(f"this number has more than {MOST_DIGITS} digits.", token.at)
        if self.next.kind == "name" and self.next.at == token.at + len(token.text):
            raise self.refuse(
                f"`{token.text}{self.next.text}` is no number; a product needs its sign, "
                f"`{token.text}*{self.next.text}`.",
                token.at,
            )
        return Node("number", token.at, token.text)

    def several(self, opening: Token, closing: str, most: int | None = None) -> tuple[Node, ...]:
        """What stands between parentheses or brackets, separated by commas."""
        self.deeper(opening.at)
        parts = [self.logic()]
        while self.sees(",") and (most is None or len(parts) < most):
            self.take()
            parts.append(self.logic())
        if not self.sees(closing):
            wanted = f"`{closing}` is missing for the `{opening.text}` at character {opening.at + 1} of the formula"
            if opening.kind == "name":
                wanted = f"`{closing}` is missing for the arguments of `{opening.text}`"
            got = f", where `{self.next.text}` stands{self.hint(self.next)}" if self.next.kind != "end" else ""
            raise self.refuse(f"{wanted}{got}.", self.next.at)
        self.take()
        self.depth -= 1
        return tuple(parts)
