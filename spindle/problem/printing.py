"""A problem as readable mathematics: plain text for terminals, LaTeX for reports and notebooks."""

from collections.abc import Callable

import sympy
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE

from spindle.geometry.domain import Box
from spindle.problem.curves import oblique_curves
from spindle.symbolic.symbols import Parameter
from spindle.symbolic.tables import Table, tables_in
from spindle.symbolic.words import text
from spindle.visible import visible


class _Latex(LatexPrinter):
    def _print_AppliedUndef(self, expr, exp=None):
        name = self._print(sympy.Symbol(expr.func.__name__))
        return f"{name}^{{{exp}}}" if exp else name

    def _print_Derivative(self, expr):
        letters = "".join(f"{self._print(c)} " * int(n) for c, n in reversed(expr.variable_count)).strip()
        base = self._print(expr.expr)
        plain = isinstance(expr.expr, AppliedUndef) and "_" not in base
        return f"{base}_{{{letters}}}" if plain else f"({base})_{{{letters}}}"

    def _print_NormalDerivative(self, expr):
        return rf"\partial_n {self.parenthesize(expr.args[0], PRECEDENCE['Mul'])}"


def latex(expression) -> str:
    """One expression as LaTeX, unknowns without their arguments."""
    return _Latex().doprint(expression)


def lines(problem, printer: Callable[[object], str] = text) -> dict[str, list[str]]:
    """The problem's parts, each a list of printed lines: find, in, such that, with, parameters, tabulated."""
    domain = problem.domain
    if isinstance(domain, Box):
        where = [
            f"{printer(c)} in ({printer(a)}, {printer(b)})"
            for c, (a, b) in zip(domain.coordinates, domain.symbolic_bounds, strict=True)
        ]
    else:
        where = [repr(domain)]
    parts = {
        "find": [
            ", ".join(str(u) for u in problem.unknowns),
            *(f"{printer(psi)} = {printer(re + sympy.I * im)}" for psi, (re, im) in problem.complex_unknowns.items()),
        ],
        "in": where,
        "such that": [printer(equation.written) for equation in problem.equations],
        "with": [line for condition in problem.conditions for line in condition.texts(printer)],
        "across": _interfaces(problem, printer),
        "parameters": [_parameter(p, printer) for p in problem.parameters],
        "tabulated": [_table(name, table) for name, table in tables_in(problem.expressions()).items()],
        "also": [f"{name} = {printer(e)}" for name, e in problem.quantities.items()],
        "exact solution": [f"{printer(u)} = {printer(form)}" for u, form in problem.closed_forms.items()],
    }
    return {head: body for head, body in parts.items() if body}


def describe(problem) -> str:
    """The whole problem as a block of plain text, doubts about it left out."""
    return visible("\n".join([problem.title or problem.name, *_block(lines(problem))]), lines=True)


def describe_with_doubts(problem) -> str:
    """The whole problem as a block of plain text, with the doubts about it at the end."""
    doubts = [doubt.sentence for doubt in problem.doubted]
    return "\n".join([describe(problem), *_block({"doubts": doubts})])


def _block(parts) -> list[str]:
    width = 15
    return [
        f"{label if k == 0 else '':>{width}}  {line}" for label, lines in parts.items() for k, line in enumerate(lines)
    ]


def describe_latex(problem) -> str:
    """The whole problem as a LaTeX `aligned` block."""
    equations = [latex(equation.written) for equation in problem.equations]
    conditions = [rf"\text{{{line}}}" if "$" in line else line for line in _condition_latex(problem)]
    body = r" \\ ".join(f"& {line}" for line in [*equations, *conditions])
    return rf"\begin{{aligned}} {body} \end{{aligned}}"


def _condition_latex(problem):
    for condition in problem.conditions:
        yield from condition.texts(lambda e: f"${latex(e)}$")


def _interfaces(problem, printer) -> list[str]:
    """What holds at the places where coefficients jump."""
    names = ", ".join(u.func.__name__ for u in problem.unknowns)
    said = []
    for interface in problem.interfaces:
        name = problem.coordinates[interface.axis].name
        places = dict.fromkeys([f"{interface.left:.6g}", f"{interface.right:.6g}"])
        fluxes = ", ".join(printer(flux) for flux in interface.fluxes.values())
        if interface.steps and not fluxes:
            continue  # the conditions say it
        unknowns = "the flux" if interface.steps else f"{names} and the flux"
        said.append(
            f"{name} = {' and '.join(places)}: {unknowns} {fluxes} {'is' if interface.steps else 'are'} continuous"
        )
    for curve in oblique_curves(problem):
        said.append(f"{printer(curve.level)} = 0: {names} and the flux along the normal are continuous")
    return said


def _parameter(p: Parameter, printer) -> str:
    if p.eigenvalue:
        return f"{printer(p)} is an eigenvalue"
    if p.bounds:
        return f"{printer(p)} in ({p.bounds[0]:g}, {p.bounds[1]:g})"
    return f"{printer(p)} = {p.value:g}" + (" (start; to be estimated)" if p.unknown else "")


def _table(name: str, table: Table) -> str:
    nodes = " x ".join(str(len(nodes)) for nodes in table.axes)
    joined = "" if table.interpolation == "cubic" else f", {table.interpolation}"
    return f"{name}({', '.join(table.names)}) on {nodes} nodes{joined}"
