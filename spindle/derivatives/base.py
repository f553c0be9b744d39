"""What an objective asks of a way to differentiate, and what some ways offer besides.

A field and points go in; every partial that the residuals need comes out, each computed once. Slopes of residuals come
back in, and sums over all points come out: the normal matrix always, its factor J or sums without points where the
structure of the field allows it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import sympy

from spindle.derivatives.linearised import LinearisedResidual
from spindle.lowering.partials import DifferentialOperator
from spindle.lowering.structure import Structure
from spindle.points.base import Points


class Derivatives(ABC):
    """Derivatives of a field at points.

    points   where the field is differentiated
    needs    for each support the partials, and combinations of partials, that its residuals contain
    """

    points: Points
    needs: Sequence[Sequence[DifferentialOperator]]

    @abstractmethod
    def prepare(self, field, drawn) -> Any:
        """The arrays that all supports share, such as the outcome of one pass through the networks of the axes."""

    @abstractmethod
    def at(self, shared, support: int) -> dict[DifferentialOperator, jax.Array]:
        """The values of all needs of one support, in arrays shaped like its points."""

    @abstractmethod
    def assembles(self, field) -> bool:
        """Whether `normal` is offered for this field."""

    @abstractmethod
    def normal(self, field, drawn, pieces: Sequence[Any]) -> jax.Array:
        """J^T J (P, P) of linearised residuals, in the order of `ravel_pytree(field)`, estimated parameters last.

        pieces   for each array of residuals a `LinearisedResidual`, or a `GridFreeResidual` where `grid_free` has one
        """


class FormingJacobians(Derivatives):
    """Derivatives that can form J, for problems with fewer rows than trained numbers."""

    @abstractmethod
    def jacobian(self, field, drawn, pieces: Sequence[LinearisedResidual]) -> jax.Array:
        """J (m, P) of linearised residuals, rows piece by piece."""


class GridFreeSums(Derivatives):
    """Derivatives that may take sums over a grid from sums along its axes."""

    @abstractmethod
    def grid_free(
        self, supports: Sequence[int], structures: Iterable[Structure], coordinates: Sequence[sympy.Symbol]
    ) -> Any:
        """The way to take the sums of one piece of a residual, by the structures of its terms; None: point by point."""
