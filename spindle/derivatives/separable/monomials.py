"""What a separated residual is a sum of: constants times products of columns, one column an axis."""

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from spindle.lowering.partials import Partial


@dataclass(frozen=True)
class Monomial:
    """`constant * product of factors * product of partials` of one term of a piece.

    factors    index of the coefficient function on each axis, -1 for none
    partials   with repetition, sorted; empty for a piece of the source
    """

    term: int
    constant: float
    factors: tuple[int, ...]
    partials: tuple[Partial, ...]

    def column(self, axis: int) -> tuple:
        """A key of the columns on an axis; equal keys mean equal columns."""
        slots = tuple((p.unknown, p.orders[axis]) for p in self.partials)
        return self.term, self.factors[axis], slots, self.pattern

    @property
    def pattern(self) -> tuple[int, ...]:
        """How often each different partial occurs; choices of features for equal partials are unordered."""
        return tuple(Counter(self.partials).values())


@cache
def choices(pattern: tuple[int, ...], rank: int) -> tuple[np.ndarray, np.ndarray]:
    """All choices of one feature a factor, (factors, n), and how many orderings each stands for, (n,)."""
    groups = [list(itertools.combinations_with_replacement(range(rank), n)) for n in pattern]
    index, count = [], []
    for choice in itertools.product(*groups):
        index.append([i for group in choice for i in group])
        orderings = (math.factorial(len(g)) // math.prod(map(math.factorial, Counter(g).values())) for g in choice)
        count.append(math.prod(orderings))
    return np.array(index, int).reshape(len(index), -1).T, np.array(count, float)


def number_of_choices(pattern: tuple[int, ...], rank: int) -> int:
    """The number of `choices`."""
    return math.prod(math.comb(rank + n - 1, n) for n in pattern)


@dataclass(frozen=True)
class Layout:
    """The numbers of the columns that each product of a piece multiplies, for one separable rank.

    constants    c_tau, (T,)
    columns_of   for each axis the number of each product's column, (T,)
    sizes        number of products of each monomial
    """

    constants: np.ndarray
    columns_of: tuple[np.ndarray, ...]
    sizes: tuple[int, ...]
