"""What clouds and lattices share: points as constants of a program, and walls without their normals."""

from collections.abc import Sequence
from typing import TypeVar

import jax

from spindle.geometry.supports import Support

Drawn = TypeVar("Drawn")


def without_constant_folding(drawn: Drawn) -> Drawn:
    """The same arrays, which XLA then does not fold into constants while it compiles a program that draws them.

    Points of a fixed rule are constants of that program, and XLA folds whatever follows from constants, such as a
    source on all nodes at all instants, by an interpreter that takes far longer than the compiled program.
    """
    return jax.lax.optimization_barrier(drawn)


def without_normals(supports: Sequence[Support], clouds: Sequence) -> list:
    """For each support its points (n, d), without the components of the normals that may stand beside them."""
    return [
        cloud[:, : len(support.bounds)] if support.normals else cloud
        for support, cloud in zip(supports, clouds, strict=True)
    ]
