"""Columns of CSV files: which line names them, what separates them, and numbers where the problem asks for them."""

import csv
import itertools
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spindle.errors import ProblemError, shown

if TYPE_CHECKING:  # it takes a quarter of a second, and few problems have columns
    import pandas

_SEPARATORS = ",;\t"
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")


@dataclass(frozen=True)
class CsvColumns(Mapping[str, np.ndarray]):
    """The columns (n,) of a CSV file by their names; a column is turned into numbers when it is asked for.

    Lines that begin with `#` are skipped; the last of them names the columns if nothing else does, as `numpy.savetxt`
    writes it. Raises ProblemError, with the line, where a cell is no number.
    """

    path: Path
    decimal: str = "."
    _numbers: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def _layout(self) -> "_Layout":
        return _layout(self.path, self.decimal)

    @cached_property
    def _table(self) -> "pandas.DataFrame":
        import pandas

        layout = self._layout
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pandas.errors.DtypeWarning)  # of columns of text, which may be skipped
            warnings.simplefilter("error", pandas.errors.ParserWarning)  # rows with more values than names
            try:
                return pandas.read_csv(
                    self.path,
                    sep=layout.separator,
                    decimal=self.decimal,
                    header=None,
                    names=range(len(layout.names)),
                    skiprows=layout.skipped,
                    skip_blank_lines=True,
                    skipinitialspace=True,
                    encoding="utf-8-sig",
                    index_col=False,
                )
            except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
                raise self._ragged() or ProblemError(f"{self.path} cannot be read as columns ({error}).") from error
            except pandas.errors.EmptyDataError as error:
                raise _empty(self.path) from error

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The number of the line and the cells of each row of numbers."""
        skipped = set(self._layout.skipped)
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, delimiter=self._layout.separator, skipinitialspace=True)
            yield from ((k + 1, row) for k, row in enumerate(rows) if row and k not in skipped)

    def _ragged(self) -> ProblemError | None:
        """The error for the first row with too many values or too few; None where all rows are alike."""
        count = len(self._layout.names)
        for line, row in self._rows():
            if len(row) != count and any(cell.strip() for cell in row[count:] or ["few"]):
                hint = "; decimals are written with a point" if len(row) > count else ""
                return ProblemError(f"{self.path}, line {line}: it has {len(row)} values for {count} columns{hint}.")
        return None

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self:
            raise KeyError(name)
        if name not in self._numbers:
            self._numbers[name] = self._read(name)
        return self._numbers[name]

    def _read(self, name: str) -> np.ndarray:
        import pandas

        names = self._layout.names
        if names.count(name) > 1:
            raise ProblemError(f"{self.path}, line {self._layout.line}: two columns have the same name, `{name}`.")
        column = self._table[names.index(name)]
        numbers = pandas.to_numeric(column, errors="coerce")
        values = np.full(len(column), np.nan) if numbers.dtype.kind == "b" else numbers.to_numpy(float)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise self._no_number(name, int(bad[0]))
        return values

    def _no_number(self, name: str, row: int) -> ProblemError:
        number = self._layout.names.index(name)
        line, cells = next(itertools.islice(self._rows(), row, None))
        if len(cells) <= number:
            return self._ragged() or _empty(self.path)
        cell = cells[number].strip()
        what = f"is {shown(cell, 40)}" if cell else "is empty"
        comma = 'decimals are written with a point, or `decimal = ","` says that they are not'
        fix = comma if _DECIMAL_COMMA.fullmatch(cell) else "leave such rows out"
        return ProblemError(f"{self.path}, line {line}: `{name}` {what}, and needs a finite number; {fix}.")

    def __contains__(self, name: object) -> bool:
        return bool(name) and name in self._layout.names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name in self._layout.names if name))

    def __len__(self) -> int:
        return len(set(self._layout.names) - {""})


@dataclass(frozen=True)
class _Layout:
    """How a file is laid out.

    names     of the columns, in order; "" where the line ends with a separator
    line      that names them, counted from 1
    skipped   lines without numbers, counted from 0
    """

    separator: str
    names: tuple[str, ...]
    line: int
    skipped: tuple[int, ...]


def _layout(path: Path, decimal: str) -> _Layout:
    """Look at all lines once; only the first two with something in them are taken apart."""
    comments, blank, remark = [], [], (0, "")
    first: list[tuple[int, str]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for k, line in enumerate(file):
                if line.startswith("#"):
                    comments.append(k)
                    remark = remark if first else (k, line.lstrip("#"))
                elif not line.strip():
                    blank.append(k)
                elif len(first) < 2:
                    first.append((k, line))
    except UnicodeDecodeError as error:
        raise ProblemError(
            f"{path} cannot be read, since it is no UTF-8 text ({error.reason}); save it as UTF-8."
        ) from error
    if not first:
        raise _empty(path)
    number, head = first[0]
    separators = _SEPARATORS.replace(decimal, "")
    separator = max(separators, key=head.count) if any(s in head for s in separators) else separators[0]
    names = _cells(head, separator)
    if all(_is_number(name.replace(decimal, ".")) for name in names):
        named = _cells(remark[1], separator)
        if len(named) != len(names) or not all(named):
            raise ProblemError(
                f"{path}, line {number + 1}: its first line holds numbers, and needs the names of the columns; write "
                f"`t{separator}x{separator}u`."
            )
        return _Layout(separator, named, remark[0] + 1, (*comments, *blank))
    if len(first) < 2:
        raise _empty(path)
    return _Layout(separator, names, number + 1, tuple(sorted((*comments, *blank, number))))


def _cells(line: str, separator: str) -> tuple[str, ...]:
    return tuple(cell.strip() for row in csv.reader([line], delimiter=separator, skipinitialspace=True) for cell in row)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _empty(path: Path) -> ProblemError:
    return ProblemError(f"{path} has no rows; its first line names the columns, and numbers follow.")


@dataclass(frozen=True)
class Renamed(Mapping[str, np.ndarray]):
    """Arrays under other names, `{new: old}`; those that are not named keep theirs."""

    arrays: Mapping[str, np.ndarray]
    names: Mapping[str, str]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[self.names.get(name, name)]

    def __contains__(self, name: object) -> bool:
        return name in self.names or name in self.arrays

    def __iter__(self) -> Iterator[str]:
        kept = (name for name in self.arrays if name not in self.names.values())
        return iter(dict.fromkeys([*self.names, *kept]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
