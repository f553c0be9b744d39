"""Coordinates that are stretched where a solution bends sharply, so that a coarse space resolves its fronts.

Along each axis it is looked where the solution changes and where its equations are missed. Where most of that lies
within a small part of the axis, a new coordinate s takes the place of x = X(s): s moves fast where there is much to
see. X is analytic, so that features of s converge as fast as those of x do for smooth functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from spindle.problem.meetings import part_ends
from spindle.problem.problem import Problem

_LINES, _NODES = 24, 801  # on which an axis is looked at
_CENTRES = 8
_FOLLOWED = 3.0  # how much more of the new coordinate follows what is seen there than the old one
_NARROW = 0.2  # share of an axis: where half of what is seen lies in less, the axis is stretched
_FINEST = 1e-4  # of an axis: the narrowest that is looked for
_STEPS = 4  # of Newton's method for X: the last three make its derivatives exact too


@dataclass(frozen=True)
class Stretch:
    """One axis stretched around some centres: ds/dx is 1 far from them and large nearby.

    low, high   the ends of the axis, of the old and of the new coordinate alike
    """

    low: float
    high: float
    centres: tuple[float, ...]
    widths: tuple[float, ...]

    def new(self, x):
        """The new coordinate s at x."""
        return self.low + (self._along(x) - self._along(self.low)) * self._scale

    def old(self, s):
        """The old coordinate x = X(s), for JAX."""
        table = np.unique(np.concatenate([np.linspace(self.low, self.high, _NODES), *self._around()]))
        x = jax.lax.stop_gradient(jnp.interp(s, jnp.asarray(self.new(table)), jnp.asarray(table)))
        for _ in range(_STEPS):
            x = x - (self.new(x) - s) / self.rate(x)
        return x

    def rate(self, x):
        """ds/dx at x."""
        peaks = sum(1 / (w * (1 + ((x - c) / w) ** 2)) for c, w in zip(self.centres, self.widths, strict=True))
        return (1 + self._share * peaks) * self._scale

    @property
    def _share(self) -> float:
        return _FOLLOWED * (self.high - self.low) / (np.pi * len(self.centres))

    @property
    def _scale(self) -> float:
        return (self.high - self.low) / float(self._along(self.high) - self._along(self.low))

    def _along(self, x):
        library = np if isinstance(x, (float, np.ndarray)) else jnp
        return x + self._share * sum(
            library.arctan((x - c) / w) for c, w in zip(self.centres, self.widths, strict=True)
        )

    def _around(self):
        near = np.sinh(np.linspace(-6, 6, 101))
        return [np.clip(c + w * near, self.low, self.high) for c, w in zip(self.centres, self.widths, strict=True)]


def stretches(problem: Problem, values: Callable) -> dict[int, Stretch]:
    """{axis: stretch} for the axes along which solution or residuals are concentrated.

    values   (expression, points (n, d)) -> values (n,) of the solution
    """
    by_axis = {}
    for axis in _free(problem):
        stretch = _stretch(problem, axis, values)
        if stretch is not None:
            by_axis[axis] = stretch
    return by_axis


def _free(problem: Problem) -> list[int]:
    """Axes without periodicity and without normal derivatives at their ends; none where there are measurements."""
    if problem.beside_parts:
        return []
    taken = set(problem.periodic_axes) | {k for k in range(len(problem.coordinates)) if part_ends(problem, k)}
    for condition in problem.conditions:
        if condition.role.has_slopes:
            taken |= {face.axis for piece in problem.pieces[condition.name] for face, _ in piece.on_faces}
    return [k for k in range(len(problem.coordinates)) if k not in taken]


def _stretch(problem: Problem, axis: int, values: Callable) -> Stretch | None:
    nodes = np.linspace(*problem.domain.bounds[axis], _NODES)
    return around(nodes, _seen(problem, axis, nodes, values))


def around(nodes: np.ndarray, seen: np.ndarray) -> Stretch | None:
    """An axis stretched where `seen`, a share for each pair of next nodes, is large; None where it is spread out."""
    low, high, total = float(nodes[0]), float(nodes[-1]), float(seen.sum())
    gaps = np.diff(nodes)
    densest = np.argsort(-seen / gaps)
    half = np.searchsorted(np.cumsum(seen[densest]), 0.5 * total)
    if not total > 0 or gaps[densest[: half + 1]].sum() > _NARROW * (high - low):
        return None
    cumulated = np.concatenate([[0.0], np.cumsum(seen)]) / total
    edges = np.interp(np.arange(_CENTRES + 1) / _CENTRES, cumulated, nodes)
    centres = np.interp((np.arange(_CENTRES) + 0.5) / _CENTRES, cumulated, nodes)
    widths = np.maximum(np.diff(edges), _FINEST * (high - low))
    return Stretch(low, high, tuple(map(float, centres)), tuple(map(float, widths)))


def _seen(problem: Problem, axis: int, nodes, values: Callable) -> np.ndarray:
    """Between neighbouring nodes: mean squares over lines of slopes and of residuals, each relative to its sum."""
    low, high = np.array(problem.domain.bounds).T
    starts = low + (high - low) * np.random.default_rng(1).uniform(size=(_LINES, len(low)))
    points = np.repeat(starts, len(nodes), axis=0)
    points[:, axis] = np.tile(nodes, _LINES)
    total = np.zeros(len(nodes) - 1)
    slopes = [np.diff(values(u, points).reshape(_LINES, -1), axis=1) for u in problem.unknowns]
    missed = [values(e.residual, points).reshape(_LINES, -1)[:, 1:] for e in problem.equations]
    for rows in (*slopes, *missed):
        profile = np.mean(np.nan_to_num(rows) ** 2, axis=0)
        total += profile / max(profile.sum(), np.finfo(float).tiny)
    return total
