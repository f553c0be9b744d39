"""Who draws solutions and writes pages of them: a room above, which says so when spindle is imported.

Pictures and pages take Matplotlib and templates, and they show all that a solution is, so they stand on a higher floor
than `Solution`. Its methods call what was named here.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class Presenter(ABC):
    """Interface of what draws solutions and writes pages of them (never built itself)."""

    @abstractmethod
    def plot(self, fields, expression, show: str, axes, at) -> Any:
        """Draw an expression of a `Presented`; returns Axes."""

    @abstractmethod
    def report(self, solution, path) -> Path:
        """Write the report of a solution as one HTML file and return its path."""

    @abstractmethod
    def explore(self, solution) -> Any:
        """A widget for notebooks, in which a reader moves through a solution or a family."""


_KNOWN: list[Presenter] = []


def present_by(presenter: Presenter) -> None:
    """Let this one draw from now on."""
    _KNOWN[:] = [presenter]


def presenter() -> Presenter:
    """Who draws."""
    return _KNOWN[0]
