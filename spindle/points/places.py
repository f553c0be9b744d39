"""Places: the regions, walls and measurement points at which residuals are taken."""

from collections.abc import Sequence
from typing import TypeVar

import jax

from spindle.problem.conditions import Scatter
from spindle.problem.domain import Face, Region, Wall

Place = Region | Wall | Scatter
Drawn = TypeVar("Drawn")


def place_of(where: Face | Place) -> Place:
    """The place of a face; any other place is one itself."""
    return where.region if isinstance(where, Face) else where


def unfolded(drawn: Drawn) -> Drawn:
    """The same arrays, kept from being computed with while a program that draws them is compiled.

    Points of a fixed rule are constants of that program, and XLA folds whatever follows from constants, such as a
    source on all nodes at all instants, by an interpreter that takes far longer than the compiled program.
    """
    return jax.lax.optimization_barrier(drawn)


def without_normals(places: Sequence[Place], clouds: Sequence) -> list:
    """The points of each place without the components of the normals that may stand beside them."""
    return [
        cloud[:, : len(place.bounds)] if isinstance(place, Wall) else cloud
        for place, cloud in zip(places, clouds, strict=True)
    ]
