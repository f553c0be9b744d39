"""Points that are nodes of one tensor grid, and points that never change."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import MethodError
from spindle.geometry.supports import Support
from spindle.points.base import PointwisePoints


def grid_points(
    supports: Sequence[Support], nodes: Sequence[np.ndarray], inside: int | None = None, *, seed: int = 0
) -> list[np.ndarray]:
    """For each support its nodes (n, d) of a tensor grid: all of them on faces, and `inside` random ones elsewhere.

    nodes    of each axis
    inside   how many of the nodes that lie on no face of these supports, the same for all; None: every one

    Raises MethodError where the grid has fewer nodes than that, or a support is none of a box.
    Source: the code beside Krishnapriyan et al. (2021), arXiv 2109.01050, from which later ones take their points.
    """
    for support in supports:
        if not support.is_region or support.shape is not None:
            raise MethodError(
                "Points of a grid, `lattice`, need a problem on a box, and this one is not; leave it out."
            )
    faces = {(k, low) for s in supports for k, (low, high) in enumerate(s.bounds) if low == high}
    free = [
        np.array([x for x in axis if (k, x) not in faces]) if len(axis) > 1 else np.asarray(axis, float)
        for k, axis in enumerate(nodes)
    ]
    chosen = tensor(free)
    if inside is not None:
        if inside > len(chosen):
            raise MethodError(
                f"`points={inside}` asks for more than the {len(chosen)} nodes that the `lattice` of "
                f"{' x '.join(str(len(axis)) for axis in nodes)} has inside; take fewer, or a finer one."
            )
        chosen = chosen[np.random.default_rng(seed).choice(len(chosen), inside, replace=False)]
    return [_on_face(s, nodes) if _is_face(s, nodes) else chosen for s in supports]


class FixedPoints(PointwisePoints):
    """The same points (n, d) of each support at every draw."""

    def __init__(self, supports: Sequence[Support], chosen: Sequence[np.ndarray]):
        self.supports, self.chosen = tuple(supports), list(chosen)

    def size(self, support: int) -> int:
        """Number of points in a support."""
        return len(self.chosen[support])

    def draw(self, key) -> tuple[jax.Array, ...]:
        """One array (n, d) a support."""
        return tuple(jnp.asarray(points) for points in self.chosen)

    def without_normals(self, drawn) -> list[jax.Array]:
        """For each support its points (n, d)."""
        return list(drawn)

    def coordinates(self, drawn) -> list[tuple[jax.Array, ...]]:
        """For each support the coordinates of its points, (n,) each."""
        return [tuple(points[:, k] for k in range(points.shape[1])) for points in drawn]

    def weights(self, support: int) -> None:
        """None: every point weighs the same."""


def _is_face(support: Support, nodes: Sequence[np.ndarray]) -> bool:
    return any(low == high and len(axis) > 1 for (low, high), axis in zip(support.bounds, nodes, strict=True))


def _on_face(support: Support, nodes: Sequence[np.ndarray]) -> np.ndarray:
    return tensor([[low] if low == high else axis for (low, high), axis in zip(support.bounds, nodes, strict=True)])


def tensor(axes: Sequence) -> np.ndarray:
    """All combinations (n, d) of the values of d axes, the last one running fastest."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes)).astype(float)
