"""Measured rows on disk, one JSON file a cell: what is there need not be measured again."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spindle.reproduction.figure import Cell, Measured, Row
from spindle.results.directory import write_json

_LIMIT = 2**20  # bytes of a row; more is none of ours


class Store:
    """The rows of a folder, by the names of their cells."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, cell: Cell) -> Path:
        """The file of a cell."""
        return self.folder / "cells" / f"{re.sub(r'[^a-z0-9.]+', '-', cell.name.lower()).strip('-')}.json"

    def read(self, cell: Cell) -> Row | None:
        """What was measured of a cell before; None where nothing was, or where the file cannot be understood."""
        path = self.path(cell)
        if not path.is_file() or path.stat().st_size > _LIMIT:
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            measured = None if data["measured"] is None else _measured(data["measured"])
            return Row(cell, measured, data["missing"], data["allowed"], data["wall"], data["machine"])
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, row: Row) -> None:
        """Keep a row, whole or not at all."""
        write_json(self.path(row.cell), as_data(row))


def as_data(row: Row) -> dict[str, Any]:
    """A row as JSON holds it."""
    return {
        "cell": row.cell.name,
        "published": dict(row.cell.published),
        "measured": None if row.measured is None else asdict(row.measured),
        "missing": row.missing,
        "share": row.share,
        "allowed": row.allowed,
        "wall": row.wall,
        "machine": row.machine,
    }


def _measured(data: Mapping[str, Any]) -> Measured:
    """What `asdict` made, as it was; null is a number that was not finite."""
    values = {name: float("nan") if value is None else float(value) for name, value in data["values"].items()}
    curve = tuple((float(x), float("nan") if y is None else float(y)) for x, y in data["curve"])
    return Measured(values, data["taken"], data["of"], curve, data["note"])
