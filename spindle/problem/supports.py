"""Supports: the regions, walls and measurement points on which residuals are taken."""

from spindle.problem.conditions import Scatter
from spindle.problem.domain import Face, Region, Wall

Support = Region | Wall | Scatter


def support_of(where: Face | Support) -> Support:
    """The support of a face; any other is one itself."""
    return where.region if isinstance(where, Face) else where
