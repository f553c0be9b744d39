"""Formulas of the documentation as MathML, made when it is built: no script and no network draws them."""

import re

from latex2mathml.converter import convert
from markdown import Extension
from markdown.preprocessors import Preprocessor

_FORMULA = re.compile(r"\\\((?P<inline>.+?)\\\)|\\\[(?P<block>.+?)\\\]", re.S)


class Formulas(Preprocessor):
    r"""Replaces `\( .. \)` within a line and `\[ .. \]` alone, once blocks of code have been taken out."""

    def run(self, lines: list[str]) -> list[str]:
        """The lines with marks where the formulas will be."""
        return _FORMULA.sub(self._stored, "\n".join(lines)).split("\n")

    def _stored(self, found: re.Match) -> str:
        display = "inline" if found["inline"] else "block"
        return self.md.htmlStash.store(convert(found[display].strip(), display=display))


class MathML(Extension):
    """The extension that `mkdocs.yml` names."""

    def extendMarkdown(self, md) -> None:
        """Called by Markdown."""
        md.preprocessors.register(Formulas(md), "mathml", 20)


def makeExtension(**options) -> MathML:
    """Called by Markdown."""
    return MathML(**options)
