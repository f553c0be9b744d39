"""Elements along one axis: which of their functions are one and the same, and polynomials on other break points."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spindle.networks import polynomials


@dataclass(frozen=True)
class ElementLine:
    """The joined functions along one axis.

    degree       of the polynomials
    smoothness   continuous derivatives at the nodes
    ring         whether the last node is the first
    """

    degree: int
    smoothness: int
    ring: bool

    @cached_property
    def along(self) -> np.ndarray:
        """The functions of an element, as columns of Legendre coefficients."""
        return polynomials.joining(self.degree, self.smoothness)

    def numbers(self, count: int, broken: Sequence[int] = ()) -> tuple[np.ndarray, int]:
        """(count, degree + 1) of the functions of elements, and how many there are; neighbours share those of nodes.

        broken   elements that share but the first half of the derivatives at their lower end: an interface is there
        """
        ends, nodes = self.smoothness + 1, count + (not self.ring)
        low = np.arange(count)[:, None] * ends + np.arange(ends)
        high = (np.arange(1, count + 1) % nodes)[:, None] * ends + np.arange(ends)
        own = self.degree + 1 - 2 * ends
        inner = nodes * ends + np.arange(count * own).reshape(count, own)
        many, further = nodes * ends + count * own, ends - ends // 2
        for k, element in enumerate(broken):
            low[element, ends // 2 :] = many + k * further + np.arange(further)
        return np.concatenate([low, high, inner], axis=1), many + len(broken) * further

    def factors(self, halves):
        """(.., degree + 1) by which derivatives at nodes become those on elements of half that width."""
        orders = [*range(self.smoothness + 1)] * 2
        powers = np.array([*orders, *[0] * (self.degree + 1 - len(orders))])
        return halves[..., None] ** powers


def moved(series: np.ndarray, breaks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Polynomials (N, degree + 1, ..) between break points as those between others: exact where these only add."""
    degree = series.shape[1] - 1
    nodes, weights = polynomials.gauss(degree + 1)
    where = others[:-1, None] + np.diff(others)[:, None] * (nodes + 1) / 2
    element = np.clip(np.searchsorted(breaks, where, side="right") - 1, 0, len(breaks) - 2)
    inside = 2 * (where - breaks[element]) / np.diff(breaks)[element] - 1
    table = polynomials.values(inside.ravel(), degree).reshape(*where.shape, degree + 1)
    values = np.einsum("eqp,eqp...->eq...", table, series[element])
    project = polynomials.values(nodes, degree).T * weights * (np.arange(degree + 1)[:, None] + 0.5)
    return np.einsum("pq,eq...->ep...", project, values)
