"""Docstrings for the reference: what they tabulate in two columns becomes a list of Markdown."""

import re

import griffe

_ROW = re.compile(r"(?P<name>[A-Za-z_][\w.,\" \-+*]{0,40}?) {2,}(?P<text>\S.*)")


class Columns(griffe.Extension):
    """Rewrite each docstring before it is drawn."""

    def on_instance(self, *, obj, **kwargs) -> None:
        """Called for each module, class and function."""
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """The text with its tables as lists: rows are `name   meaning`, and lines indented below go on with a meaning."""
    lines, column = [], 0
    for line in text.splitlines():
        row = _ROW.fullmatch(line)
        if row:
            if not column:
                lines.append("")
            column = row.start("text")
            lines.append(f"- `{row['name'].strip()}`: {row['text']}")
        elif column and line.strip() and len(line) - len(line.lstrip()) >= min(column, 2):
            lines[-1] += " " + line.strip()
        else:
            if column and line.strip():
                lines.append("")
            column = 0 if line.strip() else column
            lines.append(line)
    return "\n".join(lines)
