"""What people write from books, Python or other programs, and how it is written here; each an end of a sentence."""

import re
from collections.abc import Iterable, Mapping

from sympy.core.function import AppliedUndef

from spindle.symbolic.sampled import FUNCTIONS

VECTOR_CALCULUS = ("diff", "grad", "div", "curl", "laplacian", "dot", "dn", "point_source", "integral")
WITH_ARGUMENTS = (*FUNCTIONS, *VECTOR_CALCULUS, "piecewise")

_DERIVATIVE = "a derivative is written `diff(u, x)`, and a second one `diff(u, x, 2)`"
_QUOTES = "a text stands between plain quotes, and formulas hold none"
_SIGNS = {
    "\u2212\u2013\u2014": "minus is written `-`",
    "\u00b7\u22c5\u00d7\u2217\u2022": "a product is written `*`",
    "\u00f7\u2215": "a quotient is written `/`",
    "\u00b9\u00b2\u00b3\u2070\u2074\u2075\u2076\u2077\u2078\u2079": "powers are written `x^2`",
    "\u2202'\u2032\u2019`\u2033": _DERIVATIVE,
    "\u0394\u2206": "the Laplacian is written `laplacian(u)`",
    "\u2207": "write `grad(u)`, `div(v)`, `curl(v)` or `laplacian(u)`",
    "\u03c0": "write `pi`",
    "\u221a": "a root is written `sqrt(x)`",
    "|": "an absolute value is written `abs(x)`",
    "\u2264": "write `<=`",
    "\u2265": "write `>=`",
    "\u2260": "write `!=`",
    "\u221e": "nothing here is infinite; write a large number",
    ".": "functions are written without their module or object, `sin(x)`, `diff(u, x)`",
    "{}\\": "formulas are plain text, not LaTeX: `diff(u, x, 2)`, `1/2`, `x^2`",
    "%": "write a share as a number, `0.1`",
    "#;": "a formula ends with its quotes, and comments stand behind them",
    "&": "relations are joined by `and`",
    '"\u201c\u201d\u201e\u00ab\u00bb': _QUOTES,
    "!": "there is no factorial; write its value",
    "@": "the inner product is written `dot(a, b)`",
}
_FUNCTIONS = {
    "log": "ln logn",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh arsinh",
    "acosh": "arccosh arcosh",
    "atanh": "arctanh artanh",
    "tan": "tg",
    "sign": "sgn signum",
    "ceiling": "ceil",
    "heaviside": "step theta",
    "abs": "fabs",
    "laplacian": "laplace lap delta nabla2 lapl",
    "grad": "gradient nabla",
    "div": "divergence",
    "curl": "rot",
    "dot": "inner",
    "diff": "derivative d partial",
    "dn": "normal_derivative ddn",
    "piecewise": "where select if ifelse",
    "max": "maximum",
    "min": "minimum",
    "sqrt": "root",
}
_MEANT = {other: name for name, others in _FUNCTIONS.items() for other in others.split()}
_FORMS = {
    "diff": "diff(u, x)",
    "piecewise": "piecewise(1, x < 0.5, 2)",
    "dot": "dot(a, b)",
    "atan2": "atan2(y, x)",
    "max": "max(x, 0)",
    "min": "min(x, 0)",
}


def of_sign(sign: str) -> str:
    """How people write here what a foreign sign stands for; empty where the sign is not known."""
    hint = next((words for signs, words in _SIGNS.items() if sign in signs), "")
    if not hint and sign.isalpha():
        hint = "names have letters from a to z, digits and underscores"
    return f"; {hint}" if hint else ""


def of_function(name: str) -> str:
    """How the function is called here that another language calls `name`; empty where it is not known."""
    if name.casefold() in ("pow", "power"):
        return " Powers are written `x^2`."
    if name.casefold() in ("eq", "equation"):
        return " An equation is written `left = right`."
    meant = _MEANT.get(name.casefold(), "")
    return f" It is called `{meant}` here, `{form_of(meant)}`." if meant else ""


def form_of(function: str) -> str:
    """How a function is written: `grad(u)`, `sin(x)`."""
    return _FORMS.get(function, f"{function}({'u' if function in VECTOR_CALCULUS else 'x'})")


def of_neighbours(before: str, text: str, after: str) -> str:
    """What is probably meant by `text` after `before`, tokens that cannot follow each other; empty where not known."""
    if before.casefold() in WITH_ARGUMENTS or before.casefold() in _MEANT:
        name = _MEANT.get(before.casefold(), before.casefold())
        return f"; `{name}` takes its arguments in parentheses, `{form_of(name)}`"
    if text == "if":
        return "; cases are written `piecewise(1, x > 0, 0)`"
    if text == "," and before[-1:].isdigit() and after[:1].isdigit():
        return f"; decimals are written with a point, `{before}.{after}`"
    return ""


def of_name(name: str, known: Mapping, coordinates: Iterable) -> str:
    """What is probably meant by a name without a meaning, as a sentence; empty where it is not known."""
    if name in ("e", "E"):
        return "the exponential function is written `exp(x)`, and its base `exp(1)`."
    listed = [c.name for c in coordinates]
    axes = sorted(listed, key=len, reverse=True)
    fields = [n for n, value in known.items() if isinstance(value, AppliedUndef)]
    letters = "|".join(map(re.escape, axes)) or "(?!)"
    for field in fields:
        spelt = re.fullmatch(rf"{re.escape(field)}_?((?:{letters})+)", name)
        if spelt:
            return f"a derivative is written `diff({field}, {', '.join(re.findall(letters, spelt[1]))})`."
        if re.fullmatch(rf"{re.escape(field)}_[a-z]{{1,4}}", name):
            return f"a derivative is written `diff({field}, x)`, by one of the coordinates, {', '.join(listed)}."
    if re.fullmatch(r"d[2-9]?\w+|d\w+_?d\w+", name) and any(part in name for part in (*fields, *axes)):
        return f"{_DERIVATIVE}."
    meant = _MEANT.get(name.casefold(), "")
    return (
        f"`{meant}` is what it is called here, with its arguments in parentheses, `{form_of(meant)}`." if meant else ""
    )


_PYTHON = re.compile(r"(import|from|def|class|print)\b|[A-Za-z_, ]+ = [A-Za-z_.]+\(")
_WORDS = {"True": "true", "False": "false", "None": "a value"}


def of_toml(lines: list[str], column: int) -> str:
    """What is probably meant by lines that are no TOML, from the column where reading stopped."""
    line = lines[0] if lines else ""
    rest = line[column - 1 :].strip()
    word = re.match(r"[A-Za-z_]+", rest)
    if _PYTHON.match(line.strip()):
        return "; a problem file holds no Python, and a Python script is run by `python`"
    if line.strip().startswith(("{", "[{")):
        return "; each line says `key = value`, without braces around the whole"
    if word and word[0] in _WORDS:
        return f"; write `{_WORDS[word[0]]}`"
    if re.match(r"\s*[A-Za-z_]+\s*:", line) or (rest.startswith(":") and "=" in line):
        return "; a key and its value are joined by `=`, `x = [0, 1]`"
    if rest and (rest[0].isalpha() or rest[0] in "-+(\u2202\u0394\u2207"):
        return '; formulas and names stand in quotes, `equations = ["laplacian(u) = 1"]`, `unknowns = "u"`'
    if re.search(r"=\s*$", line):
        return "; a value is missing"
    return ""
