"""A problem file as text and as nested values, each of which knows its place and says so when it is refused."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spindle.errors import ProblemError, SpindleError, nearest
from spindle.problem_files.hints import of_toml
from spindle.problem_files.places import Keys, Place, characters, line_and_column, places
from spindle.visible import visible

LARGEST_FILE = 200_000  # characters; what is larger is data, which belong in other files
_MOST_DOTS = 50
_KEY_PART = re.compile(r"""(?P<part>"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)|[^ \t]""")
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Source:
    """A problem file: its name as the user wrote it, its folder, its text, and where its values stand."""

    name: str
    folder: Path
    text: str
    places: dict[Keys, Place]

    def at(self, offset: int) -> str:
        """The place of a character in words: `heat.toml, line 3, column 7`."""
        line, column = line_and_column(self.text, offset)
        return f"{self.name}, line {line}, column {column}"


@dataclass(frozen=True)
class Entry:
    """One value of a problem file, and the path of keys that leads to it."""

    source: Source
    keys: Keys
    value: Any

    def error(self, sentence: str, character: int | None = None) -> ProblemError:
        """An error that says the sentence and the place of this value, or of one of its characters where it is text."""
        offset = self._place.value
        if character is not None:
            inside, end = characters(self.source.text, offset)
            offset = [*inside, end - 1][min(character, len(inside))]
        return ProblemError(f"{self.source.at(offset)}: {visible(sentence)}")

    def key_error(self, sentence: str) -> ProblemError:
        """An error that says the sentence and the place of this value's key."""
        return ProblemError(f"{self.source.at(self._place.key)}: {visible(sentence)}")

    @property
    def _place(self) -> Place:
        places = (self.source.places.get(self.keys[:k]) for k in range(len(self.keys), -1, -1))
        return next(place for place in places if place is not None)

    @contextmanager
    def here(self) -> Iterator[None]:
        """A context: errors raised inside say the place of this value, unless they name a place already."""
        try:
            yield
        except SpindleError as error:
            if str(error).startswith(f"{self.source.name}, line "):
                raise
            raise self.error(str(error)) from error
        except Exception as error:  # SymPy refuses nonsense in many ways
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise self.error(f"this makes no sense ({reason}); write it in a simpler way.") from error

    @property
    def key(self) -> str:
        """The name of the key that leads to this value; of an element of a list that of the list."""
        return next((str(k) for k in reversed(self.keys) if isinstance(k, str)), "file")

    # ------------------------------------------------------------------------------------------- what a value is

    def table(self, known: Iterable[str] | None, example: str) -> "Entry":
        """This entry, a table with no other keys than `known` (None: any). Raises ProblemError where it is not."""
        if not isinstance(self.value, dict):
            raise self.error(f"`{self.key}` needs a table, not {_shown(self.value)}; write `{example}`.")
        for key in self.value if known is not None else ():
            if key not in (known := list(known or ())):
                raise self.entry(key).key_error(f"there is no key `{key}` here.{nearest(key, known)}")
        return self

    def entry(self, key: str | int) -> "Entry":
        """The value of a key, which must be there, or an element of a list."""
        return Entry(self.source, (*self.keys, key), self.value[key])

    def get(self, key: str) -> "Entry | None":
        """The value of a key; None where the key is missing."""
        return self.entry(key) if key in self.value else None

    def need(self, key: str, example: str) -> "Entry":
        """The value of a key. Raises ProblemError where the key is missing."""
        if key not in self.value:
            raise self.error(f"`{key}` is missing; write `{example}`.")
        return self.entry(key)

    def entries(self) -> dict[str, "Entry"]:
        """The values of a table by their keys."""
        return {key: self.entry(key) for key in self.value}

    def at_most(self, count: int, what: str) -> "Entry":
        """This entry. Raises ProblemError where a list or table has more than `count` parts, called `what`."""
        if isinstance(self.value, (list, dict)) and len(self.value) > count:
            raise self.error(
                f"there are {len(self.value):,} {what} here, of which {count} are the most; leave some out."
            )
        return self

    def items(self, example: str) -> list["Entry"]:
        """The elements of a list. Raises ProblemError where the value is none."""
        if not isinstance(self.value, list):
            raise self.error(f"`{self.key}` needs a list, not {_shown(self.value)}; write `{example}`.")
        return [self.entry(k) for k in range(len(self.value))]

    def one_or_more(self) -> list["Entry"]:
        """The elements of a list; of any other value the value alone."""
        return self.items("") if isinstance(self.value, list) else [self]

    def text(self, example: str) -> str:
        """The value as text. Raises ProblemError where it is none."""
        if not isinstance(self.value, str):
            raise self.error(f"`{self.key}` needs text in quotes, not {_shown(self.value)}; write `{example}`.")
        return self.value

    def words(self) -> str:
        """The text with single spaces, for reports."""
        return " ".join(self.text('"words"').split())


def _shown(value) -> str:
    text = "true" if value is True else "false" if value is False else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def open_source(path) -> Entry:
    """The whole file as one table; raises ProblemError where it is no readable TOML."""
    name = str(path)
    text = _text(name, Path(path))
    data = _parsed(name, text)
    try:
        where = places(text)
    except RecursionError as error:
        raise _too_deep(name) from error
    return Entry(Source(name, Path(path).parent, text, where), (), data)


def _text(name: str, path: Path) -> str:
    if not path.is_file():
        raise ProblemError(f"There is no problem file {name}; check the path.")
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ProblemError(
            f"The problem file {name} cannot be read ({error.strerror}); check its permissions."
        ) from error
    if len(raw) > LARGEST_FILE:
        raise ProblemError(
            f"{name}, line 1: the file has more than {LARGEST_FILE:,} bytes; move its numbers to a data file, CSV, npz "
            f"or NetCDF, and name that."
        )
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProblemError(f"{name}, line {line}: the file is no UTF-8 text; save it as UTF-8.") from error


def _parsed(name: str, text: str) -> dict:
    if any(_dotted(line) for line in text.splitlines() if line.count(".") > _MOST_DOTS):
        raise _too_deep(name)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _POSITION.search(str(error))
        reason = str(error)[: match.start()] if match else str(error)
        line, column = match.groups() if match and match[1] else line_and_column(text, len(text))
        reason = reason[:1].lower() + reason[1:]
        meant = of_toml(text.splitlines()[int(line) - 1 : int(line)], int(column))
        raise ProblemError(f"{name}, line {line}, column {column}: this is no TOML ({reason}){meant}.") from error
    except RecursionError as error:
        raise _too_deep(name) from error
    except ValueError as error:  # a whole number of thousands of digits
        digits = re.search(r"[0-9_]{1000,}", text)
        line, column = line_and_column(text, digits.start() if digits else 0)
        raise ProblemError(f"{name}, line {line}, column {column}: this number has too many digits.") from error


def _dotted(line: str) -> bool:
    """Whether a key has very many parts: Python's reader takes a time that grows as the square of their number."""
    run, after_dot = 0, False
    for match in _KEY_PART.finditer(line):
        if match.lastgroup == "part":
            run = run + 1 if after_dot else 1
        after_dot = match.group() == "."
        if run > _MOST_DOTS:
            return True
    return False


def _too_deep(name: str) -> ProblemError:
    return ProblemError(f"{name}, line 1: its lists or tables are nested too deeply; a problem needs a few levels.")
