"""Measured rows on disk, one JSON file a cell: what is there need not be measured again."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any

import jax

from spindle.reproduction.figure import Cell, FigureRow, Measured
from spindle.results.directory import write_json

_LIMIT = 2**20  # bytes of a row; more is none of ours


class Store:
    """The rows of a folder, by kinds of device and the names of their cells."""

    def __init__(self, folder: Path):
        self._cells = folder / "cells"
        device = jax.devices()[0]
        self.device = device.platform if device.platform == "cpu" else device.device_kind

    def read(self, cell: Cell) -> FigureRow | None:
        """What was measured of a cell on such a device before; None where nothing was, or nothing that can be read."""
        return _row(cell, self._cells / _plain(self.device) / _file(cell))

    def elsewhere(self, cell: Cell) -> list[FigureRow]:
        """What was measured of a cell on other devices."""
        folders = sorted(self._cells.iterdir()) if self._cells.is_dir() else []
        rows = [_row(cell, folder / _file(cell)) for folder in folders if folder.name != _plain(self.device)]
        return [row for row in rows if row is not None and row.measured]

    def write(self, row: FigureRow) -> None:
        """Keep a row, whole or not at all."""
        write_json(self._cells / _plain(self.device) / _file(row.cell), as_data(row))


def _plain(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _file(cell: Cell) -> str:
    return f"{_plain(cell.name)}.json"


def _row(cell: Cell, path: Path) -> FigureRow | None:
    if not path.is_file() or path.stat().st_size > _LIMIT:
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        measured = None if data["measured"] is None else _measured(data["measured"])
        return FigureRow(cell, measured, data["missing"], data["allowed"] or inf, data["wall"], data["device"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def as_data(row: FigureRow) -> dict[str, Any]:
    """A row as JSON holds it."""
    return {
        "cell": row.cell.name,
        "published": dict(row.cell.published),
        "measured": None if row.measured is None else asdict(row.measured),
        "missing": row.missing,
        "share": row.share,
        "allowed": row.allowed,
        "wall": row.wall,
        "device": row.device,
    }


def _measured(data: Mapping[str, Any]) -> Measured:
    """What `asdict` made, as it was; null is a number that was not finite."""
    values = {name: float("nan") if value is None else float(value) for name, value in data["values"].items()}
    curve = tuple((float(x), float("nan") if y is None else float(y)) for x, y in data["curve"])
    return Measured(values, data["taken"], data["of"], curve, data["note"])
