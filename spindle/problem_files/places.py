"""Where the values of a TOML text stand, down to the characters of its strings, so that errors can name a place.

Python's TOML reader forgets places. What is scanned here has been read by it before, so it is known to be valid.
"""

import re
import tomllib
from dataclasses import dataclass

Keys = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}\n#]*")
_ESCAPED = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True)
class Place:
    """Offsets in the text at which a key and its value begin; for an element of a list both are the same."""

    key: int
    value: int


def places(text: str) -> dict[Keys, Place]:
    """The place of every value of a valid TOML text, by its path of keys and numbers."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def characters(text: str, start: int) -> tuple[list[int], int]:
    """Offsets of the characters of the string that begins at `start`, without quotes and escapes, and where it ends."""
    quote = text[start]
    long = text.startswith(quote * 3, start)
    at = start + (3 if long else 1)
    at += long and text[at] == "\n"
    offsets: list[int] = []
    while True:
        if text[at] == quote and (not long or text.startswith(quote * 3, at)):
            run = len(text[at : at + 5]) - len(text[at : at + 5].lstrip(quote)) if long else 1
            # Up to two quotes before the closing three belong to the string.
            return offsets + list(range(at, at + run - 3)), at + run
        if text[at] == "\\" and quote == '"':
            width = _ESCAPED.get(text[at + 1], 0)
            if text[at + 1] in " \t\n":
                at = at + 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip(" \t\n"))
                continue
            offsets.append(at)
            at += 2 + width
        else:
            offsets.append(at)
            at += 1


class _Scanner:
    """Goes through the text once; `at` is the next character."""

    def __init__(self, text: str):
        self.text, self.at = text, 0
        self.places: dict[Keys, Place] = {(): Place(0, 0)}
        self.counts: dict[Keys, int] = {}

    def document(self) -> None:
        table: Keys = ()
        while self.skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def skip(self, pattern) -> int:
        self.at = pattern.match(self.text, self.at).end()
        return self.at

    def header(self) -> Keys:
        start, several = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        path: Keys = ()
        for key in self.keys():
            path = self.newest(path)
            path = (*path, key)
        self.at += 2 if several else 1
        if several:
            self.places.setdefault(path, Place(start, start))
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self.newest(path)
        self.places.setdefault(path, Place(start, start))
        return path

    def newest(self, path: Keys) -> Keys:
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def keys(self) -> list[str]:
        """The parts of a dotted key."""
        parts = []
        while True:
            self.skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                _, self.at = characters(self.text, start)
                parts.append(tomllib.loads(f"key = {self.text[start : self.at]}")["key"])
            else:
                self.skip(_BARE)
                parts.append(self.text[start : self.at])
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def pair(self, table: Keys) -> None:
        start = self.at
        path = (*table, *self.keys())
        for k in range(len(table) + 1, len(path)):
            self.places.setdefault(path[:k], Place(start, start))
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path, start)

    def value(self, path: Keys, key: int) -> None:
        self.places[path] = Place(key, self.at)
        first = self.text[self.at]
        if first in "\"'":
            _, self.at = characters(self.text, self.at)
        elif first == "[":
            self.elements(path)
        elif first == "{":
            self.inline(path)
        else:
            self.skip(_PLAIN)

    def elements(self, path: Keys) -> None:
        self.at += 1
        number = 0
        while self.text[self.skip(_BLANK)] != "]":
            self.value((*path, number), self.at)
            number += 1
            self.skip(_BLANK)
            self.at += self.text[self.at] == ","
        self.at += 1

    def inline(self, path: Keys) -> None:
        self.at += 1
        while self.text[self.skip(_BLANK)] != "}":
            self.pair(path)
            self.skip(_BLANK)
            self.at += self.text[self.at] == ","
        self.at += 1
