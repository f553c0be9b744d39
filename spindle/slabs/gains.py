"""Whether finer meshes still pay, by how far the solutions on them are apart.

Where a solution is smooth, each mesh brings it nearer by orders of magnitude. At the corner of a jump, where it is not,
halving elements goes on for ever: the last coefficients stay as large as the jump, and the rest hardly moves any more.
"""

import math

_NEAR = 3e-5  # relative change from one mesh to the next, up to which a solution may stay as it is ...
_DEARER = 8.0  # ... where the tolerance takes so many times as many coefficients


class Gains:
    """The changes of a solution from mesh to mesh.

    tolerance   relative change that is wanted in the end
    """

    def __init__(self, tolerance: float):
        self.tolerance = tolerance
        self._seen: list[tuple[int, float]] = []

    def add(self, count: int, change: float) -> None:
        """A mesh with so many coefficients changed the solution by so much."""
        self._seen.append((count, change))

    @property
    def spent(self) -> bool:
        """Whether the last change is small, and the tolerance is far, at the rate at which changes became smaller."""
        if len(self._seen) < 2:
            return False
        (few, large), (many, small) = self._seen[-2:]
        if not self.tolerance < small <= _NEAR:
            return False
        if not small < large or many <= few:
            return True
        rate = math.log(large / small) / math.log(many / few)
        return math.log(small / self.tolerance) > rate * math.log(_DEARER)
