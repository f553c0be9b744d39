"""Nodes on an interval, and sequences in a box; grids that are shifted have a file of their own, as sorted times."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import scipy  # its parts are loaded where they are first used: `scipy.stats` takes a third of a second

from spindle.errors import MethodError, nearest

_MOST_GAUSS = 3000
_LEAST = 12  # nodes in a panel between breaks


def _uniform(low, high, n):
    """Equidistant, end points included; every node weighs the same, as in a plain mean."""
    return np.linspace(low, high, n), None


def _midpoint(low, high, n):
    """Midpoints of n equal cells."""
    return low + (high - low) * (np.arange(n) + 0.5) / n, None


def _gauss(low, high, n):
    """Gauss-Legendre nodes and weights: the weighted mean is exact for polynomials of degree 2n - 1."""
    if n > _MOST_GAUSS:
        raise MethodError(
            f"`sampling='gauss'` was given {n:,} points on one axis, which are found by an eigenvalue problem of that "
            f"size; use at most {_MOST_GAUSS:,}, or `sampling='midpoint'`."
        )
    x, w = np.polynomial.legendre.leggauss(n)
    return (low + high) / 2 + (high - low) / 2 * x, w / 2


FIXED: dict[str, Callable] = {"uniform": _uniform, "midpoint": _midpoint, "gauss": _gauss}
RULES = ("random", "shifted", *FIXED)
DRAWN = ("random", "shifted", "sorted")  # the rules that draw new points


def fixed_nodes(rule: str, low: float, high: float, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Nodes (n,) of a rule that does not change, and weights (n,) of sum one, or None for equal weights."""
    if low == high:
        return np.array([low]), None
    return FIXED[rule](low, high, n)


def panel_nodes(low: float, high: float, n: int, breaks: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes (m,) in each panel between breaks, and weights (m,) of sum one.

    No place gets fewer than n nodes on the whole interval would give it, and no panel fewer than `_LEAST`.
    """
    nodes, weights = [], []
    for (a, b), count in zip(panels(low, high, breaks), panel_counts(low, high, n, breaks), strict=True):
        x, w = _gauss(a, b, count)
        nodes.append(x)
        weights.append(w * (b - a) / (high - low))
    return np.concatenate(nodes), np.concatenate(weights)


def panels(low: float, high: float, breaks: Sequence[float]) -> list[tuple[float, float]]:
    """The panels, (low, high) pairs, into which breaks cut an interval."""
    return list(pairwise([low, *(x for x in breaks if low < x < high), high]))


def panel_counts(low: float, high: float, n: int, breaks: Sequence[float]) -> list[int]:
    """The number of nodes in each panel: as many as a rule of n nodes has there, and a few more beside breaks."""
    ends = np.array(panels(low, high, breaks))
    if len(ends) == 1:
        return [n]
    angles = np.arccos(np.clip(1 - 2 * (ends - low) / (high - low), -1, 1)) / np.pi
    return [_LEAST + int(np.ceil(n * (b - a))) for a, b in angles]


def spread(low: np.ndarray, high: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ends (count, d) of the cell that each of so many points lies in, and its weight, (count,) of sum one.

    low, high   (c, d) ends of cells that fill a domain; an axis along which all are flat is none

    Half of the points lie in any cell alike, half in each by its size: what is small is seen, what is large as well.
    """
    sizes = np.prod(np.where(high > low, high - low, 1.0), axis=1)
    shares = sizes / sizes.sum()
    often = (shares + 1 / len(shares)) / 2
    chosen = np.searchsorted(np.cumsum(often), (np.arange(count) + 0.5) / count)
    chosen = np.minimum(chosen, len(shares) - 1)
    weights = shares[chosen] / often[chosen]
    return low[chosen], high[chosen], weights / weights.sum()


def random_nodes(key, low: float, high: float, n: int) -> jax.Array:
    """n independent uniform nodes, or the single value of a degenerate interval."""
    if low == high:
        return jnp.full((1,), low)
    return jax.random.uniform(key, (n,), minval=low, maxval=high)


def check_rule(rule: str, rules=RULES) -> None:
    """Raise MethodError unless the rule exists."""
    if rule not in rules:
        raise MethodError(f"`sampling={rule!r}` is no known rule for collocation points." + nearest(str(rule), rules))


def sobol(low, high, count: int, *, seed: int) -> np.ndarray:
    """The first points (count, d) of a scrambled Sobol sequence in a box; it is made in powers of two."""
    sequence = scipy.stats.qmc.Sobol(len(low), rng=np.random.default_rng(seed))
    return low + (high - low) * sequence.random_base2((count - 1).bit_length())[:count]


def halton(low, high, count: int, *, seed: int) -> np.ndarray:
    """The first points (count, d) of a scrambled Halton sequence in a box, for any count alike."""
    sequence = scipy.stats.qmc.Halton(len(low), rng=np.random.default_rng(seed))
    return low + (high - low) * sequence.random(count)


def latin_hypercube(low, high, count: int, *, seed: int) -> np.ndarray:
    """Points (count, d) of which each of as many equal slices of every axis has one (McKay, Beckman & Conover 1979)."""
    sample = scipy.stats.qmc.LatinHypercube(len(low), rng=np.random.default_rng(seed))
    return low + (high - low) * sample.random(count)


# The sequences that clouds of points can be taken from, (low, high, count, seed) -> points (count, d).
SEQUENCES: dict[str, Callable] = {"sobol": sobol, "halton": halton, "latin hypercube": latin_hypercube}
