"""Boxes cut along planes into cells, and cells joined to boxes again."""

import math
from collections.abc import Iterable

import numpy as np

from spindle.errors import ProblemError
from spindle.geometry.supports import Bounds

_MOST_CELLS = 200_000


def cells_of(boxes: Iterable[Bounds]) -> tuple[list[list[float]], np.ndarray]:
    """The planes that bound the boxes, an increasing list an axis, and which of the cells between them are filled."""
    boxes = list(boxes)
    cuts = [sorted({end for box in boxes for end in box[k]}) for k in range(len(boxes[0]))]
    count = math.prod(len(c) - 1 for c in cuts)
    if count > _MOST_CELLS:
        raise ProblemError(
            f"The planes that bound {len(boxes)} boxes cut space into {count:,} cells, of which {_MOST_CELLS:,} are "
            f"the most; join fewer boxes, or boxes that share their planes."
        )
    filled = np.zeros([len(c) - 1 for c in cuts], bool)
    for box in boxes:
        filled[tuple(slice(c.index(a), c.index(b)) for c, (a, b) in zip(cuts, box, strict=True))] = True
    return cuts, filled


def rectangles(cuts: list[list[float]], filled: np.ndarray) -> list[Bounds]:
    """Cover the filled cells by disjoint rectangles, each grown greedily axis after axis."""
    left, covering = np.array(filled), []
    while left.any():
        start = np.argwhere(left)[0] if left.ndim else ()
        stop = [i + 1 for i in start]
        for k in range(len(cuts)):
            while stop[k] < left.shape[k]:
                layer = tuple(
                    slice(stop[k], stop[k] + 1) if j == k else slice(start[j], stop[j]) for j in range(len(cuts))
                )
                if not left[layer].all():
                    break
                stop[k] += 1
        left[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = False
        covering.append(tuple((c[a], c[b]) for c, a, b in zip(cuts, start, stop, strict=True)))
    return covering
