"""Text of others as it may be shown: what steers a terminal, or turns the direction of reading, becomes visible."""

import unicodedata

LONGEST = 2_000  # characters of a sentence on a terminal
# Control characters, those without a width of their own (bidirectional overrides and zero widths among them), the two
# separators of lines that editors and terminals treat differently, and halves of characters.
_HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def visible(text: str, *, lines: bool = False, most: int | None = None) -> str:
    r"""The text with characters that are not seen written out, an escape as `\x1b`.

    lines   whether it may have several lines; else their ends are written out too
    most    characters after which it is cut
    """
    text = text if most is None else text[: most + 1]
    if not text.isprintable():
        kept = "\n\t" if lines else ""
        text = "".join(c if c in kept or unicodedata.category(c) not in _HIDDEN else _written(c) for c in text)
    return text if most is None or len(text) <= most else f"{text[:most]} ..."


def _written(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
