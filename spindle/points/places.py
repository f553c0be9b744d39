"""Places: the regions, walls and measurement points at which residuals are taken."""

from spindle.problem.conditions import Scatter
from spindle.problem.domain import Face, Region, Wall

Place = Region | Wall | Scatter


def place_of(where: Face | Place) -> Place:
    """The place of a face; any other place is one itself."""
    return where.region if isinstance(where, Face) else where
