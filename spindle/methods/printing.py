"""A method as notebooks show it: what was set by hand, with its meaning, and what else could be."""

from html import escape

from spindle.errors import shown
from spindle.methods.settings import described_settings

_CELL = 'style="text-align:left;vertical-align:top;padding:1px 14px 1px 0"'


def method_as_html(method) -> str:
    """A method as a table: each setting that was chosen, its value and meaning; the others are folded up below."""
    chosen = method.chosen
    described = described_settings(type(method))
    set_here = _table((name, shown(value), described.get(name, "")) for name, value in chosen.items())
    others = _table((name, "", text) for name, text in described.items() if name not in chosen)
    title = f"<b>{escape(type(method).__name__)}</b>"
    more = f"<details><summary>other settings, each as its recipe has it</summary>{others}</details>"
    return f"<div>{title}{set_here or ', every setting as its recipe has it'}{more}</div>"


def _table(rows) -> str:
    body = "".join(f"<tr>{''.join(f'<td {_CELL}>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{body}</table>" if body else ""
