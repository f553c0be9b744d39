"""Places: the regions, walls and measurement points at which residuals are taken."""

from collections.abc import Sequence

from spindle.problem.conditions import Scatter
from spindle.problem.domain import Face, Region, Wall

Place = Region | Wall | Scatter


def place_of(where: Face | Place) -> Place:
    """The place of a face; any other place is one itself."""
    return where.region if isinstance(where, Face) else where


def without_normals(places: Sequence[Place], clouds: Sequence) -> list:
    """The points of each place without the components of the normals that may stand beside them."""
    return [
        cloud[:, : len(place.bounds)] if isinstance(place, Wall) else cloud
        for place, cloud in zip(places, clouds, strict=True)
    ]
